//! The results: a line of JSON for each token, after a first line that says of what they are. Before tokens are sent, a
//! line without a token says how far the input has been started, so that a run can be resumed after any end.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::push::outcome::{Outcome, Settled, Verdict};
use crate::schema::{SCHEMA_VERSION, rfc3339_of_milliseconds};
use crate::text::printable_name;

/// The word by which results are known.
pub(crate) const KIND: &str = "pushcert push";
/// The first line of the list of tokens that are no longer active.
pub(crate) const UNREGISTERED_HEADER: &str = "token,since";

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) schema_version: u32,
    pub(crate) results: String,
    pub(crate) run: Uuid,
    /// The SHA-256 of the input; null if it was read from a pipe.
    pub(crate) input_sha256: Option<String>,
    /// The SHA-256 of payload and headers, but for the time of expiration.
    pub(crate) message_sha256: String,
    pub(crate) topic: String,
    pub(crate) environment: Option<String>,
    pub(crate) gateway: String,
    pub(crate) shard: Option<String>,
}

impl Header {
    /// Returns what differs in a run that cannot be continued by the other.
    pub(super) fn difference(&self, other: &Self) -> Option<&'static str> {
        if self.schema_version != SCHEMA_VERSION || self.results != KIND {
            Some("its form is another one")
        } else if self.input_sha256.is_none() || self.input_sha256 != other.input_sha256 {
            Some("the input differs")
        } else if self.message_sha256 != other.message_sha256 {
            Some("the message differs")
        } else if self.topic != other.topic {
            Some("the topic differs")
        } else if self.environment != other.environment {
            Some("the environment differs")
        } else if self.shard != other.shard {
            Some("the shard differs")
        } else {
            None
        }
    }
}

/// The line of a token.
#[derive(Serialize)]
struct Line<'a> {
    position: u64,
    token: &'a str,
    outcome: Outcome,
    status: Option<u16>,
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    /// The time since which it is unregistered, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<u64>,
    apns_id: Option<Uuid>,
    apns_unique_id: Option<String>,
    attempts: u32,
    #[serde(skip_serializing_if = "is_false")]
    may_be_duplicate: bool,
    ms: f64,
}

fn is_false(value: &bool) -> bool {
    !value
}

#[derive(Serialize)]
struct StartedLine {
    started: u64,
    from: u64,
}

/// Writes a line of the list of tokens that are no longer active. A time that no calendar has stays a number.
pub(crate) fn write_unregistered(out: &mut dyn Write, digits: &str, since: Option<u64>) -> io::Result<()> {
    match since {
        None => writeln!(out, "{digits},"),
        Some(time) => match rfc3339_of_milliseconds(time) {
            text if text.is_empty() => writeln!(out, "{digits},{time}"),
            text => writeln!(out, "{digits},{text}"),
        },
    }
}

/// Writes results to several places.
#[derive(Default)]
pub(crate) struct ResultsWriter<'a> {
    /// Where the lines go.
    pub(crate) targets: Vec<Box<dyn Write + 'a>>,
    /// Where the tokens go that are no longer active.
    pub(crate) unregistered: Option<Box<dyn Write + 'a>>,
    line: Vec<u8>,
}

impl ResultsWriter<'_> {
    fn write_line(&mut self, value: &impl Serialize) -> io::Result<()> {
        if self.targets.is_empty() {
            return Ok(());
        }
        self.line.clear();
        serde_json::to_writer(&mut self.line, value)?;
        self.line.push(b'\n');
        for target in &mut self.targets {
            target.write_all(&self.line)?;
        }
        Ok(())
    }

    /// Writes the first line.
    pub(crate) fn header(&mut self, header: &Header) -> io::Result<()> {
        self.write_line(header)
    }

    /// Writes how far the input has been started, and from where on by this line.
    pub(super) fn started(&mut self, from: u64, position: u64) -> io::Result<()> {
        self.write_line(&StartedLine { started: position, from })?;
        self.flush()
    }

    /// Writes the outcome of a token.
    pub(super) fn settled(&mut self, settled: &Settled) -> io::Result<()> {
        let verdict = &settled.verdict;
        if let (Verdict::Unregistered { since, .. }, Some(token)) = (verdict, &settled.token)
            && let Some(out) = &mut self.unregistered
        {
            write_unregistered(out, token.digits(), *since)?;
        }
        let token = match (&settled.token, verdict) {
            (Some(token), _) => token.digits(),
            (None, Verdict::Invalid(invalid)) => invalid.text.as_str(),
            (None, _) => "",
        };
        let (mut apns_unique_id, mut since) = (None, None);
        match verdict {
            Verdict::Accepted { unique_id, .. } => apns_unique_id = unique_id.as_deref().map(printable_name),
            Verdict::Unregistered { since: time, .. } => since = *time,
            _ => {}
        }
        self.write_line(&Line {
            position: settled.position,
            token,
            outcome: verdict.outcome(),
            status: verdict.status(),
            reason: verdict.reason(),
            detail: verdict.detail(),
            since,
            apns_id: settled.apns_id,
            apns_unique_id,
            attempts: settled.attempts,
            may_be_duplicate: settled.may_be_duplicate,
            ms: settled.elapsed.as_micros() as f64 / 1000.0,
        })
    }

    /// Hands on all that was written.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        for target in self.targets.iter_mut().chain(&mut self.unregistered) {
            target.flush()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::time::Duration;

    use super::*;
    use crate::push::recipient;

    #[test]
    fn lines_as_they_are_documented() {
        let (mut out, mut gone) = (Vec::new(), Vec::new());
        let mut writer = ResultsWriter {
            targets: vec![Box::new(&mut out)],
            unregistered: Some(Box::new(&mut gone)),
            ..ResultsWriter::default()
        };
        let mut settled = Settled {
            position: 7,
            token: recipient::parse("AABB").ok(),
            verdict: Verdict::Accepted { status: 200, unique_id: Some("x\u{1b}".to_owned()) },
            apns_id: Some(Uuid::nil()),
            attempts: 2,
            may_be_duplicate: true,
            elapsed: Duration::from_micros(12_345),
        };
        writer.settled(&settled).unwrap();
        settled.verdict = Verdict::Unregistered {
            status: 410,
            reason: Some(Cow::Borrowed("Unregistered")),
            since: Some(1_700_000_000_123),
        };
        settled.may_be_duplicate = false;
        writer.settled(&settled).unwrap();
        writer.settled(&Settled::invalid(8, recipient::parse("abc").unwrap_err())).unwrap();
        writer.started(8, 9).unwrap();
        drop(writer);
        let id = Uuid::nil();
        let expected = format!(
            r#"{{"position":7,"token":"aabb","outcome":"accepted","status":200,"reason":null,"apns_id":"{id}","apns_unique_id":"x\\u{{1b}}","attempts":2,"may_be_duplicate":true,"ms":12.345}}
{{"position":7,"token":"aabb","outcome":"unregistered","status":410,"reason":"Unregistered","since":1700000000123,"apns_id":"{id}","apns_unique_id":null,"attempts":2,"ms":12.345}}
{{"position":8,"token":"abc","outcome":"invalid","status":null,"reason":null,"detail":"it has an odd number of hexadecimal digits","apns_id":null,"apns_unique_id":null,"attempts":0,"ms":0.0}}
{{"started":9,"from":8}}
"#
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert_eq!(String::from_utf8(gone).unwrap(), "aabb,2023-11-14T22:13:20.123Z\n");
    }
}
