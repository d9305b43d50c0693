//! `expiry` for people: the most urgent first, the summary last. A row fits into the columns of the terminal.

use std::io::{self, Write};

use crate::certificate::policy::CertificateRole;
use crate::certificate::time_left::TimeLeft;
use crate::expiry::report::{CheckedCertificate, ExpiryReport};
use crate::finding::Level;
use crate::report::human;
use crate::report::human::renewal::way_to_next;
use crate::report::human::shorten::{pad, shorten_name, shorten_path, width_of};
use crate::report::medium::Medium;
use crate::text::printable;

/// The number of cells in the bar that shows how much of the lifetime is left.
const BAR: usize = 5;

/// The columns of all that stands before the name, but for the time left: the verdict, the bar, the date and four gaps.
const FIXED: usize = 4 + BAR + 10 + 4 * GAP;
const GAP: usize = 2;

/// The least columns for a name and a path together, however narrow the terminal is.
const LEAST: usize = 24;

/// The least columns for a name that has a note beside it.
const LEAST_NAME: usize = 6;

/// The beginning of a name that Apple gives, and what stands after the rest in its place.
struct Prefix {
    text: &'static str,
    note: &'static str,
}

/// The prefixes of common names (Apple's developer portal).
const PREFIXES: [Prefix; 8] = [
    Prefix { text: "Apple Push Services: ", note: "" },
    Prefix { text: "Apple Production IOS Push Services: ", note: " (production)" },
    Prefix { text: "Apple Development IOS Push Services: ", note: " (sandbox)" },
    Prefix { text: "Apple Sandbox Push Services: ", note: " (sandbox)" },
    Prefix { text: "VoIP Services: ", note: " (voip)" },
    Prefix { text: "WatchKit Services: ", note: " (watchkit)" },
    // These identifiers begin with "web." and "pass.".
    Prefix { text: "Website Push ID: ", note: "" },
    Prefix { text: "Pass Type ID: ", note: "" },
];

/// Writes the report.
pub(crate) fn write(out: &mut dyn Write, report: &ExpiryReport, medium: &Medium) -> io::Result<()> {
    write_rows(out, &report.certificates, medium, |_| true)?;
    write_rest(out, report, medium)
}

/// Writes only warnings and failures, and the summary.
pub(crate) fn write_brief(out: &mut dyn Write, report: &ExpiryReport, medium: &Medium) -> io::Result<()> {
    write_rows(out, &report.certificates, medium, |one| one.level != Level::Ok)?;
    write_rest(out, report, medium)
}

fn write_rest(out: &mut dyn Write, report: &ExpiryReport, medium: &Medium) -> io::Result<()> {
    let paint = medium.paint;
    for way in ways_to_next(&report.certificates) {
        human::hint(out, Some(&way), paint)?;
    }
    for file in &report.unreadable {
        match file.level {
            Level::Failure => human::error(out, &file.error, paint)?,
            Level::Warning => writeln!(out, "{} {}", paint.warning("warning:"), file.error.message)?,
            Level::Ok => writeln!(out, "{} {}", paint.faint("note:"), file.error.message)?,
        }
    }
    for finding in &report.findings {
        writeln!(out, "{} {}", paint.bad("error:"), finding.message)?;
        human::hint(out, finding.hint.as_deref(), paint)?;
    }
    for line in report.skipped_lines() {
        writeln!(out, "{} {line}", paint.faint("note:"))?;
    }
    let summary = report.summary_line();
    writeln!(out, "{}", if report.level == Level::Failure { paint.bad(summary) } else { paint.strong(summary) })
}

/// Returns how the next certificates come about, where some end, each way once.
fn ways_to_next(certificates: &[CheckedCertificate]) -> Vec<String> {
    let mut ways = Vec::new();
    for one in certificates {
        let is_about_the_end = one.findings.iter().any(|finding| finding.code.is_about_the_end());
        // A profile, and what is in it, comes about in another way.
        let is_leaf = one.role == CertificateRole::Leaf;
        let way = if is_leaf && is_about_the_end && one.level != Level::Ok { way_to_next(one.kind) } else { None };
        match way {
            Some(way) if !ways.contains(&way) => ways.push(way),
            _ => {}
        }
    }
    ways
}

/// The name of a certificate without what stands in each, as in "com.example.MyApp", and what is said of it, as in
/// " (sandbox)".
struct ShownName {
    name: String,
    note: String,
}

impl ShownName {
    fn of(one: &CheckedCertificate) -> Self {
        let (mut name, mut note) = (one.name.as_str(), "");
        for prefix in &PREFIXES {
            match one.name.strip_prefix(prefix.text) {
                Some(rest) if !rest.trim().is_empty() => (name, note) = (rest, prefix.note),
                _ => {}
            }
        }
        let name = match one.alias() {
            Some(alias) => format!("{name} \"{alias}\""),
            None => name.to_owned(),
        };
        Self { name: printable(&name), note: format!("{note}{}", one.role.note()) }
    }

    fn width(&self) -> usize {
        width_of(&self.name) + width_of(&self.note)
    }

    /// Shortens the name alone, unless that leaves too little of it.
    fn fitted(&self, width: usize, has_unicode: bool) -> String {
        let whole = format!("{}{}", self.name, self.note);
        match width.checked_sub(width_of(&self.note)) {
            Some(rest) if rest >= LEAST_NAME => {
                format!("{}{}", shorten_name(&self.name, rest, has_unicode), self.note)
            }
            _ => shorten_name(&whole, width, has_unicode).into_owned(),
        }
    }
}

/// The texts of a row before they are fitted into columns.
struct Row<'a> {
    one: &'a CheckedCertificate,
    left: String,
    name: ShownName,
    file: String,
}

impl<'a> Row<'a> {
    fn of(one: &'a CheckedCertificate) -> Self {
        Self {
            one,
            left: TimeLeft::from_seconds(one.seconds_left).amount_or_ago(),
            name: ShownName::of(one),
            file: printable(&one.shown_place()),
        }
    }
}

/// The widths of the columns.
#[derive(Debug, Clone, Copy, Default)]
struct Columns {
    left: usize,
    name: usize,
    file: usize,
}

impl Columns {
    /// Fits the widest cells into a row. Where they do not fit, name and path are shortened, to a half each at most.
    fn fit(rows: &[Row<'_>], medium: &Medium) -> Self {
        let mut widest = Self::default();
        for row in rows {
            widest.left = widest.left.max(width_of(&row.left));
            widest.name = widest.name.max(row.name.width());
            widest.file = widest.file.max(width_of(&row.file));
        }
        let room = medium.columns.saturating_sub(FIXED + widest.left + GAP).max(LEAST);
        let name = widest.name.min(room - widest.file.min(room / 2));
        Self { name, file: widest.file.min(room - name), ..widest }
    }
}

fn write_rows(
    out: &mut dyn Write,
    certificates: &[CheckedCertificate],
    medium: &Medium,
    is_shown: fn(&CheckedCertificate) -> bool,
) -> io::Result<()> {
    let mut rows = Vec::new();
    for one in certificates {
        if is_shown(one) {
            rows.push(Row::of(one));
        }
    }
    let columns = Columns::fit(&rows, medium);
    for row in &rows {
        write_row(out, row, columns, medium)?;
    }
    Ok(())
}

fn write_row(out: &mut dyn Write, row: &Row<'_>, columns: Columns, medium: &Medium) -> io::Result<()> {
    let (one, paint) = (row.one, medium.paint);
    let word = match one.level {
        Level::Ok => "ok  ".to_owned(),
        Level::Warning => paint.warning("warn"),
        Level::Failure => paint.bad("FAIL"),
    };
    let (left, bar, date) = (&row.left, bar(one, medium), one.not_after.date());
    let name = pad(row.name.fitted(columns.name, medium.has_unicode), columns.name);
    let file = shorten_path(&row.file, columns.file, medium.has_unicode);
    writeln!(out, "{word}  {left:>width$}  {bar}  {date}  {name}  {}", paint.faint(&file), width = columns.left)?;
    if file != row.file && one.level != Level::Ok {
        writeln!(out, "      {}", row.file)?;
    }
    if let Some(entry) = &one.opened_by {
        writeln!(out, "      opened with {}", printable(entry))?;
    }
    for finding in &one.findings {
        // The row itself says when it expires.
        if let Some(text) = finding.beside_the_end() {
            writeln!(out, "      {text}")?;
        }
    }
    Ok(())
}

/// Returns the bar; it is not empty before the last moment.
fn bar(one: &CheckedCertificate, medium: &Medium) -> String {
    let full = usize::from(one.lifetime_left_percent).div_ceil(100 / BAR).min(BAR);
    let (cell, rest) = if medium.has_unicode { ("█", "░") } else { ("#", "-") };
    format!("{}{}", cell.repeat(full), rest.repeat(BAR - full))
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use crate::test_support::printed_expiry;

    #[test]
    fn an_expired_and_a_damaged_file_as_they_are_printed() {
        assert_data_eq!(
            printed_expiry("human"),
            str![[r#"
FAIL  1028 days ago  ░░░░░  2024-01-31  com.example.MyApp  fixtures…/expired.cer
      fixtures/der/expired.cer
ok       26700 days  █████  2099-12-31  com.example.MyApp  fixtur…/universal.cer
  hint: for the next certificate, pushcert csr makes the request that Apple's portal takes (a new key; with --key FILE the same one)
error: fixtures/p12/truncated.p12: the file is damaged: it is cut short (1537 bytes are there, 3074 should be)
  hint: the end is missing: copy, download or export it again
2 certificates in 3 files: 1 failure, 0 warnings, 1 ok; 1 file not readable

"#]]
        );
    }
}
