//! Renderers: reports turned into text for people and programs. A format for `check` and `expiry` has a file here,
//! a word in [`crate::cli::format`] and a line in [`Report::write`].

pub(crate) mod earlier;
mod escape;
pub(crate) mod field;
mod github;
mod html;
pub(crate) mod human;
mod ics;
pub(crate) mod json;
mod junit;
mod markdown;
pub(crate) mod medium;
pub(crate) mod nagios;
mod prometheus;
pub(crate) mod shell;
pub(crate) mod style;

use std::io::{self, Write};

use crate::check::report::CheckReport;
use crate::cli::format::ReportFormat;
use crate::expiry::report::ExpiryReport;
use crate::finding::{Ending, FindingsReport};
use crate::report::medium::Medium;

/// A report that can be written in several formats.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Report<'a> {
    Check(&'a CheckReport),
    Expiry(&'a ExpiryReport),
}

impl Report<'_> {
    /// Writes the report. The command line admits only the formats that a report has.
    pub(crate) fn write(self, format: ReportFormat, out: &mut dyn Write, medium: &Medium) -> io::Result<()> {
        match (format, self) {
            (ReportFormat::Human, Self::Check(report)) => human::check::write(out, report, medium.paint),
            (ReportFormat::Human, Self::Expiry(report)) => human::expiry::write(out, report, medium),
            (ReportFormat::Json, Self::Check(report)) => json::write(out, report),
            (ReportFormat::Json, Self::Expiry(report)) => json::write(out, report),
            (ReportFormat::Junit, _) => junit::write(out, &self.findings()),
            (ReportFormat::Github, _) => github::write(out, &self.findings(), &medium.workspace),
            (ReportFormat::Markdown, _) => self.write_markdown(out, usize::MAX),
            (ReportFormat::Nagios, _) => nagios::write(out, &self.findings()),
            (ReportFormat::Prometheus, Self::Check(report)) => prometheus::write_check(out, report),
            (ReportFormat::Prometheus, Self::Expiry(report)) => prometheus::write_expiry(out, report),
            (ReportFormat::Ics, Self::Expiry(report)) => ics::write(out, report),
            (ReportFormat::Html, Self::Expiry(report)) => html::write(out, report),
            (ReportFormat::Ics | ReportFormat::Html, Self::Check(_)) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Writes the report in Markdown, in so many bytes at most.
    pub(crate) fn write_markdown(self, out: &mut dyn Write, limit: usize) -> io::Result<()> {
        match self {
            Self::Check(_) => markdown::write_check(out, &self.findings(), limit),
            Self::Expiry(report) => markdown::write_expiry(out, report, limit),
        }
    }

    fn findings(self) -> FindingsReport {
        match self {
            Self::Check(report) => report.findings_report(),
            Self::Expiry(report) => report.findings_report(),
        }
    }

    /// Returns the exit code: Nagios has its own.
    pub(crate) fn exit_code(self, format: ReportFormat) -> u8 {
        let ending = self.ending();
        match format {
            ReportFormat::Nagios => ending.nagios.code(),
            _ => ending.exit_code(),
        }
    }

    fn ending(self) -> Ending {
        match self {
            Self::Check(report) => report.ending(),
            Self::Expiry(report) => report.ending,
        }
    }
}

#[cfg(test)]
mod tests;
