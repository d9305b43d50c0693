//! TLS alerts by number and name (RFC 8446 section 6, RFC 5246 section 7.2, IANA's registry of TLS alerts).

use std::io;

use openssl::ssl;

/// One alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Alert {
    /// Its AlertDescription.
    pub(crate) number: u8,
    /// Its name in the RFC.
    pub(crate) name: &'static str,
}

/// All alerts of RFC 8446 and RFC 5246; those that the RFCs call reserved are without their `_RESERVED`.
pub(crate) const ALERTS: [Alert; 34] = [
    Alert { number: 0, name: "close_notify" },
    Alert { number: 10, name: "unexpected_message" },
    Alert { number: 20, name: "bad_record_mac" },
    Alert { number: 21, name: "decryption_failed" },
    Alert { number: 22, name: "record_overflow" },
    Alert { number: 30, name: "decompression_failure" },
    Alert { number: 40, name: "handshake_failure" },
    Alert { number: 41, name: "no_certificate" },
    Alert { number: 42, name: "bad_certificate" },
    Alert { number: 43, name: "unsupported_certificate" },
    Alert { number: 44, name: "certificate_revoked" },
    Alert { number: 45, name: "certificate_expired" },
    Alert { number: 46, name: "certificate_unknown" },
    Alert { number: 47, name: "illegal_parameter" },
    Alert { number: 48, name: "unknown_ca" },
    Alert { number: 49, name: "access_denied" },
    Alert { number: 50, name: "decode_error" },
    Alert { number: 51, name: "decrypt_error" },
    Alert { number: 60, name: "export_restriction" },
    Alert { number: 70, name: "protocol_version" },
    Alert { number: 71, name: "insufficient_security" },
    Alert { number: 80, name: "internal_error" },
    Alert { number: 86, name: "inappropriate_fallback" },
    Alert { number: 90, name: "user_canceled" },
    Alert { number: 100, name: "no_renegotiation" },
    Alert { number: 109, name: "missing_extension" },
    Alert { number: 110, name: "unsupported_extension" },
    Alert { number: 111, name: "certificate_unobtainable" },
    Alert { number: 112, name: "unrecognized_name" },
    Alert { number: 113, name: "bad_certificate_status_response" },
    Alert { number: 114, name: "bad_certificate_hash_value" },
    Alert { number: 115, name: "unknown_psk_identity" },
    Alert { number: 116, name: "certificate_required" },
    Alert { number: 120, name: "no_application_protocol" },
];

/// Returns the alert's name, or `alert_NUMBER` if it is not in [`ALERTS`].
pub(crate) fn name(number: u8) -> String {
    for alert in &ALERTS {
        if alert.number == number {
            return alert.name.to_owned();
        }
    }
    format!("alert_{number}")
}

/// Returns the number of the alert with this name.
pub(crate) fn number(name: &str) -> Option<u8> {
    for alert in &ALERTS {
        if alert.name == name {
            return Some(alert.number);
        }
    }
    None
}

/// OpenSSL reports an alert that it received as this number plus the alert's (SSL_AD_REASON_OFFSET).
const REASON_OFFSET: i32 = 1000;

/// Returns the received alert that an OpenSSL error stands for.
pub(crate) fn received(error: &ssl::Error) -> Option<u8> {
    for error in error.ssl_error()?.errors() {
        if let Ok(number) = u8::try_from(error.reason_code() - REASON_OFFSET) {
            return Some(number);
        }
    }
    None
}

/// Returns the received alert inside an error of a TLS stream.
pub(crate) fn received_in(error: &io::Error) -> Option<u8> {
    received(error.get_ref()?.downcast_ref()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_once_in_order() {
        assert!(ALERTS.is_sorted_by(|a, b| a.number < b.number));
        assert_eq!(name(45), "certificate_expired");
        assert_eq!(number("certificate_expired"), Some(45));
        assert_eq!(name(99), "alert_99");
        assert_eq!(number("alert_99"), None);
    }
}
