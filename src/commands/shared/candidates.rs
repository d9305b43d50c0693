//! The passwords for many files: one that is given, and those in a file of candidates.

use std::io;
use std::path::{Path, PathBuf};

use crate::cli::OpeningArgs;
use crate::cli::password::PasswordSource;
use crate::container::Passwords;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::secret::Password;
use crate::world::context::Context;
use crate::world::files::{self, Location};
use crate::world::walk::Globs;

/// What may open the files of a run. Nobody is asked while it runs.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    /// For all files: the given one, then the lines that are passwords.
    common: Vec<Password>,
    /// Whether the only one is the given one.
    is_given: bool,
    /// For the files that fit: common ones are tried after them.
    by_glob: Vec<(Globs, Password)>,
}

impl Candidates {
    /// Reads all passwords once.
    pub(crate) fn read(opening: &OpeningArgs, file: Option<&Path>, context: &mut Context<'_>) -> Result<Self, Error> {
        let mut all = Self::default();
        if let Some(source) = &opening.passin {
            all.common.push(match source.read(context, "--passin")? {
                Some(password) => password,
                None => {
                    let secret = context.terminal.secret("Password for the files: ");
                    let secret = secret.map_err(|e| {
                        Error::new(ExitKind::Password, format!("no password was entered: {e}"))
                            .hint("give it with --passin env:VARIABLE, file:PATH or fd:NUMBER")
                    })?;
                    Password::new(secret.as_bytes().to_vec())
                }
            });
            all.is_given = file.is_none();
        }
        if let Some(file) = file {
            all.read_file(file, context)?;
        }
        Ok(all)
    }

    fn read_file(&mut self, file: &Path, context: &mut Context<'_>) -> Result<(), Error> {
        let location = Location::Path(file.to_owned());
        let name = format!("--passwords {}", file.display());
        let bytes = files::read(&location, &mut io::empty())
            .map_err(|error| Error::new(ExitKind::Password, format!("{name}: {error}")))?;
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            match assignment(line) {
                None => self.common.push(Password::new(line.to_vec())),
                Some((glob, source)) => {
                    // The line is not repeated: it may be a password.
                    let wrong = |what: &str| {
                        Error::new(ExitKind::Usage, format!("{name}, line {}: {what}", index + 1)).hint(
                            "a line is a password, or GLOB = SOURCE with env:VAR, file:PATH, fd:N or pass:SECRET; \
                             a password that has \" = \" in it goes as * = pass:SECRET",
                        )
                    };
                    let globs = Globs::new(&[glob]).map_err(|_| wrong("there is no glob before \" = \""))?;
                    let Ok(source) = source.parse::<PasswordSource>();
                    let password = match &source {
                        // In a file it is no more secret than the other lines.
                        PasswordSource::Pass(password) => password.clone(),
                        PasswordSource::Unknown => {
                            return Err(wrong("there is no password source after \" = \""));
                        }
                        PasswordSource::Stdin | PasswordSource::Prompt => {
                            return Err(wrong("stdin and prompt cannot be used here"));
                        }
                        source => source.read(context, &name)?.ok_or_else(|| wrong("there is no password"))?,
                    };
                    self.by_glob.push((globs, password));
                }
            }
        }
        Ok(())
    }

    /// Lets `open` have the passwords for a file; `roots` are the paths that were named.
    pub(crate) fn with<T>(&self, path: &Path, roots: &[PathBuf], open: impl FnOnce(&mut Passwords<'_>) -> T) -> T {
        let fits = |(globs, _): &&(Globs, Password)| globs.fit(below(path, roots));
        let own = self.by_glob.iter().filter(fits).map(|(_, password)| password.clone());
        let mut own: Vec<Password> = own.collect();
        match (&own[..], &self.common[..]) {
            ([], []) => open(&mut Passwords::None),
            ([], [only]) if self.is_given => open(&mut Passwords::Given(only.clone())),
            ([], common) => open(&mut Passwords::AnyOf(common)),
            (_, common) => {
                own.extend_from_slice(common);
                open(&mut Passwords::AnyOf(&own))
            }
        }
    }
}

/// A glob and a password source, around the first " = ".
fn assignment(line: &[u8]) -> Option<(&str, &str)> {
    let (glob, source) = std::str::from_utf8(line).ok()?.split_once(" = ")?;
    Some((glob.trim(), source.trim()))
}

/// The path below the folder that was named, or that of a file that was named itself.
fn below<'a>(path: &'a Path, roots: &[PathBuf]) -> &'a Path {
    let below = roots.iter().find_map(|root| path.strip_prefix(root).ok());
    let below = below.filter(|path| !path.as_os_str().is_empty()).unwrap_or(path);
    below.strip_prefix(".").unwrap_or(below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::TestWorld;

    fn read(passin: Option<&str>, lines: Option<&str>) -> Result<Candidates, Error> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("passwords");
        std::fs::write(&file, lines.unwrap_or_default()).unwrap();
        let passin = passin.map(|source| source.parse().unwrap());
        let opening = OpeningArgs { passin, max_iterations: 1 };
        let mut world = TestWorld::interactive(&["asked"]);
        world.variable = |name| (name == "SET").then(|| "from env".into());
        world.run(|context| Candidates::read(&opening, lines.map(|_| file.as_path()), context))
    }

    fn shown(candidates: &Candidates, path: &str) -> String {
        let text = |password: &Password| String::from_utf8_lossy(password.as_bytes()).into_owned();
        candidates.with(Path::new(path), &[], |passwords| match passwords {
            Passwords::None => "none".to_owned(),
            Passwords::Given(password) => format!("given {}", text(password)),
            Passwords::AnyOf(all) => all.iter().map(text).collect::<Vec<_>>().join("|"),
            Passwords::Ask(_) => "ask".to_owned(),
        })
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
        assert_eq!(message("* = env:UNSET").0, ExitKind::Password);
    }

    #[test]
    fn paths_are_those_below_the_folder() {
        let below = |path: &str, root: &str| {
            below(Path::new(path), &[PathBuf::from("other"), PathBuf::from(root)]).display().to_string()
        };
        assert_eq!(below("certs/old/a.p12", "certs"), "old/a.p12");
        assert_eq!(below("certs/a.p12", "certs/a.p12"), "certs/a.p12");
        assert_eq!(below("./a.p12", "./a.p12"), "a.p12");
        assert_eq!(below("./certs/a.p12", "."), "certs/a.p12");
    }
}
