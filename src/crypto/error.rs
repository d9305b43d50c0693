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

/// Algorithms that are known by name only.
static UNSUPPORTED: [UnsupportedAlgorithm; 22] = [
    UnsupportedAlgorithm { oid: oid!(1.2.840.113549.1.5.1), name: "pbeWithMD2AndDES-CBC" },
    UnsupportedAlgorithm { oid: oid!(1.2.840.113549.1.5.3), name: "pbeWithMD5AndDES-CBC" },
    UnsupportedAlgorithm { oid: oid!(1.2.840.113549.1.5.4), name: "pbeWithMD2AndRC2-CBC" },
    UnsupportedAlgorithm { oid: oid!(1.2.840.113549.1.5.6), name: "pbeWithMD5AndRC2-CBC" },
    UnsupportedAlgorithm { oid: oid!(1.2.840.113549.1.5.10), name: "pbeWithSHA1AndDES-CBC" },
    UnsupportedAlgorithm { oid: oid!(1.2.840.113549.1.5.11), name: "pbeWithSHA1AndRC2-CBC" },
    UnsupportedAlgorithm { oid: oid!(1.2.840.113549.3.2), name: "RC2-CBC" },
    UnsupportedAlgorithm { oid: oid!(2.16.840.1.101.3.4.1.6), name: "AES-128-GCM" },
    UnsupportedAlgorithm { oid: oid!(2.16.840.1.101.3.4.1.46), name: "AES-256-GCM" },
    UnsupportedAlgorithm { oid: oid!(1.2.392.200011.61.1.1.1.2), name: "Camellia-128-CBC" },
    UnsupportedAlgorithm { oid: oid!(1.2.392.200011.61.1.1.1.3), name: "Camellia-192-CBC" },
    UnsupportedAlgorithm { oid: oid!(1.2.392.200011.61.1.1.1.4), name: "Camellia-256-CBC" },
    UnsupportedAlgorithm { oid: oid!(1.2.410.200046.1.1.2), name: "ARIA-128-CBC" },
    UnsupportedAlgorithm { oid: oid!(1.2.410.200046.1.1.12), name: "ARIA-256-CBC" },
    UnsupportedAlgorithm { oid: oid!(1.2.410.200004.1.4), name: "SEED-CBC" },
    UnsupportedAlgorithm { oid: oid!(1.2.643.2.2.21), name: "GOST 28147-89" },
    UnsupportedAlgorithm { oid: oid!(1.2.840.113549.2.5), name: "MD5" },
    UnsupportedAlgorithm { oid: oid!(1.3.36.3.2.1), name: "RIPEMD-160" },
    UnsupportedAlgorithm { oid: oid!(2.16.840.1.101.3.4.2.6), name: "SHA-512/256" },
    UnsupportedAlgorithm { oid: oid!(2.16.840.1.101.3.4.2.8), name: "SHA3-256" },
    UnsupportedAlgorithm { oid: oid!(1.2.643.7.1.1.2.2), name: "GOST R 34.11-2012" },
    UnsupportedAlgorithm { oid: oid!(1.3.6.1.4.1.11591.4.11), name: "scrypt" },
];
