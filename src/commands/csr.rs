//! `pushcert csr`.

use std::path::Path;

use zeroize::Zeroizing;

use crate::cli::csr::CsrArgs;
use crate::commands::shared::opening::{Opener, check_stdin};
use crate::commands::shared::passout::{self, NewPassword, PasswordRule};
use crate::container::{self, OpenError, Passwords};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::key::PrivateKey;
use crate::limits::DEFAULT_MAX_ITERATIONS;
use crate::pem;
use crate::report::human::csr::{CsrKeyReport, CsrReport, human};
use crate::report::json;
use crate::report::shell::shell_word;
use crate::report::style::Paint;
use crate::request::{self, RequestError, RequestSubject};
use crate::world::context::Context;
use crate::world::files::{self, Location, Output, WriteError};
use crate::world::terminal::InputCheck;

pub(super) fn run(arguments: &CsrArgs, context: &mut Context<'_>) -> Result<(), Error> {
    check_flags(arguments, context)?;
    let plan = CsrOutputs::new(arguments)?;
    let inputs: Vec<&Location> = arguments.key.iter().collect();
    check_stdin(&inputs, &[arguments.opening.passin.as_ref(), arguments.passout.as_ref()])?;
    let subject = subject(arguments, context)?;
    let (key, key_text) = match &arguments.key {
        Some(location) => (existing_key(arguments, location, context)?, None),
        None => new_key(arguments, context)?,
    };
    let key_file = arguments.key.as_ref().unwrap_or(&arguments.key_out).to_string();
    let described = |error: RequestError| Error::in_file(&key_file, &error);
    let kind = key.public().kind();
    if !arguments.any_key && !request::is_for_portal(&kind) {
        return Err(described(RequestError::NotForPortal(kind)));
    }
    let request = request::make(&subject, &key).map_err(described)?;
    if let (Some(path), Some(text)) = (plan.key, &key_text) {
        // First the key: a request whose key is lost is worth nothing, and worse once it is signed.
        let output = Output { path, bytes: text.as_bytes(), is_private: true };
        files::write_all(&[output], false).map_err(|(path, error)| key_error(path, &error))?;
    }
    let text = pem::encode("CERTIFICATE REQUEST", &request);
    write_request(arguments, text.as_bytes(), context).map_err(|error| match plan.key {
        Some(path) => key_stays(error, path),
        None => error,
    })?;

    let created = key_text.is_some();
    let encrypted = created.then_some(arguments.encrypt);
    let key_report = CsrKeyReport { file: key_file, created, encrypted, kind };
    let report = CsrReport::new(arguments.output.to_string(), key_report, key.public().spki_sha256(), &subject);
    if arguments.json {
        json::write(context.stdout, &report)?;
    } else {
        human(context.stderr, &report, Paint::new(context.stderr_has_color))?;
    }
    Ok(())
}

/// Where things go, checked before anything is asked or made.
struct CsrOutputs<'a> {
    /// The file of the new key.
    key: Option<&'a Path>,
}

impl<'a> CsrOutputs<'a> {
    fn new(arguments: &'a CsrArgs) -> Result<Self, Error> {
        let key = match (&arguments.key, &arguments.key_out) {
            (Some(_), _) => None,
            (None, Location::Path(path)) if !arguments.key_out.is_same_output(&Location::Standard) => {
                Some(path.as_path())
            }
            (None, _) => {
                return Err(Error::new(
                    ExitKind::Usage,
                    "--key-out: a new private key goes to a file, not to standard output",
                )
                .hint("name a file: what is lost on the way is lost for ever"));
            }
        };
        if key.is_some() && arguments.key_out.is_same_output(&arguments.output) {
            return Err(Error::new(ExitKind::Usage, "the key and the request have the same name"));
        }
        if arguments.json && arguments.output.is_same_output(&Location::Standard) {
            return Err(Error::new(ExitKind::Usage, "--json reports on standard output, where the request would go")
                .hint("write the request to a file with -o"));
        }
        if let Some(path) = key {
            files::check_free(path).map_err(|error| key_error(path, &error))?;
        }
        if let Location::Path(path) = &arguments.output {
            match files::check_free(path) {
                Err(WriteError::Exists) if arguments.force => check_replaceable(path)?,
                checked => checked.map_err(|error| Error::in_file(&path.display().to_string(), &error))?,
            }
        }
        Ok(Self { key })
    }
}

/// What a file holds that is in the way of a request.
enum Existing {
    /// Requests and certificates alone, or nothing: it can be made or downloaded again.
    Replaceable,
    /// A private key.
    Key,
    /// Something that was not read, which may be a key.
    Unread,
}

/// Looks into a file that --force would replace.
fn existing(path: &Path) -> Existing {
    let Ok(bytes) = files::read(&Location::Path(path.to_owned()), &mut std::io::empty()) else {
        return Existing::Unread;
    };
    match container::open(&bytes, &mut Passwords::None, DEFAULT_MAX_ITERATIONS) {
        Ok(contents) if !contents.keys.is_empty() => Existing::Key,
        Ok(contents) if contents.is_read_whole => Existing::Replaceable,
        Ok(_) => Existing::Unread,
        Err(unopened) => match unopened.error {
            OpenError::Empty => Existing::Replaceable,
            OpenError::PasswordNeeded(_) => Existing::Key,
            _ => Existing::Unread,
        },
    }
}

/// Refuses to replace what is not known to be replaceable, not even with --force.
fn check_replaceable(path: &Path) -> Result<(), Error> {
    match existing(path) {
        Existing::Replaceable => Ok(()),
        Existing::Key => Err(key_error(path, &WriteError::Exists)),
        Existing::Unread => Err(Error::in_file(&path.display().to_string(), &WriteError::Exists).hint(
            "--force replaces requests and certificates alone, and this file may hold a key: choose another name",
        )),
    }
}

/// Names the flags that are missing where nobody can be asked.
fn check_flags(arguments: &CsrArgs, context: &Context<'_>) -> Result<(), Error> {
    let parts = [("--email", &arguments.email), ("--name", &arguments.name), ("--country", &arguments.country)];
    let missing: Vec<&str> = parts.iter().filter(|(_, value)| value.is_none()).map(|(flag, _)| *flag).collect();
    let list = match missing[..] {
        _ if context.is_interactive => return Ok(()),
        [] => return Ok(()),
        [one] => format!("{one} is"),
        [.., last] => format!("{} and {last} are", missing[..missing.len() - 1].join(", ")),
    };
    Err(Error::new(ExitKind::Usage, format!("{list} missing, and there is no terminal to ask at"))
        .hint("for example: pushcert csr --email jo@example.com --name 'Jo Doe' --country DE"))
}

/// The subject: from the arguments, and what is missing from a person.
fn subject(arguments: &CsrArgs, context: &mut Context<'_>) -> Result<RequestSubject, Error> {
    let mut ask = |value: &Option<String>, question: &str, check: fn(&str) -> InputCheck| match value {
        Some(value) => Ok(value.clone()),
        None => context.terminal.input(question, None, &check).map_err(super::unanswered),
    };
    Ok(RequestSubject {
        email: ask(&arguments.email, "E-mail address", request::check_email)?,
        name: ask(&arguments.name, "Name (yours, or the company's)", request::check_name)?,
        country: ask(&arguments.country, "Country (two capital letters)", request::check_country)?,
    })
}

fn existing_key(arguments: &CsrArgs, location: &Location, context: &mut Context<'_>) -> Result<PrivateKey, Error> {
    let opener = Opener::new(&arguments.opening, &[location], context)?;
    let keys = opener.open(location, context).map_err(|failure| failure.error)?.keys;
    match &keys[..] {
        [key] => Ok(key.item.clone()),
        [] => Err(Error::new(ExitKind::Input, format!("{location}: there is no private key in it"))
            .hint("leave out --key, and a new key is made")),
        several => {
            let message = format!("{location}: there are {} private keys in it, where one is expected", several.len());
            Err(Error::new(ExitKind::Input, message).hint(
                "take one out first: pushcert convert FILE --select TOPIC --cert-out push.crt --key-out push.key",
            ))
        }
    }
}

fn new_key(arguments: &CsrArgs, context: &mut Context<'_>) -> Result<(PrivateKey, Option<Zeroizing<String>>), Error> {
    let purpose = NewPassword {
        needed_by: "--encrypt",
        question: "Password to encrypt the private key with",
        demand: PasswordRule::NotEmpty,
    };
    let password =
        arguments.encrypt.then(|| passout::read(arguments.passout.as_ref(), &purpose, context)).transpose()?;
    let named = |error| Error::in_file(&arguments.key_out.to_string(), &error);
    let key = request::generate_key().map_err(named)?;
    let text = match &password {
        Some(password) => key.to_encrypted_pem(password).map_err(named)?,
        None => key.to_pem(),
    };
    Ok((key, Some(text)))
}

fn write_request(arguments: &CsrArgs, text: &[u8], context: &mut Context<'_>) -> Result<(), Error> {
    let Location::Path(path) = &arguments.output else {
        context.stdout.write_all(text)?;
        return Ok(context.stdout.flush()?);
    };
    // The new key may have come to stand there, by a name that was not known for one of the same file.
    if arguments.force && matches!(files::check_free(path), Err(WriteError::Exists)) {
        check_replaceable(path)?;
    }
    let output = Output { path, bytes: text, is_private: false };
    files::write_all(&[output], arguments.force)
        .map_err(|(path, error)| Error::in_file(&path.display().to_string(), &error))
}

/// An existing key is not overwritten, not even with --force.
fn key_error(path: &Path, error: &WriteError) -> Error {
    let described = Error::in_file(&path.display().to_string(), error);
    match error {
        WriteError::Exists => described.hint(format!(
            "Apple may have signed that key: make the request for it with --key {}, or choose another name",
            shell_word(&path.display().to_string())
        )),
        WriteError::SameFile | WriteError::NoFolder(_) | WriteError::Io(_) => described,
    }
}

fn key_stays(error: Error, path: &Path) -> Error {
    let file = path.display().to_string();
    Error {
        message: format!("{}; the new private key stays in {file}", error.message),
        hint: Some(format!("make the request for it with: pushcert csr --key {}", shell_word(&file))),
        is_closed_pipe: false,
        ..error
    }
}
