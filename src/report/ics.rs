//! iCalendar (RFC 5545): one event a renewal.
//!
//! Written here and not with a library: the one that is kept brings a second date library, the other
//! folds lines one octet too late.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Write};

use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use crate::expiry::report::{CheckedCertificate, ExpiryReport};
use crate::text::{printable, printable_name};
use crate::world::files::input_name;

/// The most octets of a line (section 3.1).
const LINE: usize = 75;

/// Writes the report. A certificate that lies in several files has one event.
pub(crate) fn write(out: &mut dyn Write, report: &ExpiryReport) -> io::Result<()> {
    let mut files_of: HashMap<&str, Vec<Cow<'_, str>>> = HashMap::new();
    for certificate in &report.certificates {
        let files = files_of.entry(&certificate.sha256).or_default();
        let place = certificate.shown_place();
        if !files.contains(&place) {
            files.push(place);
        }
    }
    write_line(out, "BEGIN:VCALENDAR")?;
    write_line(out, "VERSION:2.0")?;
    write_line(out, concat!("PRODID:-//pushcert//pushcert ", env!("CARGO_PKG_VERSION"), "//EN"))?;
    // Of no standard, but shown by calendars: what has no event is told here.
    write_line(out, &format!("X-WR-CALDESC:{}", escape(&calendar_description(report))))?;
    for certificate in &report.certificates {
        // The first of several takes the list.
        if let Some(files) = files_of.remove(certificate.sha256.as_str()) {
            write_event(out, report, certificate, &files)?;
        }
    }
    write_line(out, "END:VCALENDAR")
}

/// Returns the summary, and what could not be judged.
fn calendar_description(report: &ExpiryReport) -> String {
    let mut lines = vec![report.summary_line()];
    for file in &report.unreadable {
        lines.push(file.error.message.to_string());
    }
    for finding in &report.findings {
        lines.push(finding.message.to_string());
    }
    lines.extend(report.skipped_lines());
    lines.join("\n")
}

fn write_event(
    out: &mut dyn Write,
    report: &ExpiryReport,
    certificate: &CheckedCertificate,
    files: &[Cow<'_, str>],
) -> io::Result<()> {
    let name = printable_name(&certificate.label());
    let summary = match certificate.renewed_by {
        Some(_) => format!("{name} ends, and is renewed"),
        None => format!("Renew {name}"),
    };
    let warn = report.policy.policy.warn.of(certificate.not_after - certificate.not_before);
    write_line(out, "BEGIN:VEVENT")?;
    // The certificate itself: the same in every run, and another for its successor.
    write_line(out, &format!("UID:{}@pushcert", &certificate.sha256[..40]))?;
    write_line(out, &format!("DTSTAMP:{}", utc(report.at)))?;
    write_line(out, &format!("DTSTART:{}", utc(certificate.not_after)))?;
    write_line(out, &format!("SUMMARY:{}", escape(&summary)))?;
    write_line(out, &format!("DESCRIPTION:{}", escape(&description(certificate, files))))?;
    write_line(out, "TRANSP:TRANSPARENT")?;
    // There is nothing left to do about what is renewed.
    if certificate.renewed_by.is_none() {
        write_line(out, "BEGIN:VALARM")?;
        write_line(out, "ACTION:DISPLAY")?;
        write_line(out, &format!("TRIGGER:-{}", ical_duration(warn)))?;
        write_line(out, &format!("DESCRIPTION:{}", escape(&summary)))?;
        write_line(out, "END:VALARM")?;
    }
    write_line(out, "END:VEVENT")
}

fn description(certificate: &CheckedCertificate, files: &[Cow<'_, str>]) -> String {
    let mut text = format!("{} certificate, serial number {}\n", certificate.role.name(), certificate.serial);
    if !certificate.topics.is_empty() {
        text.push_str(&format!("Topics: {}\n", printable(&certificate.topics.join(", "))));
    }
    if let Some(team) = &certificate.team_id {
        text.push_str(&format!("Team: {}\n", printable_name(team)));
    }
    if let Some(renewal) = &certificate.renewed_by {
        text.push_str(&format!(
            "Renewed by {} until {}\n",
            printable_name(input_name(&renewal.file)),
            renewal.not_after.date()
        ));
    }
    text.push_str(&format!("Files: {}", printable(&files.join(", "))));
    text
}

/// Writes a line, folded: none is longer than [`LINE`] octets, and no character is split.
fn write_line(out: &mut dyn Write, text: &str) -> io::Result<()> {
    let (mut rest, mut indent) = (text, "");
    while rest.len() + indent.len() > LINE {
        let mut end = LINE - indent.len();
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        write!(out, "{indent}{}\r\n", &rest[..end])?;
        (rest, indent) = (&rest[end..], " ");
    }
    write!(out, "{indent}{rest}\r\n")
}

/// Escapes a text (section 3.3.11). Only the lines of the text itself stay lines.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            escaped.push_str("\\n");
        }
        escaped.push_str(&printable(line).replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,"));
    }
    escaped
}

fn utc(time: OffsetDateTime) -> String {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    time.to_offset(time::UtcOffset::UTC).format(format).unwrap_or_default()
}

/// Returns a duration (section 3.3.6): in days where they are whole, else in seconds.
fn ical_duration(time: Duration) -> String {
    match (time.whole_days(), time.whole_seconds()) {
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
            write_line(&mut out, &text).unwrap();
            let folded = String::from_utf8(out).unwrap();
            assert!(folded.split("\r\n").all(|line| line.len() <= LINE), "{folded}");
            assert_eq!(folded.replace("\r\n ", "").strip_suffix("\r\n"), Some(&*text));
        }
        let mut out = Vec::new();
        write_line(&mut out, &"x".repeat(75)).unwrap();
        assert_eq!(out.len(), 77);
    }

    #[test]
    fn texts_cannot_end_their_property() {
        assert_eq!(escape("a;b,c\\d\r\nEND:VEVENT"), "a\\;b\\,c\\\\d\\\\r\\nEND:VEVENT");
    }

    #[test]
    fn durations() {
        assert_eq!(ical_duration(Duration::weeks(4)), "P28D");
        assert_eq!(ical_duration(Duration::hours(36)), "PT129600S");
    }

    #[test]
    fn an_expired_and_a_damaged_file_as_they_are_printed() {
        assert_data_eq!(
            printed_expiry("ics").replace("\r\n", "\n"),
            str![[r#"
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//pushcert//pushcert 0.1.0//EN
X-WR-CALDESC:2 certificates in 3 files: 1 failure\, 0 warnings\, 1 ok\; 1 f
 ile not readable\nfixtures/p12/truncated.p12: the file is damaged: it is c
 ut short (1537 bytes are there\, 3074 should be)
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
