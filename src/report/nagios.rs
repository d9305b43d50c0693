//! The output of a monitoring plugin (Nagios Plugin Development Guidelines): a line with the state, `|`
//! and performance data, then lines with more.

use std::io::{self, Write};

use crate::error::Error;
use crate::exit::NagiosState;
use crate::finding::{FindingsReport, Measure};
use crate::text::escaped;

/// Writes the report.
pub(crate) fn write(out: &mut dyn Write, report: &FindingsReport) -> io::Result<()> {
    write!(out, "{} {} - {} |", report.service, report.ending.nagios.word(), plain(&report.summary))?;
    for measure in &report.measures {
        write!(out, " {}", performance_data(measure))?;
    }
    writeln!(out)?;
    for case in &report.cases {
        for finding in &case.findings {
            let sentence = finding.sentence();
            // Without its hint it would not say why a threshold is never met.
            let is_whole = finding.code.is_about_the_end();
            writeln!(out, "{}", plain(&if is_whole { finding.with_hint(&sentence) } else { sentence.to_string() }))?;
        }
    }
    for note in &report.notes {
        writeln!(out, "{}", plain(note))?;
    }
    Ok(())
}

/// Writes that there is no report; `service` is the first word of the line.
pub(crate) fn write_error(out: &mut dyn Write, service: &str, error: &Error) -> io::Result<()> {
    writeln!(out, "{service} {} - {}", NagiosState::Unknown.word(), plain(&error.message))
}

/// Returns `name=value;warn;fail;min;max`. A range `30:` alerts below 30.
fn performance_data(measure: &Measure) -> String {
    let mut data = format!("{}={};", measure.name, measure.value);
    for bound in [&measure.warn_below, &measure.fail_below] {
        if let Some(bound) = bound {
            data.push_str(&format!("{bound}:"));
        }
        data.push(';');
    }
    if let Some(least) = measure.min {
        data.push_str(&least.to_string());
    }
    if let Some(most) = measure.max {
        data.push_str(&format!(";{most}"));
    }
    data.trim_end_matches(';').to_owned()
}

/// Replaces bars: one would begin performance data.
fn plain(text: &str) -> String {
    escaped(text).replace('|', "/")
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use crate::test_support::{printed_check, printed_expiry};

    #[test]
    fn an_expired_and_a_damaged_file_as_they_are_printed() {
        assert_data_eq!(
            printed_expiry("nagios"),
            str![[r#"
PUSHCERT CRITICAL - 2 certificates in 3 files: 1 failure, 0 warnings, 1 ok; 1 file not readable | days_left=-1028;30:;7: certificates=2;;;0 ok=1;;;0 warnings=0;;;0 failures=1;;;0 unreadable=1;;;0 passed_over=0;;;0
fixtures/p12/truncated.p12: the file is damaged: it is cut short (1537 bytes are there, 3074 should be)
fixtures/der/expired.cer: Apple Push Services: com.example.MyApp expired on 2024-01-31 (1028 days ago)

"#]]
        );
    }

    #[test]
    fn a_missing_key_as_it_is_printed() {
        assert_data_eq!(
            printed_check("nagios"),
            str![[r#"
APNS WARNING - 0 of 1 gateways good | good=0;;;0;1 time0=[..]s
api.push.apple.com:443 (production) unproven: key-missing: there is no private key for the certificate

"#]]
        );
    }
}
