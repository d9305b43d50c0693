//! The report of `rehearse`, as data and for people.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use crate::certificate::apple::Environment;
use crate::error::Error;
use crate::report::style::Paint;
use crate::schema::SCHEMA_VERSION;
use crate::text::{printable, text_list};

/// The report of `rehearse`.
#[derive(Debug, Serialize)]
pub(crate) struct RehearsalReport {
    /// [`SCHEMA_VERSION`].
    pub(crate) schema_version: u32,
    /// The device has shown the message that was sent.
    pub(crate) shown: bool,
    /// The file of the user's own certificate; null for a throwaway one.
    pub(crate) certificate: Option<String>,
    pub(crate) topic: Option<String>,
    pub(crate) environment: Option<Environment>,
    pub(crate) steps: Vec<StepReport>,
    /// The folder, if it is kept.
    pub(crate) folder: Option<String>,
    /// The files in the folder that hold a private key or another secret.
    pub(crate) secrets: Vec<SecretFile>,
    /// The error that ended it, if one did.
    pub(crate) error: Option<Error>,
    pub(crate) milliseconds: u64,
}

/// A step of the road.
#[derive(Debug, Serialize)]
pub(crate) struct StepReport {
    /// A word for the step.
    pub(crate) step: &'static str,
    /// What the step is about.
    pub(crate) title: &'static str,
    /// Who does it; null where a command of pushcert does.
    pub(crate) note: Option<String>,
    /// The command that does it alone, for a shell in the folder; null where somebody else does it.
    pub(crate) command: Option<String>,
    /// Lines of what it printed; all of them if it failed.
    pub(crate) output: Vec<String>,
    pub(crate) exit_code: u8,
    pub(crate) milliseconds: u64,
}

/// A file that is not for others.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SecretFile {
    pub(crate) file: &'static str,
    /// What is in it.
    pub(crate) holds: &'static str,
}

impl RehearsalReport {
    pub(crate) fn new(certificate: Option<String>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            shown: false,
            certificate,
            topic: None,
            environment: None,
            steps: Vec::new(),
            folder: None,
            secrets: Vec::new(),
            error: None,
            milliseconds: 0,
        }
    }
}

/// Writes what is about to happen, and where.
pub(crate) fn write_start(
    out: &mut dyn Write,
    certificate: Option<&str>,
    folder: &str,
    is_kept: bool,
) -> io::Result<()> {
    match certificate {
        Some(file) => writeln!(
            out,
            "the whole road with the certificate in {}, which the gateway on this machine alone sees: nothing is sent to Apple",
            printable(file)
        )?,
        None => writeln!(out, "the whole road, on this machine alone: nothing is sent to Apple")?,
    }
    let fate = if is_kept { "which stays" } else { "which is removed at the end; --keep FOLDER keeps it" };
    writeln!(out, "in {}, {fate}", printable(folder))
}

/// Writes the title of a step, and the command that does it.
pub(crate) fn write_step(out: &mut dyn Write, number: usize, step: &StepReport, paint: Paint) -> io::Result<()> {
    writeln!(out, "\n{}", paint.strong(format_args!("{number}. {}", step.title)))?;
    if let Some(note) = &step.note {
        writeln!(out, "   {}", printable(note))?;
    }
    match &step.command {
        Some(command) => writeln!(out, "   {}", paint.faint(format_args!("$ {command}"))),
        None => Ok(()),
    }
}

/// Writes what came of a step.
pub(crate) fn write_output(out: &mut dyn Write, step: &StepReport) -> io::Result<()> {
    for line in &step.output {
        writeln!(out, "   {}", printable(line))?;
    }
    Ok(())
}

/// Writes how the rehearsal ended, and what is kept of it.
pub(crate) fn write_end(out: &mut dyn Write, report: &RehearsalReport, paint: Paint) -> io::Result<()> {
    let time = format!("{:.1} s", Duration::from_millis(report.milliseconds).as_secs_f64());
    match report.steps.last() {
        Some(step) if step.exit_code != 0 => {
            let line = format!(
                "the rehearsal ends here: step {}, {}, ended with {}",
                report.steps.len(),
                step.step,
                step.exit_code
            );
            writeln!(out, "\n{}", paint.bad(line))?;
        }
        Some(step) if report.error.is_some() => {
            let line = format!("the rehearsal ends here, after step {}, {}", report.steps.len(), step.step);
            writeln!(out, "\n{}", paint.bad(line))?;
        }
        _ if report.shown => {
            writeln!(out, "\n{}", paint.strong(format_args!("the device has shown the message, after {time}")))?
        }
        _ => writeln!(out, "\n{}", paint.bad("the device has not shown the message"))?,
    }
    let Some(folder) = &report.folder else { return Ok(()) };
    let mut files = Vec::new();
    for secret in &report.secrets {
        files.push(format!("{} ({})", secret.file, secret.holds));
    }
    writeln!(out, "kept in {}; not for others: {}", printable(folder), text_list(files.iter().map(String::as_str)))?;
    if report.shown {
        writeln!(out, "the commands run there as they stand, the gateway's before those that follow it")?;
    }
    Ok(())
}
