//! The formats of the reports of `check` and `expiry`.

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// The format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people
    Human,
    /// JSON
    Json,
    /// JUnit XML, for CI systems
    Junit,
    /// Annotations of a GitHub workflow, and a Markdown table for the step's summary
    Github,
    /// A Markdown table, the worst first
    Markdown,
    /// A Nagios plugin, with its own exit codes (0 ok, 1 warning, 2 critical, 3 unknown)
    Nagios,
    /// Prometheus text, for the textfile collector of the node exporter
    Prometheus,
    /// iCalendar, one event a renewal
    Ics,
    /// One self-contained page
    Html,
}

impl ReportFormat {
    /// Returns whether `check` has this format; `expiry` has all.
    const fn is_for_check(self) -> bool {
        match self {
            Self::Human
            | Self::Json
            | Self::Junit
            | Self::Github
            | Self::Markdown
            | Self::Nagios
            | Self::Prometheus => true,
            Self::Ics | Self::Html => false,
        }
    }
}

/// Returns the formats of `check`.
pub(crate) fn check_formats() -> Vec<ReportFormat> {
    let mut formats = ReportFormat::value_variants().to_vec();
    formats.retain(|format| format.is_for_check());
    formats
}

/// Returns a parser for the formats that a command has.
pub(crate) fn one_of(formats: &[ReportFormat]) -> impl TypedValueParser<Value = ReportFormat> + use<> {
    let words = formats.iter().filter_map(ValueEnum::to_possible_value);
    PossibleValuesParser::new(words).try_map(|word| ReportFormat::from_str(&word, false))
}
