//! `pushcert csr`.

use std::path::Path;

use zeroize::Zeroizing;

use crate::cli::csr::{CsrArgs, DEFAULT_KEY, DEFAULT_REQUEST};
use crate::commands::shared::advice;
use crate::commands::shared::key_search::ONE_KEY_A_FILE;
use crate::commands::shared::opening::{Opener, check_stdin, passin_option};
use crate::commands::shared::output_name;
use crate::commands::shared::passout::{self, NewPassword, PasswordRule};
use crate::commands::shared::unread;
use crate::commands::shared::writing;
use crate::commands::unanswered;
use crate::container::{self, Contents, OpenError, Passwords};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::identity::{Collection, SelectError};
use crate::key::{KeyError, PrivateKey};
use crate::limits::DEFAULT_MAX_ITERATIONS;
use crate::pem;
use crate::report::human;
use crate::report::human::csr::{CsrKeyReport, CsrReport};
use crate::report::shell::{shell_location, shell_path, shell_word};
use crate::report::style::Paint;
use crate::request::{self, RequestError, RequestSubject};
use crate::secret::Password;
use crate::text::printable_name;
use crate::world::context::Context;
use crate::world::files::{self, Location};
use crate::world::outputs::{self, Output};
use crate::world::place::{self, Place, WriteError};
use crate::world::terminal::question::{self, Question, Reply};
use crate::world::terminal::{Completion, InputCheck};

pub(super) fn run(arguments: &CsrArgs, context: &mut Context<'_>) -> Result<(), Error> {
    check_flags(arguments, context)?;
    let new_key_file = check_outputs(arguments)?;
    let inputs: Vec<&Location> = arguments.key.iter().collect();
    check_stdin(&inputs, &[arguments.opening.passin.as_ref(), arguments.passout.as_ref()])?;
    let subject = ask_subject(arguments, context)?;
    let (key, new_key_text) = match &arguments.key {
        Some(location) => (read_key(arguments, location, context)?, None),
        None => make_key(arguments, context)?,
    };
    let request = make_request(arguments, &subject, &key)?;
    let new_key = match (new_key_file, &new_key_text) {
        (Some(path), Some(text)) => {
            let force = place::is_own_empty_file(path);
            Some(Output { path, bytes: text.as_bytes(), is_private: true, force })
        }
        _ => None,
    };
    let mut written = vec![&arguments.output];
    if new_key.is_some() {
        written.push(&arguments.key_out);
    }
    let empty = writing::find_empty(&written, arguments.force);
    write(arguments, &subject, new_key, request.as_bytes(), context)?;
    output_name::warn(&written, context)?;
    let key_report = CsrKeyReport {
        file: key_file(arguments).to_string(),
        word: shell_location(key_file(arguments)),
        created: new_key_text.is_some(),
        encrypted: if new_key_text.is_some() { Some(arguments.encrypt) } else { None },
        kind: key.public().kind(),
    };
    let report = CsrReport {
        is_kept: writing::kept_file(&arguments.output).is_some(),
        free_output: place::free_name("push.pem"),
        ..CsrReport::new(arguments.output.to_string(), key_report, key.public().spki_sha256(), &subject)
    };
    if arguments.json {
        writing::print_json(&report, &[key_file(arguments), &arguments.output], context)?;
    } else {
        writing::tell_empty(&empty, context)?;
        human::csr::write(context.stderr, &report, Paint::new(context.stderr_has_color))?;
    }
    Ok(())
}

/// The question for the country of a subject.
pub(super) const COUNTRY: &str = "Country (two letters)";

fn key_file(arguments: &CsrArgs) -> &Location {
    arguments.key.as_ref().unwrap_or(&arguments.key_out)
}

/// Checks the outputs before anything is asked or made. Returns the file of the new key, if there is to be one.
fn check_outputs(arguments: &CsrArgs) -> Result<Option<&Path>, Error> {
    let new_key_file = if arguments.key.is_none() { Some(check_key_output(arguments)?) } else { None };
    if arguments.json && arguments.output.is_same_output(&Location::Standard) {
        return Err(Error::new(ExitKind::Usage, "--json reports on standard output, where the request would go")
            .hint("write the request to a file with -o"));
    }
    if let Some(path) = new_key_file
        && let Err(error) = place::check_free(path)
        && !place::is_own_empty_file(path)
    {
        return Err(key_error(path, &error));
    }
    check_request_output(arguments)?;
    Ok(new_key_file)
}

fn check_request_output(arguments: &CsrArgs) -> Result<(), Error> {
    let Location::Path(path) = &arguments.output else { return writing::check_standard_output() };
    match place::check_free(path) {
        Ok(()) => Ok(()),
        Err(WriteError::Exists) if place::is_own_empty_file(path) => Ok(()),
        Err(error @ WriteError::Exists) => {
            check_replaceable(arguments, path)?;
            if arguments.force { Ok(()) } else { Err(advice::explain(&path.display().to_string(), &error)) }
        }
        Err(error) => Err(advice::explain(&path.display().to_string(), &error)),
    }
}

fn check_key_output(arguments: &CsrArgs) -> Result<&Path, Error> {
    let path = match &arguments.key_out {
        Location::Path(path) if !arguments.key_out.is_same_output(&Location::Standard) => path,
        _ => {
            let message = "--key-out: a new private key goes to a file, not to standard output";
            return Err(
                Error::new(ExitKind::Usage, message).hint("name a file: what is lost on the way is lost for ever")
            );
        }
    };
    let kind = match path {
        path if place::is_device(path) => Some("a device"),
        path if place::is_descriptor(path) => Some("an open descriptor"),
        _ => None,
    };
    if let Some(kind) = kind {
        let message = format!("--key-out: a new private key goes to a file, and {} is {kind}", path.display());
        return Err(Error::new(ExitKind::Usage, message).hint("name a file: what is lost on the way is lost for ever"));
    }
    if arguments.key_out.is_same_output(&arguments.output) {
        return Err(Error::new(ExitKind::Usage, "the key and the request have the same name"));
    }
    Ok(path)
}

/// The contents of a file that is in the way of a request.
enum Existing {
    /// Requests and certificates alone, or nothing: it can be made or downloaded again.
    Replaceable,
    /// A private key.
    Key,
    /// Something that was not read, which may be a key.
    Unread,
    /// Something else, which is no key.
    Other,
}

/// Returns whether a file may be a key that Apple has signed: it is none if it is empty, or a text without one.
pub(super) fn may_be_key(path: &Path) -> bool {
    match existing(path) {
        Existing::Key | Existing::Unread => true,
        Existing::Replaceable | Existing::Other => false,
    }
}

/// Looks into a file that --force would replace.
fn existing(path: &Path) -> Existing {
    let Ok(bytes) = files::read(&Location::Path(path.to_owned()), &mut std::io::empty()) else {
        return Existing::Unread;
    };
    match container::open(&bytes, &mut Passwords::None, DEFAULT_MAX_ITERATIONS) {
        Ok(contents) if !contents.keys.is_empty() => Existing::Key,
        Ok(contents) if !contents.unread.is_empty() => Existing::Unread,
        Ok(contents) if contents.is_read_whole => Existing::Replaceable,
        Err(OpenError::Empty) => Existing::Replaceable,
        Err(OpenError::PasswordNeeded(_)) => Existing::Key,
        Err(OpenError::Unrecognized) if !container::may_hide_key(&bytes) && std::str::from_utf8(&bytes).is_ok() => {
            Existing::Other
        }
        Ok(_) | Err(_) => Existing::Unread,
    }
}

/// Refuses to replace what is not known to be replaceable, not even with --force.
fn check_replaceable(arguments: &CsrArgs, path: &Path) -> Result<(), Error> {
    match existing(path) {
        Existing::Replaceable => Ok(()),
        Existing::Key if arguments.key.is_some() => {
            let hint = "it holds a private key, which a request never replaces: choose another name for the request";
            Err(advice::explain(&path.display().to_string(), &WriteError::Exists).hint(hint))
        }
        Existing::Key => Err(key_error(path, &WriteError::Exists)),
        Existing::Other => Err(advice::explain(&path.display().to_string(), &WriteError::Exists)
            .hint("--force replaces requests and certificates alone: choose another name")),
        Existing::Unread => Err(advice::explain(&path.display().to_string(), &WriteError::Exists).hint(
            "--force replaces requests and certificates alone, and this file may hold a key: choose another name",
        )),
    }
}

/// Names the flags that are missing where nobody can be asked.
fn check_flags(arguments: &CsrArgs, context: &Context<'_>) -> Result<(), Error> {
    if context.is_interactive {
        return Ok(());
    }
    let mut missing = Vec::new();
    for (flag, value) in [("--email", &arguments.email), ("--name", &arguments.name), ("--country", &arguments.country)]
    {
        if value.is_none() {
            missing.push(flag);
        }
    }
    let list = match missing[..] {
        [] => return Ok(()),
        [one] => format!("{one} is"),
        [.., last] => format!("{} and {last} are", missing[..missing.len() - 1].join(", ")),
    };
    Err(Error::new(ExitKind::Usage, format!("{list} missing, and there is no terminal to ask at"))
        .hint("for example: pushcert csr --email jo@example.com --name 'Jo Doe' --country DE"))
}

/// Takes the subject from the arguments, and asks for what is missing.
fn ask_subject(arguments: &CsrArgs, context: &mut Context<'_>) -> Result<RequestSubject, Error> {
    Ok(RequestSubject {
        email: ask(&arguments.email, "E-mail address", request::check_email, context)?,
        name: ask(&arguments.name, "Name (yours, or the company's)", request::check_name, context)?,
        // The portal's own tools write it in capitals, as ISO 3166 does.
        country: ask(&arguments.country, COUNTRY, request::check_country, context)?.to_ascii_uppercase(),
    })
}

fn ask(
    given: &Option<String>,
    question: &str,
    check: fn(&str) -> InputCheck,
    context: &mut Context<'_>,
) -> Result<String, Error> {
    match given {
        Some(value) => Ok(value.clone()),
        None => {
            let question =
                Question { text: question, default: None, completion: Completion::Nothing, has_way_back: false };
            match question::ask(&question, &check, context.terminal) {
                Ok(Reply::Given(answer)) => Ok(answer),
                // There is no way back from it.
                Ok(Reply::Back) => Err(unanswered(std::io::ErrorKind::UnexpectedEof.into())),
                Err(error) => Err(unanswered(error)),
            }
        }
    }
}

fn read_key(arguments: &CsrArgs, location: &Location, context: &mut Context<'_>) -> Result<PrivateKey, Error> {
    let opener = Opener::new(&arguments.opening, &[location], context)?;
    let contents = opener.open_key(location, "leave out --key, and a new key is made", context)?;
    unread::check_mac(location, &contents)?;
    match &contents.keys[..] {
        [key] => Ok(key.item.clone()),
        [] if contents.may_have_unread_key() => {
            let missing = SelectError::NoKey(String::new());
            Err(unread::explain_selection(location, &contents, &missing))
        }
        [] => {
            let message = format!("{}: there is no private key in it", location.input_name());
            Err(Error::new(ExitKind::Input, message).hint("leave out --key, and a new key is made"))
        }
        several => {
            let (file, count) = (location.input_name(), several.len());
            let message = format!("{file}: there are {count} private keys in it, where one is expected");
            Err(Error::new(ExitKind::Input, message).hint(one_key_of(arguments, location, &contents)))
        }
    }
}

/// Returns how to take one of several keys out of a file.
fn one_key_of(arguments: &CsrArgs, location: &Location, contents: &Contents) -> String {
    if Collection::new(&contents.certificates, &contents.keys).identities(None, true).is_err() {
        return ONE_KEY_A_FILE.to_owned();
    }
    let (certificate, key) = (place::free_name("push.crt"), place::free_name(DEFAULT_KEY));
    format!(
        "take one out first: pushcert convert {}{} --select TOPIC --cert-out {certificate} --key-out {key}",
        shell_location(location),
        passin_option(arguments.opening.passin.as_ref())
    )
}

fn make_key(arguments: &CsrArgs, context: &mut Context<'_>) -> Result<(PrivateKey, Option<Zeroizing<String>>), Error> {
    let mut password = None;
    if arguments.encrypt {
        let wanted = NewPassword {
            needed_by: "--encrypt",
            question: "Password to encrypt the private key with",
            rule: PasswordRule::NotEmpty,
            without: None,
        };
        password = Some(passout::read(arguments.passout.as_ref(), &wanted, context)?);
    }
    match generate_key(password.as_ref()) {
        Ok((key, text)) => Ok((key, Some(text))),
        Err(error) => Err(advice::explain(&arguments.key_out.to_string(), &error)),
    }
}

fn generate_key(password: Option<&Password>) -> Result<(PrivateKey, Zeroizing<String>), KeyError> {
    let key = request::generate_key()?;
    let text = match password {
        Some(password) => key.to_encrypted_pem(password)?,
        None => key.to_pem(),
    };
    Ok((key, text))
}

fn make_request(arguments: &CsrArgs, subject: &RequestSubject, key: &PrivateKey) -> Result<Zeroizing<String>, Error> {
    let kind = key.public().kind();
    let made = if arguments.any_key || request::is_for_portal(&kind) {
        request::make(subject, key)
    } else {
        Err(RequestError::NotForPortal(kind))
    };
    match made {
        Ok(request) => Ok(pem::encode("CERTIFICATE REQUEST", &request)),
        Err(error) => Err(advice::explain(&key_file(arguments).to_string(), &error)),
    }
}

/// Writes the new key and the request: both or neither, where both are files.
fn write(
    arguments: &CsrArgs,
    subject: &RequestSubject,
    new_key: Option<Output<'_>>,
    request: &[u8],
    context: &mut Context<'_>,
) -> Result<(), Error> {
    if let Some(path) = request_file(arguments) {
        let force = arguments.force || place::is_own_empty_file(path);
        let request = Output { path, bytes: request, is_private: false, force };
        // Something else may have come to this name meanwhile.
        if arguments.force && matches!(place::check_free(path), Err(WriteError::Exists)) {
            check_replaceable(arguments, path)?;
        }
        // The key is the first to have a name: a request whose key is lost is worth nothing, and worse once it is signed.
        let outputs: Vec<Output<'_>> = new_key.into_iter().chain([request]).collect();
        return write_files(&outputs, new_key, context);
    }
    if let Some(key) = new_key {
        write_files(&[key], new_key, context)?;
    }
    match (print_request(arguments, request, context), new_key) {
        (Err(error), Some(key)) => Err(add_key_file(error, arguments, subject, key.path)),
        (printed, _) => printed,
    }
}

/// Returns the file of the request; `None` where it is written to a stream, which cannot be taken back.
fn request_file(arguments: &CsrArgs) -> Option<&Path> {
    let Location::Path(path) = &arguments.output else { return None };
    match Place::find(path) {
        Ok(Place::Descriptor(_) | Place::Special(_)) => None,
        Ok(Place::New(_) | Place::File(..)) | Err(_) => Some(path),
    }
}

fn write_files(outputs: &[Output<'_>], new_key: Option<Output<'_>>, context: &mut Context<'_>) -> Result<(), Error> {
    match outputs::write_all(outputs) {
        Ok(changes) => writing::warn_of_owners(&changes, context),
        Err((path, error)) if new_key.is_some_and(|key| key.path == path) => Err(key_error(path, &error)),
        Err(failure) => Err(writing::explain(failure)),
    }
}

fn print_request(arguments: &CsrArgs, text: &[u8], context: &mut Context<'_>) -> Result<(), Error> {
    match &arguments.output {
        Location::Path(path) => {
            writing::write_all(&[Output { path, bytes: text, is_private: false, force: false }], context)
        }
        Location::Standard => {
            context.stdout.write_all(text)?;
            Ok(context.stdout.flush()?)
        }
    }
}

/// Explains why a new key cannot be written. An existing key is not overwritten, not even with --force.
fn key_error(path: &Path, error: &WriteError) -> Error {
    let file = path.display().to_string();
    let described = advice::explain(&file, error);
    if !matches!(error, WriteError::Exists) {
        return described;
    }
    if !may_be_key(path) {
        return described.hint("there is no private key in it: remove it, or choose another name with --key-out");
    }
    described.hint(format!(
        "Apple may have signed that key: make the request for it with --key {}, or choose another name",
        shell_path(path)
    ))
}

/// Adds to an error where the new key was written, and the command that makes the same request for it.
fn add_key_file(error: Error, arguments: &CsrArgs, subject: &RequestSubject, path: &Path) -> Error {
    let file = path.display().to_string();
    let mut command = format!("pushcert csr --key {}", shell_path(path));
    // An encrypted key is opened with its new password.
    if arguments.encrypt {
        command.push_str(&passin_option(arguments.passout.as_ref()));
    }
    for (option, value) in [("--email", &subject.email), ("--name", &subject.name), ("--country", &subject.country)] {
        command.push_str(&format!(" {option} {}", shell_word(value)));
    }
    let output = place::free_name(DEFAULT_REQUEST);
    if output != DEFAULT_REQUEST {
        command.push_str(&format!(" -o {output}"));
    }
    Error {
        message: format!("{}; the new private key stays in {}", error.message, printable_name(&file)).into(),
        hint: Some(format!("make the request for it with: {command}").into()),
        is_closed_pipe: false,
        ..error
    }
}
