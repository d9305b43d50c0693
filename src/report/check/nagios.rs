//! A plugin's output ("Monitoring Plugins Development Guidelines"): one line, then a line a gateway.

use std::io::{self, Write};

use crate::check::verdict::Outcome;
use crate::error::Error;
use crate::report::check::{CheckReport, place, sentence, word};
use crate::report::nagios::{self, CRITICAL, OK, UNKNOWN, WARNING, plain, state};

/// Returns the exit code: a refusal outweighs a gateway that was not reached, which outweighs a missing proof.
pub(crate) fn exit_code(report: &CheckReport) -> u8 {
    let has = |verdicts: &[Outcome]| report.checks.iter().any(|check| verdicts.contains(&check.verdict));
    if has(&[Outcome::Refused, Outcome::Rejected]) {
        CRITICAL
    } else if has(&[Outcome::Unreachable]) {
        UNKNOWN
    } else if has(&[Outcome::Unproven]) {
        WARNING
    } else {
        OK
    }
}

/// Writes that there is no report.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write_error(out: &mut dyn Write, error: &Error) -> io::Result<()> {
    nagios::write_error(out, "APNS", error)
}

/// Writes the report.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(out: &mut dyn Write, report: &CheckReport) -> io::Result<()> {
    let state = state(exit_code(report));
    let good = report.checks.iter().filter(|check| check.verdict == Outcome::Accepted).count();
    let total = report.checks.len();
    let times = report.checks.iter().enumerate().map(|(index, check)| {
        let seconds = check.stages.iter().map(|stage| stage.ms).sum::<f64>() / 1000.0;
        format!("time{index}={seconds:.3}s")
    });
    let times = times.collect::<Vec<_>>().join(" ");
    writeln!(out, "APNS {state} - {good} of {total} gateways good | good={good};;;0;{total} {times}")?;
    for check in &report.checks {
        writeln!(out, "{}", plain(&format!("{} {}: {}", place(check), word(check.verdict), sentence(check))))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use crate::test_support::printed_check;

    #[test]
    fn a_missing_key_as_it_is_printed() {
        assert_data_eq!(
            printed_check("nagios"),
            str![[r#"
APNS WARNING - 0 of 1 gateways good | good=0;;;0;1 time0=[..]s
api.push.apple.com:443 (production) unproven: key-missing: there is no private key to the certificate

"#]]
        );
    }
}
