//! Names of outputs that promise another format than what is written.

use std::path::Path;

use crate::commands::shared::writing;
use crate::error::Error;
use crate::text::printable_name;
use crate::world::context::Context;
use crate::world::files::Location;

/// A format that the ending of a name promises. A `.cer` or `.crt` may be PEM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PromisedFormat {
    Pkcs12,
    JavaKeystore,
    Der,
    Pkcs7,
}

impl PromisedFormat {
    /// Returns the format; `None` where the name may be one of PEM.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_string_lossy().to_ascii_lowercase();
        match ending.as_str() {
            "p12" | "pfx" => Some(Self::Pkcs12),
            "jks" | "keystore" => Some(Self::JavaKeystore),
            "der" => Some(Self::Der),
            "p7b" | "p7c" => Some(Self::Pkcs7),
            _ => None,
        }
    }

    /// Returns its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pkcs12 => "PKCS#12",
            Self::JavaKeystore => "a keystore of Java",
            Self::Der => "DER",
            Self::Pkcs7 => "PKCS#7",
        }
    }

    /// Returns what makes a file of this format.
    pub(crate) const fn remedy(self) -> &'static str {
        match self {
            Self::Pkcs12 => "pushcert pack writes a .p12",
            Self::JavaKeystore => "pushcert pack --for java writes one that Java reads",
            Self::Der => "openssl makes DER of it, with -outform der",
            Self::Pkcs7 => "openssl crl2pkcs7 makes it of PEM",
        }
    }
}

/// Warns of outputs that are PEM, though their names promise another format.
pub(crate) fn warn(outputs: &[&Location], context: &mut Context<'_>) -> Result<(), Error> {
    for output in outputs {
        let Location::Path(path) = output else { continue };
        let Some(format) = PromisedFormat::of(path) else { continue };
        let file = printable_name(&path.display().to_string());
        let (name, remedy) = (format.name(), format.remedy());
        writing::warn(&format!("{file}: this is PEM, though its name promises {name}; {remedy}"), context)?;
    }
    Ok(())
}

/// Warns of a .p12 whose name promises another format.
pub(crate) fn warn_of_pkcs12(output: &Location, context: &mut Context<'_>) -> Result<(), Error> {
    let Location::Path(path) = output else { return Ok(()) };
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let (name, remedy) = match (ending.as_str(), PromisedFormat::of(path)) {
        ("pem" | "cer" | "crt" | "key" | "p8", _) => ("PEM", "pushcert convert writes PEM"),
        ("csr" | "certsigningrequest", _) => ("a request", "pushcert csr makes one"),
        (_, Some(format @ (PromisedFormat::Der | PromisedFormat::Pkcs7))) => (format.name(), "pushcert writes none"),
        _ => return Ok(()),
    };
    let file = printable_name(&path.display().to_string());
    writing::warn(&format!("{file}: this is a .p12, though its name promises {name}; {remedy}"), context)
}
