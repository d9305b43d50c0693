//! The device tokens that the gateway knows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::apns::notification::is_token;

/// What is known of a device token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenState {
    /// A notification reaches it; where a topic is named, only for that topic.
    Active(Option<String>),
    /// The app was removed: `Unregistered`, since this time in milliseconds.
    Unregistered(u64),
    /// `ExpiredToken`, since this time in milliseconds.
    Expired(u64),
}

/// All tokens; a clone is the same list. What is not in it is answered with `BadDeviceToken`.
#[derive(Debug, Clone, Default)]
pub struct Tokens(Arc<Mutex<HashMap<String, TokenState>>>);

impl Tokens {
    /// Adds a token, or changes what is known of it.
    pub fn set(&self, token: &str, state: TokenState) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(token.to_ascii_lowercase(), state);
    }

    /// What is known of a token.
    pub fn get(&self, token: &str) -> Option<TokenState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&token.to_ascii_lowercase()).cloned()
    }

    /// Reads a list: a token a line, then `known` (or nothing), `topic=TOPIC`, `unregistered` or `expired`,
    /// the last two with a time in milliseconds if need be. `#` begins a comment.
    ///
    /// # Errors
    /// With the number of the line that is wrong, and what was expected there.
    pub fn parse(text: &str) -> Result<Self, String> {
        let tokens = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
            let Some((token, rest)) = words.split_first() else { continue };
            let wrong = |what: &str| format!("line {number}: {what}");
            if !is_token(token) {
                return Err(wrong("a device token is expected: hexadecimal digits, an even number of them"));
            }
            let time = |text: &str| text.parse().map_err(|_| wrong("a time in milliseconds is expected"));
            let state = match rest {
                [] | ["known"] => TokenState::Active(None),
                ["unregistered"] => TokenState::Unregistered(0),
                ["unregistered", at] => TokenState::Unregistered(time(at)?),
                ["expired"] => TokenState::Expired(0),
                ["expired", at] => TokenState::Expired(time(at)?),
                [word] if word.starts_with("topic=") => TokenState::Active(Some(word["topic=".len()..].to_owned())),
                _ => return Err(wrong("known, topic=TOPIC, unregistered or expired is expected after the token")),
            };
            tokens.set(token, state);
        }
        Ok(tokens)
    }
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
        for wrong in ["abc", "aa gone", "aa\nxx", "aa expired soon"] {
            assert!(Tokens::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Tokens::parse("aa\n\nbb what").unwrap_err().starts_with("line 3:"));
    }
}
