//! Arguments of `pushcert explain`.

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Nothing of the text is repeated or sent anywhere.

Examples:
  pushcert explain 'Mac verify error: invalid password?'
  openssl pkcs12 -in cert.p12 -nodes 2>&1 | pushcert explain
  pushcert explain BadDeviceToken
  pushcert explain   # lists the messages that are known")]
pub(crate) struct ExplainArgs {
    /// The message, as it was printed [default: standard input, or, at a terminal, what is known]
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) text: Vec<String>,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

const JSON: &str = "--json";

impl ExplainArgs {
    /// Returns whether JSON is wanted. After the first word of a text, which may begin with a dash, all that follows is
    /// taken as a word of it.
    pub(crate) fn is_json(&self) -> bool {
        self.json || self.text.last().is_some_and(|word| word == JSON)
    }

    /// Returns the words of the text.
    pub(crate) fn words(&self) -> &[String] {
        match &self.text[..] {
            [words @ .., last] if last == JSON => words,
            words => words,
        }
    }
}
