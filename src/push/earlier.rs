//! The results of an earlier run that is resumed: which positions are settled. A bit for each, not an entry.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, BufRead};

use serde::Deserialize;
use uuid::Uuid;

use crate::database::problem::DatabaseError;
use crate::database::{Database, Selection, StateFilter, StoredToken, TokenGroup};
use crate::push::outcome::Outcome;
use crate::push::recipient::{self, DeviceToken};
use crate::push::results::{self, Header};
use crate::push::summary::Summary;
use crate::push::token_hash::TokenHash;

/// The most bytes of a line of results, which has a token, a reason and an identifier, all of them short.
const MAX_LINE: u64 = 1 << 20;

/// The words of a block.
const BLOCK_WORDS: usize = 8;
/// The positions of a block.
const BLOCK: u64 = BLOCK_WORDS as u64 * 64;

/// A set of positions: bits in blocks, of which only those are kept that have any. IDs of a database may lie far apart.
#[derive(Debug, Default)]
struct Positions(BTreeMap<u64, Box<[u64; BLOCK_WORDS]>>);

/// The place of a position in its block.
struct Place {
    word: usize,
    bit: u64,
}

impl Place {
    fn of(position: u64) -> Self {
        let rest = position % BLOCK;
        Self { word: (rest / 64) as usize, bit: 1 << (rest % 64) }
    }
}

impl Positions {
    fn set(&mut self, position: u64, is_in: bool) {
        let Place { word, bit } = Place::of(position);
        if is_in {
            let block = self.0.entry(position / BLOCK).or_insert_with(|| Box::new([0; BLOCK_WORDS]));
            block[word] |= bit;
        } else if let Some(block) = self.0.get_mut(&(position / BLOCK)) {
            block[word] &= !bit;
        }
    }

    fn has(&self, position: u64) -> bool {
        let Place { word, bit } = Place::of(position);
        self.0.get(&(position / BLOCK)).is_some_and(|block| block[word] & bit != 0)
    }

    /// Removes a range of positions, both ends included.
    fn clear(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        for (number, words) in self.0.range_mut(first / BLOCK..=last / BLOCK) {
            for (word, bits) in words.iter_mut().enumerate() {
                let start = number * BLOCK + word as u64 * 64;
                for bit in 0..64 {
                    if (first..=last).contains(&(start + bit)) {
                        *bits &= !(1 << bit);
                    }
                }
            }
        }
    }
}

/// What an earlier run has left.
#[derive(Debug, Default)]
pub(crate) struct EarlierRun {
    settled: Positions,
    not_sent: Positions,
    unknown: Positions,
    /// The last position that was about to be sent, by lines that do not name the tokens.
    started: u64,
    /// The tokens that were about to be sent, by lines that name them, and have no outcome since.
    begun: HashMap<u64, TokenHash>,
    /// The rows of the database that are gone, or have other tokens now.
    changed: Positions,
    /// The positions of the tokens of these rows, and of those that were about to be sent.
    moved: HashMap<TokenHash, u64>,
    /// Whether tokens whose outcome is unknown are sent again.
    pub(crate) resends_unknown: bool,
    /// The counts of what is settled.
    pub(crate) summary: Summary,
}

/// What is known of a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// It has its outcome.
    Settled,
    /// It may have been sent.
    Doubtful,
    /// It was certainly not sent.
    New,
}

/// The reason why results cannot be resumed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResumeError {
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    #[error("its first line is not that of results of pushcert push")]
    NoHeader,
    #[error("line {0} is no result")]
    Line(u64),
    #[error("line {0} has more than 1 MiB: it is no result")]
    LongLine(u64),
    #[error("line {0} gives a token a second outcome")]
    SecondOutcome(u64),
    #[error("it has the results of another run: {0}")]
    Another(&'static str),
}

/// A line that is not the first.
#[derive(Deserialize)]
struct Line {
    started: Option<u64>,
    /// The first of the positions that were about to be sent.
    from: Option<u64>,
    tokens: Option<BTreeMap<u64, TokenHash>>,
    position: Option<u64>,
    origin: Option<u64>,
    outcome: Option<Outcome>,
    status: Option<u16>,
    reason: Option<String>,
}

/// An earlier run as its results tell it.
pub(crate) struct ReadResults {
    pub(crate) run: Uuid,
    pub(crate) earlier: EarlierRun,
    /// The number of bytes up to the end of the last whole line.
    pub(crate) length: u64,
}

/// Reads results; `header` is that of the run that resumes them. A last line without its end is dropped. Returns `None` for
/// those of a run that was ended before it had begun: its first line is on the disk before anything is sent.
///
/// # Errors
/// When they are damaged, or of another input, message, topic, environment or shard.
pub(crate) fn read(
    reader: &mut dyn BufRead,
    header: &Header,
    resends_unknown: bool,
) -> Result<Option<ReadResults>, ResumeError> {
    let mut line = Vec::new();
    if !next_line(reader, &mut line, 1)? {
        let beginning = results::beginning();
        let is_ours = line.starts_with(beginning.as_bytes()) || beginning.as_bytes().starts_with(&line);
        return if is_ours { Ok(None) } else { Err(ResumeError::NoHeader) };
    }
    let Ok(earlier_header) = serde_json::from_slice::<Header>(&line) else { return Err(ResumeError::NoHeader) };
    if let Some(difference) = earlier_header.difference(header) {
        return Err(ResumeError::Another(difference));
    }
    let mut length = line.len() as u64;
    let mut earlier = EarlierRun { resends_unknown, ..EarlierRun::default() };
    let mut number = 1;
    while next_line(reader, &mut line, number + 1)? {
        number += 1;
        length += line.len() as u64;
        let Ok(parsed) = serde_json::from_slice::<Line>(&line) else { return Err(ResumeError::Line(number)) };
        if !earlier.add(parsed) {
            return Err(ResumeError::SecondOutcome(number));
        }
    }
    Ok(Some(ReadResults { run: earlier_header.run, earlier, length }))
}

/// Reads a line with its end; returns false where there is no whole one: nothing but the end of the file tears a line.
fn next_line(reader: &mut dyn BufRead, line: &mut Vec<u8>, number: u64) -> Result<bool, ResumeError> {
    line.clear();
    io::Read::take(&mut *reader, MAX_LINE).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        return Ok(true);
    }
    if line.len() as u64 == MAX_LINE { Err(ResumeError::LongLine(number)) } else { Ok(false) }
}

/// Returns whether a token was sent first from another row than this one.
pub(super) fn is_another_row(origin: u64, position: u64) -> bool {
    origin != position && origin < BEYOND_IDS
}

/// The number of rows that are read from the database together.
const PAGE: usize = 1000;
/// The number of lines of results that are compared with the database together.
const MAX_EXPECTED: usize = 10_000;
/// The bit of a position that no row of a database has: its IDs are positive, and have 63 bits.
const BEYOND_IDS: u64 = 1 << 63;

/// A row as the results know it.
struct ExpectedRow {
    id: u64,
    hash: TokenHash,
}

/// The reason why the tokens of results cannot be compared with those of a database.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompareError {
    #[error(transparent)]
    Results(#[from] ResumeError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// The line of a token.
#[derive(Deserialize)]
struct TokenLine {
    position: u64,
    origin: Option<u64>,
    token: String,
}

/// The line of a token that is no longer active.
#[derive(Deserialize)]
struct UnregisteredLine {
    token: String,
    since: Option<u64>,
}

/// Calls `take` with each token of results that is no longer active, and with the time since when. The results were read
/// before.
///
/// # Errors
/// When they cannot be read, or `take` fails.
pub(crate) fn read_unregistered(
    reader: &mut dyn BufRead,
    take: &mut dyn FnMut(&str, Option<u64>) -> io::Result<()>,
) -> Result<(), ResumeError> {
    let (mut line, mut number) = (Vec::new(), 1);
    while next_line(reader, &mut line, number)? {
        number += 1;
        if let Ok(Line { outcome: Some(Outcome::Unregistered), .. }) = serde_json::from_slice(&line)
            && let Ok(UnregisteredLine { token, since }) = serde_json::from_slice(&line)
        {
            let Ok(token) = recipient::parse(&token) else { return Err(ResumeError::Line(number - 1)) };
            take(token.digits(), since)?;
        }
    }
    Ok(())
}

impl EarlierRun {
    /// Adds a line; returns false if its position has an outcome already.
    fn add(&mut self, line: Line) -> bool {
        match (line.started, line.tokens) {
            (Some(_), Some(tokens)) => self.begun.extend(tokens),
            (Some(started), None) => {
                // A resumed run has begun anew what was not sent: it may be sent now.
                let next = if started > self.started { self.started + 1 } else { 0 };
                self.not_sent.clear(line.from.unwrap_or(next), started);
                self.started = self.started.max(started);
            }
            (None, _) => {}
        }
        let (Some(position), Some(outcome)) = (line.origin.or(line.position), line.outcome) else { return true };
        self.begun.remove(&position);
        if self.unknown.has(position) {
            // It was sent again: the later outcome counts.
            self.summary.discount_unknown(1);
            self.unknown.set(position, false);
        } else if self.settled.has(position) {
            return false;
        }
        self.settled.set(position, false);
        self.not_sent.set(position, outcome == Outcome::NotSent);
        match outcome {
            // It is sent in this run.
            Outcome::NotSent => return true,
            Outcome::Unknown => self.unknown.set(position, true),
            _ => {}
        }
        self.settled.set(position, true);
        self.summary.count_answer(outcome, line.status, line.reason.as_deref());
        true
    }

    /// Finds the rows that are gone from the database, or have other tokens than those that were sent to. The results were
    /// read before.
    ///
    /// # Errors
    /// When the results or the database cannot be read.
    pub(crate) fn find_changed_rows(
        &mut self,
        results: &mut dyn BufRead,
        database: &mut Database,
        group: &TokenGroup,
    ) -> Result<(), CompareError> {
        let selection = Selection { state: StateFilter::Any, ..Selection::registered(group) };
        let mut expected = Vec::new();
        for (&id, &hash) in &self.begun {
            expected.push(ExpectedRow { id, hash });
        }
        let (mut line, mut number) = (Vec::new(), 1);
        while next_line(results, &mut line, number)? {
            number += 1;
            let Ok(TokenLine { position, token, .. }) = serde_json::from_slice(&line) else { continue };
            expected.push(ExpectedRow { id: position, hash: TokenHash::of(&token) });
            if expected.len() >= MAX_EXPECTED {
                self.compare_rows(&mut expected, database, &selection)?;
            }
        }
        self.compare_rows(&mut expected, database, &selection)?;
        Ok(())
    }

    /// Compares rows, which it takes, with those of the database.
    fn compare_rows(
        &mut self,
        expected: &mut Vec<ExpectedRow>,
        database: &mut Database,
        selection: &Selection,
    ) -> Result<(), DatabaseError> {
        expected.sort_unstable_by_key(|row| row.id);
        let mut page = Vec::new().into_iter().peekable();
        let mut is_end = false;
        for ExpectedRow { id, hash } in expected.drain(..) {
            while page.next_if(|stored: &StoredToken| stored.id < id).is_some() {}
            if page.peek().is_none() && !is_end {
                page = database.read_page(selection, id.saturating_sub(1), PAGE)?.into_iter().peekable();
                is_end = page.peek().is_none();
            }
            let is_same = page.peek().is_some_and(|stored| stored.id == id && TokenHash::of(&stored.token) == hash);
            if !is_same {
                self.changed.set(id, true);
            }
        }
        Ok(())
    }

    /// Notes the tokens whose rows have changed, and those that were under way: they may be in other rows now. The changed
    /// rows are known.
    ///
    /// # Errors
    /// When the results cannot be read.
    pub(crate) fn find_moved(&mut self, results: &mut dyn BufRead) -> Result<(), ResumeError> {
        for (origin, hash) in &self.begun {
            self.moved.insert(*hash, *origin);
        }
        let (mut line, mut number) = (Vec::new(), 1);
        while next_line(results, &mut line, number)? {
            number += 1;
            let Ok(TokenLine { position, origin, token }) = serde_json::from_slice(&line) else { continue };
            if origin.is_some() || self.changed.has(position) {
                self.moved.insert(TokenHash::of(&token), origin.unwrap_or(position));
            }
        }
        Ok(())
    }

    /// Returns the position under which a token was sent first: another one, if its row has been replaced. A token in a row
    /// that had another one has a position of its own.
    pub(super) fn origin(&self, position: u64, token: Option<&DeviceToken>) -> u64 {
        let Some(token) = token else { return position };
        let has_changed = self.changed.has(position);
        if self.moved.is_empty() || (!has_changed && self.known(position) == Known::Settled) {
            return position;
        }
        let hash = TokenHash::of(token.digits());
        match self.moved.get(&hash) {
            Some(origin) => *origin,
            None if has_changed => BEYOND_IDS | hash.0,
            None => position,
        }
    }

    /// Returns the tokens that were under way at the end of the run and have no outcome, by the positions under which they
    /// were sent first.
    pub(super) fn open(&self) -> HashSet<u64> {
        let mut open = HashSet::new();
        for origin in self.begun.keys() {
            if !self.settled.has(*origin) {
                open.insert(*origin);
            }
        }
        open
    }

    /// Returns whether the outcome of a position counts as unknown.
    pub(super) fn is_unknown(&self, position: u64) -> bool {
        self.unknown.has(position)
    }

    /// Returns what is known of a position.
    pub(super) fn known(&self, position: u64) -> Known {
        if self.unknown.has(position) && self.resends_unknown {
            Known::Doubtful
        } else if self.settled.has(position) {
            Known::Settled
        } else if self.begun.contains_key(&position) || (position <= self.started && !self.not_sent.has(position)) {
            Known::Doubtful
        } else {
            Known::New
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            schema_version: 1,
            results: "pushcert push".to_owned(),
            run: Uuid::nil(),
            input_sha256: Some("aa".to_owned()),
            message_sha256: "bb".to_owned(),
            topic: "com.example.MyApp".to_owned(),
            environment: Some("production".to_owned()),
            gateway: "localhost:1".to_owned(),
            shard: None,
        }
    }

    fn resumed(lines: &str, resends_unknown: bool) -> Result<ReadResults, ResumeError> {
        let text = format!("{}\n{lines}", serde_json::to_string(&header()).unwrap());
        Ok(read(&mut text.as_bytes(), &header(), resends_unknown)?.unwrap())
    }

    #[test]
    fn positions_may_lie_far_apart() {
        let mut positions = Positions::default();
        let far = [0, 63, 64, 4095, 4096, 1 << 40, i64::MAX as u64, u64::MAX];
        for position in far {
            positions.set(position, true);
        }
        positions.set(1 << 50, false);
        positions.set(64, false);
        for position in far {
            assert_eq!(positions.has(position), position != 64, "{position}");
        }
        assert!(!positions.has(1) && !positions.has(1 << 50));
    }

    #[test]
    fn positions_are_settled_doubtful_or_new() {
        let lines = r#"{"started":4}
{"position":1,"token":"aa","outcome":"accepted","reason":null}
{"position":2,"token":"bb","outcome":"unknown","reason":null}
{"position":4,"token":"dd","outcome":"not_sent","reason":null}
{"started":6}
{"position":6,"token":"ff","outcome":"invalid"#;
        let read = resumed(lines, false).unwrap();
        let known: Vec<Known> = (1..=7).map(|position| read.earlier.known(position)).collect();
        use Known::{Doubtful, New, Settled};
        assert_eq!(known, [Settled, Settled, Doubtful, New, Doubtful, Doubtful, New]);
        assert_eq!(read.earlier.summary.total(), 2);
        let torn = lines.len() - lines.rfind('\n').unwrap() - 1;
        let whole = serde_json::to_string(&header()).unwrap().len() + 1 + lines.len() - torn;
        assert_eq!(read.length, whole as u64, "the torn line is dropped");
        let read = resumed(lines, true).unwrap();
        assert_eq!(read.earlier.known(2), Doubtful, "sent again");
    }

    #[test]
    fn what_was_not_sent_and_is_begun_anew_is_doubtful() {
        let lines = r#"{"started":2,"from":1}
{"position":1,"token":"aa","outcome":"accepted"}
{"position":2,"token":"bb","outcome":"not_sent"}
{"started":5000,"from":3}
{"position":3,"token":"cc","outcome":"not_sent"}
{"position":4,"token":"dd","outcome":"not_sent"}
{"position":5000,"token":"ee","outcome":"not_sent"}
{"started":3,"from":2}
"#;
        use Known::{Doubtful, New, Settled};
        let known = |lines: &str| {
            let earlier = resumed(lines, false).unwrap().earlier;
            [1, 2, 3, 4, 5000, 5001].map(|position| earlier.known(position))
        };
        assert_eq!(known(lines), [Settled, Doubtful, Doubtful, New, New, New]);
        let more = format!("{lines}{{\"started\":5000,\"from\":4}}\n");
        assert_eq!(known(&more), [Settled, Doubtful, Doubtful, Doubtful, Doubtful, New]);
    }

    #[test]
    fn only_the_last_line_is_torn() {
        let long = format!("{{\"position\":1,\"outcome\":\"accepted\",\"token\":\"{}\"}}\n", "ab".repeat(50_000));
        let read = resumed(&long, false).unwrap();
        assert_eq!(read.earlier.known(1), Known::Settled);
        let longer = format!("{}{}\n", long, "a".repeat(2 << 20));
        assert!(matches!(resumed(&longer, false), Err(ResumeError::LongLine(3))));
    }

    #[test]
    fn a_token_has_one_outcome() {
        let line = |outcome: &str| format!("{{\"position\":7,\"outcome\":\"{outcome}\"}}\n");
        let twice = format!("{}{}", line("accepted"), line("refused"));
        assert!(matches!(resumed(&twice, false), Err(ResumeError::SecondOutcome(3))));
        let later = format!("{}{}{}", line("not_sent"), line("unknown"), line("refused"));
        assert_eq!(resumed(&later, false).unwrap().earlier.summary.total(), 1);
    }

    #[test]
    fn unregistered_tokens_are_found() {
        let lines = r#"{"schema_version":1}
{"started":2,"from":1}
{"position":1,"token":"aa","outcome":"unregistered","since":1700000000123}
{"position":2,"token":"bb","outcome":"accepted"}
{"position":3,"token":"cc","outcome":"unregistered"}
"#;
        let mut found = Vec::new();
        read_unregistered(&mut lines.as_bytes(), &mut |token, since| {
            found.push((token.to_owned(), since));
            Ok(())
        })
        .unwrap();
        assert_eq!(found, [("aa".to_owned(), Some(1_700_000_000_123)), ("cc".to_owned(), None)]);
    }

    #[test]
    fn a_later_outcome_counts() {
        let lines =
            "{\"started\":1}\n{\"position\":1,\"outcome\":\"unknown\"}\n{\"position\":1,\"outcome\":\"accepted\"}\n";
        let summary = resumed(lines, false).unwrap().earlier.summary;
        assert_eq!((summary.total(), summary.of(Outcome::Accepted)), (1, 1));
    }

    #[test]
    fn results_that_are_cut_in_their_first_line_are_those_of_no_run() {
        let text = serde_json::to_string(&header()).unwrap();
        for length in 0..=text.len() {
            assert!(read(&mut &text.as_bytes()[..length], &header(), false).unwrap().is_none(), "{length}");
        }
        assert!(read(&mut format!("{text}\n").as_bytes(), &header(), false).unwrap().is_some());
    }

    #[test]
    fn another_run_is_refused() {
        let change = |act: fn(&mut Header)| {
            let mut other = header();
            act(&mut other);
            let text = format!("{}\n", serde_json::to_string(&other).unwrap());
            read(&mut text.as_bytes(), &header(), false).err().unwrap().to_string()
        };
        assert!(change(|other| other.input_sha256 = None).contains("input"));
        assert!(change(|other| other.message_sha256.clear()).contains("message"));
        assert!(change(|other| other.topic.clear()).contains("topic"));
        assert!(change(|other| other.environment = None).contains("environment"));
        assert!(change(|other| other.shard = Some("0/2".to_owned())).contains("shard"));
        let read = |text: &str| read(&mut text.as_bytes(), &header(), false).err().unwrap();
        assert!(matches!(read("{\"token\":1}"), ResumeError::NoHeader));
        assert!(matches!(read("aabb"), ResumeError::NoHeader));
        assert!(matches!(read("\n"), ResumeError::NoHeader));
        assert!(matches!(read("{\"token\":1}\n"), ResumeError::NoHeader));
        assert!(matches!(resumed("x\n", false), Err(ResumeError::Line(2))));
    }
}
