//! A part of the tokens, for one of several machines: decided by the token alone, so that the parts are disjoint.

use std::fmt;
use std::str::FromStr;

use crate::push::token_hash::TokenHash;

/// The part that this run takes: the tokens whose SHA-256 is `index` modulo `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shard {
    index: u64,
    count: u64,
}

impl Shard {
    /// Makes a shard; `index` counts from 0.
    pub(crate) fn new(index: u64, count: u64) -> Option<Self> {
        if index < count { Some(Self { index, count }) } else { None }
    }

    /// Returns whether the shard has this text: the digits of a token in lower case, or what is none.
    pub(super) fn has(self, text: &str) -> bool {
        TokenHash::of(text).0 % self.count == self.index
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    /// Parses `I/N`.
    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "I/N is expected, with I from 0 to N-1, such as 0/4".to_owned();
        let Some((index, count)) = text.split_once('/') else { return Err(expected()) };
        match (index.parse(), count.parse()) {
            (Ok(index), Ok(count)) => Self::new(index, count).ok_or_else(expected),
            _ => Err(expected()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_disjoint_and_complete() {
        let mut sizes = [0; 4];
        for number in 0..1000 {
            let text = format!("{number:064x}");
            let mut owners = Vec::new();
            for index in 0..4 {
                if Shard::new(index, 4).unwrap().has(&text) {
                    owners.push(index as usize);
                }
            }
            assert_eq!(owners.len(), 1, "{text}");
            sizes[owners[0]] += 1;
        }
        assert!(sizes.iter().all(|size| *size > 180), "{sizes:?}");
    }

    #[test]
    fn the_rule_is_the_documented_one() {
        // sha256sum of "abcd" begins with 88d4266fd4e6338d.
        let number = 0x88d4_266f_d4e6_338d_u64;
        assert!(Shard::new(number % 7, 7).unwrap().has("abcd"));
    }

    #[test]
    fn forms() {
        assert_eq!("0/4".parse::<Shard>().unwrap().to_string(), "0/4");
        for wrong in ["4/4", "1", "a/b", "-1/4", "0/0", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
