//! TLS alerts: one table (RFC 8446 section 6, RFC 5246 section 7.2, IANA's registry of TLS alerts).

/// One alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Alert {
    /// AlertDescription.
    pub(crate) number: u8,
    /// Its name in the RFC.
    pub(crate) name: &'static str,
    /// Whether a server that has been shown a certificate may mean the certificate by it.
    pub(crate) is_about_certificate: bool,
    /// What it means when APNs sends it.
    pub(crate) meaning: &'static str,
    /// What to do.
    pub(crate) advice: &'static str,
}

const fn alert(
    number: u8,
    name: &'static str,
    is_about_certificate: bool,
    meaning: &'static str,
    advice: &'static str,
) -> Alert {
    Alert { number, name, is_about_certificate, meaning, advice }
}

const RENEW: &str = "make a new certificate in Apple's developer portal";
const EXPORT: &str = "export the certificate with its key again, and compare them: pushcert inspect FILE";
const NOT_APPLES: &str = "APNs takes only certificates that Apple issued: pushcert inspect FILE shows the issuer";
const NOT_APNS: &str = "check the address, and whether something on the way opens TLS connections";

/// What servers send. The advice is for someone whose certificate was just refused.
pub(crate) const ALERTS: [Alert; 19] = [
    alert(0, "close_notify", false, "the server closed the connection", NOT_APNS),
    alert(10, "unexpected_message", false, "the server did not expect this message", NOT_APNS),
    alert(20, "bad_record_mac", false, "a record was damaged on the way", NOT_APNS),
    alert(40, "handshake_failure", true, "the server found nothing to agree on", EXPORT),
    alert(42, "bad_certificate", true, "the certificate is damaged or not yet valid", EXPORT),
    alert(43, "unsupported_certificate", true, "the certificate is of the wrong kind", NOT_APPLES),
    alert(44, "certificate_revoked", true, "the certificate was revoked", RENEW),
    alert(45, "certificate_expired", true, "the certificate has expired", RENEW),
    alert(
        46,
        "certificate_unknown",
        true,
        "the server refused the certificate; formerly also when it had expired",
        RENEW,
    ),
    alert(47, "illegal_parameter", false, "the server found a field out of range", NOT_APNS),
    alert(48, "unknown_ca", true, "the certificate's issuer is unknown to the server", NOT_APPLES),
    alert(49, "access_denied", true, "the certificate is valid, but not let in", NOT_APPLES),
    alert(50, "decode_error", false, "the server could not decode a message", NOT_APNS),
    alert(51, "decrypt_error", true, "a signature did not verify: the key may be of another certificate", EXPORT),
    alert(70, "protocol_version", false, "the server does not speak TLS 1.2 or later", NOT_APNS),
    alert(
        80,
        "internal_error",
        true,
        "the server says nothing of the cause; a bad export or a foreign key was seen to look so",
        EXPORT,
    ),
    alert(112, "unrecognized_name", false, "the server does not know this host name", NOT_APNS),
    alert(116, "certificate_required", true, "the server did not get a certificate", EXPORT),
    alert(120, "no_application_protocol", false, "the server does not speak HTTP/2", NOT_APNS),
];

/// The alert of this number.
pub(crate) fn find(number: u8) -> Option<&'static Alert> {
    ALERTS.iter().find(|alert| alert.number == number)
}

/// Its name, or its number where it has none here.
pub(crate) fn name(number: u8) -> String {
    find(number).map_or_else(|| format!("alert_{number}"), |alert| alert.name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_once_in_order() {
        assert!(ALERTS.is_sorted_by(|a, b| a.number < b.number));
        assert_eq!(name(45), "certificate_expired");
        assert_eq!(name(99), "alert_99");
    }
}
