//! Errors of everything that decodes a structure.

use x509_parser::asn1_rs::Oid;

use crate::asn1::{Malformed, oid_text};
use crate::crypto::names::{self, Remedy};
use crate::limits::LimitError;

/// The reason why a file cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It is not what its format says, or a structure in it goes beyond a limit.
    #[error("{verdict}: {0}", verdict = .0.verdict())]
    Malformed(#[from] Malformed),
    /// It uses an algorithm that is not implemented.
    #[error("unsupported algorithm: the {part} uses {name} ({oid})")]
    Unsupported {
        /// The part that uses it, such as "MAC".
        part: &'static str,
        /// The algorithm's usual name, or "unknown algorithm".
        name: &'static str,
        /// Its object identifier, dotted.
        oid: String,
        remedy: Remedy,
    },
    /// A private key in PEM uses a cipher that is not implemented.
    #[error("unsupported algorithm: the private key is encrypted with {name} (header DEK-Info)")]
    UnsupportedCipher {
        /// OpenSSL's name of the cipher, or "an unknown cipher".
        name: &'static str,
        remedy: Remedy,
    },
    /// It has a structure in it of a type that is not known.
    #[error("unsupported: a {part} of the type {oid}, which is not known here")]
    UnknownType {
        /// The structure, such as "bag".
        part: &'static str,
        /// Its object identifier, dotted.
        oid: String,
    },
    /// It asks for too much work.
    #[error("the file {0}")]
    Limit(#[from] LimitError),
}

impl DecodeError {
    /// Returns the error for a structure of a type that is not known.
    pub(crate) fn unknown_type(part: &'static str, kind: &Oid<'_>) -> Self {
        Self::UnknownType { part, oid: oid_text(kind) }
    }

    /// Returns the error for an algorithm that `part` uses and that is not implemented.
    pub(crate) fn unsupported(part: &'static str, algorithm: &Oid<'_>) -> Self {
        let oid = oid_text(algorithm);
        if let Some(known) = names::find(algorithm) {
            return Self::Unsupported { part, name: known.name, oid, remedy: known.remedy };
        }
        let Some(name) = names::long_name(&oid) else {
            return Self::Unsupported { part, name: "unknown algorithm", oid, remedy: Remedy::ExportAgain };
        };
        let remedy = match names::find_in_pem(name) {
            Some(cipher) => cipher.remedy,
            None => Remedy::ExportAgain,
        };
        Self::Unsupported { part, name, oid, remedy }
    }

    /// Returns the error for the cipher of a `DEK-Info` header, which is foreign text.
    pub(crate) fn unsupported_cipher(cipher: &str) -> Self {
        match names::find_in_pem(cipher) {
            Some(known) => Self::UnsupportedCipher { name: known.name, remedy: known.remedy },
            None => Self::UnsupportedCipher { name: "an unknown cipher", remedy: Remedy::ExportAgain },
        }
    }
}
