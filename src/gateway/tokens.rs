//! The device tokens that the gateway knows. A million of them take 24 MB: of a token only a digest is kept.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::apns::notification::is_token;
use crate::certificate::apple::Environment;

/// The longest line of a list, in bytes.
const MAX_LINE: u64 = 4096;
/// The time in which a token with a limit takes so many notifications. The real limit is not documented [?].
const LIMIT_PERIOD: Duration = Duration::from_secs(60);
/// The least time that is one in milliseconds: in seconds it would be the year 33658.
const LEAST_TIME: u64 = 1_000_000_000_000;

/// The state of a device token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenState {
    /// The device receives notifications: of this topic, or of all.
    Active(Option<String>),
    /// The app was removed at this time, in milliseconds.
    Unregistered(u64),
    /// The token expired at this time, in milliseconds.
    Expired(u64),
}

/// The known device tokens. A clone shares them.
#[derive(Debug, Clone, Default)]
pub struct Tokens(Arc<RwLock<TokenTable>>);

/// A device token with all that is known of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FoundToken {
    pub(super) state: TokenState,
    /// The environment that it belongs to; `None` if it is known in both.
    pub(super) environment: Option<Environment>,
    /// Its limit is reached.
    pub(super) is_over_limit: bool,
}

#[derive(Debug, Default)]
struct TokenTable {
    /// Sorted by key.
    entries: Vec<TokenEntry>,
    topics: Vec<Arc<str>>,
    /// The place of each topic.
    places: HashMap<Arc<str>, usize>,
    limits: HashMap<TokenKey, Mutex<TokenLimit>>,
}

/// The first half of a token's SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct TokenKey([u64; 2]);

#[derive(Debug, Clone, Copy)]
struct TokenEntry {
    key: TokenKey,
    status: PackedStatus,
}

/// The state and the environment of a token, in eight bytes: a number, which is a time or the place of a topic, then two
/// bits each for the environment and the state.
#[derive(Debug, Clone, Copy)]
struct PackedStatus(u64);

/// The number of notifications that a token takes in a period.
#[derive(Debug)]
struct TokenLimit {
    limit: u32,
    taken: u32,
    period_end: Option<Instant>,
}

impl TokenKey {
    fn of(token: &str) -> Self {
        let digest = if token.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Sha256::digest(token.to_ascii_lowercase())
        } else {
            Sha256::digest(token)
        };
        let (words, _) = digest.as_chunks::<8>();
        Self([u64::from_be_bytes(words[0]), u64::from_be_bytes(words[1])])
    }
}

impl PackedStatus {
    const ANY_TOPIC: u64 = 0;
    const ONE_TOPIC: u64 = 1;
    const UNREGISTERED: u64 = 2;
    const EXPIRED: u64 = 3;

    fn new(kind: u64, environment: Option<Environment>, number: u64) -> Self {
        let environment = match environment {
            None => 0,
            Some(Environment::Production) => 1,
            Some(Environment::Sandbox) => 2,
        };
        Self(number << 4 | environment << 2 | kind)
    }

    fn state(self, topics: &[Arc<str>]) -> TokenState {
        let number = self.0 >> 4;
        match self.0 & 3 {
            Self::ANY_TOPIC => TokenState::Active(None),
            Self::ONE_TOPIC => {
                let topic = usize::try_from(number).ok().and_then(|place| topics.get(place));
                TokenState::Active(topic.map(|topic| topic.to_string()))
            }
            Self::UNREGISTERED => TokenState::Unregistered(number),
            _ => TokenState::Expired(number),
        }
    }

    fn environment(self) -> Option<Environment> {
        match self.0 >> 2 & 3 {
            1 => Some(Environment::Production),
            2 => Some(Environment::Sandbox),
            _ => None,
        }
    }
}

impl TokenLimit {
    /// Counts a notification; returns whether it is one too many.
    fn is_exceeded(&mut self, now: Instant) -> bool {
        if self.period_end.is_none_or(|end| end <= now) {
            self.period_end = Some(now + LIMIT_PERIOD);
            self.taken = 0;
        }
        self.taken = self.taken.saturating_add(1);
        self.taken > self.limit
    }
}

impl TokenTable {
    /// Packs a state; a topic is kept once.
    fn pack(&mut self, state: TokenState, environment: Option<Environment>) -> PackedStatus {
        match state {
            TokenState::Active(None) => PackedStatus::new(PackedStatus::ANY_TOPIC, environment, 0),
            TokenState::Active(Some(topic)) => {
                let place = self.place_of(&topic);
                PackedStatus::new(PackedStatus::ONE_TOPIC, environment, place as u64)
            }
            TokenState::Unregistered(since) => PackedStatus::new(PackedStatus::UNREGISTERED, environment, since),
            TokenState::Expired(since) => PackedStatus::new(PackedStatus::EXPIRED, environment, since),
        }
    }

    fn place_of(&mut self, topic: &str) -> usize {
        if let Some(place) = self.places.get(topic) {
            return *place;
        }
        let (kept, place): (Arc<str>, _) = (topic.into(), self.topics.len());
        self.topics.push(Arc::clone(&kept));
        self.places.insert(kept, place);
        place
    }

    fn search(&self, key: TokenKey) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&key, |entry| entry.key)
    }

    /// Sorts what was appended. Of a token that is there twice the last state counts.
    fn sort(&mut self) {
        self.entries.sort_by_key(|entry| entry.key);
        self.entries.dedup_by(|later, kept| {
            let is_same = later.key == kept.key;
            if is_same {
                *kept = *later;
            }
            is_same
        });
    }

    fn append(&mut self, token: &str, line: LineState) {
        let key = TokenKey::of(token);
        let status = self.pack(line.state, line.environment);
        self.entries.push(TokenEntry { key, status });
        match line.limit {
            Some(limit) => self.limits.insert(key, Mutex::new(TokenLimit { limit, taken: 0, period_end: None })),
            None => self.limits.remove(&key),
        };
    }
}

impl Tokens {
    /// Adds a token of both environments, or changes its state.
    pub fn set(&self, token: &str, state: TokenState) {
        let mut table = self.write();
        let key = TokenKey::of(token);
        let status = table.pack(state, None);
        match table.search(key) {
            Ok(place) => table.entries[place].status = status,
            Err(place) => table.entries.insert(place, TokenEntry { key, status }),
        }
    }

    /// Finds a token, and counts a notification for it if it has a limit.
    pub(super) fn find(&self, token: &str) -> Option<FoundToken> {
        let key = TokenKey::of(token);
        let table = self.read();
        let status = table.entries[table.search(key).ok()?].status;
        let is_over_limit = match table.limits.get(&key) {
            Some(limit) => limit.lock().unwrap_or_else(PoisonError::into_inner).is_exceeded(Instant::now()),
            None => false,
        };
        Some(FoundToken { state: status.state(&table.topics), environment: status.environment(), is_over_limit })
    }

    /// Takes the tokens of another list in the place of these.
    pub(crate) fn replace(&self, other: Self) {
        let table = std::mem::take(&mut *other.write());
        let earlier = std::mem::replace(&mut *self.write(), table);
        // Nobody waits while it is freed.
        drop(earlier);
    }

    /// Returns the number of tokens.
    pub(crate) fn count(&self) -> usize {
        self.read().entries.len()
    }

    fn read(&self) -> RwLockReadGuard<'_, TokenTable> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, TokenTable> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a list with one token on each line, followed by words: `known` (or nothing), `topic=TOPIC`, `unregistered` or
    /// `expired`, the last two with a time in milliseconds if need be; `production` or `sandbox`; `limit=N`. `#` begins a
    /// comment. `read_at` is the time in milliseconds that the 410 of tokens without a time has: a provider acts on
    /// it only if it is after the token's registration (Apple, "Handling notification responses from APNs").
    ///
    /// # Errors
    /// With the number of the wrong line, and what was expected there.
    pub(crate) fn parse(list: impl BufRead, read_at: u64) -> Result<Self, TokenListError> {
        let mut table = TokenTable::default();
        let mut lines = TokenLines { list, line: Vec::new(), number: 0 };
        while let Some(line) = lines.next()? {
            let content = line.split('#').next().unwrap_or_default();
            let mut words = content.split_whitespace();
            let Some(token) = words.next() else { continue };
            if !is_token(token) {
                return Err(lines.wrong(TOKEN_EXPECTED));
            }
            match LineState::parse(words, read_at) {
                Ok(state) => table.append(token, state),
                Err(expected) => return Err(lines.wrong(expected)),
            }
        }
        table.sort();
        Ok(Self(Arc::new(RwLock::new(table))))
    }
}

/// The cause for which a list cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenListError {
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    #[error("line {number}: {expected}")]
    Line { number: u64, expected: &'static str },
}

/// The lines of a list, one at a time.
struct TokenLines<R> {
    list: R,
    line: Vec<u8>,
    number: u64,
}

impl<R: BufRead> TokenLines<R> {
    fn next(&mut self) -> Result<Option<String>, TokenListError> {
        self.line.clear();
        self.number += 1;
        let length = (&mut self.list).take(MAX_LINE).read_until(b'\n', &mut self.line)?;
        if length == 0 {
            return Ok(None);
        }
        if length as u64 == MAX_LINE {
            return Err(self.wrong(TOKEN_EXPECTED));
        }
        match std::str::from_utf8(&self.line) {
            Ok(text) => Ok(Some(text.trim_start_matches('\u{feff}').to_owned())),
            Err(_) => Err(self.wrong(TOKEN_EXPECTED)),
        }
    }

    fn wrong(&self, expected: &'static str) -> TokenListError {
        TokenListError::Line { number: self.number, expected }
    }
}

const TOKEN_EXPECTED: &str = "a device token is expected: hexadecimal digits, an even number of them";
const STATE_EXPECTED: &str = "after the token one of known, topic=TOPIC, unregistered and expired is expected, and perhaps \
                              production or sandbox, and limit=N";
const TIME_EXPECTED: &str = "a time in milliseconds is expected, such as 1700000000000";

/// The words after a token.
struct LineState {
    state: TokenState,
    environment: Option<Environment>,
    limit: Option<u32>,
}

impl LineState {
    fn parse<'a>(words: impl Iterator<Item = &'a str>, read_at: u64) -> Result<Self, &'static str> {
        let (mut state, mut environment, mut limit) = (None, None, None);
        let mut words = words.peekable();
        while let Some(word) = words.next() {
            let is_new = match word {
                "production" => environment.replace(Environment::Production).is_none(),
                "sandbox" => environment.replace(Environment::Sandbox).is_none(),
                "known" => state.replace(TokenState::Active(None)).is_none(),
                "unregistered" => {
                    let since = parse_time(words.next_if(|next| !is_setting(next)), read_at)?;
                    state.replace(TokenState::Unregistered(since)).is_none()
                }
                "expired" => {
                    let since = parse_time(words.next_if(|next| !is_setting(next)), read_at)?;
                    state.replace(TokenState::Expired(since)).is_none()
                }
                _ => match word.split_once('=') {
                    Some(("topic", topic)) => state.replace(TokenState::Active(Some(topic.to_owned()))).is_none(),
                    Some(("limit", number)) => limit.replace(number.parse().map_err(|_| STATE_EXPECTED)?).is_none(),
                    Some(_) | None => false,
                },
            };
            if !is_new {
                return Err(STATE_EXPECTED);
            }
        }
        Ok(Self { state: state.unwrap_or(TokenState::Active(None)), environment, limit })
    }
}

/// Returns whether a word may stand where a time may.
fn is_setting(word: &str) -> bool {
    matches!(word, "production" | "sandbox") || word.starts_with("limit=")
}

fn parse_time(word: Option<&str>, read_at: u64) -> Result<u64, &'static str> {
    let Some(word) = word else { return Ok(read_at) };
    match word.parse() {
        Ok(time) if (LEAST_TIME..1 << 60).contains(&time) => Ok(time),
        Ok(_) | Err(_) => Err(TIME_EXPECTED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ_AT: u64 = 1_800_000_000_000;

    fn parse(text: &str) -> Result<Tokens, TokenListError> {
        Tokens::parse(text.as_bytes(), READ_AT)
    }

    #[test]
    fn a_list_with_many_topics_is_read_in_linear_time() {
        let mut list = String::new();
        for number in 0..100_000 {
            list += &format!("{number:08} topic=com.example.App{number}\n");
        }
        let start = Instant::now();
        let tokens = parse(&list).unwrap();
        // By comparing each topic with all before it took more than a minute.
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
        let topic = "com.example.App99999".to_owned();
        assert_eq!(tokens.find("00099999").unwrap().state, TokenState::Active(Some(topic)));
    }

    #[test]
    fn a_list_is_read() {
        let tokens = parse(
            "\u{feff}# devices\naa\nBB known # mine\ncc unregistered 1700000000000\ndd expired\nee topic=a.b\n\n\
             11 sandbox\n22 unregistered production\n33 limit=0 topic=a.b sandbox\naa expired 1700000000001\r\n",
        );
        let tokens = tokens.unwrap();
        let state = |token: &str| tokens.find(token).map(|found| found.state);
        assert_eq!(state("AA"), Some(TokenState::Expired(1_700_000_000_001)));
        assert_eq!(state("bb"), Some(TokenState::Active(None)));
        assert_eq!(state("cc"), Some(TokenState::Unregistered(1_700_000_000_000)));
        assert_eq!(state("dd"), Some(TokenState::Expired(READ_AT)));
        assert_eq!(state("ee"), Some(TokenState::Active(Some("a.b".to_owned()))));
        assert_eq!(state("ff"), None);
        let environment = |token: &str| tokens.find(token).unwrap().environment;
        assert_eq!(environment("bb"), None);
        assert_eq!(environment("11"), Some(Environment::Sandbox));
        assert_eq!(
            (state("22"), environment("22")),
            (Some(TokenState::Unregistered(READ_AT)), Some(Environment::Production))
        );
        let limited = TokenState::Active(Some("a.b".to_owned()));
        let found = FoundToken { state: limited, environment: Some(Environment::Sandbox), is_over_limit: true };
        assert_eq!(tokens.find("33"), Some(found));
        assert_eq!(tokens.count(), 8);
        tokens.set("ff", TokenState::Active(None));
        tokens.set("ee", TokenState::Unregistered(7));
        assert_eq!((state("ff"), state("ee")), (Some(TokenState::Active(None)), Some(TokenState::Unregistered(7))));
        tokens.replace(parse("99").unwrap());
        assert_eq!((state("ff"), state("99")), (None, Some(TokenState::Active(None))));
    }

    #[test]
    fn what_is_wrong_in_a_list_is_named_by_its_line() {
        for (wrong, number, expected) in [
            ("abc", 1, TOKEN_EXPECTED),
            ("aa\nxx", 2, TOKEN_EXPECTED),
            ("aa gone", 1, STATE_EXPECTED),
            ("aa\n\nbb what", 3, STATE_EXPECTED),
            ("aa known topic=b", 1, STATE_EXPECTED),
            ("aa sandbox production", 1, STATE_EXPECTED),
            ("aa limit=many", 1, STATE_EXPECTED),
            ("aa expired soon", 1, TIME_EXPECTED),
            ("aa expired 0", 1, TIME_EXPECTED),
            // In seconds.
            ("aa unregistered 1700000000", 1, TIME_EXPECTED),
            (&"a".repeat(5000), 1, TOKEN_EXPECTED),
        ] {
            assert_eq!(parse(wrong).unwrap_err().to_string(), format!("line {number}: {expected}"));
        }
    }

    #[test]
    fn a_limit_begins_anew_after_a_minute() {
        let mut limit = TokenLimit { limit: 2, taken: 0, period_end: None };
        let start = Instant::now();
        assert_eq!([0, 1, 59].map(|s| limit.is_exceeded(start + Duration::from_secs(s))), [false, false, true]);
        assert!(!limit.is_exceeded(start + Duration::from_secs(60)));
    }
}
