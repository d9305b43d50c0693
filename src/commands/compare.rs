//! `pushcert compare`.

use crate::certificate::Certificate;
use crate::certificate::chain::APPLE;
use crate::certificate::renewal::{
    self, Comparison, FileChain, FileForm, FileKind, KeyForm, PrivateKeyFacts, Rules, Side,
};
use crate::certificate::warning::KeyState;
use crate::cli::compare::CompareArgs;
use crate::cli::password::PasswordSource;
use crate::commands::shared::advice::CHOSEN_AT_EXPORT;
use crate::commands::shared::judging::refuse_request;
use crate::commands::shared::opening::{OpenedFile, Opener, passin_option};
use crate::commands::shared::unread;
use crate::container::{self, Container, Contents, Entry};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::finding::{Finding, FindingCode, Level};
use crate::identity::Collection;
use crate::key::PrivateKey;
use crate::report::human::compare::{self, CompareReport, SideReport};
use crate::report::human::convert::ConvertReport;
use crate::report::json;
use crate::report::shell::{shell_os_word, shell_path, shell_word};
use crate::report::style::Paint;
use crate::world::context::Context;
use crate::world::files::Location;
use crate::world::place;

pub(super) fn run(arguments: &CompareArgs, context: &mut Context<'_>) -> Result<Option<ExitKind>, Error> {
    let now = arguments.at.unwrap_or(context.now);
    let (old, new) = open_both(arguments, context)?;
    let (old_side, old_report) = side(&arguments.old, &old, arguments, now)?;
    let (mut new_side, new_report) = side(&arguments.new, &new, arguments, now)?;
    if arguments.key.is_some() {
        // It is written anew with its key, in the form of the old one.
        new_side.file = old_side.file.clone();
    }
    let rules =
        Rules { now, allows_kind_change: arguments.allow_kind_change, allows_self_issued: arguments.allow_self_signed };
    let subject = HintSubject {
        is_push: old_side.certificate.kind.is_push(),
        key: new_side.key.state,
        old_form: (old_side.file.kind, old_side.file.is_plain),
        old_alias: old_side.file.alias.map(str::to_owned),
        old_has_password: old_side.file.lock.is_some(),
    };
    let mut comparison = renewal::compare(old_side, new_side, rules);
    comparison.accept(&arguments.accept);
    add_hints(&mut comparison, arguments, &subject);
    let exit = if comparison.drop_in { None } else { Some(ExitKind::CheckFailed) };
    let report = CompareReport::new(now, comparison, old_report, new_report);
    if arguments.json {
        json::write(context.stdout, &report)?;
    } else {
        compare::write(context.stdout, &report, Paint::new(context.stdout_has_color))?;
    }
    Ok(exit)
}

fn open_both(arguments: &CompareArgs, context: &mut Context<'_>) -> Result<(OpenedFile, OpenedFile), Error> {
    let mut inputs = vec![&arguments.old, &arguments.new];
    inputs.extend(&arguments.key);
    let reads_stdin = takes_stdin(arguments.opening.passin.as_ref()) || inputs.contains(&&Location::Standard);
    if reads_stdin && takes_stdin(arguments.passin_new.as_ref()) {
        return Err(Error::new(ExitKind::Usage, "standard input can be read only once")
            .hint("give one of the passwords with env:, file: or fd:"));
    }
    let opener = Opener::new(&arguments.opening, &inputs, context)?;
    let opener_of_new = match &arguments.passin_new {
        Some(source) => &opener.with_source("--passin-new", source, context)?,
        None => &opener,
    };
    let old = opener.open_locked(&arguments.old, context)?;
    let mut new = match opener_of_new.open_locked(&arguments.new, context) {
        Err(error) if has_one_source(arguments) && is_of_export(&error) => {
            let hint = format!(
                "{CHOSEN_AT_EXPORT}; where the old file has another, --passin-new SOURCE gives that of the new one"
            );
            return Err(error.hint(hint));
        }
        opened => opened?,
    };
    new.contents = opener_of_new.take_key(new.contents, &arguments.new, arguments.key.as_ref(), context)?;
    Ok((old, new))
}

/// Returns whether no more is known of a wrong password.
fn is_of_export(error: &Error) -> bool {
    error.hint.as_ref().is_some_and(|hint| *hint == CHOSEN_AT_EXPORT)
}

/// Returns whether the password of the old file was tried for the new one.
fn has_one_source(arguments: &CompareArgs) -> bool {
    arguments.opening.passin.is_some() && arguments.passin_new.is_none()
}

/// What the hints depend on.
struct HintSubject {
    is_push: bool,
    /// Of the new certificate.
    key: KeyState,
    /// The kind of the old file, and whether programs read it as it stands.
    old_form: (FileKind, bool),
    old_alias: Option<String>,
    old_has_password: bool,
}

const ACCEPT_KIND: &str = "if each notification has the header, accept the new kind with --allow-kind-change";
const ACCEPT_TOPICS: &str = "if each notification has the header, accept it with --allow-kind-change";
const ACCEPT_LOCK: &str = "if programs have it, accept it with --accept locked-key";
const ACCEPT_SELF_SIGNED: &str = "if all that connect are made to trust it, accept it with --allow-self-signed";
const GIVE_PASSWORD: &str = "give its password with --passin-new, or with --passin if both have the same";
const GIVE_KEY: &str = "give the key that its request was made with: --key FILE, such as --key push.key";
const ADD_CHAIN: &str = "put the intermediates that the authority gave with it after the certificate; if programs get them \
                         elsewhere, accept it with --accept chain";
const RENEW_CHAIN: &str =
    "get the intermediates anew from the authority; if programs have others, accept it with --accept chain";
const ASK_FOR_KEY: &str = "ask for one with an RSA key of 2048 bits or with P-256; if all programs take this one, accept it \
                           with --accept key-type";
const ASK_FOR_USE: &str = "ask the authority for one with all uses; if nobody makes that use of it, accept it with --accept \
                           lost-use";

/// Returns what to do about a difference that an option or a command removes.
fn hint_for(
    code: FindingCode,
    comparison: &Comparison,
    arguments: &CompareArgs,
    subject: &HintSubject,
) -> Option<String> {
    let hint = match code {
        FindingCode::KeyMissing if comparison.key_reused => return Some(join_hint(arguments)),
        FindingCode::KeyMissing if arguments.key.is_none() => GIVE_KEY,
        FindingCode::LeafNotFirst | FindingCode::KeyNotFirst => return Some(order_hint(arguments)),
        FindingCode::KeyLocked if subject.key == KeyState::Matches && subject.old_form.0 == FileKind::Pkcs12 => {
            ACCEPT_LOCK
        }
        FindingCode::KeyLocked if subject.key == KeyState::Matches => return Some(unlock_hint(arguments)),
        FindingCode::NotPlain | FindingCode::OtherContainer | FindingCode::OtherAlias => {
            return rewrite_hint(arguments, subject);
        }
        FindingCode::TopicHeader => ACCEPT_TOPICS,
        FindingCode::KeyLocked => GIVE_PASSWORD,
        FindingCode::OtherKind if comparison.possible_successor => ACCEPT_KIND,
        FindingCode::OtherIssuer if !subject.is_push => ACCEPT_SELF_SIGNED,
        FindingCode::ChainLost | FindingCode::WrongChain => ADD_CHAIN,
        FindingCode::ChainInvalid | FindingCode::IntermediateExpired => RENEW_CHAIN,
        FindingCode::UnusableKey => ASK_FOR_KEY,
        FindingCode::UsageLost if !subject.is_push => ASK_FOR_USE,
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Adds what to do about the differences that an option or a command removes.
fn add_hints(comparison: &mut Comparison, arguments: &CompareArgs, subject: &HintSubject) {
    let mut hints = Vec::new();
    for difference in &comparison.differences {
        // A locked key that is warned of is as before.
        let needs_hint = difference.level == Level::Failure
            || matches!(
                difference.code,
                FindingCode::KeyLocked | FindingCode::OtherContainer | FindingCode::OtherAlias
            );
        hints.push(if needs_hint { hint_for(difference.code, comparison, arguments, subject) } else { None });
    }
    for (difference, hint) in comparison.differences.iter_mut().zip(hints) {
        if let Some(hint) = hint {
            difference.hint = Some(hint.into());
        }
    }
    let hint = match subject.old_form {
        (FileKind::Pkcs12, true) => format!("join them with: {}", pack_command(arguments, subject)),
        _ => join_hint(arguments),
    };
    if arguments.key.is_some() && !comparison.differences.iter().any(|one| one.code == FindingCode::KeyMismatch) {
        let note =
            Finding::new(Level::Ok, FindingCode::KeyElsewhere, "the private key of the new one is in another file");
        comparison.differences.push(Finding { hint: Some(hint.into()), ..note });
    }
}

fn word(location: &Location) -> String {
    match location {
        Location::Path(path) => shell_path(path),
        Location::Standard => "FILE".to_owned(),
    }
}

/// Returns the name of a file for what a command makes of the new one.
fn output_word(new: &Location, extension: &str) -> String {
    match new {
        Location::Path(path) if path.extension().is_none_or(|own| own != "pem") => {
            shell_path(&place::free_path(&path.with_extension("pem")))
        }
        Location::Path(path) => shell_path(&place::free_path(&path.with_extension(extension))),
        Location::Standard => "FILE.pem".to_owned(),
    }
}

/// Returns the command that joins the new certificate and its key.
fn join_hint(arguments: &CompareArgs) -> String {
    let key = word(arguments.key.as_ref().unwrap_or(&arguments.old));
    let output = output_word(&arguments.new, "joined.pem");
    let passin = passin_option(arguments.opening.passin.as_ref());
    let command = format!("pushcert convert {} --key {key}{passin} -o {output}", word(&arguments.new));
    if arguments.key.is_some() {
        return format!("join them with: {command}");
    }
    format!("compare with --key {key}, and join them with: {command}")
}

/// Returns the same of the new file.
fn new_passin_option(arguments: &CompareArgs) -> String {
    passin_option(arguments.passin_new.as_ref().or(arguments.opening.passin.as_ref()))
}

fn key_option(arguments: &CompareArgs) -> String {
    arguments.key.as_ref().map(|key| format!(" --key {}", word(key))).unwrap_or_default()
}

/// Returns the command that writes the new file in the order that programs take.
fn order_hint(arguments: &CompareArgs) -> String {
    let output = output_word(&arguments.new, "ordered.pem");
    let (new, key) = (word(&arguments.new), key_option(arguments));
    let passin = new_passin_option(arguments);
    format!("put it first, with: pushcert convert {new}{key}{passin} --certs all -o {output}")
}

/// Returns the command that writes the new key without a password.
fn unlock_hint(arguments: &CompareArgs) -> String {
    let key = key_option(arguments);
    let output = output_word(&arguments.new, "unlocked.pem");
    let passin = new_passin_option(arguments);
    let command = format!("pushcert convert {}{key}{passin} --certs all -o {output}", word(&arguments.new));
    format!("write it without a password with: {command}; if programs have it, accept it with --accept locked-key")
}

/// Returns the command that writes the new file in the form of the old one, where one does.
fn rewrite_hint(arguments: &CompareArgs, subject: &HintSubject) -> Option<String> {
    let (new, key) = (word(&arguments.new), key_option(arguments));
    let passin = new_passin_option(arguments);
    let command = match subject.old_form {
        (FileKind::Pem, true) => {
            let output = output_word(&arguments.new, "plain.pem");
            let no_key = if subject.key == KeyState::Missing { " --no-key" } else { "" };
            format!("pushcert convert {new}{key}{passin} --certs all{no_key} -o {output}")
        }
        (FileKind::Pkcs12, true) if subject.key != KeyState::Missing => pack_command(arguments, subject),
        _ => return None,
    };
    Some(format!("write it in the form of the old one with: {command}"))
}

/// Returns the command that packs the new certificate and its key as those of the old file are.
fn pack_command(arguments: &CompareArgs, subject: &HintSubject) -> String {
    let (new, key) = (word(&arguments.new), key_option(arguments));
    let mut command = format!("pushcert pack {new}{key}{}", new_passin_option(arguments));
    if let Some(alias) = &subject.old_alias {
        command.push_str(&format!(" --name {}", shell_word(alias)));
    }
    if let Some(source) = &arguments.opening.passin {
        command.push_str(&format!(" --passout {}", shell_os_word(&source.shown())));
    } else if !subject.old_has_password {
        command.push_str(" --for modern --passout pass:");
    }
    command.push_str(&format!(" -o {}", packed_word(&arguments.new)));
    command
}

fn packed_word(new: &Location) -> String {
    match new {
        Location::Path(path) if path.extension().is_none_or(|own| own != "p12") => {
            shell_path(&place::free_path(&path.with_extension("p12")))
        }
        Location::Path(path) => shell_path(&place::free_path(&path.with_extension("same.p12"))),
        Location::Standard => "FILE.p12".to_owned(),
    }
}

fn takes_stdin(source: Option<&PasswordSource>) -> bool {
    source.is_some_and(PasswordSource::takes_stdin)
}

/// Finds the one leaf of a file, and describes it.
fn side<'a>(
    location: &Location,
    opened: &'a OpenedFile,
    arguments: &CompareArgs,
    now: time::OffsetDateTime,
) -> Result<(Side<'a>, SideReport), Error> {
    let contents = &opened.contents;
    refuse_request(location, contents, false)?;
    let file = location.to_string();
    let collection = Collection::new(&contents.certificates, &contents.keys);
    let entry = match collection.select(arguments.select.as_deref(), false) {
        Ok(entry) => entry,
        Err(error) => return Err(unread::explain_selection(location, contents, &error)),
    };
    let key = PrivateKeyFacts {
        state: contents.key_state(&collection, &entry.item),
        form: key_form(contents),
        is_behind: is_key_behind(contents, &collection),
    };
    let judged = APPLE.judge(&entry.item, &contents.authorities(), now);
    let is_apples = judged.leads_to_apple();
    let certificate = ConvertReport::certificate(entry, key.state, judged, now);
    let file_form = file_form(opened, entry, &collection);
    let chain = file_chain(contents, &entry.item, now);
    let compared = Side { certificate: &entry.item, key, is_apples, chain, file: file_form };
    Ok((compared, SideReport { file, certificate }))
}

/// Returns whether the first key of a file, which programs take, is that of no certificate in it.
fn is_key_behind(contents: &Contents, collection: &Collection<'_>) -> bool {
    let is_spare = |first: &Entry<PrivateKey>| !collection.has_certificate(&first.item);
    contents.container == Container::Pem && contents.keys.first().is_some_and(is_spare)
}

fn file_form<'a>(opened: &'a OpenedFile, leaf: &'a Entry<Certificate>, collection: &Collection<'a>) -> FileForm<'a> {
    let contents = &opened.contents;
    let is_plain = contents.is_plain(&opened.bytes);
    let kind = match contents.container {
        Container::Pem if !is_plain && container::is_dump(&opened.bytes) => FileKind::Dump,
        Container::Pem | Container::Csr | Container::Key => FileKind::Pem,
        Container::Pkcs12 => FileKind::Pkcs12,
        Container::Der => FileKind::Der,
        Container::Pkcs7 => FileKind::Pkcs7,
    };
    let key_name = collection.key_of(&leaf.item).and_then(|key| key.friendly_name.as_deref());
    let alias = if kind == FileKind::Pkcs12 { key_name.or(leaf.friendly_name.as_deref()) } else { None };
    FileForm { kind, is_plain, lock: opened.lock.clone(), alias }
}

fn key_form(contents: &Contents) -> KeyForm {
    match contents.container {
        _ if contents.has_encrypted_key => KeyForm::Encrypted,
        Container::Pkcs12 => KeyForm::Packed,
        Container::Pem | Container::Der | Container::Pkcs7 | Container::Csr | Container::Key => KeyForm::Clear,
    }
}

fn file_chain<'a>(contents: &'a Contents, leaf: &'a Certificate, now: time::OffsetDateTime) -> FileChain<'a> {
    let mut certificates = Vec::new();
    for entry in &contents.certificates {
        certificates.push(&entry.item);
    }
    FileChain::of(leaf, &certificates, contents.container == Container::Pem, now)
}
