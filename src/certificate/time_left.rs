//! The time to the end of a validity: in one way for people, in another for machines.

use time::OffsetDateTime;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The time from one moment to another: negative once that has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeLeft {
    /// Rounded down, so that what has passed is below 0.
    seconds: i64,
}

impl TimeLeft {
    /// Returns the time from `now` to `end`.
    pub(crate) fn until(end: OffsetDateTime, now: OffsetDateTime) -> Self {
        let seconds = (end - now).whole_nanoseconds().div_euclid(1_000_000_000);
        // All times are within ten thousand years.
        Self { seconds: i64::try_from(seconds).unwrap_or(i64::MAX) }
    }

    pub(crate) const fn from_seconds(seconds: i64) -> Self {
        Self { seconds }
    }

    pub(crate) const fn seconds(self) -> i64 {
        self.seconds
    }

    /// Returns the days, rounded down.
    pub(crate) const fn days(self) -> i64 {
        self.seconds.div_euclid(DAY.cast_signed())
    }

    pub(crate) const fn is_over(self) -> bool {
        self.seconds < 0
    }

    /// Returns the amount, forwards or backwards, in whole units: "12 days", "23 hours", "5 minutes".
    pub(crate) fn amount(self) -> String {
        let seconds = self.seconds.unsigned_abs();
        for (unit, name) in [(DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")] {
            match seconds / unit {
                0 => {}
                1 => return format!("1 {name}"),
                n => return format!("{n} {name}s"),
            }
        }
        "less than a minute".to_owned()
    }

    /// Returns "in 12 days" or "12 days ago".
    pub(crate) fn relative(self) -> String {
        if self.is_over() { format!("{} ago", self.amount()) } else { format!("in {}", self.amount()) }
    }

    /// Returns "12 days" or "12 days ago".
    pub(crate) fn amount_or_ago(self) -> String {
        if self.is_over() { self.relative() } else { self.amount() }
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;

    use super::*;

    const MIDNIGHT: OffsetDateTime = datetime!(2026-11-24 0:00 UTC);

    #[test]
    fn people_read_whole_units_and_machines_floored_ones() {
        let cases = [
            (Duration::days(12) + Duration::minutes(5), "in 12 days", 12),
            (Duration::days(2), "in 2 days", 2),
            (Duration::days(2) - Duration::SECOND, "in 1 day", 1),
            (Duration::DAY, "in 1 day", 1),
            (Duration::DAY - Duration::SECOND, "in 23 hours", 0),
            (Duration::HOUR, "in 1 hour", 0),
            (Duration::HOUR - Duration::SECOND, "in 59 minutes", 0),
            (Duration::minutes(5), "in 5 minutes", 0),
            (Duration::SECOND, "in less than a minute", 0),
            (Duration::ZERO, "in less than a minute", 0),
            (-Duration::NANOSECOND, "less than a minute ago", -1),
            (-Duration::SECOND, "less than a minute ago", -1),
            (-Duration::MINUTE, "1 minute ago", -1),
            (-Duration::minutes(65), "1 hour ago", -1),
            (-Duration::DAY + Duration::SECOND, "23 hours ago", -1),
            (-Duration::DAY, "1 day ago", -1),
            (-Duration::DAY - Duration::SECOND, "1 day ago", -2),
            (-Duration::days(12), "12 days ago", -12),
            (-Duration::days(12) - Duration::minutes(5), "12 days ago", -13),
            (-Duration::days(30) - Duration::minutes(5), "30 days ago", -31),
        ];
        for now in [MIDNIGHT, MIDNIGHT - Duration::SECOND, MIDNIGHT + Duration::SECOND] {
            for (duration, text, days) in cases {
                let left = TimeLeft::until(now + duration, now);
                assert_eq!((left.relative().as_str(), left.days()), (text, days), "{duration}");
                assert_eq!(left.is_over(), duration.is_negative());
            }
        }
    }
}
