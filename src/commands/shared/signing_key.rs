//! The key that signs provider tokens, from the file of `--p8`.

use crate::apns::provider_token::{SignError, TokenSigner, key_id_in};
use crate::commands::shared::advice;
use crate::commands::shared::opening::Opener;
use crate::commands::shared::unread;
use crate::container::Contents;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::key::PrivateKey;
use crate::world::context::Context;
use crate::world::files::Location;

/// The hint for a file without a private key.
const EXPECTED_KEY: &str = "--p8 takes the private key AuthKey_KEYID.p8, as Apple's developer portal gives it out";

/// The names of a key, as far as the command line gives them.
pub(crate) struct TokenNames<'a> {
    pub(crate) key_id: Option<&'a str>,
    pub(crate) team_id: &'a str,
}

/// A key that signs provider tokens, with its names.
pub(crate) struct SigningKey {
    pub(crate) signer: TokenSigner,
    pub(crate) key_id: String,
    /// The key ID in the name of the key's file, as Apple names it.
    pub(crate) key_id_of_file: Option<String>,
}

/// Reads the key, in whatever form its file has.
///
/// # Errors
/// When there is no such key in the file, or nobody names it.
pub(crate) fn read(
    file: &Location,
    names: &TokenNames<'_>,
    opener: &Opener,
    context: &mut Context<'_>,
) -> Result<SigningKey, Error> {
    let key_id_of_file = file_key_id(file);
    let key_id = match (names.key_id, &key_id_of_file) {
        (Some(id), _) => id.to_owned(),
        (None, Some(id)) => id.clone(),
        (None, None) => return Err(no_key_id(file)),
    };
    let contents = opener.open_key(file, EXPECTED_KEY, context)?;
    let key = only_key(file, &contents)?;
    match TokenSigner::new(key, &key_id, names.team_id) {
        Ok(signer) => Ok(SigningKey { signer, key_id, key_id_of_file }),
        Err(error) => Err(unusable(file, &error)),
    }
}

fn file_key_id(file: &Location) -> Option<String> {
    let Location::Path(path) = file else { return None };
    key_id_in(path.file_name()?.to_str()?)
}

fn no_key_id(file: &Location) -> Error {
    let name = advice::without_password(&file.to_string());
    let message = format!("{name}: its name does not contain the key ID, as AuthKey_ABC123DEFG.p8 does");
    Error::new(ExitKind::Usage, message).hint("give it with --key-id; Apple's developer portal shows it under Keys")
}

fn only_key<'a>(file: &Location, contents: &'a Contents) -> Result<&'a PrivateKey, Error> {
    match contents.keys.as_slice() {
        [entry] => Ok(&entry.item),
        [] => match contents.unread.iter().find(|unread| unread.may_be_key()) {
            Some(part) => Err(unread::explain(&file.to_string(), part)),
            None => {
                Err(Error::new(ExitKind::Input, format!("{file}: there is no private key in it")).hint(EXPECTED_KEY))
            }
        },
        several => {
            let message = format!("{file}: there are {} private keys in it, one is expected", several.len());
            Err(Error::new(ExitKind::Usage, message))
        }
    }
}

/// Explains why a key signs no tokens.
pub(crate) fn unusable(file: &Location, error: &SignError) -> Error {
    let failure = Error::new(ExitKind::Input, format!("{file}: {error}"));
    match error {
        SignError::WrongKey => failure.hint("Apple's token signing keys are .p8 files; a certificate's key is another"),
        SignError::KeyId | SignError::TeamId | SignError::OpenSsl(_) => failure,
    }
}
