//! When the next attempt is made: after a delay that grows, with jitter, and not before the server asks for it.

use std::time::Duration;

use time::OffsetDateTime;

/// The delay before the first retry; it doubles, up to [`MAX_DELAY`].
const FIRST_DELAY: Duration = Duration::from_millis(500);
const MAX_DELAY: Duration = Duration::from_secs(60);
/// The longest wait that a server may ask for; a server that asks for more is not asked again.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_secs(120);
/// What a number of seconds counts as that is too large to be read (RFC 9111 section 1.2.2).
const LARGEST_SECONDS: u64 = 1 << 31;
/// The most that jitter adds to the wait that a server asks for.
const MAX_EXTRA: Duration = Duration::from_secs(1);

/// Returns the wait that the header Retry-After asks for: seconds, or a date in one of three forms (RFC 9110 sections
/// 10.2.3 and 5.6.7).
pub(crate) fn parse_retry_after(text: &str, now: OffsetDateTime) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(LARGEST_SECONDS)));
    }
    let date = OffsetDateTime::from(httpdate::parse_http_date(text).ok()?);
    Some(Duration::try_from(date - now).unwrap_or_default())
}

/// Returns the delay before a retry, or `None` if the server asks for a longer one than it gets. The first retry is
/// number 0; `limit` is the longest delay that was not asked for, and `jitter` is between 0 and 1.
pub(crate) fn delay_before(retry: u32, requested: Option<Duration>, limit: Duration, jitter: f64) -> Option<Duration> {
    let growing = FIRST_DELAY.saturating_mul(2_u32.saturating_pow(retry)).min(MAX_DELAY).min(limit);
    // Between half and all of it, so that clients that failed together do not come back together.
    let delay = growing.mul_f64(0.5 + jitter / 2.0);
    let Some(requested) = requested else { return Some(delay) };
    if requested > MAX_RETRY_AFTER {
        return None;
    }
    let extra = (requested / 10).min(MAX_EXTRA).mul_f64(jitter);
    Some(delay.max(requested + extra))
}

/// Returns a random number between 0 and 1; 1 if the system has no random numbers.
pub(crate) fn jitter() -> f64 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn delays_double_up_to_a_minute_or_the_limit() {
        let hour = 3600 * SECOND;
        for (retry, expected) in
            [(0, 500), (1, 1000), (2, 2000), (3, 4000), (7, 60_000), (31, 60_000), (u32::MAX, 60_000)]
        {
            let delay = delay_before(retry, None, hour, 1.0).unwrap();
            assert_eq!(delay.as_millis(), expected, "{retry}");
            assert_eq!(delay_before(retry, None, hour, 0.0).unwrap(), delay / 2, "{retry}");
        }
        assert_eq!(delay_before(80, None, SECOND, 1.0), Some(SECOND));
    }

    #[test]
    fn a_server_is_not_asked_before_it_wants_to_be() {
        for jitter in [0.0, 0.3, 1.0] {
            // The limit of a stage does not shorten what the server asks for.
            let delay = delay_before(0, Some(30 * SECOND), SECOND, jitter).unwrap();
            assert!(delay >= 30 * SECOND && delay <= 31 * SECOND, "{delay:?}");
            assert_eq!(delay_before(0, Some(MAX_RETRY_AFTER + SECOND), SECOND, jitter), None);
            assert!(delay_before(0, Some(MAX_RETRY_AFTER), SECOND, jitter).is_some());
        }
        assert!(delay_before(6, Some(SECOND), 60 * SECOND, 1.0).unwrap() > 30 * SECOND, "the longer counts");
    }

    #[test]
    fn seconds_and_dates() {
        let now = datetime!(2026-11-27 20:00:00 UTC);
        for (text, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Fri, 27 Nov 2026 20:01:30 GMT", Some(90)),
            ("Fri, 27 Nov 2026 19:00:00 GMT", Some(0)),
            ("Friday, 27-Nov-26 20:01:30 GMT", Some(90)),
            ("Fri Nov 27 20:01:30 2026", Some(90)),
            ("99999999999999999999999999", Some(1 << 31)),
            ("18446744073709551615", Some(u64::MAX)),
            ("+2", None),
            ("2.5", None),
            ("soon", None),
            ("-5", None),
            ("", None),
        ] {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(parse_retry_after(text, now), expected, "{text}");
        }
    }

    #[test]
    fn jitter_is_spread() {
        let mut numbers = Vec::new();
        for _ in 0..100 {
            let number = jitter();
            assert!((0.0..=1.0).contains(&number));
            numbers.push((number * 10.0) as u32);
        }
        numbers.sort_unstable();
        numbers.dedup();
        assert!(numbers.len() > 3, "{numbers:?}");
    }
}
