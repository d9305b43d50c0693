//! The server's side of TLS: its certificate, the check of the client's, and the faults of handshakes.

use std::io;

use openssl::error::ErrorStack;
use openssl::ssl::{AlpnError, SslContext, SslContextBuilder, SslMethod, SslOptions, SslSessionCacheMode};
use openssl::ssl::{SslFiletype, SslVerifyMode, SslVersion, select_next_proto};
use openssl::stack::Stack;
use openssl::x509::store::{X509Lookup, X509Store, X509StoreBuilder};
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509StoreContext, X509VerifyResult};

use crate::gateway::GatewayOptions;
use crate::gateway::authority::{OTHER_HOST, ServerKind, ThrowawayCa};
use crate::gateway::fault::{Fault, PlannedFault, RefusalAlert, TlsFault};
use crate::world::temporary::TemporaryFile;

/// The protocols in ALPN, the preferred one first. Where no devices are taken, only the first stands there.
const ALPN: &[u8] = b"\x02h2\x11pushcert-device/1";
const HTTP2_LENGTH: usize = 3;

/// The versions of TLS that the gateway speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TlsVersions {
    V12,
    V13,
    #[default]
    Both,
}

/// The choices of a handshake that faults change.
struct HandshakePlan {
    server: ServerKind,
    selects_protocol: bool,
    client_check: ClientCheck,
}

/// The treatment of the client's certificate.
enum ClientCheck {
    Verify,
    Refuse(RefusalAlert),
    /// The client is not asked for one.
    Omit,
}

impl HandshakePlan {
    const GOOD: Self = Self { server: ServerKind::Good, selects_protocol: true, client_check: ClientCheck::Verify };

    fn with_fault(fault: TlsFault) -> Self {
        match fault {
            TlsFault::Alert(alert) => Self { client_check: ClientCheck::Refuse(alert), ..Self::GOOD },
            TlsFault::NoAlpn => Self { selects_protocol: false, ..Self::GOOD },
            TlsFault::NoRequest => Self { client_check: ClientCheck::Omit, ..Self::GOOD },
            TlsFault::WrongHost => Self { server: ServerKind::WrongHost, ..Self::GOOD },
            TlsFault::ExpiredServer => Self { server: ServerKind::Expired, ..Self::GOOD },
            TlsFault::SelfSigned => Self { server: ServerKind::SelfSigned, ..Self::GOOD },
        }
    }
}

/// The TLS contexts of the connections: the good one, and one for each fault.
pub(super) struct TlsContexts {
    good: SslContext,
    faulty: Vec<FaultyContext>,
}

struct FaultyContext {
    fault: TlsFault,
    context: SslContext,
}

impl TlsContexts {
    /// Builds all contexts.
    ///
    /// # Errors
    /// When OpenSSL fails, or a temporary file cannot be written.
    pub(super) fn build(options: &GatewayOptions, authority: &ThrowawayCa) -> io::Result<Self> {
        let mut faulty = Vec::new();
        for PlannedFault { fault, .. } in &options.faults {
            if let Fault::Tls(fault) = *fault {
                let context = build_context(options, authority, &HandshakePlan::with_fault(fault))?;
                faulty.push(FaultyContext { fault, context });
            }
        }
        Ok(Self { good: build_context(options, authority, &HandshakePlan::GOOD)?, faulty })
    }

    /// Returns the context of a connection.
    pub(super) fn with_fault(&self, fault: Option<TlsFault>) -> &SslContext {
        for entry in &self.faulty {
            if Some(entry.fault) == fault {
                return &entry.context;
            }
        }
        &self.good
    }
}

fn build_context(options: &GatewayOptions, authority: &ThrowawayCa, plan: &HandshakePlan) -> io::Result<SslContext> {
    let mut context = SslContext::builder(SslMethod::tls_server())?;
    limit_versions(&mut context, options.tls)?;
    disable_resumption(&mut context)?;
    // A record is read by one system call instead of two.
    context.set_read_ahead(true);
    let server = authority.server(plan.server)?;
    context.set_certificate(&server.certificate)?;
    context.set_private_key(&server.key)?;
    if plan.selects_protocol {
        let protocols = if options.takes_devices { ALPN } else { &ALPN[..HTTP2_LENGTH] };
        context.set_alpn_select_callback(move |_, offered| {
            select_next_proto(protocols, offered).ok_or(AlpnError::ALERT_FATAL)
        });
    }
    let own_authority = [authority.certificate().clone()];
    let client_authorities = options.client_authorities.as_deref().unwrap_or(&own_authority);
    match plan.client_check {
        ClientCheck::Omit => {}
        ClientCheck::Verify => {
            request_certificate(&mut context, client_authorities)?;
            // APNs lets a client without a certificate in: it may have a provider token.
            context.set_verify(SslVerifyMode::PEER);
        }
        ClientCheck::Refuse(alert) => {
            request_certificate(&mut context, client_authorities)?;
            let refusal = verdict_for(alert, authority)?;
            context.set_verify_callback(REFUSE_MODE, move |_, context| {
                context.set_error(refusal);
                false
            });
        }
    }
    Ok(context.build())
}

fn limit_versions(context: &mut SslContextBuilder, versions: TlsVersions) -> Result<(), ErrorStack> {
    let (lowest, highest) = match versions {
        TlsVersions::V12 => (SslVersion::TLS1_2, Some(SslVersion::TLS1_2)),
        TlsVersions::V13 => (SslVersion::TLS1_3, Some(SslVersion::TLS1_3)),
        TlsVersions::Both => (SslVersion::TLS1_2, None),
    };
    context.set_min_proto_version(Some(lowest))?;
    context.set_max_proto_version(highest)
}

/// Makes every connection check the client anew and keep nothing of it.
fn disable_resumption(context: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    context.set_session_cache_mode(SslSessionCacheMode::OFF);
    context.set_options(SslOptions::NO_TICKET | SslOptions::NO_RENEGOTIATION);
    context.set_num_tickets(0)
}

/// A client that is refused by an alert must have a certificate.
const REFUSE_MODE: SslVerifyMode = SslVerifyMode::PEER.union(SslVerifyMode::FAIL_IF_NO_PEER_CERT);

fn request_certificate(context: &mut SslContextBuilder, authorities: &[X509]) -> Result<(), ErrorStack> {
    let mut names = Stack::new()?;
    for authority in authorities {
        names.push(authority.subject_name().to_owned()?)?;
    }
    context.set_client_ca_list(names);
    context.set_verify_cert_store(trust(authorities)?.build())
}

/// Starts a store in which each of these certificates is trusted by itself.
fn trust(certificates: &[X509]) -> Result<X509StoreBuilder, ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    store.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
    for certificate in certificates {
        store.add_cert(certificate.clone())?;
    }
    Ok(store)
}

/// Returns a verdict that OpenSSL answers with this alert (its table is `ssl_x509err2alert`). Only unsafe code
/// can make a verdict up, so each comes from a certificate that deserves it.
fn verdict_for(alert: RefusalAlert, authority: &ThrowawayCa) -> io::Result<X509VerifyResult> {
    match alert {
        RefusalAlert::HandshakeFailure => Ok(X509VerifyResult::APPLICATION_VERIFICATION),
        RefusalAlert::BadCertificate => verify_for_other_host(authority),
        RefusalAlert::CertificateRevoked => verify_revoked(authority),
        RefusalAlert::CertificateExpired => verify_expired(authority),
        RefusalAlert::CertificateUnknown => verify_wrong_issuer(authority),
        RefusalAlert::UnknownCa => verify_without_authority(authority),
        // The callback refuses although the verdict is good. OpenSSL calls that an internal error.
        RefusalAlert::InternalError => Ok(X509VerifyResult::OK),
    }
}

fn verify_for_other_host(authority: &ThrowawayCa) -> io::Result<X509VerifyResult> {
    let mut parameters = X509VerifyParam::new()?;
    parameters.set_host(OTHER_HOST)?;
    let mut store = trust(&[authority.certificate().clone()])?;
    store.set_param(&parameters)?;
    verify(&authority.server(ServerKind::Good)?.certificate, &store.build())
}

fn verify_revoked(authority: &ThrowawayCa) -> io::Result<X509VerifyResult> {
    let certificate = authority.server(ServerKind::Good)?.certificate;
    // A store takes revocation lists only from files.
    let list = TemporaryFile::with(&authority.revoke(&certificate)?.to_pem()?)?;
    let mut store = trust(&[authority.certificate().clone()])?;
    store.add_lookup(X509Lookup::file())?.load_crl_file(list.path(), SslFiletype::PEM)?;
    store.set_flags(X509VerifyFlags::CRL_CHECK)?;
    verify(&certificate, &store.build())
}

fn verify_expired(authority: &ThrowawayCa) -> io::Result<X509VerifyResult> {
    let store = trust(&[authority.certificate().clone()])?;
    verify(&authority.server(ServerKind::Expired)?.certificate, &store.build())
}

fn verify_wrong_issuer(authority: &ThrowawayCa) -> io::Result<X509VerifyResult> {
    let not_an_issuer = authority.server(ServerKind::Good)?.certificate;
    Ok(not_an_issuer.issued(authority.certificate()))
}

fn verify_without_authority(authority: &ThrowawayCa) -> io::Result<X509VerifyResult> {
    verify(&authority.server(ServerKind::Good)?.certificate, &trust(&[])?.build())
}

fn verify(certificate: &X509, store: &X509Store) -> io::Result<X509VerifyResult> {
    let mut context = X509StoreContext::new()?;
    let verdict = context.init(store, certificate, &*Stack::new()?, |context| {
        context.verify_cert()?;
        Ok(context.error())
    })?;
    Ok(verdict)
}

/// Parses the certificates of the authorities that issue the clients' certificates.
///
/// # Errors
/// When OpenSSL cannot parse one.
pub(crate) fn parse_authorities(certificates: &[Vec<u8>]) -> Result<Vec<X509>, ErrorStack> {
    let mut authorities = Vec::new();
    for der in certificates {
        authorities.push(X509::from_der(der)?);
    }
    Ok(authorities)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::device_lines::DEVICE_PROTOCOL;

    #[test]
    fn the_protocols_are_those_of_providers_and_of_devices() {
        let (http2, device) = ALPN.split_at(HTTP2_LENGTH);
        assert_eq!(http2, b"\x02h2");
        assert_eq!(usize::from(device[0]), DEVICE_PROTOCOL.len());
        assert_eq!(&device[1..], DEVICE_PROTOCOL);
    }
}
