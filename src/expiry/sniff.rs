//! Tells a damaged certificate file from a file that is not for certificates.

use std::path::Path;

use crate::container::lookalike::Lookalike;
use crate::container::{self, Container, Contents, OpenError};

/// The extensions of files that hold certificates.
const EXTENSIONS: [&str; 10] = ["cer", "cert", "crt", "der", "p12", "p7b", "p7c", "pem", "pfx", "pkcs12"];

/// Returns whether the file's name has the extension of a certificate file.
pub(crate) fn has_certificate_extension(name: &str) -> bool {
    let Some(extension) = Path::new(name).extension() else { return false };
    EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// Returns whether a file that does not open is certainly not a certificate file, by its contents and its
/// name.
pub(crate) fn is_unrelated_file(name: &str, bytes: &[u8], error: &OpenError) -> bool {
    if has_certificate_extension(name) {
        return false;
    }
    match error {
        // The dates of its certificates can be seen without the password, but not here.
        // A dump is named only where it begins as a certificate or a key does.
        OpenError::Lookalike(Lookalike::Jks | Lookalike::Jceks | Lookalike::HexDump) => false,
        OpenError::Empty
        | OpenError::Lookalike(_)
        | OpenError::Unrecognized
        | OpenError::OnlyOthers(_)
        | OpenError::MereText(_) => true,
        _ => container::describe(bytes).container.is_none() && !may_be_der(bytes),
    }
}

/// Returns whether a file that opens and holds nothing should have held something.
pub(crate) fn is_suspiciously_empty(name: &str, contents: &Contents) -> bool {
    let has_none = contents.certificates.is_empty() && contents.keys.is_empty() && contents.requests.is_empty();
    has_none && (contents.container != Container::Pem || has_certificate_extension(name))
}

/// Returns whether the bytes begin as a sequence of more than 127 bytes, or of unknown length: every
/// certificate is that long. A text that begins with "0" is not.
fn may_be_der(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, 0x80..=0x84, ..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::{Passwords, open};
    use crate::limits::DEFAULT_MAX_ITERATIONS;
    use crate::test_support::fixture;

    fn is_else(name: &str, bytes: &[u8]) -> bool {
        let error = open(bytes, &mut Passwords::None, DEFAULT_MAX_ITERATIONS).unwrap_err();
        is_unrelated_file(name, bytes, &error)
    }

    #[test]
    fn files_in_doubt_are_not_unrelated() {
        let der = fixture("der/universal.cer");
        let p12 = fixture("p12/keychain-password.p12");
        let pem = &fixture("pem/certificate-only.pem")[..500];
        for cut in [&der[..der.len() - 1], &der[..100], &p12[..p12.len() - 1], &p12, pem] {
            assert!(!is_else("noname", cut));
        }
        for plain in [&b""[..], b"README", b"01 first\n", b"{}", b"\x7fELF", b"PK\x03\x04", b"0"] {
            assert!(is_else("noname", plain), "{plain:?}");
            assert!(!is_else("push.P12", plain), "{plain:?}");
        }
        let public = b"-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n";
        assert!(is_else("key.pub", public) && !is_else("key.pem", public));
    }

    #[test]
    fn a_pem_file_that_lost_its_end_in_the_first_line_is_suspiciously_empty() {
        assert!(!is_else("push.pem", b"-----BEGIN CERTI") && is_else("README.md", b"-----BEGIN CERTI"));
    }
}
