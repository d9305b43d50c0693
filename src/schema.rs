//! What all JSON documents share: their version, the words for enums, times.

use serde::Serialize;
use time::OffsetDateTime;

/// The version of every JSON document; it changes when a field changes its meaning or goes.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// The word that stands for a value in JSON.
pub(crate) fn text(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// RFC 3339.
pub(crate) fn rfc3339(time: OffsetDateTime) -> String {
    time.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}

/// RFC 3339, from milliseconds since 1970.
pub(crate) fn rfc3339_of_milliseconds(milliseconds: u64) -> String {
    match OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000) {
        Ok(time) => rfc3339(time),
        Err(_) => String::new(),
    }
}
