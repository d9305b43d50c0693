//! Thresholds for the end of a validity: "30d", "10%".

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use time::Duration;

/// The time, or the share of the lifetime, before the end of a validity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threshold {
    Hours(u32),
    Days(u32),
    Weeks(u32),
    /// In percent of the whole lifetime.
    Percent(u8),
}

impl Threshold {
    /// Returns the time for a certificate with this lifetime.
    pub(crate) fn of(self, lifetime: Duration) -> Duration {
        match self {
            Self::Hours(n) => Duration::hours(n.into()),
            Self::Days(n) => Duration::days(n.into()),
            Self::Weeks(n) => Duration::weeks(n.into()),
            Self::Percent(n) => Duration::seconds(lifetime.whole_seconds().max(0) * i64::from(n) / 100),
        }
    }
}

impl Threshold {
    /// Returns whether it is a share of the lifetime.
    pub(crate) const fn is_share(self) -> bool {
        matches!(self, Self::Percent(_))
    }

    /// Returns "within 30 days", or the like.
    pub(crate) fn period(self) -> String {
        let (number, unit) = match self {
            Self::Hours(n) => (n, "hour"),
            Self::Days(n) => (n, "day"),
            Self::Weeks(n) => (n, "week"),
            Self::Percent(n) => return format!("in the last {n}% of the lifetime"),
        };
        format!("within {number} {unit}{}", if number == 1 { "" } else { "s" })
    }
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match parse(text) {
            Some(threshold) => Ok(threshold),
            None if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Err(format!("a unit is missing: {text}d are days, {text}h hours, {text}w weeks, {text}% a share of the lifetime"))
            }
            None => {
                Err("a whole number with its unit is expected: 30d (days), 12w (weeks), 720h (hours), or 10% of the lifetime"
                    .to_owned())
            }
        }
    }
}

impl Threshold {
    /// Returns whether it is shorter than another for every certificate: a time and a share cannot be compared.
    pub(crate) fn is_shorter_than(self, other: Self) -> bool {
        match (self, other) {
            (Self::Percent(own), Self::Percent(other)) => own < other,
            (Self::Percent(own), _) => own == 0 && other.of(Duration::ZERO) > Duration::ZERO,
            (_, Self::Percent(other)) => other == 100,
            (own, other) => own.of(Duration::ZERO) < other.of(Duration::ZERO),
        }
    }
}

fn parse(text: &str) -> Option<Threshold> {
    let unit = text.chars().next_back()?;
    let number = &text[..text.len() - unit.len_utf8()];
    // "+7" is a number to Rust.
    if number.starts_with('+') {
        return None;
    }
    let number: u32 = number.parse().ok()?;
    match (unit, u8::try_from(number)) {
        ('h', _) => Some(Threshold::Hours(number)),
        ('d', _) => Some(Threshold::Days(number)),
        ('w', _) => Some(Threshold::Weeks(number)),
        ('%', Ok(share @ ..=100)) => Some(Threshold::Percent(share)),
        _ => None,
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hours(n) => write!(f, "{n}h"),
            Self::Days(n) => write!(f, "{n}d"),
            Self::Weeks(n) => write!(f, "{n}w"),
            Self::Percent(n) => write!(f, "{n}%"),
        }
    }
}

impl Serialize for Threshold {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds() {
        let year = Duration::days(365);
        let of = |text: &str| text.parse::<Threshold>().map(|threshold| threshold.of(year));
        assert_eq!(of("30d"), Ok(Duration::days(30)));
        assert_eq!(of("12w"), Ok(Duration::days(84)));
        assert_eq!(of("720h"), Ok(Duration::days(30)));
        assert_eq!(of("20%"), Ok(Duration::days(73)));
        assert_eq!(of("0d"), Ok(Duration::ZERO));
        for wrong in ["", "d", "30", "-1d", "+1d", "1.5d", "30 d", "101%", "300%", "1y", "30日", "99999999999d"] {
            assert!(of(wrong).unwrap_err().contains("30d"), "{wrong}");
        }
        for (warn, fail, is_shorter) in [
            ("3d", "7d", true),
            ("7d", "7d", false),
            ("167h", "1w", true),
            ("5%", "10%", true),
            ("10%", "7d", false),
            ("0%", "7d", true),
            ("30d", "100%", true),
            ("30d", "10%", false),
        ] {
            let [warn, fail] = [warn, fail].map(|text| text.parse::<Threshold>().unwrap());
            assert_eq!(warn.is_shorter_than(fail), is_shorter, "{warn} {fail}");
        }
        for text in ["30d", "12w", "720h", "10%"] {
            assert_eq!(text.parse::<Threshold>().unwrap().to_string(), text);
        }
    }
}
