//! Arguments of `pushcert example`.

use std::ffi::OsString;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::certificate::apple::Environment;
use crate::cli::gateway::parse_topic;
use crate::cli::values::environments;
use crate::example::Language;
use crate::net::endpoint::Endpoint;

#[derive(Debug, Args)]
#[command(after_help = "\
php, python, node and curl send one notification with the PEM file that convert writes; swift and objective-c are the
app's side: they register, hand the device token to the server, and receive.

Examples:
  pushcert example php --topic com.example.MyApp > push.php
  pushcert example python --cert push.pem --environment sandbox > push.py
  pushcert example curl --gateway localhost:2197 --ca-file ca.pem > push.sh
  pushcert example swift --server https://example.com/tokens > AppDelegate.swift")]
pub(crate) struct ExampleArgs {
    /// The language
    #[arg(value_parser = parse_languages())]
    pub(crate) language: Language,

    /// The topic: the app's bundle ID [default: that of the PEM file, or com.example.MyApp]
    #[arg(long, value_name = "TOPIC", value_parser = parse_topic)]
    pub(crate) topic: Option<String>,

    /// The PEM file with the certificate and its key [default: push.pem]
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<OsString>,

    /// The environment of APNs [default: that of the PEM file, or production]
    #[arg(long, value_parser = environments(), conflicts_with = "gateway")]
    pub(crate) environment: Option<Environment>,

    /// Send to this server instead of Apple's
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) gateway: Option<Endpoint>,

    /// Trust this CA certificate for the server
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<OsString>,

    // Not a doc comment: rustdoc would take the URL for a link. It is parsed later: its password is in no message.
    #[arg(
        long,
        value_name = "URL",
        help = "The URL at which the server takes device tokens [default: https://example.com/tokens]"
    )]
    pub(crate) server: Option<String>,
}

fn parse_languages() -> impl TypedValueParser<Value = Language> {
    PossibleValuesParser::new(Language::ALL.map(Language::name)).try_map(|name| {
        let mut all = Language::ALL.into_iter();
        all.find(|language| language.name() == name).ok_or("there is no example for it")
    })
}
