//! A plugin's output ("Monitoring Plugins Development Guidelines"): one line, then a line a gateway. The
//! exit codes stay pushcert's own: 1 is "rejected or unproven", 5 is "unreachable".

use std::io::{self, Write};

use crate::check::verdict::Outcome;
use crate::report::check::{CheckReport, place, sentence, word};
use crate::report::nagios::{CRITICAL, OK, WARNING, plain, state};

/// Writes the report.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(out: &mut dyn Write, report: &CheckReport) -> io::Result<()> {
    let has = |verdict| report.checks.iter().any(|check| check.verdict == verdict);
    let state = state(if has(Outcome::Refused) || has(Outcome::Rejected) || has(Outcome::Unreachable) {
        CRITICAL
    } else if has(Outcome::Unproven) {
        WARNING
    } else {
        OK
    });
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
