//! What the options of a command line and their values come to.

use std::ffi::{OsStr, OsString};

use clap::{Arg, Command};

use crate::run::stray;

/// Returns the option of a subcommand with this name, which has its dashes.
pub(super) fn find_own<'c>(command: &'c Command, name: &str) -> Option<&'c Arg> {
    for argument in command.get_arguments() {
        let is_long = match argument.get_long() {
            Some(long) => name.strip_prefix("--") == Some(long),
            None => false,
        };
        let is_short = match argument.get_short() {
            Some(short) => name == format!("-{short}"),
            None => false,
        };
        if is_long || is_short {
            return Some(argument);
        }
    }
    None
}

/// Returns the source of a password as pushcert writes it; a password itself is replaced by a variable.
pub(super) fn source(typed: &OsStr, variable: &str) -> OsString {
    if stray::is_source_os(typed) { typed.to_owned() } else { variable.into() }
}

/// Returns a proxy as a URL.
pub(super) fn with_scheme(proxy: &str) -> String {
    if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") }
}

/// Returns seconds as a threshold, in whole days or in hours, and whether they were rounded up.
pub(super) fn threshold(seconds: &str) -> Option<(String, bool)> {
    let seconds: u32 = seconds.parse().ok()?;
    let time = match seconds % 86_400 {
        0 => format!("{}d", seconds / 86_400),
        _ => format!("{}h", seconds.div_ceil(3600)),
    };
    Some((time, !seconds.is_multiple_of(3600)))
}

/// Returns an option with its value behind a sign of equality.
pub(super) fn joined(option: &str, value: &OsStr) -> OsString {
    let mut word = OsString::from(format!("{option}="));
    word.push(value);
    word
}

/// A subject as openssl takes it, `/emailAddress=jo@example.com/CN=Jo/C=DE`, as options of csr.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) options: Vec<OsString>,
    /// The names of its attributes that csr does not take.
    pub(super) left_out: Vec<&'static str>,
}

/// An attribute of a subject.
struct Attribute {
    /// The short name, the long one, and the OID.
    names: [&'static str; 3],
    /// The option of csr for it.
    option: Option<&'static str>,
}

const fn attribute(names: [&'static str; 3], option: Option<&'static str>) -> Attribute {
    Attribute { names, option }
}

const ATTRIBUTES: [Attribute; 8] = [
    attribute(["emailAddress", "E", "1.2.840.113549.1.9.1"], Some("--email")),
    attribute(["CN", "commonName", "2.5.4.3"], Some("--name")),
    attribute(["C", "countryName", "2.5.4.6"], Some("--country")),
    attribute(["ST", "stateOrProvinceName", "2.5.4.8"], None),
    attribute(["L", "localityName", "2.5.4.7"], None),
    attribute(["O", "organizationName", "2.5.4.10"], None),
    attribute(["OU", "organizationalUnitName", "2.5.4.11"], None),
    attribute(["UID", "userId", "0.9.2342.19200300.100.1.1"], None),
];

impl Subject {
    /// Parses a subject, whose names may be in capitals or not, or OIDs; `None` without the slash at its beginning, where
    /// openssl refuses it. A backslash takes its meaning from the character after it; `+` stands between attributes too.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if !text.starts_with('/') {
            return None;
        }
        let mut subject = Self { options: Vec::new(), left_out: Vec::new() };
        let (mut name, mut value) = (None, String::new());
        let mut rest = text.chars();
        while let Some(character) = rest.next() {
            let is_end = match character {
                '/' => true,
                '+' => begins_attribute(rest.as_str()),
                _ => false,
            };
            match character {
                _ if is_end => subject.add(name.take(), std::mem::take(&mut value)),
                '=' if name.is_none() => name = Some(std::mem::take(&mut value)),
                '\\' => value.extend(rest.next()),
                _ => value.push(character),
            }
        }
        subject.add(name, value);
        Some(subject)
    }

    fn add(&mut self, name: Option<String>, value: String) {
        let Some(name) = name else { return };
        // openssl passes over an attribute without a value.
        if value.is_empty() {
            return;
        }
        match find_attribute(&name) {
            Some(Attribute { option: Some(option), .. }) => self.options.extend([option.into(), value.into()]),
            Some(Attribute { names: [name, ..], .. }) => self.leave_out(name),
            // It is foreign text.
            None => self.leave_out("others"),
        }
    }

    fn leave_out(&mut self, name: &'static str) {
        if !self.left_out.contains(&name) {
            self.left_out.push(name);
        }
    }
}

fn find_attribute(name: &str) -> Option<&'static Attribute> {
    let name = name.trim();
    ATTRIBUTES.iter().find(|known| known.names.iter().any(|other| other.eq_ignore_ascii_case(name)))
}

/// Returns whether a text begins with the name of an attribute and its sign of equality.
fn begins_attribute(text: &str) -> bool {
    match text.split_once('=') {
        Some((name, _)) => find_attribute(name).is_some(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::shell::shell_os_word;

    #[test]
    fn a_subject_is_taken_apart() {
        for (subject, options, left_out) in [
            (
                "/emailAddress=jo@example.com/CN=Jo Doe/O=X/C=DE",
                "--email jo@example.com --name 'Jo Doe' --country DE",
                "O",
            ),
            (r"/CN=Jo \/ Doe/C=DE", "--name 'Jo / Doe' --country DE", ""),
            (r"/CN=a\\/C=DE", r"--name 'a\' --country DE", ""),
            ("/commonName=Jo/countryName=DE", "--name Jo --country DE", ""),
            ("/CN=Jo=Doe", "--name Jo=Doe", ""),
            ("/C=DE/ST=Bayern/L=Passau/O=X/OU=Y/OU=Z/CN=Jo", "--country DE --name Jo", "ST, L, O, OU"),
            ("/CN=Jo+OU=X/emailAddress=jo+doe@example.com", "--name Jo --email jo+doe@example.com", "OU"),
            ("/cn=Jo/emailaddress=jo@example.com/c=DE/o=X", "--name Jo --email jo@example.com --country DE", "O"),
            ("/2.5.4.3=Jo/1.2.840.113549.1.9.1=jo@example.com/2.5.4.10=X", "--name Jo --email jo@example.com", "O"),
            ("/CN=/O=/emailAddress=jo@example.com", "--email jo@example.com", ""),
            ("//CN=Jo/hunter2=hunter2", "--name Jo", "others"),
        ] {
            let parsed = Subject::parse(subject).unwrap();
            let words: Vec<String> = parsed.options.iter().map(|word| shell_os_word(word)).collect();
            assert_eq!(
                (words.join(" ").as_str(), parsed.left_out.join(", ").as_str()),
                (options, left_out),
                "{subject}"
            );
        }
        assert_eq!(Subject::parse("CN=Jo,C=DE"), None);
    }
}
