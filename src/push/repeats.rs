//! Finds device tokens that stand in the input more than once, within a memory that does not depend on its length.

use std::hash::{DefaultHasher, Hasher};

/// The slots of the table: 8 MiB, of which only those pages are taken that are used.
const SLOTS: usize = 1 << 20;
/// The most tokens that are remembered.
const MAX_REMEMBERED: usize = SLOTS / 4 * 3;

/// The tokens that came so far, by their hashes. Those beyond the limit are not remembered, so that the count is the least
/// that is true.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// Zero is a free slot.
    slots: Vec<u64>,
    remembered: usize,
}

impl Repeats {
    /// Returns whether the token has come before, and remembers it.
    pub(super) fn has_come(&mut self, digits: &str) -> bool {
        if self.slots.is_empty() {
            self.slots = vec![0; SLOTS];
        }
        let mut hasher = DefaultHasher::new();
        hasher.write(digits.as_bytes());
        let hash = hasher.finish() | 1;
        let mut slot = (hash >> 32) as usize % SLOTS;
        while self.slots[slot] != 0 {
            if self.slots[slot] == hash {
                return true;
            }
            slot = (slot + 1) % SLOTS;
        }
        if self.remembered < MAX_REMEMBERED {
            self.slots[slot] = hash;
            self.remembered += 1;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_repetition_counts() {
        let mut repeats = Repeats::default();
        let count = |repeats: &mut Repeats, numbers: std::ops::Range<usize>| {
            numbers.filter(|number| repeats.has_come(&format!("{number:064x}"))).count()
        };
        assert_eq!(count(&mut repeats, 0..100_000), 0);
        assert_eq!(count(&mut repeats, 50_000..150_000), 50_000);
        assert_eq!(count(&mut repeats, 0..150_000), 150_000);
        assert_eq!(count(&mut repeats, 150_000..900_000), 0, "more than are remembered");
        assert_eq!(count(&mut repeats, 0..1000), 1000);
        assert_eq!(repeats.remembered, MAX_REMEMBERED);
    }
}
