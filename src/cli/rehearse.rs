//! Arguments of `pushcert rehearse`.

use std::path::PathBuf;

use clap::Args;

use crate::certificate::apple::Environment;
use crate::cli::{OpeningArgs, values};
use crate::world::files::Location;

/// The title of the alert, unless another is given.
pub(crate) const DEFAULT_TITLE: &str = "Hello";
/// Its text.
pub(crate) const DEFAULT_ALERT: &str = "It works";

#[derive(Debug, Args)]
#[command(mut_arg("passin", |option| option.requires("cert")))]
#[command(mut_arg("max_iterations", |option| option.requires("cert")))]
#[command(after_help = "\
On this machine alone: a private key and a request, a throwaway authority in Apple's place that signs it, a .p12 \
that Keychain Access takes, convert, inspect, the gateway, check, a simulated device, whose token goes into a database, \
and push. Each step shows the command that does it alone, and a part of what that command prints. Nothing is sent to \
Apple. The folder of the rehearsal is removed at its end, a signal's too, unless --keep names another; what SIGKILL \
leaves, the next rehearsal removes.

Examples:
  pushcert rehearse
  pushcert rehearse --keep rehearsal
  pushcert rehearse --cert cert.p12 --passin env:P12_PASSWORD

Exit codes: 0 only if the device has shown this very message; else that of the step that failed.")]
pub(crate) struct RehearseArgs {
    /// Rehearse with this certificate and its key (.p12, .pem, …, or - for standard input) instead of a throwaway one.
    /// The gateway on this machine alone sees it
    #[arg(long, value_name = "CERT")]
    pub(crate) cert: Option<Location>,
    #[command(flatten)]
    pub(crate) opening: OpeningArgs,

    /// Take the private key of --cert from this file, or, in a folder or in several files (repeatable), the one that
    /// belongs to the certificate
    #[arg(long, value_name = "FILE|FOLDER", requires = "cert")]
    pub(crate) key: Vec<Location>,

    /// Choose one of several identities of --cert: a topic, or the certificate's SHA-256 (its first 8 digits do)
    #[arg(long, value_name = "TOPIC|SHA256", requires = "cert")]
    pub(crate) select: Option<String>,

    /// The app: the topic of the notification [default: the certificate's first, or com.example.MyApp]
    #[arg(long, value_name = "TOPIC", value_parser = values::parse_topic)]
    pub(crate) topic: Option<String>,

    /// The environment of the gateway [default: production, unless --cert is for the sandbox alone]
    #[arg(long, value_parser = values::environments())]
    pub(crate) environment: Option<Environment>,

    /// Title of the alert [default: Hello]
    #[arg(long, value_name = "TEXT", value_parser = values::parse_text)]
    pub(crate) title: Option<String>,

    /// Text of the alert [default: It works]
    #[arg(long, value_name = "TEXT", value_parser = values::parse_text)]
    pub(crate) alert: Option<String>,

    /// Keep the rehearsal in this folder, which is new or empty: then the commands that are shown run there
    #[arg(long, value_name = "FOLDER")]
    pub(crate) keep: Option<PathBuf>,

    /// Report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
