//! Arguments of `pushcert convert`.

use clap::{Args, ValueEnum};
use time::OffsetDateTime;

use crate::cli::password::PasswordSource;
use crate::cli::{OpeningArgs, values};
use crate::world::files::Location;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pushcert convert cert.p12 -o push.pem
  pushcert convert cert.p12 --passin env:P12_PASSWORD -o push.pem
  pushcert convert cert.p12 --passin 'cmd:pass show push' -o push.pem
  pushcert convert aps.cer --key push.key -o push.pem
  pushcert convert aps.cer --key ~/keys -o push.pem
  pushcert convert cert.p12 --cert-out push.crt --key-out push.key")]
pub(crate) struct ConvertArgs {
    /// The file to convert (.p12, .pem, .cer, .p7b, whatever its name), or - for standard input
    pub(crate) input: Location,

    /// Output file in PEM, or - for standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<Location>,
    #[command(flatten)]
    pub(crate) opening: OpeningArgs,

    /// Certificates to write
    #[arg(long, value_enum, default_value_t)]
    pub(crate) certs: Certs,

    /// Leave out the private key
    #[arg(long)]
    pub(crate) no_key: bool,

    /// Add Apple's intermediate, chosen by key identifier and signature
    #[arg(long, conflicts_with = "bag_attributes")]
    pub(crate) chain: bool,

    /// The form of an unencrypted key
    #[arg(long, value_enum, default_value_t, value_name = "FORM", conflicts_with_all = ["encrypt", "bag_attributes"])]
    pub(crate) key_format: KeyForm,

    /// Encrypt the key (PKCS#8, PBES2 with AES-256)
    #[arg(long, conflicts_with_all = ["no_key", "bag_attributes"])]
    pub(crate) encrypt: bool,

    /// Source of the password for the encrypted key, as for --passin
    #[arg(long, value_name = "SOURCE", requires = "encrypt")]
    pub(crate) passout: Option<PasswordSource>,

    /// Write the certificates to a file of their own
    #[arg(long, value_name = "FILE", conflicts_with = "bag_attributes")]
    pub(crate) cert_out: Option<Location>,

    /// Write the private key to a file of its own
    #[arg(long, value_name = "FILE", conflicts_with_all = ["bag_attributes", "no_key"])]
    pub(crate) key_out: Option<Location>,

    /// Take the private key from this file, or, in a folder or in several files (repeatable), the one that
    /// belongs to the certificate
    #[arg(long, value_name = "FILE|FOLDER", conflicts_with_all = ["bag_attributes", "no_key"])]
    pub(crate) key: Vec<Location>,

    /// Choose one of several identities: a topic, or the certificate's SHA-256 (its first 8 digits do)
    #[arg(long, value_name = "TOPIC|SHA256")]
    pub(crate) select: Option<String>,

    /// Write the attributes of PKCS#12 bags as `openssl pkcs12 -nodes -clcerts` does, in the style of
    /// OpenSSL 3.0 and 3.1, or with =3.2 of 3.2 and later; all identities are written unless --select
    /// chooses one
    #[arg(long, value_name = "STYLE", num_args = 0..=1, require_equals = true, default_missing_value = "3.0")]
    pub(crate) bag_attributes: Option<OpensslStyle>,

    /// Overwrite existing files
    #[arg(long)]
    pub(crate) force: bool,

    /// Fail (exit 1) where there would be a warning (expired, not yet valid, no push certificate), and for a certificate
    /// that Apple did not issue
    #[arg(long)]
    pub(crate) strict: bool,

    /// Report what was written as JSON on standard output (the PEM must go to a file)
    #[arg(long)]
    pub(crate) json: bool,

    /// Judge validity at this time instead of now: RFC 3339, or a date
    #[arg(long, value_name = "TIME", value_parser = values::parse_time)]
    pub(crate) at: Option<OffsetDateTime>,
}

/// The choice of certificates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Certs {
    /// The certificate that belongs to the key
    #[default]
    Leaf,
    /// The authorities in the file
    Ca,
    /// Both
    All,
    /// None
    None,
}

/// The form of an unencrypted key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyForm {
    /// PKCS#8: PRIVATE KEY
    #[default]
    Pkcs8,
    /// PKCS#1 or SEC1: RSA PRIVATE KEY, EC PRIVATE KEY
    #[value(aliases = ["pkcs1", "sec1"])]
    Traditional,
}

/// The two ways in which OpenSSL 3 writes names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OpensslStyle {
    /// OpenSSL 3.0 and 3.1: subject=UID = com.example.MyApp
    #[value(name = "3.0")]
    V30,
    /// OpenSSL 3.2 and later: subject=UID=com.example.MyApp
    #[value(name = "3.2")]
    V32,
}
