//! The certificate and the key that are presented to a gateway.

use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::x509::X509;

use crate::certificate::Certificate;
use crate::container::Contents;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::identity::Collection;
use crate::net::tls::ClientIdentity;
use crate::world::files::Location;

/// Explains that OpenSSL cannot present the certificate in a file.
pub(crate) fn unusable(file: &Location, error: &ErrorStack) -> Error {
    Error::new(ExitKind::Input, format!("{file}: OpenSSL cannot use it for TLS: {error}"))
}

/// Returns the certificate with its key and the authorities in its file.
///
/// # Errors
/// When OpenSSL cannot read one of them.
pub(crate) fn client_identity(leaf: &Certificate, contents: &Contents) -> Result<ClientIdentity, ErrorStack> {
    let collection = Collection::new(&contents.certificates, &contents.keys);
    let key = match collection.key_of(leaf) {
        Some(entry) => entry.item.pkcs8(),
        None => &[],
    };
    let mut authorities = Vec::new();
    let mut current = leaf;
    // A loop of issuers ends when every certificate could have been used.
    while authorities.len() < contents.certificates.len() {
        let Some(issuer) = issuer_in(contents, current) else { break };
        authorities.push(X509::from_der(&issuer.der)?);
        current = issuer;
    }
    Ok(ClientIdentity { leaf: X509::from_der(&leaf.der)?, authorities, key: PKey::private_key_from_pkcs8(key)? })
}

/// Returns the certificate that issued another one; a root that signed itself has none.
pub(crate) fn issuer_in<'a>(contents: &'a Contents, certificate: &Certificate) -> Option<&'a Certificate> {
    for entry in &contents.certificates {
        let candidate = &entry.item;
        if candidate.is_ca && certificate.names_as_issuer(candidate) && candidate.der != certificate.der {
            return Some(candidate);
        }
    }
    None
}
