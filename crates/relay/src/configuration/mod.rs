//! `relay.toml`: what an operator writes down for a relay. It is read once, at the start, and refused as a whole when
//! any of it makes no sense, with the place and what is expected. It never holds a secret: those are in a file of
//! their own ([`crate::CallOutSecrets`]), so that this one can be kept under version control.

mod channels;
mod subscription;
mod tracktik;

use std::{
    fs, io,
    net::SocketAddr,
    num::NonZeroU16,
    path::{Path, PathBuf},
    time::Duration,
};

use secrecy::SecretString;
use serde::Deserialize;
use tracktik_client::{Client, Language, NewSubscription, callout};
use url::Url;

use self::{channels::WrittenChannels, subscription::WrittenSubscription, tracktik::WrittenTracktik};
use crate::{
    CallOutSecrets, CallOuts, DatabaseAddress, Error, Recipients, Retention, SecretsPlace, ServerOptions, TlsFiles,
    callout_secrets::Told, callouts::is_template, proxies::TrustedProxies, secret_file::read_secret_of,
};

/// The size beyond which a file is none of ours.
const MAX_BYTES: u64 = 1024 * 1024;
/// In the place of a file's name: the secrets are kept in the OS keyring.
const KEYRING: &str = "keyring";

/// A `relay.toml` that has been read.
#[derive(Debug, Clone)]
pub struct Configuration {
    listen: SocketAddr,
    public_url: Option<Url>,
    database: DatabaseAddress,
    single_relay: bool,
    secrets: SecretsPlace,
    callout_window: Duration,
    callouts_per_minute: u32,
    trusted_proxies: Vec<String>,
    metrics_listen: Option<SocketAddr>,
    tls: Option<WrittenTls>,
    retention_days: WrittenRetention,
    channels: Option<WrittenChannels>,
    tracktik: Option<WrittenTracktik>,
    subscriptions: Vec<WrittenSubscription>,
    folder: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    listen: SocketAddr,
    public_url: Option<Url>,
    #[serde(default = "default_database")]
    database: String,
    database_password_file: Option<PathBuf>,
    #[serde(default)]
    single_relay: bool,
    #[serde(default = "default_secrets")]
    secrets: PathBuf,
    callout_window_seconds: Option<u32>,
    callouts_per_minute: Option<u32>,
    #[serde(default)]
    trusted_proxies: Vec<String>,
    metrics_listen: Option<SocketAddr>,
    tls: Option<WrittenTls>,
    #[serde(default)]
    retention_days: WrittenRetention,
    channels: Option<WrittenChannels>,
    tracktik: Option<WrittenTracktik>,
    #[serde(default)]
    subscriptions: Vec<WrittenSubscription>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTls {
    certificate: PathBuf,
    key: PathBuf,
}

/// Days.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRetention {
    events: Option<NonZeroU16>,
    failed_events: Option<NonZeroU16>,
    read_messages: Option<NonZeroU16>,
}

impl WrittenRetention {
    fn read(self) -> Retention {
        let (usual, days) = (Retention::default(), |days: NonZeroU16| days.get().into());
        Retention {
            events: self.events.map_or(usual.events, days),
            failed_events: self.failed_events.map_or(usual.failed_events, days),
            read_messages: self.read_messages.map(days),
        }
    }
}

fn default_database() -> String {
    "relay.sqlite".into()
}

fn default_secrets() -> PathBuf {
    "relay-secrets.json".into()
}

impl Configuration {
    /// Reads the file. Paths in it are relative to its own folder, so that the relay can be started from anywhere.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => Error::Input(format!(
                "there is no {}; write one (an example is in the manual, `listen = \"127.0.0.1:8080\"` is enough to begin), or \
                 name another file with --config",
                path.display()
            )),
            _ => Error::File { path: path.to_owned(), source },
        };
        let metadata = fs::metadata(path).map_err(failed)?;
        if !metadata.is_file() {
            return Err(Error::Input(format!("{} is no file", path.display())));
        }
        if metadata.len() > MAX_BYTES {
            return Err(Error::Input(format!("{} is over 1 MiB, which no relay.toml is", path.display())));
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        Self::from_text(&text, folder).map_err(|error| match error {
            Error::Input(text) => Error::Input(format!("{}: {text}", path.display())),
            other => other,
        })
    }

    fn from_text(text: &str, folder: &Path) -> Result<Self, Error> {
        let written: Written = toml::from_str(text).map_err(|error| Error::Input(explained(error.to_string())))?;
        let Written { listen, public_url, database, secrets, callout_window_seconds, callouts_per_minute, .. } =
            written;
        let password = written
            .database_password_file
            .map(|path| read_secret_of("database_password_file", &folder.join(path)))
            .transpose()?;
        let usual = ServerOptions::default();
        let mut read = Self {
            listen,
            public_url,
            database: DatabaseAddress::read(&database, folder, password)?,
            single_relay: written.single_relay,
            secrets: SecretsPlace::File(folder.join(&secrets)),
            callout_window: callout_window_seconds
                .map_or(usual.callout_window, |seconds| Duration::from_secs(seconds.into())),
            callouts_per_minute: callouts_per_minute.unwrap_or(usual.callouts_per_minute),
            trusted_proxies: written.trusted_proxies,
            metrics_listen: written.metrics_listen,
            tls: written.tls,
            retention_days: written.retention_days,
            channels: written.channels,
            tracktik: written.tracktik,
            subscriptions: written.subscriptions,
            folder: folder.to_owned(),
        };
        read.check()?;
        if secrets == Path::new(KEYRING) {
            if read.shares_database() {
                return Err(Error::Input(
                    "secrets: relays that share a PostgreSQL database have to know the same secrets, and a keyring is of one \
                     machine: name a file that is copied to each, or say single_relay = true if this is the only one"
                        .into(),
                ));
            }
            read.secrets = SecretsPlace::Keyring { account: read.own_url(), folder: folder.to_owned() };
        }
        Ok(read)
    }

    fn check(&self) -> Result<(), Error> {
        for (place, subscription) in self.subscriptions.iter().enumerate() {
            let custom_id = &subscription.custom_id;
            check_custom_id(custom_id)?;
            if self.subscriptions[..place].iter().any(|other| other.custom_id == *custom_id) {
                return Err(Error::Input(format!(
                    "subscriptions {custom_id:?}: two have this custom_id; it is the name of one"
                )));
            }
            subscription.check()?;
        }
        if self.shares_database() && self.channels.is_none() {
            return Err(Error::Input(
                "database: relays that share a PostgreSQL database need channels that they share too, or the desktops of one \
                 are told nothing by the others: set up [channels], or say single_relay = true if this is the only one"
                    .into(),
            ));
        }
        TrustedProxies::read(&self.trusted_proxies)?;
        self.channels.as_ref().map_or(Ok(()), WrittenChannels::check)?;
        self.tracktik.as_ref().map_or(Ok(()), WrittenTracktik::check)
    }

    /// The address that is listened on.
    pub(crate) fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Where certificate and key are, when the relay does TLS itself.
    pub fn tls(&self) -> Option<TlsFiles> {
        let WrittenTls { certificate, key } = self.tls.as_ref()?;
        Some(TlsFiles::new(self.folder.join(certificate), self.folder.join(key)))
    }

    /// Where the relay's database is.
    pub fn database(&self) -> &DatabaseAddress {
        &self.database
    }

    /// Whether other relays may be at work on the same database.
    pub(crate) fn shares_database(&self) -> bool {
        matches!(self.database, DatabaseAddress::PostgreSql(_)) && !self.single_relay
    }

    /// Where the call-outs' keys and secrets are kept.
    pub fn secrets(&self) -> &SecretsPlace {
        &self.secrets
    }

    /// The custom ids of the subscriptions, in the file's order.
    pub fn custom_ids(&self) -> impl Iterator<Item = &str> {
        self.subscriptions.iter().map(|subscription| subscription.custom_id.as_str())
    }

    /// The header that the subscription's call-outs are signed in, or nothing when the file has no such subscription.
    pub fn header(&self, custom_id: &str) -> Option<&str> {
        self.subscription(custom_id).map(|subscription| subscription.header.as_str())
    }

    /// Why the subscription is to be suspended, where it is.
    pub(crate) fn suspended(&self, custom_id: &str) -> Option<&str> {
        self.subscription(custom_id)?.suspended.as_deref()
    }

    /// What the header of the subscription's call-outs holds.
    pub(crate) fn mode(&self, custom_id: &str) -> callout::Mode {
        self.subscription(custom_id).map_or(callout::Mode::Hmac, WrittenSubscription::mode)
    }

    fn subscription(&self, custom_id: &str) -> Option<&WrittenSubscription> {
        self.subscriptions.iter().find(|subscription| subscription.custom_id == custom_id)
    }

    /// Everybody that a subscription names, once; names that are templates are not among them.
    pub(crate) fn named_recipients(&self) -> Recipients {
        let mut all = Recipients::default();
        for rule in self.subscriptions.iter().flat_map(WrittenSubscription::rules) {
            for (names, to) in [(&rule.users, &mut all.users), (&rule.groups, &mut all.groups)] {
                to.extend(names.iter().filter(|name| !is_template(name)).cloned());
            }
        }
        for names in [&mut all.users, &mut all.groups] {
            names.sort();
            names.dedup();
        }
        all
    }

    /// Whether there is a table `tracktik`: the relay manages the subscriptions itself.
    pub fn manages_tracktik(&self) -> bool {
        self.tracktik.is_some()
    }

    /// A client of the account in the table `tracktik`; nothing is sent yet.
    pub(crate) fn tracktik_client(&self) -> Result<Client, Error> {
        let Some(tracktik) = &self.tracktik else {
            let expected = "relay.toml has no table [tracktik] with domain, client_id, client_secret_file, username and \
                            password_file";
            return Err(Error::Input(expected.into()));
        };
        if self.public_url.is_none() && !tracktik.is_on_this_machine() {
            let expected = "public_url is missing: TrackTik has to reach the relay, and its own subscriptions are known by that address";
            return Err(Error::Input(expected.into()));
        }
        tracktik.client(&self.folder)
    }

    /// What TrackTik is told of the subscription; nothing when it has no key and secret yet, or is not in the file.
    pub(crate) fn definition(
        &self,
        custom_id: &str,
        secrets: &CallOutSecrets,
    ) -> Result<Option<NewSubscription>, Error> {
        let (Some(subscription), Some((key, of_it))) = (self.subscription(custom_id), secrets.of(custom_id)) else {
            return Ok(None);
        };
        let Some(newest) = of_it.first() else { return Ok(None) };
        let language = self.sent_language()?;
        let address: SecretString = subscription::address(&self.own_url(), &key);
        subscription.definition(secrecy::ExposeSecret::expose_secret(&address), newest.clone(), language).map(Some)
    }

    /// What TrackTik is told of the subscription beside the secret and does not show; nothing when it is not in the file.
    pub(crate) fn told(&self, custom_id: &str) -> Result<Option<Told>, Error> {
        let language = self.sent_language()?.map(|language| language.as_str().to_owned());
        Ok(self.header(custom_id).map(|header| Told { header: header.to_owned(), language }))
    }

    fn sent_language(&self) -> Result<Option<Language>, Error> {
        self.tracktik.as_ref().map_or(Ok(None), WrittenTracktik::sent_language)
    }

    /// The address clients and TrackTik reach the relay under, without a slash at its end.
    pub fn own_url(&self) -> String {
        self.public_url.as_ref().map_or_else(
            || format!("{}://{}", if self.tls.is_some() { "https" } else { "http" }, self.listen),
            |url| url.as_str().trim_end_matches('/').to_owned(),
        )
    }

    /// What a server is started with. A subscription without a key or secret is refused: `tracktik apply`, or `callouts
    /// new-secret`, makes both.
    pub fn server_options(&self, secrets: &CallOutSecrets) -> Result<ServerOptions, Error> {
        Ok(ServerOptions {
            listen: self.listen,
            public_url: self.public_url.clone(),
            database: self.database.clone(),
            channels: self.channels.as_ref().map(|channels| channels.read(&self.folder)).transpose()?,
            callouts: self.callouts(secrets)?,
            callout_window: self.callout_window,
            callouts_per_minute: self.callouts_per_minute,
            trusted_proxies: self.trusted_proxies.clone(),
            tls: self.tls(),
            metrics_listen: self.metrics_listen,
            retention: self.retention_days.read(),
            ..ServerOptions::default()
        })
    }

    fn callouts(&self, secrets: &CallOutSecrets) -> Result<Vec<CallOuts>, Error> {
        let callouts = self.subscriptions.iter().map(|subscription| {
            let custom_id = &subscription.custom_id;
            let Some((key, of_it)) = secrets.of(custom_id) else {
                let command = if self.tracktik.is_some() {
                    "tracktik apply".to_owned()
                } else {
                    format!("callouts new-secret {custom_id}")
                };
                return Err(Error::Input(format!(
                    "subscriptions {custom_id:?} has no key and secret yet; `traybell-relay {command}` makes them"
                )));
            };
            subscription.callouts(key, of_it, secrets.told(custom_id).map(|told| told.header.as_str()))
        });
        callouts.collect()
    }
}

/// What a library says of a value, with what would do.
fn explained(text: String) -> String {
    let hints = [
        ("socket address", "an address and a port, such as \"127.0.0.1:8080\""),
        ("relative URL without a base", "a whole address, such as \"https://relay.example.com\""),
        ("expected u", "a whole number, 0 or more"),
        ("expected a nonzero", "a number of days, 1 or more"),
        ("expected a sequence", "a list, such as [\"one\", \"another\"]"),
        ("expected struct", "a table"),
    ];
    match hints.iter().find(|(said, _)| text.contains(said)) {
        Some((_, expected)) => format!("{}\nexpected is {expected}", text.trim_end()),
        None => text,
    }
}

/// It stands on command lines and in logs.
pub(crate) fn check_custom_id(custom_id: &str) -> Result<(), Error> {
    let fits = (1..=64).contains(&custom_id.len())
        && custom_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && !custom_id.starts_with('-');
    if fits {
        return Ok(());
    }
    Err(Error::Input(format!(
        "{custom_id:?} is no custom_id: 1 to 64 letters, digits, dots, dashes or underscores, and no dash first"
    )))
}

#[cfg(test)]
mod tests;
