//! One self-contained page: a timeline of all certificates, in light and in dark, without a script.

use std::io::{self, Write};

use time::{Date, Duration, Month, OffsetDateTime};

use crate::certificate::policy::CertificateRole;
use crate::certificate::time_left::TimeLeft;
use crate::expiry::report::{CheckedCertificate, ExpiryReport};
use crate::finding::Level;
use crate::report::escape::xml;
use crate::text::{printable, printable_name};

/// The timeline reaches so far to both sides of the present: Apple's certificates are valid for 395 days.
const REACH: Duration = Duration::days(400);

/// The units of the drawings' width.
const WIDTH: i64 = 1000;

/// Writes the page.
pub(crate) fn write(out: &mut dyn Write, report: &ExpiryReport) -> io::Result<()> {
    let (state_class, state) = match report.level {
        Level::Ok => ("ok", "All is well"),
        Level::Warning => ("warning", "Attention is needed"),
        Level::Failure => ("failure", "Something has failed"),
    };
    let css = include_str!("expiry.css");
    let policy = &report.policy.policy;
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline'\">\n\
         <title>Certificate expiry: {}</title>\n<style>\n{css}</style>\n</head>\n<body>\n\
         <h1>Certificate expiry</h1>\n<p class=\"state {state_class}\">{state}</p>\n<p>{}</p>\n\
         <p class=\"faint\">as of {}, warning below {}, failing below {}</p>\n",
        state.to_lowercase(),
        xml(&report.summary_line()),
        moment(report.at),
        policy.warn,
        policy.fail,
    )?;
    write_problems(out, report)?;
    if report.summary.certificates > 0 {
        write_table(out, report)?;
    }
    writeln!(out, "</body>\n</html>")
}

/// Writes what has no place on a timeline: the findings about the run, and the files that cannot be opened.
fn write_problems(out: &mut dyn Write, report: &ExpiryReport) -> io::Result<()> {
    let skipped = report.skipped_lines();
    if report.findings.is_empty() && report.unreadable.is_empty() && skipped.is_empty() {
        return Ok(());
    }
    writeln!(out, "<ul>")?;
    for finding in &report.findings {
        write_problem(out, finding.level, &finding.message, None)?;
    }
    for file in &report.unreadable {
        write_problem(out, file.level, &file.error.message, file.error.hint.as_deref())?;
    }
    for line in &skipped {
        write_problem(out, Level::Ok, line, None)?;
    }
    writeln!(out, "</ul>")
}

fn write_problem(out: &mut dyn Write, level: Level, message: &str, hint: Option<&str>) -> io::Result<()> {
    write!(out, "<li class=\"{}\"><span>{}", class(level), xml(message))?;
    if let Some(hint) = hint {
        write!(out, "<small>{}</small>", xml(hint))?;
    }
    writeln!(out, "</span></li>")
}

fn write_table(out: &mut dyn Write, report: &ExpiryReport) -> io::Result<()> {
    let ticks = quarters(report.at);
    write!(out, "<table>\n<thead><tr><th>Certificate<th>Expires<th><div class=\"axis\">")?;
    for tick in &ticks {
        let label = match tick.date.month() {
            Month::January => tick.date.year().to_string(),
            month => month.to_string()[..3].to_owned(),
        };
        write!(out, "<span style=\"left:{}%\">{label}</span>", tick.x * 100 / WIDTH)?;
    }
    writeln!(out, "</div></tr></thead>\n<tbody>")?;
    for certificate in &report.certificates {
        write_row(out, certificate, report.at, &ticks)?;
    }
    writeln!(out, "</tbody>\n</table>")
}

fn write_row(out: &mut dyn Write, one: &CheckedCertificate, now: OffsetDateTime, ticks: &[Tick]) -> io::Result<()> {
    let role = if one.role == CertificateRole::Leaf { String::new() } else { format!(" ({})", one.role.name()) };
    write!(
        out,
        "<tr><td><strong>{}</strong>{role}<small>{}</small>",
        xml(&printable_name(&one.label())),
        xml(&printable(&one.file))
    )?;
    if !one.topics.is_empty() {
        write!(out, "<small>{}</small>", xml(&printable(&one.topics.join(", "))))?;
    }
    for finding in &one.findings {
        write!(out, "<small class=\"{}\">{}</small>", class(finding.level), xml(&finding.message))?;
    }
    let left = TimeLeft::from_seconds(one.seconds_left).relative();
    write!(
        out,
        "<td><strong class=\"{}\">{left}</strong><small>{}</small><td class=\"{}\">",
        class(one.level),
        moment(one.not_after),
        class(one.level)
    )?;
    let (from, to) = (position(one.not_before, now), position(one.not_after, now));
    write!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} 28\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"valid from {} to {}\">\
         <rect class=\"rail\" y=\"8\" width=\"{WIDTH}\" height=\"12\"/>",
        one.not_before.date(),
        one.not_after.date()
    )?;
    for Tick { x, .. } in ticks {
        write!(out, "<line class=\"tick\" x1=\"{x}\" x2=\"{x}\" y2=\"28\"/>")?;
    }
    let width = (to - from).max(2);
    let present = position(now, now);
    writeln!(
        out,
        "<rect class=\"bar\" x=\"{from}\" y=\"8\" width=\"{width}\" height=\"12\"/>\
         <line class=\"now\" x1=\"{present}\" x2=\"{present}\" y2=\"28\"/></svg>"
    )
}

/// A date on the timeline.
struct Tick {
    date: Date,
    x: i64,
}

/// Returns the first day of each quarter on the timeline.
fn quarters(now: OffsetDateTime) -> Vec<Tick> {
    let mut ticks = Vec::new();
    for year in now.year() - 2..=now.year() + 2 {
        for month in [Month::January, Month::April, Month::July, Month::October] {
            let Ok(date) = Date::from_calendar_date(year, month, 1) else { continue };
            let x = position(date.midnight().assume_utc(), now);
            if (1..WIDTH).contains(&x) {
                ticks.push(Tick { date, x });
            }
        }
    }
    ticks
}

/// Returns the place of a moment; what lies beyond the timeline is at its end.
fn position(moment: OffsetDateTime, now: OffsetDateTime) -> i64 {
    let offset = (moment - now).clamp(-REACH, REACH) + REACH;
    offset.whole_seconds() * WIDTH / (REACH.whole_seconds() * 2)
}

fn moment(time: OffsetDateTime) -> String {
    let time = time.to_offset(time::UtcOffset::UTC);
    format!("{} {:02}:{:02} UTC", time.date(), time.hour(), time.minute())
}

const fn class(level: Level) -> &'static str {
    match level {
        Level::Ok => "ok",
        Level::Warning => "warning",
        Level::Failure => "failure",
    }
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use crate::test_support::printed_expiry;

    #[test]
    fn an_expired_and_a_damaged_file_as_they_are_printed() {
        assert_data_eq!(
            printed_expiry("html"),
            str![[r#"
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline'">
<title>Certificate expiry: something has failed</title>
<style>
...
</style>
</head>
<body>
<h1>Certificate expiry</h1>
<p class="state failure">Something has failed</p>
<p>2 certificates in 3 files: 1 failure, 0 warnings, 1 ok; 1 file not readable</p>
<p class="faint">as of 2026-11-24 00:00 UTC, warning below 30d, failing below 7d</p>
<ul>
<li class="failure"><span>fixtures/p12/truncated.p12: the file is damaged: it is cut short (1537 bytes are there, 3074 should be)<small>the end is missing: copy, download or export it again</small></span></li>
</ul>
<table>
<thead><tr><th>Certificate<th>Expires<th><div class="axis"><span style="left:9%">2026</span><span style="left:20%">Apr</span><span style="left:31%">Jul</span><span style="left:43%">Oct</span><span style="left:54%">2027</span><span style="left:66%">Apr</span><span style="left:77%">Jul</span><span style="left:88%">Oct</span></div></tr></thead>
<tbody>
<tr><td><strong>Apple Push Services: com.example.MyApp</strong><small>fixtures/der/expired.cer</small><small>com.example.MyApp, com.example.MyApp.voip, com.example.MyApp.complication</small><small class="failure">expired on 2024-01-31 (1028 days ago)</small><td><strong class="failure">1028 days ago</strong><small>2024-01-31 00:00 UTC</small><td class="failure"><svg viewBox="0 0 1000 28" preserveAspectRatio="none" role="img" aria-label="valid from 2023-01-01 to 2024-01-31"><rect class="rail" y="8" width="1000" height="12"/><line class="tick" x1="91" x2="91" y2="28"/><line class="tick" x1="203" x2="203" y2="28"/><line class="tick" x1="317" x2="317" y2="28"/><line class="tick" x1="432" x2="432" y2="28"/><line class="tick" x1="547" x2="547" y2="28"/><line class="tick" x1="660" x2="660" y2="28"/><line class="tick" x1="773" x2="773" y2="28"/><line class="tick" x1="888" x2="888" y2="28"/><rect class="bar" x="0" y="8" width="2" height="12"/><line class="now" x1="500" x2="500" y2="28"/></svg>
<tr><td><strong>Apple Push Services: com.example.MyApp</strong><small>fixtures/der/universal.cer</small><small>com.example.MyApp, com.example.MyApp.voip, com.example.MyApp.complication</small><td><strong class="ok">in 26700 days</strong><small>2099-12-31 00:00 UTC</small><td class="ok"><svg viewBox="0 0 1000 28" preserveAspectRatio="none" role="img" aria-label="valid from 2026-01-01 to 2099-12-31"><rect class="rail" y="8" width="1000" height="12"/><line class="tick" x1="91" x2="91" y2="28"/><line class="tick" x1="203" x2="203" y2="28"/><line class="tick" x1="317" x2="317" y2="28"/><line class="tick" x1="432" x2="432" y2="28"/><line class="tick" x1="547" x2="547" y2="28"/><line class="tick" x1="660" x2="660" y2="28"/><line class="tick" x1="773" x2="773" y2="28"/><line class="tick" x1="888" x2="888" y2="28"/><rect class="bar" x="91" y="8" width="909" height="12"/><line class="now" x1="500" x2="500" y2="28"/></svg>
</tbody>
</table>
</body>
</html>

"#]]
        );
    }
}
