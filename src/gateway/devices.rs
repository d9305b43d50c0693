//! The simulated devices: apps that registered, the tokens that they got, and the messages that are kept for them.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use data_encoding::HEXLOWER;
use openssl::memcmp;
use openssl::rand::rand_bytes;
use openssl::sha::sha256;
use time::OffsetDateTime;
use tokio::sync::Notify;

use crate::apns::notification::is_topic;
use crate::certificate::apple::Environment;
use crate::gateway::device_file::{DeviceEntry, DeviceFile};
use crate::gateway::tokens::TokenState;
use crate::net::device_lines::{DeviceCredentials, DeviceMessage, DeviceRefusal};

/// Limit for the devices in the life of a gateway: the token of an app that was removed stays unregistered.
const MAX_DEVICES: usize = 10_000;
/// Limit for the connections of devices. The gateway's other connections are for providers.
const MAX_RECEIVERS: usize = 128;
/// Limits for the messages that are kept: for one device, and for all together (about 50 MB).
const MAX_KEPT_FOR_DEVICE: usize = 1024;
const MAX_KEPT: usize = 8192;

/// The simulated devices of a gateway.
pub(super) struct Devices {
    table: Mutex<DeviceTable>,
    environment: Environment,
    /// Keeps them for the next run.
    file: Option<DeviceFile>,
    /// The number of devices, so that a gateway without any takes no lock for a request.
    count: AtomicUsize,
}

#[derive(Default)]
struct DeviceTable {
    /// By token.
    devices: HashMap<String, Device>,
    /// The number of messages that are kept.
    kept: usize,
    receivers: usize,
}

struct Device {
    topic: String,
    /// SHA-256 of the secret.
    secret: [u8; 32],
    app: App,
}

/// The app on a device.
enum App {
    Installed(Inbox),
    /// Removed at this time, in milliseconds.
    Removed(u64),
}

/// The messages of an app.
#[derive(Default)]
struct Inbox {
    kept: VecDeque<DeviceMessage>,
    /// The number of messages that were not kept.
    missed: u64,
    /// What was written to the device, which has not confirmed it.
    pending: Option<Pending>,
    /// The number of the connection that receives; 0 if there was none yet.
    receiver: u64,
    is_connected: bool,
    changed: Arc<Notify>,
}

/// What a device has not confirmed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pending {
    /// The first message that is kept.
    First,
    /// A message that another with its collapse ID has replaced.
    Replaced,
    /// So many messages that were not kept.
    Missed(u64),
}

/// The connection through which an app receives.
pub(super) struct Receiver {
    devices: Arc<Devices>,
    token: String,
    number: u64,
    changed: Arc<Notify>,
}

/// What comes to a receiver.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    Message(Box<DeviceMessage>),
    Missed(u64),
    Replaced,
    /// The app was removed at this time, in milliseconds.
    Uninstalled(u64),
}

impl Devices {
    /// Takes over the devices that the file has for this environment.
    pub(super) fn new(environment: Environment, file: Option<DeviceFile>) -> Self {
        let mut table = DeviceTable::default();
        let entries = match &file {
            Some(file) => &file.entries[..],
            None => &[],
        };
        for entry in entries {
            table.add(entry, environment);
        }
        let count = AtomicUsize::new(table.devices.len());
        Self { table: Mutex::new(table), environment, file, count }
    }

    fn lock(&self) -> MutexGuard<'_, DeviceTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers an app for a topic, and connects it.
    ///
    /// # Errors
    /// If that is no topic, or there are too many devices or connections.
    pub(super) fn register(self: &Arc<Self>, topic: &str) -> Result<(DeviceCredentials, Receiver), DeviceRefusal> {
        if !is_topic(topic) {
            return Err(DeviceRefusal::NoTopic);
        }
        let mut table = self.lock();
        if table.devices.len() >= MAX_DEVICES {
            return Err(DeviceRefusal::TooManyDevices);
        }
        if table.receivers >= MAX_RECEIVERS {
            return Err(DeviceRefusal::TooManyConnections);
        }
        let credentials = DeviceCredentials { token: random_hex()?, secret: random_hex()? };
        let device = Device {
            topic: topic.to_owned(),
            secret: sha256(credentials.secret.as_bytes()),
            app: App::Installed(Inbox::default()),
        };
        self.write_down(&DeviceEntry::Registered {
            token: credentials.token.clone(),
            topic: topic.to_owned(),
            environment: self.environment,
            secret_sha256: HEXLOWER.encode(&device.secret),
        })?;
        table.devices.insert(credentials.token.clone(), device);
        self.count.store(table.devices.len(), Ordering::Relaxed);
        let receiver = self.connect(&mut table, &credentials.token)?;
        Ok((credentials, receiver))
    }

    /// Keeps an entry for the next run, if anything is kept.
    fn write_down(&self, entry: &DeviceEntry) -> Result<(), DeviceRefusal> {
        let Some(file) = &self.file else { return Ok(()) };
        match file.add(entry) {
            Ok(()) => Ok(()),
            Err(_) => Err(DeviceRefusal::NotWritten),
        }
    }

    /// Connects an app that is registered; returns its topic too.
    ///
    /// # Errors
    /// If the credentials are not those of a device, or the app was removed.
    pub(super) fn receive(
        self: &Arc<Self>,
        credentials: &DeviceCredentials,
    ) -> Result<(String, Receiver), DeviceRefusal> {
        let mut table = self.lock();
        let topic = table.find(credentials)?.topic.clone();
        let receiver = self.connect(&mut table, &credentials.token)?;
        Ok((topic, receiver))
    }

    /// Removes an app; returns the time, in milliseconds.
    ///
    /// # Errors
    /// If the credentials are not those of a device.
    pub(super) fn uninstall(&self, credentials: &DeviceCredentials) -> Result<u64, DeviceRefusal> {
        let mut table = self.lock();
        let device = table.find(credentials)?;
        let inbox = match &device.app {
            App::Removed(since) => return Ok(*since),
            App::Installed(inbox) => inbox,
        };
        let (kept, changed) = (inbox.kept.len(), Arc::clone(&inbox.changed));
        let since = milliseconds(OffsetDateTime::now_utc());
        self.write_down(&DeviceEntry::Uninstalled { token: credentials.token.clone(), since })?;
        device.app = App::Removed(since);
        table.kept -= kept;
        changed.notify_one();
        Ok(since)
    }

    /// Returns the state of a token, if it is a device's.
    pub(super) fn state_of(&self, token: &str) -> Option<TokenState> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let table = self.lock();
        let device = table.devices.get(&token.to_ascii_lowercase())?;
        Some(match &device.app {
            App::Installed(_) => TokenState::Active(Some(device.topic.clone())),
            App::Removed(since) => TokenState::Unregistered(*since),
        })
    }

    /// Delivers a notification, or keeps it until the app receives. Of those with the same collapse ID the last is kept
    /// (Apple, "Sending notification requests to APNs"), and one that expires at once is not kept at all.
    pub(super) fn deliver(&self, token: &str, describe: impl FnOnce() -> DeviceMessage) {
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut table = self.lock();
        let table = &mut *table;
        let Some(device) = table.devices.get_mut(&token.to_ascii_lowercase()) else { return };
        let App::Installed(inbox) = &mut device.app else { return };
        let before = inbox.kept.len();
        inbox.add(describe(), table.kept);
        table.kept = table.kept + inbox.kept.len() - before;
        inbox.changed.notify_one();
    }

    fn connect(self: &Arc<Self>, table: &mut DeviceTable, token: &str) -> Result<Receiver, DeviceRefusal> {
        if table.receivers >= MAX_RECEIVERS {
            return Err(DeviceRefusal::TooManyConnections);
        }
        let inbox = match table.devices.get_mut(token) {
            Some(Device { app: App::Installed(inbox), .. }) => inbox,
            Some(Device { app: App::Removed(_), .. }) => return Err(DeviceRefusal::Uninstalled),
            None => return Err(DeviceRefusal::Unknown),
        };
        // The connection before it is told that it is replaced; what it has not confirmed comes again.
        inbox.changed.notify_one();
        inbox.pending = None;
        inbox.receiver += 1;
        inbox.is_connected = true;
        inbox.changed = Arc::default();
        table.receivers += 1;
        let (number, changed) = (inbox.receiver, Arc::clone(&inbox.changed));
        Ok(Receiver { devices: Arc::clone(self), token: token.to_owned(), number, changed })
    }
}

impl DeviceTable {
    /// Adds what an earlier run has written down.
    fn add(&mut self, entry: &DeviceEntry, environment: Environment) {
        match entry {
            DeviceEntry::Registered { token, topic, environment: own, secret_sha256 } if *own == environment => {
                let mut secret = [0; 32];
                // A damaged hash lets nobody in: that of no secret is all zeros.
                if let Ok(bytes) = HEXLOWER.decode(secret_sha256.as_bytes())
                    && bytes.len() == secret.len()
                {
                    secret.copy_from_slice(&bytes);
                }
                let app = App::Installed(Inbox::default());
                self.devices.insert(token.clone(), Device { topic: topic.clone(), secret, app });
            }
            DeviceEntry::Uninstalled { token, since } => {
                if let Some(device) = self.devices.get_mut(token) {
                    device.app = App::Removed(*since);
                }
            }
            DeviceEntry::Registered { .. } => {}
        }
    }

    fn find(&mut self, credentials: &DeviceCredentials) -> Result<&mut Device, DeviceRefusal> {
        let Some(device) = self.devices.get_mut(&credentials.token) else { return Err(DeviceRefusal::Unknown) };
        if !memcmp::eq(&device.secret, &sha256(credentials.secret.as_bytes())) {
            return Err(DeviceRefusal::Unknown);
        }
        Ok(device)
    }
}

impl DeviceTable {
    /// Changes the inbox of a receiver, if it still receives, and counts what is kept.
    fn change<T>(&mut self, receiver: &Receiver, act: impl FnOnce(&mut Inbox) -> T) -> Option<T> {
        let Some(Device { app: App::Installed(inbox), .. }) = self.devices.get_mut(&receiver.token) else {
            return None;
        };
        if inbox.receiver != receiver.number {
            return None;
        }
        let before = inbox.kept.len();
        let result = act(inbox);
        self.kept = self.kept + inbox.kept.len() - before;
        Some(result)
    }
}

impl Inbox {
    /// Adds a message; `kept_in_all` is the number of those that are kept for all devices.
    fn add(&mut self, message: DeviceMessage, kept_in_all: usize) {
        if !self.is_connected && message.expiration.as_deref() == Some("0") {
            return;
        }
        if message.collapse_id.is_some() {
            self.drop_collapsed(&message);
        }
        if self.kept.len() >= MAX_KEPT_FOR_DEVICE || kept_in_all >= MAX_KEPT {
            self.missed += 1;
            // Not the one that the device may have shown.
            let oldest = usize::from(self.pending == Some(Pending::First));
            if self.kept.remove(oldest).is_none() {
                return;
            }
        }
        self.kept.push_back(message);
    }

    /// Drops the messages that this one replaces.
    fn drop_collapsed(&mut self, message: &DeviceMessage) {
        let is_first = self.kept.front().is_some_and(|first| first.collapse_id == message.collapse_id);
        if is_first && self.pending == Some(Pending::First) {
            self.pending = Some(Pending::Replaced);
        }
        self.kept.retain(|earlier| earlier.collapse_id != message.collapse_id);
    }

    /// Returns what comes next for the connection with this number. It is kept until it is confirmed.
    fn next(&mut self, number: u64, now: i64) -> Option<Arrival> {
        if self.receiver != number {
            return Some(Arrival::Replaced);
        }
        if self.pending.is_some() {
            return None;
        }
        if self.missed > 0 {
            self.pending = Some(Pending::Missed(self.missed));
            return Some(Arrival::Missed(self.missed));
        }
        while let Some(message) = self.kept.front() {
            if !is_expired(message, now) {
                self.pending = Some(Pending::First);
                return Some(Arrival::Message(Box::new(message.clone())));
            }
            self.kept.pop_front();
        }
        None
    }

    /// Drops what the device has confirmed.
    fn confirm(&mut self) {
        match self.pending.take() {
            Some(Pending::First) => {
                self.kept.pop_front();
            }
            Some(Pending::Missed(count)) => self.missed -= count,
            Some(Pending::Replaced) | None => {}
        }
    }

    /// Notes that nobody receives. What expires at once is not delivered later.
    fn disconnect(&mut self) {
        self.is_connected = false;
        self.pending = None;
        self.kept.retain(|message| message.expiration.as_deref() != Some("0"));
    }
}

/// Returns whether a message is no longer valid. One with the expiration 0 came while the app was connected.
fn is_expired(message: &DeviceMessage, now: i64) -> bool {
    match message.expiration.as_deref().map(str::parse::<i64>) {
        Some(Ok(seconds)) => seconds != 0 && seconds < now,
        Some(Err(_)) | None => false,
    }
}

impl Receiver {
    /// Waits for what comes next.
    pub(super) async fn next(&self) -> Arrival {
        loop {
            if let Some(arrival) = self.try_next() {
                return arrival;
            }
            self.changed.notified().await;
        }
    }

    /// Waits until the app receives elsewhere, or was removed.
    pub(super) async fn ended(&self) {
        while !self.has_ended() {
            self.changed.notified().await;
        }
    }

    /// Drops what came last: the device has confirmed it.
    pub(super) fn confirm(&self) {
        let mut table = self.devices.lock();
        table.change(self, Inbox::confirm);
    }

    fn try_next(&self) -> Option<Arrival> {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let mut table = self.devices.lock();
        if let Some(Device { app: App::Removed(since), .. }) = table.devices.get(&self.token) {
            return Some(Arrival::Uninstalled(*since));
        }
        table.change(self, |inbox| inbox.next(self.number, now)).unwrap_or(Some(Arrival::Replaced))
    }

    fn has_ended(&self) -> bool {
        let table = self.devices.lock();
        match table.devices.get(&self.token) {
            Some(Device { app: App::Installed(inbox), .. }) => inbox.receiver != self.number,
            Some(Device { app: App::Removed(_), .. }) | None => true,
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut table = self.devices.lock();
        table.receivers -= 1;
        table.change(self, Inbox::disconnect);
    }
}

/// Makes 32 random bytes as text: the length of the device tokens that are in use.
fn random_hex() -> Result<String, DeviceRefusal> {
    let mut bytes = [0; 32];
    match rand_bytes(&mut bytes) {
        Ok(()) => Ok(HEXLOWER.encode(&bytes)),
        Err(_) => Err(DeviceRefusal::NoRandomness),
    }
}

fn milliseconds(time: OffsetDateTime) -> u64 {
    u64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(0)
}

#[cfg(test)]
impl Default for Devices {
    fn default() -> Self {
        Self::new(Environment::Production, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "com.example.MyApp";

    fn message(id: &str) -> DeviceMessage {
        DeviceMessage {
            apns_id: id.to_owned(),
            topic: TOPIC.to_owned(),
            push_type: None,
            priority: None,
            expiration: None,
            collapse_id: None,
            payload: "{}".to_owned(),
        }
    }

    fn arrived(receiver: &Receiver) -> Vec<String> {
        let mut ids = Vec::new();
        while let Some(arrival) = receiver.try_next() {
            receiver.confirm();
            match arrival {
                Arrival::Message(message) => ids.push(message.apns_id),
                Arrival::Missed(count) => ids.push(format!("missed {count}")),
                Arrival::Replaced | Arrival::Uninstalled(_) => {
                    ids.push("end".to_owned());
                    break;
                }
            }
        }
        ids
    }

    #[test]
    fn an_app_receives_what_came_while_it_was_away() {
        let devices = Arc::new(Devices::default());
        let (credentials, receiver) = devices.register(TOPIC).unwrap();
        devices.deliver(&credentials.token.to_uppercase(), || message("1"));
        let at_once = DeviceMessage { expiration: Some("0".to_owned()), ..message("2") };
        devices.deliver(&credentials.token, || at_once.clone());
        assert_eq!(arrived(&receiver), ["1", "2"]);
        drop(receiver);
        devices.deliver(&credentials.token, || at_once);
        devices.deliver(&credentials.token, || DeviceMessage { expiration: Some("1".to_owned()), ..message("3") });
        for id in ["4", "5"] {
            devices.deliver(&credentials.token, || DeviceMessage { collapse_id: Some("c".to_owned()), ..message(id) });
        }
        devices.deliver(&credentials.token, || message("6"));
        let (topic, receiver) = devices.receive(&credentials).unwrap();
        assert_eq!((topic.as_str(), arrived(&receiver)), (TOPIC, vec!["5".to_owned(), "6".to_owned()]));
        assert_eq!(devices.lock().kept, 0);
    }

    #[test]
    fn what_is_not_confirmed_comes_again() {
        let devices = Arc::new(Devices::default());
        let (credentials, receiver) = devices.register(TOPIC).unwrap();
        let collapsed = |id: &str| DeviceMessage { collapse_id: Some("c".to_owned()), ..message(id) };
        let at_once = DeviceMessage { expiration: Some("0".to_owned()), ..message("2") };
        for one in [collapsed("1"), at_once, message("3")] {
            devices.deliver(&credentials.token, || one);
        }
        let arrival = |id: &str| Some(Arrival::Message(Box::new(message(id))));
        assert_eq!(receiver.try_next(), Some(Arrival::Message(Box::new(collapsed("1")))));
        assert_eq!(receiver.try_next(), None, "one at a time");
        devices.deliver(&credentials.token, || collapsed("4"));
        receiver.confirm();
        drop(receiver);
        let (_, receiver) = devices.receive(&credentials).unwrap();
        assert_eq!(receiver.try_next(), arrival("3"), "the first is replaced, the second has expired");
        for _ in 0..MAX_KEPT_FOR_DEVICE {
            devices.deliver(&credentials.token, || message("m"));
        }
        receiver.confirm();
        assert_eq!(receiver.try_next(), Some(Arrival::Missed(2)));
        let (_, second) = devices.receive(&credentials).unwrap();
        receiver.confirm();
        assert_eq!(receiver.try_next(), Some(Arrival::Replaced));
        let ids = arrived(&second);
        assert_eq!((ids.len(), ids[0].as_str()), (1 + MAX_KEPT_FOR_DEVICE - 1, "missed 2"));
        assert_eq!(devices.lock().kept, 0);
    }

    #[test]
    fn only_the_secret_lets_an_app_in() {
        let devices = Arc::new(Devices::default());
        let (credentials, receiver) = devices.register(TOPIC).unwrap();
        let (other, _) = devices.register(TOPIC).unwrap();
        let stolen = DeviceCredentials { secret: other.secret, ..credentials.clone() };
        assert_eq!(devices.receive(&stolen).err(), Some(DeviceRefusal::Unknown));
        assert_eq!(devices.uninstall(&stolen).err(), Some(DeviceRefusal::Unknown));
        assert_eq!(devices.state_of(&credentials.token), Some(TokenState::Active(Some(TOPIC.to_owned()))));
        let since = devices.uninstall(&credentials).unwrap();
        assert_eq!(devices.uninstall(&credentials), Ok(since));
        assert_eq!(receiver.try_next(), Some(Arrival::Uninstalled(since)));
        assert_eq!(devices.state_of(&credentials.token), Some(TokenState::Unregistered(since)));
        assert_eq!(devices.receive(&credentials).err(), Some(DeviceRefusal::Uninstalled));
        assert_eq!(devices.register("no topic").err(), Some(DeviceRefusal::NoTopic));
    }

    #[test]
    fn the_next_run_knows_the_devices_of_its_environment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("devices.ndjson");
        let run = |environment| Arc::new(Devices::new(environment, Some(DeviceFile::open(&path).unwrap())));
        let first = run(Environment::Production);
        let (kept, _) = first.register(TOPIC).unwrap();
        let (removed, _) = first.register(TOPIC).unwrap();
        let since = first.uninstall(&removed).unwrap();
        let second = run(Environment::Production);
        assert_eq!(second.receive(&kept).unwrap().0, TOPIC);
        assert_eq!(second.state_of(&removed.token), Some(TokenState::Unregistered(since)));
        let stolen = DeviceCredentials { secret: removed.secret, ..kept.clone() };
        assert_eq!(second.receive(&stolen).err(), Some(DeviceRefusal::Unknown));
        assert_eq!(run(Environment::Sandbox).state_of(&kept.token), None);
    }

    #[tokio::test]
    async fn a_second_connection_replaces_the_first() {
        let devices = Arc::new(Devices::default());
        let (credentials, first) = devices.register(TOPIC).unwrap();
        let waiting = tokio::spawn(async move { first.next().await });
        tokio::task::yield_now().await;
        let (_, second) = devices.receive(&credentials).unwrap();
        assert_eq!(waiting.await.unwrap(), Arrival::Replaced);
        devices.deliver(&credentials.token, || DeviceMessage { expiration: Some("0".to_owned()), ..message("1") });
        assert_eq!(arrived(&second), ["1"]);
    }

    #[test]
    fn messages_devices_and_connections_are_limited() {
        let devices = Arc::new(Devices::default());
        let mut all = Vec::new();
        for _ in 0..MAX_RECEIVERS {
            all.push(devices.register(TOPIC).unwrap());
        }
        assert_eq!(devices.register(TOPIC).err(), Some(DeviceRefusal::TooManyConnections));
        for (credentials, _) in &all[..9] {
            for _ in 0..2 * MAX_KEPT_FOR_DEVICE {
                devices.deliver(&credentials.token, || message("m"));
            }
        }
        assert_eq!(devices.lock().kept, MAX_KEPT);
        let ids = arrived(&all[0].1);
        assert_eq!((ids.len(), ids[0].as_str()), (1 + MAX_KEPT_FOR_DEVICE, "missed 1024"));
        assert_eq!(arrived(&all[8].1), ["missed 2048"]);
        all.clear();
        for _ in MAX_RECEIVERS..MAX_DEVICES {
            devices.register(TOPIC).unwrap();
        }
        assert_eq!(devices.register(TOPIC).err(), Some(DeviceRefusal::TooManyDevices));
    }
}
