//! The report of `compare`, as data and for people.

use std::io::{self, Write};

use serde::Serialize;
use time::OffsetDateTime;

use crate::certificate::renewal::Comparison;
use crate::certificate::time_left::TimeLeft;
use crate::finding::{FindingCode, Level};
use crate::inspect::CertificateReport;
use crate::report::style::Paint;
use crate::schema::SCHEMA_VERSION;
use crate::text::printable;

/// The report of `compare`.
#[derive(Debug, Serialize)]
pub(crate) struct CompareReport {
    /// [`SCHEMA_VERSION`].
    pub(crate) schema_version: u32,
    /// The time it is judged for.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    #[serde(flatten)]
    pub(crate) comparison: Comparison,
    /// The certificate in use.
    pub(crate) old: SideReport,
    /// The certificate that is to replace it.
    pub(crate) new: SideReport,
}

/// One of the two certificates.
#[derive(Debug, Serialize)]
pub(crate) struct SideReport {
    /// The name of the file as given, or "-".
    pub(crate) file: String,
    pub(crate) certificate: CertificateReport,
}

impl CompareReport {
    pub(crate) fn new(at: OffsetDateTime, comparison: Comparison, old: SideReport, new: SideReport) -> Self {
        Self { schema_version: SCHEMA_VERSION, at, comparison, old, new }
    }
}

/// Writes the report.
pub(crate) fn write(out: &mut dyn Write, report: &CompareReport, paint: Paint) -> io::Result<()> {
    for (label, side) in [("old", &report.old), ("new", &report.new)] {
        let SideReport { file, certificate } = side;
        let (from, to) = (certificate.not_before.date(), certificate.not_after.date());
        let name = paint.strong(printable(&certificate.title));
        writeln!(out, "{}  {name}, {from} to {to}  {}", paint.faint(label), paint.faint(printable(file)))?;
    }
    let Comparison { drop_in, key_reused, overlap_seconds, ref differences, .. } = report.comparison;
    let is_key_missing = differences.iter().any(|difference| difference.code == FindingCode::KeyMissing);
    match key_reused {
        // The difference says it.
        true if is_key_missing => {}
        true => writeln!(out, "     both have the same key")?,
        false => writeln!(out, "     the new one has a new key")?,
    }
    match overlap_seconds {
        0 => writeln!(out, "     the two meet without a day in common")?,
        1.. => writeln!(out, "     for {} both are valid", TimeLeft::from_seconds(overlap_seconds).amount())?,
        // The difference says it.
        _ => {}
    }
    for difference in differences {
        let word = match difference.level {
            Level::Failure => paint.bad("error:"),
            Level::Warning => paint.warning("warning:"),
            Level::Ok => paint.warning("note:"),
        };
        writeln!(out, "{word} {}", difference.message)?;
        if let Some(hint) = &difference.hint {
            writeln!(out, "  {} {hint}", paint.faint("hint:"))?;
        }
    }
    writeln!(
        out,
        "{}",
        if drop_in {
            paint.strong("the new one can take the place of the old one")
        } else {
            paint.bad("the new one can NOT take the place of the old one")
        }
    )
}
