//! `pushcert example`.

use std::ffi::OsStr;
use std::path::Path;

use crate::apns::endpoint;
use crate::apns::notification::{is_topic, push_type_labelled};
use crate::certificate::Certificate;
use crate::certificate::apple::Environment;
use crate::certificate::warning::KeyState;
use crate::cli::example::ExampleArgs;
use crate::container::{self, Container, OpenError, PasswordTarget, Passwords};
use crate::error::Error;
use crate::example::server::{self, ServerUrlError};
use crate::example::{self, ExampleValues, Language, Side};
use crate::exit::ExitKind;
use crate::expiry::sniff::has_certificate_extension;
use crate::identity::{Collection, SelectError};
use crate::limits::DEFAULT_MAX_ITERATIONS;
use crate::report::shell::shell_path;
use crate::report::style::Paint;
use crate::text::{printable, printable_name, text_list};
use crate::world::context::Context;
use crate::world::files::{self, Location};
use crate::world::place;

pub(super) fn run(arguments: &ExampleArgs, context: &mut Context<'_>) -> Result<(), Error> {
    refuse_the_other_side(arguments)?;
    if let Some(url) = &arguments.server {
        server::check(url).map_err(explain_server)?;
    }
    let file = match &arguments.cert {
        Some(file) => name_in_program("--cert", file, "push.pem")?,
        None => "push.pem".to_owned(),
    };
    refuse_password(&file)?;
    let ca_file = match &arguments.ca_file {
        Some(file) => Some(name_in_program("--ca-file", file, "ca.pem")?),
        None => None,
    };
    let sender = if arguments.language.side() == Side::Provider { Sender::read(&file, context) } else { None };
    let certificate = sender.as_ref().and_then(|sender| sender.certificate.as_ref());
    let topic = choose_topic(arguments, &file, certificate)?;
    let push_type = choose_type(arguments.language, &topic, certificate)?;
    match &sender {
        Some(sender) => warn(arguments, &file, sender, context)?,
        None if arguments.cert.is_some() && arguments.topic.is_none() => warn_of_guess(&file, &topic, context)?,
        None => {}
    }
    let environment = match (arguments.environment, certificate) {
        (Some(environment), _) => environment,
        (None, Some(Certificate { environments, .. })) if *environments == [Environment::Sandbox] => {
            Environment::Sandbox
        }
        (None, _) => Environment::Production,
    };
    let gateway = match &arguments.gateway {
        Some(gateway) => gateway.to_string(),
        None => endpoint::hosts(environment)[0].to_owned(),
    };
    let values = ExampleValues {
        topic,
        push_type,
        certificate: file,
        gateway,
        ca_file,
        server: arguments.server.clone().unwrap_or_else(|| "https://example.com/tokens".to_owned()),
    };
    Ok(context.stdout.write_all(example::render(arguments.language, &values).as_bytes())?)
}

/// Returns the name of a file as the text of a program has it.
///
/// # Errors
/// When it is not UTF-8, as these programs are: not every language has a string for it.
fn name_in_program(option: &str, file: &OsStr, link: &str) -> Result<String, Error> {
    if let Some(name) = file.to_str() {
        return Ok(name.to_owned());
    }
    let name = printable_name(&file.to_string_lossy());
    let problem = format!("{option}: the name {name} is not UTF-8, and the text of a program is");
    let command = format!("ln -s {} {}", shell_path(Path::new(file)), place::free_name(link));
    Err(Error::new(ExitKind::Usage, problem).hint(format!("give a link to it, made with: {command}")))
}

/// Refuses a file with what may be its password behind a colon, as curl takes it: it would stand in the program.
fn refuse_password(file: &str) -> Result<(), Error> {
    let path = Path::new(file);
    let folder = path.parent().filter(|folder| folder.is_dir());
    // A colon in the name of a folder that is there begins no password.
    let length = folder.map_or(0, |folder| folder.as_os_str().len());
    for (place, _) in file.match_indices(':') {
        if place >= length && has_certificate_extension(&file[..place]) && !path.exists() {
            let shown = printable_name(&file[..place]);
            let problem = format!("--cert {shown}:…: the programs read a PEM file without a password");
            let (word, output) = (shell_path(Path::new(&file[..place])), pem_output(&file[..place]));
            let command = format!("pushcert convert {word} --passin env:P12_PASSWORD -o {output}");
            return Err(Error::new(ExitKind::Usage, problem).hint(format!("make it with: {command}")));
        }
    }
    Ok(())
}

/// The file that the program will send with, where it is there already.
struct Sender {
    certificate: Option<Certificate>,
    /// Why the program cannot send with it as it is.
    problems: Vec<String>,
}

impl Sender {
    fn read(file: &str, context: &Context<'_>) -> Option<Self> {
        // A pipe has no end before its writer wants one.
        if !Path::new(file).is_file() {
            return None;
        }
        let bytes = files::read(&Location::Path(file.into()), &mut std::io::empty()).ok()?;
        let without_certificate = |lacks| Some(Self { certificate: None, problems: vec![to_convert(file, lacks)] });
        let contents = match container::open(&bytes, &mut Passwords::None, DEFAULT_MAX_ITERATIONS) {
            Ok(contents) => contents,
            Err(OpenError::PasswordNeeded(PasswordTarget::Key)) => return without_certificate(Lack::Certificate),
            Err(_) => return without_certificate(Lack::Nothing),
        };
        let collection = Collection::new(&contents.certificates, &contents.keys);
        let certificate = match collection.select(None, false) {
            Ok(entry) => entry.item.clone(),
            Err(SelectError::NoCertificate { may_sign_tokens: true, .. }) => {
                return Some(Self { certificate: None, problems: vec![to_sign(file)] });
            }
            Err(SelectError::NoCertificate { has_key, .. }) if has_key || contents.may_have_unread_key() => {
                return without_certificate(Lack::Certificate);
            }
            Err(_) => return without_certificate(Lack::Nothing),
        };
        let key = contents.key_state(&collection, &certificate);
        let mut problems = Vec::new();
        if contents.container != Container::Pem || key != KeyState::Matches {
            problems.push(to_convert(file, Lack::of(key)));
        }
        if certificate.is_expired(context.now) {
            problems.push(format!("the certificate has expired, on {}", certificate.not_after.date()));
        }
        Some(Self { certificate: Some(certificate), problems })
    }
}

/// What a file lacks of what the program sends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    /// It has another form, or convert says what is wrong.
    Nothing,
    Key,
    Certificate,
}

impl Lack {
    const fn of(key: KeyState) -> Self {
        match key {
            KeyState::Missing | KeyState::Mismatch => Self::Key,
            KeyState::Matches | KeyState::Unread => Self::Nothing,
        }
    }
}

/// Says how a file becomes one that the program reads.
fn to_convert(file: &str, lacks: Lack) -> String {
    let (word, output) = (shell_path(Path::new(file)), pem_output(file));
    let inputs = match lacks {
        Lack::Nothing => word,
        Lack::Key => format!("{word} --key push.key"),
        Lack::Certificate => format!("aps.cer --key {word}"),
    };
    format!(
        "the program reads a PEM file with the certificate and its unencrypted key; to make one: pushcert convert {inputs} -o {output}"
    )
}

/// Says what sends with a token signing key, which has no certificate.
fn to_sign(file: &str) -> String {
    let word = shell_path(Path::new(file));
    format!(
        "the program sends with a certificate, and this key, alone in its file, may sign tokens: pushcert push --p8 {word} does"
    )
}

/// Returns the name of a PEM file that is not there, to be made of this one.
fn pem_output(file: &str) -> String {
    if file == "push.pem" { place::free_name("plain.pem") } else { place::free_name("push.pem") }
}

/// Returns the topic that was given, or the certificate's first.
///
/// # Errors
/// When the certificate's is none: it must not become a part of a program.
fn choose_topic(arguments: &ExampleArgs, file: &str, certificate: Option<&Certificate>) -> Result<String, Error> {
    if let Some(topic) = &arguments.topic {
        return Ok(topic.clone());
    }
    let Some(first) = certificate.and_then(|certificate| certificate.topics.first()) else {
        return Ok("com.example.MyApp".to_owned());
    };
    if is_topic(&first.topic) {
        return Ok(first.topic.clone());
    }
    let message =
        format!("{}: the certificate's topic is no bundle ID: {}", printable_name(file), printable(&first.topic));
    Err(Error::new(ExitKind::Input, message).hint("give the topic with --topic"))
}

/// The types of notifications that may show an alert, or any payload.
const TYPES: [&str; 4] = ["alert", "voip", "complication", "pushtotalk"];

/// Returns the push type for a topic.
///
/// # Errors
/// When its notifications have a payload of their own, or the app registers for them in another way.
fn choose_type(language: Language, topic: &str, certificate: Option<&Certificate>) -> Result<&'static str, Error> {
    let label = certificate.and_then(|certificate| certificate.label_of(topic));
    let push_type = push_type_labelled(topic, label).name;
    let is_app = language.side() == Side::App;
    if TYPES.contains(&push_type) && (!is_app || push_type == "alert") {
        return Ok(push_type);
    }
    let takes = format!("the topic {topic} takes notifications of the type {push_type}");
    if is_app {
        let message = format!("the example registers the app for alerts, and {takes}");
        return Err(Error::new(ExitKind::Usage, message).hint("give the app's bundle ID with --topic"));
    }
    Err(Error::new(ExitKind::Usage, format!("the examples send an alert, and {takes}"))
        .hint("give another topic with --topic, or send with pushcert push --payload FILE"))
}

/// Warns of a file that the program cannot send with, and of a topic and an environment that the certificate is not for.
fn warn(arguments: &ExampleArgs, file: &str, sender: &Sender, context: &mut Context<'_>) -> Result<(), Error> {
    let (word, file) = (Paint::new(context.stderr_has_color).warning("warning:"), printable_name(file));
    let mut problems = Vec::new();
    if let Some(certificate) = &sender.certificate {
        problems.extend(other_topic(arguments, certificate));
        problems.extend(other_environment(arguments, certificate));
    }
    problems.extend_from_slice(&sender.problems);
    for problem in problems {
        writeln!(context.stderr, "{word} {file}: {}", printable(&problem))?;
    }
    Ok(())
}

/// Warns of a file that was named and was not read, where the topic is that of no certificate.
fn warn_of_guess(file: &str, topic: &str, context: &mut Context<'_>) -> Result<(), Error> {
    let is_there = Path::new(file).exists();
    let (word, file) = (Paint::new(context.stderr_has_color).warning("warning:"), printable_name(file));
    let problem =
        if is_there { "it was not read for its topic" } else { "there is no such file to read the topic from" };
    Ok(writeln!(context.stderr, "{word} {file}: {problem}: the program has {topic}; --topic gives another")?)
}

fn other_topic(arguments: &ExampleArgs, certificate: &Certificate) -> Option<String> {
    let wanted = arguments.topic.as_ref()?;
    if certificate.topics.is_empty() || certificate.label_of(wanted).is_some() {
        return None;
    }
    let own = text_list(certificate.topics.iter().map(|topic| topic.topic.as_str()));
    Some(format!("the certificate is not for the topic {wanted}, but for {own}"))
}

fn other_environment(arguments: &ExampleArgs, certificate: &Certificate) -> Option<String> {
    let wanted = arguments.environment?;
    if certificate.environments.is_empty() || certificate.environments.contains(&wanted) {
        return None;
    }
    Some(format!("the certificate is not for {}", wanted.name()))
}

fn explain_server(error: ServerUrlError) -> Error {
    let failure = Error::new(ExitKind::Usage, format!("--server: {error}"));
    match error {
        ServerUrlError::NoUrl | ServerUrlError::Scheme => failure,
        ServerUrlError::Credentials => {
            failure.hint("leave them out: the server cannot tell by a password in the app who sends a token")
        }
        ServerUrlError::NotAscii => failure.hint(
            "write such a host in punycode (xn--bcher-kva.example), and what follows it with percent signs (%C3%BC)",
        ),
        ServerUrlError::Character(_) => failure.hint("write it with a percent sign: a blank is %20"),
    }
}

/// Refuses what the program has no place for.
fn refuse_the_other_side(arguments: &ExampleArgs) -> Result<(), Error> {
    let (given, who) = match arguments.language.side() {
        Side::Provider => (vec![("--server", arguments.server.is_some())], "sends to APNs, and registers no device"),
        Side::App => (
            vec![
                ("--cert", arguments.cert.is_some()),
                ("--environment", arguments.environment.is_some()),
                ("--gateway", arguments.gateway.is_some()),
                ("--ca-file", arguments.ca_file.is_some()),
            ],
            "is the app's side, which does not send",
        ),
    };
    for (option, is_given) in given {
        if is_given {
            let language = arguments.language.name();
            return Err(Error::new(ExitKind::Usage, format!("{option} has no place: {language} {who}")));
        }
    }
    Ok(())
}
