//! `push` for people: the request of a dry run, and the counts of a run.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use crate::apns::endpoint::environment_of;
use crate::certificate::apple::Environment;
use crate::exit::ExitKind;
use crate::net::endpoint::Endpoint;
use crate::push::RunEnd;
use crate::push::engine::DRAIN;
use crate::push::marker::Marking;
use crate::push::message::Message;
use crate::push::outcome::{OUTCOMES, Outcome};
use crate::push::problem::Problem;
use crate::push::source::InputCounts;
use crate::push::summary::Summary;
use crate::report::style::Paint;
use crate::schema::{SCHEMA_VERSION, text};
use crate::text::printable;

/// The request as it would go out.
#[derive(Debug, Serialize)]
pub(crate) struct DryRun {
    schema_version: u32,
    gateway: String,
    environment: Option<&'static str>,
    method: &'static str,
    path: String,
    headers: Vec<ShownHeader>,
    payload: String,
    payload_size: usize,
    tokens: u64,
    invalid: u64,
    /// The tokens that have come before.
    repeated: u64,
    /// The results that are resumed: what has its outcome there is counted here, and not sent to again.
    #[serde(skip_serializing_if = "Option::is_none")]
    resume: Option<String>,
}

#[derive(Debug, Serialize)]
struct ShownHeader {
    name: &'static str,
    value: String,
}

impl DryRun {
    /// Describes the request of one token. The provider token is shown by the ID of its key.
    pub(crate) fn new(
        gateway: &Endpoint,
        environment: Option<Environment>,
        path: &str,
        apns_id: Uuid,
        key_id: Option<&str>,
        message: &Message,
    ) -> Self {
        let mut headers = Vec::new();
        for (name, value) in message.headers() {
            headers.push(ShownHeader { name, value });
        }
        headers.push(ShownHeader { name: "apns-id", value: apns_id.to_string() });
        if let Some(key_id) = key_id {
            headers.push(ShownHeader { name: "authorization", value: format!("bearer {key_id}") });
        }
        Self {
            schema_version: SCHEMA_VERSION,
            gateway: gateway.to_string(),
            environment: environment.map(Environment::name),
            method: "POST",
            path: path.to_owned(),
            headers,
            payload: String::from_utf8_lossy(&message.payload).into_owned(),
            payload_size: message.payload.len(),
            tokens: 0,
            invalid: 0,
            repeated: 0,
            resume: None,
        }
    }

    /// Adds the results that are resumed.
    #[must_use]
    pub(crate) fn with_resume(self, file: Option<&Path>) -> Self {
        Self { resume: file.map(|file| file.display().to_string()), ..self }
    }

    /// Adds the number of tokens.
    #[must_use]
    pub(crate) fn with_counts(self, counts: InputCounts) -> Self {
        Self { tokens: counts.valid, invalid: counts.invalid, repeated: counts.repeated, ..self }
    }
}

/// Writes the request of a dry run.
pub(crate) fn write_dry_run(out: &mut dyn Write, report: &DryRun, paint: Paint) -> io::Result<()> {
    writeln!(out, "{} https://{}{}", report.method, printable(&report.gateway), report.path)?;
    for header in &report.headers {
        writeln!(out, "{} {}", paint.faint(format_args!("{}:", header.name)), printable(&header.value))?;
    }
    writeln!(out, "\n{}\n", printable(&report.payload))?;
    let others = match report.tokens {
        1 => "to one token".to_owned(),
        count => format!("to {count} tokens, each with an apns-id of its own"),
    };
    writeln!(out, "{} bytes, {others}; nothing was sent", report.payload_size)?;
    if let Some(file) = &report.resume {
        writeln!(out, "of these, --resume leaves out those that have their outcome in {}", printable(file))?;
    }
    if report.repeated > 0 {
        writeln!(out, "{}: {}", paint.warning("warning"), repetitions(report.repeated))?;
    }
    if report.invalid > 0 {
        let sentence = match report.invalid {
            1 => "one text of the input is no token".to_owned(),
            count => format!("{count} texts of the input are no tokens"),
        };
        writeln!(out, "{}: {sentence}", paint.warning("warning"))?;
    }
    Ok(())
}

/// Says how many tokens stand in the input again.
fn repetitions(count: u64) -> String {
    match count {
        1 => "one token of the input is a repetition: its device gets the notification again".to_owned(),
        _ => format!("{count} tokens of the input are repetitions: their devices get the notification again"),
    }
}

/// The counts of a run.
#[derive(Debug, Serialize)]
pub(crate) struct RunSummary {
    gateway: String,
    /// It is one of Apple's.
    #[serde(skip)]
    is_apples: bool,
    environment: Option<&'static str>,
    topic: String,
    exit_code: u8,
    #[serde(flatten)]
    counts: Summary,
    /// The tokens of this run that have come before in the input; each has an outcome of its own.
    repeated: u64,
    /// The tokens that were removed from the database and added again, and keep the outcome of the earlier run.
    #[serde(skip_serializing_if = "is_zero")]
    added_again: u64,
    /// The tokens among the unknown ones that were under way at the end of the earlier run, and are no longer registered in
    /// the database.
    #[serde(skip_serializing_if = "is_zero")]
    no_longer_registered: u64,
    problem: Option<Problem>,
    /// What was changed in the database, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<DatabaseSummary>,
    seconds: f64,
}

/// The tokens that APNs calls unregistered, in the database.
#[derive(Debug, Serialize)]
struct DatabaseSummary {
    marked: u64,
    /// The number of tokens that stay registered, and the first of them.
    still_registered: u64,
    tokens: Vec<StillRegisteredToken>,
    /// The number of tokens that could not be marked, and the reason.
    failed: u64,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct StillRegisteredToken {
    token: String,
    since: Option<u64>,
    registered: Option<u64>,
}

impl DatabaseSummary {
    fn new(marking: &Marking) -> Self {
        let mut tokens = Vec::new();
        for still in &marking.listed {
            tokens.push(StillRegisteredToken {
                token: still.token.clone(),
                since: still.times.map(|times| times.since),
                registered: still.times.map(|times| times.registered),
            });
        }
        Self {
            marked: marking.marked,
            still_registered: marking.kept,
            tokens,
            failed: marking.unmarked,
            error: marking.error.as_ref().map(|error| printable(&error.to_string())),
        }
    }
}

impl RunSummary {
    /// Sums up a run.
    pub(crate) fn new(
        gateway: &Endpoint,
        environment: Option<Environment>,
        topic: &str,
        end: &RunEnd,
        elapsed: Duration,
    ) -> Self {
        Self {
            gateway: gateway.to_string(),
            is_apples: environment_of(gateway).is_some(),
            environment: environment.map(Environment::name),
            topic: topic.to_owned(),
            exit_code: end.ending().map_or(0, ExitKind::code),
            counts: end.summary.clone(),
            repeated: end.repeated,
            added_again: end.moved,
            no_longer_registered: end.vanished,
            problem: end.problem.clone(),
            database: end.marking.as_ref().map(DatabaseSummary::new),
            seconds: elapsed.as_millis() as f64 / 1000.0,
        }
    }

    /// Writes the last line of results that go to standard output.
    pub(crate) fn write_line(&self, out: &mut dyn Write) -> io::Result<()> {
        #[derive(Serialize)]
        struct SummaryLine<'a> {
            summary: &'a RunSummary,
        }
        serde_json::to_writer(&mut *out, &SummaryLine { summary: self })?;
        writeln!(out)
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The meaning of an outcome, beside its count.
const fn meaning(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted => "APNs took them; whether a device shows them is not known",
        Outcome::Refused => "APNs refused them",
        Outcome::Unregistered => "no longer active: stop sending to them",
        Outcome::Invalid => "no device tokens",
        Outcome::NotSent => "APNs has not processed them",
        Outcome::Unknown => "sent, and no answer came",
    }
}

/// Writes the counts of a run.
pub(crate) fn write_summary(out: &mut dyn Write, report: &RunSummary, paint: Paint) -> io::Result<()> {
    let environment = match report.environment {
        Some(name) => format!(" ({name})"),
        None => String::new(),
    };
    let title = format!("{}{environment}, {}", report.gateway, report.topic);
    writeln!(out, "{}", paint.strong(printable(&title)))?;
    for outcome in OUTCOMES {
        let count = report.counts.of(outcome);
        if count == 0 && outcome != Outcome::Accepted {
            continue;
        }
        let name = text(&outcome).replace('_', " ");
        let padded = format!("{name:<13}");
        let label = match outcome {
            Outcome::Accepted => padded,
            Outcome::Unregistered | Outcome::Unknown => paint.warning(padded),
            Outcome::Refused | Outcome::Invalid | Outcome::NotSent => paint.bad(padded),
        };
        writeln!(out, "  {label} {count:>9}  {}", paint.faint(meaning(outcome)))?;
    }
    for (reason, count) in &report.counts.reasons {
        writeln!(out, "    {:<26} {count:>9}", printable(reason))?;
    }
    if let (Some(cause), None) = (&report.counts.first_not_sent, &report.problem) {
        writeln!(out, "  {} {}", paint.bad("not sent, the first:"), printable(cause))?;
    }
    if let Some(database) = &report.database {
        write_database(out, database, paint)?;
    }
    if report.counts.resent_in_doubt > 0 {
        let count = report.counts.resent_in_doubt;
        writeln!(out, "  {count} were sent again although APNs may have accepted them: devices may show them twice")?;
    }
    if report.repeated > 0 {
        writeln!(out, "  {}", repetitions(report.repeated))?;
    }
    match report.added_again {
        0 => {}
        1 => writeln!(out, "  one token was removed from the database and added again: it keeps its outcome")?,
        count => {
            writeln!(out, "  {count} tokens were removed from the database and added again: they keep their outcomes")?
        }
    }
    match report.no_longer_registered {
        0 => {}
        1 => writeln!(
            out,
            "  one token that was under way when the earlier run ended is no longer registered in the database: it stays \
             unknown"
        )?,
        count => writeln!(
            out,
            "  {count} tokens that were under way when the earlier run ended are no longer registered in the database: they \
             stay unknown"
        )?,
    }
    let rate = if report.seconds > 0.0 { report.counts.requests as f64 / report.seconds } else { 0.0 };
    match report.counts.requests {
        1 => writeln!(out, "  1 request in {:.1} s", report.seconds)?,
        requests => writeln!(out, "  {requests} requests in {:.1} s, {rate:.0} a second", report.seconds)?,
    }
    if let Some(problem) = &report.problem {
        writeln!(out, "  {} {}", paint.bad("stopped:"), printable(&problem.sentence()))?;
    }
    for hint in hints(report) {
        writeln!(out, "  {} {}", paint.faint("hint:"), printable(&hint))?;
    }
    Ok(())
}

/// The most tokens that people are shown.
const MAX_SHOWN: usize = 10;

fn write_database(out: &mut dyn Write, database: &DatabaseSummary, paint: Paint) -> io::Result<()> {
    if database.marked > 0 {
        let no_longer = paint.faint("in the database: no longer sent to");
        writeln!(out, "    {:<26} {:>9}  {no_longer}", "marked", database.marked)?;
    }
    if database.still_registered > 0 {
        let later = paint.faint("in the database: registered after the time of APNs, or it names none");
        writeln!(out, "    {:<26} {:>9}  {later}", "still registered", database.still_registered)?;
        for still in database.tokens.iter().take(MAX_SHOWN) {
            writeln!(out, "      {}", still.token)?;
        }
        if database.still_registered > MAX_SHOWN as u64 {
            writeln!(out, "      and {} more", database.still_registered - MAX_SHOWN as u64)?;
        }
    }
    if let Some(error) = &database.error {
        writeln!(out, "  {} {} could not be marked: {error}", paint.bad("database:"), database.failed)?;
    }
    Ok(())
}

/// What to do where a gateway that is none of Apple's knows no token.
const TOKENS_OF_GATEWAY: &str =
    "pushcert gateway knows the devices that have registered with it, and those of --tokens FILE";

/// What to do where a gateway that is none of Apple's does not take a provider token.
const KEY_OF_GATEWAY: &str = "pushcert gateway takes the provider tokens of a key that it was given, with its key ID and team ID: --p8-key \
     KEYID:TEAMID:FILE";

fn hints(report: &RunSummary) -> Vec<String> {
    let mut hints = Vec::new();
    match &report.problem {
        Some(Problem::Rejected { reason, advice: Some(advice), .. }) => {
            hints.push(advice.clone());
            if !report.is_apples && reason == "InvalidProviderToken" {
                hints.push(KEY_OF_GATEWAY.to_owned());
            }
        }
        Some(Problem::Unreachable { .. }) => {
            hints.push("pushcert check, with the same certificate and gateway, shows where the way ends".to_owned());
        }
        Some(Problem::Interrupted) if report.counts.of(Outcome::Unknown) > 0 => {
            hints.push(format!(
                "answers that came later than {} s after the interruption are not known",
                DRAIN.as_secs()
            ));
        }
        _ => {}
    }
    if report.counts.is_other_environment() {
        let other = match report.environment {
            _ if report.counts.has_odd_lengths_alone() => {
                "all tokens are unknown here, and none has 64 digits: were they cut, or are they of another service?"
            }
            Some("production") => {
                "all tokens are unknown here: builds from Xcode have tokens of the sandbox, --environment sandbox"
            }
            Some(_) => {
                "all tokens are unknown here: TestFlight and the App Store have tokens of --environment production"
            }
            None => "all tokens are unknown here: do they belong to the other environment?",
        };
        hints.push(other.to_owned());
        if !report.is_apples {
            hints.push(TOKENS_OF_GATEWAY.to_owned());
        }
    }
    hints
}
