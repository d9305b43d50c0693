//! What error messages about push certificates mean, and the command that goes on from there.
//!
//! [`table`] has the messages; a row's text is found in what people paste, whatever its case and line breaks.

pub(crate) mod table;

use serde::Serialize;

use crate::apns::reason::{REASONS, Reason};
use crate::explain::table::{MESSAGES, Message};

/// Between the parts of a message, for what differs each time.
const GAP: &str = " … ";
/// Limit for the explanations of one text.
const MAX_EXPLANATIONS: usize = 3;

/// What a message means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Explanation {
    /// The program that says it.
    pub(crate) from: &'static str,
    /// The message, without what differs each time.
    pub(crate) text: &'static str,
    pub(crate) meaning: &'static str,
    /// The commands that go on from there.
    pub(crate) commands: &'static [&'static str],
}

/// An explanation, and the number of bytes of the message that were found.
struct Match {
    length: usize,
    explanation: Explanation,
}

impl Explanation {
    fn of_message(message: &Message) -> Self {
        Self { from: message.from, text: message.texts[0], meaning: message.meaning, commands: message.commands }
    }

    fn of_reason(reason: &Reason) -> Self {
        Self { from: "APNs", text: reason.name, meaning: reason.meaning, commands: &[] }
    }
}

/// Returns what all known messages mean, in the order of the table.
pub(crate) fn all() -> Vec<Explanation> {
    MESSAGES.iter().map(Explanation::of_message).collect()
}

/// Finds the messages in a text, the longest first. A text may be the end of a message, without its "Error:".
pub(crate) fn find(text: &str) -> Vec<Explanation> {
    let found = find_whole(text);
    let end = text.trim().trim_end_matches(['.', '!']);
    if found.is_empty() && !end.contains(char::is_whitespace) { find_whole(&format!("Error: {end}")) } else { found }
}

fn find_whole(text: &str) -> Vec<Explanation> {
    let folded = folded(text);
    let mut matches = Vec::new();
    for message in &MESSAGES {
        let longest = message.texts.iter().filter_map(|known| matched_length(&folded, known)).max();
        if let Some(length) = longest {
            matches.push(Match { length, explanation: Explanation::of_message(message) });
        }
    }
    for reason in &REASONS {
        let is_known = matches.iter().any(|one| one.explanation.text == reason.name);
        if !is_known && has_word(text, reason.name) {
            matches.push(Match { length: reason.name.len(), explanation: Explanation::of_reason(reason) });
        }
    }
    matches.sort_by_key(|one| std::cmp::Reverse(one.length));
    matches.truncate(MAX_EXPLANATIONS);
    matches.into_iter().map(|one| one.explanation).collect()
}

/// Folds the case, leaves out quotes, and makes each run of blanks, line ends and underscores one blank: a code such as
/// `TLSV1_ALERT_UNKNOWN_CA` is the same as its text.
fn folded(text: &str) -> String {
    let lower = text.to_lowercase().replace('_', " ").replace(['"', '\'', '‘', '’', '“', '”'], "");
    let mut words = lower.split_whitespace();
    let mut folded = words.next().unwrap_or_default().to_owned();
    for word in words {
        folded.push(' ');
        folded.push_str(word);
    }
    folded
}

/// Returns the length of a message whose parts stand in a text, in their order.
fn matched_length(folded_text: &str, message: &str) -> Option<usize> {
    let (mut rest, mut length) = (folded_text, 0);
    for part in message.split(GAP) {
        let wanted = folded(part);
        let place = rest.find(&wanted)?;
        rest = &rest[place + wanted.len()..];
        length += wanted.len();
    }
    Some(length)
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|found| found == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_finds_its_own_row_first() {
        for message in &MESSAGES {
            for text in message.texts {
                let pasted = format!("2026-11-28 ERROR\n\t{}\r\nat line 5", text.to_uppercase().replace(' ', "\n "));
                let found = find(&pasted.replace('…', "anything"));
                assert_eq!(found.first().map(|one| one.text), Some(message.texts[0]), "{text}");
            }
        }
    }

    #[test]
    fn every_reason_of_apns_is_known() {
        for reason in &REASONS {
            let found = find(&format!("{{\"reason\":\"{}\"}}", reason.name));
            assert_eq!(found.first().map(|one| one.text), Some(reason.name));
        }
        assert!(find("NotPayloadTooLarger").is_empty());
    }

    #[test]
    fn messages_are_found_as_programs_print_them() {
        for (pasted, expected) in [
            ("error:0308010C:digital envelope routines::unsupported", "digital envelope routines:inner_evp"),
            ("RC2-40-CBC", "digital envelope routines:inner_evp"),
            ("unsupported:RC2-40-CBC", "digital envelope routines:inner_evp"),
            ("unsupported", "Unsupported PKCS12 PFX data"),
            ("curl: (60) SSL certificate problem: unable to get local issuer certificate", "SSL certificate problem"),
            ("verify error:num=20:unable to get local issuer certificate", "SSL certificate problem"),
            ("code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'", "unable to verify the first certificate"),
            ("x: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable", "CERTIFICATE_VERIFY_FAILED"),
            ("javax.net.ssl.SSLHandshakeException: PKIX path building failed: sun", "PKIX path building failed"),
            ("error:0A000418:SSL routines::tlsv1 alert unknown ca", "tlsv1 alert unknown ca"),
            ("code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'", "tlsv1 alert unknown ca"),
            ("[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca (_ssl.c:2580)", "tlsv1 alert unknown ca"),
            ("remote error: tls: unknown certificate authority", "tlsv1 alert unknown ca"),
            ("received fatal alert: UnknownCA", "tlsv1 alert unknown ca"),
            ("ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL", "tlsv1 alert no application protocol"),
            ("tlsv13 alert certificate required:ssl/record/rec_layer_s3.c:1605", "tlsv13 alert certificate required"),
            ("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "tlsv13 alert certificate required"),
            ("Received fatal alert: certificate_expired", "remote error: tls: expired certificate"),
            ("ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED", "remote error: tls: expired certificate"),
            ("ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN", "sslv3 alert certificate unknown"),
            ("error:1E08010C:DECODER routines::unsupported", "DECODER routines::unsupported"),
            ("error:0909006C:PEM routines:get_name:no start line", "PEM routines::no start line"),
            ("Error [ERR_HTTP2_GOAWAY_SESSION]: New streams cannot be", "ERR_HTTP2_GOAWAY_SESSION"),
            ("[ERR_HTTP2_STREAM_ERROR]: Stream closed with error code NGHTTP2_CANCEL", "ERR_HTTP2_STREAM_ERROR"),
            ("no valid 'aps-environment' entitlement string found for application", "no valid “aps-environment”"),
            ("unable to connect to tls://gateway.sandbox.push.apple.com:2195 (Unknown", "unable to connect to ssl://"),
        ] {
            let found = find(pasted);
            assert!(found.first().is_some_and(|one| one.text.starts_with(expected)), "{pasted}: {found:?}");
        }
    }

    #[test]
    fn a_text_without_a_message_has_no_explanation() {
        for text in ["", "   ", "all is well", "invalid", "digital envelope", "…"] {
            assert!(find(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn the_parts_of_a_message_stand_in_order() {
        assert!(matched_length("b then a", "a … b").is_none());
        assert_eq!(matched_length("a then b", "a … b"), Some(2));
    }

    #[test]
    fn a_row_is_complete() {
        for message in &MESSAGES {
            assert!(!message.texts.is_empty() && !message.commands.is_empty(), "{}", message.meaning);
            assert!(message.commands.iter().all(|command| command.starts_with("pushcert ")), "{:?}", message.commands);
            assert!(!message.meaning.ends_with('.'), "{}", message.meaning);
        }
    }
}
