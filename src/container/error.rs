//! Errors of a file that does not open.

use crate::asn1::Malformed;
use crate::certificate::{BadDate, CertificateError};
use crate::container::lookalike::Lookalike;
use crate::container::passwords::PasswordTarget;
use crate::container::profile::ProvisioningProfile;
use crate::container::transport::TextModeDamage;
use crate::crypto::DecodeError;
use crate::key::KeyError;
use crate::limits::LimitError;
use crate::secret::PasswordOddity;

/// The reason why a file does not open.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OpenError {
    #[error("the file is empty")]
    Empty,
    /// It is of a type that is often taken for a certificate.
    #[error("this is {}, not a certificate", .0.name())]
    Lookalike(Lookalike),
    /// It is a provisioning profile: what it says, or what is wrong with it.
    #[error("this is {}, not a certificate", Lookalike::ProvisioningProfile.name())]
    Profile(Result<Box<ProvisioningProfile>, Malformed>),
    /// It is of no known type.
    #[error("this is not a certificate, a key or a PKCS#12 file")]
    Unrecognized,
    /// It holds several things, and none of them is of use.
    #[error("this is not a certificate: the file holds only {list}")]
    OnlyOthers {
        list: String,
        /// Their kinds; empty where one is not known.
        kinds: Vec<Lookalike>,
    },
    /// It claims to be longer than it is.
    #[error("the file is damaged: it is cut short ({found} bytes are there, {claimed} should be)")]
    Truncated {
        /// The length by the outermost header.
        claimed: usize,
        /// The length of the file.
        found: usize,
    },
    /// It is a text with a BEGIN and without Base64 after it.
    #[error("the file is damaged: {0}")]
    MereText(Malformed),
    /// It was changed on the way.
    #[error("the file is damaged: {}", text_mode(*.0))]
    TextMode(TextModeDamage),
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A certificate was made wrongly.
    #[error("the certificate itself is wrong: {0}")]
    BadCertificate(BadDate),
    /// A private key cannot be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A password is needed, and there is none.
    #[error("the {0} needs a password")]
    PasswordNeeded(PasswordTarget),
    #[error("{}", wrong_password(*.protected, *.has_mac, *.oddity))]
    WrongPassword {
        protected: PasswordTarget,
        /// True if a MAC can tell a wrong password from damage.
        has_mac: bool,
        /// True if the file opens without a password.
        opens_without: bool,
        /// What a password that was tried has by mistake more often than on purpose.
        oddity: Option<PasswordOddity>,
    },
    /// The file and the key in it have different passwords, or the key is damaged: its padding does not tell.
    #[error(
        "the password opens the PKCS#12 file, but not the private key in it: it has another password, or is damaged"
    )]
    OtherKeyPassword,
    /// The password opens the private key, and not the file that it is in.
    #[error("this is the password of the private key alone: the PKCS#12 file has another, or is damaged")]
    KeyPassword,
    /// The password opens other parts of the file.
    #[error("the password opens the PKCS#12 file, but not this part: it has another password, or is damaged")]
    OtherPartPassword,
    /// Asking for a password failed.
    #[error("no password was entered: {0}")]
    Ask(String),
}

impl OpenError {
    /// Returns whether a part was not checked, since the parts before it took all the time that there is.
    pub(crate) const fn is_unchecked(&self) -> bool {
        matches!(
            self,
            Self::Decode(DecodeError::Limit(LimitError::Arithmetic))
                | Self::Key(KeyError::Limit(LimitError::Arithmetic))
        )
    }

    /// Returns whether the file needs a password, or another one.
    pub(crate) const fn is_locked(&self) -> bool {
        match self {
            Self::PasswordNeeded(_)
            | Self::WrongPassword { .. }
            | Self::OtherKeyPassword
            | Self::KeyPassword
            | Self::OtherPartPassword
            | Self::Ask(_)
            | Self::Decode(DecodeError::Limit(LimitError::Tries { .. })) => true,
            Self::Empty
            | Self::Lookalike(_)
            | Self::Profile(_)
            | Self::Unrecognized
            | Self::OnlyOthers { .. }
            | Self::Truncated { .. }
            | Self::TextMode(_)
            | Self::MereText(_)
            | Self::Decode(_)
            | Self::BadCertificate(_)
            | Self::Key(_) => false,
        }
    }
}

fn text_mode(damage: TextModeDamage) -> &'static str {
    match damage {
        TextModeDamage::LineEndsAdded => "it was sent in text mode, which put line ends (CR LF) into its bytes",
        TextModeDamage::Reencoded => "it was taken for a text, and bytes of it were replaced",
    }
}

fn wrong_password(protected: PasswordTarget, has_mac: bool, oddity: Option<PasswordOddity>) -> String {
    if oddity == Some(PasswordOddity::Empty) {
        format!("wrong password for the {protected}: the one that was given is empty")
    } else if has_mac {
        format!("wrong password for the {protected}: its MAC does not verify (its algorithms are all supported)")
    } else {
        format!("wrong password for the {protected}, or the file is damaged (it has no MAC that could tell)")
    }
}

impl From<Malformed> for OpenError {
    fn from(error: Malformed) -> Self {
        Self::Decode(error.into())
    }
}

impl From<CertificateError> for OpenError {
    fn from(error: CertificateError) -> Self {
        match error {
            CertificateError::Malformed(malformed) => malformed.into(),
            CertificateError::BadDate(date) => Self::BadCertificate(date),
        }
    }
}

impl From<LimitError> for OpenError {
    fn from(error: LimitError) -> Self {
        Self::Decode(error.into())
    }
}
