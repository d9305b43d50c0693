//! Finds two device tokens that were joined: the last of a list without a line end, and the first of the list behind it.

/// The most lengths that are told apart.
const MAX_LENGTHS: usize = 3;
/// The number of shorter tokens for each longer one from which on several longer ones count as joined.
const RATIO: u64 = 10;

/// Tokens of one length.
#[derive(Debug, Clone, Copy)]
struct SameLength {
    digits: usize,
    count: u64,
    /// The position of the first.
    first: u64,
}

/// Tokens that are exactly twice as long as all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JoinedTokens {
    pub(crate) count: u64,
    /// The position of the first.
    pub(crate) first: u64,
}

/// The lengths that tokens have.
#[derive(Debug, Default)]
pub(super) struct Lengths(Vec<SameLength>);

impl Lengths {
    /// Counts a token.
    pub(super) fn count(&mut self, position: u64, digits: usize) {
        if let Some(known) = self.0.iter_mut().find(|known| known.digits == digits) {
            known.count += 1;
        } else if self.0.len() < MAX_LENGTHS {
            self.0.push(SameLength { digits, count: 1, first: position });
        }
    }

    /// Returns the tokens that are exactly twice as long as all others, where they are few.
    pub(super) fn joined(&self) -> Option<JoinedTokens> {
        let [one, other] = self.0[..] else { return None };
        let (short, long) = if one.digits < other.digits { (one, other) } else { (other, one) };
        let are_few = long.count == 1 || long.count * RATIO <= short.count;
        if long.digits == short.digits * 2 && are_few {
            Some(JoinedTokens { count: long.count, first: long.first })
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(digits: &[usize]) -> Option<JoinedTokens> {
        let mut lengths = Lengths::default();
        for (index, digits) in digits.iter().enumerate() {
            lengths.count(index as u64 + 1, *digits);
        }
        lengths.joined()
    }

    #[test]
    fn a_token_of_twice_the_length_of_all_others_is_joined() {
        assert_eq!(joined(&[64, 64, 128, 64]), Some(JoinedTokens { count: 1, first: 3 }));
        assert_eq!(joined(&[128, 64]), Some(JoinedTokens { count: 1, first: 1 }));
        assert_eq!(joined(&[&[64; 20][..], &[128; 2]].concat()), Some(JoinedTokens { count: 2, first: 21 }));
        for others in [&[][..], &[64, 64], &[128, 128], &[64, 160], &[64, 128, 160], &[64, 64, 128, 128]] {
            assert_eq!(joined(others), None, "{others:?}");
        }
    }
}
