//! Files with the certificates of authorities.

use crate::commands::shared::opening::Opener;
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
    let contents = opener.open(location, context)?;
    if contents.certificates.is_empty() {
        return Err(Error::new(ExitKind::Input, format!("{location}: there is no certificate in it")).hint(hint));
    }
    Ok(contents.certificates.into_iter().map(|entry| entry.item.der).collect())
}
