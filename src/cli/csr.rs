//! Arguments of `pushcert csr`.

use clap::Args;

use crate::cli::OpeningArgs;
use crate::cli::password::PasswordSource;
use crate::request;
use crate::world::files::Location;
use crate::world::terminal::InputCheck;

/// The default of `--key-out`.
pub(crate) const DEFAULT_KEY: &str = "push.key";

/// The default of `-o`: the name that Keychain Access gives a request.
pub(crate) const DEFAULT_REQUEST: &str = "CertificateSigningRequest.certSigningRequest";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pushcert csr
  pushcert csr --email jo@example.com --name 'Jo Doe' --country DE
  pushcert csr --email jo@example.com --name 'Jo Doe' --country DE --key push.key")]
pub(crate) struct CsrArgs {
    /// The e-mail address of the subject; asked for at a terminal, as the name and the country are
    #[arg(long, value_name = "ADDRESS", value_parser = checked(request::check_email))]
    pub(crate) email: Option<String>,

    /// The common name of the subject (Apple puts the account's own in its place)
    #[arg(long, value_parser = checked(request::check_name))]
    pub(crate) name: Option<String>,

    /// The country of the subject, two letters (ISO 3166)
    #[arg(long, value_name = "CC", value_parser = checked(request::check_country))]
    pub(crate) country: Option<String>,

    /// Output file for the new private key; an existing file is never overwritten
    #[arg(long, value_name = "FILE", default_value = DEFAULT_KEY, conflicts_with = "key")]
    pub(crate) key_out: Location,

    /// Output file for the request, or - for standard output
    #[arg(short, long, value_name = "FILE", default_value = DEFAULT_REQUEST)]
    pub(crate) output: Location,

    /// Make the request for the key in this file (PEM, DER, PKCS#12) instead of a new one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["encrypt", "passout"])]
    pub(crate) key: Option<Location>,

    /// Accept a key that Apple's portal refuses: not RSA, or not of 2048 bits
    #[arg(long, requires = "key")]
    pub(crate) any_key: bool,
    #[command(flatten)]
    pub(crate) opening: OpeningArgs,

    /// Encrypt the new key (PKCS#8, PBES2 with AES-256)
    #[arg(long)]
    pub(crate) encrypt: bool,

    /// Source of the password for the encrypted key, as for --passin
    #[arg(long, value_name = "SOURCE", requires = "encrypt")]
    pub(crate) passout: Option<PasswordSource>,

    /// Overwrite an existing request (never a key)
    #[arg(long)]
    pub(crate) force: bool,

    /// Report what was made as JSON on standard output (the request must go to a file)
    #[arg(long)]
    pub(crate) json: bool,
}

/// The parser of a value that `check` takes.
fn checked(check: fn(&str) -> InputCheck) -> impl Fn(&str) -> Result<String, String> + Clone {
    move |text| check(text).map(|()| text.to_owned())
}
