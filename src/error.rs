//! What a run ends with when it does not end well: kind, message, hint.

use std::io;

use serde::Serialize;

use crate::container::{OpenError, PasswordTarget};
use crate::exit::ExitKind;
use crate::identity::{Choice, SelectError};
use crate::key::BadKey;
use crate::limits::LimitError;
use crate::request::RequestError;
use crate::world::files::{ReadError, WriteError};

/// An error as the user sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Error {
    /// Decides the exit code.
    pub kind: ExitKind,
    /// The exit code.
    pub exit_code: u8,
    /// What was found, in which file, and what was expected.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Whoever read the output has gone; not an error to be told.
    #[serde(skip)]
    pub is_closed_pipe: bool,
}

impl Error {
    /// An error without a hint.
    pub fn new(kind: ExitKind, message: impl Into<String>) -> Self {
        Self { kind, exit_code: kind.code(), message: message.into(), hint: None, is_closed_pipe: false }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// An error about `file`.
    pub fn in_file<E: Describe>(file: &str, error: &E) -> Self {
        let (kind, hint) = error.kind_and_hint();
        Self { hint, ..Self::new(kind, format!("{file}: {error}")) }
    }
}

impl From<io::Error> for Error {
    /// For output streams: files have errors of their own.
    fn from(error: io::Error) -> Self {
        let is_closed_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        Self { is_closed_pipe, ..Self::new(ExitKind::Write, format!("cannot write the output: {error}")) }
    }
}

/// Domain errors, each with its kind and hint.
pub trait Describe: std::fmt::Display {
    /// The kind, and what to do next.
    fn kind_and_hint(&self) -> (ExitKind, Option<String>);
}

impl Describe for ReadError {
    fn kind_and_hint(&self) -> (ExitKind, Option<String>) {
        (ExitKind::Input, None)
    }
}

impl Describe for WriteError {
    fn kind_and_hint(&self) -> (ExitKind, Option<String>) {
        match self {
            Self::Exists => (ExitKind::Write, Some("choose another name, or overwrite it with --force".to_owned())),
            Self::NoFolder(_) => (ExitKind::Write, Some("make the folder first".to_owned())),
            Self::SameFile | Self::Io(_) => (ExitKind::Write, None),
        }
    }
}

impl Describe for BadKey {
    fn kind_and_hint(&self) -> (ExitKind, Option<String>) {
        (ExitKind::Input, None)
    }
}

impl Describe for RequestError {
    fn kind_and_hint(&self) -> (ExitKind, Option<String>) {
        match self {
            Self::NotForPortal(_) => {
                let hint = "leave out --key, and a new key is made; --any-key makes the request all the same, for others than Apple";
                (ExitKind::CheckFailed, Some(hint.to_owned()))
            }
            Self::CannotSign(_) | Self::Damaged => (ExitKind::Input, None),
        }
    }
}

const ASK_FOR_PASSWORD: &str = "give the password with --passin env:VARIABLE, file:PATH, fd:NUMBER, stdin or prompt";

impl Describe for OpenError {
    fn kind_and_hint(&self) -> (ExitKind, Option<String>) {
        let (kind, hint) = match self {
            Self::Empty => (ExitKind::Input, "export or download it again"),
            Self::Unrecognized(Some("a Java keystore (JKS)" | "a Java keystore (JCEKS)")) => (
                ExitKind::Input,
                "make a PKCS#12 file of it with: keytool -importkeystore -srckeystore FILE -destkeystore cert.p12 -deststoretype PKCS12",
            ),
            Self::Unrecognized(Some("a ZIP archive" | "a gzip archive")) => (ExitKind::Input, "unpack it first"),
            Self::Unrecognized(Some("a web page")) => (ExitKind::Input, "sign in and download the certificate again"),
            Self::Unrecognized(_) | Self::UnknownBlocks(_) => {
                (ExitKind::Input, "a .p12, .cer, .pem, .p7b, .csr or key file is expected, whatever its name")
            }
            Self::Truncated { .. } => (ExitKind::Input, "the end is missing: copy, download or export it again"),
            Self::Malformed(_) | Self::BadKey(_) => (ExitKind::Input, "copy, download or export it again"),
            Self::Unsupported { .. } => {
                (ExitKind::Input, "export it again with the usual algorithms (3DES or AES-256)")
            }
            Self::Limit(LimitError::Iterations { .. }) => {
                (ExitKind::Input, "if you trust the file, raise the limit with --max-iterations")
            }
            Self::Limit(LimitError::ScryptMemory { .. }) => {
                (ExitKind::Input, "no usual tool writes such a file: export it again")
            }
            Self::PasswordNeeded(_) => (ExitKind::Password, ASK_FOR_PASSWORD),
            Self::WrongPassword { opens_without: true, .. } => {
                (ExitKind::Password, "it opens without a password: leave out --passin")
            }
            Self::WrongPassword { protected: PasswordTarget::Pkcs12, .. } => {
                (ExitKind::Password, "it is the password that was chosen when the file was exported")
            }
            Self::WrongPassword { protected: PasswordTarget::Key, .. } => {
                (ExitKind::Password, "it is the password that was chosen when the key was made")
            }
            Self::KeyPassword => (ExitKind::Password, "export it again with one password for both"),
            Self::Ask(_) => (ExitKind::Password, ASK_FOR_PASSWORD),
        };
        (kind, Some(hint.to_owned()))
    }
}

impl Describe for SelectError {
    fn kind_and_hint(&self) -> (ExitKind, Option<String>) {
        let (kind, hint) = match self {
            Self::NoCertificate { may_sign_tokens: true, .. } => (
                ExitKind::Input,
                "a provider that signs tokens takes AuthKey_….p8 as it is; if it is the key of a certificate, give \
                 the certificate as the input and this file with --key"
                    .to_owned(),
            ),
            Self::NoCertificate { has_key: true, .. } => {
                (ExitKind::Input, "export the certificate together with its key, or give the certificate as the input and this file with --key".to_owned())
            }
            Self::NoCertificate { .. } => (ExitKind::Input, "export the certificate together with its key".to_owned()),
            Self::NoKey(_) => (
                ExitKind::Input,
                "the certificate was exported without its key: in Keychain Access open My Certificates, select the \
                 certificate together with its key, and export both; or give the key with --key FILE (--no-key \
                 writes the certificate alone)"
                    .to_owned(),
            ),
            Self::Mismatch(_) => (
                ExitKind::CheckFailed,
                "a certificate works only with the key that its request was made with: look for that key, or make a \
                 new request"
                    .to_owned(),
            ),
            Self::Several(choices) => (ExitKind::Usage, format!("choose one with --select:{}", list(choices))),
            Self::NotFound(_, choices) => (ExitKind::CheckFailed, format!("there is:{}", list(choices))),
        };
        (kind, Some(hint))
    }
}

/// The choices, a line each, ready to be copied.
fn list(choices: &[Choice]) -> String {
    let line = |choice: &Choice| {
        let topic = choice.topic.as_deref().unwrap_or(&choice.title);
        format!("\n    --select {} ({topic}, until {})", &choice.sha256[..16], choice.not_after)
    };
    choices.iter().map(line).collect()
}
