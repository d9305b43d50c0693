//! The advice for each ground of a verdict, with the names of flags.

use crate::check::ground::Ground;

const CHECK_ADDRESS: &str = "check the address; a device on the way may answer in the server's place";

/// Returns the advice for a ground.
pub(super) const fn for_ground(ground: Ground) -> &'static str {
    match ground {
        Ground::KeyMissing => "export the certificate together with its key, or give the key with --key FILE",
        Ground::KeyMismatch => {
            "a certificate works only with the key that its request was made with: look for that key, or make a new \
             request"
        }
        Ground::Revoked => "make a new certificate in Apple's developer portal",
        Ground::RevocationUnknown => "the stage revocation shows what each source answered; try again later",
        Ground::Dns => "check the name, and this machine's resolver",
        Ground::ConnectionRefused => "check the address; a firewall must allow TCP port 443 or 2197",
        Ground::Network => "check the network; if a proxy is required, give it with --proxy",
        Ground::Timeout => "a firewall may drop the packets: try --port 2197, or a longer --timeout",
        Ground::Proxy => "the proxy must allow CONNECT to the gateway; its URL may contain credentials",
        Ground::TlsInterception => {
            "a device on the way intercepts TLS connections; it must exclude the gateway, because client certificates \
             do not pass it"
        }
        Ground::UntrustedServer => "give its CA certificate with --ca-file if you trust it",
        Ground::NotTls | Ground::NoHttp2 | Ground::Tls | Ground::NotHttp2 | Ground::NotApns => CHECK_ADDRESS,
        Ground::Closed => "try again; servers have also closed the connection when they refused the certificate",
        Ground::Reset => "try again later",
        Ground::NoCertificateRequested => "check the address: APNs requests a certificate",
        Ground::NotProbed => "leave out --no-probe",
        Ground::ServerUnavailable => "try again later, with growing delays",
    }
}
