//! Arguments of `pushcert compare`.

use clap::Args;
use time::OffsetDateTime;

use crate::certificate::renewal::Acceptable;
use crate::cli::password::PasswordSource;
use crate::cli::{OpeningArgs, values};
use crate::world::files::Location;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pushcert compare push.pem renewed.p12
  pushcert compare push.pem aps.cer --key push.pem   # renewed with the same request
  pushcert compare old.p12 new.p12 --passin env:OLD --passin-new env:NEW --json")]
pub(crate) struct CompareArgs {
    /// The certificate in use, or - for standard input
    pub(crate) old: Location,

    /// The one that is to take its place
    pub(crate) new: Location,
    #[command(flatten)]
    pub(crate) opening: OpeningArgs,

    /// File with the private key of NEW, such as OLD if it was renewed with the same request
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<Location>,

    /// Accept another kind of push certificate if it has all topics and environments of OLD, and several topics in the
    /// place of one (the header apns-topic is mandatory then)
    #[arg(long)]
    pub(crate) allow_kind_change: bool,

    /// Accept a self-signed certificate in the place of one that an authority issued
    #[arg(long)]
    pub(crate) allow_self_signed: bool,

    /// Accept a difference that does not matter to the programs in use: intermediates that they get elsewhere, a key whose
    /// password they have, a key that they all take, a use that nobody makes; repeatable
    #[arg(long, value_name = "DIFFERENCE", value_parser = values::acceptables())]
    pub(crate) accept: Vec<Acceptable>,

    /// Source of the password of NEW, if it has another
    #[arg(long, value_name = "SOURCE")]
    pub(crate) passin_new: Option<PasswordSource>,

    /// Choose one of several identities in each file: a topic, or the certificate's SHA-256
    #[arg(long, value_name = "TOPIC|SHA256")]
    pub(crate) select: Option<String>,

    /// Judge validity at this time instead of now: RFC 3339, or a date
    #[arg(long, value_name = "TIME", value_parser = values::parse_time)]
    pub(crate) at: Option<OffsetDateTime>,

    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
