//! Tells by where two certificates lie whether one may be the next version of the other, or whether both are in use.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::expiry::report::Source;
use crate::expiry::words::{PathPart, Words, is_of_hosts};
use crate::text::printable_name;
use crate::world::walk::Links;

/// The place of a certificate.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    source: Source,
    /// The links that lead to the file, and to each of its folders.
    links: &'a [Links],
    /// The folders that the file is in; of an entry in a Kubernetes secret, the namespace and the object.
    folders: Vec<Part<'a>>,
    /// The file, or the entry.
    file: Part<'a>,
}

impl<'a> Place<'a> {
    /// Reads the words of a path, or of the name of an entry in a Kubernetes secret.
    pub(super) fn new(file: &'a str, source: Source, links: &'a [Links]) -> Self {
        let path = Path::new(file);
        let mut folders: Vec<Part<'a>> = Vec::new();
        for component in path.parent().unwrap_or(Path::new("")).components() {
            if component != Component::CurDir {
                let name = component.as_os_str().to_str().unwrap_or_default();
                folders.push(Part::below(folders.last(), name, PathPart::Folder));
            }
        }
        let file = Part::below(folders.last(), file_name(path), PathPart::File);
        Self { source, links, folders, file }
    }
}

/// A part of a path, and its words.
#[derive(Debug, Clone)]
struct Part<'a> {
    name: &'a str,
    words: Words,
}

impl<'a> Part<'a> {
    fn new(name: &'a str, part: PathPart) -> Self {
        let mut words = Words::default();
        words.add(name, part);
        Self { name, words }
    }

    /// Reads a part in a folder, which may be one of hosts.
    fn below(folder: Option<&Self>, name: &'a str, part: PathPart) -> Self {
        let mut read = Self::new(name, part);
        if folder.is_some_and(|folder| is_of_hosts(folder.name)) {
            read.words.count_hosts();
        }
        read
    }

    /// Returns whether it says that something is retired, and names nothing.
    fn is_retired(&self) -> bool {
        self.words.names.is_empty() && self.words.is_retired
    }

    /// Returns whether it is a date, and names nothing.
    fn is_date(&self) -> bool {
        self.words.names.is_empty() && self.words.has_date
    }
}

/// What the certificates themselves tell of how they belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bond {
    /// Both are for pushes to the same topics.
    Push,
    /// Both are for the same names and have the same key.
    SameKey,
    /// Both are for the same names.
    SameNames,
    /// They have keys of different kinds, or authorities of the same name: a server may need both.
    Loose,
}

/// What a certificate is to an older one for the same, by their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// It may be its next version.
    Version,
    /// Both are in use.
    Beside(Evidence),
}

/// What shows that the older certificate is in use still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Evidence {
    /// This link leads to the old one, and none to the new one.
    Link(PathBuf),
    /// A link leads to each.
    Links,
    /// They are in two objects of a cluster.
    Objects,
    /// They have one name in a dump, or in two of them.
    Namesakes,
    /// They have one name and two formats.
    Format,
    /// Their folders have names that are no versions.
    Folders,
    /// Their files have names that are no versions.
    Files,
    /// The new one lies in a backup.
    Backup,
}

impl Evidence {
    /// Returns why a certificate that could take the place of another is no renewal of it, and what to do.
    pub(super) fn objection(&self, new: &str) -> String {
        let new = printable_name(new);
        let reason = match self {
            Self::Link(link) => {
                let link = printable_name(&link.display().to_string());
                return format!("{new} is for the same, but a link leads to this one still: {link}");
            }
            Self::Format => {
                return format!(
                    "{new} is for the same, and this one has its name in another format: make it anew from that, or remove it"
                );
            }
            Self::Backup => return format!("{new} is for the same, but its name says that it is a backup"),
            Self::Links => "a link leads to each",
            Self::Objects => "objects of a cluster are, unless only a version tells their names apart",
            Self::Namesakes => "both have this name in a dump",
            Self::Folders => "their folders differ in more than a version or a date",
            Self::Files => "their names differ in more than a version or a date",
        };
        format!(
            "{new} is for the same, but seems to be in use beside it: {reason}; if nothing uses this one any more, remove \
             or exclude it"
        )
    }
}

/// The likeness of two names, or of two ways through folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Likeness {
    /// Only versions, dates and contents tell them apart.
    Versions,
    /// One of them tells nothing.
    Unclear,
    /// They count the same: `web1` and `web2`.
    Counted,
    /// Each has a name of its own.
    Named,
}

/// Judges the places of two certificates for the same, of which `new` ends later.
pub(super) fn judge(old: &Place<'_>, new: &Place<'_>, bond: Bond) -> Standing {
    if let Some(evidence) = links(old.links, new.links) {
        return Standing::Beside(evidence);
    }
    let ways = Ways::between(old, new);
    let evidence = match (old.source, new.source) {
        (Source::Secret, Source::Secret) if ways.are_same() && are_namesakes(old, new) => Some(Evidence::Namesakes),
        _ if ways.are_same() => files_of_a_folder(&old.file, &new.file, bond),
        (Source::Secret, Source::Secret) => objects(&ways, bond),
        _ => files(&old.file, &new.file, &ways, bond),
    };
    match evidence {
        Some(evidence) => Standing::Beside(evidence),
        None if is_backup(old, new, &ways) => Standing::Beside(Evidence::Backup),
        None => Standing::Version,
    }
}

/// Returns the links to one file that do not lead to another one too, as one to a folder of both does.
fn own_links<'a>(one: &'a [Links], other: &'a [Links]) -> impl Iterator<Item = &'a PathBuf> {
    let is_own = |links: &&Links| !other.iter().any(|shared| Arc::ptr_eq(shared, links));
    one.iter().filter(is_own).flat_map(|links| links.iter())
}

/// Compares the links that lead to two files.
fn links(old: &[Links], new: &[Links]) -> Option<Evidence> {
    let new_names = OnceCell::new();
    for link in own_links(old, new) {
        if !is_called_older(link, || new_names.get_or_init(|| names_of(own_links(new, old)))) {
            let has_others = own_links(new, old).next().is_some();
            return Some(if has_others { Evidence::Links } else { Evidence::Link(link.clone()) });
        }
    }
    None
}

/// Returns whether a link does not show that something is in use: it is called `previous`, or it is a date beside a link
/// to the new one, or its folder is so called and a link of its name leads to the new one.
fn is_called_older<'a>(link: &Path, new_names: impl FnOnce() -> &'a HashSet<&'a str>) -> bool {
    let name = Part::new(file_name(link), PathPart::File);
    if name.is_retired() {
        return true;
    }
    let folder = Part::new(file_name(link.parent().unwrap_or(link)), PathPart::Folder);
    if !name.is_date() && !folder.is_date() && !folder.is_retired() {
        return false;
    }
    let others = new_names();
    if name.is_date() { !others.is_empty() } else { others.contains(name.name) }
}

fn names_of<'a>(links: impl Iterator<Item = &'a PathBuf>) -> HashSet<&'a str> {
    let mut names = HashSet::new();
    for link in links {
        names.insert(file_name(link));
    }
    names
}

/// Returns whether the new one lies in a backup, to which no link leads, and the old one does not.
fn is_backup(old: &Place<'_>, new: &Place<'_>, ways: &Ways<'_>) -> bool {
    let is_old_retired = ways.old.is_retired() || old.file.words.is_retired;
    let is_new_retired = ways.new.is_retired() || new.file.words.is_retired;
    is_new_retired && !is_old_retired && own_links(new.links, old.links).next().is_none()
}

/// Returns whether two entries have one name. A cluster has it once in a namespace: they are of two clusters or times.
fn are_namesakes(old: &Place<'_>, new: &Place<'_>) -> bool {
    let has_namespace = old.folders.len() > 1;
    has_namespace && old.file.name == new.file.name
}

/// Compares two objects of a cluster.
fn objects(ways: &Ways<'_>, bond: Bond) -> Option<Evidence> {
    let Ways { old, new } = *ways;
    let are_alike = old.names().eq(new.names()) && old.counts().eq(new.counts());
    let tells_version = old.tells_version() || new.tells_version();
    // `push` and `apns`: only words for what is in them tell them apart.
    let are_same = bond == Bond::Push && old.versions().eq(new.versions());
    if are_alike && (tells_version || are_same) { None } else { Some(Evidence::Objects) }
}

/// Compares two files of different folders.
fn files(old: &Part<'_>, new: &Part<'_>, ways: &Ways<'_>, bond: Bond) -> Option<Evidence> {
    let is_in_use = match likeness(ways.old, ways.new, bond) {
        // A backup with a date, wherever it is kept.
        Likeness::Named if ways.old.is_retired() && ways.old.has_date() => false,
        Likeness::Named => bond != Bond::Push || old.name == new.name,
        Likeness::Counted => true,
        Likeness::Unclear if bond == Bond::Push => false,
        // A folder that names nothing is as much elsewhere as one that does. A file in a folder of the other's folder is not.
        Likeness::Unclear => bond == Bond::Loose || (!ways.old.0.is_empty() && !ways.new.0.is_empty()),
        Likeness::Versions => false,
    };
    if is_in_use {
        return Some(Evidence::Folders);
    }
    match likeness(Way::of(old), Way::of(new), bond) {
        Likeness::Named | Likeness::Counted if bond != Bond::Push => Some(Evidence::Files),
        Likeness::Unclear if bond == Bond::Loose => Some(Evidence::Files),
        _ => None,
    }
}

/// Compares two files of one folder, or two entries of one object.
fn files_of_a_folder(old: &Part<'_>, new: &Part<'_>, bond: Bond) -> Option<Evidence> {
    let is_stored_otherwise = old.words == new.words && is_store(old.name) != is_store(new.name);
    if is_other_format(old.name, new.name) || (bond != Bond::Push && is_stored_otherwise) {
        return Some(Evidence::Format);
    }
    let is_in_use = match (bond, likeness(Way::of(old), Way::of(new), bond)) {
        (Bond::Push | Bond::SameKey, _) => false,
        // One file may have a certificate for each kind of key.
        (Bond::Loose, _) if old.name == new.name => true,
        (_, Likeness::Named | Likeness::Counted) => true,
        (_, Likeness::Unclear) => bond == Bond::Loose,
        (_, Likeness::Versions) => false,
    };
    is_in_use.then_some(Evidence::Files)
}

/// Returns whether two files have one name and the extensions of two formats: of `nginx.pem` and `nginx.p12` one was made
/// of the other.
fn is_other_format(old: &str, new: &str) -> bool {
    let (Some((old_stem, old_end)), Some((new_stem, new_end))) = (old.rsplit_once('.'), new.rsplit_once('.')) else {
        return false;
    };
    let are_formats = is_one_of(&FORMATS, old_end) && is_one_of(&FORMATS, new_end);
    old_stem == new_stem && !old_end.eq_ignore_ascii_case(new_end) && are_formats
}

/// The extensions of the formats that a certificate may be kept in.
const FORMATS: [&str; 10] = ["pem", "crt", "cer", "cert", "der", "p12", "pfx", "pkcs12", "p7b", "jks"];

/// Returns whether a file has a key beside its certificate by its format: `keystore.p12` is made of `tls.crt`.
fn is_store(name: &str) -> bool {
    let Some((_, end)) = name.rsplit_once('.') else { return false };
    is_one_of(&STORES, end)
}

fn is_one_of(extensions: &[&str], end: &str) -> bool {
    extensions.iter().any(|extension| end.eq_ignore_ascii_case(extension))
}

/// The extensions of such formats.
const STORES: [&str; 4] = ["p12", "pfx", "pkcs12", "jks"];

fn file_name(path: &Path) -> &str {
    path.file_name().unwrap_or_default().to_str().unwrap_or_default()
}

/// Folders in a row, or a file.
#[derive(Debug, Clone, Copy)]
struct Way<'a>(&'a [Part<'a>]);

impl<'a> Way<'a> {
    fn of(file: &'a Part<'a>) -> Self {
        Self(std::slice::from_ref(file))
    }

    fn names(self) -> impl Iterator<Item = &'a String> {
        self.0.iter().flat_map(|part| &part.words.names)
    }

    fn counts(self) -> impl Iterator<Item = &'a String> {
        self.0.iter().flat_map(|part| &part.words.counts)
    }

    fn host_counts(self) -> impl Iterator<Item = &'a String> {
        self.0.iter().flat_map(|part| &part.words.host_counts)
    }

    fn versions(self) -> impl Iterator<Item = &'a String> {
        self.0.iter().flat_map(|part| &part.words.versions)
    }

    fn has_names(self) -> bool {
        self.names().next().is_some()
    }

    fn is_fresh(self) -> bool {
        self.0.iter().any(|part| part.words.is_fresh)
    }

    fn is_retired(self) -> bool {
        self.0.iter().any(|part| part.words.is_retired)
    }

    fn has_date(self) -> bool {
        self.0.iter().any(|part| part.words.has_date)
    }

    fn tells_version(self) -> bool {
        self.0.iter().any(|part| part.words.tells_version())
    }
}

/// Compares names without regard to what says that the old one is retired, or the new one fresh.
fn likeness(old: Way<'_>, new: Way<'_>, bond: Bond) -> Likeness {
    if old.names().eq(new.names()) {
        let are_counted = if bond == Bond::Push {
            differ(old.host_counts(), new.host_counts())
        } else {
            differ(old.counts(), new.counts())
        };
        return if are_counted { Likeness::Counted } else { Likeness::Versions };
    }
    let is_retired = !old.has_names() && (old.is_retired() || old.has_date());
    let is_fresh = !new.has_names() && (new.is_fresh() || new.has_date());
    if is_retired || is_fresh {
        Likeness::Versions
    } else if !old.has_names() || !new.has_names() {
        Likeness::Unclear
    } else {
        Likeness::Named
    }
}

/// Returns whether both have numbers, and others.
fn differ<'a>(old: impl Iterator<Item = &'a String>, new: impl Iterator<Item = &'a String>) -> bool {
    let (mut old, mut new) = (old.peekable(), new.peekable());
    old.peek().is_some() && new.peek().is_some() && old.ne(new)
}

/// The folders in which the ways to two files differ.
#[derive(Debug, Clone, Copy)]
struct Ways<'a> {
    old: Way<'a>,
    new: Way<'a>,
}

impl<'a> Ways<'a> {
    fn between(old: &'a Place<'a>, new: &'a Place<'a>) -> Self {
        let (mut own, mut other) = (&old.folders[..], &new.folders[..]);
        while let ([first, own_rest @ ..], [second, other_rest @ ..]) = (own, other)
            && first.name == second.name
        {
            (own, other) = (own_rest, other_rest);
        }
        while let ([own_rest @ .., first], [other_rest @ .., second]) = (own, other)
            && first.name == second.name
        {
            (own, other) = (own_rest, other_rest);
        }
        Self { old: Way(own), new: Way(other) }
    }

    fn are_same(&self) -> bool {
        self.old.0.is_empty() && self.new.0.is_empty()
    }
}

#[cfg(test)]
mod tests;
