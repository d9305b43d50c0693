//! The results: a line of JSON for each token, after a first line that says of what they are. Before tokens are sent, a
//! line without a token says how far the input has been started, so that a run can be resumed after any end.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::push::outcome::{Outcome, Settled, Verdict};
use crate::push::token_hash::TokenHash;
use crate::schema::{SCHEMA_VERSION, rfc3339_of_milliseconds};
use crate::text::printable_name;

/// The word by which results are known.
pub(crate) const KIND: &str = "pushcert push";
/// Returns the beginning of the first line of results, which is the same in all.
pub(crate) fn beginning() -> String {
    format!("{{\"schema_version\":{SCHEMA_VERSION},\"results\":\"{KIND}\"")
}

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
    /// The position under which the token was sent first, where it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<u64>,
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
struct StartedLine<'a> {
    started: u64,
    from: u64,
    /// The tokens, by the positions under which they were sent first.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<&'a BTreeMap<u64, TokenHash>>,
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
    /// The file of the lines.
    pub(crate) file: Option<Box<dyn Write + 'a>>,
    /// Standard output, if the lines go there. Where its reader has gone, a file is enough.
    pub(crate) stdout: Option<Box<dyn Write + 'a>>,
    /// Where the tokens go that are no longer active.
    pub(crate) unregistered: Option<Box<dyn Write + 'a>>,
    /// Lines of that list which wait until the results have been handed on: it never has what they do not have.
    listed: Vec<u8>,
    line: Vec<u8>,
}

/// The bytes of the list that wait at most.
const MAX_LISTED: usize = 64 << 10;

impl ResultsWriter<'_> {
    fn write_line(&mut self, value: &impl Serialize) -> io::Result<()> {
        if self.file.is_none() && self.stdout.is_none() {
            return Ok(());
        }
        self.line.clear();
        serde_json::to_writer(&mut self.line, value)?;
        self.line.push(b'\n');
        if let Some(file) = &mut self.file {
            file.write_all(&self.line)?;
        }
        let Some(stdout) = &mut self.stdout else { return Ok(()) };
        let written = stdout.write_all(&self.line);
        self.take_leave(written)
    }

    /// Does without standard output where its reader has gone, and there is a file.
    fn take_leave(&mut self, written: io::Result<()>) -> io::Result<()> {
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe && self.file.is_some() => {
                self.stdout = None;
                Ok(())
            }
            other => other,
        }
    }

    /// Writes the first line.
    pub(crate) fn header(&mut self, header: &Header) -> io::Result<()> {
        self.write_line(header)
    }

    /// Writes how far the input has been started, and from where on by this line; with its tokens where the rows of the
    /// input may change.
    pub(super) fn started(
        &mut self,
        from: u64,
        position: u64,
        tokens: Option<&BTreeMap<u64, TokenHash>>,
    ) -> io::Result<()> {
        self.write_line(&StartedLine { started: position, from, tokens })?;
        self.flush()
    }

    /// Writes the outcome of a token.
    pub(super) fn settled(&mut self, settled: &Settled) -> io::Result<()> {
        let verdict = &settled.verdict;
        if let (Verdict::Unregistered { since, .. }, Some(token)) = (verdict, &settled.token)
            && self.unregistered.is_some()
        {
            write_unregistered(&mut self.listed, token.digits(), *since)?;
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
            origin: if settled.origin == settled.position { None } else { Some(settled.origin) },
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
        })?;
        if self.listed.len() >= MAX_LISTED { self.flush() } else { Ok(()) }
    }

    /// Hands on all that was written.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            file.flush()?;
        }
        if let Some(list) = &mut self.unregistered {
            list.write_all(&self.listed)?;
            self.listed.clear();
            list.flush()?;
        }
        let Some(stdout) = &mut self.stdout else { return Ok(()) };
        let written = stdout.flush();
        self.take_leave(written)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::time::Duration;

    use super::*;
    use crate::push::recipient;

    #[test]
    fn a_time_that_no_calendar_has_stays_a_number() {
        let mut out = Vec::new();
        for since in [None, Some(0), Some(1_700_000_000_123), Some(u64::MAX)] {
            write_unregistered(&mut out, "aabb", since).unwrap();
        }
        let expected = "aabb,\naabb,1970-01-01T00:00:00Z\naabb,2023-11-14T22:13:20.123Z\naabb,18446744073709551615\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    /// An output whose reader has gone.
    struct ClosedPipe;

    impl Write for ClosedPipe {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn a_file_is_enough_where_the_reader_of_standard_output_has_gone() {
        let mut out = Vec::new();
        let both = ResultsWriter {
            file: Some(Box::new(&mut out)),
            stdout: Some(Box::new(ClosedPipe)),
            ..ResultsWriter::default()
        };
        let alone = ResultsWriter { stdout: Some(Box::new(ClosedPipe)), ..ResultsWriter::default() };
        let file = ResultsWriter { file: Some(Box::new(ClosedPipe)), ..ResultsWriter::default() };
        for (mut writer, is_good) in [(both, true), (alone, false), (file, false)] {
            for _ in 0..2 {
                assert_eq!(writer.started(1, 2, None).is_ok(), is_good);
            }
        }
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 2);
    }

    /// An output that a test looks into.
    #[derive(Default, Clone)]
    struct SharedOutput(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

    impl Write for SharedOutput {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    // A kill between the two left a token in the list whose outcome was not known.
    #[test]
    fn the_list_has_nothing_that_the_results_do_not_have() {
        let (results, list) = (SharedOutput::default(), SharedOutput::default());
        let mut writer = ResultsWriter {
            file: Some(Box::new(io::BufWriter::with_capacity(1 << 20, results.clone()))),
            unregistered: Some(Box::new(list.clone())),
            ..ResultsWriter::default()
        };
        let settled = Settled {
            position: 7,
            origin: 7,
            token: recipient::parse("aabb").ok(),
            verdict: Verdict::Unregistered { status: 410, reason: None, since: None },
            apns_id: None,
            attempts: 1,
            may_be_duplicate: false,
            elapsed: Duration::ZERO,
        };
        let lines = |output: &SharedOutput| output.0.borrow().iter().filter(|byte| **byte == b'\n').count();
        let mut length = 0;
        for _ in 0..20_000 {
            writer.settled(&settled).unwrap();
            let listed = list.0.borrow().len();
            if listed > length {
                assert!(lines(&results) >= lines(&list));
                length = listed;
            }
        }
        assert!(length > 0, "memory does not grow with it");
        writer.flush().unwrap();
        assert_eq!((lines(&results), lines(&list)), (20_000, 20_000));
    }

    #[test]
    fn lines_as_they_are_documented() {
        let (mut out, mut gone) = (Vec::new(), Vec::new());
        let mut writer = ResultsWriter {
            file: Some(Box::new(&mut out)),
            unregistered: Some(Box::new(&mut gone)),
            ..ResultsWriter::default()
        };
        let mut settled = Settled {
            position: 7,
            origin: 7,
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
        settled.origin = 3;
        writer.settled(&settled).unwrap();
        writer.settled(&Settled::invalid(8, recipient::parse("abc").unwrap_err())).unwrap();
        writer.started(8, 9, None).unwrap();
        writer.started(10, 12, Some(&BTreeMap::from([(10, TokenHash(1)), (12, TokenHash(u64::MAX))]))).unwrap();
        writer.flush().unwrap();
        drop(writer);
        let id = Uuid::nil();
        let expected = format!(
            r#"{{"position":7,"token":"aabb","outcome":"accepted","status":200,"reason":null,"apns_id":"{id}","apns_unique_id":"x\\u{{1b}}","attempts":2,"may_be_duplicate":true,"ms":12.345}}
{{"position":7,"origin":3,"token":"aabb","outcome":"unregistered","status":410,"reason":"Unregistered","since":1700000000123,"apns_id":"{id}","apns_unique_id":null,"attempts":2,"ms":12.345}}
{{"position":8,"token":"abc","outcome":"invalid","status":null,"reason":null,"detail":"it has an odd number of hexadecimal digits","apns_id":null,"apns_unique_id":null,"attempts":0,"ms":0.0}}
{{"started":9,"from":8}}
{{"started":12,"from":10,"tokens":{{"10":"0000000000000001","12":"ffffffffffffffff"}}}}
"#
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert_eq!(String::from_utf8(gone).unwrap(), "aabb,2023-11-14T22:13:20.123Z\n");
    }
}
