//! What error messages about push certificates mean, and the command that goes on from there.
//!
//! [`table`] has the messages; a row's text is found in what people paste, whatever its case and line breaks.

mod subject;
pub(crate) mod table;

use memchr::memmem;
use serde::Serialize;

use crate::apns::reason::{REASONS, Reason};
use crate::explain::subject::{Subject, Subjects};
use crate::explain::table::{MESSAGES, Message, RC2_IF_P12};

/// Between the parts of a message, for what differs each time.
const GAP: &str = " … ";
/// The most bytes between two parts of a message.
const MAX_GAP: usize = 600;
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

const UNTRUSTED_ANY_SERVER: &str = "the program does not trust the server that it has reached: its list of authorities is too old, or a proxy or a server of one's own \
     answers; where the server is APNs, pushcert check push.pem says which";

/// An explanation, and the message that was found.
struct Match {
    known: String,
    explanation: Explanation,
}

impl Match {
    /// Returns whether another match says the same, or is a part of this one.
    fn covers(&self, other: &Self) -> bool {
        let is_same = self.explanation.meaning == other.explanation.meaning
            && self.explanation.commands == other.explanation.commands;
        is_same || self.known.contains(&other.known)
    }
}

impl Explanation {
    fn of_message(message: &Message) -> Self {
        Self { from: message.from, text: message.texts[0], meaning: message.meaning, commands: message.commands }
    }

    /// One for a text: where it does not name APNs, the server may be any, and where it does not name a .p12 or its cipher,
    /// what OpenSSL does not have may be any.
    fn of_message_in(message: &Message, subjects: &Subjects) -> Self {
        if message.subject == Subject::Server && !subjects.has_push {
            return Self { meaning: UNTRUSTED_ANY_SERVER, commands: &[], ..Self::of_message(message) };
        }
        if message.subject == Subject::AnyServer && !subjects.has_push {
            return Self { commands: &[], ..Self::of_message(message) };
        }
        if message.subject == Subject::OldCipher && !subjects.has_p12 {
            return Self { meaning: RC2_IF_P12, ..Self::of_message(message) };
        }
        Self::of_message(message)
    }

    fn of_reason(reason: &Reason) -> Self {
        Self { from: "APNs", text: reason.name, meaning: reason.meaning, commands: &[] }
    }
}

/// Returns what all known messages mean, in the order of the table.
pub(crate) fn all() -> Vec<Explanation> {
    MESSAGES.iter().map(Explanation::of_message).collect()
}

/// Finds the messages in a text, the longest first. A text may be the end of a message, without its "Error:", and lines
/// may have been broken within words.
pub(crate) fn find(text: &str) -> Vec<Explanation> {
    let found = find_whole(text, folded);
    if !found.is_empty() {
        return found;
    }
    let end = text.trim().trim_end_matches(['.', '!']);
    if !end.contains(char::is_whitespace) {
        return find_whole(&format!("Error: {end}"), folded);
    }
    if text.trim().contains('\n') || text.contains(is_full_width) { find_whole(text, without_blanks) } else { found }
}

fn find_whole(text: &str, fold: fn(&str) -> String) -> Vec<Explanation> {
    let wanted = fold(text);
    let subjects = Subjects::of(without_blanks(text));
    let mut matches = Vec::new();
    for message in MESSAGES {
        let Some(known) = longest_found(&wanted, message, fold) else { continue };
        if message.subject == Subject::Connection && is_of_other_host(&folded(text), message) {
            continue;
        }
        if message.subject == Subject::KeyFile && !is_of_key_file(&folded(text), message) {
            continue;
        }
        if message.subject.is_of(&subjects, begins_with(&wanted, message, fold)) {
            matches.push(Match { known, explanation: Explanation::of_message_in(message, &subjects) });
        }
    }
    for reason in &REASONS {
        let is_known = MESSAGES.iter().any(|message| message.texts[0] == reason.name);
        if !is_known && has_word(text, reason.name) && subjects.is_of_apns(reason) {
            matches.push(Match { known: fold(reason.name), explanation: Explanation::of_reason(reason) });
        }
    }
    matches.sort_by_key(|one| std::cmp::Reverse(one.known.len()));
    chosen(matches)
}

/// Returns the explanations of the longest messages that say something of their own.
fn chosen(matches: Vec<Match>) -> Vec<Explanation> {
    let mut kept: Vec<Match> = Vec::new();
    for one in matches {
        if kept.len() < MAX_EXPLANATIONS && !kept.iter().any(|longer| longer.covers(&one)) {
            kept.push(one);
        }
    }
    kept.into_iter().map(|one| one.explanation).collect()
}

/// Returns the longest form of a message that stands in a text, folded as the text is.
fn longest_found(wanted: &str, message: &Message, fold: fn(&str) -> String) -> Option<String> {
    let mut longest: Option<String> = None;
    for known in message.texts {
        let parts: Vec<String> = known.split(GAP).map(fold).collect();
        let known = parts.concat();
        if longest.as_ref().is_none_or(|found| known.len() > found.len()) && has_parts(wanted, &parts) {
            longest = Some(known);
        }
    }
    longest
}

/// Returns whether a message stands in a text, folded, about hosts that are all none of APNs'.
fn is_of_other_host(text: &str, message: &Message) -> bool {
    let mut is_of_other = false;
    for known in message.texts {
        for (place, found) in text.match_indices(&folded(known)) {
            if !subject::names_other_host(&text[..place], found, &text[place + found.len()..]) {
                return false;
            }
            is_of_other = true;
        }
    }
    is_of_other
}

/// Returns whether a message stands in a text, folded, beside the name of a file of certificates or keys, or alone.
fn is_of_key_file(text: &str, message: &Message) -> bool {
    for known in message.texts {
        let (first, _) = known.split_once(GAP).unwrap_or((known, ""));
        let first = folded(first);
        let stripped = text.trim_end_matches([' ', '.']);
        // Python names every file but that of a certificate.
        if without_openings(stripped) == first || (stripped.starts_with(TRACEBACK) && stripped.ends_with(&first)) {
            return true;
        }
        for (place, found) in text.match_indices(&first) {
            if subject::names_key_file(&text[..place], &text[place + found.len()..]) {
                return true;
            }
        }
    }
    false
}

/// The beginning of what Python prints above a message.
const TRACEBACK: &str = "traceback (most recent call last)";

/// What programs say before any message of theirs.
const OPENINGS: [&str; 9] =
    ["php ", "warning:", "error:", "verror:", "panic:", "caused by:", "ssl.sslerror:", "{ error:", "{ [error:"];

/// Returns whether a text, folded, begins with a message.
fn begins_with(wanted: &str, message: &Message, fold: fn(&str) -> String) -> bool {
    let text = without_openings(wanted);
    for known in message.texts {
        let (first, _) = known.split_once(GAP).unwrap_or((known, ""));
        if text.starts_with(&fold(first)) {
            return true;
        }
    }
    false
}

fn without_openings(text: &str) -> &str {
    for opening in OPENINGS {
        if let Some(rest) = text.strip_prefix(opening) {
            return without_openings(rest.trim_start());
        }
    }
    text
}

/// Returns whether the parts of a message stand in a text, in their order and near to one another.
fn has_parts(text: &str, parts: &[String]) -> bool {
    let [first, rest @ ..] = parts else { return true };
    for (place, _) in text.match_indices(first) {
        if has_next_parts(&text[place + first.len()..], rest) {
            return true;
        }
    }
    false
}

fn has_next_parts(mut text: &str, parts: &[String]) -> bool {
    for part in parts {
        let near = &text.as_bytes()[..text.len().min(MAX_GAP + part.len())];
        match memmem::find(near, part.as_bytes()) {
            Some(place) => text = &text[place + part.len()..],
            None => return false,
        }
    }
    true
}

/// Characters that quote, as HTML and JSON write them too, and those that stand before a quote.
const QUOTES: [&str; 12] = ["&quot;", "&#039;", "&#39;", "\"", "'", "`", "‘", "’", "“", "”", "\\n", "\\"];

/// Folds the case, leaves out quotes and colours, and makes each run of blanks, line ends and underscores one blank: a
/// code such as `TLSV1_ALERT_UNKNOWN_CA` is the same as its text.
fn folded(text: &str) -> String {
    let narrow: String = console::strip_ansi_codes(text).chars().map(half_width).collect();
    let mut lower = narrow.to_lowercase().replace('_', " ");
    for quote in QUOTES {
        lower = lower.replace(quote, if quote == "\\n" { " " } else { "" });
    }
    let words: Vec<&str> = lower.split_whitespace().collect();
    words.join(" ")
}

/// The full-width forms of ASCII, from which it is this far.
const FULL_WIDTH: std::ops::RangeInclusive<char> = '！'..='～';
const TO_HALF_WIDTH: u32 = '！' as u32 - '!' as u32;

/// Returns whether a character is a full-width form of ASCII: Chinese and Japanese programs punctuate with them, without
/// blanks.
fn is_full_width(character: char) -> bool {
    FULL_WIDTH.contains(&character)
}

fn half_width(character: char) -> char {
    if !is_full_width(character) {
        return character;
    }
    char::from_u32(u32::from(character) - TO_HALF_WIDTH).unwrap_or(character)
}

/// As [`folded`], without any blank.
fn without_blanks(text: &str) -> String {
    folded(text).replace(' ', "")
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|found| found == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_finds_its_own_row_first() {
        for message in MESSAGES {
            for text in message.texts {
                let server = if message.is_of_any_text() { "" } else { "api.push.apple.com" };
                let pasted = text.to_uppercase().replace(' ', "\n ");
                let pasted = format!("2026-11-28 ERROR {server}\n\t{pasted}\r\nat line 5");
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
            ("error 20 at 0 depth lookup: unable to get local issuer certificate", "error 20 at 0 depth lookup"),
            ("error 10 at 0 depth lookup:certificate has expired", "error 10 at 0 depth lookup"),
            ("PEM_do_header:bad password read:crypto/pem/pem_lib.c:467", "PEM_do_header:bad password read"),
            ("tls: internal error", "remote error: tls: internal error"),
            ("security: One or more parameters passed to a function were not valid.", "SecKeychainItemImport"),
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
    fn a_message_about_another_host_is_not_explained() {
        for text in [
            "Error: socket hang up\n    at connResetException { code: 'ECONNRESET', host: 'api.stripe.com', port: 443 }",
            "AxiosError: socket hang up\n  config: { url: 'https://api.stripe.com/v1/charges', method: 'post' }",
            "Error: read ECONNRESET { servername: \"registry.npmjs.org\" }",
            "socket hang up, request to https://example.com/tokens failed",
            "msiexec exit Code=3010 reboot required",
            "Remote host terminated the handshake, host=repo.maven.apache.org",
            "curl: (28) Failed to connect to github.com port 443 after 134 ms: Connection timed out",
            "cURL error 28: Failed to connect to api.stripe.com port 443 after 10001 ms: Timeout was reached",
            "curl: (35) OpenSSL SSL_connect: Connection reset by peer in connection to github.com:443",
            "cURL error 35: Connection reset by peer for https://api.mailjet.com/v3/send",
        ] {
            assert!(find(text).is_empty(), "{text}");
        }
        for text in [
            "Error: socket hang up { code: 'ECONNRESET', host: 'api.push.apple.com' }",
            "Error: socket hang up { url: 'https://api.sandbox.push.apple.com/3/device/00fc' }",
            "Error: socket hang up { host: 'proxy.example.com', port: 3128 }",
            "Error: read ECONNRESET { host: 'localhost', port: 2197 }",
            "Error: socket hang up\n    at TLSSocket.onConnectEnd (node:_tls_wrap:1727:19)",
            "curl: (35) OpenSSL SSL_connect: Connection reset by peer in connection to api.push.apple.com:443",
        ] {
            assert!(find(text)[0].meaning.starts_with("the other end closed"), "{text}");
        }
    }

    /// Messages as people have posted them, or as the programs print them, and the beginning of what they mean.
    #[test]
    fn posted_messages_are_explained() {
        for (pasted, meaning) in [
            (
                "openssl_pkcs12_read: error:11800071:PKCS12 routines::mac absent\nerror:11800071:PKCS12 routines::mac verify failure",
                "the .p12 has no MAC",
            ),
            ("Error: mac absent", "the .p12 has no MAC"),
            (
                "security: SecKeychainUnlock: The user name or passphrase you entered is not correct.",
                "the password of the keychain",
            ),
            ("SecKeychainItemImport: User interaction is not allowed.", "the keychain is locked"),
            (
                "security: SecKeychainItemImport: The specified item already exists in the keychain.",
                "this certificate or key was",
            ),
            ("java.io.IOException: toDerInputStream rejects tag type 77", "the file is Base64"),
            (
                "java.lang.NullPointerException: invalid null input\n\tat java.security.KeyStore$PrivateKeyEntry.<init>",
                "the program was given no password",
            ),
            (
                "java.io.EOFException\n\tat sun.security.util.IOUtils.readExactlyNBytes\n\tat sun.security.pkcs12.PKCS12KeyStore",
                "the .p12 is empty",
            ),
            (
                "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks",
                "the file of the certificate and that of the key",
            ),
            ("2026 ERROR x: tls: failed to parse private key", "the key is encrypted"),
            ("2016-01-05 remote error: internal error", "the gateway ended the handshake"),
            ("PEM routines:get_header_and_data:bad end line:crypto/pem/pem_lib.c:856", "the PEM is damaged"),
            (
                "nested exception is javax.net: SSLHandshakeException: Remote host closed connection during handshake apns",
                "the other end closed",
            ),
            (
                "java.lang.IllegalStateException: Stream closed before a reply was received",
                "the connection to the gateway",
            ),
            ("CryptographicException: Input data cannot be coded as a valid certificate.", "the file is in another"),
            ("AuthenticationException: A call to SSPI failed, see inner exception.", "the TLS handshake failed"),
            ("[('SSL routines', 'SSL_CTX_use_certificate', 'ca md too weak')]", "this OpenSSL refuses the signature"),
            ("CSR algorithm/size incorrect. Expected: RSA(2048). Found: EC(256)", "Apple certifies RSA keys"),
            (
                "nginx: [emerg] cannot load certificate key \"/ssl/push.key\": PEM_read_bio_PrivateKey() failed",
                "the file has no private key that nginx",
            ),
            ("NIOSSLError.failedToLoadPrivateKey", "the file is not there"),
            (
                "{tls_alert,{certificate_expired,\"TLS client: In state wait_cert\"}}",
                "the push certificate has expired",
            ),
            ("{tls_alert,\"handshake failure\"}", "the gateway does not accept"),
            ("curl: (60) SSL certificate problem: self-signed certificate", "the program does not trust the server"),
            ("code: 'DEPTH_ZERO_SELF_SIGNED_CERT'", "the program does not trust the server"),
            ("curl: (56) Recv failure: Connection reset by peer", "the other end closed"),
            ("curl: (52) Empty reply from server", "the other end closed"),
            ("APNs was not reached: the connection ended without an answer", "the connection to the gateway"),
            (
                "40C7:error:068000A8:asn1 encoding routines:asn1_check_tlen:wrong tag:../crypto/asn1/tasn_dec.c:1225:\n40C7:error:\
                 0688010A:asn1 encoding routines:asn1_d2i_ex_primitive:nested asn1 error:../crypto/asn1/tasn_dec.c:779:\n40C7:\
                 error:0688010A:asn1 encoding routines:asn1_template_noexp_d2i:nested asn1 error:../crypto/asn1/tasn_dec.c:712:\
                 Field=version, Type=PKCS12",
                "the file is no .p12",
            ),
            ("code: 'ERR_OSSL_EVP_UNSUPPORTED'", "if a .p12 is read there"),
            ("Error: error:0308010C:digital envelope routines::unsupported", "if a .p12 is read there"),
            ("push.p12: error:0308010C:digital envelope routines::unsupported", "the .p12 is encrypted with RC2"),
            (
                "digital envelope routines:inner_evp_generic_fetch:unsupported:c:373:Global default library context, Algorithm (RC2-40-CBC : 0)",
                "the .p12 is encrypted with RC2",
            ),
            (
                "digital envelope routines:inner_evp_generic_fetch:unsupported:c:373:Global default library context, Algorithm (PKCS12KDF : 0)",
                "this OpenSSL has not what",
            ),
            ("Error verifying PKCS12 MAC; no PKCS12KDF support.", "this OpenSSL has not what"),
            ("pkcs12: Unknown option or cipher: legacy", "this openssl has no legacy"),
            (
                "The request was aborted: Could not create SSL/TLS secure channel.",
                "the TLS handshake failed: the program",
            ),
            ("curl: (60) SSL certificate problem: certificate has expired", "the certificate of the server"),
            (
                "Error: certificate has expired\n    at TLSSocket.onConnectSecure\n  code: 'CERT_HAS_EXPIRED'",
                "the certificate of the server",
            ),
            ("CERT_HAS_EXPIRED", "the certificate of the server"),
            (
                "40F7:error:8000006F:system library:BIO_connect:Connection refused\nconnect:errno=111",
                "nothing answers at that",
            ),
            ("CONNECTED(00000005)\nread:errno=54", "the other end, which may"),
            ("status 410", "where APNs says it"),
            (
                "Error: error:140AB18F:SSL routines:SSL_CTX_use_certificate:ee key too small",
                "this OpenSSL refuses the short key",
            ),
            (
                "Error Domain=NSCocoaErrorDomain Code=3010 \"remote notifications are not supported in the simulator\"",
                "this simulator gets no",
            ),
            ("ModuleNotFoundError: No module named 'httpx'", "this Python lacks httpx"),
            (
                "ImportError: Using http2=True, but the 'h2' package is not installed. Make sure to install",
                "this Python lacks",
            ),
            ("pkcs12: Unable to load provider legacy\nHint: use -provider-path option", "this openssl has no legacy"),
            ("Could not read client certificate private key from aps.cer", "the file has no private key"),
            ("Could not read private key from -inkey file from enc.pem", "the file has no private key"),
            ("Could not read client certificate from push.key", "what was asked for is not in the file as PEM"),
            (
                "Could not open file or uri for loading key from push.key.missing",
                "there is no file of that name where the",
            ),
            (
                "Error: wrong tag\n    at configSecureContext (node:internal/tls/secure-context:277:15)",
                "the file is in another",
            ),
            ("Error: not enough data", "the file is in another"),
            ("OpenSSL::X509::CertificateError: nested asn1 error", "the file is in another"),
            ("error:07880109:common libcrypto routines::interrupted or cancelled", "the key is encrypted"),
            ("TypeError: Password was not given but private key is encrypted", "the key is encrypted"),
            ("apn Error: unable to parse credentials, incorrect passphrase", "the password is wrong"),
            ("parse-server-push-adapter APNS VError: stream ended unexpectedly", "the connection to the gateway"),
            ("ValueError: Could not deserialize PKCS12 data", "the file is no .p12, such as PEM"),
            (
                "Could not read certificate from u.pem\n40:error:1608010C:STORE routines:ossl_store_handle_load_result:unsupported:c:149:\n\
                 40:error:1E08010C:DECODER routines:OSSL_DECODER_from_bio:unsupported:c:103:No supported data to decode.  Input type: \
                 DER, Input structure: Certificate\n40:error:1608010C:STORE routines:ossl_store_handle_load_result:unsupported:c:149:\n\
                 Unable to load certificate",
                "what was asked for is not in the file as PEM",
            ),
            ("Could not read any certificates from -in file from push.key", "what was asked for is not in the file"),
            (
                "keytool error: java.security.KeyStoreException: Unrecognized keystore format. Please load it with a specified type",
                "the file is no .p12",
            ),
            ("keytool error: java.lang.Exception: Input not an X.509 certificate", "keytool reads one certificate"),
            ("keytool error: java.io.EOFException", "the .p12 is empty"),
            ("java.security.spec.InvalidKeySpecException: Password is not ASCII", "Java takes passwords of"),
            (
                "pk12util: PKCS12 decode not verified: SEC_ERROR_BAD_PASSWORD: The security password entered is incorrect.",
                "the password is wrong",
            ),
            (
                "pk12util: PKCS12 decoding failed: SEC_ERROR_BAD_DER: security library: improperly formatted DER-encoded message.",
                "the file is no .p12, such as",
            ),
            ("bag_decrypt: Decryption has failed.\nThere were errors parsing the structure", "the password is wrong"),
            ("p12_import: ASN1 parser: Error in DER parsing.", "the file is no .p12, such as"),
            ("p12_import: Base64 unexpected header error.", "certtool expects"),
            ("Error: PKCS#12 MAC could not be verified. Invalid password?", "the password is wrong"),
            ("Error: Too few bytes to read ASN.1 value.", "the file is no .p12, such as"),
            (
                "Error: Unable to load PFX certificate\n    at configSecureContext (node:internal/tls)",
                "the option pfx is",
            ),
            ("apn Error: unable to parse credentials, not a PFX/P12 file", "the file is no .p12, such as"),
            ("apn Error: unable to parse key, no private key found", "the private key is not in the file"),
            ("apn Module initialisation error: Error: certificate and key do not match", "the key belongs to another"),
            ("Error: multiple keys found in PFX/P12 file", "the file has more than one"),
            ("Error: Parse Error: Expected HTTP/", "the program does not speak HTTP/2"),
            ("socket.gaierror: [Errno -2] Name or service not known", "this machine finds no address"),
            ("Error: error:0906A068:PEM routines:PEM_do_header:bad password error.", "the key in the PEM is encrypted"),
            (
                "Traceback (most recent call last):\n  File \"send.py\", line 3, in <module>\nFileNotFoundError: [Errno 2] No such file or directory",
                "there is no file of that name",
            ),
            ("错误：Mac verify error：invalid password？", "the password is wrong"),
            (
                "SecKeychainItemImport：MAC verification failed during PKCS12 import（wrong password？）",
                "the .p12 has AES-256",
            ),
            (
                "digital envelope routines：inner_evp_generic_fetch：unsupported，push.p12",
                "the .p12 is encrypted with RC2",
            ),
            ("ValueError: Could not deserialize key data. The data may be in an incorrect format", "the text is none"),
            ("AttributeError: module 'OpenSSL.crypto' has no attribute 'load_pkcs12'", "pyOpenSSL reads"),
            (
                "httpx.RemoteProtocolError: <ConnectionTerminated error_code:0, last_stream_id:0>",
                "the gateway has ended",
            ),
            ("NSS: client certificate not found (nickname not specified) in Client.php:161", "there is no file"),
            ("curl: (16) Error in the HTTP2 framing layer", "the gateway has ended"),
            ("curl: (92) HTTP/2 stream 1 was not closed cleanly: PROTOCOL_ERROR (err 1)", "the gateway has ended"),
            ("Use of undefined constant CURL_HTTP_VERSION_2_0 - assumed", "this curl has no HTTP/2"),
            ("java.io.IOException: toDerInputStream rejects tag type 66", "the file is no .p12"),
            ("InvalidSSLConfig: java.io.IOException: toDerInputStream rejects tag type -126", "the file is no .p12"),
            ("java.io.IOException: DER input, Integer tag error", "the file is no .p12"),
            ("java.io.IOException: Short read of DER length", "the .p12 is empty"),
            ("InvalidKeystorePasswordException: Invalid keystore password! Verify settings", "the password is wrong"),
            (
                "Integrity check failed: NoSuchAlgorithmException: Algorithm HmacPBESHA256 not available",
                "the .p12 has AES",
            ),
            ("ObjectIdentifier() -- data isn't an object ID (tag = 48)", "the .p12 has AES"),
            (
                "CertificateEnvironmentMismatchException: Invalid environment for this certificate",
                "the certificate is for",
            ),
            (
                "PKCS12 (PFX) without a supplied password has exceeded maximum allowed iterations.",
                "the .p12 has no password",
            ),
            ("The PKCS#12/PFX violated the 'MacIterationLimit' limit.", "the .p12 has no password"),
            ("the remote party sent a TLS alert: 'CertificateExpired'.", "the push certificate has expired"),
            (
                "The certificate data cannot be read with the provided password, the password may be incorrect",
                "the password is",
            ),
            (
                "Win32Exception (0x80090326): The message received was unexpected or badly formatted",
                "the gateway refused",
            ),
            ("The remote certificate is invalid according to the validation procedure.", "the program does not trust"),
            ("pkcs12: expected exactly two items in the authenticated safe", "the .p12 holds a certificate or a key"),
            ("pkcs12: decryption password incorrect", "the password is wrong"),
            ("pkcs12: algorithm 1.2.840.113549.1.5.13 is not supported", "the .p12 is encrypted with AES-256"),
            ("but did find a private key; PEM inputs may have been switched", "the file of the certificate"),
            ("token: AuthKey must be a valid .p8 PEM file", "what was given as the token signing key"),
            ("OpenSSL::PKey::RSAError: Neither PUB key nor PRIV key: nested asn1 error", "the file has no private key"),
            (r#"{"results":[{"error":"InvalidApnsCredential"}]}"#, "Firebase has no valid"),
            (
                r#""message":"Auth error from APNS or Web Push Service","status":"UNAUTHENTICATED""#,
                "Firebase has no valid",
            ),
            ("Invalid parameter: PlatformPrincipal not valid.", "certificate and key belong"),
            ("The Apns certificate is expired. .TrackingId:66d9de0f", "the push certificate has expired"),
            ("Could not find APNs credentials for com.example.x (@jo/x). You may need to generate", "Expo has no key"),
            ("Unable to read p12 file: PKCS12 data wrong password", "the .p12 has AES"),
            (
                "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping",
                "the file of the certi",
            ),
            ("openssl_x509_read(): X.509 Certificate cannot be retrieved", "PHP says the same of three things"),
            ("RequestVersionExact while unable to establish HTTP/2 connection.", "the program does not speak HTTP/2"),
            ("CryptographicException: ASN1 corrupted data.", "the file is in another"),
            ("curl: (6) Could not resolve host: api.push.apple.com", "this machine finds no address"),
            (
                "endpoint error: getaddrinfo ENOTFOUND api.development.push.apple.com api.development.push.apple.com:443",
                "this machine finds no address",
            ),
            ("Error: getaddrinfo EAI_AGAIN api.push.apple.com", "this machine finds no address"),
            (
                "java.net.UnknownHostException: Failed to resolve 'api.sandbox.push.apple.com' after 2 queries",
                "this machine finds",
            ),
            ("dial tcp: lookup api.push.apple.com: no such host", "this machine finds no address"),
            ("java.net.UnknownHostException: gateway.sandbox.push.apple.com", "this is the old binary protocol"),
            ("Could not resolve host 'gateway.push.apple.com'", "this is the old binary protocol"),
            ("VError: endpoint error: connect ECONNREFUSED 17.188.138.73:2195", "this is the old binary protocol"),
            ("{ Error: connect ETIMEDOUT 17.188.166.19:443", "APNs is not reached"),
            ("curl: (7) Failed to connect to api.push.apple.com port 443 after 0 ms", "APNs is not reached"),
            (
                "java.net.NoRouteToHostException: No route to host: api.push.apple.com/[2620:149:f9:1021:0:0:0:9]:443",
                "APNs is",
            ),
            (
                "https://api.push.apple.com: [SSL: WRONG_VERSION_NUMBER] wrong version number",
                "what answers speaks no TLS",
            ),
            (
                "could not load PEM client certificate, OpenSSL error error:0909006C, (no key found, wrong pass phrase, or wrong file format?)",
                "the file has no certificate in PEM",
            ),
            (
                "PHP Warning:  failed loading cafile stream: `Entrust.net Certification Authority (2048).pem.pem'",
                "the list of authorities",
            ),
            (
                "Passphrase given, but the private key in /a/ck.pem is not encrypted, please make sure you are using",
                "the program was given a passphrase",
            ),
            (
                "keytool error: java.io.IOException: DerInputStream.getLength(): lengthTag=111, too big.",
                "the .p12 is empty",
            ),
            ("DerInputStream.getLength(): Redundant length bytes found", "the .p12 is empty"),
            ("java.io.IOException: Invalid encoding: zero length Int value", "the .p12 is empty"),
            (
                "javax.net.ssl.SSLHandshakeException: java.security.cert.CertificateExpiredException: NotAfter: Tue Nov 19 23:34:38 CST \
                 2019\n\tat com.notnoop.apns.internal.Utilities",
                "a certificate has expired",
            ),
            (
                "Caused by: java.security.cert.CertificateExpiredException: NotAfter: Tue Nov 19 23:34:38",
                "a certificate has",
            ),
            (
                "java.lang.IllegalArgumentException: File does not contain valid private key: push.pem",
                "the key is encrypted",
            ),
            (
                "x509: certificate has expired or is not yet valid: current time 2026-11-28T13:00:00Z is after 2020-05-30",
                "a certificate has expired",
            ),
            (
                "asn1: structure error: tags don't match (16 vs {class:0 tag:13 length:45}) certificate @2",
                "the file is in",
            ),
            ("x509: malformed tbs certificate", "the file is in another"),
            (
                "pkcs12: error reading P12 data: asn1: structure error: tags don't match (16 vs {class:0 tag:28}) pfxPdu @2",
                "the file is no .p12",
            ),
            (
                "tls: failed to parse private key: asn1: structure error: tags don't match (2 vs {tag:16})",
                "the key is encr",
            ),
            ("tls: private key does not match public key", "the key belongs to another certificate"),
            (
                "Error: certificate has expired: 2017-02-04T07:11:57.000Z\n    at validateCredentials (/srv/node_modules/apn/lib/\
                 credentials/validate.js:12:9)",
                "the push certificate has expired",
            ),
            (
                "VError: Failed to generate token: secretOrPrivateKey must be an asymmetric key when using ES256",
                "what was given as the token signing key",
            ),
            (
                "TokenError: Invalid private key provided for algorithm ES256.",
                "what was given as the token signing key",
            ),
            ("ssl.SSLError: [SSL: EE_KEY_TOO_SMALL] ee key too small (_ssl.c:3905)", "this OpenSSL refuses"),
            ("OpenSSL::SSL::SSLError: SSL_CTX_use_certificate: ca md too weak", "this OpenSSL refuses"),
            (
                "VError: Failed to generate token: error:0906D064:PEM routines:PEM_read_bio:bad base64 decode",
                "the PEM is dam",
            ),
            ("code: 'ERR_OSSL_PEM_BAD_END_LINE'", "the PEM is damaged"),
            ("CryptographicException: m_safeCertContext is an invalid handle.", "no certificate was loaded"),
            ("The specified network password is not correct.", "the password is wrong, or Windows"),
            ("System.Security.Cryptography.CryptographicException: Keyset does not exist", "the private key is absent"),
            (
                "You have selected the Production server, yet your Certificate does not appear to be the Production certificate!",
                "the certificate is for the other",
            ),
            (
                "You are using a certificate created for connecting only to the Sandbox APNS server but have selected a different",
                "the certificate is for the other",
            ),
            ("The APNs disconnected without returning an error. This may indicate", "the connection to the gateway"),
            ("code: 'messaging/invalid-apns-credentials'", "Firebase has no valid"),
            ("The operation couldn’t be completed. (OSStatus error -25294.)", "there is no such keychain"),
            ("An error has occurred. Unable to import an item. Error: -25294", "there is no such keychain"),
            ("(OSStatus error -25264.)", "the .p12 has AES-256"),
            ("security: SecKeychainItemImport: Unable to decode the provided data.", "the .p12 has AES-256"),
            ("/tmp/MyApp.app: errSecInternalComponent", "the keychain is locked"),
            ("Unable to import p12 file: no push certificates found.", "the .p12 has no push certificate"),
            ("lookup api.push.apple.com on 127.0.0.53:53: server misbehaving", "this machine finds no address"),
            ("net/http: TLS handshake timeout https://api.push.apple.com", "APNs is not reached"),
            (
                "Post \"https://api.push.apple.com/3/device/x\": proxyconnect tcp: dial tcp: lookup proxy.corp.com: no such host",
                "this machine finds no address",
            ),
            (
                "curl: (7) Failed to connect to proxy.corp.com port 3128 after 2 ms: Couldn't connect to server \
                 (https://api.push.apple.com)",
                "APNs is not reached",
            ),
            (
                "An error occurred (EndpointDisabled) when calling the Publish operation: Endpoint is disabled",
                "APNs refused the device token",
            ),
            (
                "sns.model.PlatformApplicationDisabledException: Platform application is disabled (Service: AmazonSNS;",
                "APNs refused the certificate of the platform",
            ),
            (
                "java.io.IOException: exception unwrapping private key - java.security.InvalidKeyException: Illegal key size",
                "the .p12 has AES-256, and this Java",
            ),
            (
                "java.security.KeyStoreException: Key store must contain exactly one entry, and",
                "the .p12 has more than",
            ),
            ("java.security.UnrecoverableKeyException: Cannot recover key", "the password is wrong"),
            ("Error: socket hang up", "the other end closed"),
            ("{ [Error: socket hang up] code: 'ECONNRESET', sslError: undefined }", "the other end closed"),
            ("apn Socket error occurred { Error: read ECONNRESET }\n apn: Destroying", "the other end closed"),
            ("SSLError: [Errno 8] _ssl.c:529: EOF occurred in violation of protocol", "the other end closed"),
            (
                "javax.net.ssl.SSLHandshakeException: Remote host closed connection during handshake",
                "the other end closed",
            ),
            (
                "140735:error:0D0680A8:asn1 encoding routines:ASN1_CHECK_TLEN:wrong tag:tasn_dec.c:1319:",
                "the file is in another format",
            ),
            (
                "error:0DFFF0A8:asn1 encoding routines:CRYPTO_internal:wrong tag:/x/tasn_dec.c:1125:\n4569077356:error:0DFFF03A:asn1 \
                 encoding routines:CRYPTO_internal:nested asn1 error:/x/tasn_dec.c:306:Type=PKCS12",
                "the file is no .p12",
            ),
            (
                "_ssl.c:351: error:140B0009:SSL routines:SSL_CTX_use_PrivateKey_file:PEM lib",
                "the PEM has no private key",
            ),
            (
                "Error: certificate does not support configured environment, production: false",
                "the certificate is for the other",
            ),
            (
                "Validation failed: Certificate Certificate value must contain a certificate and a private key",
                "the text has no certificate or",
            ),
            (
                "WinHttpException: Error 12152 calling WinHttpWriteData, 'The server returned an invalid or unrecognized response'.",
                "this Windows sends no certificate",
            ),
            (
                "System.ComponentModel.Win32Exception (0x80090326): Das Format der empfangenen Nachricht war unerwartet",
                "the gateway refused",
            ),
            (
                "openssl_sign(): Supplied key param cannot be coerced into a private key",
                "what was given as the token signing key",
            ),
            (
                "cURL error 58: unable to use client certificate (no key found or wrong pass phrase?)",
                "the file has no certificate in PEM",
            ),
            (
                "“Apple Development IOS Push Services: com.example.MyApp” certificate is not trusted",
                "Keychain Access has not",
            ),
            ("Enter PEM pass phrase:\nEnter PEM pass phrase:", "the key is encrypted, and the program asks"),
            ("Failed to connect: 110 Connection timed out", "the script does not reach its server"),
            ("stream_socket_client(): SSL: Connection reset by peer", "the other end closed"),
            ("PHP Warning:  fwrite(): SSL: Broken pipe in simplepush.php on line 41", "the other end closed"),
            (
                "cURL error 35: OpenSSL SSL_connect: Connection reset by peer in connection to api.push.apple.com:443",
                "the other end closed",
            ),
            ("curl: (35) Recv failure: Connection reset by peer", "the other end closed"),
            (
                "cURL error 28: Operation timed out after 10001 milliseconds with 0 bytes received (see https://curl.haxx.se/libcurl/c/\
                 libcurl-errors.html)",
                "APNs is not reached",
            ),
            (
                "cURL error 28: Connection timed out (see https://curl.se/) for https://api.push.apple.com/3",
                "APNs is not",
            ),
            ("error:0A00018F:SSL routines::ee key too small", "this OpenSSL refuses"),
            (
                "curl: (58) could not load PEM client certificate, OpenSSL error error:0A00018E:SSL routines::ca md too weak, (no key \
                 found, wrong pass phrase, or wrong file format?)",
                "this OpenSSL refuses",
            ),
            ("ca md too weak, (no key found, wrong pass phrase, or wrong file format?)", "this OpenSSL refuses"),
        ] {
            let found = find(pasted);
            assert!(found.first().is_some_and(|one| one.meaning.starts_with(meaning)), "{pasted}: {found:?}");
        }
    }

    /// What programs print of a file of a certificate or a key that is not there, or that they may not read.
    #[test]
    fn a_file_that_is_not_read_is_no_damaged_file() {
        let (closed, absent) = ("the program's user may not read the file", "there is no file of that name");
        for (pasted, meaning) in [
            (
                "could not load PEM client certificate from push.pem, OpenSSL error error:8000000D:system library::Permission denied, \
                 (no key found, wrong pass phrase, or wrong file format?)",
                closed,
            ),
            (
                "could not load PEM client certificate from push.pem, OpenSSL error error:80000002:system library::No such file or \
                 directory, (no key found, wrong pass phrase, or wrong file format?)",
                absent,
            ),
            (
                "Could not open file or uri for loading certificate from push.pem\n80AB:error:16000069:STORE routines:\
                 ossl_store_get0_loader_int:unregistered scheme:../crypto/store/store_register.c:237:scheme=file\n80AB:error:8000000D:\
                 system library:BIO_new_file:Permission denied:../crypto/bio/bss_file.c:67:calling fopen(push.pem, rb)\n80AB:error:\
                 10080002:BIO routines:BIO_new_file:system lib:../crypto/bio/bss_file.c:77:\nUnable to load certificate",
                closed,
            ),
            (
                "Could not open file or uri for loading certificate from a.pem\n80DB:error:80000002:system library:file_open:No such \
                 file or directory:file_store.c:268:calling stat(a.pem)\nUnable to load certificate",
                absent,
            ),
            (
                "Can't open push.pem for reading, Permission denied\n140:error:0200100D:system library:fopen:Permission denied:\
                 bss_file.c:69:fopen('push.pem','r')\nunable to load certificate",
                closed,
            ),
            (
                "[emerg] 1#1: cannot load certificate \"/etc/nginx/push.pem\": BIO_new_file() failed (SSL: error:8000000D:system \
                 library::Permission denied:calling fopen(/etc/nginx/push.pem, r) error:10080002:BIO routines::system lib)",
                closed,
            ),
            (
                "cannot load certificate \"/c/push.pem\": BIO_new_file() failed (SSL: error:80000002:system library::No such file or \
                 directory:calling fopen(/c/push.pem, r) error:10000080:BIO routines::no such file)",
                absent,
            ),
            ("Error: EACCES: permission denied, open 'push.pem'\n    at Object.openSync (node:fs:573:18)", closed),
            ("VError: Failed loading token key: EACCES: permission denied, open '/root/app/file.p8'", closed),
            ("Error: ENOENT: no such file or directory, open './voip.pem'", absent),
            (
                "error: APNS Error Error: ENOENT, no such file or directory 'apns-cert.pem' for subscriber undefined",
                absent,
            ),
            ("{ [Error: ENOENT, open 'cert.pem'] errno: 34, code: 'ENOENT', path: 'cert.pem' }", absent),
            ("PermissionError: [Errno 13] Permission denied", closed),
            (
                "    context.load_cert_chain(certfile)\n    ~~~~~~~~~~~~~~~~~~~~~~~^^^^^^^^^^\nPermissionError: [Errno 13] Permission denied",
                closed,
            ),
            ("FileNotFoundError: [Errno 2] No such file or directory: 'push.pem'", absent),
            ("OSError: Could not find the TLS certificate file, invalid path: push.pem", absent),
            ("Exception in thread \"main\" java.io.FileNotFoundException: push.p12 (Permission denied)", closed),
            ("java.io.FileNotFoundException: push.p12 (No such file or directory)\n\tat java.base/java.io", absent),
            ("java.nio.file.AccessDeniedException: /etc/push.p12", closed),
            ("Permission denied @ rb_sysopen - push.pem (Errno::EACCES)", closed),
            ("Errno::ENOENT: No such file or directory @ rb_sysopen - certs/apns.pem", absent),
            ("2026/11/28 12:00:00 open push.pem: permission denied", closed),
            ("panic: open /etc/push.p12: no such file or directory", absent),
            ("System.UnauthorizedAccessException: Access to the path '/etc/push.p12' is denied.", closed),
            ("System.IO.FileNotFoundException: Could not find file '/app/push.p12'.", absent),
            ("PHP Warning:  file_get_contents(push.pem): Failed to open stream: Permission denied in a.php", closed),
            ("file_get_contents(/certs/apns.pem): failed to open stream: No such file or directory", absent),
            ("keytool error: java.lang.Exception: Keystore file does not exist: push.p12", absent),
            (
                "openssl_x509_read(): supplied parameter cannot be coerced into an X509 certificate!",
                "PHP says the same of",
            ),
            (
                "Unable to set local cert chain file `push.pem'; Check that your cafile/capath settings include details of",
                "PHP says the same of three things",
            ),
        ] {
            let found = find(pasted);
            assert!(found.len() == 1 && found[0].meaning.starts_with(meaning), "{pasted}: {found:?}");
        }
    }

    #[test]
    fn every_cause_of_a_message_that_has_several_is_named() {
        for (pasted, causes) in [
            ("Unable to set local cert chain file `push.pem'", &["may not read", "no file of that name", "no PEM"][..]),
            ("X.509 Certificate cannot be retrieved", &["may not read", "no file of that name", "no PEM"]),
            (
                "Unable to set private key file `push.pem'",
                &["missing", "another certificate", "passphrase", "may not read"],
            ),
            ("curl: (58) unable to set private key file: 'push.pem' type PEM", &["missing", "may not read"]),
            ("Could not open file or uri for loading key from push.key", &["no file of that name", "may not read"]),
            ("Keystore file does not exist: push.p12", &["no file of that name", "may not read"]),
            ("openssl_sign(): Supplied key param cannot be coerced into a private key", &["no .p8", "may not read"]),
            ("curl: (58) could not load PEM client certificate, OpenSSL error x", &["no certificate", "may not read"]),
        ] {
            let found = find(pasted);
            assert_eq!(found.len(), 1, "{pasted}: {found:?}");
            for cause in causes {
                assert!(found[0].meaning.contains(cause), "{pasted}: {found:?}");
            }
        }
    }

    #[test]
    fn no_key_is_advised_to_be_readable_by_all() {
        for one in all() {
            for mode in ["644", "666", "755", "777", "o+r", "a+r"] {
                assert!(!one.meaning.contains(mode), "{}", one.meaning);
            }
        }
    }

    #[test]
    fn a_text_without_a_message_has_no_explanation() {
        for text in ["", "   ", "all is well", "invalid", "digital envelope", "…"] {
            assert!(find(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn what_other_programs_say_is_not_taken_for_a_push_certificate() {
        for text in [
            "webpack: Error: error:0308010C:digital envelope routines::unsupported at new Hash (node:internal/crypto/hash:71:19)",
            "Error: error:0308010C:digital envelope routines::unsupported\n    at Object.createHash (node:crypto:133:10)",
            "digital envelope routines:inner_evp_generic_fetch:unsupported:Global default library context, Algorithm (MD4 : 88)",
            "digital envelope routines:inner_evp_generic_fetch:unsupported Algorithm (BF-CBC : 12), Properties ()",
            "ERR_OSSL_EVP_UNSUPPORTED react-scripts start",
            "git push rejected: Forbidden",
            "nginx 405 MethodNotAllowed",
            "HTTP 500 InternalServerError nginx",
            "kubernetes ServiceUnavailable",
            "rpc Shutdown",
            "ssh-keygen: Load key \"id_ed25519\": bad decrypt",
            "Load key \"/home/jo/.ssh/id_rsa\": bad decrypt",
            "Load key \"id_ed25519\": bad base64 decode",
            "fatal: unable to access 'https://github.com/jo/apns.git/': Could not resolve host: github.com",
            "ssh: connect to host github.com port 22: Connection timed out\nfatal: Could not read from remote repository.",
            "npm ERR! code ENOTFOUND\nnpm ERR! request to https://registry.npmjs.org/x failed, reason: getaddrinfo ENOTFOUND registry.npmjs.org",
            "npm ERR! code CERT_HAS_EXPIRED\nnpm ERR! errno CERT_HAS_EXPIRED",
            "webpack: Error: connect ECONNREFUSED 127.0.0.1:8080",
            "Error: getaddrinfo EAI_AGAIN registry.yarnpkg.com",
            "curl: (6) Could not resolve host: raw.githubusercontent.com",
            "curl: (7) Failed to connect to localhost port 8080 after 0 ms: Couldn't connect to server",
            "curl: (35) OpenSSL/3.0.22: error:0A00010B:SSL routines::wrong version number",
            "docker: Error response from daemon: Get \"https://registry.example.com/v2/\": x509: certificate has expired or is not yet valid",
            "Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io: no such host",
            "failed to pull image: rpc error: asn1: structure error: tags don't match",
            "* asn1: structure error: tags don't match (16 vs {class:2 tag:22}) pkcs1PrivateKey @2",
            "nginx: [emerg] SSL_CTX_use_certificate(\"/etc/nginx/a.pem\") failed (SSL: error:0A00018E:SSL routines::ca md too weak)",
            "Could not resolve all artifacts: Caused by: java.security.cert.CertificateExpiredException: NotAfter: Tue Nov 19 23:34:38 CST 2019",
            "[Composer\\Downloader\\TransportException] failed loading cafile stream: `/etc/ssl/cert.pem'",
            "nginx: bind() to 0.0.0.0:443 failed, Connection refused",
            "1725294 requests, 25264 errors",
            "npm ERR! Error: EACCES: permission denied, open '/root/.npm/_cacache/index-v5'",
            "Error: ENOENT: no such file or directory, open '/srv/package.json'",
            "PermissionError: [Errno 13] Permission denied: '/var/log/app.log'",
            "FileNotFoundError: [Errno 2] No such file or directory: 'settings.cert.perm'",
            "java.io.FileNotFoundException: /etc/app.yml (Permission denied)",
            "java.nio.file.NoSuchFileException: /srv/key.keystore",
            "keytool error: java.lang.Exception: Keystore file does not exist: /home/jo/.android/debug.keystore",
            "open /var/run/docker.sock: permission denied",
            "Errno::ENOENT: No such file or directory @ rb_sysopen - Gemfile",
            "require(vendor/autoload.php): Failed to open stream: No such file or directory",
            "System.UnauthorizedAccessException: Access to the path '/app/logs' is denied.",
            "cURL error 28: Operation timed out after 5000 milliseconds (see https://curl.haxx.se/libcurl/c/libcurl-errors.html) for https://api.example.com/v1",
            "curl error 28 while downloading https://repo.packagist.org/packages.json: Connection timed out",
            "curl: (28) Operation timed out https://example.com/",
        ] {
            assert!(find(text).is_empty(), "{text}: {:?}", find(text));
        }
        let rc2 = MESSAGES[0].texts[0];
        for (text, expected) in [
            ("inner_evp_generic_fetch:unsupported Algorithm (RC2-40-CBC : 0)", rc2),
            ("digital envelope routines::unsupported Algorithm (MD4 : 88) Algorithm (DES-CBC : 0)", rc2),
            ("Forbidden", "Forbidden"),
            (" Shutdown\n", "Shutdown"),
            ("{ \"reason\": \"ServiceUnavailable\" }", "ServiceUnavailable"),
            ("reason=MethodNotAllowed", "MethodNotAllowed"),
            ("api.push.apple.com answers 500 InternalServerError", "InternalServerError"),
            ("140:error:06065064:digital envelope routines:EVP_DecryptFinal_ex:bad decrypt", "bad decrypt"),
        ] {
            let found = find(text);
            assert_eq!(found.first().map(|one| one.text), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_host_that_a_message_names_is_no_server_of_apns_where_the_text_names_one_elsewhere() {
        for foreign in [
            "fatal: unable to access 'https://github.com/jo/apns.git/': Could not resolve host: github.com",
            "npm ERR! request to https://registry.npmjs.org/x failed, reason: getaddrinfo ENOTFOUND registry.npmjs.org",
            "Error: getaddrinfo EAI_AGAIN db.example.com db.example.com:5432",
            "dial tcp: lookup registry-1.docker.io on 127.0.0.53:53: server misbehaving",
            "Get \"https://registry-1.docker.io/v2/\": dial tcp 34.1.2.3:443: i/o timeout",
            "java.net.UnknownHostException: db.example.com",
            "ssh: connect to host git.example.com port 22: Connection timed out",
            "curl: (7) Failed to connect to example.org port 443 after 0 ms",
        ] {
            for text in
                [format!("# for api.push.apple.com\n{foreign}"), format!("{foreign}\nserver: api.push.apple.com")]
            {
                assert!(find(&text).is_empty(), "{text}: {:?}", find(&text));
            }
            let both = format!("{foreign}\ncurl: (6) Could not resolve host: api.push.apple.com");
            assert_eq!(find(&both).len(), 1, "{both}");
        }
        for own in [
            "Post \"https://api.push.apple.com/3/device/x\": dial tcp 17.188.1.2:443: i/o timeout\nmain.go:12",
            "api.push.apple.com: connect ECONNREFUSED 127.0.0.1:8080",
            "Error: getaddrinfo ENOTFOUND api.push.apple.com\n    at GetAddrInfoReqWrap.onlookup (dns.js:66:26)",
        ] {
            assert_eq!(find(own).len(), 1, "{own}");
        }
    }

    #[test]
    fn a_server_is_apns_only_where_the_text_names_it() {
        for server in [
            "git: fatal: unable to access 'https://git.example.com/': SSL certificate problem: unable to get local issuer certificate",
            "docker: Error response from daemon: x509: certificate signed by unknown authority",
            "psycopg2.OperationalError: SSL error: certificate verify failed",
            "npm ERR! code SELF_SIGNED_CERT_IN_CHAIN",
        ] {
            let found = find(server);
            assert_eq!(found.len(), 1, "{server}");
            assert_eq!((found[0].meaning, found[0].commands), (UNTRUSTED_ANY_SERVER, &[][..]), "{server}");
            let found = find(&format!("POST https://api.push.apple.com/3/device: {server}"));
            assert_eq!(found.len(), 1, "{server}");
            assert!(found[0].meaning.contains("USERTrust") && !found[0].commands.is_empty(), "{server}");
        }
    }

    #[test]
    fn a_reason_of_another_system_is_none_of_apns() {
        for text in [
            "An error occurred (ExpiredToken) when calling the Publish operation: The security token included in the request is expired",
            "An error occurred (ExpiredToken) when calling the Publish operation, arn:aws:sns:eu-west-1:1:endpoint/APNS/app/x",
            "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>",
            r#"{"code":"ExpiredToken","message":"expired"}"#,
            "ExpiredToken: The security token is expired\n\tstatus code: 403, request id: x, ExpiredToken: y",
            r#"{"kind":"Status","status":"Failure","message":"pods is forbidden","reason":"Forbidden","code":403}"#,
            r#"{"kind":"Status","apiVersion":"v1","reason":"MethodNotAllowed","code":405}"#,
            "kind: Status\nreason: ServiceUnavailable\n",
            "kubernetes.client.exceptions.ApiException: (403)\nReason: Forbidden\nHTTP response headers: HTTPHeaderDict({})",
            "Error from server (Forbidden): pods \"apns-worker\" is forbidden",
            "gitlab-runner: ERROR: Verifying runner... Runner is Unregistered",
            "Unregistered: domain.com is unregistered",
        ] {
            assert!(find(text).is_empty(), "{text}: {:?}", find(text));
        }
        for (text, expected) in [
            ("ExpiredToken", "ExpiredToken"),
            (r#"{"reason":"ExpiredToken","timestamp":1454948015990}"#, "ExpiredToken"),
            (r#"RequestId: 8b1c {"status":"410","response":{"reason":"Unregistered"}}"#, "Unregistered"),
            ("apns2.errors.Unregistered", "Unregistered"),
            ("device token 00fc: Unregistered", "Unregistered"),
            ("kind: Status\nhttps://api.push.apple.com answers Forbidden", "Forbidden"),
        ] {
            assert_eq!(find(text).first().map(|one| one.text), Some(expected), "{text}");
        }
    }

    #[test]
    fn the_reason_of_a_refused_server_decides() {
        let python = |reason: &str| {
            format!("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {reason} (_ssl.c:1006)")
        };
        let ruby =
            |reason: &str| format!("SSL_connect returned=1 errno=0 state=error: certificate verify failed ({reason})");
        let (name, time, weak) = ("is for another name", "has expired or is not valid yet", "its key is too short");
        for (text, meaning) in [
            (python("Hostname mismatch, certificate is not valid for 'h'."), name),
            (python("IP address mismatch, certificate is not valid for '127.0.0.1'."), name),
            (python("certificate has expired"), time),
            (python("certificate is not yet valid"), time),
            (python("EE certificate key too weak"), weak),
            (python("CA signature digest algorithm too weak"), weak),
            (python("unable to get local issuer certificate"), "does not trust"),
            (ruby("Hostname mismatch"), name),
            (ruby("certificate has expired"), time),
            ("tls: failed to verify certificate: x509: certificate is valid for foo.com, not bar.com".to_owned(), name),
            ("x509: certificate is not valid for any names, but wanted to match h".to_owned(), name),
            ("Error: Hostname/IP doesn't match certificate's altnames: \"Host: h. is not".to_owned(), name),
            ("code: 'ERR_TLS_CERT_ALTNAME_INVALID'".to_owned(), name),
            ("fatal: unable to access: SSL certificate problem: certificate has expired".to_owned(), "has expired"),
        ] {
            for is_apns in [false, true] {
                let text = if is_apns { format!("https://api.push.apple.com {text}") } else { text.clone() };
                let found = find(&text);
                assert!(found.len() == 1 && found[0].meaning.contains(meaning), "{text}: {found:?}");
                assert_eq!(found[0].commands.is_empty(), !is_apns, "{text}");
            }
        }
    }

    #[test]
    fn the_length_that_java_reads_tells_the_format() {
        for (length, meaning) in [("109", "(JKS)"), ("111", "changed on its way"), ("66", "another format")] {
            let found = find(&format!("java.io.IOException: DerInputStream.getLength(): lengthTag={length}, too big."));
            assert!(found.len() == 1 && found[0].meaning.contains(meaning), "{length}: {found:?}");
        }
    }

    #[test]
    fn words_of_prose_are_no_messages() {
        for text in [
            "RangeError: there is not enough data to fill the buffer.",
            "431 Request header too long",
            "Invalid memory access\nwith bad 'statusline' value",
            "we catch BadStatusLine and try again",
        ] {
            assert!(find(text).is_empty(), "{text}: {:?}", find(text));
        }
        for text in ["Error: not enough data", "d2i_read_bio:not enough data:a_d2i_fp.c:195", "Error: header too long"]
        {
            assert!(find(text)[0].meaning.starts_with("the file is in another format"), "{text}");
        }
        for text in
            ["http.client.BadStatusLine: @@", "('Connection aborted.', BadStatusLine(\"''\",))", "BadStatusLine"]
        {
            assert!(find(text)[0].meaning.starts_with("the program does not speak HTTP/2"), "{text}");
        }
    }

    #[test]
    fn the_parts_of_a_message_stand_in_order_and_near_to_one_another() {
        let parts = ["a".to_owned(), "b".to_owned()];
        assert!(!has_parts("b then a", &parts));
        assert!(has_parts("a then b", &parts));
        let far = "-".repeat(MAX_GAP + 1);
        assert!(!has_parts(&format!("a{far}b"), &parts));
        assert!(has_parts(&format!("a{far}a b"), &parts));
    }

    #[test]
    fn messages_are_found_however_they_were_pasted() {
        let rc2 = MESSAGES[0].texts[0];
        for (pasted, expected) in [
            ("error:0308010C:digital envelope routines:inner_evp_gene\nric_fetch:unsupported:../crypto", rc2),
            ("\u{1b}[31mError: Unsupported \u{1b}[1mPKCS12 PFX data\u{1b}[0m", "Unsupported PKCS12 PFX data"),
            (r#"{"m":"no valid \"aps-environment\" entitlement string found for application"}"#, "no valid “aps-env"),
            (r"Error messages:\nerror:0480006C:PEM routines::no start line", "PEM routines::no start line"),
            ("no valid &quot;aps-environment&quot; entitlement string found for application", "no valid “aps-env"),
        ] {
            let found = find(pasted);
            assert!(found.first().is_some_and(|one| one.text.starts_with(expected)), "{pasted}: {found:?}");
        }
    }

    #[test]
    fn nothing_is_said_twice() {
        for pasted in [
            "Mac verify error: invalid password?\n4087:error:11800071:PKCS12 routines:PKCS12_verify_mac:mac verify failure",
            "could not parse PKCS12 file, check password, OpenSSL error error:0308010C:digital envelope routines::unsupported",
            "stream_socket_client(): Unable to set private key file `/var/www/apns-dev.pem'",
            "could not parse PKCS12 file, check password, OpenSSL error error:11800071:PKCS12 routines::mac verify failure",
        ] {
            assert_eq!(find(pasted).len(), 1, "{pasted}: {:?}", find(pasted));
        }
    }

    #[test]
    fn a_file_that_is_not_at_fault_is_not_made_anew() {
        for message in MESSAGES.iter().filter(|message| message.meaning.contains("the file is not at fault")) {
            let makes = |command: &&&str| ["pack", "convert", "csr"].iter().any(|word| command.contains(word));
            assert_eq!(message.commands.iter().find(makes), None, "{}", message.meaning);
        }
    }

    /// Who is told of the .p12 that a program does not read has that, and no PEM.
    #[test]
    fn what_is_wrong_with_a_p12_is_mended_from_it() {
        for pasted in [
            "security: SecKeychainItemImport: MAC verification failed during PKCS12 import (wrong password?)",
            "CryptographicException: The specified network password is not correct.",
            "PKCS12 data wrong password",
        ] {
            assert_eq!(find(pasted)[0].commands, ["pushcert pack cert.p12 --for keychain -o push.p12"], "{pasted}");
        }
        let firebase = find("THIRD_PARTY_AUTH_ERROR");
        assert!(firebase[0].commands.iter().all(|command| command.contains("--p8 ")), "{firebase:?}");
    }

    #[test]
    fn a_key_that_belongs_to_another_certificate_is_told_whoever_says_it() {
        for pasted in [
            "nginx: certificate and key do not match",
            "nginx: [emerg] SSL_CTX_use_PrivateKey(\"/k.pem\") failed (SSL: error:05800074:x509 certificate routines::key values mismatch)",
            "AH02565: Certificate and private key www.example.com:443:0 from /a.pem and /b.pem do not match",
            "[ALERT] : 'bind *:443' : inconsistencies between private key and certificate loaded from PEM file '/a.pem'.",
            "curl: (58) Private key does not match the certificate public key",
            "http: tls: private key does not match public key",
            "ssl.SSLError: [X509: KEY_VALUES_MISMATCH] key values mismatch (_ssl.c:3895)",
            "java.lang.IllegalArgumentException: private key algorithm does not match algorithm of public key in end entity certificate",
            "System.ArgumentException: The provided key does not match the public key for this certificate. (Parameter 'privateKey')",
            "GnuTLS: The certificate and the given key do not match.",
            "openssl_pkcs12_export(): Private key does not correspond to cert",
            "General(\"keys may not be consistent: KeyMismatch\")",
        ] {
            let found = find(pasted);
            assert_eq!(found.len(), 1, "{pasted}: {found:?}");
            assert!(
                found[0].meaning == "the key belongs to another certificate" && found[0].from != "node-apn",
                "{pasted}"
            );
        }
    }

    /// The title of a row that several programs lead to names none of them.
    #[test]
    fn no_title_names_a_program_that_did_not_say_it() {
        for (pasted, programs) in [
            ("javax.net.ssl.SSLHandshakeException: Received fatal alert: certificate_expired", ["Go", "Node.js"]),
            ("java.net.UnknownHostException: api.push.apple.com", ["curl", "Node.js"]),
            ("[SSL] PEM routines: no start line", ["Node.js", "curl"]),
            ("x509: certificate is valid for a.example, not api.push.apple.com", ["Python", "OpenSSL"]),
            ("EOF occurred in violation of protocol api.push.apple.com", ["Node.js", "PHP"]),
            ("http2: server sent GOAWAY and closed the connection api.push.apple.com", ["Node.js", "PHP"]),
        ] {
            let found = find(pasted);
            assert!(!found.is_empty() && !programs.contains(&found[0].from), "{pasted}: {found:?}");
        }
    }

    #[test]
    fn a_file_that_is_no_p12_is_packed() {
        for pasted in ["ValueError: Could not deserialize PKCS12 data", "Too few bytes to read ASN.1 value."] {
            let found = find(pasted);
            assert!(found[0].commands.contains(&"pushcert pack push.pem -o push.p12"), "{found:?}");
            assert!(found[0].meaning.ends_with("the password may well be right"), "{found:?}");
        }
    }

    #[test]
    fn a_row_is_complete() {
        for message in MESSAGES {
            assert!(!message.texts.is_empty() && !message.commands.is_empty(), "{}", message.meaning);
            assert!(message.commands.iter().all(|command| command.starts_with("pushcert ")), "{:?}", message.commands);
            assert!(!message.meaning.ends_with('.'), "{}", message.meaning);
        }
    }
}
