//! The files that a run writes: results, which may be those of an earlier run, and the tokens that are no longer active.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::cli::push::PushArgs;
use crate::commands::shared::{advice, database};
use crate::database::{Database, TokenGroup};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::push::earlier::{self, CompareError, EarlierRun, ResumeError};
use crate::push::request::RequestIds;
use crate::push::results::{self, Header, ResultsWriter, UNREGISTERED_HEADER, write_unregistered};
use crate::world::files::Location;
use crate::world::log_file::{self, CreateError, CreatedLog};

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
    /// True if the results have their first line.
    pub(super) is_resumed: bool,
}

impl ResultFiles {
    /// Returns whether the results are written anywhere.
    pub(super) fn are_wanted(arguments: &PushArgs) -> bool {
        arguments.json || arguments.results.is_some() || arguments.resume.is_some()
    }

    /// Opens the files, and reads the results of an earlier run. Nothing is emptied before all of them can be had.
    pub(super) fn open(arguments: &PushArgs, header: &Header) -> Result<Self, Error> {
        refuse_one_file_for_both(arguments)?;
        let mut files =
            Self { results: None, unregistered: None, earlier: EarlierRun::default(), ids: None, is_resumed: false };
        let mut claimed = None;
        if let Some(path) = &arguments.resume {
            files.resume(path, header, arguments.resend_unknown)?;
        } else if let Some(Location::Path(path)) = &arguments.results {
            let start = results::beginning();
            claimed = Some(claim(arguments, path, arguments.force, &|earlier| Ok(begins_with(earlier, &start)))?);
        }
        if let Some(location) = &arguments.unregistered_out {
            match files.claim_list(arguments, location) {
                Ok(list) => files.unregistered = Some(list.begin()?),
                Err(error) => {
                    if let Some(claimed) = claimed {
                        claimed.give_up();
                    }
                    return Err(error);
                }
            }
        }
        if let Some(claimed) = claimed {
            files.results = Some(claimed.begin()?);
        }
        files.begin_list(arguments)?;
        Ok(files)
    }

    /// Writes the first line of the list of tokens that are no longer active, and those that the earlier run has found.
    fn begin_list(&mut self, arguments: &PushArgs) -> Result<(), Error> {
        let (Some(list), Some(location)) = (&self.unregistered, &arguments.unregistered_out) else { return Ok(()) };
        let list = match list.try_clone() {
            Ok(list) => list,
            Err(error) => return Err(unwritable(location, &error)),
        };
        let mut out = BufWriter::with_capacity(BUFFER, list);
        if let Err(error) = writeln!(out, "{UNREGISTERED_HEADER}") {
            return Err(unwritable(location, &error));
        }
        self.read_unregistered(arguments, &mut |token, since| write_unregistered(&mut out, token, since))?;
        match out.flush() {
            Ok(()) => Ok(()),
            Err(error) => Err(unwritable(location, &error)),
        }
    }

    /// Calls `take` with each token that the earlier run has found to be no longer active.
    pub(super) fn read_unregistered(
        &mut self,
        arguments: &PushArgs,
        take: &mut dyn FnMut(&str, Option<u64>) -> io::Result<()>,
    ) -> Result<(), Error> {
        let (Some(results), Some(path)) = (&mut self.results, &arguments.resume) else { return Ok(()) };
        match read_again(results, take) {
            Ok(()) => Ok(()),
            Err(error) => Err(explain_resume(&path.display().to_string(), &error)),
        }
    }

    /// Finds the tokens of the earlier run that are no longer in the database as they were.
    pub(super) fn find_moved(
        &mut self,
        arguments: &PushArgs,
        database: &mut Database,
        group: &TokenGroup,
    ) -> Result<(), Error> {
        let (Some(results), Some(path)) = (&mut self.results, &arguments.resume) else { return Ok(()) };
        match find_again(results, &mut self.earlier, database, group) {
            Ok(()) => Ok(()),
            Err(CompareError::Results(error)) => Err(explain_resume(&path.display().to_string(), &error)),
            Err(CompareError::Database(error)) => Err(database::explain(&error)),
        }
    }

    /// Claims the list of tokens that are no longer active. A run that is resumed replaces that of an earlier run, of which it
    /// has every line.
    fn claim_list(&self, arguments: &PushArgs, location: &Location) -> Result<ClaimedFile, Error> {
        let Location::Path(path) = location else {
            return Err(Error::new(ExitKind::Usage, "--unregistered-out takes a file, not standard output"));
        };
        match &self.results {
            Some(results) if !arguments.force => claim(arguments, path, true, &|list| is_in_results(list, results)),
            _ => claim(arguments, path, arguments.force, &|list| Ok(begins_with(list, UNREGISTERED_HEADER))),
        }
    }

    fn resume(&mut self, path: &Path, header: &Header, resends_unknown: bool) -> Result<(), Error> {
        if header.input_sha256.is_none() {
            let message = "--resume needs the tokens in a file: what comes from a pipe cannot be compared";
            return Err(Error::new(ExitKind::Usage, message));
        }
        let name = path.display().to_string();
        if name == "-" {
            return Err(Error::new(ExitKind::Usage, "--resume takes a file, not standard input"));
        }
        let mut file = match log_file::reopen(path) {
            Ok(file) => file,
            Err(CreateError::InUse) => return Err(in_use(&name)),
            Err(CreateError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                let message = format!("{name}: it is not there");
                let hint = "--resume goes on with the results of an earlier run; --results FILE begins one";
                return Err(Error::new(ExitKind::Input, message).hint(hint));
            }
            Err(CreateError::Io(error)) => return Err(advice::unreadable(&name, &error)),
            Err(error) => return Err(Error::new(ExitKind::Input, format!("{name}: cannot open it: {error}"))),
        };
        let read = match earlier::read(&mut BufReader::new(&mut file), header, resends_unknown) {
            Ok(read) => read,
            Err(error) => return Err(explain_resume(&name, &error)),
        };
        // A torn last line goes.
        let length = read.as_ref().map_or(0, |read| read.length);
        let cut = file.set_len(length).and_then(|()| file.seek(SeekFrom::End(0)));
        if let Err(error) = cut.and_then(|_| log_file::restrict(&file)) {
            return Err(advice::unwritable(&name, "cannot append to it", &error));
        }
        if let Some(read) = read {
            self.earlier = read.earlier;
            self.ids = Some(RequestIds::of_run(read.run));
            self.is_resumed = true;
        }
        self.results = Some(file);
        Ok(())
    }

    /// Returns the writer of the results.
    pub(super) fn writer<'a>(&mut self, stdout: Option<&'a mut (dyn Write + 'a)>) -> ResultsWriter<'a> {
        let mut writer = ResultsWriter::default();
        if let Some(file) = self.results.take() {
            writer.file = Some(Box::new(BufWriter::with_capacity(BUFFER, file)));
        }
        if let Some(stdout) = stdout {
            writer.stdout = Some(Box::new(stdout));
        }
        if let Some(file) = self.unregistered.take() {
            writer.unregistered = Some(Box::new(file));
        }
        writer
    }
}

/// Reads results from their beginning, and stands at their end again.
fn read_again(
    results: &mut File,
    take: &mut dyn FnMut(&str, Option<u64>) -> io::Result<()>,
) -> Result<(), ResumeError> {
    rewind(results)?;
    earlier::read_unregistered(&mut BufReader::new(&mut *results), take)?;
    wind(results)
}

/// Finds the tokens that are no longer in the database as they were, and stands at the end of the results again.
fn find_again(
    results: &mut File,
    earlier: &mut EarlierRun,
    database: &mut Database,
    group: &TokenGroup,
) -> Result<(), CompareError> {
    rewind(results)?;
    earlier.find_changed_rows(&mut BufReader::new(&mut *results), database, group)?;
    rewind(results)?;
    earlier.find_moved(&mut BufReader::new(&mut *results))?;
    wind(results)?;
    Ok(())
}

fn rewind(results: &mut File) -> Result<(), ResumeError> {
    results.rewind()?;
    Ok(())
}

fn wind(results: &mut File) -> Result<(), ResumeError> {
    results.seek(SeekFrom::End(0))?;
    Ok(())
}

fn unwritable(location: &Location, error: &io::Error) -> Error {
    advice::unwritable(&location.to_string(), "it cannot be written", error)
}

fn explain_resume(name: &str, error: &ResumeError) -> Error {
    let message = format!("{name}: {error}");
    match error {
        ResumeError::Io(cause) => advice::unreadable(name, cause),
        ResumeError::Another(_) => Error::new(ExitKind::Usage, message).hint(
            "give the same tokens, message, topic, environment and shard as before, or begin anew with --results",
        ),
        ResumeError::NoHeader => {
            Error::new(ExitKind::Input, message).hint("--resume takes the file that --results has written")
        }
        ResumeError::Line(_) | ResumeError::LongLine(_) | ResumeError::SecondOutcome(_) => {
            Error::new(ExitKind::Input, message)
        }
    }
}

/// An output that can be had, and that is as it was.
struct ClaimedFile {
    file: File,
    path: PathBuf,
    state: ClaimedState,
}

/// What was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClaimedState {
    New,
    /// A file of the same kind, which is replaced.
    Earlier,
    /// A device or a pipe.
    Special,
}

impl ClaimedFile {
    /// Begins anew.
    fn begin(self) -> Result<File, Error> {
        if self.state == ClaimedState::Earlier
            && let Err(error) = log_file::empty(&self.file)
        {
            return Err(advice::unwritable(&self.path.display().to_string(), "it cannot be emptied", &error));
        }
        Ok(self.file)
    }

    /// Leaves no new file behind.
    fn give_up(self) {
        if self.state == ClaimedState::New {
            // It is empty, and the run ends with an error of its own.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Refuses to write results and list into one file.
fn refuse_one_file_for_both(arguments: &PushArgs) -> Result<(), Error> {
    let Some(list) = &arguments.unregistered_out else { return Ok(()) };
    let resumed = arguments.resume.clone().map(Location::Path);
    for results in [&arguments.results, &resumed].into_iter().flatten() {
        if list.is_same_output(results) {
            return Err(Error::new(
                ExitKind::Usage,
                format!("{list}: it cannot be the results and --unregistered-out"),
            ));
        }
    }
    Ok(())
}

/// Claims a file that only its owner can read, and that is not there, or may be replaced and is an earlier one.
fn claim(
    arguments: &PushArgs,
    path: &Path,
    may_replace: bool,
    is_earlier: &dyn Fn(&mut dyn BufRead) -> io::Result<bool>,
) -> Result<ClaimedFile, Error> {
    let name = path.display().to_string();
    let inputs = [&arguments.input, &arguments.key, &arguments.p8, &arguments.tokens, &arguments.payload];
    let own = Location::Path(path.to_owned());
    for input in inputs.into_iter().flatten() {
        let is_input = match input {
            Location::Standard => own.is_standard_input(),
            Location::Path(_) => own.is_same_output(input),
        };
        if is_input {
            return Err(Error::new(ExitKind::Usage, format!("{name}: it is an input too")));
        }
    }
    let path = path.to_owned();
    match log_file::open_special(&path) {
        Ok(Some(file)) => return Ok(ClaimedFile { file, path, state: ClaimedState::Special }),
        Ok(None) => {}
        Err(error) => return Err(advice::unwritable(&name, "it cannot be opened", &error)),
    }
    match log_file::claim(&path, may_replace, is_earlier) {
        Ok(CreatedLog { file, is_new }) => {
            let state = if is_new { ClaimedState::New } else { ClaimedState::Earlier };
            Ok(ClaimedFile { file, path, state })
        }
        Err(CreateError::Exists) => {
            Err(Error::new(ExitKind::Write, format!("{name}: the file exists")).hint("--force overwrites it"))
        }
        Err(CreateError::NoEarlierLog) if !arguments.force => {
            let message = format!("{name}: the file exists, and has lines that are not in the results");
            Err(Error::new(ExitKind::Write, message).hint("choose another name; --force overwrites an earlier list"))
        }
        Err(CreateError::NoEarlierLog) => {
            let message = format!("{name}: the file exists, and is no earlier one of the same kind");
            Err(Error::new(ExitKind::Write, message).hint("choose another name"))
        }
        Err(CreateError::InUse) => Err(in_use(&name)),
        Err(CreateError::Io(error)) => Err(advice::unwritable(&name, "it cannot be made", &error)),
        Err(error @ CreateError::NoFile) => Err(Error::new(ExitKind::Write, format!("{name}: {error}"))),
    }
}

fn in_use(name: &str) -> Error {
    Error::new(ExitKind::Write, format!("{name}: another process writes to it"))
}

/// Returns whether a list of tokens that are no longer active is the beginning of the one that the results make, so that
/// nothing of it is lost where it is written anew. Stands at the end of the results then.
fn is_in_results(list: &mut dyn BufRead, mut results: &File) -> io::Result<bool> {
    let (mut expected, mut found, mut is_same) = (Vec::new(), Vec::new(), true);
    writeln!(expected, "{UNREGISTERED_HEADER}")?;
    let mut compare = |expected: &[u8]| -> io::Result<()> {
        found.clear();
        Read::take(&mut *list, expected.len() as u64).read_to_end(&mut found)?;
        is_same &= expected.starts_with(&found);
        Ok(())
    };
    compare(&expected)?;
    results.rewind()?;
    let read = earlier::read_unregistered(&mut BufReader::new(results), &mut |token, since| {
        expected.clear();
        write_unregistered(&mut expected, token, since)?;
        compare(&expected)
    });
    results.seek(SeekFrom::End(0))?;
    match read {
        Ok(()) => Ok(is_same && list.fill_buf()?.is_empty()),
        Err(ResumeError::Io(error)) => Err(error),
        Err(_) => Ok(false),
    }
}

/// Returns whether a file is empty or begins so.
fn begins_with(input: &mut dyn BufRead, start: &str) -> bool {
    let mut line = String::new();
    input.take(START).read_line(&mut line).is_ok() && (line.is_empty() || line.starts_with(start))
}
