//! The advice for each ground of a verdict, with the names of flags.

use crate::check::ground::{Circumstances, Ground};
use crate::commands::shared::advice::RAISE_OPEN_FILES;

const CHECK_ADDRESS: &str = "check the address; a device on the way may answer in the server's place";
const ALLOW_APPLE: &str =
    "a firewall must allow TCP to Apple's network, 17.0.0.0/8, port 443 or 2197: try --port 2197, or a --proxy";
const SERVER_LOG: &str = "look into the server's log, and check that this is the port of its TLS";
const LATER: &str = "try again later, with growing delays";
const CLOCK: &str = "set this machine's clock; only if it is right is the certificate to blame";

/// Returns the advice for a ground.
pub(super) const fn for_ground(ground: Ground, known: Circumstances) -> &'static str {
    match ground {
        Ground::KeyMissing => "give the key with --key FILE, or export the certificate together with its key",
        Ground::KeyUnusable => "export the certificate with its key again, or make a new key: pushcert csr",
        Ground::KeyMismatch => {
            "a certificate works only with the key that its request was made with: look for that key, or make a new \
             request"
        }
        Ground::Revoked => "make a new certificate in Apple's developer portal",
        Ground::RevocationUnknown => {
            "the stage revocation shows what each source answered: the issuer must repair it, or know the certificate"
        }
        Ground::RevocationUnreachable => {
            "HTTP to the addresses that the stage revocation shows must be allowed, or go through a --proxy; or try again \
             later"
        }
        Ground::RevocationNoSource => "leave out --revocation: no source can say anything of this certificate",
        Ground::RevocationNoIssuer => "put the certificate of its issuer into the file",
        Ground::RevocationLocal => {
            "the stage revocation shows the cause; the folder for temporary files (TMPDIR) must exist and have room"
        }
        Ground::RevocationClock => CLOCK,
        Ground::RevocationProxy => for_proxy(Ground::ProxyCredentials, known),
        Ground::OpenFiles => RAISE_OPEN_FILES,
        Ground::SwappedIds => "swap --key-id and --team-id",
        Ground::SameIds => {
            "compare both with Apple's developer portal: --key-id is under Keys, --team-id under Membership"
        }
        Ground::NeedsProviderToken => {
            "this topic needs a provider token (.p8), no certificate will do: check --p8 AuthKey_KEYID.p8 --team-id TEAMID --topic TOPIC"
        }
        Ground::Dns
        | Ground::DnsTimeout
        | Ground::ConnectionRefused
        | Ground::ConnectionReset
        | Ground::ConnectionForbidden
        | Ground::ConnectionTimeout
        | Ground::HostUnreachable
        | Ground::NoRoute
        | Ground::Network => for_connection(ground, known),
        Ground::ProxyName
        | Ground::ProxyUnreachable
        | Ground::ProxyTimeout
        | Ground::ProxyCredentials
        | Ground::ProxyDns
        | Ground::ProxyServer
        | Ground::Proxy
        | Ground::NotProxy => for_proxy(ground, known),
        Ground::TlsInterception
        | Ground::ServerName
        | Ground::ServerExpired
        | Ground::ServerNotYetValid
        | Ground::Clock
        | Ground::UnknownAuthority
        | Ground::UntrustedServer => for_trust(ground, known),
        Ground::HelloHangUp | Ground::HelloTimeout | Ground::TlsClosed | Ground::TlsReset | Ground::TlsTimeout => {
            for_hang_up(known)
        }
        _ => for_conversation(ground, known),
    }
}

const fn for_connection(ground: Ground, known: Circumstances) -> &'static str {
    match ground {
        Ground::Dns if known.is_named => "check the gateway's name, and this machine's resolver",
        Ground::Dns => {
            "this machine's resolver does not know Apple's names: check it, or give a --proxy, which resolves them"
        }
        Ground::DnsTimeout => "check this machine's resolver, and the way to it",
        Ground::ConnectionForbidden => "a firewall or a sandbox on this machine forbids it: let pushcert connect",
        Ground::NoRoute => {
            "check this machine's network and its routes; some networks are left through a --proxy alone"
        }
        _ if !known.is_named => ALLOW_APPLE,
        Ground::ConnectionTimeout => {
            "check host and port, and that the server runs; on a slow network, give a longer --timeout"
        }
        Ground::HostUnreachable => "check the gateway's host, and that its machine is up",
        _ => "check host and port, and that the server runs",
    }
}

const fn for_proxy(ground: Ground, known: Circumstances) -> &'static str {
    match ground {
        Ground::ProxyName => "check the proxy's host name, in --proxy or HTTPS_PROXY, and this machine's resolver",
        Ground::ProxyUnreachable => {
            "check the proxy's host and port, in --proxy or HTTPS_PROXY; NO_PROXY names hosts that need none"
        }
        Ground::ProxyTimeout => {
            "the proxy may itself wait for the gateway: let it connect there, or give a longer --timeout"
        }
        Ground::ProxyCredentials if known.has_proxy_credentials => {
            "check user and password in the proxy's URL, each percent-encoded; of the ways to log in, pushcert knows Basic \
             (HTTP) and user and password (SOCKS5)"
        }
        Ground::ProxyCredentials => {
            "put user and password into the proxy's URL, each percent-encoded, before its host: USER:PASSWORD@HOST:PORT"
        }
        Ground::ProxyDns => "the proxy's own resolver must know the gateway's name; this machine's is not asked",
        Ground::ProxyServer => "the proxy itself must be able to resolve the gateway's name and to connect to it",
        Ground::NotProxy => "check the proxy's port and scheme: http:// for CONNECT, socks5:// for SOCKS",
        _ => "the proxy must allow CONNECT to the gateway's host and port",
    }
}

const fn for_trust(ground: Ground, known: Circumstances) -> &'static str {
    match ground {
        Ground::ServerNotYetValid | Ground::Clock => CLOCK,
        Ground::ServerExpired if known.is_apples => CLOCK,
        Ground::ServerExpired => {
            "renew the server's certificate, with its chain; if it is valid, set this machine's clock"
        }
        Ground::TlsInterception => {
            "a device on the way intercepts TLS connections; it must exclude the gateway, because client certificates \
             do not pass it"
        }
        Ground::UnknownAuthority if known.is_apples && known.has_given_roots => {
            "only the certificates of --ca-file are trusted here: leave it out, or let it have the CA certificate that \
             issued the server's"
        }
        _ if known.is_apples => CHECK_ADDRESS,
        Ground::ServerName => {
            "connect by a name that the certificate is for, or give the server a certificate for this one"
        }
        Ground::UnknownAuthority if known.has_given_roots => {
            "give the CA certificate that issued the server's, or let the server send its whole chain"
        }
        Ground::UnknownAuthority => "if you trust the server, give the certificate of its CA with --ca-file",
        _ => "give the server a certificate that clients accept",
    }
}

const fn for_hang_up(known: Circumstances) -> &'static str {
    if known.has_proxy {
        "the proxy has opened a tunnel, but what is behind it does not speak TLS: check the proxy's rules and log"
    } else if known.is_named {
        SERVER_LOG
    } else {
        "a firewall that reads host names in TLS may cut them off: it must allow *.push.apple.com; try --port 2197"
    }
}

const fn for_conversation(ground: Ground, known: Circumstances) -> &'static str {
    match ground {
        Ground::SettingsTimeout => {
            "TLS works, so no firewall drops the packets: the server, or a load balancer before it, is stuck; try again"
        }
        Ground::AnswerTimeout => "the server is reached, and slow: try again, or give a longer --timeout",
        Ground::Closed if known.is_certificate_sent => {
            "try again; servers have also closed the connection when they refused the certificate"
        }
        Ground::Closed => "try again; the server's log may tell why",
        Ground::GoAway => {
            "APNs gives its reason as JSON, so these words may be another server's: check the address, or try again"
        }
        Ground::Reset => "try again later",
        Ground::NoCertificateRequested => "check the address: APNs requests a certificate",
        Ground::CertificateWithheld => {
            "check the address, for APNs takes RSA keys; another server's list of signature algorithms must fit the key"
        }
        Ground::NotProbed => "leave out --no-probe",
        Ground::TooManyRequests | Ground::ServerUnavailable => LATER,
        Ground::NotApns if known.is_named && known.is_certificate_sent => {
            "check the address; a web server that verifies clients, such as nginx, answers with a page when it refuses the \
             certificate: its log tells why"
        }
        _ => CHECK_ADDRESS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::ground::tests::ALL;

    fn all_circumstances() -> Vec<Circumstances> {
        let mut list = Vec::new();
        for bits in 0..64_u8 {
            let bit = |index: u8| bits >> index & 1 == 1;
            list.push(Circumstances {
                is_apples: bit(0),
                is_named: bit(1),
                has_given_roots: bit(2),
                has_proxy: bit(3),
                is_certificate_sent: bit(4),
                has_proxy_credentials: bit(5),
            });
        }
        list
    }

    #[test]
    fn no_advice_asks_for_what_was_given_or_cannot_be_had() {
        for ground in ALL {
            for known in all_circumstances() {
                let advice = for_ground(ground, known);
                let text = format!("{ground:?} {known:?}: {advice}");
                assert!(!advice.is_empty(), "{text}");
                assert!(!(known.has_given_roots && advice.contains("with --ca-file")), "{text}");
                let speaks_of_roots = advice.contains("--ca-file");
                assert!(!(known.is_apples && !known.has_given_roots && speaks_of_roots), "{text}");
                let names_way = advice.contains("--port") || advice.contains("firewall must");
                assert!(!(known.is_named && names_way), "{text}");
                assert!(!(known.has_proxy_credentials && advice.contains("put user and password")), "{text}");
                assert!(!advice.contains("http://USER"), "{text}");
                let suspects = advice.contains("refused the certificate");
                assert!(known.is_certificate_sent || !suspects, "{text}");
            }
        }
    }
}
