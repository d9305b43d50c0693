//! `pushcert pack`.

use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::chain::FileCas;
use crate::certificate::warning::KeyState;
use crate::cli::pack::{PackArgs, PackedCerts, Recipient};
use crate::commands::shared::judging::{Judging, apple_issuer, refuse_request};
use crate::commands::shared::left_out::{self, LostCertificates};
use crate::commands::shared::opening::{Conversion, Opener, TypedCommand, check_stdin};
use crate::commands::shared::output_name;
use crate::commands::shared::passout::{self, NewPassword, PasswordRule};
use crate::commands::shared::unread;
use crate::commands::shared::writing::{self, ReplacedKeys};
use crate::container::{Contents, Entry};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::identity::{Collection, SelectError, check_for_openssl};
use crate::key::PrivateKey;
use crate::pkcs12::write::{self, NamedCertificate, Pkcs12Input};
use crate::pkcs12::{BagContent, Pfx};
use crate::report::human;
use crate::report::human::convert::ConvertReport;
use crate::report::human::pack::{PackReport, import};
use crate::report::style::Paint;
use crate::schema::SCHEMA_VERSION;
use crate::secret::Password;
use crate::text::may_be_key;
use crate::world::context::Context;
use crate::world::files::Location;
use crate::world::outputs::Output;
use crate::world::place;

const STANDARD: Location = Location::Standard;

pub(super) fn run(arguments: &PackArgs, context: &mut Context<'_>) -> Result<(), Error> {
    check_output(arguments, context)?;
    let mut inputs = vec![&arguments.input];
    inputs.extend(&arguments.key);
    let passwords = [arguments.opening.passin.as_ref(), arguments.passout.as_ref()];
    check_stdin(&inputs, &passwords)?;
    writing::check_passwords_stay([arguments.output.as_ref().unwrap_or(&STANDARD)], &passwords)?;
    let opener = Opener::new(&arguments.opening, &inputs, context)?;
    let opener = if arguments.key.is_none() { opener.needing_key() } else { opener.typed(typed(arguments)) };
    let contents = opener.open_with_key(&arguments.input, arguments.key.as_ref(), context)?;
    pack(arguments, &contents, context)
}

/// Returns the command with its output, as it is typed.
fn typed(arguments: &PackArgs) -> TypedCommand {
    let outputs = arguments.output.iter().map(|file| ("-o", file.clone())).collect();
    TypedCommand { name: "pack", outputs }
}

/// Packs what was opened.
pub(super) fn pack(arguments: &PackArgs, contents: &Contents, context: &mut Context<'_>) -> Result<(), Error> {
    let output = arguments.output.as_ref().unwrap_or(&STANDARD);
    refuse_request(&arguments.input, contents, arguments.key.is_some())?;
    let identity = select(arguments, contents)?;
    check_keys_stay(arguments, output, &identity, contents)?;
    let now = arguments.at.unwrap_or(context.now);
    let judging =
        Judging { input: &arguments.input, now, is_authority: false, strict: arguments.strict, json: arguments.json };
    let leaf = &identity.leaf.item;
    let left_out = if arguments.select.is_some() { vec![] } else { left_out::judge(contents, leaf, &[]) };
    let mut judged = judging.judge(leaf, &[], left_out, context)?;
    let authorities: Vec<&Certificate> = match arguments.certs {
        PackedCerts::All => contents.sorted_authorities(Some(leaf), now).iter().map(|entry| &entry.item).collect(),
        PackedCerts::Leaf => vec![],
    };
    judged.warnings.extend(judging.judge_authorities(Some(leaf), &authorities, context)?);
    report_unread(arguments, contents, context)?;

    let input = pkcs12_input(arguments, contents, &identity, now)?;
    let password = read_password(arguments, context)?;
    let profile = arguments.reader.profile();
    let bytes = write::write(profile, &input, &password).map_err(|error| bug(output, &error))?;
    let pkcs12 = Pfx::parse(&bytes).and_then(|pfx| pfx.info()).map_err(|error| bug(output, &error))?;
    let replaced = ReplacedKeys::find(&[output], &[&arguments.input], arguments.key.as_ref(), contents);
    let mut written = vec![input.certificate];
    written.extend(input.authorities.iter().map(|authority| authority.der));
    let lost = LostCertificates::find(&[output], &arguments.input, contents, written);
    let empty = writing::find_empty(&[output], arguments.force);
    write_output(output, &bytes, arguments.force || !empty.is_empty(), context)?;
    replaced.warn(context)?;
    lost.warn(context)?;
    output_name::warn_of_pkcs12(output, context)?;

    let report = PackReport {
        schema_version: SCHEMA_VERSION,
        input: arguments.input.to_string(),
        output: output.to_string(),
        profile,
        pkcs12,
        certificates: 1 + input.authorities.len(),
        has_only_issuer: has_only_issuer(&input, leaf),
        friendly_name: input.certificate_name.to_owned(),
        key_friendly_name: input.key_name.to_owned(),
        local_key_id: data_encoding::HEXLOWER.encode(&identity.key.item.public().key_id()),
        certificate: ConvertReport::certificate(identity.leaf, KeyState::Matches, judged.chain, now),
        warnings: judged.warnings,
        import: writing::kept_file(output).map(|path| import(profile, path)),
    };
    if arguments.json {
        writing::print_json(&report, &[output], context)?;
    } else {
        writing::tell_empty(&empty, context)?;
        human::pack::write(context.stderr, &report, Paint::new(context.stderr_has_color))?;
    }
    Ok(())
}

/// The certificate to pack, and its key.
struct Identity<'a> {
    leaf: &'a Entry<Certificate>,
    key: &'a Entry<PrivateKey>,
}

fn select<'a>(arguments: &PackArgs, contents: &'a Contents) -> Result<Identity<'a>, Error> {
    unread::check_mac(&arguments.input, contents)?;
    let collection = Collection::new(&contents.certificates, &contents.keys);
    let leaf = match collection.select(arguments.select.as_deref(), true) {
        Ok(leaf) => leaf,
        Err(error) => return Err(cannot_select(arguments, contents, &error)),
    };
    match collection.key_of(&leaf.item) {
        Some(key) => Ok(Identity { leaf, key }),
        None => Err(cannot_select(arguments, contents, &SelectError::NoKey(leaf.item.title().to_owned()))),
    }
}

fn cannot_select(arguments: &PackArgs, contents: &Contents, error: &SelectError) -> Error {
    let described = unread::explain_selection(&arguments.input, contents, error);
    let misses_key = matches!(error, SelectError::NoKey(_) | SelectError::KeyMissing(_));
    if !misses_key || contents.may_have_unread_key() || unread::is_for_mdm(contents) {
        return described;
    }
    if unread::is_of_portal(contents) {
        return described.hint(unread::KEY_OF_PORTAL_CERTIFICATE);
    }
    described.hint(
        "the certificate was exported or issued without its key: give the key with --key FILE, or export both \
         from My Certificates in Keychain Access",
    )
}

/// Refuses to replace an input where a key of it would be lost.
fn check_keys_stay(
    arguments: &PackArgs,
    output: &Location,
    identity: &Identity<'_>,
    contents: &Contents,
) -> Result<(), Error> {
    let is_kept = matches!(output, Location::Path(path) if !path.exists() || path.is_file());
    let written_keys = if is_kept { vec![&identity.key.item] } else { vec![] };
    let outputs = vec![output];
    Conversion { input: &arguments.input, key: arguments.key.as_ref(), outputs, written_keys }.check_keys_stay(contents)
}

/// Returns a friendlyName, unless it may be a key: names are not encrypted with the key.
fn usable_name(name: Option<&str>) -> Option<&str> {
    let name = name?;
    if may_be_key(name) { None } else { Some(name) }
}

fn pkcs12_input<'a>(
    arguments: &'a PackArgs,
    contents: &'a Contents,
    identity: &Identity<'a>,
    now: OffsetDateTime,
) -> Result<Pkcs12Input<'a>, Error> {
    let Identity { leaf, key } = *identity;
    let given = arguments.name.as_deref();
    let certificate_name = given.or(usable_name(leaf.friendly_name.as_deref())).unwrap_or_else(|| leaf.item.title());
    let key_name = match arguments.reader {
        // Java's alias is the name of the key, and only the certificate has a telling one.
        Recipient::Java => certificate_name,
        Recipient::Keychain | Recipient::Modern => {
            given.or(usable_name(key.friendly_name.as_deref())).unwrap_or(certificate_name)
        }
    };
    let mut authorities = Vec::new();
    let packed = match arguments.certs {
        PackedCerts::All => contents.sorted_authorities(Some(&leaf.item), now),
        PackedCerts::Leaf => vec![],
    };
    if let Err(error) = check_for_openssl(packed.iter().map(|entry| &entry.item)) {
        return Err(cannot_select(arguments, contents, &error));
    }
    for entry in packed {
        let name = usable_name(entry.friendly_name.as_deref()).unwrap_or_else(|| entry.item.title());
        let is_trusted = arguments.reader == Recipient::Java && is_trusted(contents, &entry.item.der);
        authorities.push(NamedCertificate { der: &entry.item.der, name, is_trusted });
    }
    if arguments.chain {
        let issuer = apple_issuer(&arguments.input, Some(&leaf.item))?;
        if !authorities.iter().any(|known| known.der == issuer.der) {
            authorities.insert(0, NamedCertificate { der: &issuer.der, name: issuer.title(), is_trusted: false });
        }
    }
    Ok(Pkcs12Input { certificate: &leaf.item.der, certificate_name, key: &key.item, key_name, authorities })
}

/// Returns whether a keystore of Java trusts a certificate by itself.
fn is_trusted(contents: &Contents, der: &[u8]) -> bool {
    contents
        .bags
        .iter()
        .any(|bag| bag.is_trusted() && matches!(&bag.content, BagContent::Certificate(own) if own == der))
}

/// Returns whether the one other certificate is the issuer of the leaf.
fn has_only_issuer(input: &Pkcs12Input<'_>, leaf: &Certificate) -> bool {
    let [only] = &input.authorities[..] else { return false };
    match Certificate::parse(only.der) {
        Ok(authority) => FileCas::new([]).is_issuer(&authority, leaf),
        Err(_) => false,
    }
}

fn bug(output: &Location, error: &dyn std::fmt::Display) -> Error {
    Error::new(ExitKind::Bug, format!("{output}: {error}"))
}

/// Checks the output before anything is read or asked.
fn check_output(arguments: &PackArgs, context: &Context<'_>) -> Result<(), Error> {
    if arguments.chain && arguments.certs == PackedCerts::Leaf {
        return Err(Error::new(ExitKind::Usage, "--chain adds a certificate, and --certs leaf leaves out all but one")
            .hint("leave out one of them"));
    }
    if arguments.json && arguments.output.as_ref().unwrap_or(&STANDARD).is_same_output(&STANDARD) {
        return Err(usage("--json reports on standard output, where the .p12 would go"));
    }
    match &arguments.output {
        None if context.stdout_is_terminal => Err(usage("a .p12 is not printed on a terminal")),
        None => writing::check_standard_output(),
        Some(output) => {
            let mut inputs = vec![&arguments.input];
            inputs.extend(&arguments.key);
            writing::check_output(output, arguments.force, &inputs)
        }
    }
}

fn usage(message: &str) -> Error {
    Error::new(ExitKind::Usage, message).hint(format!("write it to a file with -o {}", place::free_name("push.p12")))
}

const WITHOUT_PASSWORD: &str = "choose one; --for modern writes a .p12 with an empty one";

fn read_password(arguments: &PackArgs, context: &mut Context<'_>) -> Result<Password, Error> {
    let (needed_by, rule) = match arguments.reader {
        Recipient::Keychain => ("--for keychain", PasswordRule::NotEmpty),
        Recipient::Modern => ("--for modern", PasswordRule::Any),
        Recipient::Java => ("--for java", PasswordRule::PrintableAscii),
    };
    let wanted =
        NewPassword { needed_by, question: "Password for the new .p12", rule, without: Some(WITHOUT_PASSWORD) };
    passout::read(arguments.passout.as_ref(), &wanted, context)
}

/// Names what was not read, and is left out.
fn report_unread(arguments: &PackArgs, contents: &Contents, context: &mut Context<'_>) -> Result<(), Error> {
    if arguments.json {
        return Ok(());
    }
    unread::warn(&arguments.input, contents, context)?;
    unread::warn_of_secrets(&arguments.input, contents, context)
}

fn write_output(output: &Location, bytes: &[u8], force: bool, context: &mut Context<'_>) -> Result<(), Error> {
    let Location::Path(path) = output else {
        context.stdout.write_all(bytes)?;
        return Ok(context.stdout.flush()?);
    };
    writing::write_all(&[Output { path, bytes, is_private: true, force }], context)
}
