//! Files with the certificates of authorities.

use crate::commands::shared::opening::Opener;
use crate::container::Contents;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::world::context::Context;
use crate::world::files::Location;

/// Reads the certificates in a file, in DER. The hint of a file without any says which are expected.
///
/// # Errors
/// When the file cannot be opened, or has no certificate.
pub(crate) fn read_authorities(
    opener: &Opener,
    location: &Location,
    hint: &str,
    context: &mut Context<'_>,
) -> Result<Vec<Vec<u8>>, Error> {
    certificates_of(opener.open(location, context)?, location, hint)
}

/// Returns the certificates of what was read, in DER.
///
/// # Errors
/// When there is none.
pub(crate) fn certificates_of(contents: Contents, location: &Location, hint: &str) -> Result<Vec<Vec<u8>>, Error> {
    if contents.certificates.is_empty() {
        return Err(Error::new(ExitKind::Input, format!("{location}: there is no certificate in it")).hint(hint));
    }
    Ok(contents.certificates.into_iter().map(|entry| entry.item.der).collect())
}
