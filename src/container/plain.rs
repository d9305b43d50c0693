//! Tells whether programs read a file as it stands, with nothing undone before. OpenSSL judges, by which most of them read.

use openssl::error::ErrorStack;
use openssl::pkcs7::Pkcs7;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::PKey;
use openssl::x509::X509;
use zeroize::Zeroizing;

use crate::container::{Container, Contents, kubernetes};

impl Contents {
    /// Returns whether OpenSSL reads all certificates of these contents, and a key if there is one, in the bytes of the
    /// file.
    pub(crate) fn is_plain(&self, bytes: &[u8]) -> bool {
        let is_plain = match self.container {
            Container::Pem => self.reads_certificates(bytes) && (self.keys.is_empty() || self.reads_key(bytes)),
            Container::Pkcs12 => Pkcs12::from_der(bytes).is_ok(),
            Container::Der => X509::from_der(bytes).is_ok(),
            Container::Pkcs7 => Pkcs7::from_der(bytes).is_ok(),
            Container::Csr | Container::Key => true,
        };
        // OpenSSL keeps what was wrong; the next error would be taken for it.
        drop(ErrorStack::get());
        is_plain
    }

    fn reads_certificates(&self, bytes: &[u8]) -> bool {
        let mut text = Zeroizing::new(bytes.to_vec());
        // A certificate that is encrypted is damaged then: OpenSSL would ask for its password at the terminal.
        for position in memchr::memmem::find_iter(bytes, b"Proc-Type:") {
            text[position] = b'p';
        }
        let Ok(stack) = X509::stack_from_pem(&text) else { return false };
        let mut read = Vec::new();
        for certificate in stack {
            read.extend(certificate.to_der());
        }
        self.certificates.iter().all(|entry| read.contains(&entry.item.der))
    }

    fn reads_key(&self, bytes: &[u8]) -> bool {
        // Where no password is known, nobody knows how long it would take to try one.
        if self.has_encrypted_key || !self.unread.is_empty() {
            return bytes.split(|byte| *byte == b'\n').any(begins_key);
        }
        PKey::private_key_from_pem_passphrase(bytes, b"none").is_ok()
    }
}

fn begins_key(line: &[u8]) -> bool {
    line.starts_with(b"-----BEGIN ") && memchr::memmem::find(line, b"PRIVATE KEY-----").is_some()
}

/// Returns whether a file is a dump of objects of Kubernetes'.
pub(crate) fn is_dump(bytes: &[u8]) -> bool {
    if kubernetes::looks_like_json(bytes) {
        return kubernetes::looks_like_dump(bytes);
    }
    kubernetes::parse_yaml(bytes).is_some()
}
