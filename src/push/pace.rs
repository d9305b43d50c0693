//! The rate of requests: an interval between two, with a short burst after a wait.

use std::time::Duration;

use tokio::time::Instant;

/// The time whose requests may go out at once: a timer is not more exact than milliseconds.
const BURST: Duration = Duration::from_millis(20);

/// Returns the time in which so many requests go out at least; `rate` is the number in a second.
pub(super) fn time_of(requests: u32, rate: Option<f64>) -> Duration {
    match rate {
        Some(rate) => Duration::from_secs_f64(f64::from(requests) / rate),
        None => Duration::ZERO,
    }
}

/// Says when the next request may go out.
#[derive(Debug)]
pub(super) struct Pace {
    /// `None` without a limit.
    interval: Option<Duration>,
    next: Instant,
}

impl Pace {
    /// `rate` is the number of requests in a second.
    pub(super) fn new(rate: Option<f64>) -> Self {
        let interval = rate.map(|rate| Duration::from_secs_f64(1.0 / rate));
        Self { interval, next: Instant::now() }
    }

    /// Counts a request, or returns the time at which it may go out.
    pub(super) fn admit(&mut self) -> Result<(), Instant> {
        let Some(interval) = self.interval else { return Ok(()) };
        let now = Instant::now();
        if self.next > now {
            return Err(self.next);
        }
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        self.next = self.next.max(earliest) + interval;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_keep_their_distance() {
        let mut pace = Pace::new(Some(0.5));
        assert!(pace.admit().is_ok());
        let next = pace.admit().unwrap_err();
        let wait = next - Instant::now();
        assert!(wait > Duration::from_millis(1900) && wait <= Duration::from_secs(2), "{wait:?}");
        let mut unlimited = Pace::new(None);
        for _ in 0..1000 {
            assert!(unlimited.admit().is_ok());
        }
    }

    #[test]
    fn a_burst_is_no_longer_than_20_ms() {
        let mut pace = Pace::new(Some(1000.0));
        pace.next = Instant::now().checked_sub(Duration::from_secs(5)).unwrap_or_else(Instant::now);
        let mut admitted = 0;
        while pace.admit().is_ok() && admitted < 1000 {
            admitted += 1;
        }
        assert!(admitted < 200, "{admitted}");
    }
}
