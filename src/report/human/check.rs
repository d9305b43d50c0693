//! `check` for people: a line for each stage, then the verdict and what to do.

use std::io::{self, Write};

use crate::check::GatewayCheck;
use crate::check::conclusion::TopicStatus;
use crate::check::outcome::Outcome;
use crate::check::report::CheckReport;
use crate::check::stage::{Stage, Status};
use crate::finding::Level;
use crate::net::server_chain::ServerCertificate;
use crate::report::style::Paint;
use crate::schema::text;
use crate::text::printable;

/// Writes the report.
pub(crate) fn write(out: &mut dyn Write, report: &CheckReport, paint: Paint) -> io::Result<()> {
    for (index, check) in report.checks.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        write_check(out, check, report.missed_expectation(check), paint)?;
    }
    for line in report.address_lines() {
        writeln!(out, "\n{}", printable(&line))?;
    }
    Ok(())
}

fn write_check(
    out: &mut dyn Write,
    check: &GatewayCheck,
    missed_expectation: Option<String>,
    paint: Paint,
) -> io::Result<()> {
    writeln!(out, "{}", paint.strong(printable(&check.place())))?;
    for stage in &check.stages {
        write_stage(out, stage, paint)?;
    }
    if let Some(tls) = &check.tls {
        for certificate in &tls.server_chain {
            let line = format!("{}, until {}", certificate.subject, certificate.not_after.date());
            writeln!(out, "  {} {}", paint.faint("server    "), printable(&line))?;
        }
        if !tls.server_path.is_empty() {
            writeln!(out, "  {} {}", paint.faint("path      "), printable(&path_text(&tls.server_path)))?;
        }
        for name in tls.requested_cas.iter().flatten() {
            writeln!(out, "  {} {}", paint.faint("asks for  "), printable(name))?;
        }
    }
    for (index, line) in check.attempt_lines().iter().enumerate() {
        writeln!(out, "  {} {}", paint.faint(format_args!("attempt {:<2}", index + 1)), printable(line))?;
    }
    if let Some(warning) = check.server_warning() {
        writeln!(out, "  {}: {}", paint.warning("warning"), printable(&warning))?;
    }
    write_verdict(out, check, paint)?;
    match missed_expectation {
        Some(expected) => writeln!(out, "  {}", paint.bad(format_args!("{} was expected", printable(&expected))))?,
        None if check.is_expected.is_some() => writeln!(out, "  as expected")?,
        None => {}
    }
    if let Some(topic) = check.topic_sentence() {
        let line = printable(&topic);
        let line = if check.topic.status == TopicStatus::Refuted { paint.bad(line) } else { line };
        writeln!(out, "  topic: {line}")?;
    }
    if let Some(advice) = &check.advice {
        writeln!(out, "  {} {}", paint.faint("hint:"), printable(advice))?;
    }
    Ok(())
}

/// Describes a path in one line, from the leaf on.
fn path_text(path: &[ServerCertificate]) -> String {
    let mut subjects = Vec::new();
    for certificate in path {
        subjects.push(certificate.subject.as_str());
    }
    subjects.join(" < ")
}

fn write_verdict(out: &mut dyn Write, check: &GatewayCheck, paint: Paint) -> io::Result<()> {
    let heading = check.heading();
    let heading = match (check.level(), check.verdict) {
        (Level::Ok, _) => paint.strong(heading),
        (_, Outcome::Unproven) => paint.warning(heading),
        (Level::Warning | Level::Failure, _) => paint.bad(heading),
    };
    writeln!(out, "  {heading}: {}", printable(&check.sentence()))
}

fn write_stage(out: &mut dyn Write, stage: &Stage, paint: Paint) -> io::Result<()> {
    let status = match stage.status {
        Status::Ok => "ok".to_owned(),
        Status::Warning => paint.warning("warning"),
        Status::Failed => paint.bad("failed"),
    };
    let padding = " ".repeat(7_usize.saturating_sub(text(&stage.status).len()));
    let name = paint.faint(format_args!("{:<10}", text(&stage.stage)));
    writeln!(out, "  {name} {status}{padding} {:>8.1} ms  {}", stage.ms, printable(&stage.detail))
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use crate::test_support::printed_check;

    #[test]
    fn a_missing_key_as_it_is_printed() {
        assert_data_eq!(
            printed_check("human"),
            str![[r#"
api.push.apple.com:443 (production)
  identity   failed       [..] ms  Apple Push Services: com.example.MyApp: has no private key beside it; was not issued by Apple
  unproven: key-missing: there is no private key for the certificate
  hint: give the key with --key FILE, or export the certificate together with its key

"#]]
        );
    }
}
