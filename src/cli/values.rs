//! Parsers of values.

use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser, ValueParser, ValueParserFactory};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use crate::certificate::apple::Environment;
use crate::cli::password::PasswordSource;
use crate::world::files::Location;

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
