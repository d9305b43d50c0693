//! What TLS alerts mean when APNs sends them: one row for each alert of [`crate::net::alert`].

/// The cause that an alert names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AlertCause {
    /// The client certificate.
    Certificate,
    /// None, or one that leaves open whether the certificate is bad.
    Unclear,
    /// Something else than the client certificate.
    Connection,
}

/// The meaning of one alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AlertMeaning {
    /// The alert's AlertDescription.
    number: u8,
    pub(crate) cause: AlertCause,
    pub(crate) meaning: &'static str,
    /// The advice after this alert of Apple's gateway.
    advice: &'static str,
}

impl AlertMeaning {
    /// Returns the advice after this alert of Apple's gateway, or of another server.
    pub(crate) fn advice_of(&self, is_apples: bool) -> &'static str {
        match self.number {
            48 if !is_apples => TRUST_ISSUER,
            _ if self.advice == NOT_APPLES && !is_apples => SERVER_LOG,
            _ => self.advice,
        }
    }
}

/// An alert that names the client certificate.
const fn certificate(number: u8, meaning: &'static str, advice: &'static str) -> AlertMeaning {
    AlertMeaning { number, cause: AlertCause::Certificate, meaning, advice }
}

/// An alert after which the client certificate may be bad or not.
const fn unclear(number: u8, meaning: &'static str, advice: &'static str) -> AlertMeaning {
    AlertMeaning { number, cause: AlertCause::Unclear, meaning, advice }
}

/// An alert that is never about the client certificate.
const fn connection(number: u8, meaning: &'static str) -> AlertMeaning {
    AlertMeaning { number, cause: AlertCause::Connection, meaning, advice: NOT_APNS }
}

const RENEW: &str = "make a new certificate in Apple's developer portal";
const EXPORT: &str = "export the certificate with its key again, and compare them: pushcert inspect FILE";
const NOT_APPLES: &str = "APNs accepts only certificates that Apple issued: pushcert inspect FILE shows the issuer";
const TRUST_ISSUER: &str = "this server is not Apple's: it must trust the certificate's issuer, as pushcert gateway does with \
     --client-ca FILE (which takes the certificate itself too)";
const SERVER_LOG: &str = "this server is not Apple's: its log tells why";
const NOT_APNS: &str = "check the address, and whether a device on the way intercepts TLS connections";

const MEANINGS: [AlertMeaning; 34] = [
    connection(0, "the server closed the connection"),
    connection(10, "the server did not expect this message"),
    connection(20, "a record was damaged on the way"),
    connection(21, "the server could not decrypt a record"),
    connection(22, "a record is longer than TLS allows"),
    connection(30, "the server could not decompress a record"),
    unclear(40, "the server and pushcert found no common parameters; the certificate may be the cause", EXPORT),
    unclear(41, "the server did not receive a certificate", EXPORT),
    certificate(
        42,
        "the certificate is damaged, not yet valid, or not what the server's rules allow (its key, digest or name)",
        EXPORT,
    ),
    certificate(43, "the certificate is of the wrong type", NOT_APPLES),
    certificate(44, "the certificate was revoked", RENEW),
    certificate(45, "the certificate has expired", RENEW),
    certificate(46, "the server refused the certificate; APNs has also sent this for expired certificates", RENEW),
    connection(47, "the server found a field out of range"),
    certificate(48, "the certificate's issuer is unknown to the server, or it has no CRL of that issuer", NOT_APPLES),
    certificate(49, "the certificate is valid, but has no access", NOT_APPLES),
    connection(50, "the server could not decode a message"),
    unclear(51, "a signature did not verify: the key may belong to another certificate", EXPORT),
    connection(60, "the server refused the length of a key that TLS 1.0 restricted"),
    connection(70, "the server does not support TLS 1.2 or later"),
    connection(71, "the server requires other ciphers than pushcert offers"),
    unclear(
        80,
        "the server does not state the cause; APNs has sent this for a bad export and for the wrong key",
        EXPORT,
    ),
    connection(86, "the server supports a later version of TLS than it was asked for"),
    connection(90, "the server cancelled the handshake"),
    connection(100, "the server does not renegotiate"),
    connection(109, "the server misses an extension in a message"),
    connection(110, "the server did not expect an extension in a message"),
    connection(111, "the server could not fetch a certificate from a URL"),
    connection(112, "the server does not know this host name"),
    connection(113, "the server found an OCSP response invalid"),
    connection(114, "the server found that a certificate does not match its hash"),
    connection(115, "the server does not know the pre-shared key"),
    unclear(116, "the server did not receive a certificate", EXPORT),
    connection(120, "the server does not support HTTP/2"),
];

/// Returns the meaning of the alert with this number.
pub(crate) fn find(number: u8) -> Option<&'static AlertMeaning> {
    MEANINGS.iter().find(|meaning| meaning.number == number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::alert::ALERTS;

    #[test]
    fn each_alert_has_one_meaning() {
        let numbers: Vec<u8> = MEANINGS.iter().map(|meaning| meaning.number).collect();
        let named: Vec<u8> = ALERTS.iter().map(|alert| alert.number).collect();
        assert_eq!(numbers, named);
        assert!(find(99).is_none());
    }

    #[test]
    fn the_alerts_that_name_the_certificate_are_those_whose_definition_speaks_of_it() {
        let mut numbers = Vec::new();
        for meaning in MEANINGS {
            if meaning.cause == AlertCause::Certificate {
                numbers.push(meaning.number);
            }
        }
        assert_eq!(numbers, [42, 43, 44, 45, 46, 48, 49], "RFC 8446 section 6.2");
    }
}
