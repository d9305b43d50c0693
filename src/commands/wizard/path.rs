//! Names of files as people type them, or drop them on the terminal.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::commands::shared::advice;
use crate::commands::wizard::Talk;
use crate::error::Error;
use crate::text::{printable, printable_name};
use crate::world::files::Location;
use crate::world::place::{self, WriteError};
#[cfg(unix)]
use crate::world::signals;
use crate::world::terminal::question::{Question, Reply};
use crate::world::terminal::{Completion, InputCheck, word};

/// Asks for a file that is there, or for a folder too; `also` is an answer that is none of both.
pub(super) fn ask_input(
    text: &str,
    default: Option<&str>,
    takes_folder: bool,
    also: Option<&str>,
    talk: &mut Talk<'_, '_>,
) -> Result<Reply<PathBuf>, Error> {
    let home = home_folder(talk);
    let check = |typed: &str| {
        if also == Some(typed) {
            return Ok(());
        }
        let path = typed_path(typed, home.as_deref())?;
        match path {
            path if path.is_file() || (takes_folder && path.is_dir()) => Ok(()),
            path if path.is_dir() => Err(format!("{} is a folder: a file in it is expected", shown(&path))),
            path => Err(format!(
                "there is no file {}",
                printable_name(&advice::without_password(&path.display().to_string()))
            )),
        }
    };
    let question = Question { text, default, completion: Completion::Paths, has_way_back: true };
    ask(&question, &check, home.as_deref(), talk)
}

/// Asks for a file that can be written; `taken` is the name of another output.
pub(super) fn ask_output(
    text: &str,
    default: &str,
    taken: Option<&Path>,
    talk: &mut Talk<'_, '_>,
) -> Result<Reply<PathBuf>, Error> {
    let home = home_folder(talk);
    let check = |typed: &str| {
        let path = typed_path(typed, home.as_deref())?;
        if let Some(taken) = taken
            && Location::Path(path.clone()).is_same_output(&Location::Path(taken.to_owned()))
        {
            return Err("another name than that of the key is expected".to_owned());
        }
        check_output(&path)
    };
    let question = Question { text, default: Some(default), completion: Completion::Paths, has_way_back: true };
    ask(&question, &check, home.as_deref(), talk)
}

fn ask(
    question: &Question<'_>,
    check: &dyn Fn(&str) -> InputCheck,
    home: Option<&Path>,
    talk: &mut Talk<'_, '_>,
) -> Result<Reply<PathBuf>, Error> {
    match talk.ask(question, check)? {
        Reply::Given(typed) => Ok(Reply::Given(typed_path(&typed, home).unwrap_or_else(|_| typed.into()))),
        Reply::Back => Ok(Reply::Back),
    }
}

fn home_folder(talk: &Talk<'_, '_>) -> Option<PathBuf> {
    (talk.context.variable)("HOME").map(PathBuf::from)
}

fn shown(path: &Path) -> String {
    printable_name(&path.display().to_string())
}

/// Returns the path that was typed, or dropped on the terminal, which quotes it as for a shell.
///
/// # Errors
/// Says what is expected.
pub(super) fn typed_path(text: &str, home: Option<&Path>) -> Result<PathBuf, String> {
    if text.is_empty() || text == "-" {
        return Err("the name of a file is expected".to_owned());
    }
    let path = match word::unquoted(text) {
        Some(inside) if !Path::new(text).exists() => PathBuf::from(inside),
        _ => PathBuf::from(text),
    };
    match (path.strip_prefix("~"), home) {
        // A slash at the end says that a folder is meant.
        (Ok(rest), Some(home)) if path.as_os_str().as_encoded_bytes().ends_with(b"/") => Ok(home.join(rest).join("")),
        (Ok(rest), Some(home)) => Ok(home.join(rest)),
        (Ok(_), None) => Err("HOME is not set: the whole path is expected".to_owned()),
        // A name that looks like an option is given as one in this folder.
        (Err(_), _) if path.as_os_str().as_encoded_bytes().starts_with(b"-") => Ok(Path::new(".").join(path)),
        (Err(_), _) => Ok(path),
    }
}

/// Accepts the name of a new file in a folder that can be written to.
pub(super) fn check_output(path: &Path) -> InputCheck {
    if let Err(error) = place::check_free(path) {
        return Err(why_unfit(path, &error));
    }
    let folder = place::folder(path);
    if path.exists() {
        return Ok(());
    }
    // Where there are only files with names it has one for a moment.
    #[cfg(unix)]
    let _held = signals::hold();
    match tempfile::tempfile_in(folder) {
        Ok(_) => Ok(()),
        Err(_) if !folder.exists() => Err(format!("there is no folder {}", shown(folder))),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Err(format!("you may not make files in the folder {}", shown(folder)))
        }
        // Such as /proc, which says that there is no such file.
        Err(_) => Err(format!("the folder {} takes no new files: one in another folder is expected", shown(folder))),
    }
}

/// Says why a file cannot be written, without the words of the system where others are plainer.
fn why_unfit(path: &Path, error: &WriteError) -> String {
    if let WriteError::Io(cause) = error {
        match cause.kind() {
            ErrorKind::InvalidFilename => return "the name is too long: a shorter one is expected".to_owned(),
            ErrorKind::NotADirectory => return format!("{} is not a folder", shown(place::folder(path))),
            _ => {}
        }
    }
    printable(&format!("{}: {error}", shown(path)))
}

/// Returns the name to offer for an output: the one that was answered before, or a free one.
pub(super) fn offered(before: Option<&Path>, name: &str) -> String {
    match before {
        Some(before) if place::check_free(before).is_ok() => word::typed(before),
        _ => place::free_name(name),
    }
}
