//! What a text is about: programs that have nothing to do with push certificates print some of the same messages.

use crate::apns::reason::Reason;

/// The subject of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// A push certificate, wherever the message is found.
    Push,
    /// A .p12 with an old cipher, unless the text names a hash or another cipher.
    OldCipher,
    /// A server that is not trusted: APNs where the text names it, else any.
    Server,
    /// The certificate of a server, APNs or another, which the message names a fault of.
    AnyServer,
    /// The way to a server, which must be that of APNs.
    Connection,
    /// As [`Subject::Connection`]; or the text begins with the message, and names no other server.
    ConnectionFirst,
    /// A file that a program does not read, which must be one of certificates or keys.
    KeyFile,
    /// A push certificate, where the text names push, or begins with the message and names no other host.
    NamedFirst,
    /// A password or a key in PEM, unless the text names a program with keys of its own.
    Decryption,
}

impl Subject {
    /// Returns whether a text is of this subject. `is_first` tells whether it begins with the message.
    pub(super) fn is_of(self, text: &Subjects, is_first: bool) -> bool {
        match self {
            Self::Push | Self::Server | Self::AnyServer | Self::KeyFile => true,
            Self::Connection => text.has_server,
            Self::ConnectionFirst => text.has_server || (is_first && !text.has_other_server && !text.has_other_host),
            Self::NamedFirst => text.has_push || (is_first && !text.has_other_host),
            Self::OldCipher => !text.has_other_algorithm,
            Self::Decryption => !text.has_other_keys,
        }
    }
}

/// What of these a text names.
pub(super) struct Subjects {
    pub(super) has_push: bool,
    /// One of APNs' servers of today.
    has_server: bool,
    /// A host that it says the program talks to, and that is none of APNs'.
    has_other_host: bool,
    has_other_server: bool,
    has_other_algorithm: bool,
    /// A .p12, or what one is encrypted with.
    pub(super) has_p12: bool,
    has_other_keys: bool,
    /// The text, in small letters and without blanks and quotes.
    text: String,
}

/// The names of push, of its server and its files.
const PUSH: &[&str] = &["apns", "apn:", "node-apn", "push.apple", "pushnotification", "pushcertificate", "push.p"];
/// The names of APNs' servers, and its addresses where a program has not reached them.
const SERVERS: &[&str] = &["push.apple.", "refused17.", "timedout17.", "unreach17."];
/// The servers of the old protocol, which nothing reaches.
const OLD_SERVERS: &[&str] =
    &["gateway.push.", "gateway.sandbox.push.", "feedback.push.", "feedback.sandbox.push.", ":2195"];
/// The makers of hashes: bundlers use MD4.
const HASHES: &[&str] = &["newhash", "createhash", "react-scripts"];
/// The names of a .p12, and of what one is encrypted with.
const P12: &[&str] = &[".p12", ".pfx", "pkcs12", "pkcs#12", "rc2-", "pbecipherinit"];
/// Programs that decrypt keys and files of other kinds.
const OTHER_KEYS: &[&str] = &["ssh-", "idrsa", "ided25519", "idecdsa", "loadkey", "opensslenc", "gpg:"];
/// What stands in OpenSSL's message before the name of a cipher or a hash.
const ALGORITHM: &str = "algorithm(";
/// The ciphers of a .p12 that OpenSSL 3 does not read.
const OLD_CIPHERS: &[&str] = &["rc2", "des"];

impl Subjects {
    /// Reads a text that was folded, without its blanks.
    pub(super) fn of(text: String) -> Self {
        let names = |words: &[&str]| words.iter().any(|word| text.contains(word));
        Self {
            has_push: names(PUSH),
            has_server: names(SERVERS) && !names(OLD_SERVERS),
            has_other_host: has_other_host(&text) || has_other_url(&text),
            has_other_server: names(OLD_SERVERS) || has_other_url(&text),
            has_other_algorithm: names(HASHES) || has_other_cipher(&text),
            has_p12: names(P12) || names(PUSH),
            has_other_keys: names(OTHER_KEYS),
            text,
        }
    }

    /// Returns whether a reason that is a word of other systems is meant as that of APNs: where it stands alone, as the value
    /// of `reason`, or in a text about APNs or a device token.
    pub(super) fn is_of_apns(&self, reason: &Reason) -> bool {
        let name = reason.name.to_lowercase();
        if !COMMON_REASONS.contains(&reason.name) || self.has_server || self.text == name {
            return true;
        }
        if self.names(KUBERNETES) {
            return false;
        }
        let is_about_push = self.has_push || self.text.contains("devicetoken");
        self.has_as_reason(&name) || (is_about_push && !self.names(AWS))
    }

    fn has_as_reason(&self, name: &str) -> bool {
        for (place, found) in self.text.match_indices("reason") {
            let rest = self.text[place + found.len()..].trim_start_matches([':', '=', '>']);
            if rest.starts_with(name) {
                return true;
            }
        }
        false
    }

    fn names(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.text.contains(word))
    }
}

/// What programs say before the host, or the URL, that they talk to, without blanks.
const HOST_NAMES: &[&str] =
    &["host:", "hostname:", "host=", "servername:", "url:", "uri:", "requestto", "connectto", "connectionto"];

fn has_other_host(text: &str) -> bool {
    for name in HOST_NAMES {
        for (place, found) in text.match_indices(name) {
            let rest = &text[place + found.len()..];
            let rest = rest.strip_prefix("https://").unwrap_or(rest);
            if host_at(before_port(rest)).is_some_and(is_other) {
                return true;
            }
        }
    }
    false
}

/// Returns what stands before the number of a port that follows a host, as curl writes it.
fn before_port(text: &str) -> &str {
    for (place, found) in text.match_indices("port") {
        if text[place + found.len()..].starts_with(|next: char| next.is_ascii_digit()) {
            return &text[..place];
        }
    }
    text
}

fn is_other(host: &str) -> bool {
    !host.contains(PROXY) && !SERVERS.iter().any(|server| host.contains(server))
}

/// Returns whether a message, folded, is about a host that it names and that is none of APNs'. `before` and `after` are
/// what stands around it.
pub(super) fn names_other_host(before: &str, message: &str, after: &str) -> bool {
    let named = host_after(message, after).or_else(|| host_before(before));
    named.is_some_and(is_other)
}

/// Where curl's errors are described, which Guzzle names in each.
const CURL_DOCUMENTS: &[&str] = &["curl.haxx.se/", "curl.se/"];

/// Returns whether a text has the address of a server that is none of APNs'.
fn has_other_url(text: &str) -> bool {
    for (place, found) in text.match_indices("://") {
        let address = &text[place + found.len()..];
        let is_known = CURL_DOCUMENTS.iter().any(|document| address.starts_with(document));
        let host = host_at(address).unwrap_or_default();
        if !is_known && !SERVERS.iter().any(|server| host.contains(server)) {
            return true;
        }
    }
    false
}

/// What the names of certificates' and keys' files end in, and what stands beside one.
const KEY_FILES: &[&str] = &[".pem", ".p12", ".pfx", ".p8", ".cer", ".crt", ".key", "load cert chain"];
const BESIDE_KEY_FILES: &[&str] = &["apns", "push.apple."];
/// The most characters between a message and the file that it is about: Python underlines the line of the program.
const MAX_TO_FILE: usize = 200;

/// Returns whether a message, folded, is about a file of certificates or keys, by what stands around it.
pub(super) fn names_key_file(before: &str, after: &str) -> bool {
    let start = before.char_indices().rev().take(MAX_TO_FILE).last().map_or(0, |(place, _)| place);
    let end = after.char_indices().nth(MAX_TO_FILE).map_or(after.len(), |(place, _)| place);
    let (before, after) = (&before[start..], &after[..end]);
    [before, after].iter().any(|text| {
        BESIDE_KEY_FILES.iter().any(|word| text.contains(word))
            || KEY_FILES.iter().any(|name| has_end_of_word(text, name))
    })
}

fn has_end_of_word(text: &str, end: &str) -> bool {
    for (place, _) in text.match_indices(end) {
        if !text[place + end.len()..].starts_with(|next: char| next.is_ascii_alphanumeric()) {
            return true;
        }
    }
    false
}

/// What the name of a host has that stands between a program and APNs.
const PROXY: &str = "proxy";

/// The ends of messages that a host follows.
const HOST_FOLLOWS: &[&str] =
    &["resolve host", "enotfound", "eai again", "unknownhostexception", "connect to", "route to host"];

fn host_after<'a>(message: &str, after: &'a str) -> Option<&'a str> {
    if !HOST_FOLLOWS.iter().any(|end| message.ends_with(end)) {
        return None;
    }
    host_at(after.trim_start_matches([' ', ':']))
}

/// The words before a host in a message that names it first: as ssh and Go print it, the latter also as a URL.
const HOST_PRECEDES: &[&str] = &["lookup", "connect to host"];
const DIAL: &str = "dial tcp";
/// The most characters between these words and the message.
const MAX_BEFORE: usize = 120;

fn host_before(before: &str) -> Option<&str> {
    let start = before.char_indices().rev().take(MAX_BEFORE).last().map_or(0, |(place, _)| place);
    let sentence = &before[start..];
    for words in HOST_PRECEDES {
        if let Some((_, rest)) = sentence.rsplit_once(words) {
            return host_at(rest.trim_start());
        }
    }
    let (url, _) = sentence.rsplit_once(DIAL)?;
    let (_, rest) = url.rsplit_once("://")?;
    host_at(rest)
}

/// Returns the name of a host at the beginning of a text; `None` for an address, and for a word without a dot.
fn host_at(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-')).unwrap_or(text.len());
    let host = text[..end].trim_end_matches('.');
    let (_, last) = host.rsplit_once('.')?;
    last.bytes().all(|byte| byte.is_ascii_alphabetic()).then_some(host)
}

/// The reasons of APNs that other systems give too.
const COMMON_REASONS: &[&str] = &[
    "BadCertificate",
    "BadPath",
    "ExpiredToken",
    "Forbidden",
    "IdleTimeout",
    "InternalServerError",
    "MethodNotAllowed",
    "PayloadTooLarge",
    "ServiceUnavailable",
    "Shutdown",
    "TooManyRequests",
    "Unregistered",
];
/// What stands in the answers of Kubernetes, and of Google, which have a `reason` too.
const KUBERNETES: &[&str] = &[
    "kind:status",
    "status:failure",
    "lasttransitiontime",
    "errorfromserver(",
    "httpresponseheaders:",
    "domain:global",
];
/// What stands in the errors of AWS, whose names of platform applications have APNS.
const AWS: &[&str] =
    &["whencallingthe", "<code>", "code:expiredtoken", "amazonaws", "arn:aws", "requestid:", "securitytoken"];

/// Returns whether OpenSSL's message names algorithms, and none of them is a cipher that a .p12 has.
fn has_other_cipher(text: &str) -> bool {
    let mut has_other = false;
    for (place, found) in text.match_indices(ALGORITHM) {
        let name = &text[place + found.len()..];
        if OLD_CIPHERS.iter().any(|cipher| name.starts_with(cipher)) {
            return false;
        }
        has_other = true;
    }
    has_other
}
