//! Writes outputs, and warns of what became of the files that they replaced.

use std::path::Path;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::cli::password::PasswordSource;
use crate::commands::shared::advice;
use crate::container::lookalike::Lookalike;
use crate::container::{self, Contents, Entry, OpenError, Passwords};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::key::PrivateKey;
use crate::limits::DEFAULT_MAX_ITERATIONS;
use crate::pkcs12::Holds;
use crate::report::json;
use crate::report::shell::shell_path;
use crate::report::style::Paint;
use crate::text::{Printable, printable_name, text_list};
use crate::world::context::Context;
use crate::world::files::{self, Location};
use crate::world::outputs::{self, Failure, Output};
use crate::world::ownership::OwnerChange;
use crate::world::place::{self, WriteError};

/// Writes all outputs or none.
///
/// # Errors
/// Names the output that failed.
pub(crate) fn write_all(outputs: &[Output<'_>], context: &mut Context<'_>) -> Result<(), Error> {
    let changes = outputs::write_all(outputs).map_err(explain)?;
    warn_of_owners(&changes, context)
}

pub(crate) fn explain((path, error): Failure<'_>) -> Error {
    advice::explain(&path.display().to_string(), &error)
}

/// Refuses a standard output where bytes of a file would be overwritten.
pub(crate) fn check_standard_output() -> Result<(), Error> {
    place::check_standard_output().map_err(|error| advice::explain("standard output", &error))
}

/// Checks an output before anything is read or asked. Whether an input can be replaced is known when it is read.
pub(crate) fn check_output(output: &Location, force: bool, inputs: &[&Location]) -> Result<(), Error> {
    let Location::Path(path) = output else { return check_standard_output() };
    if force || place::is_own_empty_file(path) || inputs.iter().any(|input| input.is_same_output(output)) {
        return Ok(());
    }
    let Err(error) = place::check_free(path) else { return Ok(()) };
    let described = advice::explain(&path.display().to_string(), &error);
    match (error, held_key(path, inputs)) {
        (WriteError::Exists, HeldKey::Here) => {
            Err(described.hint("it holds a private key that no input has: choose another name"))
        }
        (WriteError::Exists, HeldKey::MaybeHere) => Err(described.hint(
            "it may hold a private key that no input has: choose another name; if the input has that key, overwrite it with --force",
        )),
        _ => Err(described),
    }
}

/// Refuses an output that is the file of a password: what is written may need that password.
pub(crate) fn check_passwords_stay<'a>(
    outputs: impl IntoIterator<Item = &'a Location>,
    sources: &[Option<&PasswordSource>],
) -> Result<(), Error> {
    for output in outputs {
        let is_file = matches!(output, Location::Standard) || matches!(output, Location::Path(path) if path.is_file());
        let is_password = sources.iter().flatten().any(|source| source.is_read_from(output));
        if is_file && is_password {
            return Err(Error::new(ExitKind::Usage, format!("{output}: a password is read from this file"))
                .hint("choose another name for what is written"));
        }
    }
    Ok(())
}

/// What would be lost with a file.
enum HeldKey {
    /// No key, or one that an input has.
    None,
    /// A key that no input has.
    Here,
    /// A key, or what may be one, that was not found in what was read of the inputs.
    MaybeHere,
}

/// Looks for the keys of a file in the inputs; no password is asked for.
fn held_key(path: &Path, inputs: &[&Location]) -> HeldKey {
    let Some(bytes) = read_file(path) else { return HeldKey::None };
    let old = match open_unasked(&bytes) {
        Ok(old) => old,
        // A text with many digits is hardly one.
        Err(OpenError::Unrecognized) => return HeldKey::None,
        Err(error) if may_be_key(&error, &bytes) => return HeldKey::MaybeHere,
        Err(_) => return HeldKey::None,
    };
    let mut is_sure = true;
    let mut found = Vec::new();
    for input in inputs {
        let Location::Path(input) = input else {
            is_sure = false;
            continue;
        };
        match read_file(input).map(|bytes| open_unasked(&bytes)) {
            Some(Ok(contents)) => {
                is_sure &= !contents.may_lose_key();
                found.extend(contents.keys);
            }
            Some(Err(_)) | None => is_sure = false,
        }
    }
    let is_new = |key: &PrivateKey| !found.iter().any(|entry| entry.item.public().is_same_key(key.public()));
    let has_new_key = old.keys.iter().any(|entry| is_new(&entry.item));
    match has_new_key {
        true if is_sure => HeldKey::Here,
        false if !old.may_lose_key() => HeldKey::None,
        true | false => HeldKey::MaybeHere,
    }
}

/// Reads a file; `None` where it cannot be read.
fn read_file(path: &Path) -> Option<Zeroizing<Vec<u8>>> {
    if !path.is_file() {
        return None;
    }
    files::read(&Location::Path(path.to_owned()), &mut std::io::empty()).ok()
}

/// Returns the private keys of a file that are read without a password.
pub(crate) fn keys_of(path: &Path) -> Vec<Entry<PrivateKey>> {
    let Some(bytes) = read_file(path) else { return vec![] };
    open_unasked(&bytes).map(|contents| contents.keys).unwrap_or_default()
}

/// Opens a file without a password.
fn open_unasked(bytes: &[u8]) -> Result<Contents, OpenError> {
    container::open(bytes, &mut Passwords::None, DEFAULT_MAX_ITERATIONS)
}

/// Returns whether a file that does not open may hold a key.
fn may_be_key(error: &OpenError, bytes: &[u8]) -> bool {
    match error {
        OpenError::Lookalike(kind) => matches!(kind.holds(), Holds::Key | Holds::Anything),
        OpenError::OnlyOthers { kinds, .. } => kinds.contains(&Lookalike::UnknownBlock),
        OpenError::Empty => false,
        OpenError::Unrecognized => container::may_hide_key(bytes),
        _ => true,
    }
}

/// Returns the outputs that are replaced without --force, since they are empty: a program that failed leaves such files.
pub(crate) fn find_empty<'a>(outputs: &[&'a Location], force: bool) -> Vec<&'a Path> {
    let mut empty = Vec::new();
    for output in outputs {
        match output {
            Location::Path(path) if !force && place::is_own_empty_file(path) => empty.push(path.as_path()),
            _ => {}
        }
    }
    empty
}

/// Says which outputs were there already.
pub(crate) fn tell_empty(files: &[&Path], context: &mut Context<'_>) -> Result<(), Error> {
    for file in files {
        writeln!(context.stderr, "{} was there already, and was empty", printable_name(&file.display().to_string()))?;
    }
    Ok(())
}

/// Warns of owners and groups that could not be kept.
pub(crate) fn warn_of_owners(changes: &[OwnerChange], context: &mut Context<'_>) -> Result<(), Error> {
    for OwnerChange { path, uid, gid, adopted } in changes {
        let file = printable_name(&path.display().to_string());
        if !adopted.acl {
            warn(
                &format!("{file}: the ACL of the replaced file was not kept: whom it named cannot read the key"),
                context,
            )?;
        }
        if !adopted.readers {
            warn(
                &format!(
                    "{file}: others than its owner could read the replaced file, and cannot read this one, which holds a key; \
                     a program of another user needs: chgrp GROUP {word} && chmod 640 {word}",
                    word = shell_path(path)
                ),
                context,
            )?;
        }
        if adopted.owners {
            continue;
        }
        warn(&format!("{file}: the owner and group of the replaced file, {uid} and {gid}, were not kept"), context)?;
    }
    Ok(())
}

/// Returns the file that keeps what was written to an output; `None` of a stream, a pipe or a device.
pub(crate) fn kept_file(output: &Location) -> Option<&Path> {
    match output {
        Location::Path(path) if path.is_file() && !place::is_descriptor(path) => Some(path),
        Location::Path(_) | Location::Standard => None,
    }
}

/// Prints a report on outputs that were written.
///
/// # Errors
/// Names the files that are there all the same.
pub(crate) fn print_json(
    report: &impl Serialize,
    outputs: &[&Location],
    context: &mut Context<'_>,
) -> Result<(), Error> {
    let Err(error) = json::write(context.stdout, report).and_then(|()| context.stdout.flush()) else { return Ok(()) };
    let error = Error::from(error);
    let mut files = Vec::new();
    for output in outputs {
        if let Some(path) = kept_file(output) {
            files.push(printable_name(&path.display().to_string()));
        }
    }
    match &files[..] {
        _ if error.is_closed_pipe => Err(error),
        [] => Err(error),
        [file] => Err(Error { message: format!("{}; {file} was written", error.message).into(), ..error }),
        files => {
            let message = format!("{}; {} were written", error.message, text_list(files.iter().map(String::as_str)));
            Err(Error { message: message.into(), ..error })
        }
    }
}

pub(crate) fn warn(message: &str, context: &mut Context<'_>) -> Result<(), Error> {
    let word = Paint::new(context.stderr_has_color).warning("warning:");
    Ok(writeln!(context.stderr, "{word} {}", Printable::from(message))?)
}

/// The files that are to be replaced and hold a private key that no input has, or may do so.
pub(crate) struct ReplacedKeys(Vec<String>);

impl ReplacedKeys {
    /// Looks into the outputs that are there already, but for those that are inputs too.
    pub(crate) fn find(
        outputs: &[&Location],
        inputs: &[&Location],
        key: Option<&Location>,
        contents: &Contents,
    ) -> Self {
        let mut warnings = Vec::new();
        for output in outputs {
            let Location::Path(path) = output else { continue };
            let is_input = inputs.iter().copied().chain(key).any(|input| output.is_same_output(input));
            if !is_input && path.is_file() {
                warnings.extend(replaced_key(path, contents));
            }
            if has_other_name(path) && !keys_of(path).is_empty() {
                let file = printable_name(&path.display().to_string());
                warnings.push(format!(
                    "{file}: the file that it replaces has another name too (a hard link), and stays there with its private key"
                ));
            }
        }
        Self(warnings)
    }

    /// Warns, after they were replaced.
    pub(crate) fn warn(&self, context: &mut Context<'_>) -> Result<(), Error> {
        for warning in &self.0 {
            warn(warning, context)?;
        }
        Ok(())
    }
}

/// Returns whether a file has more names than this one.
#[cfg(unix)]
fn has_other_name(path: &Path) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && std::os::unix::fs::MetadataExt::nlink(&metadata) > 1)
}

#[cfg(not(unix))]
fn has_other_name(_: &Path) -> bool {
    false
}

/// Returns the warning about a file.
fn replaced_key(path: &Path, inputs: &Contents) -> Option<String> {
    let file = printable_name(&path.display().to_string());
    let bytes = read_file(path)?;
    let may_hold_key = match open_unasked(&bytes) {
        Ok(old) if old.keys.iter().any(|entry| !has_key(inputs, &entry.item)) => {
            return Some(format!("{file}: the private key that was in it is replaced, and no input has it"));
        }
        Ok(old) => old.may_lose_key(),
        Err(error) => may_be_key(&error, &bytes),
    };
    may_hold_key.then(|| format!("{file}: what is replaced was not read, and may have held a private key"))
}

fn has_key(contents: &Contents, key: &PrivateKey) -> bool {
    let mut keys = contents.keys.iter().chain(&contents.replaced_keys);
    keys.any(|entry| entry.item.public().is_same_key(key.public()))
}
