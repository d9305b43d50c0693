//! The passwords for many files: one that is given, and those in a file of candidates.

use std::io;
use std::path::{Path, PathBuf};

use crate::cli::Opening;
use crate::cli::password::PasswordSource;
use crate::container::Passwords;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Kind;
use crate::files::{self, Location};
use crate::secret::Password;
use crate::walk::Globs;

/// What may open the files of a run. Nobody is asked while it runs.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// For all files: the given one, then the lines that are passwords.
    common: Vec<Password>,
    /// Whether the only one is the given one.
    is_given: bool,
    /// For the files that fit: common ones are tried after them.
    by_glob: Vec<(Globs, Password)>,
}

impl Candidates {
    /// Reads all passwords once.
    pub(super) fn read(opening: &Opening, file: Option<&Path>, context: &mut Context<'_>) -> Result<Self, Error> {
        let mut all = Self::default();
        if let Some(source) = &opening.passin {
            all.common.push(match source.read(context, "--passin")? {
                Some(password) => password,
                None => {
                    let secret = context.terminal.secret("Password for the files: ");
                    let secret = secret.map_err(|e| {
                        Error::new(Kind::Password, format!("no password was entered: {e}"))
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
            .map_err(|error| Error::new(Kind::Password, format!("{name}: {error}")))?;
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
                        Error::new(Kind::Usage, format!("{name}, line {}: {what}", index + 1)).hint(
                            "a line is a password, or GLOB = SOURCE with env:VAR, file:PATH, fd:N or pass:SECRET; \
                             a password that has \" = \" in it goes as * = pass:SECRET",
                        )
                    };
                    let globs = Globs::new(&[glob]).map_err(|_| wrong("there is no glob before \" = \""))?;
                    let source: PasswordSource =
                        source.parse().map_err(|_| wrong("there is no password source after \" = \""))?;
                    let password = match &source {
                        // In a file it is no more secret than the other lines.
                        PasswordSource::Pass(password) => password.clone(),
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

    /// Lets `open` have the passwords for a file; `path` is where it lies, from the folder that was named.
    pub(super) fn with<T>(&self, path: &Path, open: impl FnOnce(&mut Passwords<'_>) -> T) -> T {
        let own = self.by_glob.iter().filter(|(globs, _)| globs.fit(path)).map(|(_, password)| password.clone());
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
pub(super) fn below<'a>(path: &'a Path, roots: &[PathBuf]) -> &'a Path {
    let below = roots.iter().find_map(|root| path.strip_prefix(root).ok());
    let below = below.filter(|path| !path.as_os_str().is_empty()).unwrap_or(path);
    below.strip_prefix(".").unwrap_or(below)
}
