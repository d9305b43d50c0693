//! A device token in short: the number by which tokens are shared out, and known again under another ID of a database.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The first 8 bytes of the SHA-256 of a token's digits in lower case, as a big-endian number; in JSON 16 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct TokenHash(pub(super) u64);

impl TokenHash {
    pub(super) fn of(digits: &str) -> Self {
        let digest = Sha256::digest(digits.as_bytes());
        let mut number = 0_u64;
        for byte in &digest[..8] {
            number = number << 8 | u64::from(*byte);
        }
        Self(number)
    }
}

impl From<TokenHash> for String {
    fn from(hash: TokenHash) -> Self {
        format!("{:016x}", hash.0)
    }
}

impl TryFrom<String> for TokenHash {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Ok(Self(u64::from_str_radix(&text, 16)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_sixteen_digits_in_json() {
        // sha256sum of "abcd" begins with 88d4266fd4e6338d.
        let hash = TokenHash::of("abcd");
        let text = serde_json::to_string(&hash).unwrap();
        assert_eq!(text, r#""88d4266fd4e6338d""#);
        assert_eq!(serde_json::from_str::<TokenHash>(&text).unwrap(), hash);
        assert_eq!(serde_json::to_string(&TokenHash(1)).unwrap(), r#""0000000000000001""#);
        assert!(serde_json::from_str::<TokenHash>(r#""x""#).is_err());
    }
}
