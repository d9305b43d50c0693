//! Explains domain errors to the user: message, hint (with the names of flags) and exit code. Commands add hints of
//! their own where they know more.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::asn1::Fault;
use crate::cli;
use crate::container::lookalike::Lookalike;
use crate::container::{OpenError, PasswordTarget};
use crate::crypto::{DecodeError, Remedy};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::expiry::scanner::ScanError;
use crate::expiry::sniff::has_certificate_extension;
use crate::identity::{Choice, SelectError};
use crate::key::KeyError;
use crate::limits::LimitError;
use crate::net::descriptors::is_out_of_descriptors;
use crate::report::shell::shell_path;
use crate::request::RequestError;
use crate::secret::PasswordOddity;
use crate::text::{Printable, home_hint, printable_name};
use crate::world::files::{ReadError, input_name};
use crate::world::place::WriteError;
use crate::world::walk::WalkProblem;

/// An error that the domain returns about a file.
pub(crate) enum DomainError<'a> {
    Read(&'a ReadError),
    Write(&'a WriteError),
    Open(&'a OpenError),
    Key(&'a KeyError),
    Request(&'a RequestError),
    Select(&'a SelectError),
    Scan(&'a ScanError),
}

/// Explains `error`, which is about `file`.
pub(crate) fn explain<'a>(file: &str, error: impl Into<DomainError<'a>>) -> Error {
    let error = error.into();
    let (kind, hint) = advice(&error);
    if let DomainError::Read(_) | DomainError::Scan(ScanError::Read(_)) = error
        && file_before_password(file).is_some()
    {
        return no_password_in_name(kind, file);
    }
    match find_elsewhere(file, &error) {
        Some(hint) => Error::new(kind, format!("{}: {error}", printable_name(file))).hint(hint),
        None => Error { hint, ..Error::new(kind, format!("{}: {error}", printable_name(input_name(file)))) },
    }
}

/// Refuses a name that has what may be a password behind a colon: it is not repeated.
fn no_password_in_name(kind: ExitKind, file: &str) -> Error {
    let is_there = file_before_password(file).is_some_and(|before| Path::new(before).is_file());
    let more = if is_there { ", and one without what follows the colon" } else { "" };
    let name = printable_name(&without_password(file));
    Error::new(kind, format!("{name}: there is no such file{more}")).hint(NO_PASSWORD_IN_NAME)
}

/// Returns the file, where a name that is not there is that of a file with a password behind a colon, as curl takes it.
fn file_before_password(file: &str) -> Option<&str> {
    if Path::new(file).symlink_metadata().is_ok() {
        return None;
    }
    let mut by_name = None;
    for (index, _) in file.match_indices(':') {
        let before = &file[..index];
        if Path::new(before).is_file() {
            return Some(before);
        }
        let is_named = has_certificate_extension(before) || before.ends_with(".key") || before.ends_with(".p8");
        if by_name.is_none() && is_named {
            by_name = Some(before);
        }
    }
    by_name
}

/// Returns a name without the password that may stand behind it.
pub(crate) fn without_password(file: &str) -> String {
    match file_before_password(file) {
        Some(before) => format!("{before}:…"),
        None => file.to_owned(),
    }
}

/// Returns what to do where a file is not there since its name begins with `~`, or was typed without its quotes.
fn find_elsewhere(file: &str, error: &DomainError<'_>) -> Option<String> {
    match error {
        DomainError::Read(ReadError::Io(error)) | DomainError::Scan(ScanError::Read(ReadError::Io(error)))
            if error.kind() == io::ErrorKind::NotFound =>
        {
            home_hint(file).or_else(|| quotes_hint(file, &cli::arguments()))
        }
        DomainError::Write(WriteError::NoFolder(_)) => home_hint(file),
        _ => None,
    }
}

/// The most words that the name of a file is taken to have.
const MAX_WORDS: usize = 8;

/// Returns what to do where words that were typed are the name of a file that is there, and `file` is one of them.
fn quotes_hint(file: &str, typed: &[OsString]) -> Option<String> {
    // The program and its subcommand stand before them.
    for (place, _) in typed.iter().enumerate().skip(2).filter(|(_, word)| *word == file) {
        for start in place.saturating_sub(MAX_WORDS).max(2)..=place {
            for end in (start + 2).max(place + 1)..=typed.len().min(start + MAX_WORDS) {
                let name = PathBuf::from(typed[start..end].join(OsStr::new(" ")));
                if name.exists() {
                    return Some(format!("a name with blanks stands in quotes: {}", shell_path(&name)));
                }
            }
        }
    }
    None
}

/// Returns what to do where the system does not find a file: its name may begin with `~`.
fn missing_hint(file: &str, cause: &io::Error) -> Option<Printable> {
    if cause.kind() == io::ErrorKind::NotFound { home_hint(file).map(Printable::from) } else { None }
}

/// Explains that the system does not read an input that is no certificate file: a list, a log, a request.
pub(crate) fn unreadable(file: &str, cause: &io::Error) -> Error {
    if file_before_password(file).is_some() {
        return no_password_in_name(ExitKind::Input, file);
    }
    let name = printable_name(input_name(file));
    let error = Error::new(ExitKind::Input, format!("{name}: cannot read it: {cause}"));
    let quotes = if cause.kind() == io::ErrorKind::NotFound { quotes_hint(file, &cli::arguments()) } else { None };
    let hint = missing_hint(file, cause).or(quotes.map(Printable::from));
    Error { hint: hint.or(input_hint(cause).map(Printable::from)), ..error }
}

/// Explains that the system does not do what an output needs; `problem` says what that is.
pub(crate) fn unwritable(file: &str, problem: &str, cause: &io::Error) -> Error {
    let error = Error::new(ExitKind::Write, format!("{}: {problem}: {cause}", printable_name(file)));
    let path = file.strip_prefix("--keep: ").unwrap_or(file);
    Error { hint: missing_hint(path, cause).or(output_hint(cause).map(Printable::from)), ..error }
}

/// What to do where no descriptor is left.
pub(crate) const RAISE_OPEN_FILES: &str =
    "raise the limit of open files (ulimit -n), or end other programs that hold many";

/// What to do about a name with something behind a colon that is no part of it.
const NO_PASSWORD_IN_NAME: &str = "check its name; a password does not stand behind a colon: commands that take one have \
     --passin env:VARIABLE, file:PATH, fd:NUMBER, cmd:COMMAND, stdin or prompt";

/// Where a password can be given.
pub(crate) const ASK_FOR_PASSWORD: &str =
    "give the password with --passin env:VARIABLE, file:PATH, fd:NUMBER, cmd:COMMAND, stdin or prompt";

/// Returns the exit code of an error, and what to do next.
fn advice(error: &DomainError<'_>) -> (ExitKind, Option<Printable>) {
    let (kind, hint) = match error {
        DomainError::Read(error) => return (ExitKind::Input, read_advice(error).map(Printable::from)),
        DomainError::Key(_) => return (ExitKind::Input, None),
        DomainError::Write(error) => match error {
            WriteError::Exists => (ExitKind::Write, "choose another name, or overwrite it with --force"),
            WriteError::NoFolder(_) => (ExitKind::Write, "make the folder first"),
            WriteError::ForeignLink | WriteError::ForeignTarget => {
                (ExitKind::Write, "give the name of the file that the link leads to")
            }
            WriteError::SharedPipe => {
                (ExitKind::Write, "make the pipe with mkfifo -m 600, or write with -o - | COMMAND")
            }
            WriteError::WouldOverwrite => (ExitKind::Write, "give the file's name, or append to it with >>"),
            WriteError::AppendOnlyFolder => (ExitKind::Write, "name a file in another folder"),
            WriteError::LeftBehind { .. } => (ExitKind::Write, "remove it by hand: it may hold the private key"),
            WriteError::Mounted(_) => {
                (ExitKind::Write, "mount its folder instead of the file, or write into the file with -o - >FILE")
            }
            WriteError::Io(error) => return (ExitKind::Write, output_hint(error).map(Printable::from)),
            WriteError::SameFile | WriteError::Unfit(_) | WriteError::NoReader => return (ExitKind::Write, None),
        },
        DomainError::Request(error) => match error {
            RequestError::NotForPortal(_) => (
                ExitKind::CheckFailed,
                "leave out --key, and a new key is made; --any-key makes the request all the same, for others than Apple",
            ),
            RequestError::CannotSign(_) | RequestError::Damaged => return (ExitKind::Input, None),
        },
        DomainError::Open(error) => {
            let kind = if error.is_locked() { ExitKind::Password } else { ExitKind::Input };
            (kind, open_advice(error))
        }
        DomainError::Select(error) => return select_advice(error),
        DomainError::Scan(error) => return scan_advice(error),
    };
    (kind, Some(hint.into()))
}

/// Returns what to do where the system does not read an input.
pub(crate) fn read_advice(error: &ReadError) -> Option<&'static str> {
    match error {
        ReadError::Io(error) if error.kind() == io::ErrorKind::IsADirectory => Some(
            "name a file in it; pushcert expiry judges all certificates of a folder, and --key of convert and inspect \
             tries all keys of one",
        ),
        ReadError::Io(error) => input_hint(error),
        ReadError::TooLarge | ReadError::NotPlain => None,
    }
}

/// Returns what to do where the system does not read a file.
fn input_hint(error: &io::Error) -> Option<&'static str> {
    if is_out_of_descriptors(error) {
        return Some(RAISE_OPEN_FILES);
    }
    Some(match error.kind() {
        io::ErrorKind::NotFound => "check its name, and the folder that the command runs in",
        io::ErrorKind::IsADirectory => "name a file in it",
        io::ErrorKind::NotADirectory => "a part of its path is a file, where a folder is expected",
        io::ErrorKind::PermissionDenied => "run the command as a user who may read it, or change its mode",
        io::ErrorKind::InvalidFilename => "its name is too long, or is its content: give the name of a file",
        _ => return None,
    })
}

/// The error of what the mode allows and the system does not: the file has an attribute, or the folder a sticky bit.
const EPERM: i32 = 1;

/// Returns what to do where the system does not write an output, or does not make a folder.
fn output_hint(error: &io::Error) -> Option<&'static str> {
    if is_out_of_descriptors(error) {
        return Some(RAISE_OPEN_FILES);
    }
    Some(match error.kind() {
        io::ErrorKind::NotFound => "make the folder that it is to be in first",
        io::ErrorKind::IsADirectory => "name a file in it",
        io::ErrorKind::NotADirectory => "a part of its path is a file, where a folder is expected",
        io::ErrorKind::AlreadyExists => "choose another name",
        io::ErrorKind::PermissionDenied if error.raw_os_error() == Some(EPERM) => {
            "the file is immutable (lsattr, or ls -lO on macOS), or another user's in a sticky folder: choose another name"
        }
        io::ErrorKind::PermissionDenied => "name one in a folder that this user may write to",
        io::ErrorKind::ReadOnlyFilesystem => "name one on another file system",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room, or name one on another file system",
        io::ErrorKind::InvalidFilename => "choose a shorter name",
        _ => return None,
    })
}

/// The hint for a file that is none of ours.
const EXPECTED_FILES: &str = "a .p12, .cer, .pem, .p7b, .csr or key file is expected, whatever its name";

/// The hint for a file that is damaged.
/// The hint for a wrong password of a file of which no more is known.
pub(crate) const CHOSEN_AT_EXPORT: &str = "it is the password that was chosen when the file was exported";

const AGAIN: &str = "copy, download or export it again";

/// The hint for a file with several passwords, which Java writes.
const ONE_PASSWORD: &str = "export it again with one password for both; one of Java with: keytool -importkeystore -srckeystore FILE -srcstoretype JKS \
     -destkeystore NEW.p12 -deststoretype PKCS12 (with JKS, keytool asks for the key's password too)";

/// The hint for a file that goes beyond a limit.
const UNUSUAL: &str = "no usual tool writes such a file: export it again";

fn open_advice(error: &OpenError) -> &'static str {
    match error {
        OpenError::Empty => {
            "export or download it again; where a failed openssl has left it, take the file that openssl was given"
        }
        OpenError::Lookalike(lookalike) => lookalike.hint().unwrap_or(EXPECTED_FILES),
        OpenError::Profile(_) => Lookalike::ProvisioningProfile.hint().unwrap_or(EXPECTED_FILES),
        OpenError::Unrecognized | OpenError::OnlyOthers { .. } => EXPECTED_FILES,
        OpenError::TextMode(_) => {
            "copy it again in binary mode, or as Base64 (git: `*.p12 binary` in .gitattributes; ftp: `binary`)"
        }
        OpenError::Truncated { .. } => "the end is missing: copy, download or export it again",
        OpenError::Decode(DecodeError::Malformed(problem)) => match problem.fault {
            Fault::Damage => AGAIN,
            Fault::Limit => UNUSUAL,
            Fault::Ambiguity => "keep one of the two, and remove the other",
            Fault::Aliases => "write the values out, as `kubectl get -o yaml` does",
            Fault::Page => "fetch all of it, without a limit: kubectl get secrets -o json does",
            Fault::Refusal => "fetch it again, as one who may read it: kubectl auth can-i list secrets",
            Fault::Version => "export it again as PKCS#12 (version 3), which all programs write",
            Fault::PlainText => {
                "values under data (binaryData in a ConfigMap) are Base64: put plain text under stringData (data in a \
                 ConfigMap), or encode it with base64"
            }
        },
        OpenError::MereText(_) => AGAIN,
        OpenError::Decode(DecodeError::UnknownType { .. }) => {
            "if something is missing, export it again in another way: that type is not read"
        }
        OpenError::BadCertificate(_) => "its issuer made it so, and no copy is better: ask for another certificate",
        OpenError::Key(error) => key_advice(error),
        OpenError::Decode(DecodeError::Unsupported { remedy, .. } | DecodeError::UnsupportedCipher { remedy, .. }) => {
            remedy_advice(*remedy)
        }
        OpenError::Decode(DecodeError::Limit(LimitError::Iterations { .. })) => {
            "if you trust the file, raise the limit with --max-iterations"
        }
        OpenError::Decode(DecodeError::Limit(LimitError::Parts { .. })) => "split it into several files",
        OpenError::Decode(DecodeError::Limit(LimitError::UnreadParts { .. })) => EXPECTED_FILES,
        OpenError::Decode(DecodeError::Limit(LimitError::Tries { .. })) => {
            "give the password that fits with --passin, or raise the limit with --max-iterations"
        }
        OpenError::Decode(DecodeError::Limit(
            LimitError::ScryptMemory { .. } | LimitError::Nesting { .. } | LimitError::Search | LimitError::Arithmetic,
        )) => UNUSUAL,
        OpenError::PasswordNeeded(_) | OpenError::Ask(_) => ASK_FOR_PASSWORD,
        OpenError::WrongPassword { opens_without: true, .. } => "it opens without a password: leave out --passin",
        OpenError::WrongPassword { oddity: Some(oddity), .. } => oddity_advice(*oddity),
        OpenError::WrongPassword { protected: PasswordTarget::Pkcs12, .. } => CHOSEN_AT_EXPORT,
        OpenError::WrongPassword { protected: PasswordTarget::Key, .. } => {
            "it is the password that was chosen when the key was made"
        }
        OpenError::KeyPassword => {
            "give the password of the file (keytool: -storepass); what convert says then tells how to give the key the same"
        }
        OpenError::OtherKeyPassword | OpenError::OtherPartPassword => ONE_PASSWORD,
    }
}

/// Points out what a password has by mistake more often than on purpose. The password itself is not shown.
fn oddity_advice(oddity: PasswordOddity) -> &'static str {
    match oddity {
        PasswordOddity::Empty => {
            "the password that was given is empty: is the variable, the secret or the file filled?"
        }
        PasswordOddity::NotUtf8 => {
            "the password that was given is not UTF-8 (GBK or Latin-1, perhaps): give it in UTF-8, which is what most programs \
             have put into the file"
        }
        PasswordOddity::Utf16 => "the password that was given is in UTF-16: give it in UTF-8",
        PasswordOddity::Nul => "the password that was given has a NUL in it, perhaps at its end: give it without",
        PasswordOddity::Invisible => {
            "the password that was given has a character in it that is not seen, such as a no-break or a zero-width space: \
             type it again"
        }
        PasswordOddity::Hexadecimal => {
            "the password that was given is a text in hexadecimal digits, as security find-generic-password -w prints one \
             beyond ASCII: add | xxd -r -p to that command"
        }
        PasswordOddity::ByteOrderMark => "the password that was given begins with a byte order mark: give it without",
        PasswordOddity::LineEnd => "the password that was given ends in a line end (LF or CR): give it without",
        PasswordOddity::Blank => {
            "the password that was given begins or ends with a space or an invisible character: is it part of it?"
        }
        PasswordOddity::Quotes => "the password that was given stands in quotes: are they part of it?",
    }
}

fn remedy_advice(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::OpenSsl => {
            "OpenSSL 3 can write it anew: a key with openssl pkcs8 -topk8 -v2 aes256 -provider legacy -provider \
             default, a PKCS#12 file, as PEM, with openssl pkcs12 -legacy"
        }
        Remedy::ExportAgain => "export it again with the usual algorithms (3DES or AES-256)",
    }
}

fn key_advice(error: &KeyError) -> &'static str {
    match error {
        KeyError::Unusable(_) | KeyError::Damaged => AGAIN,
        KeyError::NoPrimes => "export it again from where the key was made, in PKCS#8",
        KeyError::Limit(_) => UNUSUAL,
        KeyError::Unsupported(_) => {
            "leave it out where it is not the certificate's, or make a new key and a new request with pushcert csr"
        }
    }
}

fn scan_advice(error: &ScanError) -> (ExitKind, Option<Printable>) {
    let kind = error.code().exit_kind();
    let hint = match error {
        ScanError::Read(error) => return (kind, read_advice(error).map(Printable::from)),
        ScanError::Open(error) => open_advice(error),
        ScanError::Part(unread) => open_advice(&unread.error),
        ScanError::NoPassword { .. } => "set the variable, or fill the file, that the line names",
        ScanError::WrongEntry { .. } => {
            "correct the entry of the Secret, or give the password in a file for --passwords"
        }
        ScanError::Profile(_) => "download it again, or look at it with: security cms -D -i FILE (on a Mac)",
        ScanError::DanglingLink => "make the file that it leads to, or remove it",
        ScanError::Walk(WalkProblem::Special) => "name it, or leave it out with --exclude",
        ScanError::Walk(_) => "name the folder itself, or leave links to it out with --exclude NAME",
        ScanError::OtherJson => "a file with certificates is expected, or what `kubectl get secrets -o json` prints",
        ScanError::NoCertificate | ScanError::OnlyKey => "name files that hold a certificate",
        ScanError::Crash => "please report it, without the certificate's key",
    };
    (kind, Some(hint.into()))
}

fn select_advice(error: &SelectError) -> (ExitKind, Option<Printable>) {
    let hint = match error {
        SelectError::NoCertificate { may_sign_tokens: true, .. } => {
            "a provider that signs tokens takes AuthKey_….p8 as it is, pushcert check and push with --p8 FILE --team-id \
             TEAMID --topic TOPIC; if it is the key of a certificate, give the certificate as the input and this file with \
             --key"
        }
        SelectError::NoCertificate { has_key: true, .. } => {
            "export the certificate together with its key, or give the certificate as the input and this file \
             with --key"
        }
        SelectError::NoCertificate { .. } => "export the certificate together with its key",
        SelectError::NoKey(_) | SelectError::KeyMissing(_) => {
            "the certificate was exported without its key: in Keychain Access open My Certificates, select the \
             certificate together with its key, and export both; or give the key with --key FILE (--no-key \
             writes the certificate alone)"
        }
        SelectError::Mismatch(_) => {
            let hint = "a certificate works only with the key that its request was made with: --key FOLDER finds \
                        it among the files of a folder; if it is lost, make a new request";
            return (ExitKind::CheckFailed, Some(hint.into()));
        }
        SelectError::Damaged { .. } => {
            "nothing that is built on OpenSSL loads it (curl, node, PHP, nginx): take the certificate from where it came \
             from anew, from the Apple Developer portal for one of Apple's"
        }
        SelectError::Authority { .. } => {
            let hint = "name the one that it issued; convert writes the authorities with --certs all or --certs ca";
            return (ExitKind::CheckFailed, Some(hint.into()));
        }
        SelectError::Several(choices) => {
            return (ExitKind::Usage, Some(list("choose one with --select:", choices)));
        }
        SelectError::NotFound(_, choices) => {
            return (ExitKind::CheckFailed, Some(list("there is:", choices)));
        }
    };
    (ExitKind::Input, Some(hint.into()))
}

/// The most choices that are listed.
const MAX_CHOICES: usize = 20;

/// Lists the choices, a line each, ready to be copied.
fn list(heading: &str, choices: &[Choice]) -> Printable {
    let mut lines = vec![heading.to_owned()];
    for choice in choices.iter().take(MAX_CHOICES) {
        let topic = printable_name(choice.topic.as_deref().unwrap_or(&choice.title));
        lines.push(format!("    --select {} ({topic}, until {})", &choice.sha256[..16], choice.not_after));
    }
    if choices.len() > MAX_CHOICES {
        lines.push(format!("    and {} more", choices.len() - MAX_CHOICES));
    }
    Printable::lines(&lines)
}

impl fmt::Display for DomainError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Write(error) => error.fmt(f),
            Self::Open(error) => error.fmt(f),
            Self::Key(error) => error.fmt(f),
            Self::Request(error) => error.fmt(f),
            Self::Select(error) => error.fmt(f),
            Self::Scan(error) => error.fmt(f),
        }
    }
}

/// Lets [`explain`] take each of the errors as it is.
macro_rules! domain_errors {
    ($($variant:ident($error:ty),)*) => {
        $(impl<'a> From<&'a $error> for DomainError<'a> {
            fn from(error: &'a $error) -> Self {
                Self::$variant(error)
            }
        })*
    };
}

domain_errors! {
    Read(ReadError),
    Write(WriteError),
    Open(OpenError),
    Key(KeyError),
    Request(RequestError),
    Select(SelectError),
    Scan(ScanError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_protected_file_is_told_from_a_folder_that_is_closed() {
        let hint = |code| output_hint(&io::Error::from_raw_os_error(code)).unwrap();
        assert!(hint(1).contains("immutable") && hint(1).contains("sticky"));
        assert!(hint(13).contains("a folder that this user may write to"));
    }
}
