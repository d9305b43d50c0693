//! The certificate under test, from the input files.

use openssl::error::ErrorStack;
use openssl::x509::{X509, X509VerifyResult};
use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::chain::APPLE;
use crate::certificate::warning::{self, KeyState};
use crate::check::ground::Ground;
use crate::check::revocation::Revocation;
use crate::check::{Credential, TestedIdentity};
use crate::cli::check::CheckArgs;
use crate::commands::check::policy;
use crate::commands::shared::client_identity::{client_identity, issuer_in, unusable};
use crate::commands::shared::judging::refuse_request;
use crate::commands::shared::left_out;
use crate::commands::shared::unread;
use crate::container::Contents;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::finding::FindingCode;
use crate::identity::{Collection, SelectError};
use crate::net::proxy::ProxyChoice;
use crate::world::files::Location;

/// A certificate, and the reason why it has no key.
pub(super) struct SelectedLeaf<'a> {
    pub(super) leaf: &'a Certificate,
    no_key: Option<Ground>,
}

/// Selects the certificate, with its key if there is one.
pub(super) fn select<'a>(arguments: &CheckArgs, contents: &'a Contents) -> Result<SelectedLeaf<'a>, Error> {
    unread::check_mac(arguments.input(), contents)?;
    refuse_request(arguments.input(), contents, arguments.key.is_some())?;
    let collection = Collection::new(&contents.certificates, &contents.keys);
    let wanted = arguments.select.as_deref();
    let no_key = match collection.select(wanted, true) {
        Ok(entry) => return Ok(SelectedLeaf { leaf: &entry.item, no_key: None }),
        Err(SelectError::NoKey(_) | SelectError::KeyMissing(_)) if !contents.may_have_unread_key() => {
            Ground::KeyMissing
        }
        Err(SelectError::Mismatch(_)) if !contents.may_have_unread_key() => Ground::KeyMismatch,
        Err(error) => return Err(unread::explain_selection(arguments.input(), contents, &error)),
    };
    match collection.select(wanted, false) {
        Ok(entry) => Ok(SelectedLeaf { leaf: &entry.item, no_key: Some(no_key) }),
        Err(error) => Err(unread::explain_selection(arguments.input(), contents, &error)),
    }
}

/// Prepares the certificate for TLS, with the warnings that are known without asking a gateway.
pub(super) fn prepare(
    arguments: &CheckArgs,
    selected: SelectedLeaf<'_>,
    contents: &Contents,
    now: OffsetDateTime,
) -> Result<TestedIdentity, Error> {
    let SelectedLeaf { leaf, no_key } = selected;
    let mut warnings = Vec::new();
    if arguments.select.is_none() && no_key.is_none() {
        // The one that is asked about may be the newer one.
        for newer in left_out::judge(contents, leaf, &[]).iter().filter(|warning| warning.hint.is_some()) {
            warnings.push(newer.with_hint(&newer.message));
        }
    }
    let identity = match no_key {
        Some(ground) => {
            warnings.push(no_key_warning(ground).to_owned());
            Err(ground)
        }
        None => match client_identity(leaf, contents) {
            Ok(identity) => match identity.try_out() {
                Ok(()) => Ok(Credential::Certificate(identity)),
                Err(error) => {
                    let file = arguments.key.as_ref().unwrap_or(arguments.input());
                    warnings.push(format!("OpenSSL cannot sign with the private key in {file}: {error}"));
                    Err(Ground::KeyUnusable)
                }
            },
            Err(error) => return Err(unusable(arguments.input(), &error)),
        },
    };
    let chain = APPLE.judge(leaf, &contents.authorities(), now);
    let findings = policy::judge(arguments, leaf, now);
    for found in warning::judge_leaf(leaf, &chain, Some(KeyState::Matches), now) {
        // Each gateway judges the environment, and the policy may have said the same.
        let is_known = findings.iter().any(|finding| finding.code == found.code);
        if found.code != FindingCode::SandboxOnly && !is_known {
            warnings.push(found.message.to_string());
        }
    }
    let (title, environments) = (leaf.title().to_owned(), leaf.environments.clone());
    Ok(TestedIdentity { identity, title, warnings, environments, findings })
}

fn no_key_warning(ground: Ground) -> &'static str {
    if ground == Ground::KeyMissing {
        "has no private key beside it"
    } else {
        "does not match the private key beside it"
    }
}

/// Prepares the question about revocation, with the issuer that Apple publishes or that is in the file.
pub(super) fn revocation(
    file: &Location,
    leaf: &Certificate,
    contents: &Contents,
    proxies: ProxyChoice,
) -> Result<Revocation, Error> {
    let issuer = match APPLE.issuer_of(leaf) {
        Some((_, issuer)) => Some(issuer),
        None => issuer_in(contents, leaf),
    };
    match revocation_of(leaf, issuer, proxies) {
        Ok(revocation) => Ok(revocation),
        Err(error) => Err(Error::new(ExitKind::Input, format!("{file}: OpenSSL cannot read it: {error}"))),
    }
}

fn revocation_of(
    certificate: &Certificate,
    issuer: Option<&Certificate>,
    proxies: ProxyChoice,
) -> Result<Revocation, ErrorStack> {
    let leaf = X509::from_der(&certificate.der)?;
    let Some(issuer) = issuer else { return Ok(Revocation { leaf, issuer: None, proxies }) };
    let issuer = X509::from_der(&issuer.der)?;
    let has_issued = issuer.issued(&leaf) == X509VerifyResult::OK;
    Ok(Revocation { leaf, issuer: has_issued.then_some(issuer), proxies })
}
