//! The names of algorithms that are not implemented, so that a message can say what a file uses.

use openssl::asn1::Asn1Object;
use openssl::nid::Nid;
use x509_parser::asn1_rs::{Oid, oid};

/// What helps with an algorithm that is not implemented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// OpenSSL 3 with its legacy provider reads it, and can write it anew.
    OpenSsl,
    /// Only the program that wrote it may read it.
    ExportAgain,
}

/// An algorithm that is known by name only.
pub(super) struct UnsupportedAlgorithm {
    oid: Oid<'static>,
    pub(super) name: &'static str,
    pub(super) remedy: Remedy,
}

macro_rules! unsupported {
    ($remedy:ident: $($name:literal $oid:expr),* $(,)?) => {
        [$(UnsupportedAlgorithm { oid: $oid, name: $name, remedy: Remedy::$remedy }),*]
    };
}

/// Password-based encryption, ciphers and hashes that `openssl pkcs12 -legacy` reads.
static READ_BY_OPENSSL: [UnsupportedAlgorithm; 18] = unsupported!(OpenSsl:
    "AES-128-ECB" oid!(2.16.840.1.101.3.4.1.1),
    "AES-192-ECB" oid!(2.16.840.1.101.3.4.1.21),
    "AES-256-ECB" oid!(2.16.840.1.101.3.4.1.41),
    "ARIA-128-CBC" oid!(1.2.410.200046.1.1.2),
    "ARIA-192-CBC" oid!(1.2.410.200046.1.1.7),
    "ARIA-256-CBC" oid!(1.2.410.200046.1.1.12),
    "Blowfish-CBC" oid!(1.3.6.1.4.1.3029.1.2),
    "CAST5-CBC" oid!(1.2.840.113533.7.66.10),
    "DES-ECB" oid!(1.3.14.3.2.6),
    "IDEA-CBC" oid!(1.3.6.1.4.1.188.7.1.1.2),
    "SEED-CBC" oid!(1.2.410.200004.1.4),
    "SM4-CBC" oid!(1.2.156.10197.1.104.2),
    "BLAKE2b512" oid!(1.3.6.1.4.1.1722.12.2.1.16),
    "BLAKE2s256" oid!(1.3.6.1.4.1.1722.12.2.2.8),
    "MD4" oid!(1.2.840.113549.2.4),
    "RIPEMD-160" oid!(1.3.36.3.2.1),
    "SM3" oid!(1.2.156.10197.1.401),
    "Whirlpool" oid!(1.0.10118.3.0.55),
);

/// Those that the openssl command does not read, in its usual builds, or not in password-based encryption.
static OTHERS: [UnsupportedAlgorithm; 20] = unsupported!(ExportAgain:
    "pbeWithMD2AndDES-CBC" oid!(1.2.840.113549.1.5.1),
    "pbeWithMD2AndRC2-CBC" oid!(1.2.840.113549.1.5.4),
    "PBMAC1" oid!(1.2.840.113549.1.5.14),
    "MD2" oid!(1.2.840.113549.2.2),
    "RC5-CBC" oid!(1.2.840.113549.3.9),
    "AES-128-wrap" oid!(2.16.840.1.101.3.4.1.5),
    "AES-128-GCM" oid!(2.16.840.1.101.3.4.1.6),
    "AES-128-CCM" oid!(2.16.840.1.101.3.4.1.7),
    "AES-192-wrap" oid!(2.16.840.1.101.3.4.1.25),
    "AES-192-GCM" oid!(2.16.840.1.101.3.4.1.26),
    "AES-192-CCM" oid!(2.16.840.1.101.3.4.1.27),
    "AES-256-wrap" oid!(2.16.840.1.101.3.4.1.45),
    "AES-256-GCM" oid!(2.16.840.1.101.3.4.1.46),
    "AES-256-CCM" oid!(2.16.840.1.101.3.4.1.47),
    "ChaCha20-Poly1305" oid!(1.2.840.113549.1.9.16.3.18),
    "GOST 28147-89" oid!(1.2.643.2.2.21),
    "GOST R 34.11-94" oid!(1.2.643.2.2.9),
    "GOST R 34.11-2012" oid!(1.2.643.7.1.1.2.2),
    "GOST R 34.11-2012, 512 bits" oid!(1.2.643.7.1.1.2.3),
    "scrypt" oid!(1.3.6.1.4.1.11591.4.11),
);

/// The cipher names of a `DEK-Info` header that OpenSSL writes and reads, as it spells them.
const READ_BY_OPENSSL_IN_PEM: &str = "
    AES-128-CFB AES-128-CFB1 AES-128-CFB8 AES-128-CTR AES-128-OFB AES-192-CFB AES-192-CFB1 AES-192-CFB8 AES-192-CTR
    AES-192-OFB AES-256-CFB AES-256-CFB1 AES-256-CFB8 AES-256-CTR AES-256-OFB ARIA-128-CBC ARIA-128-CFB ARIA-128-CFB1
    ARIA-128-CFB8 ARIA-128-CTR ARIA-128-OFB ARIA-192-CBC ARIA-192-CFB ARIA-192-CFB1 ARIA-192-CFB8 ARIA-192-CTR
    ARIA-192-OFB ARIA-256-CBC ARIA-256-CFB ARIA-256-CFB1 ARIA-256-CFB8 ARIA-256-CTR ARIA-256-OFB BF-CBC BF-CFB BF-OFB
    CAMELLIA-128-CFB CAMELLIA-128-CFB1 CAMELLIA-128-CFB8 CAMELLIA-128-CTR CAMELLIA-128-OFB CAMELLIA-192-CFB
    CAMELLIA-192-CFB1 CAMELLIA-192-CFB8 CAMELLIA-192-CTR CAMELLIA-192-OFB CAMELLIA-256-CFB CAMELLIA-256-CFB1
    CAMELLIA-256-CFB8 CAMELLIA-256-CTR CAMELLIA-256-OFB CAST5-CBC CAST5-CFB CAST5-OFB ChaCha20 DES-CFB DES-CFB1 DES-CFB8
    DES-EDE-CFB DES-EDE-OFB DES-EDE3-CFB DES-EDE3-CFB1 DES-EDE3-CFB8 DES-EDE3-OFB DES-OFB DESX-CBC IDEA-CBC IDEA-CFB
    IDEA-OFB RC2-CFB RC2-OFB RC5-CBC RC5-CFB RC5-OFB SEED-CBC SEED-CFB SEED-OFB SM4-CBC SM4-CFB SM4-CTR SM4-OFB";

/// The other names of ciphers that OpenSSL has. It does not read them there.
const OTHERS_IN_PEM: &str = "
    AES-128-CCM AES-128-ECB AES-128-GCM AES-128-OCB AES-128-SIV AES-128-WRAP AES-128-XTS AES-192-CCM AES-192-ECB
    AES-192-GCM AES-192-OCB AES-192-SIV AES-192-WRAP AES-256-CCM AES-256-ECB AES-256-GCM AES-256-OCB AES-256-SIV
    AES-256-WRAP AES-256-XTS ARIA-128-CCM ARIA-128-ECB ARIA-128-GCM ARIA-192-CCM ARIA-192-ECB ARIA-192-GCM ARIA-256-CCM
    ARIA-256-ECB ARIA-256-GCM BF-ECB CAMELLIA-128-ECB CAMELLIA-192-ECB CAMELLIA-256-ECB CAST5-ECB ChaCha20-Poly1305
    DES-ECB DES-EDE DES-EDE3 IDEA-ECB RC2-ECB RC4 RC4-40 RC4-HMAC-MD5 RC5-ECB SEED-ECB SM4-ECB
    id-aes128-CCM id-aes128-GCM id-aes128-wrap id-aes128-wrap-pad id-aes192-CCM id-aes192-GCM id-aes192-wrap
    id-aes192-wrap-pad id-aes256-CCM id-aes256-GCM id-aes256-wrap id-aes256-wrap-pad id-smime-alg-CMS3DESwrap";

/// Finds an algorithm that is known by name only.
pub(super) fn find(oid: &Oid<'_>) -> Option<&'static UnsupportedAlgorithm> {
    READ_BY_OPENSSL.iter().chain(&OTHERS).find(|known| known.oid == *oid)
}

/// The number (NID) of the last object that OpenSSL 3.0 knows, id-ct-signedChecklist: the last line of
/// `openssl list -objects` of 3.0.22, and its number in `openssl/obj_mac.h`. Objects are only ever appended.
pub(crate) const LAST_OF_OPENSSL_3_0: i32 = 1247;

/// Returns OpenSSL's name of an object.
pub(crate) fn long_name(dotted: &str) -> Option<&'static str> {
    long_name_up_to(i32::MAX, dotted)
}

/// Returns the name of an object that an older OpenSSL has, whose last object has this number.
pub(crate) fn long_name_up_to(last: i32, dotted: &str) -> Option<&'static str> {
    let nid = Asn1Object::from_str(dotted).ok()?.nid();
    if nid == Nid::UNDEF || nid.as_raw() > last {
        return None;
    }
    nid.long_name().ok()
}

/// A cipher that OpenSSL knows by this name.
pub(super) struct NamedCipher {
    pub(super) name: &'static str,
    pub(super) remedy: Remedy,
}

/// Finds the name of a cipher as OpenSSL spells it. The name that is sought is foreign text, and what is found is not.
pub(super) fn find_in_pem(name: &str) -> Option<NamedCipher> {
    for (list, remedy) in [(READ_BY_OPENSSL_IN_PEM, Remedy::OpenSsl), (OTHERS_IN_PEM, Remedy::ExportAgain)] {
        for known in list.split_ascii_whitespace() {
            if known.eq_ignore_ascii_case(name) {
                return Some(NamedCipher { name: known, remedy });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_algorithm_has_one_row() {
        let mut oids = Vec::new();
        for known in READ_BY_OPENSSL.iter().chain(&OTHERS) {
            assert!(!oids.contains(&known.oid), "{}", known.name);
            oids.push(known.oid.clone());
        }
    }

    #[test]
    fn a_cipher_is_named_as_openssl_spells_it() {
        let name = |text: &str| find_in_pem(text).map(|cipher| cipher.name);
        assert_eq!(name("ID-AES256-gcm"), Some("id-aes256-GCM"));
        assert_eq!(name("bf-cbc"), Some("BF-CBC"));
        assert_eq!(name("hunter2"), None);
        assert_eq!(name(""), None);
    }
}
