//! What TLS alerts mean when APNs sends them: one row for each alert of [`crate::net::alert`].

/// The meaning of one alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AlertMeaning {
    /// The alert's AlertDescription.
    number: u8,
    /// True if a server that has received a client certificate may mean the certificate.
    pub(crate) is_about_certificate: bool,
    pub(crate) meaning: &'static str,
    /// The advice after this alert.
    pub(crate) advice: &'static str,
}

/// An alert that may be about the client certificate.
const fn certificate(number: u8, meaning: &'static str, advice: &'static str) -> AlertMeaning {
    AlertMeaning { number, is_about_certificate: true, meaning, advice }
}

/// An alert that is never about the client certificate.
const fn connection(number: u8, meaning: &'static str) -> AlertMeaning {
    AlertMeaning { number, is_about_certificate: false, meaning, advice: NOT_APNS }
}

const RENEW: &str = "make a new certificate in Apple's developer portal";
const EXPORT: &str = "export the certificate with its key again, and compare them: pushcert inspect FILE";
const NOT_APPLES: &str = "APNs accepts only certificates that Apple issued: pushcert inspect FILE shows the issuer";
const NOT_APNS: &str = "check the address, and whether a device on the way intercepts TLS connections";

const MEANINGS: [AlertMeaning; 19] = [
    connection(0, "the server closed the connection"),
    connection(10, "the server did not expect this message"),
    connection(20, "a record was damaged on the way"),
    certificate(40, "the server and pushcert found no common parameters", EXPORT),
    certificate(42, "the certificate is damaged or not yet valid", EXPORT),
    certificate(43, "the certificate is of the wrong type", NOT_APPLES),
    certificate(44, "the certificate was revoked", RENEW),
    certificate(45, "the certificate has expired", RENEW),
    certificate(46, "the server refused the certificate; APNs has also sent this for expired certificates", RENEW),
    connection(47, "the server found a field out of range"),
    certificate(48, "the certificate's issuer is unknown to the server", NOT_APPLES),
    certificate(49, "the certificate is valid, but has no access", NOT_APPLES),
    connection(50, "the server could not decode a message"),
    certificate(51, "a signature did not verify: the key may belong to another certificate", EXPORT),
    connection(70, "the server does not support TLS 1.2 or later"),
    certificate(
        80,
        "the server does not state the cause; APNs has sent this for a bad export and for the wrong key",
        EXPORT,
    ),
    connection(112, "the server does not know this host name"),
    certificate(116, "the server did not receive a certificate", EXPORT),
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
}
