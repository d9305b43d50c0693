//! Judges the parts of a file that were not read: whether a command can go on without them.

use crate::certificate::apple::CertificateKind;
use crate::commands::shared::advice;
use crate::container::{Container, Contents, OpenError, PasswordTarget, Unread};
use crate::error::Error;
use crate::identity::SelectError;
use crate::pkcs12::Holds;
use crate::report::style::Paint;
use crate::text::printable;
use crate::world::context::Context;
use crate::world::files::{Location, input_name};

/// The most parts of a file that are warned of one by one.
const MAX_WARNINGS: usize = 10;

/// Explains why a part of a file was not read.
pub(crate) fn explain(file: &str, unread: &Unread) -> Error {
    let described = advice::explain(file, &unread.error);
    Error { message: format!("{}: {unread}", input_name(file)).into(), ..described }
}

/// Explains why there is no identity to use: what is missed may be among the parts that were not read.
pub(crate) fn explain_selection(file: &Location, contents: &Contents, error: &SelectError) -> Error {
    let missed: Option<fn(&Unread) -> bool> = match error {
        SelectError::NoCertificate { .. } | SelectError::NotFound(..) => Some(Unread::may_be_certificate),
        SelectError::NoKey(_) | SelectError::KeyMissing(_) | SelectError::Mismatch(_) => Some(Unread::may_be_key),
        SelectError::Several(_) | SelectError::Damaged { .. } | SelectError::Authority { .. } => None,
    };
    if let Some(is_missed) = missed
        && let Some(unread) = contents.unread.iter().find(|unread| is_missed(unread))
    {
        return explain(&file.to_string(), unread);
    }
    let described = advice::explain(&file.to_string(), error);
    match (error, contents.container) {
        (SelectError::Mismatch(_), _) if contents.has_token_key => described.hint(TOKEN_KEY),
        (SelectError::NoKey(_) | SelectError::KeyMissing(_), _) if is_for_mdm(contents) => {
            described.hint(KEY_OF_MDM_CERTIFICATE)
        }
        (SelectError::NoKey(_) | SelectError::KeyMissing(_), _) if is_of_portal(contents) => {
            described.hint(format!("{KEY_OF_PORTAL_CERTIFICATE}; --no-key writes the certificate alone"))
        }
        _ => described,
    }
}

/// Returns whether all certificates that are no authorities are for device management.
pub(crate) fn is_for_mdm(contents: &Contents) -> bool {
    let mut leaves = contents.certificates.iter().filter(|entry| !entry.item.is_ca).peekable();
    leaves.peek().is_some() && leaves.all(|entry| entry.item.kind == CertificateKind::Mdm)
}

const TOKEN_KEY: &str = "AuthKey_….p8 is an APNs token signing key, and belongs to no certificate: a provider takes it without one, pushcert check \
     and push with --p8 FILE --team-id TEAMID --topic TOPIC; --key takes the key that the certificate's request was made with";

const KEY_OF_MDM_CERTIFICATE: &str = "give the key that its request was made with: --key FILE; it is in the MDM server, or beside the request that the MDM's \
     vendor signed (a renewal with the same request has the same key); --no-key writes the certificate alone";

/// Returns whether a file is what Apple's portal gives: such a file never has a key.
pub(crate) fn is_of_portal(contents: &Contents) -> bool {
    matches!(contents.container, Container::Der | Container::Pkcs7)
}

pub(crate) const KEY_OF_PORTAL_CERTIFICATE: &str = "give the key that its request was made with: --key FILE (pushcert csr writes push.key; made with Keychain Access, \
     it is there: import the certificate, and export both from My Certificates)";

/// Refuses a file whose MAC was not verified: what is in it may have been changed.
pub(crate) fn check_mac(file: &Location, contents: &Contents) -> Result<(), Error> {
    match contents.unread.iter().find(|unread| unread.holds == Holds::Mac) {
        Some(unread) => Err(explain(&file.to_string(), unread)),
        None => Ok(()),
    }
}

/// Returns whether a MAC was not checked since no password was given. All programs show what is in the clear beside it.
pub(crate) fn is_mac_unchecked(contents: &Contents) -> bool {
    let is_unchecked = |unread: &Unread| {
        unread.holds == Holds::Mac && matches!(unread.error, OpenError::PasswordNeeded(PasswordTarget::Pkcs12))
    };
    contents.unread.iter().any(is_unchecked)
}

/// Warns of such a MAC.
pub(crate) fn warn_of_mac(file: &Location, contents: &Contents, context: &mut Context<'_>) -> Result<(), Error> {
    if !is_mac_unchecked(contents) {
        return Ok(());
    }
    let word = Paint::new(context.stderr_has_color).warning("warning:");
    let name = file.input_name();
    let problem = "its MAC was not checked, for that takes the password: what is in it may have been changed";
    Ok(writeln!(context.stderr, "{word} {name}: {problem}")?)
}

/// Refuses to go on where a certificate may be missing.
pub(crate) fn check_certificates(file: &Location, contents: &Contents) -> Result<(), Error> {
    match contents.unread.iter().find(|unread| unread.may_be_certificate()) {
        Some(unread) => Err(explain(&file.to_string(), unread)),
        None => Ok(()),
    }
}

/// Warns of each part that was not read, and is left out.
pub(crate) fn warn(file: &Location, contents: &Contents, context: &mut Context<'_>) -> Result<(), Error> {
    let mut parts = Vec::new();
    for unread in contents.unread.iter().filter(|unread| unread.holds != Holds::Mac) {
        parts.push(unread.to_string());
    }
    warn_of_parts(file, &parts, context)
}

/// Warns of the secrets of other applications, which are left out.
pub(crate) fn warn_of_secrets(file: &Location, contents: &Contents, context: &mut Context<'_>) -> Result<(), Error> {
    let mut parts = Vec::new();
    for bag in contents.secrets() {
        parts.push(format!("a secret of another application ({})", bag.place()));
    }
    warn_of_parts(file, &parts, context)
}

fn warn_of_parts(file: &Location, parts: &[String], context: &mut Context<'_>) -> Result<(), Error> {
    let paint = Paint::new(context.stderr_has_color);
    for part in parts.iter().take(MAX_WARNINGS) {
        let sentence = printable(&format!("{}: left out: {part}", file.input_name()));
        writeln!(context.stderr, "{} {sentence}", paint.warning("warning:"))?;
    }
    if let Some(more @ 1..) = parts.len().checked_sub(MAX_WARNINGS) {
        let file = file.input_name();
        writeln!(context.stderr, "{} {file}: left out: {more} more parts", paint.warning("warning:"))?;
    }
    Ok(())
}
