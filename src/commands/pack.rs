//! `pushcert pack`.

use std::path::Path;

use crate::certificate::Certificate;
use crate::certificate::warning::KeyState;
use crate::cli::pack::{PackArgs, Recipient};
use crate::commands::convert;
use crate::commands::shared::opening::{Conversion, Opener, check_stdin};
use crate::commands::shared::passout::{self, NewPassword, PasswordRule};
use crate::container::{Contents, Entry};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::identity::{Collection, SelectError};
use crate::pkcs12::Pfx;
use crate::pkcs12::write::{self, Pkcs12Input};
use crate::report::human::convert::ConvertReport;
use crate::report::human::pack::{PackReport, human, import};
use crate::report::json;
use crate::report::style::Paint;
use crate::schema::SCHEMA_VERSION;
use crate::secret::Password;
use crate::text::printable;
use crate::world::context::Context;
use crate::world::files::{self, Location, Output};

const STANDARD: Location = Location::Standard;

pub(super) fn run(arguments: &PackArgs, context: &mut Context<'_>) -> Result<(), Error> {
    check_output(arguments, context)?;
    let inputs: Vec<_> = [Some(&arguments.input), arguments.key.as_ref()].into_iter().flatten().collect();
    check_stdin(&inputs, &[arguments.opening.passin.as_ref(), arguments.passout.as_ref()])?;
    let opener = Opener::new(&arguments.opening, &inputs, context)?;
    let contents = opener.open_with_key(&arguments.input, arguments.key.as_ref(), context)?;
    pack(arguments, &contents, context)
}

/// Packs what was opened.
pub(super) fn pack(arguments: &PackArgs, contents: &Contents, context: &mut Context<'_>) -> Result<(), Error> {
    let output = arguments.output.as_ref().unwrap_or(&STANDARD);
    let file = arguments.input.to_string();
    convert::refuse_request(&arguments.input, contents)?;
    let collection = Collection::new(&contents.certificates, &contents.keys);
    let described = |error| match error {
        SelectError::NoKey(_) => Error::in_file(&file, &error).hint(
            "the certificate was exported or issued without its key: give the key with --key FILE, or export both \
             from My Certificates in Keychain Access",
        ),
        error => Error::in_file(&file, &error),
    };
    let leaf = collection.select(arguments.select.as_deref(), true).map_err(described)?;
    let key = collection.key_of(&leaf.item);
    let key = key.ok_or_else(|| described(SelectError::NoKey(leaf.item.title().to_owned())))?;
    if arguments.force {
        let (outputs, written_keys) = (vec![output], vec![&key.item]);
        Conversion { input: &arguments.input, key: arguments.key.as_ref(), outputs, written_keys }
            .check_keys_stay(contents)?;
    }
    let now = arguments.at.unwrap_or(context.now);
    let judging = convert::Judging { input: &arguments.input, now, strict: arguments.strict, json: arguments.json };
    let (chain, warnings) = convert::judge(&judging, &leaf.item, context)?;
    tell_left_out(arguments, &collection, leaf, context)?;

    let mut authorities: Vec<(&Certificate, Option<&str>)> =
        collection.authorities().into_iter().map(|entry| (&entry.item, entry.friendly_name.as_deref())).collect();
    if arguments.chain {
        let issuer = convert::apple_issuer(&arguments.input, Some(&leaf.item))?;
        if !authorities.iter().any(|(known, _)| known.der == issuer.der) {
            authorities.insert(0, (issuer, None));
        }
    }
    let given = arguments.name.as_deref();
    let certificate_name = given.or(leaf.friendly_name.as_deref()).unwrap_or_else(|| leaf.item.title());
    let key_name = match arguments.reader {
        // Java's alias is the name of the key, and only the certificate has a telling one.
        Recipient::Java => certificate_name,
        Recipient::Keychain | Recipient::Modern => given.or(key.friendly_name.as_deref()).unwrap_or(certificate_name),
    };
    let ingredients = Pkcs12Input {
        certificate: &leaf.item.der,
        certificate_name,
        key: &key.item,
        key_name,
        authorities: authorities
            .iter()
            .map(|(authority, name)| (authority.der.as_slice(), name.unwrap_or_else(|| authority.title())))
            .collect(),
    };
    let password = password(arguments, context)?;
    let failed = |error: &dyn std::fmt::Display| Error::new(ExitKind::Bug, format!("{output}: {error}"));
    let bytes = write::write(arguments.reader.recipe(), &ingredients, &password).map_err(|error| failed(&error))?;
    let info = Pfx::parse(&bytes).and_then(|pfx| pfx.info()).map_err(|error| failed(&error))?;
    write_output(output, &bytes, arguments.force, context)?;

    let report = PackReport {
        schema_version: SCHEMA_VERSION,
        input: file.clone(),
        output: output.to_string(),
        recipe: arguments.reader.recipe(),
        pkcs12: info,
        certificates: 1 + authorities.len(),
        friendly_name: certificate_name.to_owned(),
        key_friendly_name: key_name.to_owned(),
        local_key_id: data_encoding::HEXLOWER.encode(&key.item.public().key_id()),
        certificate: ConvertReport::certificate(leaf, KeyState::Matches, chain, now),
        warnings,
        import: match output {
            Location::Path(path) => Some(import(arguments.reader.recipe(), &path.display().to_string())),
            Location::Standard => None,
        },
    };
    if arguments.json {
        json::write(context.stdout, &report)?;
    } else {
        human(context.stderr, &report, Paint::new(context.stderr_has_color))?;
    }
    Ok(())
}

/// Whether the output can be one, before anything is read or asked.
fn check_output(arguments: &PackArgs, context: &Context<'_>) -> Result<(), Error> {
    let usage = |message: &str| Err(Error::new(ExitKind::Usage, message).hint("write it to a file with -o push.p12"));
    match &arguments.output {
        None if context.stdout_is_terminal && !arguments.json => usage("a .p12 is not printed on a terminal"),
        output if arguments.json && output.as_ref().unwrap_or(&STANDARD).is_same_output(&STANDARD) => {
            usage("--json reports on standard output, where the .p12 would go")
        }
        Some(Location::Path(path)) if !arguments.force => {
            files::check_free(path).map_err(|error| Error::in_file(&path.display().to_string(), &error))
        }
        _ => Ok(()),
    }
}

fn password(arguments: &PackArgs, context: &mut Context<'_>) -> Result<Password, Error> {
    let (needed_by, demand) = match arguments.reader {
        Recipient::Keychain => ("--for keychain", PasswordRule::NotEmpty),
        Recipient::Modern => ("--for modern", PasswordRule::Any),
        Recipient::Java => ("--for java", PasswordRule::Ascii),
    };
    let purpose = NewPassword { needed_by, question: "Password for the new .p12", demand };
    passout::read(arguments.passout.as_ref(), &purpose, context)
}

/// A certificate that is not taken along is not passed over in silence, but where another was chosen.
fn tell_left_out(
    arguments: &PackArgs,
    collection: &Collection<'_>,
    leaf: &Entry<Certificate>,
    context: &mut Context<'_>,
) -> Result<(), Error> {
    if arguments.json || arguments.select.is_some() {
        return Ok(());
    }
    for other in collection.leaves().into_iter().filter(|other| other.item.der != leaf.item.der) {
        let title = printable(other.item.title());
        writeln!(context.stderr, "left out \"{title}\", whose private key is not here")?;
    }
    Ok(())
}

fn write_output(output: &Location, bytes: &[u8], force: bool, context: &mut Context<'_>) -> Result<(), Error> {
    let Location::Path(path) = output else {
        context.stdout.write_all(bytes)?;
        return Ok(context.stdout.flush()?);
    };
    files::write_all(&[Output { path, bytes, is_private: true }], force)
        .map_err(|(path, error): (&Path, _)| Error::in_file(&path.display().to_string(), &error))
}
