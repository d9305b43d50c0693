//! Compares when certificates are valid.

use time::OffsetDateTime;

use crate::certificate::renewal::Pair;
use crate::certificate::time_left::TimeLeft;
use crate::finding::{Finding, FindingCode, Level};

pub(super) fn compare_validity(pair: &Pair<'_>, now: OffsetDateTime, differences: &mut Vec<Finding>) {
    let (old, new) = (&pair.old, &pair.new);
    let (old_end, new_end) = (old.not_after.date(), new.not_after.date());
    if pair.is_same {
        differences.push(Finding::failure(FindingCode::NotRenewed, "both are the same certificate"));
    } else if new.not_after <= old.not_after {
        let message =
            format!("the new one ends on {new_end}, no later than the old one ({old_end}): are they swapped?");
        differences.push(Finding::failure(FindingCode::NotRenewed, message));
    }
    if now > new.not_after {
        let message = format!("the new one expired on {new_end} ({})", TimeLeft::until(new.not_after, now).relative());
        differences.push(Finding::failure(FindingCode::Expired, message));
    }
    let new_start = new.not_before.date();
    if now < new.not_before {
        let message = format!("the new one is not valid before {new_start}");
        differences.push(Finding::failure(FindingCode::NotYetValid, message));
    }
    if new.not_before > old.not_after {
        let message = format!("neither is valid between {old_end} and {new_start}");
        differences.push(Finding::new(Level::Ok, FindingCode::Gap, message));
    }
}
