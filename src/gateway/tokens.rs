//! The device tokens that the gateway knows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::apns::notification::is_token;

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
pub struct Tokens(Arc<Mutex<HashMap<String, TokenState>>>);

impl Tokens {
    /// Adds a token, or changes its state.
    pub fn set(&self, token: &str, state: TokenState) {
        self.lock().insert(token.to_ascii_lowercase(), state);
    }

    pub(super) fn get(&self, token: &str) -> Option<TokenState> {
        self.lock().get(&token.to_ascii_lowercase()).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, TokenState>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Parses a list with one token on each line, followed by its state: `known` (or nothing), `topic=TOPIC`,
    /// `unregistered` or `expired`. The last two may have a time in milliseconds. `#` begins a comment.
    ///
    /// # Errors
    /// With the number of the wrong line, and what was expected there.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let tokens = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let content = line.split('#').next().unwrap_or_default();
            let words: Vec<&str> = content.split_whitespace().collect();
            let [token, state @ ..] = &words[..] else { continue };
            if !is_token(token) {
                return Err(format!("line {number}: {TOKEN_EXPECTED}"));
            }
            match parse_state(state) {
                Ok(state) => tokens.set(token, state),
                Err(expected) => return Err(format!("line {number}: {expected}")),
            }
        }
        Ok(tokens)
    }
}

const TOKEN_EXPECTED: &str = "a device token is expected: hexadecimal digits, an even number of them";
const STATE_EXPECTED: &str = "known, topic=TOPIC, unregistered or expired is expected after the token";
const TIME_EXPECTED: &str = "a time in milliseconds is expected";

fn parse_state(words: &[&str]) -> Result<TokenState, &'static str> {
    match words {
        [] | ["known"] => Ok(TokenState::Active(None)),
        ["unregistered"] => Ok(TokenState::Unregistered(0)),
        ["unregistered", time] => Ok(TokenState::Unregistered(parse_time(time)?)),
        ["expired"] => Ok(TokenState::Expired(0)),
        ["expired", time] => Ok(TokenState::Expired(parse_time(time)?)),
        [word] => match word.strip_prefix("topic=") {
            Some(topic) => Ok(TokenState::Active(Some(topic.to_owned()))),
            None => Err(STATE_EXPECTED),
        },
        _ => Err(STATE_EXPECTED),
    }
}

fn parse_time(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| TIME_EXPECTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read() {
        let tokens = Tokens::parse(
            "# devices\naa\nBB known # mine\ncc unregistered 1700000000000\ndd expired\nee topic=a.b\n\n",
        );
        let tokens = tokens.unwrap();
        assert_eq!(tokens.get("AA"), Some(TokenState::Active(None)));
        assert_eq!(tokens.get("bb"), Some(TokenState::Active(None)));
        assert_eq!(tokens.get("cc"), Some(TokenState::Unregistered(1_700_000_000_000)));
        assert_eq!(tokens.get("dd"), Some(TokenState::Expired(0)));
        assert_eq!(tokens.get("ee"), Some(TokenState::Active(Some("a.b".to_owned()))));
        assert_eq!(tokens.get("ff"), None);
        let token = "a device token is expected: hexadecimal digits, an even number of them";
        let state = "known, topic=TOPIC, unregistered or expired is expected after the token";
        for (wrong, number, expected) in [
            ("abc", 1, token),
            ("aa\nxx", 2, token),
            ("aa gone", 1, state),
            ("aa\n\nbb what", 3, state),
            ("aa known topic=b", 1, state),
            ("aa expired soon", 1, "a time in milliseconds is expected"),
        ] {
            assert_eq!(Tokens::parse(wrong).unwrap_err(), format!("line {number}: {expected}"));
        }
    }
}
