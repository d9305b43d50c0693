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
    /// Annotations of a GitHub workflow
    Github,
    /// A Nagios plugin, with its own exit codes (0 ok, 1 warning, 2 critical, 3 unknown)
    Nagios,
    /// Prometheus text, for the textfile collector of the node exporter
    Prometheus,
    /// iCalendar, one event a renewal
    Ics,
    /// One self-contained page
    Html,
}

/// The formats of `check`; `expiry` has all.
pub(crate) const CHECK: &[ReportFormat] = &[
    ReportFormat::Human,
    ReportFormat::Json,
    ReportFormat::Junit,
    ReportFormat::Github,
    ReportFormat::Nagios,
    ReportFormat::Prometheus,
];

/// Returns a parser for the formats that a command has.
pub(crate) fn one_of(formats: &'static [ReportFormat]) -> impl TypedValueParser<Value = ReportFormat> {
    let words = formats.iter().filter_map(ValueEnum::to_possible_value);
    PossibleValuesParser::new(words).try_map(|word| ReportFormat::from_str(&word, false))
}
