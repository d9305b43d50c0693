//! `pushcert push`.

mod files;
mod input;
mod sender;
mod viewer;

use std::io::{ErrorKind, Write};
use std::sync::Arc;
use std::time::Instant;

use time::OffsetDateTime;

use crate::apns::endpoint;
use crate::certificate::apple::Environment;
use crate::cli;
use crate::cli::password::PasswordSource;
use crate::cli::push::{Expiration, PushArgs};
use crate::cli::values::DatabaseUrl;
use crate::commands::push::files::ResultFiles;
use crate::commands::push::input::GivenInput;
use crate::commands::push::sender::PushSender;
use crate::commands::push::viewer::TerminalViewer;
use crate::commands::shared::authorities::read_authorities;
use crate::commands::shared::opening::{self, Opener, check_stdin};
use crate::commands::shared::{database, proxy, target};
use crate::database::{Access, Database, TokenGroup};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::net::endpoint::Endpoint;
use crate::net::mask::Mask;
use crate::net::proxy::ProxyChoice;
use crate::net::tls::ClientIdentity;
use crate::net::trust::StoreReader;
use crate::push::connect::Dialer;
use crate::push::engine::Job;
use crate::push::marker::Marker;
use crate::push::message::{Message, MessageError, MessageOptions};
use crate::push::outcome::Outcome;
use crate::push::problem::Problem;
use crate::push::request::RequestIds;
use crate::push::results::{Header, KIND};
use crate::push::shard::Shard;
use crate::push::{self, RunEnd, Source};
use crate::report::human::push::{DryRun, RunSummary};
use crate::report::shell::shell_os_word;
use crate::report::style::Paint;
use crate::report::{human, json};
use crate::schema::SCHEMA_VERSION;
use crate::text::Printable;
use crate::world::context::Context;
use crate::world::files::Location;
use crate::world::terminal::question::{self, Reply};

/// The variable by which Kubernetes numbers the pods of an Indexed Job.
const INDEX_VARIABLE: &str = "JOB_COMPLETION_INDEX";

pub(super) fn run(arguments: &PushArgs, context: &mut Context<'_>) -> Result<Option<ExitKind>, Error> {
    refuse_early(arguments)?;
    let shard = choose_shard(arguments, context)?;
    let proxy = proxy::find(arguments.proxy.as_ref(), context)?;
    let opener = open_with(arguments, context)?;
    let sender = sender::read(arguments, &opener, context)?;
    let environment = choose_environment(arguments, &sender.environments)?;
    let message = read_message(arguments, &sender, context)?;
    for warning in sender.warnings.iter().chain(&message.warnings) {
        writeln!(context.stderr, "warning: {}", crate::text::printable(warning))?;
    }
    let given = GivenInput::new(arguments, token_group(arguments, environment, &message, context)?, context)?;
    let gateway = match (&arguments.gateway, environment) {
        (Some(gateway), _) => gateway.clone(),
        (None, Some(environment)) => endpoint::gateway(environment, arguments.port.number()),
        (None, None) => return Err(environment_missing(arguments)),
    };
    let target = Target { gateway, environment, shard };
    if arguments.apns_id.is_some() && !given.has_one_token(shard)? {
        let message = "--apns-id names one notification, and there are several tokens";
        return Err(Error::new(ExitKind::Usage, message).hint("leave it out: each notification gets an ID of its own"));
    }
    if arguments.dry_run {
        return show(arguments, &given, &target, &sender, &message, context);
    }
    given.check_form()?;
    confirm(arguments, &given, &target, &message, context)?;
    let way = Way { opener: &opener, proxy: &proxy };
    send(arguments, &given, &target, sender, message, &way, context)
}

/// Refuses what the arguments alone show to be wrong.
pub(super) fn refuse_early(arguments: &PushArgs) -> Result<(), Error> {
    if let Some(Location::Path(path)) = &arguments.payload
        && path.to_string_lossy().trim_start().starts_with('{')
        && !path.exists()
    {
        let hint = "name a file that holds it, or pipe it: printf '%s' '{\"aps\":…}' | pushcert push … --payload -";
        return Err(Error::new(ExitKind::Usage, "--payload takes a file, and what is given is JSON").hint(hint));
    }
    let Some(gateway) = &arguments.gateway else { return Ok(()) };
    target::refuse_retired(gateway)?;
    match arguments.environment {
        Some(given) => target::refuse_contradiction(gateway, given),
        None => Ok(()),
    }
}

/// Returns whose tokens are sent to, where they are in a database: those that were given for the topic. The tokens for a
/// topic with a suffix are others than the app's own.
fn token_group(
    arguments: &PushArgs,
    environment: Option<Environment>,
    message: &Message,
    context: &mut Context<'_>,
) -> Result<Option<TokenGroup>, Error> {
    match (&arguments.database, environment) {
        (None, _) => Ok(None),
        (Some(_), Some(environment)) => Ok(Some(TokenGroup { app: message.topic.clone(), environment })),
        (Some(url), None) => {
            // The commands of the hint repeat it.
            database::find(url, "--database", context)?;
            Err(environment_missing(arguments))
        }
    }
}

/// Where the notifications go.
struct Target {
    gateway: Endpoint,
    environment: Option<Environment>,
    shard: Option<Shard>,
}

fn open_with(arguments: &PushArgs, context: &mut Context<'_>) -> Result<Opener, Error> {
    let mut inputs = vec![arguments.sender_file()];
    for location in [&arguments.key, &arguments.ca_file, &arguments.tokens, &arguments.payload] {
        inputs.extend(location);
    }
    check_stdin(&inputs, &[arguments.opening.passin.as_ref()])?;
    Opener::new(&arguments.opening, &inputs, context)
}

fn choose_shard(arguments: &PushArgs, context: &Context<'_>) -> Result<Option<Shard>, Error> {
    let Some(count) = arguments.shards else { return Ok(arguments.shard) };
    let Some(value) = (context.variable)(INDEX_VARIABLE) else {
        let message = format!("--shards: the variable {INDEX_VARIABLE} is not set");
        return Err(
            Error::new(ExitKind::Usage, message).hint("a Kubernetes Indexed Job sets it; elsewhere use --shard I/N")
        );
    };
    let shard = match value.to_str().map(str::parse) {
        Some(Ok(index)) => Shard::new(index, count),
        _ => None,
    };
    match shard {
        Some(shard) => Ok(Some(shard)),
        None => {
            let message = format!("--shards {count}: {INDEX_VARIABLE} is not a number from 0 to {}", count - 1);
            Err(Error::new(ExitKind::Usage, message))
        }
    }
}

/// Returns the environment: the one that is given, or the gateway's, or the only one of the certificate.
fn choose_environment(arguments: &PushArgs, own: &[Environment]) -> Result<Option<Environment>, Error> {
    let of_gateway = arguments.gateway.as_ref().and_then(endpoint::environment_of);
    if let Some(given) = arguments.environment {
        if !own.is_empty() && !own.contains(&given) {
            let message = format!("the certificate is not for the {} environment", given.name());
            return Err(
                Error::new(ExitKind::Usage, message).hint("leave out --environment, or use another certificate")
            );
        }
        return Ok(Some(given));
    }
    match own {
        _ if of_gateway.is_some() => Ok(of_gateway),
        [only] => Ok(Some(*only)),
        _ => Ok(None),
    }
}

fn environment_missing(arguments: &PushArgs) -> Error {
    let what = if arguments.p8.is_some() { "key" } else { "certificate" };
    let sender = match &arguments.p8 {
        Some(file) => format!("--p8 {file}"),
        None => arguments.sender_file().to_string(),
    };
    let rest = typed_arguments(arguments);
    let commands = [Environment::Sandbox, Environment::Production].map(|environment| match &rest {
        Some(rest) => format!("pushcert push --environment {} {rest}", environment.name()),
        None => format!("pushcert push {sender} --environment {} …", environment.name()),
    });
    let message = format!("the {what} serves both environments, and --environment names none");
    let lines = [
        "which builds of the app are the tokens of?".to_owned(),
        format!("  from Xcode: {}", commands[0]),
        format!("  from TestFlight or the App Store: {}", commands[1]),
    ];
    Error::new(ExitKind::Usage, message).hint(Printable::lines(&lines))
}

/// Returns the arguments as they were typed, unless a password may stand among them.
fn typed_arguments(arguments: &PushArgs) -> Option<String> {
    if let Some(PasswordSource::Pass(_) | PasswordSource::Command(_)) = &arguments.opening.passin {
        return None;
    }
    let database = match &arguments.database {
        Some(DatabaseUrl::Text(url)) => Some(url.as_str()),
        // It can only name a file.
        Some(DatabaseUrl::NotUtf8(_)) | None => None,
    };
    let proxy = arguments.proxy.as_ref().map(|url| url.0.as_str());
    if [database, proxy].into_iter().flatten().any(may_have_password) {
        return None;
    }
    let typed = cli::arguments();
    let [_, name, rest @ ..] = typed.as_slice() else { return None };
    if name != "push" {
        return None;
    }
    let words: Vec<String> = rest.iter().map(|word| shell_os_word(word)).collect();
    Some(words.join(" "))
}

/// Returns whether a URL has a user with a password, or parameters, of which one may be it.
fn may_have_password(url: &str) -> bool {
    let place = url.split_once("://").map_or(url, |(_, place)| place);
    let has_password = place.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    has_password || url.contains('?')
}

fn read_message(arguments: &PushArgs, sender: &PushSender, context: &mut Context<'_>) -> Result<Message, Error> {
    let payload = match &arguments.payload {
        Some(location) => Some(opening::read(location, context)?.to_vec()),
        None => None,
    };
    let options = MessageOptions {
        alert: arguments.alert.clone(),
        title: arguments.title.clone(),
        subtitle: arguments.subtitle.clone(),
        badge: arguments.badge,
        sound: arguments.sound.clone(),
        payload,
        push_type: arguments.push_type,
        topic: arguments.topic.clone(),
        priority: arguments.priority.clone(),
        expiration: expiration(arguments, context.now)?,
        collapse_id: arguments.collapse_id.clone(),
    };
    match sender.message(&options) {
        Ok(message) => Ok(message),
        Err(error) => Err(explain_message(arguments, &error)),
    }
}

fn expiration(arguments: &PushArgs, now: OffsetDateTime) -> Result<Option<u64>, Error> {
    let now = u64::try_from(now.unix_timestamp()).unwrap_or_default();
    match arguments.expiration {
        None => Ok(None),
        Some(Expiration::FromNow(span)) => Ok(Some(now + span.as_secs())),
        Some(Expiration::At(seconds)) if seconds > 0 && seconds < now => {
            Err(Error::new(ExitKind::Usage, "--expiration lies in the past")
                .hint("0 means that APNs tries once; without --expiration it decides"))
        }
        Some(Expiration::At(seconds)) => Ok(Some(seconds)),
    }
}

fn explain_message(arguments: &PushArgs, error: &MessageError) -> Error {
    if error.is_about_payload() {
        let file = match &arguments.payload {
            Some(location) => format!("{}: ", location.input_name()),
            None => String::new(),
        };
        let failure = Error::new(ExitKind::Input, format!("{file}{error}"));
        return match error {
            MessageError::ByteOrderMark => {
                failure.hint("save it as UTF-8 without a byte order mark: utf8 in PowerShell 7")
            }
            _ => failure,
        };
    }
    let failure = Error::new(ExitKind::Usage, error.to_string());
    match error {
        MessageError::Nothing => failure.hint("give --alert, --title, --badge, --sound or --payload"),
        MessageError::AlertInBackground => failure.hint(
            "leave out --push-type for what people see; for the background give --payload with content-available: 1 alone",
        ),
        MessageError::BackgroundPriority => failure.hint("leave out --priority: 5 is sent then"),
        MessageError::TypeOfTopic { .. } => {
            failure.hint("leave out --push-type or --topic: each follows from the other")
        }
        MessageError::NeedsProviderToken(_) => failure.hint("use --p8 AuthKey_KEYID.p8 --team-id TEAMID"),
        MessageError::MdmToApp(_) => {
            failure.hint("use the MDM push certificate; in an app's notification aps stands beside mdm")
        }
        MessageError::NoMdm(_) => {
            failure.hint(
                "the payload is {\"mdm\": \"PushMagic\"}, with the value that the device has told the server: write it to a file, \
                 and give that with --payload",
            )
        }
        MessageError::AlertToPass(_) => {
            failure.hint("leave them out: Wallet asks your server for the pass, and shows the changeMessage in it")
        }
        MessageError::NeedsCertificate => failure.hint("give the MDM push certificate instead of --p8"),
        MessageError::NoTopic(_) => failure.hint("give it with --topic: the app's bundle ID"),
        _ => failure,
    }
}

fn show(
    arguments: &PushArgs,
    given: &GivenInput,
    target: &Target,
    sender: &PushSender,
    message: &Message,
    context: &mut Context<'_>,
) -> Result<Option<ExitKind>, Error> {
    let preview = given.preview(target.shard)?;
    let mut invalid = given.invalid_texts();
    for (position, text) in &preview.invalid {
        if let Some(line) = invalid.next(*position, text) {
            writeln!(context.stderr, "{line}")?;
        }
    }
    let Some(token) = preview.first else {
        if preview.counts.is_nothing_for_shard() {
            tell_nothing_for_shard(given, target.shard, context)?;
            return Ok(None);
        }
        return Err(given.no_token(preview.counts.invalid));
    };
    given.warn_of_joined(&preview.counts, context)?;
    let ids = RequestIds::new(arguments.apns_id);
    let report =
        DryRun::new(&target.gateway, target.environment, &token, ids.at(preview.position), sender.key_id(), message)
            .with_counts(preview.counts)
            .with_resume(arguments.resume.as_deref());
    if arguments.json {
        json::write(context.stdout, &report)?;
    } else {
        human::push::write_dry_run(context.stdout, &report, Paint::new(context.stdout_has_color))?;
    }
    Ok(if preview.counts.invalid > 0 { Some(ExitKind::CheckFailed) } else { None })
}

/// Asks before several devices of the production environment get a notification.
fn confirm(
    arguments: &PushArgs,
    given: &GivenInput,
    target: &Target,
    message: &Message,
    context: &mut Context<'_>,
) -> Result<(), Error> {
    let is_production = target.environment == Some(Environment::Production);
    if arguments.yes || !is_production {
        return Ok(());
    }
    // Where streams go elsewhere, someone sits there all the same. A timer, a container and a service have no terminal.
    let has_terminal = context.is_interactive
        || context.stdout_is_terminal
        || context.stderr_is_terminal
        || context.terminal.is_there();
    if !has_terminal {
        return Ok(());
    }
    if !context.is_interactive && !given.stays() {
        return Err(unconfirmed("its tokens come from a pipe"));
    }
    let count = given.preview(target.shard)?.counts.valid;
    if count < 2 {
        return Ok(());
    }
    if !context.is_interactive {
        return Err(unconfirmed(&format!("it is for {count} devices")));
    }
    let text = match message.text() {
        Some(text) => format!(": {text:?}"),
        None => String::new(),
    };
    let text = format!("Send to {count} devices of {} in production{text}?", message.topic);
    match question::confirm(&crate::text::printable(&text), false, false, context.terminal) {
        Ok(Reply::Given(true)) => Ok(()),
        Ok(Reply::Given(false) | Reply::Back) => {
            Err(Error::new(ExitKind::CheckFailed, "not confirmed: nothing was sent"))
        }
        Err(error) => Err(super::unanswered(error)),
    }
}

/// The way to the gateway, as far as the command line decides it.
struct Way<'a> {
    opener: &'a Opener,
    proxy: &'a ProxyChoice,
}

/// Refuses what cannot be asked for.
fn unconfirmed(cause: &str) -> Error {
    let message = format!("a notification in production is confirmed at a terminal, and {cause}");
    Error::new(ExitKind::Usage, message).hint("standard input or standard error leads elsewhere: --yes sends it")
}

/// Returns the way to the gateway, with the certificate that is presented there.
fn make_dialer(
    arguments: &PushArgs,
    target: &Target,
    certificate: Option<ClientIdentity>,
    mut mask: Mask,
    way: &Way<'_>,
    context: &mut Context<'_>,
) -> Result<Dialer, Error> {
    let roots = match &arguments.ca_file {
        Some(location) => {
            let hint = "--ca-file takes the CA certificate that issued the server's certificate";
            Some(read_authorities(way.opener, location, hint, context)?)
        }
        None => None,
    };
    way.proxy.add_secrets(&mut mask);
    Ok(Dialer {
        proxy: way.proxy.for_host(&target.gateway.host),
        endpoint: target.gateway.clone(),
        certificate,
        stores: Arc::new(StoreReader::new(roots)),
        timeout: arguments.timeout,
        mask,
    })
}

fn make_header(
    arguments: &PushArgs,
    given: &GivenInput,
    target: &Target,
    message: &Message,
    ids: RequestIds,
) -> Result<Header, Error> {
    Ok(Header {
        schema_version: SCHEMA_VERSION,
        results: KIND.to_owned(),
        run: ids.run(),
        input_sha256: given.sha256(ResultFiles::are_wanted(arguments))?,
        message_sha256: message.sha256(),
        topic: message.topic.clone(),
        environment: target.environment.map(|environment| environment.name().to_owned()),
        gateway: target.gateway.to_string(),
        shard: target.shard.map(|shard| shard.to_string()),
    })
}

fn send(
    arguments: &PushArgs,
    given: &GivenInput,
    target: &Target,
    sender: PushSender,
    message: Message,
    way: &Way<'_>,
    context: &mut Context<'_>,
) -> Result<Option<ExitKind>, Error> {
    let ids = RequestIds::new(arguments.apns_id);
    let header = make_header(arguments, given, target, &message, ids)?;
    let mut mask = Mask::default();
    sender.add_secrets(&mut mask);
    let (certificate, tokens) = sender.into_parts();
    let dialer = make_dialer(arguments, target, certificate, mask, way, context)?;
    let mut files = ResultFiles::open(arguments, &header)?;
    if files.is_resumed
        && let Some((mut database, group)) = given.open_database(Access::Read)?
    {
        files.find_moved(arguments, &mut database, &group)?;
    }
    let job = Job {
        dialer,
        tokens,
        message,
        ids: files.ids.unwrap_or(ids),
        connections: usize::from(arguments.connections),
        rate: arguments.rate,
        timeout: arguments.timeout,
        give_up: arguments.give_up,
        resends_unknown: arguments.resend_unknown,
        earlier: std::mem::take(&mut files.earlier),
        names_started: arguments.database.is_some() && ResultFiles::are_wanted(arguments),
    };
    let start = Instant::now();
    let mut end = run_job(arguments, job, given, target.shard, files, &header, context)?;
    end.problem = end.problem.map(|problem| problem.about(given));
    if end.has_nothing_to_do() {
        tell_nothing_for_shard(given, target.shard, context)?;
    }
    given.warn_of_joined(&end.input, context)?;
    let report = RunSummary::new(&target.gateway, target.environment, &header.topic, &end, start.elapsed());
    finish(arguments, given, &report, end, context)
}

fn run_job(
    arguments: &PushArgs,
    job: Job,
    given: &GivenInput,
    shard: Option<Shard>,
    mut files: ResultFiles,
    header: &Header,
    context: &mut Context<'_>,
) -> Result<RunEnd, Error> {
    // Before anything is sent: a database that takes no changes is refused.
    let marker = match given.open_database(Access::Write)? {
        Some((database, group)) => Some(start_marker(arguments, &mut files, database, group)?),
        None => None,
    };
    let total = if context.stderr_is_terminal { given.count_for_progress(shard) } else { None };
    let stdout: &mut dyn Write = &mut *context.stdout;
    let mut results = files.writer(if arguments.prints_results() { Some(stdout) } else { None });
    if !files.is_resumed
        && let Err(error) = results.header(header)
    {
        return Err(lost_results(&error));
    }
    let stderr: &mut dyn Write = &mut *context.stderr;
    let mut viewer = TerminalViewer::new(stderr, context.stderr_is_terminal, total, given.invalid_texts());
    let source = Source { input: given.open()?, shard, marker };
    match push::run(job, source, &mut results, &mut viewer) {
        Ok(end) => Ok(end),
        Err(error) => Err(Error::new(ExitKind::Network, format!("the network cannot be used: {error}"))),
    }
}

/// Starts the thread that marks tokens, with what an earlier run has found: it may have ended before it marked all.
fn start_marker(
    arguments: &PushArgs,
    files: &mut ResultFiles,
    database: Database,
    group: TokenGroup,
) -> Result<Marker, Error> {
    let marker = match Marker::start(database, group) {
        Ok(marker) => marker,
        Err(error) => return Err(Error::new(ExitKind::Network, format!("no thread can be started: {error}"))),
    };
    files.read_unregistered(arguments, &mut |token, since| {
        marker.note_token(token, since);
        Ok(())
    })?;
    Ok(marker)
}

fn tell_nothing_for_shard(given: &GivenInput, shard: Option<Shard>, context: &mut Context<'_>) -> Result<(), Error> {
    if let Some(shard) = shard {
        let sentence = format!("{given}: no token of it belongs to the shard {shard}: there is nothing to send");
        writeln!(context.stderr, "{}", crate::text::printable(&sentence))?;
    }
    Ok(())
}

fn lost_results(error: &std::io::Error) -> Error {
    Error::new(ExitKind::Write, format!("the results are not complete: they cannot be written: {error}"))
}

/// Prints the summary, and decides how the run ends.
fn finish(
    arguments: &PushArgs,
    given: &GivenInput,
    report: &RunSummary,
    end: RunEnd,
    context: &mut Context<'_>,
) -> Result<Option<ExitKind>, Error> {
    let ending = end.ending();
    let has_nothing_to_do = end.has_nothing_to_do();
    let RunEnd { summary, input, problem, write_error, marking, .. } = end;
    if let Some(error) = write_error {
        if error.kind() == ErrorKind::BrokenPipe && arguments.prints_results() {
            // The reader wants no more: nobody is told.
            return Ok(ending);
        }
        human::push::write_summary(context.stderr, report, Paint::new(context.stderr_has_color))?;
        return Err(lost_results(&error));
    }
    if summary.total() == summary.of(Outcome::Invalid) && !has_nothing_to_do {
        if let Some(Problem::Input { detail, kind, json_filter }) = problem {
            return Err(given.cannot_be_read(kind, detail, json_filter));
        }
        let is_whole_list = input.of_other_shards == 0;
        if problem.is_none() && is_whole_list {
            return Err(given.no_token(summary.of(Outcome::Invalid)));
        }
    }
    let written = if arguments.prints_results() {
        report.write_line(context.stdout)
    } else {
        human::push::write_summary(context.stdout, report, Paint::new(context.stdout_has_color))
    };
    match written {
        // A closed pipe does not change the answer.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error.into()),
        _ => {}
    }
    let Some(kind) = ending else { return Ok(None) };
    let unmarked = marking.and_then(|marking| marking.error);
    let message = match (unmarked, problem) {
        // The summary has told it: what follows it would be no line.
        _ if arguments.prints_results() => return Ok(ending),
        (Some(error), _) => format!("tokens that are unregistered could not be marked: {error}"),
        (None, Some(Problem::Input { detail, .. })) => detail,
        _ => return Ok(ending),
    };
    let failure = Error::new(kind, message);
    Err(match (&arguments.database, &arguments.resume, &arguments.results) {
        (Some(_), Some(path), _) | (Some(_), None, Some(Location::Path(path))) => {
            failure.hint(format!("--resume {} goes on: what has an outcome is not sent again", path.display()))
        }
        (Some(_), None, _) => {
            failure.hint("a run with --results FILE can be resumed; this command would send to all tokens again")
        }
        (None, ..) => failure,
    })
}

impl PushArgs {
    /// Returns whether the results go to standard output.
    fn prints_results(&self) -> bool {
        self.json || self.results == Some(Location::Standard)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};
    use crate::push::message::Sender;
    use crate::test_support::TestWorld;

    /// Asks for the confirmation of a run with these options.
    fn confirmation(options: &[&str], world: &mut TestWorld) -> Result<(), Error> {
        let line =
            [&["pushcert", "push", "--p8", "x", "--team-id", "TEAMID1234", "--topic", "com.a"], options].concat();
        let Command::Push(arguments) = Cli::try_parse_from(line).unwrap().command else { panic!() };
        let environment = arguments.environment;
        let gateway = "localhost:1".parse().unwrap();
        let target = Target { gateway, environment, shard: None };
        let options =
            MessageOptions { alert: Some("a".into()), topic: Some("com.a".into()), ..MessageOptions::default() };
        let message = Message::new(&options, Sender::ProviderToken).unwrap();
        world.run(|context| {
            let given = GivenInput::new(&arguments, None, context)?;
            confirm(&arguments, &given, &target, &message, context)
        })
    }

    #[test]
    fn a_terminal_that_no_stream_leads_to_demands_yes() {
        let two = ["--token", "aa", "--token", "bb", "--environment", "production"];
        let mut timer = TestWorld::new();
        assert_eq!(confirmation(&two, &mut timer), Ok(()), "a timer and a container have no terminal");
        let mut redirected = TestWorld::new();
        redirected.terminal.is_there = true;
        let refusal = confirmation(&two, &mut redirected).unwrap_err();
        assert_eq!(refusal.kind, ExitKind::Usage);
        assert!(refusal.message.contains("it is for 2 devices") && refusal.hint.unwrap().contains("--yes"));
        for options in [[&two[..], &["--yes"]].concat(), two[2..].to_vec(), vec!["--token", "aa", "--token", "bb"]] {
            assert_eq!(confirmation(&options, &mut redirected), Ok(()), "{options:?}");
        }
    }
}
