//! Finds the private key of a certificate among files and folders.

use std::io;
use std::path::PathBuf;

use crate::certificate::Certificate;
use crate::commands::shared::opening::Opener;
use crate::commands::shared::{advice, unread};
use crate::container::{Contents, Entry};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::expiry::sniff;
use crate::inspect::none_fits;
use crate::key::PrivateKey;
use crate::text::{Printable, printable_name};
use crate::world::context::Context;
use crate::world::files::{self, Location, ReadError};
use crate::world::walk::{self, Filter, FoundFile, WalkError};

/// The most files that a message lists.
const MAX_LISTED: usize = 10;

/// The private keys of files and folders.
#[derive(Default)]
pub(crate) struct KeySearch {
    /// In the order of the arguments, and in folders by name.
    keys: Vec<FoundKey>,
    /// Why files, or parts of them, that may be keys were not read.
    pub(crate) unread: Vec<Error>,
    /// The files that are too large for keys.
    passed_over: Vec<Error>,
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
        match opener.open(place, context) {
            Ok(contents) => self.add(place, contents),
            Err(error) => self.unread.push(error),
        }
    }

    fn read_folder(&mut self, folder: PathBuf, opener: &Opener) {
        let mut paths = Vec::new();
        for found in walk::find(&[folder], &Filter::default()) {
            match found {
                Ok(FoundFile { path, .. }) => paths.push(path),
                Err(WalkError { path, error }) => {
                    self.unread.push(advice::explain(&path.display().to_string(), &ReadError::from(error)));
                }
            }
        }
        paths.sort();
        for path in paths {
            self.read_found(path, opener);
        }
    }

    fn read_found(&mut self, path: PathBuf, opener: &Opener) {
        let place = Location::Path(path);
        let file = place.to_string();
        let bytes = match files::read(&place, &mut io::empty()) {
            Ok(bytes) => bytes,
            // No key is so large; it is named all the same.
            Err(error @ ReadError::TooLarge) if !sniff::has_certificate_extension(&file) => {
                return self.passed_over.push(advice::explain(&file, &error));
            }
            Err(error) => return self.unread.push(advice::explain(&file, &error)),
        };
        match opener.open_unasked(&bytes) {
            Ok(contents) => self.add(&place, contents),
            Err(error) if sniff::is_unrelated_file(&file, &bytes, &error) => {}
            Err(error) => self.unread.push(advice::explain(&file, &error)),
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

    /// Returns the first key that belongs to a certificate.
    pub(crate) fn key_of(&self, certificate: &Certificate) -> Option<&FoundKey> {
        self.keys.iter().find(|found| found.key.item.public().is_same_key(&certificate.public_key))
    }

    /// Explains that no key belongs to any of the certificates of a file.
    pub(crate) fn explain_none(&self, file: &Location) -> Error {
        let file = printable_name(&file.to_string());
        if self.keys.is_empty() {
            return match self.unread.first() {
                Some(error) => error.clone(),
                None => Error::new(ExitKind::Input, format!("{file}: there is no private key to try with --key")),
            };
        }
        let message = format!("{file}: {}", none_fits(self.count()));
        Error::new(self.exit_of_none(), message).hint(Printable::lines(&self.tried()))
    }

    /// Returns how a run ends where no key fits: a key that was not read could be the one.
    pub(crate) fn exit_of_none(&self) -> ExitKind {
        match &self.unread[..] {
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
        let unread: Vec<&Error> = self.unread.iter().chain(&self.passed_over).collect();
        for error in unread.iter().take(MAX_LISTED) {
            lines.push(format!("not read: {}", error.message));
        }
        if let Some(more @ 1..) = unread.len().checked_sub(MAX_LISTED) {
            lines.push(format!("not read: {more} more"));
        }
        lines
    }
}
