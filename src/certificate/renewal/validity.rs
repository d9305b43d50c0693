//! Compares when certificates are valid.

use time::{Duration, OffsetDateTime};

use crate::certificate::renewal::{Comparable, Pair};
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
        let message = format!(
            "the new one is not valid before {new_start} ({})",
            TimeLeft::until(new.not_before, now).relative()
        );
        differences.push(Finding::failure(FindingCode::NotYetValid, message));
    }
    if is_long(new) && !is_long(old) && !new.hosts.is_empty() {
        let message = format!(
            "the new one is valid for {} days: Apple's systems refuse a server's that is valid for more than {MOST_DAYS}",
            (new.not_after - new.not_before).whole_days()
        );
        differences.push(Finding::warning(FindingCode::LongValidity, message));
    }
    if new.not_before > old.not_after {
        let gap = TimeLeft::until(new.not_before, old.not_after).amount();
        let message = format!("neither is valid between {old_end} and {new_start} ({gap})");
        differences.push(Finding::new(Level::Ok, FindingCode::Gap, message));
    }
}

/// The most days that Apple's systems take from a server, whoever issued its certificate (support.apple.com/en-us/103769).
const MOST_DAYS: i64 = 825;

fn is_long(one: &Comparable<'_>) -> bool {
    one.not_after - one.not_before > Duration::days(MOST_DAYS)
}
