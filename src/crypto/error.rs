//! Errors of everything that decodes a structure.

use x509_parser::asn1_rs::{Oid, oid};

use crate::asn1::Malformed;
use crate::limits::LimitError;

/// The reason why a file cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It is not what its format says.
    #[error("the file is damaged: {0}")]
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
    },
    /// It asks for too much work.
    #[error("the file {0}")]
    Limit(#[from] LimitError),
}

impl DecodeError {
    /// Returns the error for an algorithm that `part` uses and that is not implemented.
    pub(crate) fn unsupported(part: &'static str, algorithm: &Oid<'_>) -> Self {
        let name = match UNSUPPORTED.iter().find(|known| known.oid == *algorithm) {
            Some(known) => known.name,
            None => "unknown algorithm",
        };
        Self::Unsupported { part, name, oid: algorithm.to_id_string() }
    }
}

struct UnsupportedAlgorithm {
    oid: Oid<'static>,
    name: &'static str,
}

const fn unsupported(oid: Oid<'static>, name: &'static str) -> UnsupportedAlgorithm {
    UnsupportedAlgorithm { oid, name }
}

/// Algorithms that are known by name only.
static UNSUPPORTED: [UnsupportedAlgorithm; 22] = [
    unsupported(oid!(1.2.840.113549.1.5.1), "pbeWithMD2AndDES-CBC"),
    unsupported(oid!(1.2.840.113549.1.5.3), "pbeWithMD5AndDES-CBC"),
    unsupported(oid!(1.2.840.113549.1.5.4), "pbeWithMD2AndRC2-CBC"),
    unsupported(oid!(1.2.840.113549.1.5.6), "pbeWithMD5AndRC2-CBC"),
    unsupported(oid!(1.2.840.113549.1.5.10), "pbeWithSHA1AndDES-CBC"),
    unsupported(oid!(1.2.840.113549.1.5.11), "pbeWithSHA1AndRC2-CBC"),
    unsupported(oid!(1.2.840.113549.3.2), "RC2-CBC"),
    unsupported(oid!(2.16.840.1.101.3.4.1.6), "AES-128-GCM"),
    unsupported(oid!(2.16.840.1.101.3.4.1.46), "AES-256-GCM"),
    unsupported(oid!(1.2.392.200011.61.1.1.1.2), "Camellia-128-CBC"),
    unsupported(oid!(1.2.392.200011.61.1.1.1.3), "Camellia-192-CBC"),
    unsupported(oid!(1.2.392.200011.61.1.1.1.4), "Camellia-256-CBC"),
    unsupported(oid!(1.2.410.200046.1.1.2), "ARIA-128-CBC"),
    unsupported(oid!(1.2.410.200046.1.1.12), "ARIA-256-CBC"),
    unsupported(oid!(1.2.410.200004.1.4), "SEED-CBC"),
    unsupported(oid!(1.2.643.2.2.21), "GOST 28147-89"),
    unsupported(oid!(1.2.840.113549.2.5), "MD5"),
    unsupported(oid!(1.3.36.3.2.1), "RIPEMD-160"),
    unsupported(oid!(2.16.840.1.101.3.4.2.6), "SHA-512/256"),
    unsupported(oid!(2.16.840.1.101.3.4.2.8), "SHA3-256"),
    unsupported(oid!(1.2.643.7.1.1.2.2), "GOST R 34.11-2012"),
    unsupported(oid!(1.3.6.1.4.1.11591.4.11), "scrypt"),
];
