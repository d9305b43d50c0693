//! Finds the private key of a certificate among files and folders.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::commands::shared::opening::{self, Opener};
use crate::commands::shared::{advice, unread};
use crate::container::lookalike::Lookalike;
use crate::container::{Contents, Entry, OpenError};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::expiry::scanner::ScanError;
use crate::expiry::sniff;
use crate::inspect::none_fits;
use crate::key::PrivateKey;
use crate::pkcs12::Holds;
use crate::public_key::PublicKey;
use crate::text::{Printable, printable_name};
use crate::world::context::Context;
use crate::world::files::{self, Location, ReadError};
use crate::world::walk::{self, Filter, FoundFile, Globs, WalkError, WalkProblem, leads_nowhere};

/// The most files that a message lists.
const MAX_LISTED: usize = 10;

/// The folders whose files nobody means, wherever they are.
const PASSED_OVER: [&str; 4] = [".git", ".hg", ".svn", "node_modules"];

/// The hint where a file has several keys, and no certificate tells them apart.
pub(crate) const ONE_KEY_A_FILE: &str = "give each key a file of its own, as PEM from its BEGIN to its END; which of them belongs to a certificate tells \
     pushcert inspect CERTIFICATE --key FOLDER";

/// The private keys of files and folders.
#[derive(Default)]
pub(crate) struct KeySearch {
    /// In the order of the arguments, and in folders by name.
    keys: Vec<FoundKey>,
    /// Why files, or parts of them, that may be keys were not read.
    pub(crate) unread: Vec<Error>,
    /// The files that are too large for keys.
    passed_over: Vec<Error>,
    /// The folders below those that were named that were not searched.
    not_searched: Vec<PathBuf>,
    /// What to do where the system does not read a file that was named.
    system_hint: Option<Printable>,
    /// What the files that were named hold instead of a key.
    keyless: Vec<Error>,
}

/// A private key, and the file that it was found in.
pub(crate) struct FoundKey {
    pub(crate) file: Location,
    key: Entry<PrivateKey>,
}

impl KeySearch {
    /// Reads all keys. In folders, files that are certainly no keys are skipped, and nobody is asked for passwords.
    pub(crate) fn read(places: &[Location], opener: &Opener, context: &mut Context<'_>) -> Self {
        let mut search = Self::default();
        for place in places {
            match place {
                Location::Path(path) if path.is_dir() => search.read_folder(path.clone(), opener),
                place => search.read_named(place, opener, context),
            }
        }
        search
    }

    fn read_named(&mut self, place: &Location, opener: &Opener, context: &mut Context<'_>) {
        let bytes = match opening::read(place, context) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.system_hint = error.hint.clone();
                return self.unread.push(error);
            }
        };
        match opener.try_open(place, &bytes, context) {
            Ok(contents) => {
                if contents.keys.is_empty() && !contents.may_have_unread_key() {
                    self.keyless.push(no_key_in(place, &contents));
                }
                self.add(place, contents);
            }
            Err(error) => self.unread.push(explain(&place.to_string(), &error)),
        }
    }

    fn read_folder(&mut self, folder: PathBuf, opener: &Opener) {
        let mut paths = Vec::new();
        let filter = Filter { exclude: Globs::new(&PASSED_OVER).unwrap_or_default(), ..Filter::default() };
        let mut searched = BTreeSet::from([folder.clone()]);
        for found in walk::find(&[folder], &filter) {
            match found {
                Ok(FoundFile { path, .. }) => paths.push(path),
                Err(WalkError { error: WalkProblem::Special | WalkProblem::TooManyWays, .. }) => {}
                Err(WalkError { path, error: WalkProblem::Io(error) }) if leads_nowhere(&path, &error) => {
                    self.unread.push(advice::explain(&path.display().to_string(), &ScanError::DanglingLink));
                }
                Err(WalkError { path, error: WalkProblem::Io(error) }) => {
                    self.unread.push(advice::explain(&path.display().to_string(), &ReadError::from(error)));
                }
            }
        }
        paths.sort();
        for path in &paths {
            searched.extend(path.parent().map(Path::to_owned));
        }
        for folder in searched {
            let left = PASSED_OVER.iter().map(|name| folder.join(name));
            self.not_searched.extend(left.filter(|path| path.is_dir()));
        }
        for path in paths {
            self.read_found(path, opener);
        }
    }

    fn read_found(&mut self, path: PathBuf, opener: &Opener) {
        let place = Location::Path(path);
        let file = place.to_string();
        let bytes = match files::read(&place, &mut io::empty()) {
            Ok(bytes) => bytes,
            Err(error @ ReadError::TooLarge) if !sniff::has_certificate_extension(&file) => {
                return self.pass_over(&place, &error);
            }
            Err(ReadError::Io(error)) if matches!(&place, Location::Path(path) if leads_nowhere(path, &error)) => {
                return self.unread.push(advice::explain(&file, &ScanError::DanglingLink));
            }
            Err(error) => return self.unread.push(advice::explain(&file, &error)),
        };
        match opener.open_unasked(&bytes) {
            Ok(contents) => self.add(&place, contents),
            Err(error) if is_no_key_file(&file, &bytes, &error) => {}
            Err(error) => self.unread.push(explain(&file, &error)),
        }
    }

    /// Names a file that is too large. No key is so large; what holds keys may be.
    fn pass_over(&mut self, place: &Location, error: &ReadError) {
        let file = place.to_string();
        match large_lookalike(place) {
            Some(kind) => self.unread.push(explain(&file, &OpenError::Lookalike(kind))),
            None => self.passed_over.push(advice::explain(&file, error)),
        }
    }

    fn add(&mut self, place: &Location, contents: Contents) {
        for part in &contents.unread {
            if part.may_be_key() {
                self.unread.push(unread::explain(&place.to_string(), part));
            }
        }
        for key in contents.keys {
            self.keys.push(FoundKey { file: place.clone(), key });
        }
    }

    /// Returns the first lines of what was not read, and how many more there are.
    pub(crate) fn unread_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let unread: Vec<&Error> = self.unread.iter().chain(&self.passed_over).collect();
        for error in unread.iter().take(MAX_LISTED) {
            lines.push(format!("not read: {}", error.message));
        }
        if let Some(hint) = &self.system_hint {
            lines.push(format!("  hint: {hint}"));
        }
        if unread.iter().any(|error| error.kind == ExitKind::Password) {
            lines.push(
                "  in folders nobody is asked: name the file of a locked key, or give its password with --passin"
                    .to_owned(),
            );
        }
        if let Some(more @ 1..) = unread.len().checked_sub(MAX_LISTED) {
            lines.push(format!("not read: {more} more"));
        }
        for error in self.keyless.iter().take(MAX_LISTED) {
            lines.push(error.message.to_string());
        }
        for path in self.not_searched.iter().take(MAX_LISTED) {
            let name = printable_name(&path.display().to_string());
            lines.push(format!("not searched: {name}, unless --key names it"));
        }
        lines
    }

    /// Returns all keys of a file.
    pub(crate) fn keys_in(&self, file: &Location) -> Vec<Entry<PrivateKey>> {
        let mut keys = Vec::new();
        for found in &self.keys {
            if found.file == *file {
                keys.push(found.key.clone());
            }
        }
        keys
    }

    /// Returns the number of keys, each counted once.
    pub(crate) fn count(&self) -> usize {
        let mut different: Vec<&PrivateKey> = Vec::new();
        for found in &self.keys {
            if !different.iter().any(|key| key.is_same_key(&found.key.item)) {
                different.push(&found.key.item);
            }
        }
        different.len()
    }

    /// Returns the first key with this public half, which a certificate or a request has.
    pub(crate) fn key_of(&self, public: &PublicKey) -> Option<&FoundKey> {
        self.keys.iter().find(|found| found.key.item.public().is_same_key(public))
    }

    /// Explains that no key belongs to any of the certificates of a file.
    pub(crate) fn explain_none(&self, file: &Location) -> Error {
        let file = printable_name(&file.to_string());
        if self.keys.is_empty() {
            return match self.unread.first().or(self.keyless.first()) {
                Some(error) => error.clone(),
                None => {
                    let mut lines =
                        vec!["--key takes files and folders with the keys that requests were made with".to_owned()];
                    lines.extend(self.unread_lines());
                    Error::new(ExitKind::Input, format!("{file}: there is no private key to try with --key"))
                        .hint(Printable::lines(&lines))
                }
            };
        }
        let message = format!("{file}: {}", none_fits(self.count()));
        Error::new(self.exit_of_none(), message).hint(Printable::lines(&self.tried()))
    }

    /// Returns how a run ends where no key fits: a key that was not read could be the one, and what was named as a key may
    /// be none.
    pub(crate) fn exit_of_none(&self) -> ExitKind {
        match &self.unread[..] {
            [] if self.keys.is_empty() && !self.keyless.is_empty() => ExitKind::Input,
            [] => ExitKind::CheckFailed,
            unread if unread.iter().all(|error| error.kind == ExitKind::Password) => ExitKind::Password,
            _ => ExitKind::Input,
        }
    }

    /// Returns what was tried and what could not be, a line each.
    fn tried(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for found in self.keys.iter().take(MAX_LISTED) {
            lines.push(format!("tried {}", printable_name(&found.file.to_string())));
        }
        if let Some(more @ 1..) = self.keys.len().checked_sub(MAX_LISTED) {
            lines.push(format!("tried {more} more"));
        }
        lines.extend(self.unread_lines());
        lines
    }
}

/// Says what there is in a file in the place of a private key.
fn no_key_in(place: &Location, contents: &Contents) -> Error {
    let held = match (&contents.certificates[..], &contents.requests[..]) {
        ([], []) => "",
        ([], _) => ", only a certificate signing request",
        (_, []) => ", only a certificate",
        (_, _) => ", only a certificate and a certificate signing request",
    };
    Error::new(ExitKind::Input, format!("{}: there is no private key in it{held}", place.input_name()))
        .hint("--key takes files and folders with the keys that requests were made with")
}

/// Explains why a file was not read from which a private key was wanted.
fn explain(file: &str, error: &OpenError) -> Error {
    let described = advice::explain(file, error);
    match error {
        OpenError::Lookalike(kind) => {
            let message = format!("{}: {}", printable_name(file), opening::no_key(*kind));
            Error { message: message.into(), ..described }
        }
        _ => described,
    }
}

/// Returns whether a file in a folder that does not open is certainly no key, and holds none.
fn is_no_key_file(name: &str, bytes: &[u8], error: &OpenError) -> bool {
    match error {
        OpenError::Lookalike(kind) if may_hold_key(*kind) => false,
        error => sniff::skip(name, false, bytes, error).is_some(),
    }
}

fn may_hold_key(kind: Lookalike) -> bool {
    matches!(kind.holds(), Holds::Key | Holds::Anything)
}

/// Tells what a file of any size is that may hold keys, by its beginning.
fn large_lookalike(place: &Location) -> Option<Lookalike> {
    let Location::Path(path) = place else { return None };
    let start = files::read_start(path).ok()?;
    Lookalike::of(&start).filter(|kind| may_hold_key(*kind))
}
