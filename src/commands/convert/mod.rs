//! `pushcert convert`.

mod bag_attributes;
mod outputs;

use std::path::Path;

use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::certificate::Certificate;
use crate::certificate::chain::{APPLE, FileCas};
use crate::certificate::warning::KeyState;
use crate::cli::convert::{Certs, ConvertArgs, KeyForm};
use crate::commands::convert::outputs::{OutputPlan, Part, PlannedOutput};
use crate::commands::shared::advice;
use crate::commands::shared::judging::{Judged, Judging, apple_issuer, refuse_request};
use crate::commands::shared::key_search::{KeySearch, ONE_KEY_A_FILE};
use crate::commands::shared::left_out::{self, LostCertificates};
use crate::commands::shared::opening::{Conversion, Opener, TypedCommand, check_stdin};
use crate::commands::shared::output_name;
use crate::commands::shared::passout::{self, NewPassword, PasswordRule};
use crate::commands::shared::unread;
use crate::commands::shared::writing::{self, ReplacedKeys, kept_file};
use crate::container::{Contents, Entry};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::finding::Finding;
use crate::identity::{Collection, SelectError, check_for_openssl, is_called};
use crate::key::PrivateKey;
use crate::pem;
use crate::report::human;
use crate::report::human::convert::{ConvertReport, OutputReport};
use crate::report::shell::shell_path;
use crate::report::style::Paint;
use crate::schema::SCHEMA_VERSION;
use crate::secret::Password;
use crate::text::printable_name;
use crate::world::context::Context;
use crate::world::files::Location;
use crate::world::place::WriteError;

pub(super) fn run(arguments: &ConvertArgs, context: &mut Context<'_>) -> Result<(), Error> {
    let plan = OutputPlan::new(arguments)?;
    if let Err(refused) = plan.check_terminal(arguments, context) {
        return Err(missing_key(arguments, context).unwrap_or(refused));
    }
    let mut inputs = vec![&arguments.input];
    inputs.extend(&arguments.key);
    check_outputs(arguments, &plan, &inputs)?;
    let passwords = [arguments.opening.passin.as_ref(), arguments.passout.as_ref()];
    check_stdin(&inputs, &passwords)?;
    writing::check_passwords_stay(plan.all(), &passwords)?;
    let opener = Opener::new(&arguments.opening, &inputs, context)?;
    let needs_key = arguments.key.is_empty() && !arguments.no_key;
    let opener = if needs_key { opener.needing_key() } else { opener.typed(typed(arguments)) };
    let opened = open(arguments, &opener, context)?;
    convert(arguments, &opened.contents, opened.key_file.as_ref(), context)
}

/// Says that a certificate stands alone in the input, where no key is to be had: there is nothing that a terminal could show.
fn missing_key(arguments: &ConvertArgs, context: &mut Context<'_>) -> Option<Error> {
    let Location::Path(path) = &arguments.input else { return None };
    if !arguments.key.is_empty() || !path.is_file() {
        return None;
    }
    let contents = Opener::without_password().open(&arguments.input, context).ok()?;
    if !contents.keys.is_empty() || contents.may_have_unread_key() {
        return None;
    }
    select(arguments, &contents, context.now).err()
}

/// Returns the command with its outputs, as it is typed.
fn typed(arguments: &ConvertArgs) -> TypedCommand {
    let mut outputs = Vec::new();
    for (option, file) in
        [("-o", &arguments.output), ("--cert-out", &arguments.cert_out), ("--key-out", &arguments.key_out)]
    {
        if let Some(file) = file {
            outputs.push((option, file.clone()));
        }
    }
    TypedCommand { name: "convert", outputs }
}

/// Checks the outputs before anything is read or asked. What is among the files of --key is judged when they are read.
fn check_outputs(arguments: &ConvertArgs, plan: &OutputPlan<'_>, inputs: &[&Location]) -> Result<(), Error> {
    let has_folder = arguments.key.iter().any(|key| matches!(key, Location::Path(path) if path.is_dir()));
    for output in plan.all() {
        if !has_folder {
            writing::check_output(output, arguments.force, inputs)?;
        }
    }
    Ok(())
}

/// An input, and the file that its key is from where that is another.
struct OpenedInput {
    contents: Contents,
    key_file: Option<Location>,
}

/// Opens the input, with the keys of --key in the place of its own.
fn open(arguments: &ConvertArgs, opener: &Opener, context: &mut Context<'_>) -> Result<OpenedInput, Error> {
    let key_file = match &arguments.key[..] {
        [] => None,
        [Location::Path(path)] if path.is_dir() => return find_key(arguments, opener, context),
        [only] => Some(only.clone()),
        _ => return find_key(arguments, opener, context),
    };
    let contents = opener.open_with_key(&arguments.input, key_file.as_ref(), context)?;
    Ok(OpenedInput { contents, key_file })
}

/// Opens the input, and finds its key among several.
fn find_key(arguments: &ConvertArgs, opener: &Opener, context: &mut Context<'_>) -> Result<OpenedInput, Error> {
    let contents = opener.open(&arguments.input, context)?;
    let search = KeySearch::read(&arguments.key, opener, context);
    let mut fitting = Vec::new();
    for entry in &contents.certificates {
        if let Some(found) = search.key_of(&entry.item.public_key) {
            fitting.push((&entry.item, found.file.clone()));
        }
    }
    if let Some(wanted) = &arguments.select {
        fitting.retain(|(certificate, _)| is_called(certificate, wanted));
    }
    if fitting.len() > 1 {
        // All of their keys: the choice is refused, or made, where identities are.
        let mut keys = Vec::new();
        for (_, file) in &fitting {
            keys.extend(search.keys_in(file));
        }
        return Ok(OpenedInput { contents: contents.with_keys(keys), key_file: None });
    }
    if let Some((_, file)) = fitting.pop() {
        writeln!(context.stderr, "the private key is from {}", printable_name(&file.to_string()))?;
        let contents = contents.with_keys(search.keys_in(&file));
        return Ok(OpenedInput { contents, key_file: Some(file) });
    }
    if contents.certificates.is_empty() {
        return Ok(OpenedInput { contents, key_file: None });
    }
    Err(search.explain_none(&arguments.input))
}

/// Converts what was opened.
pub(super) fn convert(
    arguments: &ConvertArgs,
    contents: &Contents,
    key_file: Option<&Location>,
    context: &mut Context<'_>,
) -> Result<(), Error> {
    let plan = OutputPlan::new(arguments)?;
    plan.check_terminal(arguments, context)?;
    let selection = select(arguments, contents, arguments.at.unwrap_or(context.now))?;
    check_keys_stay(arguments, &plan, &selection, contents, key_file)?;
    let judged = judge(arguments, &selection, contents, context)?;
    let authority_warnings = judge_authorities(arguments, &selection, contents, context)?;
    unread::warn_of_mac(&arguments.input, contents, context)?;
    if !arguments.json {
        unread::warn(&arguments.input, contents, context)?;
    }
    if !arguments.json && arguments.bag_attributes.is_none() {
        unread::warn_of_secrets(&arguments.input, contents, context)?;
    }
    let parts = render(arguments, &selection, contents, context)?;
    let outputs = plan.distribute(parts);
    let replaced = ReplacedKeys::find(&plan.all(), &[&arguments.input], key_file, contents);
    let empty = writing::find_empty(&plan.all(), arguments.force);
    let written = selection.certificates.iter().map(|certificate| certificate.der.as_slice());
    let lost = LostCertificates::find(&plan.all(), &arguments.input, contents, written);
    outputs::write(&outputs, arguments.force, context)?;
    output_name::warn(&plan.all(), context)?;
    replaced.warn(context)?;
    lost.warn(context)?;
    let mut report = describe(arguments, &selection, judged, key_file, &outputs, context);
    report.warnings.extend(authority_warnings);
    if arguments.json {
        writing::print_json(&report, &plan.all(), context)?;
    } else {
        writing::tell_empty(&empty, context)?;
        human::convert::write(context.stderr, &report, Paint::new(context.stderr_has_color))?;
    }
    Ok(())
}

/// The certificates and the key to write.
struct Selection<'a> {
    /// The leaves that the conversion is about: one, unless all identities of the file are written.
    leaves: Vec<&'a Entry<Certificate>>,
    /// The certificates to write, the leaf first.
    certificates: Vec<&'a Certificate>,
    key: Option<&'a PrivateKey>,
}

fn select<'a>(arguments: &ConvertArgs, contents: &'a Contents, now: OffsetDateTime) -> Result<Selection<'a>, Error> {
    refuse_request(&arguments.input, contents, !arguments.key.is_empty())?;
    if !arguments.no_key || !unread::is_mac_unchecked(contents) {
        unread::check_mac(&arguments.input, contents)?;
    }
    let leaves = select_leaves(arguments, contents)?;
    let leaf = leaves.first().copied();
    let key = if arguments.no_key { None } else { select_key(arguments, contents, leaf)? };
    let mut certificates = select_certificates(arguments, contents, leaf, now)?;
    if arguments.bag_attributes.is_some() {
        certificates = bag_attributes::certificates(arguments, contents, &leaves);
    }
    if let Err(error) = check_for_openssl(certificates.iter().copied()) {
        return Err(unread::explain_selection(&arguments.input, contents, &error));
    }
    Ok(Selection { leaves, certificates, key })
}

fn select_leaves<'a>(arguments: &ConvertArgs, contents: &'a Contents) -> Result<Vec<&'a Entry<Certificate>>, Error> {
    let only_authorities = arguments.certs == Certs::Ca && arguments.no_key;
    let only_key = arguments.certs == Certs::None && contents.certificates.is_empty();
    let needs_key = !arguments.no_key;
    let wanted = arguments.select.as_deref();
    let collection = Collection::new(&contents.certificates, &contents.keys);
    let selected = if arguments.bag_attributes.is_some() {
        // As openssl: all identities are written; there must be one.
        collection.identities(wanted, needs_key)
    } else if only_authorities || only_key {
        return Ok(vec![]);
    } else {
        collection.pick(wanted, needs_key).map(|leaf| vec![leaf])
    };
    match selected {
        Ok(leaves) => Ok(leaves),
        Err(error) => Err(unread::explain_selection(&arguments.input, contents, &error)),
    }
}

fn select_key<'a>(
    arguments: &ConvertArgs,
    contents: &'a Contents,
    leaf: Option<&Entry<Certificate>>,
) -> Result<Option<&'a PrivateKey>, Error> {
    if let Some(leaf) = leaf {
        let key = Collection::new(&contents.certificates, &contents.keys).key_of(&leaf.item);
        return Ok(key.map(|entry| &entry.item));
    }
    match &contents.keys[..] {
        [only] => Ok(Some(&only.item)),
        [] if contents.may_have_unread_key() => {
            let missing = SelectError::NoKey(String::new());
            Err(unread::explain_selection(&arguments.input, contents, &missing))
        }
        [] => {
            let message = format!("{}: there is no private key in it", arguments.input.input_name());
            Err(Error::new(ExitKind::Input, message).hint("name the file that the key is in"))
        }
        keys => {
            let (file, count) = (arguments.input.input_name(), keys.len());
            let message = format!("{file}: there are {count} private keys in it, and no certificate to choose one by");
            Err(Error::new(ExitKind::Input, message).hint(ONE_KEY_A_FILE))
        }
    }
}

fn select_certificates<'a>(
    arguments: &ConvertArgs,
    contents: &'a Contents,
    leaf: Option<&'a Entry<Certificate>>,
    now: OffsetDateTime,
) -> Result<Vec<&'a Certificate>, Error> {
    let mut certificates = Vec::new();
    let leaf = leaf.map(|entry| &entry.item);
    if matches!(arguments.certs, Certs::Leaf | Certs::All) {
        certificates.extend(leaf);
    }
    if matches!(arguments.certs, Certs::Ca | Certs::All) {
        unread::check_certificates(&arguments.input, contents)?;
        for entry in contents.sorted_authorities(leaf, now) {
            certificates.push(&entry.item);
        }
    }
    if arguments.chain {
        let issuer = apple_issuer(&arguments.input, leaf).map_err(|error| {
            error.hint("leave out --chain; other authorities in the file are written with --certs all")
        })?;
        if !certificates.iter().any(|known| known.der == issuer.der) {
            certificates.insert(usize::from(!certificates.is_empty()), issuer);
        }
    }
    if certificates.is_empty() && arguments.certs == Certs::Ca {
        let message = format!("{}: there is no certificate of an authority in it", arguments.input.input_name());
        return Err(Error::new(ExitKind::Input, message));
    }
    Ok(certificates)
}

/// Refuses to replace an input where a key of it would be lost.
fn check_keys_stay(
    arguments: &ConvertArgs,
    plan: &OutputPlan<'_>,
    selection: &Selection<'_>,
    contents: &Contents,
    key_file: Option<&Location>,
) -> Result<(), Error> {
    let writes_every_key = arguments.bag_attributes.is_some() && arguments.select.is_none() && !arguments.no_key;
    check_candidates_stay(arguments, plan, key_file)?;
    let written_keys = if !plan.keeps_key() {
        vec![]
    } else if writes_every_key {
        contents.keys.iter().map(|entry| &entry.item).collect()
    } else {
        selection.key.into_iter().collect()
    };
    Conversion { input: &arguments.input, key: key_file, outputs: plan.all(), written_keys }.check_keys_stay(contents)
}

/// Refuses to replace a key file that was tried and is another's.
fn check_candidates_stay(
    arguments: &ConvertArgs,
    plan: &OutputPlan<'_>,
    key_file: Option<&Location>,
) -> Result<(), Error> {
    for output in plan.all() {
        let Location::Path(path) = output else { continue };
        let is_candidate = arguments.key.iter().any(|key| match key {
            Location::Path(folder) if folder.is_dir() => is_in(path, folder),
            key => output.is_same_output(key),
        });
        let is_taken = key_file.is_some_and(|file| output.is_same_output(file));
        if path.is_file() && is_candidate && !is_taken {
            return Err(advice::explain(&output.to_string(), &WriteError::Exists)
                .hint("it is among the files of --key, and its key would be lost: choose another name"));
        }
    }
    Ok(())
}

/// Returns whether a file is in a folder, whatever their names.
fn is_in(file: &Path, folder: &Path) -> bool {
    match (file.canonicalize(), folder.canonicalize()) {
        (Ok(file), Ok(folder)) => file.starts_with(folder),
        _ => false,
    }
}

fn judge(
    arguments: &ConvertArgs,
    selection: &Selection<'_>,
    contents: &Contents,
    context: &mut Context<'_>,
) -> Result<Option<Judged>, Error> {
    let [leaf, others @ ..] = &selection.leaves[..] else { return Ok(None) };
    let now = arguments.at.unwrap_or(context.now);
    let collection = Collection::new(&contents.certificates, &contents.keys);
    let judging = Judging {
        input: &arguments.input,
        now,
        is_authority: !collection.is_leaf(&leaf.item),
        strict: arguments.strict,
        json: arguments.json,
    };
    let mut others: Vec<&Certificate> = others.iter().map(|entry| &entry.item).collect();
    for certificate in &selection.certificates {
        // Where bags are written, a localKeyID does without a key.
        if collection.is_leaf(certificate) && !selection.leaves.iter().any(|leaf| leaf.item.der == certificate.der) {
            others.push(certificate);
        }
    }
    let mut left_out = match arguments.select {
        Some(_) => vec![],
        None => left_out::judge(contents, &leaf.item, &others),
    };
    if matches!(arguments.certs, Certs::Ca | Certs::None) {
        // No leaf is asked for: only that the key may be the wrong one is told.
        left_out.retain(|finding| finding.hint.is_some());
    }
    Ok(Some(judging.judge(&leaf.item, &others, left_out, context)?))
}

/// Judges the authorities that are written.
fn judge_authorities(
    arguments: &ConvertArgs,
    selection: &Selection<'_>,
    contents: &Contents,
    context: &mut Context<'_>,
) -> Result<Vec<Finding>, Error> {
    let collection = Collection::new(&contents.certificates, &contents.keys);
    let mut authorities = selection.certificates.clone();
    authorities.retain(|certificate| !collection.is_leaf(certificate));
    let leaf = selection.leaves.first().map(|entry| &entry.item);
    let judging = Judging {
        input: &arguments.input,
        now: arguments.at.unwrap_or(context.now),
        is_authority: false,
        strict: arguments.strict,
        json: arguments.json,
    };
    judging.judge_authorities(leaf, &authorities, context)
}

/// Renders a selection as PEM: leaf, CA certificates, key.
fn render(
    arguments: &ConvertArgs,
    selection: &Selection<'_>,
    contents: &Contents,
    context: &mut Context<'_>,
) -> Result<Vec<Part>, Error> {
    if arguments.bag_attributes.is_some() {
        let text = bag_attributes::render(arguments, contents, &selection.leaves)?;
        let keys = bag_attributes::count_keys(arguments, contents, &selection.leaves);
        return Ok(vec![Part { text, certificates: selection.certificates.len(), keys }]);
    }
    let password = if arguments.encrypt { Some(read_password(arguments, context)?) } else { None };
    let mut parts = Vec::new();
    for certificate in &selection.certificates {
        let text = pem::encode("CERTIFICATE", &certificate.der);
        parts.push(Part { text: Zeroizing::new(text.as_bytes().to_vec()), certificates: 1, keys: 0 });
    }
    if let Some(key) = selection.key {
        let text = render_key(arguments, key, password.as_ref())?;
        parts.push(Part { text: Zeroizing::new(text.as_bytes().to_vec()), certificates: 0, keys: 1 });
    }
    Ok(parts)
}

fn render_key(
    arguments: &ConvertArgs,
    key: &PrivateKey,
    password: Option<&Password>,
) -> Result<Zeroizing<String>, Error> {
    let text = match (password, arguments.key_format) {
        (Some(password), _) => key.to_encrypted_pem(password),
        (None, KeyForm::Pkcs8) => return Ok(key.to_pem()),
        (None, KeyForm::Traditional) => key.to_traditional_pem(),
    };
    text.map_err(|error| advice::explain(&arguments.input.to_string(), &error))
}

fn read_password(arguments: &ConvertArgs, context: &mut Context<'_>) -> Result<Password, Error> {
    let wanted = NewPassword {
        needed_by: "--encrypt",
        question: "Password to encrypt the private key with",
        rule: PasswordRule::NotEmpty,
        without: None,
    };
    passout::read(arguments.passout.as_ref(), &wanted, context)
}

fn describe(
    arguments: &ConvertArgs,
    selection: &Selection<'_>,
    judged: Option<Judged>,
    key_file: Option<&Location>,
    outputs: &[PlannedOutput<'_>],
    context: &Context<'_>,
) -> ConvertReport {
    let mut report = ConvertReport {
        schema_version: SCHEMA_VERSION,
        input: arguments.input.to_string(),
        key_file: key_file.map(ToString::to_string),
        outputs: Vec::new(),
        certificate: None,
        other_leaves: Vec::new(),
        warnings: Vec::new(),
    };
    for PlannedOutput { location, part } in outputs {
        report.outputs.push(OutputReport {
            file: location.to_string(),
            certificates: part.certificates,
            private_key: part.keys > 0,
            keys: part.keys,
            encrypted: part.keys > 0 && arguments.encrypt,
            word: kept_file(location).map(shell_path),
        });
    }
    if let ([leaf, others @ ..], Some(judged)) = (&selection.leaves[..], judged) {
        let now = arguments.at.unwrap_or(context.now);
        let key = if selection.key.is_some() { KeyState::Matches } else { KeyState::Missing };
        report.certificate = Some(ConvertReport::certificate(leaf, key, judged.chain, now));
        let is_written = |leaf: &Certificate| selection.certificates.iter().any(|written| written.der == leaf.der);
        for other in others.iter().filter(|other| is_written(&other.item)) {
            let chain = APPLE.judge(&other.item, &FileCas::new([]), now);
            report.other_leaves.push(ConvertReport::certificate(other, key, chain, now));
        }
        report.warnings = judged.warnings;
    }
    report
}
