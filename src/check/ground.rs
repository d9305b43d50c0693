//! Grounds of a verdict that are not words of the server: one row each.

/// The ground of a verdict, when the server has given no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    KeyMissing,
    KeyMismatch,
    Revoked,
    RevocationUnknown,
    Dns,
    ConnectionRefused,
    Network,
    Timeout,
    Proxy,
    TlsInterception,
    UntrustedServer,
    NotTls,
    NoHttp2,
    Tls,
    Closed,
    Reset,
    NotHttp2,
    NoCertificateRequested,
    NotProbed,
    NotApns,
    ServerUnavailable,
}

/// The meaning of a ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// The `reason` in the report.
    pub(crate) name: &'static str,
    pub(crate) meaning: &'static str,
    /// True if another attempt may succeed.
    pub(crate) is_retryable: bool,
}

/// Explains a failure that another attempt would repeat.
const fn lasting(name: &'static str, meaning: &'static str) -> Explanation {
    Explanation { name, meaning, is_retryable: false }
}

/// Explains a failure that may be temporary.
const fn temporary(name: &'static str, meaning: &'static str) -> Explanation {
    Explanation { name, meaning, is_retryable: true }
}

impl Ground {
    pub(crate) const fn explanation(self) -> Explanation {
        match self {
            Self::KeyMissing => lasting("key-missing", "there is no private key for the certificate"),
            Self::KeyMismatch => lasting("key-mismatch", "the private key belongs to another certificate"),
            Self::Revoked => lasting("revoked", "the certificate's issuer has revoked it"),
            Self::RevocationUnknown => lasting(
                "revocation-unknown",
                "the certificate's issuer did not answer whether it has revoked the certificate",
            ),
            Self::Dns => temporary("dns", "the gateway's name has no address"),
            Self::ConnectionRefused => {
                temporary("connection-refused", "no server listens at this address, or a firewall refuses")
            }
            Self::Network => temporary("network", "the network has no route to the gateway"),
            Self::Timeout => temporary("timeout", "the server did not respond in time"),
            Self::Proxy => lasting("proxy", "the proxy could not open a tunnel to the gateway"),
            Self::TlsInterception => lasting("tls-interception", "the server's certificate is not Apple's"),
            Self::UntrustedServer => lasting("untrusted-server", "the server's certificate is not trusted"),
            Self::NotTls => lasting("not-tls", "the answer is not TLS"),
            Self::NoHttp2 => lasting("no-http2", "the server does not offer HTTP/2"),
            Self::Tls => lasting("tls", "the TLS handshake failed"),
            Self::Closed => temporary("closed", "the server closed the connection"),
            Self::Reset => temporary("reset", "the server reset the request"),
            Self::NotHttp2 => lasting("not-http2", "the server does not follow HTTP/2"),
            Self::NoCertificateRequested => lasting(
                "no-certificate-requested",
                "the server requested no certificate, so its answer proves nothing about this one",
            ),
            Self::NotProbed => lasting(
                "not-probed",
                "no notification was sent, so the gateway did not show its judgement of the certificate",
            ),
            Self::NotApns => lasting("not-apns", "the answer is not from APNs"),
            Self::ServerUnavailable => temporary("server-unavailable", "the server has an internal problem"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_there_once() {
        use Ground::*;
        let all = [
            KeyMissing,
            KeyMismatch,
            Revoked,
            RevocationUnknown,
            Dns,
            ConnectionRefused,
            Network,
            Timeout,
            Proxy,
            TlsInterception,
            UntrustedServer,
            NotTls,
            NoHttp2,
            Tls,
            Closed,
            Reset,
            NotHttp2,
            NoCertificateRequested,
            NotProbed,
            NotApns,
            ServerUnavailable,
        ];
        let names: std::collections::HashSet<_> = all.iter().map(|ground| ground.explanation().name).collect();
        assert_eq!(names.len(), all.len());
    }
}
