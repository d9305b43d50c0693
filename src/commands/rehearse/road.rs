//! The steps of the road, in order.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use openssl::rand::rand_bytes;
#[cfg(unix)]
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::apns::notification::is_pass_topic;
use crate::certificate::apple::Environment;
use crate::cli::Command;
use crate::cli::csr::{DEFAULT_KEY, DEFAULT_REQUEST};
use crate::cli::password::{PasswordSource, may_be_named};
use crate::cli::rehearse::{DEFAULT_ALERT, DEFAULT_TITLE, RehearseArgs};
use crate::commands::gateway::StartedGateway;
use crate::commands::rehearse::folder::RehearsalFolder;
use crate::commands::rehearse::line::{CommandLine, absolute};
use crate::commands::rehearse::own::Converted;
use crate::commands::rehearse::portal;
use crate::commands::rehearse::stage::{Excerpt, Stage, StepText, Stop, code_of};
use crate::commands::{check, convert, csr, device, gateway, inspect, pack, push};
use crate::device::DeviceEvent;
use crate::device::alert::ShownAlert;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::gateway::DEFAULT_TOPICS;
use crate::limits::DEFAULT_MAX_ITERATIONS;
use crate::net::device_lines::DeviceMessage;
use crate::report::human::rehearse::SecretFile;
use crate::world::files::Location;
#[cfg(unix)]
use crate::world::signals;

/// The files of the folder.
const CERTIFICATE: &str = "aps.cer";
const AUTHORITY: &str = "authority.pem";
const PASSWORD: &str = "p12.password";
const EXPORT: &str = "push.p12";
const PEM: &str = "push.pem";
const GATEWAY: &str = "gateway";
const GATEWAY_CA: &str = "gateway/ca.pem";
const STATE: &str = "device.json";
const PAYLOAD: &str = "mdm.json";
const DATABASE: &str = "tokens.db";
/// The beginning of a database's URL.
const SQLITE: &str = "sqlite:";

/// The address of the gateway: the system chooses the port.
const LISTEN: &str = "127.0.0.1:0";

/// Time limit for the way to the gateway.
const REACH_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest that the app waits for the message, which the gateway has by then.
const WAIT: &str = "10s";

/// The files that are not for others, in the order in which they come to be.
const SECRETS: [SecretFile; 6] = [
    SecretFile { file: DEFAULT_KEY, holds: "the private key" },
    SecretFile { file: PASSWORD, holds: "the password of push.p12" },
    SecretFile { file: EXPORT, holds: "the private key, encrypted" },
    SecretFile { file: PEM, holds: "the private key" },
    SecretFile { file: STATE, holds: "the token and the secret of the device" },
    SecretFile { file: DATABASE, holds: "the token of the device" },
];

/// Returns the files in the folder that are not for others.
pub(super) fn secrets_in(folder: &Path) -> Vec<SecretFile> {
    let mut found = Vec::new();
    for secret in SECRETS {
        if folder.join(secret.file).exists() {
            found.push(secret);
        }
    }
    found
}

/// The way from the key to the message.
pub(super) struct Road<'a, 'c> {
    pub(super) arguments: &'a RehearseArgs,
    pub(super) folder: &'a RehearsalFolder,
    pub(super) stage: Stage<'a, 'c>,
}

/// What is sent, and where.
struct Delivery {
    app: String,
    environment: Environment,
    payload: Payload,
    apns_id: Uuid,
    address: String,
}

/// What a notification carries.
enum Payload {
    Alert {
        title: String,
        body: String,
    },
    /// The PushMagic of an MDM server.
    Mdm(String),
    /// Nothing: Wallet asks for the updated pass.
    Pass,
}

impl Road<'_, '_> {
    /// Walks it to its end.
    pub(super) fn walk(&mut self) -> Result<(), Stop> {
        if self.arguments.cert.is_none() {
            self.request()?;
            self.sign()?;
            self.export()?;
        }
        self.convert()?;
        self.inspect()?;
        let converted = Converted::read(&self.path(PEM))?;
        let mut delivery = self.delivery(&converted)?;
        let gateway = self.start_gateway(&converted, delivery.environment)?;
        delivery.address = gateway.address.to_string();
        self.check(&delivery)?;
        self.register(&delivery)?;
        self.push(&delivery)?;
        let messages = self.receive(&delivery)?;
        self.stage.report.shown = delivery.is_shown_by(&messages);
        if self.stage.report.shown { Ok(()) } else { Err(Stop::Failed(ExitKind::CheckFailed.code())) }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn line(&self, command: &str) -> CommandLine {
        CommandLine::new(self.folder.path(), command)
    }

    fn app(&self) -> &str {
        self.arguments.topic.as_deref().unwrap_or(DEFAULT_TOPICS[0])
    }

    fn request(&mut self) -> Result<(), Stop> {
        let text = StepText { step: "csr", title: "A private key, and the request to certify it", note: None };
        let mut line = self.line("csr");
        line.add(&["--email", "jo@example.com", "--name", "Jo Doe", "--country", "DE"]);
        line.default_file("--key-out", DEFAULT_KEY);
        line.default_file("-o", DEFAULT_REQUEST);
        if self.folder.is_kept() {
            // csr overwrites no key: where there is one the command does nothing.
            line.show_before(&format!("test -e {DEFAULT_KEY} ||"));
        }
        self.stage.carry_out(text, &line, &Excerpt::First(2), |command, context| match command {
            Command::Csr(arguments) => {
                csr::run(&arguments, context)?;
                Ok(0)
            }
            _ => Err(unexpected_command()),
        })
    }

    fn sign(&mut self) -> Result<(), Stop> {
        let note = format!(
            "Apple's developer portal signs the request, and gives out {CERTIFICATE}; here a throwaway authority does"
        );
        self.stage.begin(StepText { step: "sign", title: "The certificate", note: Some(note) }, None)?;
        let start = Instant::now();
        let signed = portal::sign(&self.path(DEFAULT_REQUEST), self.app())?;
        portal::write(&self.path(CERTIFICATE), &signed.certificate, false)?;
        portal::write(&self.path(AUTHORITY), &signed.authority, false)?;
        Ok(self.stage.end(vec![format!("wrote {CERTIFICATE}: {}", signed.description)], 0, start)?)
    }

    fn export(&mut self) -> Result<(), Stop> {
        let mut password = Zeroizing::new([0; 16]);
        if rand_bytes(&mut *password).is_err() {
            return Err(Error::new(ExitKind::Bug, "there is no randomness for a password").into());
        }
        let password = Zeroizing::new(format!("{}\n", HEXLOWER.encode(&*password)));
        portal::write(&self.path(PASSWORD), password.as_bytes(), true)?;
        let text = StepText { step: "pack", title: "A .p12, in the layout of Keychain Access", note: None };
        let mut line = self.line("pack");
        line.file(CERTIFICATE);
        line.add(&["--key"]);
        line.file(DEFAULT_KEY);
        line.add(&["--passout"]);
        line.prefixed_file("file:", PASSWORD);
        line.add(&["-o"]);
        line.file(EXPORT);
        self.let_overwrite(&mut line);
        self.stage.carry_out(text, &line, &Excerpt::Labelled(&["wrote", "it is called"]), |command, context| {
            match command {
                Command::Pack(arguments) => {
                    pack::run(&arguments, context)?;
                    Ok(0)
                }
                _ => Err(unexpected_command()),
            }
        })
    }

    /// Lets a command run again in a folder that is kept.
    fn let_overwrite(&self, line: &mut CommandLine) {
        if self.folder.is_kept() {
            line.add(&["--force"]);
        }
    }

    fn convert(&mut self) -> Result<(), Stop> {
        let text = StepText { step: "convert", title: "The PEM file for a push server", note: None };
        let mut line = self.line("convert");
        match &self.arguments.cert {
            None => {
                line.file(EXPORT);
                line.add(&["--passin"]);
                line.prefixed_file("file:", PASSWORD);
            }
            Some(location) => self.add_own(location, &mut line),
        }
        line.add(&["-o"]);
        line.file(PEM);
        self.let_overwrite(&mut line);
        let own = self.arguments.cert.as_ref().map(|_| &self.arguments.opening);
        self.stage.carry_out(text, &line, &Excerpt::First(2), |command, context| match command {
            Command::Convert(mut arguments) => {
                if let Some(opening) = own {
                    arguments.opening.passin = opening.passin.clone();
                }
                convert::run(&arguments, context)?;
                Ok(0)
            }
            _ => Err(unexpected_command()),
        })
    }

    /// Adds the user's own certificate.
    fn add_own(&self, certificate: &Location, line: &mut CommandLine) {
        line.own_file(certificate);
        for key in &self.arguments.key {
            line.add(&["--key"]);
            line.own_file(key);
        }
        if let Some(select) = &self.arguments.select {
            line.option("--select", select);
        }
        if let Some(source) = &self.arguments.opening.passin {
            line.show_only("--passin", &shown_source(source));
        }
        let limit = self.arguments.opening.max_iterations;
        if limit != DEFAULT_MAX_ITERATIONS {
            line.option("--max-iterations", &limit.to_string());
        }
    }

    fn inspect(&mut self) -> Result<(), Stop> {
        let text = StepText { step: "inspect", title: "What is in it", note: None };
        let mut line = self.line("inspect");
        line.file(PEM);
        let excerpt = Excerpt::Labelled(&["Topics ", "Key "]);
        self.stage.carry_out(text, &line, &excerpt, |command, context| match command {
            Command::Inspect(arguments) => Ok(code_of(inspect::run(&arguments, context)?)),
            _ => Err(unexpected_command()),
        })
    }

    /// Decides what is sent, and writes the payload if that is no alert.
    fn delivery(&mut self, converted: &Converted) -> Result<Delivery, Error> {
        let app = match &self.arguments.topic {
            Some(topic) => topic.clone(),
            None => converted.topic()?.to_owned(),
        };
        let environment = self.arguments.environment.unwrap_or_else(|| converted.environment());
        self.stage.report.topic = Some(app.clone());
        self.stage.report.environment = Some(environment);
        let payload = if converted.is_mdm() {
            self.refuse_alert("an MDM notification shows nothing: it makes the device ask its server for commands")?;
            let magic = Uuid::new_v4().to_string();
            portal::write(&self.path(PAYLOAD), format!("{{\"mdm\":\"{magic}\"}}\n").as_bytes(), false)?;
            Payload::Mdm(magic)
        } else if is_pass_topic(&app) {
            self.refuse_alert("the notification of a pass shows nothing: it makes Wallet ask for the updated pass")?;
            Payload::Pass
        } else {
            let RehearseArgs { title, alert, .. } = self.arguments;
            let title = title.as_deref().unwrap_or(DEFAULT_TITLE);
            let body = alert.as_deref().unwrap_or(DEFAULT_ALERT);
            Payload::Alert { title: title.to_owned(), body: body.to_owned() }
        };
        Ok(Delivery { app, environment, payload, apns_id: Uuid::new_v4(), address: String::new() })
    }

    /// Refuses an alert where none is sent.
    fn refuse_alert(&self, message: &str) -> Result<(), Error> {
        if self.arguments.title.is_none() && self.arguments.alert.is_none() {
            return Ok(());
        }
        Err(Error::new(ExitKind::Usage, message).hint("leave out --title and --alert"))
    }

    fn gateway_line(&self, listen: &str, environment: Environment) -> CommandLine {
        let mut line = self.line("gateway");
        line.add(&["--listen", listen, "--client-ca"]);
        line.file(AUTHORITY);
        line.add(&["--folder"]);
        line.file(GATEWAY);
        if environment == Environment::Sandbox {
            line.add(&["--environment", "sandbox"]);
        }
        line.show_after("&");
        line
    }

    /// Starts the gateway before its command is shown, which has the port that the system chose.
    fn start_gateway(&mut self, converted: &Converted, environment: Environment) -> Result<StartedGateway, Stop> {
        let mut note = None;
        if self.arguments.cert.is_some() {
            let trust = converted.trust();
            portal::write(&self.path(AUTHORITY), trust.pem.as_bytes(), false)?;
            note = Some(trust.note);
        }
        let text = StepText { step: "gateway", title: "A gateway on this machine stands in for APNs", note };
        let start = Instant::now();
        let line = self.gateway_line(LISTEN, environment);
        let command = line.parse()?;
        let captured = self.stage.capture(|context| match command {
            Command::Gateway(arguments) => gateway::start(&arguments, context),
            _ => Err(unexpected_command()),
        });
        match captured.result {
            Ok(started) => {
                reach(started.address)?;
                let shown = self.gateway_line(&started.address.to_string(), environment);
                self.stage.begin(text, Some(shown.text()))?;
                self.stage.end(Excerpt::First(1).take(&captured.printed), 0, start)?;
                Ok(started)
            }
            Err(error) => {
                self.stage.begin(text, Some(line.text()))?;
                Err(error.into())
            }
        }
    }

    /// Adds the gateway to a command.
    fn add_gateway(delivery: &Delivery, line: &mut CommandLine) {
        line.add(&["--gateway", &delivery.address, "--ca-file"]);
        line.file(GATEWAY_CA);
    }

    fn check(&mut self, delivery: &Delivery) -> Result<(), Stop> {
        let text =
            StepText { step: "check", title: "The gateway is asked whether it accepts the certificate", note: None };
        let mut line = self.line("check");
        line.file(PEM);
        Self::add_gateway(delivery, &mut line);
        let excerpt = Excerpt::Labelled(&["tls ", "accepted:"]);
        self.stage.carry_out(text, &line, &excerpt, |command, context| match command {
            Command::Check(arguments) => check::run(&arguments, context),
            _ => Err(unexpected_command()),
        })
    }

    fn register(&mut self, delivery: &Delivery) -> Result<(), Stop> {
        let text = StepText {
            step: "register",
            title: "An app on a simulated device registers, and its token goes into the provider's database",
            note: None,
        };
        let mut line = self.line("device");
        line.option("--app", &delivery.app);
        Self::add_gateway(delivery, &mut line);
        line.add(&["--state"]);
        line.file(STATE);
        line.add(&["--register-with"]);
        line.prefixed_file(SQLITE, DATABASE);
        line.add(&["--count", "0"]);
        let excerpt = Excerpt::Labelled(&["device token", "provider"]);
        self.stage.carry_out(text, &line, &excerpt, |command, context| match command {
            Command::Device(arguments) => Ok(code_of(device::run(&arguments, context)?)),
            _ => Err(unexpected_command()),
        })
    }

    fn push(&mut self, delivery: &Delivery) -> Result<(), Stop> {
        let text = StepText { step: "push", title: "The provider sends a notification", note: None };
        let mut line = self.line("push");
        line.file(PEM);
        line.add(&["--environment", delivery.environment.name()]);
        Self::add_gateway(delivery, &mut line);
        line.add(&["--database"]);
        line.prefixed_file(SQLITE, DATABASE);
        if self.arguments.cert.is_some() && self.arguments.topic.is_some() {
            line.option("--topic", &delivery.app);
        }
        match &delivery.payload {
            Payload::Alert { title, body } => {
                line.option("--title", title);
                line.option("--alert", body);
            }
            Payload::Mdm(_) => {
                line.add(&["--payload"]);
                line.file(PAYLOAD);
            }
            // push sends to a pass what Wallet expects.
            Payload::Pass => {}
        }
        line.add(&["--apns-id", &delivery.apns_id.to_string()]);
        let sent =
            self.stage.carry_out(text, &line, &Excerpt::Labelled(&["accepted"]), |command, context| match command {
                Command::Push(arguments) => Ok(code_of(push::run(&arguments, context)?)),
                _ => Err(unexpected_command()),
            });
        // push waits for signals, and has ended.
        #[cfg(unix)]
        signals::give_back(&signals::ENDING);
        sent
    }

    /// Lets the app run again, and returns what it gets.
    fn receive(&mut self, delivery: &Delivery) -> Result<Vec<DeviceMessage>, Stop> {
        let text = StepText { step: "receive", title: "The app shows what has come", note: None };
        let mut line = self.line("device");
        Self::add_gateway(delivery, &mut line);
        line.add(&["--state"]);
        line.file(STATE);
        line.add(&["--count", "1", "--wait", WAIT]);
        let mut messages = Vec::new();
        let excerpt = Excerpt::Labelled(&["title", "body", "mdm", "apns-id"]);
        self.stage.carry_out(text, &line, &excerpt, |command, context| match command {
            Command::Device(arguments) => {
                let mut watch = |event: &DeviceEvent<'_>| {
                    if let DeviceEvent::Message(message) = event {
                        messages.push((*message).clone());
                    }
                };
                Ok(code_of(device::run_watched(&arguments, &mut watch, context)?))
            }
            _ => Err(unexpected_command()),
        })?;
        Ok(messages)
    }
}

/// Makes sure that this machine reaches itself. Any other trouble is told by the step that has it.
fn reach(address: SocketAddr) -> Result<(), Error> {
    match TcpStream::connect_timeout(&address, REACH_TIMEOUT) {
        Err(error) => judge_trouble(address, &error),
        Ok(_) => Ok(()),
    }
}

fn judge_trouble(address: SocketAddr, error: &std::io::Error) -> Result<(), Error> {
    match error.kind() {
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable => {
            let message = format!("{address}: this machine does not reach itself: {error}");
            Err(Error::new(ExitKind::Network, message).hint("its loopback interface is down: ip link set lo up"))
        }
        _ => Ok(()),
    }
}

impl Delivery {
    /// Returns whether messages are the one that was sent.
    fn is_shown_by(&self, messages: &[DeviceMessage]) -> bool {
        let [message] = messages else { return false };
        if !message.apns_id.eq_ignore_ascii_case(&self.apns_id.to_string()) {
            return false;
        }
        let Some(shown) = ShownAlert::of(&message.payload) else { return false };
        match &self.payload {
            Payload::Alert { title, body } => shown.title.as_ref() == Some(title) && shown.body.as_ref() == Some(body),
            Payload::Mdm(magic) => {
                matches!(&shown.custom[..], [only] if only.key == "mdm" && only.value.as_str() == Some(magic))
            }
            Payload::Pass => shown == ShownAlert::default(),
        }
    }
}

fn unexpected_command() -> Error {
    Error::new(ExitKind::Bug, "the rehearsal's own command is another")
}

/// Returns the source of a password as it is shown: the command is typed in another folder.
fn shown_source(source: &PasswordSource) -> OsString {
    match source {
        PasswordSource::File(path) if may_be_named(path) => PasswordSource::File(absolute(path)).shown(),
        source => source.shown(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(apns_id: &str, payload: &str) -> DeviceMessage {
        DeviceMessage {
            apns_id: apns_id.to_owned(),
            topic: "com.example.MyApp".to_owned(),
            push_type: None,
            priority: None,
            expiration: None,
            collapse_id: None,
            payload: payload.to_owned(),
        }
    }

    #[test]
    fn a_machine_that_does_not_reach_itself_is_told_why() {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        for (kind, is_told) in [
            (ErrorKind::NetworkUnreachable, true),
            (ErrorKind::HostUnreachable, true),
            (ErrorKind::ConnectionRefused, false),
            (ErrorKind::TimedOut, false),
        ] {
            let judged = judge_trouble(address, &kind.into());
            assert_eq!(judged.is_err(), is_told, "{kind:?}");
            if let Err(error) = judged {
                assert_eq!(error.kind, ExitKind::Network);
                assert!(error.hint.is_some_and(|hint| hint.contains("loopback interface is down")));
            }
        }
    }

    #[test]
    fn only_the_message_that_was_sent_counts() {
        let apns_id = Uuid::new_v4();
        let delivery = |payload| Delivery {
            app: "com.example.MyApp".to_owned(),
            environment: Environment::Production,
            payload,
            apns_id,
            address: String::new(),
        };
        let alert = delivery(Payload::Alert { title: "T".to_owned(), body: "B".to_owned() });
        let mdm = delivery(Payload::Mdm("magic".to_owned()));
        let pass = delivery(Payload::Pass);
        let (own, other) = (apns_id.to_string().to_uppercase(), Uuid::new_v4().to_string());
        let sent = r#"{"aps":{"alert":{"title":"T","body":"B"}}}"#;
        assert!(alert.is_shown_by(&[message(&own, sent)]));
        assert!(mdm.is_shown_by(&[message(&own, r#"{"mdm":"magic"}"#)]));
        assert!(pass.is_shown_by(&[message(&own, "{}")]) && !pass.is_shown_by(&[message(&own, sent)]));
        for messages in [
            vec![],
            vec![message(&other, sent)],
            vec![message(&own, sent), message(&own, sent)],
            vec![message(&own, r#"{"aps":{"alert":{"title":"T","body":"b"}}}"#)],
            vec![message(&own, r#"{"aps":{"alert":"B"}}"#)],
            vec![message(&own, "B")],
        ] {
            assert!(!alert.is_shown_by(&messages), "{messages:?}");
        }
        assert!(!mdm.is_shown_by(&[message(&own, sent)]) && !mdm.is_shown_by(&[message(&own, r#"{"mdm":"other"}"#)]));
    }
}
