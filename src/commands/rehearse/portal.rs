//! What Apple's developer portal does: it certifies the key of a request. Here a throwaway authority does it.

use std::path::Path;

use openssl::error::ErrorStack;
use openssl::x509::X509Req;

use crate::commands::shared::{advice, writing};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::gateway::authority::ThrowawayCa;
use crate::world::outputs::{self, Output};

/// The names of the authority, after those of Apple's.
const AUTHORITY: &str = "Rehearsal Worldwide Developer Relations Certification Authority";
const ORGANIZATION: &str = "pushcert rehearsal";

/// A certificate, and the authority that issued it.
pub(super) struct SignedRequest {
    /// In DER, as Apple's portal gives it out.
    pub(super) certificate: Vec<u8>,
    /// In PEM.
    pub(super) authority: Vec<u8>,
    /// What the certificate is, and who issued it.
    pub(super) description: String,
}

/// Certifies the key of a request for an app: its notifications, and those of the types that Apple lists with them.
///
/// # Errors
/// When the request cannot be read, or OpenSSL fails.
pub(super) fn sign(request: &Path, app: &str) -> Result<SignedRequest, Error> {
    let text = match std::fs::read(request) {
        Ok(text) => text,
        Err(error) => {
            return Err(advice::unreadable(&request.display().to_string(), &error));
        }
    };
    match certify(&text, app) {
        Ok(signed) => Ok(signed),
        Err(error) => Err(Error::new(ExitKind::Bug, format!("the throwaway authority cannot sign: {error}"))),
    }
}

fn certify(request: &[u8], app: &str) -> Result<SignedRequest, ErrorStack> {
    let request = X509Req::from_pem(request)?;
    let key = request.public_key()?;
    if !request.verify(&key)? {
        return Err(ErrorStack::get());
    }
    let authority = ThrowawayCa::named(AUTHORITY, ORGANIZATION)?;
    let topics = [app.to_owned(), format!("{app}.voip"), format!("{app}.complication")];
    let certificate = authority.certify(&topics, &key)?;
    // The key of the authority ends here: it signs nothing else.
    Ok(SignedRequest {
        certificate: certificate.to_der()?,
        authority: authority.certificate().to_pem()?,
        description: format!("Apple Push Services: {app}, signed by {AUTHORITY}"),
    })
}

/// Writes a new file of the rehearsal.
///
/// # Errors
/// Names the file.
pub(super) fn write(path: &Path, bytes: &[u8], is_private: bool) -> Result<(), Error> {
    match outputs::write_all(&[Output { path, bytes, is_private, force: false }]) {
        Ok(_) => Ok(()),
        Err(failure) => Err(writing::explain(failure)),
    }
}
