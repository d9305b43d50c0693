//! Reads provisioning profiles: property lists that Apple signs, with an end of their own and the certificates of
//! developers (Apple TN3125).

use std::time::SystemTime;

use plist::{Dictionary, Value};
use time::OffsetDateTime;

use crate::asn1::Malformed;
use crate::certificate::Certificate;
use crate::certificate::apple::Environment;
use crate::container::Unread;
use crate::container::der::after_value;
use crate::crypto::digest::sha256_hex;
use crate::limits::MAX_PARTS;
use crate::pkcs12::Holds;

/// What a provisioning profile says of itself. Nothing of its signature is looked at.
#[derive(Debug, Clone)]
pub struct ProvisioningProfile {
    pub(crate) name: String,
    /// Upper-case hex without hyphens.
    pub(crate) uuid: String,
    pub(crate) team_id: Option<String>,
    /// The environment of push notifications that its app is for.
    pub(crate) environment: Option<Environment>,
    pub(crate) not_before: OffsetDateTime,
    pub(crate) not_after: OffsetDateTime,
    /// The certificates of developers that may sign the app.
    pub(crate) certificates: Vec<Certificate>,
    /// Those that cannot be read.
    pub(crate) unread: Vec<Unread>,
    /// SHA-256 of its property list.
    pub(crate) sha256: String,
}

const PART: &str = "property list";

/// The most arrays and dictionaries of a property list; those of profiles have a few dozen. They may nest, which takes
/// stack.
const MAX_COLLECTIONS: usize = 1_000;

impl ProvisioningProfile {
    /// Reads the property list of a profile.
    pub(super) fn parse(text: &[u8]) -> Result<Self, Malformed> {
        if count_collections(text) > MAX_COLLECTIONS {
            return Err(Malformed::limit(PART, format!("has more than {MAX_COLLECTIONS} arrays and dictionaries")));
        }
        let Ok(list) = Value::from_reader_xml(text) else {
            return Err(Malformed::new(PART, "does not parse"));
        };
        let Some(list) = list.as_dictionary() else { return Err(Malformed::new(PART, "is no dictionary")) };
        let mut profile = Self {
            name: text_of(list, "Name").unwrap_or("provisioning profile").to_owned(),
            uuid: uuid(list),
            team_id: first_text(list, "TeamIdentifier"),
            environment: environment(list),
            not_before: date(list, "CreationDate")?,
            not_after: date(list, "ExpirationDate")?,
            certificates: vec![],
            unread: vec![],
            sha256: sha256_hex(text),
        };
        profile.add_certificates(list);
        Ok(profile)
    }

    fn add_certificates(&mut self, list: &Dictionary) {
        let Some(certificates) = list.get("DeveloperCertificates").and_then(Value::as_array) else { return };
        for (index, value) in certificates.iter().take(MAX_PARTS).enumerate() {
            let place = format!("developer certificate {}", index + 1);
            self.add_certificate(&place, value.as_data().unwrap_or_default());
        }
    }

    /// Adds a certificate, and those that follow it in the same place.
    fn add_certificate(&mut self, place: &str, der: &[u8]) {
        let mut rest = der;
        loop {
            match Certificate::parse(rest) {
                Ok(certificate) => self.certificates.push(certificate),
                Err(error) => {
                    return self.unread.push(Unread::new(place.to_owned(), Holds::Certificate, error.into()));
                }
            }
            rest = after_value(rest);
            if rest.is_empty() || self.certificates.len() >= MAX_PARTS {
                return;
            }
        }
    }
}

/// Returns the number of arrays and dictionaries that begin in a property list.
fn count_collections(xml: &[u8]) -> usize {
    let mut count = 0;
    for position in memchr::memchr_iter(b'<', xml) {
        let rest = &xml[position..];
        count += usize::from(rest.starts_with(b"<array") || rest.starts_with(b"<dict"));
    }
    count
}

fn text_of<'a>(list: &'a Dictionary, key: &str) -> Option<&'a str> {
    list.get(key).and_then(Value::as_string)
}

fn first_text(list: &Dictionary, key: &str) -> Option<String> {
    let texts = list.get(key).and_then(Value::as_array)?;
    Some(texts.first()?.as_string()?.to_owned())
}

fn uuid(list: &Dictionary) -> String {
    let mut digits = text_of(list, "UUID").unwrap_or_default().to_ascii_uppercase();
    digits.retain(|digit| digit.is_ascii_hexdigit());
    if digits.len() == 32 { digits } else { "00".to_owned() }
}

fn environment(list: &Dictionary) -> Option<Environment> {
    let entitlements = list.get("Entitlements").and_then(Value::as_dictionary)?;
    let keys = ["aps-environment", "com.apple.developer.aps-environment"];
    let name = keys.iter().find_map(|key| text_of(entitlements, key))?;
    match name {
        "development" => Some(Environment::Sandbox),
        "production" => Some(Environment::Production),
        _ => None,
    }
}

fn date(list: &Dictionary, key: &'static str) -> Result<OffsetDateTime, Malformed> {
    match list.get(key).and_then(Value::as_date) {
        Some(date) => Ok(OffsetDateTime::from(SystemTime::from(date))),
        None => Err(Malformed::new(PART, format!("has no {key}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(body: &str) -> String {
        format!("<?xml version=\"1.0\"?><plist version=\"1.0\"><dict>{body}</dict></plist>")
    }

    const DATES: &str = "<key>CreationDate</key><date>2026-01-01T00:00:00Z</date>\
                         <key>ExpirationDate</key><date>2027-01-01T00:00:00Z</date>";

    #[test]
    fn a_profile_has_dates_of_its_own() {
        let profile = ProvisioningProfile::parse(list(DATES).as_bytes()).unwrap();
        assert_eq!((profile.not_after - profile.not_before).whole_days(), 365);
        assert_eq!((profile.name.as_str(), profile.uuid.as_str()), ("provisioning profile", "00"));
        let damaged = format!("{DATES}<key>DeveloperCertificates</key><array><data>MIIB</data></array>");
        let profile = ProvisioningProfile::parse(list(&damaged).as_bytes()).unwrap();
        assert_eq!((profile.certificates.len(), profile.unread[0].place.as_str()), (0, "developer certificate 1"));
    }

    #[test]
    fn the_deepest_that_is_read_takes_little_stack() {
        let nested = format!("<key>x</key>{}{}", "<array>".repeat(999), "</array>".repeat(999));
        let text = list(&format!("{DATES}{nested}"));
        let read = move || ProvisioningProfile::parse(text.as_bytes()).is_ok();
        let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(read).unwrap();
        assert!(thread.join().unwrap());
    }

    #[test]
    fn what_is_no_property_list_is_refused() {
        let nested = format!("{}{}", "<array>".repeat(1_000_000), "</array>".repeat(1_000_000));
        for (text, problem) in [
            (list(""), "has no CreationDate"),
            (list(&DATES.replace("2027", "x")), "does not parse"),
            ("<plist><array/></plist>".to_owned(), "is no dictionary"),
            (list(&nested), "has more than 1000"),
            (format!("<plist>{nested}</plist>"), "has more than 1000"),
        ] {
            let error = ProvisioningProfile::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }
}
