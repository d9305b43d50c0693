//! The files that a run writes: results, which may be those of an earlier run, and the tokens that are no longer active.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::cli::push::PushArgs;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::push::earlier::{self, EarlierRun, ResumeError};
use crate::push::request::RequestIds;
use crate::push::results::{Header, KIND, ResultsWriter, UNREGISTERED_HEADER};
use crate::world::files::Location;
use crate::world::log_file::{self, CreateError};

/// The buffer of a file.
const BUFFER: usize = 64 << 10;
/// The bytes of a file that tell what it is.
const START: u64 = 128;

/// The open files.
pub(super) struct ResultFiles {
    results: Option<File>,
    unregistered: Option<File>,
    /// What an earlier run has left.
    pub(super) earlier: EarlierRun,
    /// The IDs of the earlier run.
    pub(super) ids: Option<RequestIds>,
    pub(super) is_resumed: bool,
}

impl ResultFiles {
    /// Returns whether the results are written anywhere.
    pub(super) fn are_wanted(arguments: &PushArgs) -> bool {
        arguments.json || arguments.results.is_some() || arguments.resume.is_some()
    }

    /// Opens the files, and reads the results of an earlier run.
    pub(super) fn open(arguments: &PushArgs, header: &Header) -> Result<Self, Error> {
        let unregistered = match &arguments.unregistered_out {
            Some(location) => Some(create_list(arguments, location)?),
            None => None,
        };
        let mut files =
            Self { results: None, unregistered, earlier: EarlierRun::default(), ids: None, is_resumed: false };
        if let Some(path) = &arguments.resume {
            files.resume(path, header, arguments.resend_unknown)?;
        } else if let Some(Location::Path(path)) = &arguments.results {
            let start = format!("{{\"schema_version\":1,\"results\":\"{KIND}\"");
            files.results = Some(create(arguments, path, &start)?);
        }
        Ok(files)
    }

    fn resume(&mut self, path: &Path, header: &Header, resends_unknown: bool) -> Result<(), Error> {
        if header.input_sha256.is_none() {
            let message = "--resume needs the tokens in a file: what comes from a pipe cannot be compared";
            return Err(Error::new(ExitKind::Usage, message));
        }
        let name = path.display().to_string();
        let mut file = match File::options().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) => return Err(Error::new(ExitKind::Input, format!("{name}: cannot open it: {error}"))),
        };
        let read = match earlier::read(&mut BufReader::new(&mut file), header, resends_unknown) {
            Ok(read) => read,
            Err(error) => return Err(explain_resume(&name, &error)),
        };
        // A torn last line goes.
        let cut = file.set_len(read.length).and_then(|()| file.seek(SeekFrom::End(0)));
        if let Err(error) = cut {
            return Err(Error::new(ExitKind::Write, format!("{name}: cannot append to it: {error}")));
        }
        self.earlier = read.earlier;
        self.earlier.forget_unknown();
        self.ids = Some(RequestIds::of_run(read.run));
        self.results = Some(file);
        self.is_resumed = true;
        Ok(())
    }

    /// Returns the writer of the results.
    pub(super) fn writer<'a>(&mut self, stdout: Option<&'a mut (dyn Write + 'a)>) -> ResultsWriter<'a> {
        let mut writer = ResultsWriter::default();
        if let Some(file) = self.results.take() {
            writer.targets.push(Box::new(BufWriter::with_capacity(BUFFER, file)));
        }
        if let Some(stdout) = stdout {
            writer.targets.push(Box::new(stdout));
        }
        if let Some(file) = self.unregistered.take() {
            writer.unregistered = Some(Box::new(BufWriter::with_capacity(BUFFER, file)));
        }
        writer
    }
}

fn explain_resume(name: &str, error: &ResumeError) -> Error {
    let message = format!("{name}: {error}");
    match error {
        ResumeError::Another(_) => Error::new(ExitKind::Usage, message).hint(
            "give the same tokens, message, topic, environment and shard as before, or begin anew with --results",
        ),
        ResumeError::NoHeader => {
            Error::new(ExitKind::Input, message).hint("--resume takes the file that --results has written")
        }
        ResumeError::Io(_) | ResumeError::Line(_) => Error::new(ExitKind::Input, message),
    }
}

/// Creates the list of tokens that are no longer active.
fn create_list(arguments: &PushArgs, location: &Location) -> Result<File, Error> {
    let Location::Path(path) = location else {
        return Err(Error::new(ExitKind::Usage, "--unregistered-out takes a file, not standard output"));
    };
    let mut file = create(arguments, path, UNREGISTERED_HEADER)?;
    match writeln!(file, "{UNREGISTERED_HEADER}") {
        Ok(()) => Ok(file),
        Err(error) => Err(Error::new(ExitKind::Write, format!("{location}: it cannot be written: {error}"))),
    }
}

/// Creates a file that only its owner can read. With `--force` it replaces an earlier one of its kind, which begins so.
fn create(arguments: &PushArgs, path: &Path, start: &str) -> Result<File, Error> {
    let name = path.display();
    let inputs = [&arguments.input, &arguments.key, &arguments.p8, &arguments.tokens, &arguments.payload];
    let own = Location::Path(path.to_owned());
    for input in inputs.into_iter().flatten() {
        if *input != Location::Standard && own.is_same_output(input) {
            return Err(Error::new(ExitKind::Usage, format!("{name}: it is an input too")));
        }
    }
    match log_file::open_special(path) {
        Ok(Some(file)) => return Ok(file),
        Ok(None) => {}
        Err(error) => return Err(Error::new(ExitKind::Write, format!("{name}: it cannot be opened: {error}"))),
    }
    let begins_so = |input: &mut dyn BufRead| Ok(begins_with(input, start));
    match log_file::create(path, arguments.force, &begins_so) {
        Ok(created) => Ok(created.file),
        Err(CreateError::Exists) => {
            Err(Error::new(ExitKind::Write, format!("{name}: the file exists")).hint("--force overwrites it"))
        }
        Err(CreateError::NoEarlierLog) => {
            let message = format!("{name}: the file exists, and is no earlier one of the same kind");
            Err(Error::new(ExitKind::Write, message).hint("choose another name"))
        }
        Err(CreateError::InUse) => Err(Error::new(ExitKind::Write, format!("{name}: another process writes to it"))),
        Err(error @ CreateError::Io(_)) => Err(Error::new(ExitKind::Write, format!("{name}: {error}"))),
    }
}

/// Returns whether a file is empty or begins so.
fn begins_with(input: &mut dyn BufRead, start: &str) -> bool {
    let mut line = String::new();
    input.take(START).read_line(&mut line).is_ok() && (line.is_empty() || line.starts_with(start))
}
