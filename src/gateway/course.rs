//! The course of a fault: on which of the connections or requests it strikes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};

/// The words of a course, as they are written after the `@` of a fault.
pub(crate) const COURSE_USAGE: &str = "after=N, every=N, times=N, connections=N, rate=P%, seed=N, for=TIME";

/// The parts in a million that are all of them.
const WHOLE: u32 = 1_000_000;

/// The occasions on which a fault strikes. The default is every one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Course {
    /// The number of occasions at the beginning that pass without the fault.
    after: u64,
    /// The distance of two strikes.
    every: u64,
    /// The largest number of strikes.
    times: u64,
    /// The share of the occasions that are struck, in millionths.
    rate: u32,
    /// The seed of the choice that `rate` makes.
    seed: u64,
    /// The fault strikes only the first connections, as many as this.
    connections: u64,
    /// The time after which the fault is over.
    pub(super) lasting: Option<Duration>,
}

impl Default for Course {
    fn default() -> Self {
        Self { after: 0, every: 1, times: u64::MAX, rate: WHOLE, seed: 0, connections: u64::MAX, lasting: None }
    }
}

/// A problem in the text of a fault: where it is, and what was expected there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misspelling {
    /// The number of bytes before the wrong part.
    pub(super) offset: usize,
    pub(super) expected: String,
}

impl Misspelling {
    pub(super) fn new(offset: usize, expected: impl Into<String>) -> Self {
        Self { offset, expected: expected.into() }
    }
}

impl Course {
    /// Parses `WORD=VALUE,…`, which begins at `offset` of the text.
    pub(super) fn parse(text: &str, offset: usize) -> Result<Self, Misspelling> {
        let mut course = Self::default();
        let mut seen = Vec::new();
        let mut start = offset;
        for part in text.split(',') {
            let (word, value) = part.split_once('=').unwrap_or((part, ""));
            if seen.contains(&word) {
                return Err(Misspelling::new(start, format!("{word} was given before; each word is expected once")));
            }
            seen.push(word);
            course.set(word, value, start)?;
            start += part.len() + 1;
        }
        if seen.contains(&"seed") && !seen.contains(&"rate") {
            return Err(Misspelling::new(offset, "seed is the seed of rate: rate=P% is expected beside it"));
        }
        Ok(course)
    }

    fn set(&mut self, word: &str, value: &str, start: usize) -> Result<(), Misspelling> {
        let place = start + word.len() + 1;
        match word {
            "after" => self.after = parse_number(value, 0, place)?,
            "every" => self.every = parse_number(value, 1, place)?,
            "times" => self.times = parse_number(value, 1, place)?,
            "connections" => self.connections = parse_number(value, 1, place)?,
            "seed" => self.seed = parse_number(value, 0, place)?,
            "rate" => self.rate = parse_rate(value, place)?,
            "for" => self.lasting = Some(parse_time(value, place)?),
            _ => return Err(Misspelling::new(start, format!("one of these is expected: {COURSE_USAGE}"))),
        }
        Ok(())
    }

    /// Returns whether the course chooses among occasions, and not only among connections.
    pub(super) fn counts_occasions(&self) -> bool {
        self.after > 0 || self.every > 1 || self.rate < WHOLE
    }

    /// Returns whether the fault may strike on this occasion, counted from 1. `salt` makes two faults with
    /// one seed independent.
    fn covers(&self, occasion: u64, salt: u64) -> bool {
        let Some(later) = occasion.checked_sub(self.after) else { return false };
        later > 0 && later.is_multiple_of(self.every) && self.draws(occasion, salt)
    }

    /// Decides by the seed and the number of the occasion alone.
    fn draws(&self, occasion: u64, salt: u64) -> bool {
        if self.rate == WHOLE {
            return true;
        }
        let mut hash = Sha256::new();
        for number in [self.seed, salt, occasion] {
            hash.update(number.to_be_bytes());
        }
        let digest = hash.finalize();
        let mut drawn = 0;
        for byte in &digest[..8] {
            drawn = (drawn << 8) | u64::from(*byte);
        }
        drawn % u64::from(WHOLE) < u64::from(self.rate)
    }
}

/// A course with the count of its strikes.
pub(super) struct RunningCourse {
    course: Course,
    /// The place of the fault among all.
    salt: u64,
    strikes: AtomicU64,
}

impl RunningCourse {
    pub(super) fn new(course: Course, salt: u64) -> Self {
        Self { course, salt, strikes: AtomicU64::new(0) }
    }

    /// Returns whether the fault strikes, and counts it if it does.
    pub(super) fn strikes(&self, connection: u64, occasion: u64) -> bool {
        if connection > self.course.connections || !self.course.covers(occasion, self.salt) {
            return false;
        }
        self.strikes.fetch_add(1, Ordering::Relaxed) < self.course.times
    }
}

fn parse_number(text: &str, least: u64, offset: usize) -> Result<u64, Misspelling> {
    match text.parse() {
        Ok(number) if number >= least && !text.starts_with('+') => Ok(number),
        Ok(_) | Err(_) => Err(Misspelling::new(offset, format!("a whole number from {least} on is expected"))),
    }
}

/// Parses a percentage such as `1%` or `0.25%`.
fn parse_rate(text: &str, offset: usize) -> Result<u32, Misspelling> {
    match millionths(text) {
        Some(rate) if (1..=WHOLE).contains(&rate) => Ok(rate),
        Some(_) | None => Err(Misspelling::new(offset, "a share between 0.0001% and 100% is expected, such as 1%")),
    }
}

fn millionths(text: &str) -> Option<u32> {
    let digits = text.strip_suffix('%')?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    for part in [whole, fraction] {
        if part.is_empty() || part.len() > 4 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
    }
    format!("{whole}{fraction:0<4}").parse().ok()
}

/// Parses a time such as `500ms` or `2s`.
fn parse_time(text: &str, offset: usize) -> Result<Duration, Misspelling> {
    let (digits, unit) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1),
        None => (text.strip_suffix('s').unwrap_or_default(), 1000),
    };
    match digits.parse::<u32>() {
        Ok(number) if number > 0 => Ok(Duration::from_millis(u64::from(number) * unit)),
        Ok(_) | Err(_) => Err(Misspelling::new(offset, "a time is expected, such as 500ms or 2s")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(text: &str, occasions: u64) -> Vec<u64> {
        let running = RunningCourse::new(Course::parse(text, 0).unwrap(), 0);
        (1..=occasions).filter(|occasion| running.strikes(1, *occasion)).collect()
    }

    #[test]
    fn a_course_chooses_occasions() {
        assert_eq!(struck("after=3", 5), [4, 5]);
        assert_eq!(struck("after=100,times=1", 300), [101]);
        assert_eq!(struck("every=3", 10), [3, 6, 9]);
        assert_eq!(struck("every=10,after=5,times=2", 100), [15, 25]);
        assert_eq!(struck("rate=100%,times=2", 9), [1, 2]);
    }

    #[test]
    fn a_rate_is_kept_and_the_seed_decides() {
        let first = struck("rate=1%,seed=7", 100_000);
        assert!((900..1100).contains(&first.len()), "{}", first.len());
        assert_eq!(first, struck("seed=7,rate=1.0%", 100_000));
        assert_ne!(first, struck("rate=1%,seed=8", 100_000));
        let rare = struck("rate=0.0100%", 1_000_000).len();
        assert!((50..150).contains(&rare), "{rare}");
        let other = RunningCourse::new(Course::parse("rate=1%,seed=7", 0).unwrap(), 1);
        assert_ne!(first, (1..=100_000).filter(|n| other.strikes(1, *n)).collect::<Vec<_>>());
    }

    #[test]
    fn the_first_connections_only() {
        let running = RunningCourse::new(Course::parse("connections=2", 0).unwrap(), 0);
        assert_eq!([1, 2, 3, 1].map(|connection| running.strikes(connection, 1)), [true, true, false, true]);
    }

    #[test]
    fn a_wrong_course_is_refused_where_it_is_wrong() {
        for (text, offset, expected) in [
            ("", 10, "one of these is expected: after=N"),
            ("afer=1", 10, "one of these is expected: after=N"),
            ("after=1,", 18, "one of these is expected: after=N"),
            ("after", 16, "a whole number from 0 on"),
            ("after=-1", 16, "a whole number from 0 on"),
            ("after=+1", 16, "a whole number from 0 on"),
            ("after=1,every=0", 24, "a whole number from 1 on"),
            ("times=0", 16, "a whole number from 1 on"),
            ("times=1,times=2", 18, "times was given before"),
            ("rate=1", 15, "a share"),
            ("rate=0%", 15, "a share"),
            ("rate=101%", 15, "a share"),
            ("rate=100.0001%", 15, "a share"),
            ("rate=0.00001%", 15, "a share"),
            ("rate=.5%", 15, "a share"),
            ("rate=1.%", 15, "a share"),
            ("rate=-1%", 15, "a share"),
            ("seed=1", 10, "seed is the seed of rate"),
            ("for=2", 14, "a time is expected"),
            ("for=0s", 14, "a time is expected"),
        ] {
            let wrong = Course::parse(text, 10).unwrap_err();
            assert_eq!(wrong.offset, offset, "{text}");
            assert!(wrong.expected.starts_with(expected), "{text}: {}", wrong.expected);
        }
    }
}
