//! The password for something that is written.

use std::io;

use zeroize::Zeroizing;

use crate::cli::password::PasswordSource;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::secret::Password;
use crate::world::context::Context;

/// How often a person may enter a password that does not do.
const TRIES: u32 = 3;

/// What the password is for.
pub(crate) struct NewPassword {
    /// What asks for it, such as "--encrypt"; the beginning of error messages.
    pub(crate) needed_by: &'static str,
    /// What is asked at a terminal, without the colon.
    pub(crate) question: &'static str,
    /// Which passwords will do.
    pub(crate) demand: PasswordRule,
}

/// Which passwords will do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PasswordRule {
    /// All.
    Any,
    /// All but the empty one.
    NotEmpty,
    /// Not the empty one, and ASCII: Java ends with "Password is not ASCII" at any other.
    Ascii,
}

impl PasswordRule {
    /// What a password has to be that will not do.
    fn objection(self, password: &[u8]) -> Option<&'static str> {
        match self {
            Self::NotEmpty | Self::Ascii if password.is_empty() => Some("that is not empty"),
            Self::Ascii if !password.is_ascii() => Some("in ASCII: Java reads no other"),
            Self::Any | Self::NotEmpty | Self::Ascii => None,
        }
    }
}

/// Reads the password, or asks for it twice at a terminal.
///
/// # Errors
/// When there is none, or it does not do.
pub(crate) fn read(
    source: Option<&PasswordSource>,
    purpose: &NewPassword,
    context: &mut Context<'_>,
) -> Result<Password, Error> {
    let given = match source {
        Some(source) => source.read(context, "--passout")?,
        None if context.is_interactive => None,
        None => {
            return Err(Error::new(ExitKind::Password, format!("{} needs a password", purpose.needed_by))
                .hint("give it with --passout env:VARIABLE, file:PATH, fd:NUMBER, stdin or prompt"));
        }
    };
    let password = given.map_or_else(|| ask(purpose, context), Ok)?;
    if let Some(expected) = purpose.demand.objection(password.as_bytes()) {
        return Err(Error::new(ExitKind::Password, format!("{} needs a password {expected}", purpose.needed_by)));
    }
    if std::str::from_utf8(password.as_bytes()).is_err() {
        return Err(Error::new(ExitKind::Password, "the new password is not UTF-8")
            .hint("other programs could not be given it: choose another"));
    }
    Ok(password)
}

fn ask(purpose: &NewPassword, context: &mut Context<'_>) -> Result<Password, Error> {
    let none = |e: io::Error| Error::new(ExitKind::Password, format!("no password was entered: {e}"));
    let mut problem = String::new();
    for _ in 0..TRIES {
        let first = context.terminal.secret(&format!("{problem}{}: ", purpose.question)).map_err(none)?;
        if let Some(expected) = purpose.demand.objection(first.as_bytes()) {
            problem = format!("{} needs a password {expected}. ", purpose.needed_by);
            continue;
        }
        let second: Zeroizing<String> = context.terminal.secret("The same again: ").map_err(none)?;
        if first == second {
            return Ok(Password::new(first.as_bytes().to_vec()));
        }
        "the two differ. ".clone_into(&mut problem);
    }
    Err(Error::new(ExitKind::Password, format!("no password was entered twice in {TRIES} tries"))
        .hint("try again, or give it with --passout env:VARIABLE, file:PATH, fd:NUMBER or stdin"))
}
