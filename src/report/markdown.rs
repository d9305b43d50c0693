//! Markdown as GitHub and GitLab show it: a table, the worst first.
//!
//! Names are other people's words. They stand in code, where no link, mention, image, formula or HTML begins, and
//! everything in a message that could begin one is written as a character reference.

use std::io::{self, Write};

use crate::certificate::time_left::TimeLeft;
use crate::expiry::report::{CheckedCertificate, ExpiryReport, UnreadableFile};
use crate::finding::{Case, Finding, FindingsReport, Level};
use crate::report::escape::xml_characters;
use crate::text::{printable, printable_name};

/// The headings, by which an earlier report is known.
pub(super) const EXPIRY_HEADING: &str = "### Certificate expiry: ";
pub(super) const CHECK_HEADING: &str = "### APNs check: ";

/// A table with more rows than this folds the good ones.
const MAX_UNFOLDED: usize = 20;

/// The bytes that are kept for what follows the rows.
const RESERVE: usize = 4096;

/// The head of a table.
const EXPIRY_COLUMNS: &str = "| | Certificate | Expires | File |\n| --- | --- | --- | --- |";
const CHECK_COLUMNS: &str = "| | Gateway | Outcome |\n| --- | --- | --- |";

/// The rows of a table, as far as there is room for them.
struct Rows<'a> {
    out: &'a mut dyn Write,
    /// The bytes that may still be written.
    room: usize,
    left_out: usize,
}

impl Rows<'_> {
    fn write(&mut self, row: &str) -> io::Result<()> {
        if self.left_out > 0 || row.len() + 1 > self.room {
            self.left_out += 1;
            return Ok(());
        }
        self.room -= row.len() + 1;
        writeln!(self.out, "{row}")
    }
}

/// Writes the report of `expiry`, in so many bytes at most: the worst first, and how many rows are left out.
pub(crate) fn write_expiry(out: &mut dyn Write, report: &ExpiryReport, limit: usize) -> io::Result<()> {
    writeln!(out, "{EXPIRY_HEADING}{}\n\n{}\n", text(&report.headline()), text(&report.summary_line()))?;
    let mut rows = Rows { out, room: limit.saturating_sub(RESERVE), left_out: 0 };
    for finding in &report.findings {
        rows.write(&format!("- {} {}", mark(finding.level), sentence(finding)))?;
    }
    for file in &report.unreadable {
        rows.write(&unreadable_line(file))?;
    }
    for line in report.skipped_lines() {
        rows.write(&format!("- note: {}", text(&line)))?;
    }
    writeln!(rows.out)?;
    let (mut bad, mut good) = (Vec::new(), Vec::new());
    for one in &report.certificates {
        if one.level == Level::Ok { good.push(one) } else { bad.push(one) }
    }
    bad.sort_by_key(|one| std::cmp::Reverse(one.level));
    if report.certificates.len() <= MAX_UNFOLDED {
        bad.append(&mut good);
    }
    write_table(&mut rows, &bad)?;
    if !good.is_empty() {
        writeln!(rows.out, "\n<details><summary>{} good</summary>\n", good.len())?;
        write_table(&mut rows, &good)?;
        writeln!(rows.out, "\n</details>")?;
    }
    write_left_out(&mut rows)
}

fn write_table(rows: &mut Rows<'_>, certificates: &[&CheckedCertificate]) -> io::Result<()> {
    if certificates.is_empty() {
        return Ok(());
    }
    writeln!(rows.out, "{EXPIRY_COLUMNS}")?;
    for one in certificates {
        rows.write(&certificate_row(one))?;
    }
    Ok(())
}

fn write_left_out(rows: &mut Rows<'_>) -> io::Result<()> {
    match rows.left_out {
        0 => Ok(()),
        1 => writeln!(rows.out, "\n1 more is left out: there is no room for it here."),
        n => writeln!(rows.out, "\n{n} more are left out: there is no room for them here."),
    }
}

fn unreadable_line(file: &UnreadableFile) -> String {
    let message = text(&file.error.message);
    match (file.level, &file.error.hint) {
        (Level::Ok, _) => format!("- note: {message}"),
        (Level::Failure, Some(hint)) => format!("- {} {message} ({})", mark(file.level), text(hint)),
        (level, _) => format!("- {} {message}", mark(level)),
    }
}

fn certificate_row(one: &CheckedCertificate) -> String {
    let left = TimeLeft::from_seconds(one.seconds_left).relative();
    let mut name = code(&printable_name(&one.name));
    if let Some(alias) = one.alias() {
        name.push_str(&format!(" ({})", code(&printable_name(alias))));
    }
    name.push_str(one.role.note());
    for finding in &one.findings {
        // The row itself says when it expires.
        if !finding.code.is_about_the_end() {
            name.push_str(&format!("<br>{}", sentence(finding)));
        } else if let Some(hint) = &finding.hint {
            name.push_str(&format!("<br>{}", text(hint)));
        }
    }
    if let Some(entry) = &one.opened_by {
        name.push_str(&format!("<br>opened with {}", code(&printable(entry))));
    }
    format!(
        "| {} | {name} | {left}, {} | {} |",
        mark(one.level),
        one.not_after.date(),
        code(&printable(&one.shown_place()))
    )
}

/// Writes the report of `check`, in so many bytes at most.
pub(crate) fn write_check(out: &mut dyn Write, report: &FindingsReport, limit: usize) -> io::Result<()> {
    writeln!(out, "### {}\n\n{CHECK_COLUMNS}", text(&report.headline))?;
    let mut rows = Rows { out, room: limit.saturating_sub(RESERVE), left_out: 0 };
    for case in &report.cases {
        rows.write(&case_row(case))?;
    }
    write_left_out(&mut rows)
}

fn case_row(case: &Case) -> String {
    let mut sentences = Vec::new();
    for finding in &case.findings {
        sentences.push(sentence(finding));
    }
    format!(
        "| {} | {} | {} |",
        mark(Level::worst(&case.findings)),
        code(&printable(&case.name)),
        sentences.join("<br>")
    )
}

fn sentence(finding: &Finding) -> String {
    text(&finding.with_hint(&finding.message))
}

const fn mark(level: Level) -> &'static str {
    match level {
        Level::Ok => "✅",
        Level::Warning => "⚠️",
        Level::Failure => "❌",
    }
}

/// Writes a name as code: between backticks where all of its characters stand for themselves there, else as HTML.
fn code(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || " .-_/:,()+=@*#?!'\"".contains(c);
    if !name.is_empty() && name.trim() == name && name.chars().all(is_plain) {
        return format!("`{name}`");
    }
    format!("<code>{}</code>", references(name))
}

/// Escapes a message. A mention and a link need their first characters beside the rest.
fn text(message: &str) -> String {
    references(message).replace("&#64;", "<span>&#64;</span>").replace("://", ":<span>//</span>")
}

/// Writes all characters that mean something in Markdown as references, which nothing reads as markup.
fn references(text: &str) -> String {
    let mut escaped = String::new();
    for c in xml_characters(text).chars() {
        match c {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '!' | '|' | '~' | '$' | '&' | '@'
            | '"' => {
                escaped.push_str(&format!("&#{};", u32::from(c)));
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use super::*;
    use crate::test_support::{printed_check, printed_expiry};

    #[test]
    fn an_expired_and_a_damaged_file_as_they_are_printed() {
        assert_data_eq!(
            printed_expiry("markdown"),
            str![[r#"
### Certificate expiry: 1 expired, 1 file not readable

2 certificates in 3 files: 1 failure, 0 warnings, 1 ok; 1 file not readable

- ❌ fixtures/p12/truncated.p12: the file is damaged: it is cut short (1537 bytes are there, 3074 should be) (the end is missing: copy, download or export it again)

| | Certificate | Expires | File |
| --- | --- | --- | --- |
| ❌ | `Apple Push Services: com.example.MyApp` | 1028 days ago, 2024-01-31 | `fixtures/der/expired.cer` |
| ✅ | `Apple Push Services: com.example.MyApp` | in 26700 days, 2099-12-31 | `fixtures/der/universal.cer` |

"#]]
        );
    }

    #[test]
    fn a_missing_key_as_it_is_printed() {
        assert_data_eq!(
            printed_check("markdown"),
            str![[r#"
### APNs check: 0 of 1 gateways good

| | Gateway | Outcome |
| --- | --- | --- |
| ❌ | `api.push.apple.com:443 (production)` | unproven: key-missing: there is no private key for the certificate; give the key with --key FILE, or export the certificate together with its key |

"#]]
        );
    }

    #[test]
    fn names_stand_in_code() {
        assert_eq!(code("com.example.MyApp"), "`com.example.MyApp`");
        assert_eq!(code("株式会社"), "`株式会社`");
        for name in ["a|b", "a`b", "<b>", " a", "a\\", "[x](y)", ""] {
            let code = code(name);
            let inner = code.strip_prefix("<code>").and_then(|code| code.strip_suffix("</code>")).unwrap();
            assert!(!inner.contains(['|', '`', '<', '\\', '[']), "{code}");
        }
    }

    #[test]
    fn messages_begin_no_markup() {
        assert_eq!(text("a|b @team <b>"), "a&#124;b <span>&#64;</span>team &#60;b&#62;");
        assert_eq!(text("https://x"), "https:<span>//</span>x");
    }
}
