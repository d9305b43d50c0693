//! Recognises an earlier report of `expiry` or `check`, which a new one may replace.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use clap::ValueEnum;
use zeroize::Zeroizing;

use crate::cli::format::ReportFormat;
use crate::pem;
use crate::report::markdown;

/// How much of the beginning and of the end is looked at, in bytes. Reports may be larger than any input.
const REACH: u64 = 1024;
/// Limit for the part in which PEM blocks are looked for: no file that is read is longer.
const MAX_FILE: u64 = 64 << 20;
/// The beginning of a report in JSON.
const JSON: &str = "{\n  \"schema_version\": ";

/// Returns whether a file begins, or ends, as a report in this format does.
type Sniff = fn(ReportFormat, &str, &str) -> bool;

/// Returns whether the file holds a report of `expiry`, in any format, or nothing.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn is_expiry_report(file: File) -> io::Result<bool> {
    is_report(file, is_of_expiry)
}

/// Returns whether the file holds a report of `check`, in any format, or nothing.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn is_check_report(file: File) -> io::Result<bool> {
    is_report(file, is_of_check)
}

fn is_report(mut file: File, sniff: Sniff) -> io::Result<bool> {
    let size = file.metadata()?.len();
    if size == 0 {
        return Ok(true);
    }
    if holds_blocks(&mut file)? {
        return Ok(false);
    }
    file.rewind()?;
    let head = read_some(&mut file)?;
    file.seek(SeekFrom::Start(size.saturating_sub(REACH)))?;
    let tail = read_some(&mut file)?;
    Ok(ReportFormat::value_variants().iter().any(|format| sniff(*format, &head, &tail)))
}

/// Returns whether PEM blocks, read or not, stand in a file: somebody has added them to the report, or it to them. No
/// report has any.
fn holds_blocks(file: &mut File) -> io::Result<bool> {
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MAX_FILE).read_to_end(&mut bytes)?;
    for piece in pem::pieces(&bytes) {
        match piece.read {
            Ok(_) => return Ok(true),
            Err(unread) if unread.has_data => return Ok(true),
            Err(_) => {}
        }
    }
    Ok(false)
}

fn read_some(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.take(REACH).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn is_of_check(format: ReportFormat, head: &str, tail: &str) -> bool {
    match format {
        ReportFormat::Json => head.starts_with(JSON),
        ReportFormat::Junit => is_junit_of(head, "pushcert check"),
        ReportFormat::Nagios => head.starts_with("APNS "),
        ReportFormat::Prometheus => head.starts_with("# HELP pushcert_"),
        ReportFormat::Human => head.lines().nth(1).is_some_and(|line| line.starts_with("  identity   ")),
        ReportFormat::Github => {
            head.starts_with("::") && tail.lines().last().map(without_command).is_some_and(is_gateway_count)
        }
        ReportFormat::Markdown => head.starts_with(markdown::CHECK_HEADING),
        ReportFormat::Ics | ReportFormat::Html => false,
    }
}

/// Returns whether the line is of the kind "1 of 2 gateways good".
fn is_gateway_count(line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    matches!(words[..], [_, "of", _, "gateways", "good"] | [_, "of", _, "gateways", "as", "expected"])
}

fn is_junit_of(head: &str, name: &str) -> bool {
    head.starts_with("<?xml ") && head.contains(&format!("<testsuite id=\"0\" name=\"{name}\""))
}

fn is_of_expiry(format: ReportFormat, head: &str, tail: &str) -> bool {
    match format {
        ReportFormat::Json => head.starts_with(JSON),
        ReportFormat::Junit => is_junit_of(head, "pushcert expiry"),
        ReportFormat::Nagios => head.starts_with("PUSHCERT "),
        ReportFormat::Prometheus => head.starts_with("# HELP pushcert_"),
        ReportFormat::Ics => head.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//pushcert//"),
        ReportFormat::Html => head.starts_with("<!DOCTYPE html>") && head.contains("<title>Certificate expiry: "),
        ReportFormat::Markdown => head.starts_with(markdown::EXPIRY_HEADING),
        ReportFormat::Human | ReportFormat::Github => tail.lines().last().map(without_command).is_some_and(is_summary),
    }
}

/// Returns the text of an annotation, or the line as it is.
fn without_command(line: &str) -> &str {
    match line.strip_prefix("::notice title=") {
        Some(rest) => rest.split_once("::").map_or(line, |(_, text)| text),
        None => line,
    }
}

/// Returns whether the line is of the kind "2 certificates in 3 files: 1 failure, 0 warnings, 1 ok".
fn is_summary(line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    match words[..] {
        [_, "certificate" | "certificates", "in", _, "file:" | "files:", _, failures, _, warnings, ..] => {
            failures.starts_with("failure") && warnings.starts_with("warning")
        }
        _ => false,
    }
}
