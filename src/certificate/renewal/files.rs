//! Compares the files: whether a program that reads the old one can read the new one.

use crate::certificate::renewal::Side;
use crate::certificate::warning::KeyState;
use crate::finding::{Finding, FindingCode, Level};
use crate::secret::Password;
use crate::text::printable_name;

/// The kind of a file, as programs tell it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum FileKind {
    #[default]
    Pem,
    Pkcs12,
    Der,
    Pkcs7,
    /// Objects of Kubernetes.
    Dump,
}

/// The form of a file.
#[derive(Debug, Clone)]
pub(crate) struct FileForm<'a> {
    pub(crate) kind: FileKind,
    /// OpenSSL reads it as it stands.
    pub(crate) is_plain: bool,
    /// The password that it needs.
    pub(crate) lock: Option<Password>,
    /// The name (friendlyName) of the identity in PKCS#12.
    pub(crate) alias: Option<&'a str>,
}

impl Default for FileForm<'_> {
    fn default() -> Self {
        Self { kind: FileKind::Pem, is_plain: true, lock: None, alias: None }
    }
}

impl FileForm<'_> {
    fn describe(&self) -> &'static str {
        match (self.kind, self.is_plain) {
            (FileKind::Pem, true) => "PEM",
            (FileKind::Pem, false) => "a text that is not plain PEM",
            (FileKind::Pkcs12, _) => "PKCS#12",
            (FileKind::Der, _) => "a certificate in DER",
            (FileKind::Pkcs7, _) => "PKCS#7",
            (FileKind::Dump, _) => "a dump of Kubernetes",
        }
    }
}

/// Compares their forms. That the key is not in the new file is told elsewhere, and first of all.
pub(super) fn compare_files(old: &Side<'_>, new: &Side<'_>, differences: &mut Vec<Finding>) {
    let (was, is) = (&old.file, &new.file);
    if matches!(new.key.state, KeyState::Missing | KeyState::Mismatch) && old.key.state == KeyState::Matches {
        return;
    }
    if was.kind != is.kind || (is.is_plain && !was.is_plain) {
        let message = format!(
            "the old file is {}, the new one {}: programs that read the old one need the new one in that form",
            was.describe(),
            is.describe()
        );
        differences.push(Finding::new(Level::Ok, FindingCode::OtherContainer, message));
        return;
    }
    if was.is_plain && !is.is_plain {
        let message = "programs such as OpenSSL read the old file as it stands, but not the new one: it has another \
                       encoding, or something stands before or within its lines";
        differences.push(Finding::failure(FindingCode::NotPlain, message));
    }
    compare_locks(was, is, differences);
    if let Some(alias) = was.alias
        && was.alias != is.alias
    {
        let now = is.alias.map_or_else(|| "none".to_owned(), printable_name);
        let message = format!(
            "the name of the identity (friendlyName, alias) has changed from {} to {now}: programs that ask for it by name, \
             such as those in Java, do not find it",
            printable_name(alias)
        );
        differences.push(Finding::new(Level::Ok, FindingCode::OtherAlias, message));
    }
}

/// Compares the passwords that two files of one kind need.
fn compare_locks(was: &FileForm<'_>, is: &FileForm<'_>, differences: &mut Vec<Finding>) {
    let is_packed = is.kind == FileKind::Pkcs12;
    let finding = match (&was.lock, &is.lock) {
        (None, Some(_)) if is_packed => Finding::failure(
            FindingCode::KeyLocked,
            "the new file has a password, the old one has none: programs that have no password for it do not start",
        ),
        (Some(_), None) if is_packed => Finding::new(
            Level::Ok,
            FindingCode::OtherPassword,
            "the old file has a password, the new one has none: programs that give one may have to be set up without",
        ),
        (Some(old), Some(new)) if old.as_bytes() != new.as_bytes() => Finding::new(
            Level::Ok,
            FindingCode::OtherPassword,
            "the new file has another password than the old one: programs must be given the new one",
        ),
        // Of PEM it is told where keys are compared.
        _ => return,
    };
    differences.push(finding);
}
