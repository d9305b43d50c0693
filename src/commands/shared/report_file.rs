//! Writing a report to the file that the user names, or to standard output.

use std::fs::File;
use std::io;

use clap::ValueEnum;

use crate::cli::format::ReportFormat;
use crate::commands::shared::advice;
use crate::commands::shared::printing;
use crate::commands::shared::writing;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::report::Report;
use crate::report::medium::Medium;
use crate::report::style::Paint;
use crate::text::printable_name;
use crate::world::context::Context;
use crate::world::files::Location;
use crate::world::outputs::Output;
use crate::world::place::{self, WriteError};
use crate::world::step_summary::StepSummary;

/// The place of a report.
pub(crate) struct ReportFile<'a> {
    pub(crate) output: Option<&'a Location>,
    pub(crate) force: bool,
    /// Returns whether a file holds an earlier report of the same command.
    pub(crate) is_earlier: fn(File) -> io::Result<bool>,
}

impl ReportFile<'_> {
    /// Refuses the bare name of a format, which other programs take with -o.
    pub(crate) fn refuse_format_name(output: Option<&Location>, formats: &[ReportFormat]) -> Result<(), Error> {
        let Some(Location::Path(path)) = output else { return Ok(()) };
        for format in formats.iter().filter_map(ValueEnum::to_possible_value) {
            let name = format.get_name();
            if path.as_os_str() == name {
                let message = format!("-o {name} names a file, and {name} is a format");
                let hint = format!("--format {name} is the option for it; for a file of that name: -o ./{name}");
                return Err(Error::new(ExitKind::Usage, message).hint(hint));
            }
        }
        Ok(())
    }

    /// Refuses to replace a file, and what is not an earlier report even with --force.
    pub(crate) fn check_replaceable(&self) -> Result<(), Error> {
        let Some(Location::Path(path)) = self.output else { return Ok(()) };
        if !path.is_file() || place::is_descriptor(path) {
            return Ok(());
        }
        let exists = advice::explain(&path.display().to_string(), &WriteError::Exists);
        match File::open(path).and_then(self.is_earlier) {
            Ok(true) if self.force => Ok(()),
            Ok(true) => Err(exists),
            Ok(false) | Err(_) => {
                Err(exists
                    .hint("--force replaces an earlier report, and this file may hold a key: choose another name"))
            }
        }
    }

    /// Writes the report. Returns whether it went into a file.
    pub(crate) fn write(
        &self,
        report: Report<'_>,
        format: ReportFormat,
        context: &mut Context<'_>,
    ) -> Result<bool, Error> {
        let is_in_file = self.write_report(report, format, context)?;
        if format == ReportFormat::Github {
            add_to_step_summary(report, context)?;
        }
        Ok(is_in_file)
    }

    fn write_report(&self, report: Report<'_>, format: ReportFormat, context: &mut Context<'_>) -> Result<bool, Error> {
        let Some(Location::Path(path)) = self.output else {
            printing::print(report, format, context)?;
            return Ok(false);
        };
        let mut bytes = Vec::new();
        report.write(format, &mut bytes, &Medium::file(context))?;
        // Something else may have come to this name meanwhile.
        self.check_replaceable()?;
        let output = Output { path, bytes: &bytes, is_private: false, force: self.force };
        writing::write_all(&[output], context)?;
        Ok(true)
    }
}

/// Adds a table to the summary of the step, where the run is one of a GitHub workflow.
fn add_to_step_summary(report: Report<'_>, context: &mut Context<'_>) -> Result<(), Error> {
    let Some(summary) = StepSummary::find(context.variable) else { return Ok(()) };
    let mut table = Vec::new();
    report.write_markdown(&mut table, summary.room())?;
    if table.len() > summary.room() {
        // Nothing of it can be shown: GitHub would drop what the step has written before.
        let warning = Paint::new(context.stderr_has_color).warning("warning:");
        let full = "the summary of the step is full (GitHub takes 1 MiB): the table is not added to it";
        writeln!(context.stderr, "{warning} {full}")?;
        return Ok(());
    }
    match summary.append(&table) {
        Ok(()) => Ok(()),
        Err(error) => {
            let path = printable_name(&summary.path.display().to_string());
            Err(Error::new(ExitKind::Write, format!("{path}: cannot write the summary of the step: {error}"))
                .hint("GITHUB_STEP_SUMMARY names the file; where it is not there (in a container), unset the variable"))
        }
    }
}
