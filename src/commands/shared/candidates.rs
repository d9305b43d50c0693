//! Reads the passwords for many files: the one that is given, and those in the file of --passwords.

use std::io;
use std::path::Path;

use crate::cli::OpeningArgs;
use crate::cli::password::PasswordSource;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::expiry::passwords::{GlobPassword, PasswordCandidates};
use crate::secret::Password;
use crate::world::context::Context;
use crate::world::files::{self, Location};
use crate::world::walk::Globs;

/// Reads all passwords once.
pub(crate) fn read(
    opening: &OpeningArgs,
    file: Option<&Path>,
    context: &mut Context<'_>,
) -> Result<PasswordCandidates, Error> {
    let mut candidates = PasswordCandidates::default();
    if let Some(source) = &opening.passin {
        candidates.common.push(read_given(source, context)?);
        candidates.is_given = file.is_none();
    }
    if let Some(file) = file {
        read_file(file, &mut candidates, context)?;
    }
    Ok(candidates)
}

fn read_given(source: &PasswordSource, context: &mut Context<'_>) -> Result<Password, Error> {
    if let Some(password) = source.read(context, "--passin")? {
        return Ok(password);
    }
    match context.terminal.secret("Password for the files: ") {
        Ok(secret) => Ok(Password::new(secret.as_bytes().to_vec())),
        Err(error) => Err(Error::new(ExitKind::Password, format!("no password was entered: {error}"))
            .hint("give it with --passin env:VARIABLE, file:PATH, fd:NUMBER or cmd:COMMAND")),
    }
}

fn read_file(file: &Path, candidates: &mut PasswordCandidates, context: &mut Context<'_>) -> Result<(), Error> {
    let name = format!("--passwords {}", file.display());
    let bytes = match files::read(&Location::Path(file.to_owned()), &mut io::empty()) {
        Ok(bytes) => bytes,
        Err(error) => return Err(Error::new(ExitKind::Password, format!("{name}: {error}"))),
    };
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match assignment(line) {
            Some(assignment) => {
                let place = LinePlace { file: &name, number: index + 1 };
                candidates.by_glob.push(read_assignment(&assignment, &place, context)?);
            }
            None if line.is_empty() => {}
            None => candidates.common.push(Password::new(line.to_vec())),
        }
    }
    Ok(())
}

/// A glob and a password source, around the first " = ".
struct Assignment<'a> {
    glob: &'a str,
    source: &'a str,
}

fn assignment(line: &[u8]) -> Option<Assignment<'_>> {
    let (glob, source) = std::str::from_utf8(line).ok()?.split_once(" = ")?;
    Some(Assignment { glob: glob.trim(), source: source.trim() })
}

fn read_assignment(
    assignment: &Assignment<'_>,
    place: &LinePlace<'_>,
    context: &mut Context<'_>,
) -> Result<GlobPassword, Error> {
    let Ok(globs) = Globs::new(&[assignment.glob]) else {
        return Err(place.error("there is no glob before \" = \""));
    };
    let Ok(source) = assignment.source.parse::<PasswordSource>();
    let password = match &source {
        // In a file it is no more secret than the other lines.
        PasswordSource::Pass(password) => password.clone(),
        PasswordSource::Unknown => return Err(place.error("there is no password source after \" = \"")),
        PasswordSource::Stdin | PasswordSource::Prompt => {
            return Err(place.error("stdin and prompt cannot be used here"));
        }
        // Who may write the file may not for that run commands.
        PasswordSource::Command(_) => return Err(place.error("cmd: is taken only on the command line")),
        // The error of the source has its text, which may be a password too.
        source => match source.read(context, place.file) {
            Ok(Some(password)) => password,
            Ok(None) => return Err(place.error("there is no password")),
            Err(_) => return Err(place.source_error()),
        },
    };
    Ok(GlobPassword { globs, password })
}

/// The place of a line in the file of passwords.
struct LinePlace<'a> {
    file: &'a str,
    number: usize,
}

impl LinePlace<'_> {
    /// Returns an error that does not repeat the source, which may be a password.
    fn source_error(&self) -> Error {
        let Self { file, number } = self;
        let problem = "the password source after \" = \" cannot be read";
        Error::new(ExitKind::Password, format!("{file}, line {number}: {problem}"))
            .hint("set the variable, or give the file, that the line names")
    }

    /// Returns an error that does not repeat the line: it may be a password.
    fn error(&self, problem: &str) -> Error {
        let Self { file, number } = self;
        Error::new(ExitKind::Usage, format!("{file}, line {number}: {problem}")).hint(
            "a line is a password, or GLOB = SOURCE with env:VAR, file:PATH, fd:N or pass:SECRET; a password that \
             has \" = \" in it goes as * = pass:SECRET",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::Passwords;
    use crate::test_support::TestWorld;

    fn read(passin: Option<&str>, lines: Option<&str>) -> Result<PasswordCandidates, Error> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("passwords");
        std::fs::write(&file, lines.unwrap_or_default()).unwrap();
        let passin = passin.map(|source| source.parse().unwrap());
        let opening = OpeningArgs { passin, max_iterations: 1 };
        let mut world = TestWorld::interactive(&["asked"]);
        world.variable = |name| (name == "SET").then(|| "from env".into());
        world.run(|context| super::read(&opening, lines.map(|_| file.as_path()), context))
    }

    fn shown(candidates: &PasswordCandidates, path: &str) -> String {
        let text = |password: &Password| String::from_utf8_lossy(password.as_bytes()).into_owned();
        match candidates.as_passwords(&candidates.matching(Path::new(path), &[])) {
            Passwords::None => "none".to_owned(),
            Passwords::Given(password) => format!("given {}", text(&password)),
            Passwords::AnyOf(all) => all.iter().map(text).collect::<Vec<_>>().join("|"),
            Passwords::Ask(_) => "ask".to_owned(),
        }
    }

    #[test]
    fn a_person_is_asked_once_for_all_files() {
        let candidates = read(Some("prompt"), None).unwrap();
        assert_eq!(shown(&candidates, "a.p12"), "given asked");
        assert_eq!(shown(&candidates, "b.p12"), "given asked");
        // Nobody is asked unless that is wanted, even at a terminal.
        assert_eq!(shown(&read(None, None).unwrap(), "a.p12"), "none");
    }

    #[test]
    fn lines_are_passwords_or_sources_for_globs() {
        let lines = "first\r\n\n # second =x \nold/*.p12 = env:SET\n*.pfx = pass:a = b\n";
        let candidates = read(Some("pass:given"), Some(lines)).unwrap();
        assert_eq!(shown(&candidates, "a.p12"), "given|first| # second =x ");
        assert_eq!(shown(&candidates, "old/a.p12"), "from env|given|first| # second =x ");
        assert_eq!(shown(&candidates, "x/y.pfx"), "a = b|given|first| # second =x ");
    }

    #[test]
    fn a_line_that_is_wrong_is_named_and_not_shown() {
        let message = |lines: &str| {
            let error = read(None, Some(lines)).unwrap_err();
            assert!(!format!("{error:?}").contains("hunter2"));
            (error.kind, error.message.rsplit("passwords").next().unwrap_or_default().to_owned())
        };
        let after = ", line 2: there is no password source after \" = \"".to_owned();
        assert_eq!(message("a\n*.p12 = hunter2"), (ExitKind::Usage, after));
        let before = ", line 1: there is no glob before \" = \"".to_owned();
        assert_eq!(message("[hunter2 = pass:x"), (ExitKind::Usage, before));
        let asks = ", line 1: stdin and prompt cannot be used here".to_owned();
        assert_eq!(message("* = prompt"), (ExitKind::Usage, asks));
        let runs = ", line 2: cmd: is taken only on the command line".to_owned();
        assert_eq!(message("a\n* = cmd:echo hunter2"), (ExitKind::Usage, runs));
        for source in ["env:hunter2", "file:hunter2", "file:/hunter2/x", "fd:987654"] {
            let unread = ", line 1: the password source after \" = \" cannot be read".to_owned();
            assert_eq!(message(&format!("* = {source}")), (ExitKind::Password, unread));
        }
    }
}
