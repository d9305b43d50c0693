//! Arguments of `pushcert device`.

use std::time::Duration;

use clap::Args;

use crate::cli::gateway::parse_topic;
use crate::cli::values::{DatabaseUrl, parse_timeout};
use crate::net::endpoint::Endpoint;
use crate::world::files::Location;

#[derive(Debug, Args)]
#[command(after_help = "\
The app registers with `pushcert gateway`, which stands in for APNs, and gets a device token. It shows
the token, then each notification as it arrives. All of it is simulated: Apple's gateways and real
devices have no part in it. What comes while the app does not run is kept by the gateway, until that
ends; an expiration of 0 is heeded, and of those with one collapse ID the last is kept.

Examples:
  pushcert device --gateway localhost:2197 --ca-file ca.pem
  pushcert device --app com.example.MyApp --gateway localhost:2197 --ca-file ca.pem --count 1 --wait 10s --json
  pushcert device --gateway localhost:2197 --ca-file ca.pem --state phone.json
  pushcert device --gateway localhost:2197 --ca-file ca.pem --state phone.json --register-with sqlite:tokens.db
  pushcert device --gateway localhost:2197 --ca-file ca.pem --state phone.json --uninstall")]
pub(crate) struct DeviceArgs {
    /// The gateway (pushcert gateway prints its address)
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) gateway: Endpoint,

    /// Trust only these CA certificates for the gateway (the ca_file that pushcert gateway prints). The provider of
    /// --register-with is trusted by them, and by the CA certificates of this machine and of the public
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<Location>,

    /// The app: the topic for which it receives [default: that of --state, or com.example.MyApp]
    #[arg(long, value_name = "TOPIC", value_parser = parse_topic)]
    pub(crate) app: Option<String>,

    /// Hand the token to the provider: into its database (sqlite:FILE, postgres://…), or by POST {"app": …,
    /// "environment": …, "token": …} to this URL; an answer of 200 to 299 is expected within 10 s, and redirections are
    /// not followed. http only to this machine, else https. env:NAME stands for a variable with the database's URL
    #[arg(long, value_name = "URL")]
    pub(crate) register_with: Option<DatabaseUrl>,

    /// Keep the token and its secret in this file, and receive as the same app if it is there already. Only the owner
    /// can read it
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<Location>,

    /// Remove the app of --state from its device: its token becomes unregistered (410). It stays in the provider's
    /// database until a push gets that answer
    #[arg(long, requires = "state", conflicts_with_all = ["register_with", "count", "wait"])]
    pub(crate) uninstall: bool,

    /// End after this number of notifications [default: never]; with 0 once the app is registered, and its token handed
    /// over
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,

    /// Wait no longer than this for --count notifications; exit with 1 if fewer came
    #[arg(long, value_name = "DURATION", requires = "count", value_parser = parse_timeout)]
    pub(crate) wait: Option<Duration>,

    /// Print a line of JSON for each event
    #[arg(long)]
    pub(crate) json: bool,
}
