//! The server's side of TLS: its certificate, and the judgement of the client's.

use std::io;

use openssl::error::ErrorStack;
use openssl::ssl::{AlpnError, SslContext, SslContextBuilder, SslMethod, SslOptions, SslSessionCacheMode};
use openssl::ssl::{SslFiletype, SslVerifyMode, SslVersion, select_next_proto};
use openssl::stack::Stack;
use openssl::x509::store::{X509Lookup, X509Store, X509StoreBuilder};
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509StoreContext, X509VerifyResult};

use crate::gateway::GatewayOptions;
use crate::gateway::authority::{ServerKind, ThrowawayCa};
use crate::gateway::fault::Fault;

const ALPN: &[u8] = b"\x02h2";

/// Which versions of TLS are spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TlsVersions {
    /// Only 1.2.
    V12,
    /// Only 1.3.
    V13,
    /// Both.
    #[default]
    Both,
}

/// Prepares what all connections share.
///
/// # Errors
/// When OpenSSL cannot.
pub(crate) fn prepare(options: &GatewayOptions, authority: &ThrowawayCa) -> io::Result<SslContext> {
    let mut context = SslContext::builder(SslMethod::tls_server())?;
    let (first, last) = match options.tls {
        TlsVersions::V12 => (SslVersion::TLS1_2, Some(SslVersion::TLS1_2)),
        TlsVersions::V13 => (SslVersion::TLS1_3, Some(SslVersion::TLS1_3)),
        TlsVersions::Both => (SslVersion::TLS1_2, None),
    };
    context.set_min_proto_version(Some(first))?;
    context.set_max_proto_version(last)?;
    // Every connection is judged anew, and nothing is kept of it.
    context.set_session_cache_mode(SslSessionCacheMode::OFF);
    context.set_options(SslOptions::NO_TICKET | SslOptions::NO_RENEGOTIATION);
    context.set_num_tickets(0)?;
    let kind = match options.fault {
        Some(Fault::WrongHost) => ServerKind::WrongHost,
        Some(Fault::ExpiredServer) => ServerKind::Expired,
        Some(Fault::SelfSigned) => ServerKind::SelfSigned,
        _ => ServerKind::Good,
    };
    let server = authority.server(kind)?;
    context.set_certificate(&server.certificate)?;
    context.set_private_key(&server.key)?;
    if options.fault != Some(Fault::NoAlpn) {
        context.set_alpn_select_callback(|_, offered| select_next_proto(ALPN, offered).ok_or(AlpnError::ALERT_FATAL));
    }
    if options.fault != Some(Fault::NoRequest) {
        ask_for_certificate(&mut context, options, authority)?;
    }
    Ok(context.build())
}

fn ask_for_certificate(
    context: &mut SslContextBuilder,
    options: &GatewayOptions,
    authority: &ThrowawayCa,
) -> io::Result<()> {
    let own = [authority.certificate().clone()];
    let authorities = options.client_authorities.as_deref().unwrap_or(&own);
    let mut names = Stack::new()?;
    for authority in authorities {
        names.push(authority.subject_name().to_owned()?)?;
    }
    context.set_client_ca_list(names);
    context.set_verify_cert_store(store(authorities, |_| Ok(()))?)?;
    let mode = SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT;
    match options.fault {
        Some(Fault::Alert(number)) => {
            let result = result_for(number, authority)?;
            context.set_verify_callback(mode, move |_, context| {
                context.set_error(result);
                false
            });
        }
        _ => context.set_verify(mode),
    }
    Ok(())
}

/// A store of these, each trusted by itself.
fn store(
    certificates: &[X509],
    adjust: impl FnOnce(&mut X509StoreBuilder) -> Result<(), ErrorStack>,
) -> Result<X509Store, ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    store.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
    for certificate in certificates {
        store.add_cert(certificate.clone())?;
    }
    adjust(&mut store)?;
    Ok(store.build())
}

/// A judgement that OpenSSL answers with this alert (its table is `ssl_x509err2alert`). Judgements
/// cannot be made up without unsafe code, so each is the true one on a certificate made for it.
fn result_for(alert: u8, authority: &ThrowawayCa) -> io::Result<X509VerifyResult> {
    let trusted = [authority.certificate().clone()];
    let judge = |certificate: &X509, store: X509Store| -> io::Result<X509VerifyResult> {
        let mut context = X509StoreContext::new()?;
        Ok(context.init(&store, certificate, &*Stack::new()?, |context| {
            context.verify_cert()?;
            Ok(context.error())
        })?)
    };
    let good = || authority.server(ServerKind::Good).map(|issued| issued.certificate);
    match alert {
        40 => Ok(X509VerifyResult::APPLICATION_VERIFICATION),
        42 => {
            let mut parameters = X509VerifyParam::new()?;
            parameters.set_host("elsewhere.invalid")?;
            judge(&good()?, store(&trusted, |store| store.set_param(&parameters))?)
        }
        44 => {
            let certificate = good()?;
            let list = tempfile::NamedTempFile::new()?;
            std::fs::write(list.path(), authority.revoke(&certificate)?.to_pem()?)?;
            let add = |store: &mut X509StoreBuilder| {
                store.add_lookup(X509Lookup::file())?.load_crl_file(list.path(), SslFiletype::PEM)?;
                store.set_flags(X509VerifyFlags::CRL_CHECK)
            };
            judge(&certificate, store(&trusted, add)?)
        }
        45 => judge(&authority.server(ServerKind::Expired)?.certificate, store(&trusted, |_| Ok(()))?),
        46 => Ok(good()?.issued(authority.certificate())),
        48 => judge(&good()?, store(&[], |_| Ok(()))?),
        // "Fine" beside a refusal is a contradiction, which OpenSSL calls an internal error.
        _ => Ok(X509VerifyResult::OK),
    }
}

/// Reads the certificates of `--client-ca`.
///
/// # Errors
/// When one is none.
pub(crate) fn parse_authorities<'a>(list: impl Iterator<Item = &'a [u8]>) -> Result<Vec<X509>, ErrorStack> {
    list.map(X509::from_der).collect()
}
