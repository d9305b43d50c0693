//! Grounds of a verdict that are not words of the server: one row each. The advice for each, which names flags, is in
//! `commands/check/advice.rs`.

/// The ground of a verdict, when the server has given no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    KeyMissing,
    KeyMismatch,
    KeyUnusable,
    Revoked,
    RevocationUnknown,
    RevocationUnreachable,
    RevocationNoSource,
    RevocationNoIssuer,
    RevocationLocal,
    RevocationClock,
    RevocationProxy,
    OpenFiles,
    Dns,
    DnsTimeout,
    ConnectionRefused,
    ConnectionReset,
    ConnectionForbidden,
    ConnectionTimeout,
    HostUnreachable,
    NoRoute,
    Network,
    ProxyName,
    ProxyUnreachable,
    ProxyTimeout,
    ProxyCredentials,
    ProxyDns,
    ProxyServer,
    Proxy,
    NotProxy,
    TlsInterception,
    ServerName,
    ServerExpired,
    ServerNotYetValid,
    Clock,
    UnknownAuthority,
    UntrustedServer,
    NotTls,
    NoHttp2,
    HelloHangUp,
    HelloTimeout,
    TlsClosed,
    TlsReset,
    TlsTimeout,
    Tls,
    SettingsTimeout,
    AnswerTimeout,
    Closed,
    GoAway,
    Reset,
    NotHttp2,
    NoCertificateRequested,
    CertificateWithheld,
    NotProbed,
    NotApns,
    TooManyRequests,
    ServerUnavailable,
    NeedsProviderToken,
    SwappedIds,
    SameIds,
}

/// What the advice for a ground depends on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Circumstances {
    /// True if the gateway is one of Apple's, of which the network's firewall may know nothing.
    pub(crate) is_apples: bool,
    /// True if the user named the gateway, so that no other port is to be had.
    pub(crate) is_named: bool,
    /// True if the user gave the CA certificates to trust.
    pub(crate) has_given_roots: bool,
    /// True if a proxy is on the way.
    pub(crate) has_proxy: bool,
    /// True if the proxy's URL has a user and a password.
    pub(crate) has_proxy_credentials: bool,
    /// True if the certificate under test was sent, so that the server may have judged it.
    pub(crate) is_certificate_sent: bool,
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
            Self::KeyUnusable => lasting("key-unusable", "OpenSSL cannot sign with the private key"),
            Self::Revoked => lasting("revoked", "the certificate's issuer has revoked it"),
            Self::RevocationUnknown
            | Self::RevocationUnreachable
            | Self::RevocationNoSource
            | Self::RevocationNoIssuer
            | Self::RevocationLocal
            | Self::RevocationClock
            | Self::RevocationProxy => self.explain_revocation(),
            Self::OpenFiles => lasting("open-files", "this machine lets pushcert open no more files and connections"),
            Self::SwappedIds => lasting("swapped-ids", "key ID and Team ID look swapped"),
            Self::SameIds => lasting("same-ids", "key ID and Team ID are the same"),
            Self::NeedsProviderToken => lasting("needs-provider-token", "the topic needs a provider token (.p8)"),
            Self::Dns
            | Self::DnsTimeout
            | Self::ConnectionRefused
            | Self::ConnectionReset
            | Self::ConnectionForbidden
            | Self::ConnectionTimeout
            | Self::HostUnreachable
            | Self::NoRoute
            | Self::Network => self.explain_connection(),
            Self::ProxyName
            | Self::ProxyUnreachable
            | Self::ProxyTimeout
            | Self::ProxyCredentials
            | Self::ProxyDns
            | Self::ProxyServer
            | Self::Proxy
            | Self::NotProxy => self.explain_proxy(),
            Self::TlsInterception
            | Self::ServerName
            | Self::ServerExpired
            | Self::ServerNotYetValid
            | Self::Clock
            | Self::UnknownAuthority
            | Self::UntrustedServer => self.explain_trust(),
            Self::NotTls
            | Self::NoHttp2
            | Self::HelloHangUp
            | Self::HelloTimeout
            | Self::TlsClosed
            | Self::TlsReset
            | Self::TlsTimeout
            | Self::Tls => self.explain_tls(),
            _ => self.explain_conversation(),
        }
    }

    const fn explain_revocation(self) -> Explanation {
        match self {
            Self::RevocationUnreachable => {
                lasting("revocation-unreachable", "nobody answered whether the certificate is revoked")
            }
            Self::RevocationNoSource => {
                lasting("revocation-no-source", "the certificate does not name anyone to ask whether it is revoked")
            }
            Self::RevocationNoIssuer => lasting(
                "revocation-no-issuer",
                "whether the certificate is revoked was not asked: its issuer's certificate is not known",
            ),
            Self::RevocationLocal => {
                lasting("revocation-not-judged", "the answer about revocation could not be judged on this machine")
            }
            Self::RevocationClock => lasting(
                "revocation-clock",
                "by this machine's clock, the answer of the certificate's issuer is not valid yet",
            ),
            Self::RevocationProxy => lasting(
                "revocation-proxy",
                "whether the certificate is revoked was not asked: the proxy asks for valid credentials",
            ),
            _ => lasting(
                "revocation-unknown",
                "the answer of the certificate's issuer does not show whether the certificate is revoked",
            ),
        }
    }

    const fn explain_connection(self) -> Explanation {
        match self {
            Self::Dns => temporary("dns", "the gateway's name has no address"),
            Self::DnsTimeout => temporary("dns-timeout", "this machine's resolver did not answer"),
            Self::ConnectionRefused => {
                temporary("connection-refused", "no server listens at this address, or a firewall refuses")
            }
            Self::ConnectionReset => temporary("connection-reset", "the connection was reset before it was made"),
            Self::ConnectionForbidden => lasting("connection-forbidden", "this machine does not allow the connection"),
            Self::ConnectionTimeout => temporary("connection-timeout", "nothing answered at the gateway's addresses"),
            Self::HostUnreachable => temporary("host-unreachable", "the network found no way to the gateway's address"),
            Self::NoRoute => temporary("no-route", "this machine has no route to the gateway's network"),
            _ => temporary("network", "the connection to the gateway failed"),
        }
    }

    const fn explain_proxy(self) -> Explanation {
        match self {
            Self::ProxyName => temporary("proxy-name", "the proxy's own name has no address"),
            Self::ProxyUnreachable => temporary("proxy-unreachable", "the proxy was not reached"),
            Self::ProxyTimeout => temporary("proxy-timeout", "the proxy did not open a tunnel in time"),
            Self::ProxyCredentials => lasting("proxy-credentials", "the proxy asks for valid credentials"),
            Self::ProxyDns => temporary("proxy-dns", "the proxy found no address for the gateway's name"),
            Self::ProxyServer => temporary("proxy-server", "the proxy could not connect to the gateway"),
            Self::NotProxy => lasting("not-proxy", "what answered at the proxy's address is not a proxy of this kind"),
            _ => lasting("proxy", "the proxy could not open a tunnel to the gateway"),
        }
    }

    const fn explain_trust(self) -> Explanation {
        match self {
            Self::TlsInterception => lasting("tls-interception", "the server's certificate is not Apple's"),
            Self::ServerName => lasting("server-name-mismatch", "the server's certificate is for another host name"),
            Self::ServerExpired => lasting("server-expired", "a certificate of the server has expired"),
            Self::ServerNotYetValid => {
                lasting("server-not-yet-valid", "by this machine's clock, the server's certificate is not yet valid")
            }
            Self::Clock => lasting("clock", "by this machine's clock, every certificate of the server has expired"),
            Self::UnknownAuthority => lasting("unknown-authority", "the server's certificate leads to no trusted root"),
            _ => lasting("untrusted-server", "the server's certificate is not trusted"),
        }
    }

    const fn explain_tls(self) -> Explanation {
        match self {
            Self::NotTls => lasting("not-tls", "the answer is not TLS"),
            Self::NoHttp2 => lasting("no-http2", "the server does not offer HTTP/2"),
            Self::HelloHangUp => temporary("hello-hang-up", "the server hung up when TLS began"),
            Self::HelloTimeout => temporary("hello-timeout", "the server took the connection and never spoke TLS"),
            Self::TlsClosed => temporary("tls-closed", "the server closed the connection during the TLS handshake"),
            Self::TlsReset => temporary("tls-reset", "the connection was reset during the TLS handshake"),
            Self::TlsTimeout => temporary("tls-timeout", "the TLS handshake came to a halt"),
            _ => lasting("tls", "the TLS handshake failed"),
        }
    }

    const fn explain_conversation(self) -> Explanation {
        match self {
            Self::SettingsTimeout => {
                temporary("settings-timeout", "the server finished the TLS handshake and never began HTTP/2")
            }
            Self::AnswerTimeout => temporary("answer-timeout", "the server began HTTP/2 and gave no answer"),
            Self::Closed => temporary("closed", "the server closed the connection"),
            Self::GoAway => temporary("goaway", "the server ended the connection with GOAWAY"),
            Self::Reset => temporary("reset", "the server reset the request"),
            Self::NotHttp2 => lasting("not-http2", "the server does not follow HTTP/2"),
            Self::NoCertificateRequested => lasting(
                "no-certificate-requested",
                "the server requested no certificate, so its answer proves nothing about this one",
            ),
            Self::CertificateWithheld => lasting(
                "certificate-not-sent",
                "the server takes no signature that the certificate's key can make, so the certificate was not sent",
            ),
            Self::NotProbed => lasting(
                "not-probed",
                "no notification was sent, so the gateway did not show its judgement of the certificate",
            ),
            Self::NotApns => lasting("not-apns", "the answer is not from APNs"),
            Self::TooManyRequests => temporary("too-many-requests", "the server has had too many requests"),
            _ => temporary("server-unavailable", "the server has an internal problem"),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use Ground::*;

    /// All grounds; a ground that is not here has no test of its advice.
    pub(crate) const ALL: [Ground; 59] = [
        KeyMissing,
        KeyMismatch,
        KeyUnusable,
        Revoked,
        RevocationUnknown,
        RevocationUnreachable,
        RevocationNoSource,
        RevocationNoIssuer,
        RevocationLocal,
        RevocationClock,
        RevocationProxy,
        OpenFiles,
        Dns,
        DnsTimeout,
        ConnectionRefused,
        ConnectionReset,
        ConnectionForbidden,
        ConnectionTimeout,
        HostUnreachable,
        NoRoute,
        Network,
        ProxyName,
        ProxyUnreachable,
        ProxyTimeout,
        ProxyCredentials,
        ProxyDns,
        ProxyServer,
        Proxy,
        NotProxy,
        TlsInterception,
        ServerName,
        ServerExpired,
        ServerNotYetValid,
        Clock,
        UnknownAuthority,
        UntrustedServer,
        NotTls,
        NoHttp2,
        HelloHangUp,
        HelloTimeout,
        TlsClosed,
        TlsReset,
        TlsTimeout,
        Tls,
        SettingsTimeout,
        AnswerTimeout,
        Closed,
        GoAway,
        Reset,
        NotHttp2,
        NoCertificateRequested,
        CertificateWithheld,
        NotProbed,
        NotApns,
        TooManyRequests,
        ServerUnavailable,
        NeedsProviderToken,
        SwappedIds,
        SameIds,
    ];

    #[test]
    fn each_name_is_there_once() {
        let names: std::collections::HashSet<_> = ALL.iter().map(|ground| ground.explanation().name).collect();
        assert_eq!(names.len(), ALL.len());
    }
}
