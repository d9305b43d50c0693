//! Files and structures that are often taken for a certificate, and are none.

use crate::container::addressed;
use crate::pkcs12::Holds;

/// A file or structure that is often taken for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookalike {
    Jks,
    Jceks,
    BouncyCastle,
    BouncyCastleFips,
    StoreOfWindows,
    KeePass,
    Sqlite,
    Zip,
    Tar,
    Gzip,
    SevenZip,
    Xz,
    Bzip2,
    Zstd,
    PropertyList,
    Xml,
    WebPage,
    SshPublicKey,
    OpensshKey,
    TpmKey,
    PuttyKey,
    PvkKey,
    KeyBlob,
    Jwk,
    PublicJwk,
    XmlKey,
    BindKey,
    KeyText,
    PgpBlock,
    PgpPublicKey,
    PgpSignature,
    AgeFile,
    PassphraseFile,
    MatchFile,
    AnsibleVault,
    SopsFile,
    Eyaml,
    Jwe,
    GitCrypt,
    GitLfsPointer,
    Keychain,
    AppleDouble,
    Pdf,
    RichText,
    ProvisioningProfile,
    RevocationList,
    PublicKey,
    Parameters,
    OcspResponse,
    OcspRequest,
    TimestampQuery,
    TimestampResponse,
    AttributeCertificate,
    SslSession,
    SignedPublicKey,
    EncryptedMessage,
    Message,
    Uuencoded,
    HexDump,
    CertutilDump,
    ByteDump,
    WordDump,
    OctalDump,
    OctalWordDump,
    BitDump,
    LittleEndianDump,
    DecimalDump,
    DecimalWordDump,
    CharacterDump,
    NamedCharacters,
    FormatHex,
    DebuggerDump,
    CertificateText,
    UnknownKey,
    UnknownBlock,
}

struct LookalikeRow {
    kind: Lookalike,
    /// The first bytes of such files, in small letters where they are a text.
    starts: &'static [&'static [u8]],
    name: &'static str,
    /// The kind of thing that may be in it, out of reach.
    holds: Holds,
    hint: Option<&'static str>,
}

const KEYTOOL: &str = "make a PKCS#12 file of it with: keytool -importkeystore -srckeystore FILE -destkeystore cert.p12 -deststoretype PKCS12";
const UNPACK: &str = "unpack it first";
const SIGN_IN: &str = "sign in and download the certificate again";
const DECRYPT: &str = "decrypt it first, with the program that encrypted it";
const SSH_KEYGEN: &str = "make a key in PEM of a copy of it with: ssh-keygen -p -m PEM -f COPY (RSA and ECDSA keys; no other kind serves for push)";
const AS_PKCS8: &str = "export the key in PKCS#8, as PEM, with the program that made it";
const MATCH: &str =
    "decrypt it with the passphrase of the repository: fastlane match decrypts what it downloads (MATCH_PASSWORD)";
const PLAIN_TEXT: &str = "save it as plain text, or export the certificate again";
const NOT_A_CERTIFICATE: &str = "a certificate is expected: a .p12, .cer or .pem file that holds one";

impl LookalikeRow {
    const fn new(
        kind: Lookalike,
        name: &'static str,
        holds: Holds,
        starts: &'static [&'static [u8]],
        hint: &'static str,
    ) -> Self {
        Self { kind, starts, name, holds, hint: Some(hint) }
    }
}

/// In the order of [`Lookalike`].
static LOOKALIKES: [LookalikeRow; 75] = {
    use Holds::{Anything, Key, Other};
    use Lookalike as L;
    [
        LookalikeRow::new(L::Jks, "a Java keystore (JKS)", Anything, &[b"\xfe\xed\xfe\xed"], KEYTOOL),
        LookalikeRow::new(L::Jceks, "a Java keystore (JCEKS)", Anything, &[b"\xce\xce\xce\xce"], KEYTOOL),
        LookalikeRow::new(
            L::BouncyCastle,
            "a BouncyCastle keystore (BKS or UBER)",
            Anything,
            &[b"\0\0\0\x01\0\0\0\x14", b"\0\0\0\x02\0\0\0\x14"],
            "make a PKCS#12 file of it with keytool and BouncyCastle's provider (bcprov.jar): keytool -importkeystore -srckeystore FILE -srcstoretype BKS -destkeystore cert.p12 -deststoretype PKCS12 -providerclass org.bouncycastle.jce.provider.BouncyCastleProvider -providerpath bcprov.jar (-srcstoretype UBER for UBER)",
        ),
        LookalikeRow::new(
            L::BouncyCastleFips,
            "a BouncyCastle keystore (BCFKS)",
            Anything,
            &[],
            "make a PKCS#12 file of it with keytool and BouncyCastle's provider (bcprov.jar): keytool -importkeystore -srckeystore FILE -srcstoretype BCFKS -destkeystore cert.p12 -deststoretype PKCS12 -providerclass org.bouncycastle.jce.provider.BouncyCastleProvider -providerpath bcprov.jar",
        ),
        LookalikeRow::new(
            L::StoreOfWindows,
            "a certificate store of Windows (.sst)",
            Anything,
            &[b"\0\0\0\0CERT"],
            "export its certificates as .cer files, or as .p7b",
        ),
        LookalikeRow::new(
            L::KeePass,
            "a KeePass database",
            Anything,
            &[b"\x03\xd9\xa2\x9a"],
            "export the certificate from it first: keepassxc-cli attachment-export FILE ENTRY NAME OUT",
        ),
        LookalikeRow::new(
            L::Sqlite,
            "an SQLite database",
            Anything,
            &[b"SQLite format 3\0"],
            "export the certificate from the program that keeps it (of NSS, cert9.db: pk12util -d FOLDER -o cert.p12 -n NAME)",
        ),
        LookalikeRow::new(L::Zip, "a ZIP archive", Anything, &[b"PK\x03\x04"], UNPACK),
        LookalikeRow::new(L::Tar, "a tar archive", Anything, &[], UNPACK),
        LookalikeRow::new(L::Gzip, "a gzip archive", Anything, &[b"\x1f\x8b"], UNPACK),
        LookalikeRow::new(L::SevenZip, "a 7z archive", Anything, &[b"7z\xbc\xaf\x27\x1c"], UNPACK),
        LookalikeRow::new(L::Xz, "an xz archive", Anything, &[b"\xfd7zXZ\0"], UNPACK),
        LookalikeRow::new(L::Bzip2, "a bzip2 archive", Anything, &[b"BZh"], UNPACK),
        LookalikeRow::new(L::Zstd, "a Zstandard archive", Anything, &[b"\x28\xb5\x2f\xfd"], UNPACK),
        LookalikeRow { hint: None, ..LookalikeRow::new(L::PropertyList, "a property list", Other, &[b"bplist"], "") },
        LookalikeRow { hint: None, ..LookalikeRow::new(L::Xml, "an XML document", Other, &[b"<?xml"], "") },
        LookalikeRow::new(L::WebPage, "a web page", Other, &[b"<!doctype", b"<html"], SIGN_IN),
        LookalikeRow {
            hint: None,
            ..LookalikeRow::new(
                L::SshPublicKey,
                "an SSH public key",
                Other,
                &[b"ssh-", b"ecdsa-sha2-", b"---- begin ssh2 public key"],
                "",
            )
        },
        LookalikeRow::new(L::OpensshKey, "an OpenSSH private key", Key, &[b"openssh-key-v1\0"], SSH_KEYGEN),
        LookalikeRow::new(
            L::TpmKey,
            "a key in a TPM (TSS2)",
            Key,
            &[],
            "it works in its TPM alone: make a new key and a new request with pushcert csr",
        ),
        LookalikeRow::new(
            L::PuttyKey,
            "a PuTTY private key",
            Key,
            &[b"putty-user-key-file-"],
            "export it from PuTTYgen: Conversions, Export OpenSSH key; then: ssh-keygen -p -m PEM -f COPY",
        ),
        LookalikeRow::new(
            L::PvkKey,
            "a private key in Microsoft's PVK format",
            Key,
            &[b"\x1e\xf1\xb5\xb0"],
            "make a key in PEM of it with: openssl rsa -inform PVK -in FILE -out push.key",
        ),
        LookalikeRow::new(
            L::KeyBlob,
            "a private key in Microsoft's BLOB format (MSBLOB)",
            Key,
            &[b"\x07\x02\0\0\0\x24\0\0", b"\x07\x02\0\0\0\xa4\0\0", b"\x07\x02\0\0\0\x22\0\0"],
            "make a key in PEM of it with: openssl rsa -inform MSBLOB -in FILE -out push.key",
        ),
        LookalikeRow::new(
            L::Jwk,
            "a private key in JSON (JWK)",
            Key,
            &[],
            "make a key in PEM of it with a program that reads JWK, such as node (crypto.createPrivateKey, format: 'jwk')",
        ),
        LookalikeRow::new(L::PublicJwk, "a public key in JSON (JWK)", Other, &[], NOT_A_CERTIFICATE),
        LookalikeRow::new(L::XmlKey, "a key in .NET's XML (RSAKeyValue)", Key, &[b"<rsakeyvalue"], AS_PKCS8),
        LookalikeRow::new(L::BindKey, "a private key of DNSSEC (BIND)", Key, &[b"private-key-format:"], AS_PKCS8),
        LookalikeRow::new(
            L::KeyText,
            "the text of a private key (openssl -text)",
            Key,
            &[b"private-key: (", b"rsa private-key: ("],
            "take the file that the text was made of",
        ),
        LookalikeRow::new(L::PgpBlock, "an OpenPGP message or key", Anything, &[], DECRYPT),
        LookalikeRow::new(L::PgpPublicKey, "an OpenPGP public key", Other, &[], NOT_A_CERTIFICATE),
        LookalikeRow::new(L::PgpSignature, "an OpenPGP signature", Other, &[], NOT_A_CERTIFICATE),
        LookalikeRow::new(L::AgeFile, "a file encrypted with age", Anything, &[b"age-encryption.org/"], DECRYPT),
        LookalikeRow::new(
            L::PassphraseFile,
            "a file encrypted with a passphrase (by fastlane match, or openssl enc)",
            Anything,
            &[b"Salted__"],
            MATCH,
        ),
        LookalikeRow::new(
            L::MatchFile,
            "a file encrypted by fastlane match",
            Anything,
            &[b"match_encrypted_v2__"],
            MATCH,
        ),
        LookalikeRow::new(
            L::AnsibleVault,
            "a file encrypted with Ansible Vault",
            Anything,
            &[b"$ansible_vault;"],
            "decrypt it first with: ansible-vault view FILE (a value in it with: ansible localhost -m debug -a var=NAME -e @FILE --ask-vault-pass)",
        ),
        LookalikeRow::new(
            L::SopsFile,
            "a file encrypted with SOPS",
            Anything,
            &[],
            "decrypt it first with: sops decrypt FILE",
        ),
        LookalikeRow::new(
            L::Eyaml,
            "a file encrypted with eyaml (Hiera)",
            Anything,
            &[],
            "decrypt it first with: eyaml decrypt -e FILE",
        ),
        LookalikeRow::new(L::Jwe, "a file encrypted as JWE", Anything, &[], DECRYPT),
        LookalikeRow::new(
            L::GitCrypt,
            "a file encrypted with git-crypt",
            Anything,
            &[b"\0GITCRYPT\0"],
            "unlock the repository first with: git-crypt unlock",
        ),
        LookalikeRow::new(
            L::GitLfsPointer,
            "a Git LFS pointer",
            Anything,
            &[b"version https://git-lfs.github.com/spec/"],
            "get the file itself with: git lfs pull",
        ),
        LookalikeRow::new(
            L::Keychain,
            "a macOS keychain",
            Anything,
            &[b"kych"],
            "export the certificate with its key from Keychain Access, as a .p12 file",
        ),
        LookalikeRow::new(
            L::AppleDouble,
            "what macOS keeps beside a file (AppleDouble)",
            Other,
            &[b"\0\x05\x16\x07"],
            "take the file of the same name without ._ before it",
        ),
        LookalikeRow { hint: None, ..LookalikeRow::new(L::Pdf, "a PDF document", Other, &[b"%pdf-"], "") },
        LookalikeRow::new(L::RichText, "a rich text document (RTF)", Anything, &[b"{\\rtf"], PLAIN_TEXT),
        LookalikeRow::new(
            L::ProvisioningProfile,
            "a provisioning profile",
            Other,
            &[],
            "a provisioning profile names certificates and has no push certificate in it: download the push certificate itself",
        ),
        LookalikeRow::new(L::RevocationList, "a certificate revocation list (CRL)", Other, &[], NOT_A_CERTIFICATE),
        LookalikeRow::new(L::PublicKey, "a public key", Other, &[], NOT_A_CERTIFICATE),
        LookalikeRow::new(
            L::Parameters,
            "parameters of a key (DH, DSA or EC), and no key",
            Other,
            &[],
            NOT_A_CERTIFICATE,
        ),
        LookalikeRow::new(L::OcspResponse, "an OCSP response", Other, &[], NOT_A_CERTIFICATE),
        LookalikeRow::new(L::OcspRequest, "an OCSP request", Other, &[], NOT_A_CERTIFICATE),
        LookalikeRow::new(L::TimestampQuery, "a time-stamp query", Other, &[], NOT_A_CERTIFICATE),
        LookalikeRow::new(L::TimestampResponse, "a time-stamp response", Other, &[], NOT_A_CERTIFICATE),
        LookalikeRow::new(L::AttributeCertificate, "an attribute certificate", Other, &[], NOT_A_CERTIFICATE),
        LookalikeRow::new(L::SslSession, "a TLS session", Other, &[], NOT_A_CERTIFICATE),
        LookalikeRow::new(L::SignedPublicKey, "a request of Netscape's kind (SPKAC)", Other, &[], NOT_A_CERTIFICATE),
        LookalikeRow::new(L::EncryptedMessage, "an encrypted message (S/MIME)", Other, &[], DECRYPT),
        LookalikeRow::new(
            L::Message,
            "a message (CMS) whose content may be anything",
            Anything,
            &[],
            "take out what is in it: openssl cms -data_out -inform DER -in FILE (-inform PEM where it has a BEGIN line; -digest_verify or \
             -uncompress for others of its kind)",
        ),
        LookalikeRow::new(
            L::Uuencoded,
            "a file encoded with uuencode",
            Anything,
            &[b"begin 6", b"begin 7"],
            "decode it first with: uudecode FILE",
        ),
        LookalikeRow::new(
            L::HexDump,
            "a hex dump",
            Anything,
            &[],
            "make the file of it again with: sed 's/^[^:]*: *//; s/  .*//' FILE | xxd -r -p > NEW",
        ),
        LookalikeRow::new(
            L::CertutilDump,
            "a hex dump",
            Anything,
            &[],
            "make the file of it again with: certutil -decodehex FILE NEW (Windows), or cut -c6-54 FILE | xxd -r -p > NEW",
        ),
        LookalikeRow::new(
            L::ByteDump,
            "a hex dump of bytes (hexdump -C, od -t x1)",
            Anything,
            &[],
            "make the file of it again with: sed 's/^[0-9a-f]* *//; s/ *[|>].*//' FILE | xxd -r -p > NEW",
        ),
        LookalikeRow::new(
            L::WordDump,
            "a hex dump of words (hexdump, od -x)",
            Anything,
            &[],
            "make the file of it again with: perl -ne 's/^\\S+//; print map { scalar reverse pack \"H*\", $_ } split' FILE > NEW",
        ),
        LookalikeRow::new(
            L::OctalDump,
            "an octal dump of bytes (od -b)",
            Anything,
            &[],
            "make the file of it again with: perl -ne 's/^\\S+//; print pack(\"C*\", map { oct } split)' FILE > NEW",
        ),
        LookalikeRow::new(
            L::OctalWordDump,
            "an octal dump (od)",
            Anything,
            &[],
            "make the file of it again with: perl -ne 's/^\\S+//; for (split) { print pack(length > 11 ? \"Q<\" : length > 6 ? \"V\" : \"v\", oct) }' FILE > NEW",
        ),
        LookalikeRow::new(
            L::BitDump,
            "a dump of bits (xxd -b)",
            Anything,
            &[],
            "make the file of it again with: perl -ne 's/^[^:]*:\\s*//; s/  .*//; print pack(\"(B8)*\", split)' FILE > NEW",
        ),
        LookalikeRow::new(
            L::LittleEndianDump,
            "a hex dump of words (xxd -e)",
            Anything,
            &[],
            "make the file of it again with: perl -ne 's/^[^:]*: //; print map { scalar reverse pack \"H*\", $_ } /\\G *((?:[0-9a-f]{2})+) /g' FILE > NEW",
        ),
        LookalikeRow::new(
            L::DecimalDump,
            "a dump of bytes in decimal (od -t u1)",
            Anything,
            &[],
            "make the file of it again with: perl -ne 's/^([^:]*:|\\S+)//; print pack(\"C*\", map { $_ & 255 } split)' FILE > NEW",
        ),
        LookalikeRow::new(
            L::DecimalWordDump,
            "a dump of words in decimal (od -t u2, hexdump -d)",
            Anything,
            &[],
            "make the file of it again with: perl -ne 's/^\\S+//; @n = split; $t ||= {8, \"v*\", 4, \"V*\", 2, \"Q<*\"}->{@n}; print pack($t, @n)' FILE > NEW",
        ),
        LookalikeRow::new(
            L::CharacterDump,
            "a dump of characters (od -c)",
            Anything,
            &[],
            "make the file of it again with: perl -ne '%e = (0,0,a,7,b,8,t,9,n,10,v,11,f,12,r,13); chomp; s/^\\S+//; for (/.{4}/g) { s/^ {1,3}//; print /^\\d{3}$/ ? chr oct : /^\\\\(.)/ ? chr $e{$1} : $_ }' FILE > NEW",
        ),
        LookalikeRow::new(
            L::NamedCharacters,
            "a dump of named characters (od -a)",
            Anything,
            &[],
            "take the file that the dump was made of: od -a leaves out a bit of each byte",
        ),
        LookalikeRow::new(
            L::FormatHex,
            "a hex dump of PowerShell (Format-Hex)",
            Anything,
            &[],
            "make the file of it again with: perl -ne '/^[0-9A-F]{8,16} +((?:[0-9A-F]{2} ){1,16})/ && print pack(\"H*\", $1 =~ s/ //gr)' FILE > NEW",
        ),
        LookalikeRow::new(
            L::DebuggerDump,
            "a dump of memory (gdb)",
            Anything,
            &[],
            "make the file of it again with: perl -ne 's/^[^:]*://; print map { scalar reverse pack \"H*\", substr($_, 2) } split' FILE > NEW",
        ),
        LookalikeRow::new(
            L::CertificateText,
            "the text of a certificate (certutil -dump, openssl x509 -text)",
            Anything,
            &[b"x509 certificate:"],
            "take the file that the text was made of: the certificate itself is not in it",
        ),
        LookalikeRow::new(
            L::UnknownKey,
            "a key of another kind",
            Key,
            &[],
            "a certificate's key is RSA, EC, Ed25519 or the like, in PKCS#8, PKCS#1, SEC1 or PKCS#12",
        ),
        LookalikeRow::new(L::UnknownBlock, "something of another kind", Other, &[], NOT_A_CERTIFICATE),
    ]
};

/// Labels of PEM blocks that tell what is in them.
struct LabelRow {
    label: &'static str,
    kind: Lookalike,
}

static LABELS: [LabelRow; 20] = [
    LabelRow { label: "OPENSSH PRIVATE KEY", kind: Lookalike::OpensshKey },
    LabelRow { label: "TSS2 PRIVATE KEY", kind: Lookalike::TpmKey },
    LabelRow { label: "X509 CRL", kind: Lookalike::RevocationList },
    LabelRow { label: "PUBLIC KEY", kind: Lookalike::PublicKey },
    LabelRow { label: "RSA PUBLIC KEY", kind: Lookalike::PublicKey },
    LabelRow { label: "DSA PUBLIC KEY", kind: Lookalike::PublicKey },
    LabelRow { label: "PARAMETERS", kind: Lookalike::Parameters },
    LabelRow { label: "DH PARAMETERS", kind: Lookalike::Parameters },
    LabelRow { label: "X9.42 DH PARAMETERS", kind: Lookalike::Parameters },
    LabelRow { label: "DSA PARAMETERS", kind: Lookalike::Parameters },
    LabelRow { label: "EC PARAMETERS", kind: Lookalike::Parameters },
    LabelRow { label: "ATTRIBUTE CERTIFICATE", kind: Lookalike::AttributeCertificate },
    LabelRow { label: "SSL SESSION PARAMETERS", kind: Lookalike::SslSession },
    LabelRow { label: "SSH2 PUBLIC KEY", kind: Lookalike::SshPublicKey },
    LabelRow { label: "SSH2 ENCRYPTED PRIVATE KEY", kind: Lookalike::PuttyKey },
    LabelRow { label: "PGP PRIVATE KEY BLOCK", kind: Lookalike::PgpBlock },
    LabelRow { label: "PGP PUBLIC KEY BLOCK", kind: Lookalike::PgpPublicKey },
    LabelRow { label: "PGP MESSAGE", kind: Lookalike::PgpBlock },
    LabelRow { label: "PGP SIGNATURE", kind: Lookalike::PgpSignature },
    LabelRow { label: "AGE ENCRYPTED FILE", kind: Lookalike::AgeFile },
];

/// The place of the word "ustar" in a tar archive (POSIX.1).
const TAR_MAGIC: usize = 257;

impl Lookalike {
    /// Tells by the first bytes.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        Self::of_binary(bytes).or_else(|| Self::of_text(bytes))
    }

    /// Tells a binary file by its first bytes.
    pub(super) fn of_binary(bytes: &[u8]) -> Option<Self> {
        if bytes.get(TAR_MAGIC..TAR_MAGIC + 5) == Some(b"ustar") {
            return Some(Self::Tar);
        }
        if let Some(kind) = Self::of_openpgp(bytes) {
            return Some(kind);
        }
        for row in &LOOKALIKES {
            if row.starts.iter().any(|start| !is_text(start) && bytes.starts_with(start)) {
                return Some(row.kind);
            }
        }
        None
    }

    /// Tells OpenPGP without armor by the header of its first packet, which has a length of one or two octets, and by the
    /// version after it (RFC 9580 section 4.2): a session key under a password or for a public key, a secret key, a
    /// public key.
    fn of_openpgp(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x8c | 0xc3, 0x04..=0x7f, 4..=6, 1..=13, ..]
            | [0x84 | 0xc1, 0x20..=0xbf, 3 | 6, ..]
            | [0x85 | 0xc1, 0x01..=0x02 | 0xc0..=0xdf, _, 3 | 6, ..]
            | [0x94 | 0xc5, 0x20..=0xbf, 4 | 6, ..]
            | [0x95 | 0xc5, 0x01..=0x0f | 0xc0..=0xdf, _, 4 | 6, ..] => Some(Self::PgpBlock),
            [0x98 | 0xc6, 0x20..=0xbf, 4 | 6, ..] | [0x99 | 0xc6, 0x01..=0x0f | 0xc0..=0xdf, _, 4 | 6, ..] => {
                Some(Self::PgpPublicKey)
            }
            _ => None,
        }
    }

    /// Tells a text by its first words. It may have certificates in it all the same.
    pub(super) fn of_text(bytes: &[u8]) -> Option<Self> {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
        for row in &LOOKALIKES {
            if row.starts.iter().any(|start| is_text(start) && starts_with_text(text, start)) {
                return Some(row.kind);
            }
        }
        if let Some(rest) = text.strip_prefix(b"Certificate:")
            && rest.trim_ascii_start().starts_with(b"Data:")
        {
            return Some(Self::CertificateText);
        }
        if let Some(kind) = Self::of_json(text) {
            return Some(kind);
        }
        if let Some(lookalike) = addressed::sniff(text) {
            return Some(lookalike);
        }
        if has_vault_value(text) {
            return Some(Self::AnsibleVault);
        }
        Self::of_encrypted_values(&text[..text.len().min(MAX_ENCRYPTED)])
    }

    /// Tells a document whose values are encrypted, and JWE (RFC 7516).
    fn of_encrypted_values(text: &[u8]) -> Option<Self> {
        let has = |value: &[u8]| memchr::memmem::find(text, value).is_some();
        if has(b"ENC[AES256_GCM,data:") {
            return Some(Self::SopsFile);
        }
        if has(b"ENC[PKCS7,MII") || has(b"ENC[GPG,hQ") {
            return Some(Self::Eyaml);
        }
        let is_json =
            text.starts_with(b"{") && has_member(text, b"\"ciphertext\"") && has_member(text, b"\"protected\"");
        (is_json || is_compact_jwe(text)).then_some(Self::Jwe)
    }

    /// Tells a JSON Web Key, or a set of them (RFC 7517): it has a type, and a private one `d`, or `k` if it is symmetric.
    fn of_json(text: &[u8]) -> Option<Self> {
        let text = &text[..text.len().min(MAX_JWK)];
        if !matches!(text, [b'{' | b'[', ..]) || !has_member(text, b"\"kty\"") {
            return None;
        }
        let is_private = has_member(text, b"\"d\"") || has_member(text, b"\"k\"");
        Some(if is_private { Self::Jwk } else { Self::PublicJwk })
    }

    /// Finds the first key in a text that is of a form which is not read, at the beginning of a line.
    pub(super) fn find_key(text: &[u8]) -> Option<FoundKey> {
        let jwk = find_jwk(text);
        let limit = jwk.as_ref().map_or(text.len(), |jwk| jwk.start);
        let mut start = 0;
        while start < limit {
            let line = text[start..].trim_ascii_start();
            start = text.len() - line.len();
            if let Some(kind) = Self::of_key_line(line) {
                return Some(FoundKey { start, kind });
            }
            start = match memchr::memchr2(b'\n', b'\r', line) {
                Some(end) => start + end,
                None => text.len(),
            };
        }
        jwk
    }

    /// Tells a key by the first words of its text.
    fn of_key_line(line: &[u8]) -> Option<Self> {
        if !matches!(line, [b'p' | b'P' | b'r' | b'R' | b'<', ..]) {
            return None;
        }
        for row in &LOOKALIKES {
            if row.holds == Holds::Key && row.starts.iter().any(|start| is_text(start) && starts_with_text(line, start))
            {
                let is_public = row.kind == Self::XmlKey && !is_private_xml(line);
                return (!is_public).then_some(row.kind);
            }
        }
        None
    }

    /// Tells by the label of a PEM block.
    pub(super) fn of_label(label: &str) -> Option<Self> {
        let row = LABELS.iter().find(|row| row.label == label)?;
        Some(row.kind)
    }

    fn facts(self) -> &'static LookalikeRow {
        &LOOKALIKES[self as usize]
    }

    /// Returns whether its contents show that no certificate is in it, whatever its name is. (A web page, for one, may
    /// have taken the place of a certificate.)
    pub(crate) fn excludes_certificates(self) -> bool {
        matches!(
            self,
            Self::RevocationList
                | Self::Parameters
                | Self::PublicKey
                | Self::PublicJwk
                | Self::SshPublicKey
                | Self::OcspResponse
                | Self::OcspRequest
                | Self::TimestampQuery
                | Self::TimestampResponse
                | Self::AttributeCertificate
                | Self::SslSession
                | Self::SignedPublicKey
                | Self::PgpPublicKey
                | Self::PgpSignature
                | Self::AppleDouble
        )
    }

    /// Returns whether it is a dump of a file that has certificates or keys in it.
    pub(crate) fn is_dump(self) -> bool {
        let first = Self::HexDump as usize;
        (first..=Self::DebuggerDump as usize).contains(&(self as usize))
    }

    /// Returns the name of it, with its article.
    pub(crate) fn name(self) -> &'static str {
        self.facts().name
    }

    /// Returns what may be in it, out of reach.
    pub(crate) fn holds(self) -> Holds {
        self.facts().holds
    }

    /// Returns what to do with it, if there is more to say than what is expected instead.
    pub(crate) fn hint(self) -> Option<&'static str> {
        self.facts().hint
    }
}

/// A key in a text.
pub(super) struct FoundKey {
    pub(super) start: usize,
    pub(super) kind: Lookalike,
}

/// Finds a JSON Web Key in a text by its type, and tells by the members around that whether it is a private one.
fn find_jwk(text: &[u8]) -> Option<FoundKey> {
    let kind = memchr::memmem::find(text, b"\"kty\"")?;
    let from = kind.saturating_sub(MAX_JWK);
    let window = &text[from..text.len().min(kind + MAX_JWK)];
    let is_private = has_member(window, b"\"d\"") || has_member(window, b"\"k\"");
    let start = from + memchr::memchr2(b'{', b'[', &text[from..kind])?;
    is_private.then_some(FoundKey { start, kind: Lookalike::Jwk })
}

/// The bytes of a document that are searched for encrypted values.
const MAX_ENCRYPTED: usize = 4096;

/// Returns whether a text begins with a header of JWE in Base64, an encrypted key, an initialization vector and a
/// ciphertext, with dots between them.
fn is_compact_jwe(text: &[u8]) -> bool {
    let mut parts = text.split(|byte| *byte == b'.');
    let Some(header) = parts.next() else { return false };
    let is_word = |part: &[u8]| part.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let Ok(header) = data_encoding::BASE64URL_NOPAD.decode(header) else { return false };
    has_member(&header, b"\"enc\"") && parts.next().is_some_and(is_word) && parts.next().is_some_and(is_word)
}

/// Returns whether a key in .NET's XML has its private exponent: what is signed in XML has public ones.
fn is_private_xml(text: &[u8]) -> bool {
    let head = &text[..text.len().min(MAX_JWK)];
    memchr::memmem::find(head, b"<D>").is_some()
}

/// The beginning of what Ansible Vault encrypts, with the number of its format.
const VAULT_HEADER: &[u8] = b"$ANSIBLE_VAULT;1.";

/// The bytes before it that are looked at.
const MAX_BEFORE_VAULT: usize = 64;

/// The hexadecimal digits in a row that show that something was encrypted. Documents name the header alone.
const MIN_VAULT_HEX: usize = 16;

/// Returns whether Ansible Vault encrypted a value of a text: a line begins as such a value does, after a name or a quote.
fn has_vault_value(text: &[u8]) -> bool {
    for start in memchr::memmem::find_iter(text, VAULT_HEADER) {
        let head = &text[start.saturating_sub(MAX_BEFORE_VAULT)..start];
        let line = memchr::memrchr2(b'\n', b'\r', head).map_or(0, |end| end + 1);
        let before = head[line..].trim_ascii();
        let begins = matches!(before, [] | [.., b'"' | b'\'']) || before.ends_with(b"!vault |");
        if begins && begins_vault_body(&text[start + VAULT_HEADER.len()..]) {
            return true;
        }
    }
    false
}

/// Returns whether what was encrypted follows the rest of a header, after a line end, which JSON writes as `\n`.
fn begins_vault_body(rest: &[u8]) -> bool {
    let end = rest.iter().position(|byte| !is_of_vault_header(*byte)).unwrap_or(rest.len());
    let body = rest[end..].strip_prefix(b"\\n").unwrap_or(&rest[end..]).trim_ascii_start();
    body.len() >= MIN_VAULT_HEX && body[..MIN_VAULT_HEX].iter().all(u8::is_ascii_hexdigit)
}

/// Returns whether a byte may stand in the version, the cipher or the label of a header.
fn is_of_vault_header(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b";._-".contains(&byte)
}

/// The bytes of a JSON document that are searched for a key.
const MAX_JWK: usize = 64 << 10;

/// Returns whether an object of a JSON document has a member of this name, which stands in its quotes.
fn has_member(json: &[u8], name: &[u8]) -> bool {
    for start in memchr::memmem::find_iter(json, name) {
        if json[start + name.len()..].trim_ascii_start().starts_with(b":") {
            return true;
        }
    }
    false
}

/// Returns whether the beginning of a file is one of a text: three letters are too short to tell.
fn is_text(start: &[u8]) -> bool {
    start.len() > 3 && start.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

/// Returns whether a text begins so, in small or capital letters.
fn starts_with_text(text: &[u8], start: &[u8]) -> bool {
    match text.get(..start.len()) {
        Some(head) => head.eq_ignore_ascii_case(start),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (index, row) in LOOKALIKES.iter().enumerate() {
            assert_eq!(row.kind as usize, index);
        }
    }

    #[test]
    fn openpgp_is_known_without_its_armor() {
        // The beginnings of what GnuPG 2.2 writes: --symmetric, --encrypt for RSA and for ECDH, and the keys of both.
        for bytes in [
            &[0x8c, 0x0d, 4, 9, 3, 10][..],
            &[0x85, 1, 0x0c, 3, 0x9d],
            &[0x84, 0x5e, 3, 0x1a],
            &[0x95, 3, 0x98, 4, 0x66],
            &[0x94, 0x58, 4, 0x66],
        ] {
            assert_eq!(Lookalike::of_binary(bytes), Some(Lookalike::PgpBlock), "{bytes:x?}");
        }
        for bytes in [&[0x99, 1, 0x8d, 4, 0x66][..], &[0x98, 0x33, 4, 0x66]] {
            assert_eq!(Lookalike::of_binary(bytes), Some(Lookalike::PgpPublicKey), "{bytes:x?}");
        }
        for bytes in [&[0x30, 0x82, 1, 0x0c, 4][..], &[0x85, 0x33, 3, 3, 3], b"\x99\x01"] {
            assert_eq!(Lookalike::of_binary(bytes), None, "{bytes:x?}");
        }
    }
}
