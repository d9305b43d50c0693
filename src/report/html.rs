//! One self-contained page: a timeline of all certificates, in light and in dark, without a script.

use std::io::{self, Write};

use time::{Date, Duration, Month, OffsetDateTime};

use crate::certificate::time_left::TimeLeft;
use crate::expiry::report::{CheckedCertificate, ExpiryReport};
use crate::finding::Level;
use crate::report::escape::xml;
use crate::text::{printable, printable_name};

/// The timeline reaches so far to both sides of the present: Apple's certificates are valid for 395 days.
const REACH: Duration = Duration::days(400);

/// The units of the drawings' width.
const WIDTH: i64 = 1000;

/// With more certificates than this, the good ones are folded.
const MAX_UNFOLDED: usize = 20;

/// Writes the page.
pub(crate) fn write(out: &mut dyn Write, report: &ExpiryReport) -> io::Result<()> {
    let css = include_str!("expiry.css");
    let (policy, headline) = (&report.policy.policy, xml(&report.headline()));
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline'\">\n\
         <title>Certificate expiry: {headline}</title>\n<style>\n{css}</style>\n</head>\n<body>\n\
         <h1>Certificate expiry</h1>\n<p class=\"state {}\">{headline}</p>\n<nav>{}</nav>\n\
         <p class=\"faint\">as of {}, warning below {}, failing below {}</p>\n",
        class(report.level),
        counts(report),
        moment(report.at),
        policy.warn,
        policy.fail,
    )?;
    write_problems(out, report)?;
    let timeline = Timeline::around(report.at);
    if !report.certificates.is_empty() {
        timeline.write_shared(out)?;
    }
    for part in &PARTS {
        write_part(out, part, report, &timeline)?;
    }
    writeln!(out, "</body>\n</html>")
}

/// The certificates of one level, which the counts lead to.
struct Part {
    level: Level,
    id: &'static str,
    count: fn(&ExpiryReport) -> String,
}

const PARTS: [Part; 3] = [
    Part { level: Level::Failure, id: "failures", count: |report| counted(report.summary.failures, "failure") },
    Part { level: Level::Warning, id: "warnings", count: |report| counted(report.summary.warnings, "warning") },
    Part { level: Level::Ok, id: "good", count: good },
];

fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Returns "3 ok (1 renewed)", as the summary has it.
fn good(report: &ExpiryReport) -> String {
    match report.summary.renewed {
        0 => format!("{} ok", report.summary.ok),
        renewed => format!("{} ok ({renewed} renewed)", report.summary.ok),
    }
}

/// Returns the summary, with links from its counts to what they count.
fn counts(report: &ExpiryReport) -> String {
    let mut line = xml(&report.summary_line());
    for Part { level, id, count } in &PARTS {
        if report.certificates.iter().any(|one| one.level == *level) {
            let count = count(report);
            line = line.replacen(&count, &format!("<a class=\"{}\" href=\"#{id}\">{count}</a>", class(*level)), 1);
        }
    }
    let unreadable = format!("{} not readable", counted(report.summary.unreadable, "file"));
    line.replacen(&unreadable, &format!("<a class=\"failure\" href=\"#problems\">{unreadable}</a>"), 1)
}

/// Writes what has no place on a timeline: the findings about the run, the files that cannot be opened, and what was
/// passed over.
fn write_problems(out: &mut dyn Write, report: &ExpiryReport) -> io::Result<()> {
    let skipped = report.skipped_lines();
    if report.findings.is_empty() && report.unreadable.is_empty() && skipped.is_empty() {
        return Ok(());
    }
    writeln!(out, "<ul id=\"problems\">")?;
    for finding in &report.findings {
        write_problem(out, finding.level, &finding.message, finding.hint.as_deref())?;
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

fn write_part(out: &mut dyn Write, part: &Part, report: &ExpiryReport, timeline: &Timeline) -> io::Result<()> {
    let mut rows = Vec::new();
    for one in &report.certificates {
        if one.level == part.level {
            rows.push(one);
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    let (id, class, count) = (part.id, class(part.level), (part.count)(report));
    let is_folded = part.level == Level::Ok && report.certificates.len() > MAX_UNFOLDED;
    match is_folded {
        true => writeln!(out, "<details id=\"{id}\">\n<summary class=\"{class}\">{count}</summary>")?,
        false => writeln!(out, "<section id=\"{id}\">\n<h2 class=\"{class}\">{count}</h2>")?,
    }
    write!(out, "<table>\n<thead><tr><th>Certificate<th>Expires<th>")?;
    timeline.write_axis(out)?;
    writeln!(out, "</tr></thead>\n<tbody>")?;
    for one in rows {
        write_row(out, one, timeline)?;
    }
    writeln!(out, "</tbody>\n</table>\n{}", if is_folded { "</details>" } else { "</section>" })
}

fn write_row(out: &mut dyn Write, one: &CheckedCertificate, timeline: &Timeline) -> io::Result<()> {
    write!(out, "<tr><td><strong>{}</strong>", xml(&printable_name(&one.name)))?;
    if let Some(alias) = one.alias() {
        write!(out, " \"{}\"", xml(&printable_name(alias)))?;
    }
    write!(out, "{}<small>{}</small>", one.role.note(), xml(&printable(&one.shown_place())))?;
    if let Some(topics) = other_topics(one) {
        write!(out, "<small>{}</small>", xml(&topics))?;
    }
    if let Some(entry) = &one.opened_by {
        write!(out, "<small>opened with {}</small>", xml(&printable(entry)))?;
    }
    for finding in &one.findings {
        // The next column says when it expires.
        if let Some(text) = finding.beside_the_end() {
            write!(out, "<small class=\"{}\">{}</small>", class(finding.level), xml(&text))?;
        }
    }
    let left = TimeLeft::from_seconds(one.seconds_left);
    let (word, class) = (if left.is_over() { "expired " } else { "" }, class(one.level));
    write!(
        out,
        "<td><strong class=\"{class}\">{word}{}</strong><small>{}</small>",
        left.relative(),
        moment(one.not_after)
    )?;
    timeline.write_bar(out, one)
}

/// Returns the topics that the name does not tell.
fn other_topics(one: &CheckedCertificate) -> Option<String> {
    let mut topics = Vec::new();
    for topic in &one.topics {
        if !one.name.ends_with(topic) {
            topics.push(topic.as_str());
        }
    }
    if topics.is_empty() { None } else { Some(printable(&topics.join(", "))) }
}

/// A span of time around the present, drawn from left to right.
struct Timeline {
    now: OffsetDateTime,
    ticks: Vec<Tick>,
}

/// The first day of a quarter.
struct Tick {
    date: Date,
    x: i64,
}

impl Timeline {
    fn around(now: OffsetDateTime) -> Self {
        let mut timeline = Self { now, ticks: Vec::new() };
        for year in now.year() - 2..=now.year() + 2 {
            for month in [Month::January, Month::April, Month::July, Month::October] {
                let Ok(date) = Date::from_calendar_date(year, month, 1) else { continue };
                let x = timeline.position(date.midnight().assume_utc());
                if (1..WIDTH).contains(&x) {
                    timeline.ticks.push(Tick { date, x });
                }
            }
        }
        timeline
    }

    /// Returns the place of a moment; what lies beyond the timeline is at its end.
    fn position(&self, moment: OffsetDateTime) -> i64 {
        let offset = (moment - self.now).clamp(-REACH, REACH) + REACH;
        offset.whole_seconds() * WIDTH / (REACH.whole_seconds() * 2)
    }

    /// Writes what all rows share: the rail with its ticks, and the line of today.
    fn write_shared(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(
            out,
            "<svg class=\"shared\" aria-hidden=\"true\"><defs><g id=\"rail\">\
             <rect class=\"rail\" y=\"8\" width=\"{WIDTH}\" height=\"12\"/>"
        )?;
        for Tick { x, .. } in &self.ticks {
            write!(out, "<line class=\"tick\" x1=\"{x}\" x2=\"{x}\" y2=\"28\"/>")?;
        }
        let today = self.position(self.now);
        writeln!(out, "</g><line id=\"today\" class=\"now\" x1=\"{today}\" x2=\"{today}\" y2=\"28\"/></defs></svg>")
    }

    /// Writes the labels of the ticks, and of today above them.
    fn write_axis(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "<div class=\"axis\"><b style=\"left:{}%\">today</b>", percent(self.position(self.now)))?;
        for Tick { date, x } in &self.ticks {
            let label = match date.month() {
                Month::January => date.year().to_string(),
                month => month.to_string()[..3].to_owned(),
            };
            write!(out, "<span style=\"left:{}%\">{label}</span>", percent(*x))?;
        }
        write!(out, "</div>")
    }

    /// Writes the cell with the bar of a certificate. An arrow shows that it begins before the timeline, or ends after it.
    fn write_bar(&self, out: &mut dyn Write, one: &CheckedCertificate) -> io::Result<()> {
        let (from, to) = (self.position(one.not_before), self.position(one.not_after));
        let before = if one.not_before < self.now - REACH { " before" } else { "" };
        let after = if one.not_after > self.now + REACH { " after" } else { "" };
        writeln!(
            out,
            "<td class=\"{}{before}{after}\"><svg viewBox=\"0 0 {WIDTH} 28\" preserveAspectRatio=\"none\" role=\"img\" \
             aria-label=\"valid from {} to {}\"><use href=\"#rail\"/>\
             <rect class=\"bar\" x=\"{from}\" y=\"11\" width=\"{}\" height=\"6\"/><use href=\"#today\"/></svg>",
            class(one.level),
            one.not_before.date(),
            one.not_after.date(),
            (to - from).max(1)
        )
    }
}

/// Returns a place in percent, with a decimal.
fn percent(x: i64) -> String {
    format!("{}.{}", x * 100 / WIDTH, x * 1000 / WIDTH % 10)
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
            str![[r##"
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline'">
<title>Certificate expiry: 1 expired, 1 file not readable</title>
<style>
...
</style>
</head>
<body>
<h1>Certificate expiry</h1>
<p class="state failure">1 expired, 1 file not readable</p>
<nav>2 certificates in 3 files: <a class="failure" href="#failures">1 failure</a>, 0 warnings, <a class="ok" href="#good">1 ok</a>; <a class="failure" href="#problems">1 file not readable</a></nav>
<p class="faint">as of 2026-11-24 00:00 UTC, warning below 30d, failing below 7d</p>
<ul id="problems">
<li class="failure"><span>fixtures/p12/truncated.p12: the file is damaged: it is cut short (1537 bytes are there, 3074 should be)<small>the end is missing: copy, download or export it again</small></span></li>
</ul>
<svg class="shared" aria-hidden="true"><defs><g id="rail"><rect class="rail" y="8" width="1000" height="12"/><line class="tick" x1="91" x2="91" y2="28"/><line class="tick" x1="203" x2="203" y2="28"/><line class="tick" x1="317" x2="317" y2="28"/><line class="tick" x1="432" x2="432" y2="28"/><line class="tick" x1="547" x2="547" y2="28"/><line class="tick" x1="660" x2="660" y2="28"/><line class="tick" x1="773" x2="773" y2="28"/><line class="tick" x1="888" x2="888" y2="28"/></g><line id="today" class="now" x1="500" x2="500" y2="28"/></defs></svg>
<section id="failures">
<h2 class="failure">1 failure</h2>
<table>
<thead><tr><th>Certificate<th>Expires<th><div class="axis"><b style="left:50.0%">today</b><span style="left:9.1%">2026</span><span style="left:20.3%">Apr</span><span style="left:31.7%">Jul</span><span style="left:43.2%">Oct</span><span style="left:54.7%">2027</span><span style="left:66.0%">Apr</span><span style="left:77.3%">Jul</span><span style="left:88.8%">Oct</span></div></tr></thead>
<tbody>
<tr><td><strong>Apple Push Services: com.example.MyApp</strong><small>fixtures/der/expired.cer</small><small>com.example.MyApp.voip, com.example.MyApp.complication</small><td><strong class="failure">expired 1028 days ago</strong><small>2024-01-31 00:00 UTC</small><td class="failure before"><svg viewBox="0 0 1000 28" preserveAspectRatio="none" role="img" aria-label="valid from 2023-01-01 to 2024-01-31"><use href="#rail"/><rect class="bar" x="0" y="11" width="1" height="6"/><use href="#today"/></svg>
</tbody>
</table>
</section>
<section id="good">
<h2 class="ok">1 ok</h2>
<table>
<thead><tr><th>Certificate<th>Expires<th><div class="axis"><b style="left:50.0%">today</b><span style="left:9.1%">2026</span><span style="left:20.3%">Apr</span><span style="left:31.7%">Jul</span><span style="left:43.2%">Oct</span><span style="left:54.7%">2027</span><span style="left:66.0%">Apr</span><span style="left:77.3%">Jul</span><span style="left:88.8%">Oct</span></div></tr></thead>
<tbody>
<tr><td><strong>Apple Push Services: com.example.MyApp</strong><small>fixtures/der/universal.cer</small><small>com.example.MyApp.voip, com.example.MyApp.complication</small><td><strong class="ok">in 26700 days</strong><small>2099-12-31 00:00 UTC</small><td class="ok after"><svg viewBox="0 0 1000 28" preserveAspectRatio="none" role="img" aria-label="valid from 2026-01-01 to 2099-12-31"><use href="#rail"/><rect class="bar" x="91" y="11" width="909" height="6"/><use href="#today"/></svg>
</tbody>
</table>
</section>
</body>
</html>

"##]]
        );
    }
}
