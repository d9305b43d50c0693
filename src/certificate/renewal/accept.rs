//! The differences that a user may accept where they do not matter to the programs in use.

use crate::certificate::renewal::Comparison;
use crate::finding::{FindingCode, Level};

/// A group of differences that break unless they are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acceptable {
    Chain,
    LockedKey,
    KeyType,
    LostUse,
}

/// The name of a group, and the codes in it.
struct Group {
    group: Acceptable,
    name: &'static str,
    codes: &'static [FindingCode],
}

static GROUPS: [Group; 4] = [
    Group {
        group: Acceptable::Chain,
        name: "chain",
        codes: &[
            FindingCode::ChainLost,
            FindingCode::WrongChain,
            FindingCode::ChainInvalid,
            FindingCode::ChainOrder,
            FindingCode::IntermediateExpired,
            FindingCode::LeafNotFirst,
        ],
    },
    Group { group: Acceptable::LockedKey, name: "locked-key", codes: &[FindingCode::KeyLocked] },
    Group { group: Acceptable::KeyType, name: "key-type", codes: &[FindingCode::UnusableKey] },
    Group { group: Acceptable::LostUse, name: "lost-use", codes: &[FindingCode::UsageLost] },
];

impl Acceptable {
    /// Returns the names of all.
    pub(crate) fn names() -> [&'static str; GROUPS.len()] {
        GROUPS.each_ref().map(|group| group.name)
    }

    /// Returns the group of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let group = GROUPS.iter().find(|group| group.name == name)?;
        Some(group.group)
    }

    fn covers(self, code: FindingCode) -> bool {
        GROUPS.iter().any(|group| group.group == self && group.codes.contains(&code))
    }
}

impl Comparison {
    /// Makes notes of the differences that are accepted.
    pub(crate) fn accept(&mut self, accepted: &[Acceptable]) {
        for difference in &mut self.differences {
            if accepted.iter().any(|group| group.covers(difference.code)) {
                difference.level = Level::Ok;
            }
        }
        self.drop_in = Level::worst(&self.differences) != Level::Failure;
    }
}
