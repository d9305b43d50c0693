//! Arguments of `pushcert pack`.

use clap::{Args, ValueEnum};
use time::OffsetDateTime;

use crate::cli::password::PasswordSource;
use crate::cli::{OpeningArgs, values};
use crate::pkcs12::write::Profile;
use crate::world::files::Location;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pushcert pack push.pem -o push.p12
  pushcert pack aps.cer --key push.key -o push.p12
  pushcert pack keychain.p12 --for modern --passin env:OLD --passout env:NEW -o push.p12
  pushcert pack openssl3.p12 --for keychain -o mac.p12")]
pub(crate) struct PackArgs {
    /// The file with the certificate, and with its key unless --key names it (.pem, .cer, .p12,
    /// whatever its name), or - for standard input
    pub(crate) input: Location,

    /// Output file (.p12), or - for standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<Location>,

    /// Take the private key from this file
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<Location>,
    #[command(flatten)]
    pub(crate) opening: OpeningArgs,

    /// Program that is to read the file
    #[arg(long = "for", value_enum, default_value_t, value_name = "READER")]
    pub(crate) reader: Recipient,

    /// Add Apple's intermediate, chosen by key identifier and signature
    #[arg(long)]
    pub(crate) chain: bool,

    /// Certificates to write (Go's x/crypto/pkcs12 and some others take exactly one)
    #[arg(long, value_enum, default_value_t)]
    pub(crate) certs: PackedCerts,

    /// The friendlyName, instead of the one in the file or the certificate's common name
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) name: Option<String>,

    /// Source of the password for the new file, as for --passin; asked for twice at a terminal
    #[arg(long, value_name = "SOURCE")]
    pub(crate) passout: Option<PasswordSource>,

    /// Choose one of several identities: a topic, or the certificate's SHA-256 (its first 8 digits do)
    #[arg(long, value_name = "TOPIC|SHA256")]
    pub(crate) select: Option<String>,

    /// Overwrite an existing file
    #[arg(long)]
    pub(crate) force: bool,

    /// Fail (exit 1) where there would be a warning (expired, not yet valid, no push certificate), and for a certificate
    /// that Apple did not issue
    #[arg(long)]
    pub(crate) strict: bool,

    /// Report what was written as JSON on standard output (the .p12 must go to a file)
    #[arg(long)]
    pub(crate) json: bool,

    /// Judge validity at this time instead of now: RFC 3339, or a date
    #[arg(long, value_name = "TIME", value_parser = values::parse_time)]
    pub(crate) at: Option<OffsetDateTime>,
}

/// The choice of certificates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum PackedCerts {
    /// The certificate that belongs to the key
    Leaf,
    /// The authorities in the file too
    #[default]
    All,
}

/// The readers of PKCS#12 files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Recipient {
    /// Every macOS, and all else that is old: 3DES, MAC with SHA-1
    #[default]
    #[value(aliases = ["mac", "macos"])]
    Keychain,
    /// OpenSSL 3 and its like: AES-256, MAC with SHA-256
    #[value(alias = "openssl")]
    Modern,
    /// Java 8u301, 11.0.12 and later (older Java reads --for keychain): as keytool writes it
    Java,
}

impl Recipient {
    /// Returns the algorithms for this reader.
    pub(crate) fn profile(self) -> Profile {
        match self {
            Self::Keychain => Profile::Keychain,
            Self::Modern => Profile::Modern,
            Self::Java => Profile::Java,
        }
    }
}
