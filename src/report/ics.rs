//! iCalendar (RFC 5545): one event a renewal.
//!
//! Written here and not with a library: the one that is kept brings a second date library, the other
//! folds lines one octet too late.

use std::collections::HashMap;
use std::io::{self, Write};

use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use crate::expiry::report::{CheckedCertificate, ExpiryReport};
use crate::text::printable;

/// The octets of a line (section 3.1).
const LINE: usize = 75;

/// Writes the report. A certificate that lies in several files has one event.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(out: &mut dyn Write, report: &ExpiryReport) -> io::Result<()> {
    let mut files: HashMap<&str, Vec<&str>> = HashMap::new();
    for certificate in &report.certificates {
        let files = files.entry(&certificate.sha256).or_default();
        if !files.contains(&certificate.file.as_str()) {
            files.push(&certificate.file);
        }
    }
    line(out, "BEGIN:VCALENDAR")?;
    line(out, "VERSION:2.0")?;
    line(out, concat!("PRODID:-//pushcert//pushcert ", env!("CARGO_PKG_VERSION"), "//EN"))?;
    for certificate in &report.certificates {
        // The first of several takes the list.
        if let Some(files) = files.remove(certificate.sha256.as_str()) {
            event(out, report, certificate, &files)?;
        }
    }
    line(out, "END:VCALENDAR")
}

fn event(out: &mut dyn Write, report: &ExpiryReport, one: &CheckedCertificate, files: &[&str]) -> io::Result<()> {
    let summary = format!("Renew {}", one.name);
    let topics = if one.topics.is_empty() { String::new() } else { format!("Topics: {}\n", one.topics.join(", ")) };
    let team = one.team_id.as_ref().map(|team| format!("Team: {team}\n")).unwrap_or_default();
    let description = format!(
        "{} certificate, serial number {}\n{topics}{team}Files: {}",
        one.role.name(),
        one.serial,
        files.join(", ")
    );
    let warn = report.policy.policy.warn.of(one.not_after - one.not_before);
    line(out, "BEGIN:VEVENT")?;
    // The certificate itself: the same in every run, and another for its successor.
    line(out, &format!("UID:{}@pushcert", &one.sha256[..40]))?;
    line(out, &format!("DTSTAMP:{}", utc(report.at)))?;
    line(out, &format!("DTSTART:{}", utc(one.not_after)))?;
    line(out, &format!("SUMMARY:{}", escaped(&summary)))?;
    line(out, &format!("DESCRIPTION:{}", escaped(&description)))?;
    line(out, "TRANSP:TRANSPARENT")?;
    line(out, "BEGIN:VALARM")?;
    line(out, "ACTION:DISPLAY")?;
    line(out, &format!("TRIGGER:-{}", duration(warn)))?;
    line(out, &format!("DESCRIPTION:{}", escaped(&summary)))?;
    line(out, "END:VALARM")?;
    line(out, "END:VEVENT")
}

/// Folds a line: none is longer than [`LINE`] octets, and no character is split.
fn line(out: &mut dyn Write, text: &str) -> io::Result<()> {
    let (mut rest, mut indent) = (text, "");
    loop {
        let end = if rest.len() + indent.len() <= LINE {
            rest.len()
        } else {
            // A character has at most four octets.
            (0..=LINE - indent.len()).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(rest.len())
        };
        write!(out, "{indent}{}\r\n", &rest[..end])?;
        if end == rest.len() {
            return Ok(());
        }
        (rest, indent) = (&rest[end..], " ");
    }
}

/// The escapes of a text (section 3.3.11). Lines are only those that the text itself has.
fn escaped(text: &str) -> String {
    let escaped = |line: &str| printable(line).replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,");
    text.split('\n').map(escaped).collect::<Vec<_>>().join("\\n")
}

fn utc(time: OffsetDateTime) -> String {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    time.to_offset(time::UtcOffset::UTC).format(format).unwrap_or_default()
}

/// Section 3.3.6: days where they are whole, else seconds.
fn duration(duration: Duration) -> String {
    match (duration.whole_days(), duration.whole_seconds()) {
        (days, seconds) if days * 86_400 == seconds => format!("P{days}D"),
        (_, seconds) => format!("PT{seconds}S"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::printed_expiry;
    use snapbox::{IntoData, assert_data_eq, str};

    #[test]
    fn lines_are_folded_between_characters() {
        for text in ["x".repeat(75), "x".repeat(76), "é".repeat(120), format!("a{}", "株".repeat(100))] {
            let mut out = Vec::new();
            line(&mut out, &text).unwrap();
            let folded = String::from_utf8(out).unwrap();
            assert!(folded.split("\r\n").all(|line| line.len() <= LINE), "{folded}");
            assert_eq!(folded.replace("\r\n ", "").strip_suffix("\r\n"), Some(&*text));
        }
        let mut out = Vec::new();
        line(&mut out, &"x".repeat(75)).unwrap();
        assert_eq!(out.len(), 77);
    }

    #[test]
    fn texts_cannot_end_their_property() {
        assert_eq!(escaped("a;b,c\\d\r\nEND:VEVENT"), "a\\;b\\,c\\\\d\\\\r\\nEND:VEVENT");
    }

    #[test]
    fn durations() {
        assert_eq!(duration(Duration::weeks(4)), "P28D");
        assert_eq!(duration(Duration::hours(36)), "PT129600S");
    }

    #[test]
    fn an_expired_and_a_damaged_file_as_they_are_printed() {
        assert_data_eq!(
            printed_expiry("ics").replace("\r\n", "\n"),
            str![[r#"
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//pushcert//pushcert 0.1.0//EN
BEGIN:VEVENT
UID:0613dfe3fda02462d2f77ea0d7f7f2b67663fcc0@pushcert
DTSTAMP:20261124T000000Z
DTSTART:20240131T000000Z
SUMMARY:Renew Apple Push Services: com.example.MyApp
DESCRIPTION:leaf certificate\, serial number 7D32750F41709037\nTopics: com.
 example.MyApp\, com.example.MyApp.voip\, com.example.MyApp.complication\nT
 eam: TEAMID1234\nFiles: fixtures/der/expired.cer
TRANSP:TRANSPARENT
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-P30D
DESCRIPTION:Renew Apple Push Services: com.example.MyApp
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:d04062fe545c6cc129cf62ee4db2de9f21353bc2@pushcert
DTSTAMP:20261124T000000Z
DTSTART:20991231T000000Z
SUMMARY:Renew Apple Push Services: com.example.MyApp
DESCRIPTION:leaf certificate\, serial number 54FE83C2B1210513\nTopics: com.
 example.MyApp\, com.example.MyApp.voip\, com.example.MyApp.complication\nT
 eam: TEAMID1234\nFiles: fixtures/der/universal.cer
TRANSP:TRANSPARENT
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-P30D
DESCRIPTION:Renew Apple Push Services: com.example.MyApp
END:VALARM
END:VEVENT
END:VCALENDAR

"#]]
            .raw()
        );
    }
}
