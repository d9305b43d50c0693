//! Where passwords come from: one grammar for all options that take one.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::exit::ExitKind;
use crate::secret::{self, Password};
use crate::text::{home_hint, is_like_path, is_variable_name};
use crate::world::context::Context;
use crate::world::files::Location;
use crate::world::password_command::{self, TIME_LIMIT};

/// A password longer than this is rather a file given by mistake.
const MAX_LENGTH: u64 = 64 << 10;

/// The sources of a password.
const GRAMMAR: &str = "env:VARIABLE, file:PATH, fd:NUMBER, cmd:COMMAND, stdin, prompt or pass:SECRET";

/// What to do where the variable is none, and its value may stand there. It is not shown.
const NAME_OF_VARIABLE: &str = "export it first, and write its name, such as env:P12_PASSWORD, without $";

const COMMAND_EXPECTED: &str = "cmd: takes a command that prints the password, such as cmd:\"pass show apple\"; a variable \
                                with the password is env:P12_PASSWORD";

/// A source of a password.
#[derive(Clone)]
pub(crate) enum PasswordSource {
    /// An environment variable.
    Env(String),
    /// The first line of a file.
    File(PathBuf),
    /// The first line of an open file descriptor.
    Fd(u32),
    /// The first line of standard input.
    Stdin,
    /// A question at the terminal.
    Prompt,
    /// The first line that a command of the shell prints.
    Command(Zeroizing<String>),
    /// The command line itself.
    Pass(Password),
    /// A command, or the name of a variable, that is not UTF-8: what it was to be.
    NotUtf8(&'static str),
    /// None of these. It is refused when it is read and not while parsing, for what stands here by
    /// mistake is often the password itself, and the parser of the command line would repeat it.
    Unknown,
}

impl fmt::Debug for PasswordSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordSource(…)")
    }
}

impl FromStr for PasswordSource {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.split_once(':').unwrap_or((text, "")) {
            ("env", name) if !name.is_empty() => Self::Env(name.to_owned()),
            ("file", path) if !path.is_empty() => Self::File(path.into()),
            ("fd", number) => match number.parse() {
                Ok(number) => Self::Fd(number),
                Err(_) => Self::Unknown,
            },
            ("stdin", "") => Self::Stdin,
            ("prompt", "") => Self::Prompt,
            ("cmd", command) if !command.trim().is_empty() => Self::Command(Zeroizing::new(command.to_owned())),
            ("pass", secret) if text.contains(':') => Self::Pass(Password::new(secret.into())),
            _ => Self::Unknown,
        })
    }
}

impl PasswordSource {
    /// Reads a source. The name of a file and a password need not be UTF-8.
    pub(crate) fn parse_os(text: OsString) -> Self {
        let text = match text.into_string() {
            Ok(text) => {
                let Ok(source) = text.parse();
                return source;
            }
            Err(text) => text,
        };
        let bytes = os_bytes(text);
        if let Some(path) = bytes.strip_prefix(b"file:") {
            return os_string(path).map_or(Self::Unknown, |path| Self::File(path.into()));
        }
        if let Some(secret) = bytes.strip_prefix(b"pass:") {
            return Self::Pass(Password::new(secret.to_vec()));
        }
        match bytes.split(|byte| *byte == b':').next() {
            Some(b"cmd") => Self::NotUtf8("the command behind cmd:"),
            Some(b"env") => Self::NotUtf8("the name of the variable behind env:"),
            _ => Self::Unknown,
        }
    }

    /// Returns it as the option of a command that is shown: a password itself, or a command that may contain one, is not.
    pub(crate) fn shown(&self) -> OsString {
        match self {
            Self::Env(name) if is_variable_name(name) => format!("env:{name}").into(),
            Self::File(path) if may_be_named(path) => {
                let mut word = OsString::from("file:");
                word.push(path);
                word
            }
            Self::Fd(number) => format!("fd:{number}").into(),
            Self::Stdin => "stdin".into(),
            Self::Env(_)
            | Self::File(_)
            | Self::Prompt
            | Self::Command(_)
            | Self::Pass(_)
            | Self::NotUtf8(_)
            | Self::Unknown => "prompt".into(),
        }
    }

    /// Returns whether it reads standard input.
    pub(crate) fn takes_stdin(&self) -> bool {
        matches!(self, Self::Stdin)
    }

    /// Returns whether the password is in a file that is an output too.
    pub(crate) fn is_read_from(&self, output: &Location) -> bool {
        match self {
            Self::File(path) => output.is_same_output(&Location::Path(path.clone())),
            Self::Fd(number) => output.is_same_output(&Location::Path(format!("/dev/fd/{number}").into())),
            Self::Stdin => matches!(output, Location::Path(_)) && output.is_standard_input(),
            Self::Env(_) | Self::Prompt | Self::Command(_) | Self::Pass(_) | Self::NotUtf8(_) | Self::Unknown => false,
        }
    }

    /// Reads the password; `None` where a person is to be asked. `option` is the option that names the source.
    ///
    /// # Errors
    /// When the source has no password.
    pub(crate) fn read(&self, context: &mut Context<'_>, option: &str) -> Result<Option<Password>, Error> {
        match self {
            Self::Env(name) => match (context.variable)(name) {
                Some(value) => Ok(Some(Password::new(os_bytes(value)))),
                None if is_variable_name(name) => {
                    let problem = format!("the environment variable {name} is not set");
                    Err(missing(option, &problem).hint(format!("export {name} first")))
                }
                None => Err(missing(option, "the environment variable is not set").hint(NAME_OF_VARIABLE)),
            },
            Self::File(path) => read_file(path, option, &name_of_file(path)),
            Self::Fd(number) => {
                let path = format!("/dev/fd/{number}");
                read_file(path.as_ref(), option, &format!("file descriptor {number}"))
            }
            Self::Stdin => read_line(&mut *context.stdin, option, "standard input"),
            Self::Prompt => Ok(None),
            Self::Command(command) => match password_command::first_line(command, TIME_LIMIT) {
                Ok(password) => Ok(Some(password)),
                Err(error) if error.is_of_shell() => Err(missing(option, &error.to_string()).hint(COMMAND_EXPECTED)),
                Err(error) => Err(missing(option, &error.to_string())),
            },
            Self::Pass(password) => {
                writeln!(
                    context.stderr,
                    "warning: {option} pass: shows the password in process lists and shell histories; env:, file: and fd: do not"
                )?;
                Ok(Some(password.clone()))
            }
            Self::NotUtf8(what) => Err(Error::new(ExitKind::Usage, format!("{option}: {what} is not UTF-8"))
                .hint("type it in UTF-8; file: takes a file with the password, whatever its name and its bytes")),
            Self::Unknown => Err(Error::new(ExitKind::Usage, format!("{option}: {GRAMMAR} is expected"))),
        }
    }
}

fn missing(option: &str, problem: &str) -> Error {
    Error::new(ExitKind::Password, format!("{option}: {problem}"))
}

/// Returns whether the name of a file may be shown. A word that is no path, without such a file, may be a password.
pub(crate) fn may_be_named(path: &Path) -> bool {
    is_like_path(&path.to_string_lossy()) || path.symlink_metadata().is_ok()
}

fn name_of_file(path: &Path) -> String {
    if may_be_named(path) { path.display().to_string() } else { "the file".to_owned() }
}

fn read_file(path: &Path, option: &str, name: &str) -> Result<Option<Password>, Error> {
    match File::open(path) {
        Ok(file) => read_line(file, option, name),
        Err(error) => Err(unreadable(option, name, &error)),
    }
}

fn unreadable(option: &str, name: &str, error: &std::io::Error) -> Error {
    let hint = match error.kind() {
        std::io::ErrorKind::IsADirectory => "a file is expected, whose first line is the password",
        std::io::ErrorKind::PermissionDenied => "run the command as a user who may read it, or change its mode",
        _ => "check its name: a file is expected, whose first line is the password",
    };
    let failure = missing(option, &format!("cannot read {name}: {error}"));
    match home_hint(name) {
        Some(hint) if error.kind() == std::io::ErrorKind::NotFound => {
            failure.hint(hint.replacen("give \"", "give file:\"", 1))
        }
        _ => failure.hint(hint),
    }
}

fn read_line(reader: impl Read, option: &str, name: &str) -> Result<Option<Password>, Error> {
    match first_line(reader) {
        Ok(password) => Ok(Some(password)),
        Err(error) => Err(unreadable(option, name, &error)),
    }
}

#[cfg(unix)]
fn os_bytes(value: OsString) -> Vec<u8> {
    std::os::unix::ffi::OsStringExt::into_vec(value)
}

#[cfg(not(unix))]
fn os_bytes(value: OsString) -> Vec<u8> {
    value.to_string_lossy().into_owned().into_bytes()
}

/// Returns the name of a file that need not be UTF-8.
#[cfg(unix)]
pub(crate) fn os_string(bytes: &[u8]) -> Option<OsString> {
    Some(std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec()))
}

#[cfg(not(unix))]
pub(crate) fn os_string(_: &[u8]) -> Option<OsString> {
    None
}

/// Reads the first line without its end.
fn first_line(reader: impl Read) -> std::io::Result<Password> {
    let mut line = Zeroizing::new(Vec::new());
    BufReader::new(reader.take(MAX_LENGTH)).read_until(b'\n', &mut line)?;
    Ok(Password::new(secret::first_line(&line).to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources() {
        let shape = |text: &str| match text.parse::<PasswordSource>() {
            Ok(PasswordSource::Env(name)) => format!("env {name}"),
            Ok(PasswordSource::File(path)) => format!("file {}", path.display()),
            Ok(PasswordSource::Fd(number)) => format!("fd {number}"),
            Ok(PasswordSource::Stdin) => "stdin".to_owned(),
            Ok(PasswordSource::Prompt) => "prompt".to_owned(),
            Ok(PasswordSource::Command(command)) => format!("cmd {}", *command),
            Ok(PasswordSource::Pass(password)) => format!("pass {}", password.as_bytes().len()),
            Ok(PasswordSource::NotUtf8(what)) => what.to_owned(),
            Ok(PasswordSource::Unknown) => "unknown".to_owned(),
            Err(never) => match never {},
        };
        assert_eq!(shape("env:A:B"), "env A:B");
        assert_eq!(shape("file:/x"), "file /x");
        assert_eq!(shape("fd:3"), "fd 3");
        assert_eq!(shape("stdin"), "stdin");
        assert_eq!(shape("prompt"), "prompt");
        assert_eq!(shape("cmd:a b:c"), "cmd a b:c");
        assert_eq!(shape("pass:a:b"), "pass 3");
        assert_eq!(shape("pass:"), "pass 0");
        for wrong in ["hunter2", "env:", "file:", "fd:x", "pass", "stdin:x", "cmd", "cmd: "] {
            assert_eq!(shape(wrong), "unknown");
        }
    }
}
