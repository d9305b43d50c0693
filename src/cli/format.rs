//! The formats of a report.

use clap::ValueEnum;

/// The format of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people
    #[default]
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
