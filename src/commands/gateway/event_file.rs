//! The file of `--log`.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::folder::is_of_folder;
use super::inputs;
use crate::cli::gateway::GatewayArgs;
use crate::commands::shared::advice;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::gateway::event_log::LineSink;
use crate::text::printable;
use crate::world::files::Location;
use crate::world::log_file::{self, CreateError, CreatedLog, LogFile};

/// The file of `--log`.
pub(super) struct EventFile {
    pub(super) location: Location,
    force: bool,
    /// What is no regular file is opened before the gateway waits for signals: a pipe waits for its reader.
    special: Mutex<Option<File>>,
    writer: Arc<OnceLock<LogFile>>,
}

impl EventFile {
    /// Refuses a file that is an input too. Nothing is emptied yet: the address may be in use.
    pub(super) fn prepare(location: &Location, arguments: &GatewayArgs) -> Result<Self, Error> {
        let mut special = None;
        if let Location::Path(path) = location {
            let is_input = inputs(arguments).into_iter().any(|input| is_same_file(location, input));
            if is_input || is_of_folder(path, arguments) {
                return Err(refuse_log(location, if is_input { "an input too" } else { OWN_FILE }));
            }
            if arguments.force {
                special = log_file::open_special(path).map_err(|error| explain_create(location, &error.into()))?;
            }
        }
        let writer = Arc::new(OnceLock::new());
        Ok(Self { location: location.clone(), force: arguments.force, special: Mutex::new(special), writer })
    }

    /// Returns the function that takes lines, from the opening on.
    pub(super) fn sink(&self) -> LineSink {
        let writer = Arc::clone(&self.writer);
        Box::new(move |line| {
            if let Some(writer) = writer.get() {
                writer.write_line(line);
            }
        })
    }

    /// Opens the log, and starts its writer. Returns the file if it was not there before.
    pub(super) fn open(&self) -> Result<Option<&Path>, Error> {
        let special = self.special.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (file, new) = match (&self.location, special) {
            (_, Some(file)) => (file, None),
            (Location::Standard, None) => match log_file::duplicate(&io::stdout()) {
                Ok(file) => (file, None),
                Err(error) => return Err(explain_create(&self.location, &error.into())),
            },
            (Location::Path(path), None) => match log_file::create(path, self.force, &log_file::is_log) {
                Ok(CreatedLog { file, is_new }) => (file, is_new.then_some(path.as_path())),
                Err(error) => return Err(explain_create(&self.location, &error)),
            },
        };
        let name = output_name(&self.location);
        let warn = move |error: &io::Error| {
            let line = format!("warning: {name}: the log ends here, it cannot be written: {error}");
            let _ = writeln!(io::stderr(), "{}", printable(&line));
        };
        match LogFile::start(Box::new(file), warn) {
            Ok(writer) => {
                let _ = self.writer.set(writer);
                Ok(new)
            }
            Err(error) => Err(explain_create(&self.location, &error.into())),
        }
    }

    pub(super) fn finish(&self) -> Result<(), Error> {
        let Some(writer) = self.writer.get() else { return Ok(()) };
        let location = output_name(&self.location);
        writer
            .finish()
            .map_err(|error| Error::new(ExitKind::Write, format!("{location}: the log is not complete: {error}")))
    }
}

/// Returns the name of the log in a sentence.
fn output_name(location: &Location) -> String {
    match location {
        Location::Standard => "standard output".to_owned(),
        Location::Path(path) => path.display().to_string(),
    }
}

/// Explains why the file of a log cannot be had.
fn explain_create(location: &Location, error: &CreateError) -> Error {
    let name = output_name(location);
    let explained = Error::new(ExitKind::Write, format!("{name}: {error}"));
    match error {
        CreateError::Exists => explained.hint("--force empties it if it is an earlier log"),
        CreateError::NoEarlierLog => {
            explained.hint("--force empties an earlier log, and this file may hold a key: choose another name")
        }
        CreateError::InUse => explained.hint("each gateway needs a log of its own: choose another name"),
        CreateError::NoFile => explained,
        CreateError::Io(cause) => advice::unwritable(&name, "it cannot be made", cause),
    }
}

/// Returns whether the log and an input are one file.
fn is_same_file(log: &Location, input: &Location) -> bool {
    let stdin = Location::Path("/dev/stdin".into());
    let input = if *input == Location::Standard { &stdin } else { input };
    let is_regular = |location: &Location| matches!(location, Location::Path(path) if path.is_file());
    is_regular(log) && log.is_same_output(input)
}

/// What a log is that would overwrite a file of the gateway.
pub(super) const OWN_FILE: &str = "one of --folder's own";

pub(super) fn refuse_log(location: &Location, what: &str) -> Error {
    Error::new(ExitKind::Usage, format!("{location}: the file of --log is {what}"))
        .hint("choose another name for the log")
}
