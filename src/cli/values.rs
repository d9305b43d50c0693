//! Parsers of values.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::time::Duration;

use clap::builder::{
    OsStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser, ValueParser, ValueParserFactory,
};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};
use zeroize::Zeroizing;

use crate::apns::notification;
use crate::apns::provider_token::is_id;
use crate::certificate::apple::Environment;
use crate::certificate::renewal::Acceptable;
use crate::cli::password::PasswordSource;
use crate::world::files::Location;

/// Parses a value as its type does, and tells completions how it may begin.
#[derive(Debug, Clone)]
pub(crate) struct Begun<T> {
    beginnings: Vec<&'static str>,
    parse: fn(&str) -> Result<T, String>,
}

impl<T: Clone + Send + Sync + 'static> Begun<T> {
    pub(crate) fn new(
        beginnings: impl IntoIterator<Item = &'static str>,
        parse: fn(&str) -> Result<T, String>,
    ) -> Self {
        Self { beginnings: beginnings.into_iter().collect(), parse }
    }
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Begun<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        self.parse.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.beginnings.iter().map(PossibleValue::new)))
    }
}

impl ValueParserFactory for Location {
    type Parser = ValueParser;

    fn value_parser() -> ValueParser {
        ValueParser::new(OsStringValueParser::new().try_map(Self::parse))
    }
}

impl ValueParserFactory for PasswordSource {
    type Parser = ValueParser;

    fn value_parser() -> ValueParser {
        ValueParser::new(OsStringValueParser::new().map(Self::parse_os))
    }
}

/// A whole number.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn parse_count(text: &str) -> Result<u64, String> {
    // "+7" is a number to Rust.
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if is_digits => Ok(number),
        Err(_) if is_digits => Err("the number is too large".to_owned()),
        Ok(_) | Err(_) => Err("a whole number such as 5 is expected".to_owned()),
    }
}

/// RFC 3339, or a date, which stands for its first moment in UTC.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn parse_time(text: &str) -> Result<OffsetDateTime, String> {
    if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
        return Ok(time);
    }
    match Date::parse(text, format_description!("[year]-[month]-[day]")) {
        Ok(date) => Ok(date.midnight().assume_utc()),
        Err(_) => Err("a time such as 2026-11-24T12:00:00Z or a date such as 2026-11-24 is expected".to_owned()),
    }
}

/// Parses an environment: the type belongs to the domain, which does not know clap.
pub(crate) fn environments() -> impl TypedValueParser<Value = Environment> {
    let names = [Environment::Sandbox, Environment::Production].map(Environment::name);
    PossibleValuesParser::new(names).map(|name| match name.as_str() {
        "sandbox" => Environment::Sandbox,
        _ => Environment::Production,
    })
}

/// Parses a difference that may be accepted.
pub(crate) fn acceptables() -> impl TypedValueParser<Value = Acceptable> {
    PossibleValuesParser::new(Acceptable::names()).try_map(|name| match Acceptable::named(&name) {
        Some(acceptable) => Ok(acceptable),
        None => Err("this is not a difference that may be accepted"),
    })
}

/// The URL of a proxy, unread: what is wrong with it is told without repeating it, for there may be a
/// password in it, and clap would repeat it.
#[derive(Clone)]
pub(crate) struct ProxyUrl(pub Zeroizing<String>);

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyUrl(…)")
    }
}

impl From<&str> for ProxyUrl {
    fn from(url: &str) -> Self {
        Self(Zeroizing::new(url.to_owned()))
    }
}

/// The URL of a database, or `env:NAME`, unread for the same reason.
#[derive(Clone)]
pub(crate) enum DatabaseUrl {
    Text(Zeroizing<String>),
    /// The name of an SQLite file need not be UTF-8.
    NotUtf8(OsString),
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(…)")
    }
}

impl From<OsString> for DatabaseUrl {
    fn from(url: OsString) -> Self {
        match url.into_string() {
            Ok(text) => Self::Text(Zeroizing::new(text)),
            Err(url) => Self::NotUtf8(url),
        }
    }
}

/// Parses a key ID or a Team ID.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn parse_id(text: &str) -> Result<String, String> {
    if is_id(text) { Ok(text.to_owned()) } else { Err("ten capital letters and digits are expected".to_owned()) }
}

/// Parses "10s", "1.5s", "500ms" or "2m"; a bare number is seconds.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn parse_timeout(text: &str) -> Result<Duration, String> {
    let expected = || "a duration such as 10s, 500ms or 2m is expected".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        _ => return Err(expected()),
    };
    let seconds = digits.parse::<f64>().map_err(|_| expected())? * factor;
    if !(0.001..=3600.0).contains(&seconds) {
        return Err("a duration from 1ms to 60m is expected".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Parses a topic.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn parse_topic(text: &str) -> Result<String, String> {
    if !notification::is_topic(text) {
        return Err("a topic such as com.example.MyApp is expected".to_owned());
    }
    if has_team_id(text) {
        return Err("it begins with a Team ID, and no topic does: com.example.MyApp is expected".to_owned());
    }
    Ok(text.to_owned())
}

/// Returns whether an App ID stands in the place of a bundle ID: with the Team ID before it, of ten capitals and digits.
fn has_team_id(text: &str) -> bool {
    let Some((first, _)) = text.split_once('.') else { return false };
    first.len() == 10
        && first.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && first.bytes().any(|byte| byte.is_ascii_digit())
}

/// Parses a text that a device shows, or the name of a sound.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn parse_text(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("it is empty, and a device would show nothing of it: leave the option out".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_no_team_before_it() {
        assert!(parse_topic("ABCDE12345.com.example.MyApp").unwrap_err().contains("Team ID"));
        for good in ["com.example.MyApp", "ABCDE12345", "COMEXAMPLE.MyApp", "abcde12345.MyApp", "ABCDE123456.MyApp"] {
            assert_eq!(parse_topic(good), Ok(good.to_owned()));
        }
    }

    #[test]
    fn timeouts() {
        assert_eq!(parse_timeout("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(parse_timeout("1.5"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_timeout("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_timeout("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "s", "0s", "-1s", "1h", "61m", "nan", "inf", "1 s"] {
            assert!(parse_timeout(wrong).is_err(), "{wrong}");
        }
    }
}
