//! Prometheus' text exposition format, for the textfile collector of node_exporter.

use std::io::{self, Write};

use crate::check::GatewayCheck;
use crate::check::verdict::Outcome;
use crate::report::check::{CheckReport, word};
use crate::report::prometheus::{head, label};
use crate::schema::text;

/// All verdicts, so that each series is there whatever the answer.
const VERDICTS: [Outcome; 5] =
    [Outcome::Accepted, Outcome::Refused, Outcome::Rejected, Outcome::Unproven, Outcome::Unreachable];

/// Writes the report.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(out: &mut dyn Write, report: &CheckReport) -> io::Result<()> {
    head(out, "pushcert_check_verdict", "Whether this is what came of the check.")?;
    for check in &report.checks {
        for verdict in VERDICTS {
            let value = u8::from(check.verdict == verdict);
            let labels = labels(check);
            writeln!(out, "pushcert_check_verdict{{{labels},verdict=\"{}\"}} {value}", word(verdict))?;
        }
    }
    head(out, "pushcert_check_stage_seconds", "How long a stage of the check took.")?;
    for check in &report.checks {
        for stage in &check.stages {
            let (labels, name) = (labels(check), text(&stage.stage));
            let seconds = stage.ms / 1000.0;
            writeln!(out, "pushcert_check_stage_seconds{{{labels},stage=\"{name}\"}} {seconds:.6}")?;
        }
    }
    Ok(())
}

fn labels(check: &GatewayCheck) -> String {
    let environment = check.environment.map_or("", |environment| environment.name());
    let topic = check.topic.topic.as_deref().unwrap_or_default();
    format!("gateway=\"{}\",environment=\"{environment}\",topic=\"{}\"", label(&check.gateway), label(topic))
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use crate::test_support::printed_check;

    #[test]
    fn a_missing_key_as_it_is_printed() {
        assert_data_eq!(
            printed_check("prometheus"),
            str![[r##"
# HELP pushcert_check_verdict Whether this is what came of the check.
# TYPE pushcert_check_verdict gauge
pushcert_check_verdict{gateway="api.push.apple.com:443",environment="production",topic="com.example.MyApp",verdict="accepted"} 0
pushcert_check_verdict{gateway="api.push.apple.com:443",environment="production",topic="com.example.MyApp",verdict="refused"} 0
pushcert_check_verdict{gateway="api.push.apple.com:443",environment="production",topic="com.example.MyApp",verdict="rejected"} 0
pushcert_check_verdict{gateway="api.push.apple.com:443",environment="production",topic="com.example.MyApp",verdict="unproven"} 1
pushcert_check_verdict{gateway="api.push.apple.com:443",environment="production",topic="com.example.MyApp",verdict="unreachable"} 0
# HELP pushcert_check_stage_seconds How long a stage of the check took.
# TYPE pushcert_check_stage_seconds gauge
pushcert_check_stage_seconds{gateway="api.push.apple.com:443",environment="production",topic="com.example.MyApp",stage="identity"} [..]

"##]]
        );
    }
}
