//! Recognises an earlier report of `expiry`, which a new one may replace.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use clap::ValueEnum;

use crate::cli::format::ReportFormat;

/// How much of the beginning and of the end is looked at, in bytes. Reports may be larger than any input.
const REACH: u64 = 1024;

/// Returns whether the file holds a report of `expiry`, in any format, or nothing.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn is_expiry_report(mut file: File) -> io::Result<bool> {
    let size = file.metadata()?.len();
    if size == 0 {
        return Ok(true);
    }
    let head = read_some(&mut file)?;
    file.seek(SeekFrom::Start(size.saturating_sub(REACH)))?;
    let tail = read_some(&mut file)?;
    Ok(ReportFormat::value_variants().iter().any(|format| fits(*format, &head, &tail)))
}

fn read_some(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.take(REACH).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Returns whether a file begins, or ends, as the format does.
fn fits(format: ReportFormat, head: &str, tail: &str) -> bool {
    match format {
        ReportFormat::Json => head.starts_with("{\n  \"schema_version\": "),
        ReportFormat::Junit => {
            head.starts_with("<?xml ") && head.contains("<testsuite id=\"0\" name=\"pushcert expiry\"")
        }
        ReportFormat::Nagios => head.starts_with("PUSHCERT "),
        ReportFormat::Prometheus => head.starts_with("# HELP pushcert_"),
        ReportFormat::Ics => head.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//pushcert//"),
        ReportFormat::Html => head.starts_with("<!DOCTYPE html>") && head.contains("<title>Certificate expiry: "),
        ReportFormat::Human | ReportFormat::Github => tail.lines().last().is_some_and(is_summary),
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
