//! Tells by where two certificates lie whether one may be the next version of the other, or whether both are in use.

use std::path::{Component, Path};
use std::sync::Arc;

use crate::expiry::report::Source;
use crate::expiry::words::{PathPart, Words};
use crate::text::printable_name;

/// The place of a certificate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The file, or the name of the entry in a Kubernetes secret.
    pub(super) file: &'a str,
    pub(super) source: Source,
    /// The links that lead to the file.
    pub(super) links: &'a [Arc<Path>],
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
    Link(Arc<Path>),
    /// A link leads to each.
    Links,
    /// They are in two objects of a cluster.
    Objects,
    /// They have one name and two formats.
    Format,
    /// Their folders have names that are no versions.
    Folders,
    /// Their files have names that are no versions.
    Files,
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
            Self::Links => "a link leads to each",
            Self::Objects => "objects of a cluster are, unless only a version tells their names apart",
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
pub(super) fn judge(old: Place<'_>, new: Place<'_>, bond: Bond) -> Standing {
    if let Some(evidence) = links(old.links, new.links) {
        return Standing::Beside(evidence);
    }
    let evidence = match (old.source, new.source) {
        (Source::Secret, Source::Secret) => objects(old.file, new.file, bond),
        _ => files(Path::new(old.file), Path::new(new.file), bond),
    };
    match evidence {
        Some(evidence) => Standing::Beside(evidence),
        None => Standing::Version,
    }
}

/// Compares the links that lead to two files. A link to a folder leads to all that is in it. One that is called `previous`
/// does not show that something is in use.
fn links(old: &[Arc<Path>], new: &[Arc<Path>]) -> Option<Evidence> {
    for link in old {
        if !new.contains(link) && !words_of(&[&file_name(link)], PathPart::File).is_retired {
            let has_others = new.iter().any(|other| !old.contains(other));
            return Some(if has_others { Evidence::Links } else { Evidence::Link(link.clone()) });
        }
    }
    None
}

/// Compares two entries of one dump, which have a name such as `namespace/name/key`.
fn objects(old: &str, new: &str, bond: Bond) -> Option<Evidence> {
    let (old_object, old_key) = old.rsplit_once('/').unwrap_or(("", old));
    let (new_object, new_key) = new.rsplit_once('/').unwrap_or(("", new));
    if old_object == new_object {
        return files_of_a_folder(old_key, new_key, bond);
    }
    let (own, other) = (words_of(&[old_object], PathPart::Folder), words_of(&[new_object], PathPart::Folder));
    let tells_version = own.tells_version() || other.tells_version();
    if tells_version && own.names == other.names && own.counts == other.counts {
        return None;
    }
    Some(Evidence::Objects)
}

/// Compares two files.
fn files(old: &Path, new: &Path, bond: Bond) -> Option<Evidence> {
    let (old_name, new_name) = (file_name(old), file_name(new));
    let ways = Ways::between(old, new);
    if ways.old.is_empty() && ways.new.is_empty() {
        return files_of_a_folder(&old_name, &new_name, bond);
    }
    let is_in_use = match ways.likeness() {
        Likeness::Named => bond != Bond::Push || old_name == new_name,
        Likeness::Counted => true,
        Likeness::Unclear => bond == Bond::Loose,
        Likeness::Versions => false,
    };
    if is_in_use {
        return Some(Evidence::Folders);
    }
    match likeness(&words_of(&[&old_name], PathPart::File), &words_of(&[&new_name], PathPart::File)) {
        Likeness::Named | Likeness::Counted if bond != Bond::Push => Some(Evidence::Files),
        Likeness::Unclear if bond == Bond::Loose => Some(Evidence::Files),
        _ => None,
    }
}

/// Compares two files of one folder, or two entries of one object.
fn files_of_a_folder(old: &str, new: &str, bond: Bond) -> Option<Evidence> {
    let (own, other) = (words_of(&[old], PathPart::File), words_of(&[new], PathPart::File));
    if is_other_format(old, new) || (bond != Bond::Push && own == other && is_store(old) != is_store(new)) {
        return Some(Evidence::Format);
    }
    let is_in_use = match (bond, likeness(&own, &other)) {
        (Bond::Push | Bond::SameKey, _) => false,
        // One file may have a certificate for each kind of key.
        (Bond::Loose, _) if old == new => true,
        (_, Likeness::Named | Likeness::Counted) => true,
        // A backup takes the place of nothing.
        (bond, Likeness::Unclear) => bond == Bond::Loose || other.is_retired,
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

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn words_of<T: AsRef<str>>(names: &[T], part: PathPart) -> Words {
    let mut words = Words::default();
    for name in names {
        words.add(name.as_ref(), part);
    }
    words
}

/// Compares names without regard to what says that the old one is retired, or the new one fresh.
fn likeness(old: &Words, new: &Words) -> Likeness {
    if old.names == new.names {
        let are_counted = !old.counts.is_empty() && !new.counts.is_empty() && old.counts != new.counts;
        return if are_counted { Likeness::Counted } else { Likeness::Versions };
    }
    let is_retired = old.names.is_empty() && (old.is_retired || old.has_date);
    let is_fresh = new.names.is_empty() && (new.is_fresh || new.has_date);
    if is_retired || is_fresh {
        Likeness::Versions
    } else if old.names.is_empty() || new.names.is_empty() {
        Likeness::Unclear
    } else {
        Likeness::Named
    }
}

/// The folders in which the ways to two files differ.
struct Ways {
    old: Vec<String>,
    new: Vec<String>,
}

impl Ways {
    fn between(old: &Path, new: &Path) -> Self {
        let mut ways = Self { old: folders_of(old), new: folders_of(new) };
        let same = ways.old.iter().zip(&ways.new).take_while(|(a, b)| a == b).count();
        ways.old.drain(..same);
        ways.new.drain(..same);
        while ways.old.last().is_some() && ways.old.last() == ways.new.last() {
            ways.old.pop();
            ways.new.pop();
        }
        ways
    }

    /// Compares them. A file in a folder of the other's folder is not elsewhere.
    fn likeness(&self) -> Likeness {
        let (old, new) = (words_of(&self.old, PathPart::Folder), words_of(&self.new, PathPart::Folder));
        match likeness(&old, &new) {
            Likeness::Named if old.is_retired => Likeness::Versions,
            // A folder that names nothing is as much elsewhere as one that does.
            Likeness::Unclear if !self.old.is_empty() && !self.new.is_empty() => Likeness::Named,
            likeness => likeness,
        }
    }
}

fn folders_of(file: &Path) -> Vec<String> {
    let mut folders = Vec::new();
    for component in file.parent().unwrap_or(Path::new("")).components() {
        if component != Component::CurDir {
            folders.push(component.as_os_str().to_string_lossy().into_owned());
        }
    }
    folders
}

#[cfg(test)]
mod tests;
