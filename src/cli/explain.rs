//! Arguments of `pushcert explain`.

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Nothing of the text is repeated or sent anywhere.

Examples:
  pushcert explain 'Mac verify error: invalid password?'
  openssl pkcs12 -in cert.p12 -nodes 2>&1 | pushcert explain
  pushcert explain BadDeviceToken
  pushcert explain   (lists the messages that are known)")]
pub(crate) struct ExplainArgs {
    /// The message, as it was printed [default: standard input, or, at a terminal, what is known]
    #[arg(value_name = "TEXT")]
    pub(crate) text: Vec<String>,

    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
