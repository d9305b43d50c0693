//! Writes PKCS#12 (RFC 7292) in DER: one key, its certificate, and authorities. The layout is that of Keychain
//! Access: the certificates in an encrypted safe, then the key in a bag of its own.

use p12::{
    AlgorithmIdentifier, CertBag, ContentInfo, DigestInfo, EncryptedContentInfo, EncryptedData, MacData,
    OtherAlgorithmIdentifier, OtherAttribute, PFX, PKCS12Attribute, SafeBag, SafeBagKind,
};
use serde::Serialize;
use yasna::models::ObjectIdentifier;

use crate::crypto::digest::Hash;
use crate::crypto::encrypt::{EncryptError, Encryption, random};
use crate::crypto::kdf::{DerivedFor, Pkcs12Kdf};
use crate::key::PrivateKey;
use crate::secret::{Password, PasswordEncodings};

/// The version of PKCS#12 (RFC 7292 section 4).
const VERSION: u8 = 3;

/// SHA-256 (FIPS 180-4), as the DER writer takes it.
const SHA256: [u64; 9] = [2, 16, 840, 1, 101, 3, 4, 2, 1];

/// trustedKeyUsage of Oracle, as the DER writer takes it.
const TRUSTED_KEY_USAGE: [u64; 8] = [2, 16, 840, 1, 113_894, 746_875, 1, 1];

/// anyExtendedKeyUsage (RFC 5280 section 4.2.1.12).
const ANY_EXTENDED_KEY_USAGE: [u64; 5] = [2, 5, 29, 37, 0];

/// The program that is to read the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Profile {
    /// Every macOS: 3DES for certificates and key, MAC with SHA-1.
    Keychain,
    /// As OpenSSL 3 writes it: AES-256, MAC with SHA-256.
    Modern,
    /// As Java writes it: as [`Profile::Modern`], with more iterations.
    Java,
}

impl Profile {
    fn encryption(self) -> Encryption {
        match self {
            Self::Keychain => Encryption::TripleDes,
            Self::Modern | Self::Java => Encryption::Aes256,
        }
    }

    /// Returns the count of every key derivation, that of the MAC too: what the writers it is named after use.
    fn iterations(self) -> u32 {
        match self {
            Self::Keychain | Self::Modern => 2048,
            Self::Java => 10_000,
        }
    }

    fn hash(self) -> Hash {
        match self {
            Self::Keychain => Hash::Sha1,
            Self::Modern | Self::Java => Hash::Sha256,
        }
    }
}

/// The contents of a file.
#[derive(Debug, Clone)]
pub(crate) struct Pkcs12Input<'a> {
    /// The certificate, DER.
    pub(crate) certificate: &'a [u8],
    /// The friendlyName of the certificate.
    pub(crate) certificate_name: &'a str,
    /// The key of the certificate.
    pub(crate) key: &'a PrivateKey,
    /// The friendlyName of the key.
    pub(crate) key_name: &'a str,
    pub(crate) authorities: Vec<NamedCertificate<'a>>,
}

/// A CA certificate, DER, with its friendlyName.
#[derive(Debug, Clone)]
pub(crate) struct NamedCertificate<'a> {
    pub(crate) der: &'a [u8],
    pub(crate) name: &'a str,
    /// Java is to trust it by itself (trustedCertEntry).
    pub(crate) is_trusted: bool,
}

/// Writes the file. The localKeyID that ties certificate and key is the key identifier of RFC 5280
/// section 4.2.1.2 (1), as Keychain has it.
///
/// # Errors
/// When the system has no randomness to give.
pub(crate) fn write(profile: Profile, input: &Pkcs12Input<'_>, password: &Password) -> Result<Vec<u8>, EncryptError> {
    let password = PasswordEncodings::of(Some(password));
    let certificates = encrypted_certificates(profile, input, &password)?;
    let key = encrypted_key(profile, input, &password)?;
    let safe = yasna::construct_der(|writer| {
        writer.write_sequence_of(|safes| {
            certificates.write(safes.next());
            key.write(safes.next());
        });
    });
    let mac_data = Some(mac(profile, &safe, &password)?);
    Ok(PFX { version: VERSION, auth_safe: ContentInfo::Data(safe), mac_data }.to_der())
}

fn encrypted_certificates(
    profile: Profile,
    input: &Pkcs12Input<'_>,
    password: &PasswordEncodings,
) -> Result<ContentInfo, EncryptError> {
    let mut bags = vec![certificate_bag(input.certificate, tied_attributes(input, input.certificate_name))];
    for authority in &input.authorities {
        let mut attributes = vec![PKCS12Attribute::FriendlyName(authority.name.to_owned())];
        if authority.is_trusted {
            attributes.push(trusted_uses());
        }
        bags.push(certificate_bag(authority.der, attributes));
    }
    let encrypted = profile.encryption().encrypt(password, profile.iterations(), &safe_contents(&bags))?;
    let encrypted_content_info =
        EncryptedContentInfo { content_encryption_algorithm: encrypted.algorithm, encrypted_content: encrypted.bytes };
    Ok(ContentInfo::EncryptedData(EncryptedData { encrypted_content_info }))
}

fn encrypted_key(
    profile: Profile,
    input: &Pkcs12Input<'_>,
    password: &PasswordEncodings,
) -> Result<ContentInfo, EncryptError> {
    let encrypted = profile.encryption().encrypt(password, profile.iterations(), input.key.pkcs8())?;
    let bag = SafeBag {
        bag: SafeBagKind::Pkcs8ShroudedKeyBag(encrypted.into()),
        attributes: tied_attributes(input, input.key_name),
    };
    Ok(ContentInfo::Data(safe_contents(&[bag])))
}

fn certificate_bag(der: &[u8], attributes: Vec<PKCS12Attribute>) -> SafeBag {
    SafeBag { bag: SafeBagKind::CertBag(CertBag::X509(der.to_vec())), attributes }
}

/// Returns the attribute by which Java knows what it trusts, for any use, as keytool writes it.
fn trusted_uses() -> PKCS12Attribute {
    let any = ObjectIdentifier::from_slice(&ANY_EXTENDED_KEY_USAGE);
    let data = vec![yasna::construct_der(|writer| writer.write_oid(&any))];
    PKCS12Attribute::Other(OtherAttribute { oid: ObjectIdentifier::from_slice(&TRUSTED_KEY_USAGE), data })
}

/// Returns the attributes that the certificate and its key have: they tie them together.
fn tied_attributes(input: &Pkcs12Input<'_>, name: &str) -> Vec<PKCS12Attribute> {
    let id = input.key.public().key_id();
    vec![PKCS12Attribute::FriendlyName(name.to_owned()), PKCS12Attribute::LocalKeyId(id)]
}

fn safe_contents(bags: &[SafeBag]) -> Vec<u8> {
    yasna::construct_der(|writer| {
        writer.write_sequence_of(|list| {
            for bag in bags {
                bag.write(list.next());
            }
        });
    })
}

fn mac(profile: Profile, content: &[u8], password: &PasswordEncodings) -> Result<MacData, EncryptError> {
    let (hash, iterations) = (profile.hash(), profile.iterations());
    // Keychain's length for its own; OpenSSL's of late for the others.
    let salt = match profile {
        Profile::Keychain => random::<8>()?.to_vec(),
        Profile::Modern | Profile::Java => random::<16>()?.to_vec(),
    };
    let kdf = Pkcs12Kdf { hash, salt, iterations: iterations.into() };
    let key = kdf.derive(&password.bmp[0], DerivedFor::Mac, hash.length())?;
    let digest_algorithm = match profile {
        Profile::Keychain => AlgorithmIdentifier::Sha1,
        Profile::Modern | Profile::Java => AlgorithmIdentifier::OtherAlg(OtherAlgorithmIdentifier {
            algorithm_type: ObjectIdentifier::from_slice(&SHA256),
            params: Some(yasna::construct_der(|writer| writer.write_null())),
        }),
    };
    Ok(MacData { mac: DigestInfo { digest_algorithm, digest: hash.hmac(&key, content) }, salt: kdf.salt, iterations })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::pem;
    use crate::pkcs12::{Bag, BagContent, Pfx, Unlocked};
    use crate::test_support::fixture;

    fn open(pfx: &Pfx<'_>, password: &str) -> Option<Vec<Bag>> {
        match pfx.safes().unwrap().open(Some(&Password::new(password.into())), &Limits::default()).unwrap() {
            Unlocked::Opened(opened) => Some(opened.bags),
            Unlocked::WrongPassword | Unlocked::KeyPassword => None,
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let certificate = fixture("der/universal.cer");
        let authority = &pem::parse(&fixture("ca/intermediate.pem")).unwrap()[0].der.to_vec();
        let key = PrivateKey::from_pkcs8(&pem::parse(&fixture("key/push.pem")).unwrap()[0].der).unwrap();
        let input = Pkcs12Input {
            certificate: &certificate,
            certificate_name: "株 🔔",
            key: &key,
            key_name: "Jo",
            authorities: vec![NamedCertificate { der: authority, name: "Authority", is_trusted: true }],
        };
        for (profile, mac, encryption) in [
            (Profile::Keychain, "HMAC-SHA1", "pbeWithSHAAnd3-KeyTripleDES-CBC"),
            (Profile::Modern, "HMAC-SHA256", "PBES2 (PBKDF2 with HMAC-SHA256, AES-256-CBC)"),
            (Profile::Java, "HMAC-SHA256", "PBES2 (PBKDF2 with HMAC-SHA256, AES-256-CBC)"),
        ] {
            let password = Password::new("sésame 🔑".into());
            let file = write(profile, &input, &password).unwrap();
            let pfx = Pfx::parse(&file).unwrap();
            let info = pfx.info().unwrap();
            assert_eq!(info.mac.as_deref(), Some(mac));
            assert_eq!(info.certificate_encryption.as_deref(), Some(encryption));
            assert_eq!(info.key_encryption.as_deref(), Some(encryption));
            assert!(open(&pfx, "sesame").is_none());
            let bags = open(&pfx, "sésame 🔑").unwrap();
            let names: Vec<_> = bags.iter().map(|bag| bag.friendly_name().unwrap()).collect();
            assert_eq!(names, ["株 🔔", "Authority", "Jo"]);
            let id = Some(key.public().key_id());
            assert_eq!(bags.iter().map(Bag::local_key_id).collect::<Vec<_>>(), [id.clone(), None, id]);
            assert_eq!(bags.iter().map(Bag::is_trusted).collect::<Vec<_>>(), [false, true, false]);
            assert!(matches!(&bags[0].content, BagContent::Certificate(der) if *der == certificate));
            assert!(matches!(&bags[1].content, BagContent::Certificate(der) if der == authority));
            assert!(matches!(&bags[2].content, BagContent::Key(der) if der.as_slice() == key.pkcs8()));
            let again = write(profile, &input, &password).unwrap();
            assert_ne!(again, file, "every salt is another");
        }
    }
}
