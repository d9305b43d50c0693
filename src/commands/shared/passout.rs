//! The password for something that is written.

use crate::cli::password::PasswordSource;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::secret::{Password, PasswordOddity};
use crate::world::context::Context;

/// The number of tries at a terminal.
const TRIES: u32 = 3;

/// A password that is to be chosen.
pub(crate) struct NewPassword {
    /// The option that needs it, such as "--encrypt"; the beginning of error messages.
    pub(crate) needed_by: &'static str,
    /// The question at a terminal, without the colon.
    pub(crate) question: &'static str,
    pub(crate) rule: PasswordRule,
    /// What to do for a file without a password, where the rule wants one.
    pub(crate) without: Option<&'static str>,
}

/// The rule that a new password must keep.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PasswordRule {
    Any,
    NotEmpty,
    /// Not empty, and of U+0020 to U+007E: Java ends with "Password is not ASCII" at any other (`PBEKey` of SunJCE).
    PrintableAscii,
}

impl PasswordRule {
    /// Returns what a password must be that breaks the rule.
    fn violation(self, password: &[u8]) -> Option<&'static str> {
        match self {
            Self::NotEmpty | Self::PrintableAscii if password.is_empty() => Some("that is not empty"),
            Self::PrintableAscii if !password.is_ascii() => Some("in ASCII: Java reads no other"),
            Self::PrintableAscii if password.iter().any(u8::is_ascii_control) => {
                Some("without control characters, such as a tab: Java reads none")
            }
            Self::Any | Self::NotEmpty | Self::PrintableAscii => None,
        }
    }
}

/// Reads the password, or asks for it twice at a terminal.
///
/// # Errors
/// When there is none, or it breaks the rule.
pub(crate) fn read(
    source: Option<&PasswordSource>,
    wanted: &NewPassword,
    context: &mut Context<'_>,
) -> Result<Password, Error> {
    let given = match source {
        Some(source) => source.read(context, "--passout")?,
        None if context.asks_for_passwords => None,
        None => {
            return Err(Error::new(ExitKind::Password, format!("{} needs a password", wanted.needed_by))
                .hint("give it with --passout env:VARIABLE, file:PATH, fd:NUMBER, cmd:COMMAND, stdin or prompt"));
        }
    };
    let password = match given {
        Some(password) => password,
        None => ask(wanted, context)?,
    };
    if let Some(expected) = wanted.rule.violation(password.as_bytes()) {
        let failure = Error::new(ExitKind::Password, format!("{} needs a password {expected}", wanted.needed_by));
        return Err(match (password.as_bytes(), wanted.without) {
            (b"", Some(without)) => failure.hint(without),
            _ => failure,
        });
    }
    if let Some(problem) = unusable(&password) {
        return Err(Error::new(ExitKind::Password, format!("the new password {problem}"))
            .hint("other programs could not be given it: choose another"));
    }
    Ok(password)
}

/// Returns why other programs could not be given a password. What only looks odd, such as quotes, may be meant.
fn unusable(password: &Password) -> Option<&'static str> {
    match password.oddity() {
        Some(PasswordOddity::Utf16 | PasswordOddity::Nul) => return Some("is in UTF-16, or has a NUL in it"),
        Some(PasswordOddity::ByteOrderMark) => return Some("begins with a byte order mark"),
        Some(PasswordOddity::LineEnd) => return Some("ends in a line end (LF or CR)"),
        Some(
            PasswordOddity::NotUtf8
            | PasswordOddity::Empty
            | PasswordOddity::Blank
            | PasswordOddity::Quotes
            | PasswordOddity::Invisible
            | PasswordOddity::Hexadecimal,
        )
        | None => {}
    }
    let bytes = password.as_bytes();
    if bytes.contains(&b'\n') {
        return Some("has a line end in it");
    }
    if std::str::from_utf8(bytes).is_err() { Some("is not UTF-8") } else { None }
}

/// Where a new password can be given.
pub(crate) const GIVE_IT: &str = "give it with --passout env:VARIABLE, file:PATH, fd:NUMBER, cmd:COMMAND or stdin";

/// What to do after several tries.
pub(crate) const TRY_AGAIN: &str =
    "try again, or give it with --passout env:VARIABLE, file:PATH, fd:NUMBER, cmd:COMMAND or stdin";

fn ask(wanted: &NewPassword, context: &mut Context<'_>) -> Result<Password, Error> {
    let (mut problem, mut told) = (String::new(), String::new());
    for _ in 0..TRIES {
        // What was said of a password is not said again of the next.
        let said = if problem == told { "" } else { problem.as_str() };
        let first = ask_once(&format!("{said}{}: ", wanted.question), context)?;
        told = std::mem::take(&mut problem);
        if let Some(expected) = wanted.rule.violation(first.as_bytes()) {
            problem = format!("{} needs a password {expected}. ", wanted.needed_by);
            continue;
        }
        if let Some(unusable) = unusable(&first) {
            problem = format!("the password {unusable}: other programs could not be given it. ");
            continue;
        }
        let second = ask_once("Confirm password: ", context)?;
        if first.as_bytes() == second.as_bytes() {
            return Ok(first);
        }
        "the passwords do not match. ".clone_into(&mut problem);
        told.clear();
    }
    Err(Error::new(ExitKind::Password, format!("no password was entered twice in {TRIES} tries")).hint(TRY_AGAIN))
}

fn ask_once(question: &str, context: &mut Context<'_>) -> Result<Password, Error> {
    match context.terminal.secret(question) {
        Ok(password) => Ok(Password::new(password.to_vec())),
        Err(error) => Err(Error::new(ExitKind::Password, format!("no password was entered: {error}")).hint(GIVE_IT)),
    }
}

#[cfg(test)]
mod tests {
    use super::PasswordRule;

    #[test]
    fn java_takes_printable_ascii_alone() {
        let breaks = |password: &[u8]| PasswordRule::PrintableAscii.violation(password).is_some();
        for byte in 0..=u8::MAX {
            assert_eq!(breaks(&[b'a', byte]), !matches!(byte, b' '..=b'~'), "{byte:#x}");
        }
        assert!(breaks(b""));
    }
}
