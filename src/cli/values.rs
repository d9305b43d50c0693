//! Parsers of values.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

/// RFC 3339, or a date, which stands for its first moment in UTC.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn parse_time(text: &str) -> Result<OffsetDateTime, String> {
    let day =
        || Date::parse(text, format_description!("[year]-[month]-[day]")).map(|date| date.midnight().assume_utc());
    OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| day())
        .map_err(|_| "a time such as 2026-11-24T12:00:00Z or a date such as 2026-11-24 is expected".to_owned())
}
