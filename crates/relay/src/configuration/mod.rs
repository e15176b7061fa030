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
    CallOutSecrets, CallOuts, DatabaseAddress, Error, Retention, SecretsPlace, ServerOptions, TlsFiles,
    callout_secrets::Told, proxies::TrustedProxies, secret_file::read_secret,
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
        if fs::metadata(path).map_err(failed)?.len() > MAX_BYTES {
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
        let password = written.database_password_file.map(|path| read_secret(&folder.join(path))).transpose()?;
        let usual = ServerOptions::default();
        let mut read = Self {
            listen,
            public_url,
            database: DatabaseAddress::read(&database, folder, password)?,
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

/// It stands on command lines and in logs.
/// What a library says of a value, with what would do.
fn explained(text: String) -> String {
    let hints = [
        ("socket address", "an address and a port, such as \"127.0.0.1:8080\""),
        ("relative URL without a base", "a whole address, such as \"https://relay.example.com\""),
    ];
    match hints.iter().find(|(said, _)| text.contains(said)) {
        Some((_, expected)) => format!("{}\nexpected is {expected}", text.trim_end()),
        None => text,
    }
}

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
mod tests {
    use super::*;
    use crate::Kind;

    const WHOLE: &str = r#"
        listen = "127.0.0.1:8080"
        callout_window_seconds = 0
        public_url = "https://relay.example.com"

        [[subscriptions]]
        custom_id = "new-employees"
        events = ["entity:employees:created"]
        regions = { within = [3], except = [7] }
        filter = ["status=ACTIVE"]
        include = ["region"]

        [subscriptions.message]
        title = "New: {{ entity.firstName }}"
        event = "shoutout"
        expires_after_hours = 48

        [subscriptions.recipients]
        groups = ["dispatch"]
        when = "entity.region.id == 3"
    "#;

    const CHANNELS: &str = r#"
        [channels]
        app_id = "traybell"
        key = "a-key"
        secret_file = "channels.secret"
        url = "http://127.0.0.1:6001"
    "#;

    fn read(text: &str) -> Result<Configuration, Error> {
        Configuration::from_text(text, Path::new("/etc/traybell"))
    }

    fn refusal(text: &str) -> String {
        read(text).expect_err("it should be refused").to_string()
    }

    #[test]
    fn a_whole_file_becomes_the_options_of_a_server() {
        let configuration = read(WHOLE).unwrap();
        let mut secrets = CallOutSecrets::default();
        secrets.renew("new-employees").unwrap();
        let options = configuration.server_options(&secrets).unwrap();
        assert!(matches!(&options.database, DatabaseAddress::File(path) if path.ends_with("traybell/relay.sqlite")));
        assert_eq!((options.callout_window, options.callouts_per_minute), (Duration::ZERO, 6000));
        let callouts = &options.callouts[0];
        assert_eq!(callouts.header, "TrackTik-Subscription-Secret");
        assert_eq!((callouts.message.kind, callouts.secrets.len()), (Kind::Shoutout, 1));
        assert_eq!(callouts.message.expires_after, Some(Duration::from_hours(48)));
    }

    #[test]
    fn recipients_are_one_table_or_several() {
        let several = "[[subscriptions.recipients]]\ngroups = [\"region-{{ entity.region.id }}\"]\n
            [[subscriptions.recipients]]\nwhen = \"entity.type == 'THEFT'\"\nusers = [\"ada\"]";
        let several = format!("{}{several}", &WHOLE[..WHOLE.find("[subscriptions.recipients]").unwrap()]);
        let mut secrets = CallOutSecrets::default();
        secrets.renew("new-employees").unwrap();
        let rules = |text: &str| read(text).unwrap().server_options(&secrets).unwrap().callouts.remove(0).recipients;
        assert_eq!((rules(WHOLE).len(), rules(WHOLE)[0].recipients.groups.join(" ")), (1, "dispatch".into()));
        let several = rules(&several);
        assert_eq!((several.len(), several[1].recipients.users.join(" ")), (2, "ada".into()));
        assert_eq!(several[1].when.as_deref(), Some("entity.type == 'THEFT'"));
    }

    #[test]
    fn a_subscription_without_a_secret_is_refused_with_the_command_that_makes_one() {
        let refused = read(WHOLE).unwrap().server_options(&CallOutSecrets::default()).unwrap_err().to_string();
        assert!(refused.contains("traybell-relay callouts new-secret new-employees"), "{refused}");
    }

    #[test]
    fn the_example_is_one() {
        let mut secrets = CallOutSecrets::default();
        secrets.renew("new-employees").unwrap();
        let example = read(include_str!("../../packaging/relay.toml")).unwrap();
        let options = example.server_options(&secrets).unwrap();
        assert_eq!((options.retention.read_messages, options.callouts.len()), (Some(365), 1));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_is_expected() {
        let rules = WHOLE.find("[subscriptions.recipients]").unwrap();
        let cases = [
            ("listen = 5", "such as \"127.0.0.1:8080\""),
            ("listen = \"localhost:80\"", "such as \"127.0.0.1:8080\""),
            ("listen = \"127.0.0.1:1\"\npublic_url = \"relay.example\"", "such as \"https://relay.example.com\""),
            ("listen = \"127.0.0.1:1\"\n[retention_days]\nevents = 0", "nonzero"),
            ("listen = \"127.0.0.1:1\"\nlisten_on = 5", "unknown field `listen_on`"),
            (&WHOLE.replace("new-employees", "new employees"), "no custom_id"),
            (&WHOLE.replace("entity:employees", "entity:employes"), "employees"),
            (&WHOLE.replace("{ within = [3], except = [7] }", "\"some\""), "regions is \"all\""),
            (&WHOLE.replace("{{ entity.firstName }}", "{{ entity."), "title"),
            (&WHOLE.replace("entity.region.id == 3", "entity.region.id =="), "when"),
            (&WHOLE.replace("except", "without"), "regions is \"all\""),
            (&WHOLE.replace("within = [3]", "within = []"), "for all of them say so"),
            (&WHOLE.replace("status=ACTIVE", "whereQL=x"), "query language"),
            (&WHOLE.replace("include = [\"region\"]", "include = [\"a b\"]"), "names a field that cannot be one"),
            (&WHOLE.replace("include", "suspended = \" \"\ninclude"), "the reason why"),
            (&format!("{WHOLE}\n[tracktik]\ndomain = 5"), "domain"),
            (&format!("{WHOLE}\n{CHANNELS}\ncluster = \"eu\""), "either cluster"),
            (&format!("{WHOLE}\n{CHANNELS}").replace("http://127.0.0.1:6001", "http://10.0.0.1"), "unencrypted"),
            (&format!("{WHOLE}\n{CHANNELS}").replace(":6001", ":6001/app"), "without a path"),
            (&format!("{WHOLE}\n{CHANNELS}").replace("\"traybell\"", "\"a/b\""), "letters, digits"),
            (&format!("[[callouts]]\n{WHOLE}"), "unknown field `callouts`"),
            (&WHOLE.replace("\"dispatch\"", ""), "nobody would get its messages"),
            (
                &format!("{}[[subscriptions.recipients]]\nwhen = \"true\"", &WHOLE[..rules]),
                "nobody would get its messages",
            ),
            (&WHOLE.replace("when =", "if ="), "unknown field `if`"),
            (&WHOLE.replace("\"dispatch\"", "\"site-{{ entity\""), "groups"),
            (&WHOLE.replace("= 48", "= 0"), "expires_after_hours"),
            (&WHOLE.replace("event = \"shoutout\"", "event = \"scream\""), "unknown variant `scream`"),
            (&WHOLE.replace("event = \"shoutout\"", "link_text = \"Go\""), "without message.link"),
            (&format!("{WHOLE}\n{}", &WHOLE[WHOLE.find("[[").unwrap()..]), "two have this custom_id"),
        ];
        for (text, expected) in cases {
            let refused = refusal(text);
            assert!(refused.contains(expected), "{refused:?} should say {expected:?}");
        }
    }
}
