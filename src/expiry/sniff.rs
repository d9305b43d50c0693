//! Tells a damaged certificate file from a file that is not for certificates, and says what the latter is.

use std::path::Path;

use crate::container::lookalike::Lookalike;
use crate::container::{self, Container, Contents, FileFacts, OpenError, Substance};
use crate::expiry::report::SkipReason;
use crate::pkcs12::Holds;

/// The extensions of files that hold certificates.
const EXTENSIONS: [&str; 23] = [
    "bcfks",
    "bks",
    "ca-bundle",
    "cacert",
    "cer",
    "cert",
    "crt",
    "der",
    "jceks",
    "jks",
    "keystore",
    "mobileprovision",
    "p12",
    "p7b",
    "p7c",
    "pem",
    "pfx",
    "pkcs12",
    "pkcs7",
    "provisionprofile",
    "spc",
    "sst",
    "ubr",
];

/// The names, or extensions, that files with certificates and others have.
const NAMES: [&str; 5] = ["ca-bundle", "cacert", "cert", "chain", "fullchain"];

/// The extensions that a copy of a file gets behind its own, or a `~`.
const COPIES: [&str; 8] = ["bak", "backup", "dpkg-old", "old", "orig", "rpmnew", "rpmsave", "save"];

/// The reason why a file is not judged, which is no failure, and what it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Skip {
    pub(crate) reason: SkipReason,
    /// For people: "a certificate revocation list (CRL)".
    pub(crate) what: String,
}

impl Skip {
    pub(crate) fn new(reason: SkipReason, what: impl Into<String>) -> Self {
        Self { reason, what: what.into() }
    }
}

/// Returns whether the file's name has the extension of a certificate file, or is that of a copy of one: `push.p12.bak`.
pub(crate) fn has_certificate_extension(name: &str) -> bool {
    let mut path = Path::new(name.trim_end_matches('~'));
    while let (Some(stem), Some(extension)) = (path.file_stem(), path.extension()) {
        if !COPIES.iter().any(|copy| extension.eq_ignore_ascii_case(copy)) {
            return EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known));
        }
        path = Path::new(stem);
    }
    false
}

/// Returns whether a file is by such a name one for certificates, and is empty or of another kind. A text may as well
/// be the path of one: entries of a ConfigMap are called so.
fn is_certificate_by_name(name: &str, error: &OpenError) -> bool {
    let path = Path::new(name);
    let Some(word) = path.extension().or(path.file_name()) else { return false };
    !matches!(error, OpenError::Unrecognized | OpenError::MereText(_))
        && NAMES.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Returns whether the file's name has the extension of a provisioning profile.
pub(crate) fn has_profile_extension(name: &str) -> bool {
    has_extension(name, "mobileprovision") || has_extension(name, "provisionprofile")
}

fn has_extension(name: &str, wanted: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}

/// Returns whether a file that is packed or encrypted is by its name one for certificates: `push.p12.gpg`, `certs.pem.zip`.
fn is_packed_certificate(name: &str) -> bool {
    let Some(stem) = Path::new(name).file_stem() else { return false };
    has_certificate_extension(&stem.to_string_lossy())
}

/// Returns why a file that does not open need not be judged: by its contents and its name it is certainly not for
/// certificates. A file that was named itself is told by its contents alone.
pub(crate) fn skip(name: &str, is_named: bool, bytes: &[u8], error: &OpenError) -> Option<Skip> {
    if let Some(skip) = known_other(error) {
        return Some(skip);
    }
    if let OpenError::Lookalike(kind) = error
        && kind.holds() == Holds::Key
        && !is_named
    {
        return Some(Skip::new(SkipReason::KnownOther, kind.name()));
    }
    if is_named || has_certificate_extension(name) || is_certificate_by_name(name, error) {
        return None;
    }
    let what = match error {
        // The dates of its certificates can be seen without the password, but not here.
        OpenError::Lookalike(
            Lookalike::Jks
            | Lookalike::Jceks
            | Lookalike::BouncyCastle
            | Lookalike::BouncyCastleFips
            | Lookalike::StoreOfWindows,
        )
        | OpenError::Profile(_)
        | OpenError::TextMode(_) => return None,
        // A dump is named only where it begins as a certificate or a key does.
        OpenError::Lookalike(kind) if kind.is_dump() => return None,
        // A configuration profile, which has certificates and .p12 files in it.
        OpenError::Lookalike(Lookalike::PropertyList) if has_extension(name, "mobileconfig") => return None,
        OpenError::Lookalike(kind) => return skip_lookalike(name, *kind),
        // What a packer or a cipher that is not known here has made of one.
        OpenError::Unrecognized if is_packed_certificate(name) && std::str::from_utf8(bytes).is_err() => return None,
        OpenError::OnlyOthers { kinds, .. } if kinds.contains(&Lookalike::ProvisioningProfile) => return None,
        OpenError::Empty => "an empty file",
        OpenError::OnlyOthers { list, .. } => list,
        OpenError::Unrecognized | OpenError::MereText(_) => NOT_A_CERTIFICATE,
        _ if may_be_certificate(&container::describe(bytes)) => return None,
        _ => NOT_A_CERTIFICATE,
    };
    Some(Skip::new(SkipReason::NoCertificate, what))
}

const NOT_A_CERTIFICATE: &str = "not a certificate, a key or a PKCS#12 file";

/// Returns what a file holds that can have no certificate in it: lists of revoked certificates, parameters, public keys.
fn known_other(error: &OpenError) -> Option<Skip> {
    let mut names = Vec::new();
    match error {
        OpenError::Lookalike(kind) if kind.excludes_certificates() => names.push(kind.name()),
        OpenError::OnlyOthers { kinds, .. } if kinds.iter().all(|kind| kind.excludes_certificates()) => {
            for kind in kinds {
                names.push(kind.name());
            }
        }
        _ => {}
    }
    names.dedup();
    if names.is_empty() { None } else { Some(Skip::new(SkipReason::KnownOther, names.join(", "))) }
}

/// Passes over a file that is named by its beginning, unless certificates were likely meant to be read in it.
fn skip_lookalike(name: &str, kind: Lookalike) -> Option<Skip> {
    let reason = match kind.holds() {
        Holds::Anything if is_packed_certificate(name) => return None,
        Holds::Anything => SkipReason::KnownOther,
        Holds::Certificate | Holds::Key | Holds::Mac | Holds::Other => SkipReason::NoCertificate,
    };
    Some(Skip::new(reason, kind.name()))
}

/// The extensions of documents, which show what a certificate looks like beside real ones.
const DOCUMENTS: [&str; 10] = ["adoc", "asciidoc", "htm", "html", "markdown", "md", "mdx", "org", "rst", "xhtml"];

/// Returns whether a part without data is an example in a document. A plain text may as well hold a certificate that was
/// blanked: dots alone tell.
pub(crate) fn is_example(name: &str, substance: Substance) -> bool {
    match substance {
        Substance::Data => false,
        Substance::Blanked => is_document(name),
        Substance::Dots => is_document(name) || has_extension(name, "txt"),
        Substance::MereText => true,
    }
}

fn is_document(name: &str) -> bool {
    let stem = Path::new(name).file_stem().unwrap_or_default();
    stem.eq_ignore_ascii_case("readme") || DOCUMENTS.iter().any(|extension| has_extension(name, extension))
}

/// Returns whether a file that opens and holds nothing should have held something.
pub(crate) fn is_suspiciously_empty(name: &str, contents: &Contents) -> bool {
    let has_none = contents.certificates.is_empty() && contents.keys.is_empty() && contents.requests.is_empty();
    has_none && (contents.container != Container::Pem || has_certificate_extension(name))
}

/// Returns whether a file that does not open was of a known type, or began as one in DER does. A text that begins with "0"
/// does not, and neither does a password that is random.
fn may_be_certificate(facts: &FileFacts) -> bool {
    facts.container.is_some() || facts.begins_as_der
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::{Passwords, open};
    use crate::limits::DEFAULT_MAX_ITERATIONS;
    use crate::test_support::fixture;

    fn skip_of(name: &str, is_named: bool, bytes: &[u8]) -> Option<Skip> {
        let error = open(bytes, &mut Passwords::None, DEFAULT_MAX_ITERATIONS).unwrap_err();
        skip(name, is_named, bytes, &error)
    }

    fn is_else(name: &str, bytes: &[u8]) -> bool {
        skip_of(name, false, bytes).is_some()
    }

    #[test]
    fn files_in_doubt_are_not_unrelated() {
        let der = fixture("der/universal.cer");
        let p12 = fixture("p12/keychain-password.p12");
        let pem = &fixture("pem/certificate-only.pem")[..500];
        for cut in [&der[..der.len() - 1], &der[..100], &p12[..p12.len() - 1], &p12, pem] {
            assert!(!is_else("noname", cut));
        }
        let encoded = data_encoding::BASE64.encode(&der[..der.len() - 1]);
        let latin1: String = der[..der.len() - 1].iter().map(|byte| char::from(*byte)).collect();
        for text in [encoded, latin1.replace('\u{82}', "Ç"), format!("\u{feff}{latin1}")] {
            assert!(!is_else("noname", text.as_bytes()));
        }
        for plain in [&b""[..], b"README", b"01 first\n", b"{}", b"\x7fELF", b"PK\x03\x04", b"0"] {
            assert!(is_else("noname", plain), "{plain:?}");
            assert!(!is_else("push.P12", plain), "{plain:?}");
        }
    }

    #[test]
    fn random_passwords_are_no_damaged_files() {
        assert!(is_else("prod/push/password", b"MIH2MczX8mYuhLNSMBqxsO9nKUhj2m9ur1IYUefxM+w="));
        let mut random = 1_u64;
        let mut next = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            random.to_be_bytes()[0]
        };
        // One of 13,000 begins so: these stand for 26 millions.
        for number in 0..2_000 {
            let mut bytes = vec![0x30, [0x80, 0x81, 0x82, 0x83, 0x84][number % 5]];
            bytes.resize_with(16 + number % 49, &mut next);
            let text = data_encoding::BASE64.encode(&bytes);
            assert!(is_else("password", text.as_bytes()) && is_else("password", &bytes), "{text}");
        }
        // Of these there is enough to tell, and what is called after a certificate is refused by its name.
        for file in ["der/universal.cer", "p12/keychain-password.p12", "p7b/chain.p7b"] {
            assert!(!is_else("password", &fixture(file)[..20]), "{file}");
        }
        assert!(!is_else("prod/push/tls.crt", b"MIH2MczX8mYuhLNSMBqxsO9nKUhj2m9ur1IYUefxM+w="));
    }

    #[test]
    fn what_is_called_after_a_certificate_is_not_passed_over() {
        for name in [
            "domain.ca-bundle",
            "fullchain",
            "cert",
            "push.p12.bak",
            "tls.crt.old",
            "a.pkcs7",
            "ca.cacert",
            "site.chain",
            "push.pem~",
            "site.fullchain",
            "live/CERT",
            "push.p12.old.bak",
            "cacert",
        ] {
            for bytes in [&b"<!DOCTYPE html><html>502 Bad Gateway</html>"[..], b""] {
                assert!(!is_else(name, bytes), "{name}");
            }
        }
        for name in ["index.html", "index.html.bak", "notes.old", "mycert", "certificates", "x~", ".bak"] {
            assert!(is_else(name, b"<!DOCTYPE html><html></html>"), "{name}");
        }
        assert!(is_else("prod/app/cert", b"/etc/ssl/push.pem"));
        // Of genomes, of rules, and of mail.
        assert!(is_else("hg19ToHg38.over.chain", b"chain 4900 chrY 58368225"));
        assert!(is_else("prod/app/filter.chain", b"a -> b") && is_else("mail.p7m", b"Dear all,"));
    }

    #[test]
    fn what_can_hold_no_certificate_is_named_whatever_it_is_called() {
        let public = b"-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n";
        for (name, is_named) in [("key.pub", false), ("key.pem", false), ("key.pem", true)] {
            let expected = Skip::new(SkipReason::KnownOther, "a public key");
            assert_eq!(skip_of(name, is_named, public), Some(expected), "{name}");
        }
        let beside = b"\0\x05\x16\x07\0\x02\0\0Mac OS X        ";
        for (name, is_named) in [("._push.p12", false), ("._push.cer", true)] {
            let skip = skip_of(name, is_named, beside).unwrap();
            assert!(skip.reason == SkipReason::KnownOther && skip.what.contains("AppleDouble"), "{name}: {skip:?}");
        }
        // It may have been a certificate.
        assert_eq!(skip_of("push.cer", false, b"<html>sign in</html>"), None);
        assert!(skip_of("index.html", false, b"<html>sign in</html>").is_some());
        let other = b"-----BEGIN SOMETHING-----\nMIIB\n-----END SOMETHING-----\n";
        assert!(!is_else("push.pem", other) && is_else("notes.txt", other));
    }

    #[test]
    fn what_was_meant_to_be_read_is_not_passed_over() {
        let archive = b"PK\x03\x04 and more";
        assert_eq!(skip_of("push.p12.zip", false, archive), None);
        assert_eq!(skip_of("docs.zip", true, archive), None);
        let expected = Skip::new(SkipReason::KnownOther, "a ZIP archive");
        assert_eq!(skip_of("docs.zip", false, archive), Some(expected));
        assert_eq!(skip_of("wifi.mobileconfig", false, b"bplist00\xd1\x01\x02"), None);
        assert!(is_else("Info.plist", b"bplist00\xd1\x01\x02"));
        assert_eq!(skip_of("trust.store", false, b"\xfe\xed\xfe\xed and more"), None);
    }

    #[test]
    fn a_pem_file_that_lost_its_end_in_the_first_line_is_suspiciously_empty() {
        assert!(!is_else("push.pem", b"-----BEGIN CERTI") && is_else("README.md", b"-----BEGIN CERTI"));
    }
}
