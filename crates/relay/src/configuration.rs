//! `relay.toml`: what an operator writes down for a relay. It is read once, at the start, and refused as a whole when
//! any of it makes no sense, with the place and what is expected. It never holds a secret: those are in a file of
//! their own ([`crate::CallOutSecrets`]), so that this one can be kept under version control.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use url::Url;

use crate::{CallOutSecrets, CallOuts, Error, Kind, MessageTemplate, Recipients, ServerOptions, Signature};

/// The size beyond which a file is none of ours.
const MAX_BYTES: u64 = 1024 * 1024;
const MAX_HOURS: u32 = 24 * 366;

/// A `relay.toml` that has been read.
#[derive(Debug, Clone)]
pub struct Configuration {
    listen: SocketAddr,
    public_url: Option<Url>,
    database: PathBuf,
    secrets: PathBuf,
    callout_window: Duration,
    callouts_per_minute: u32,
    callouts: Vec<WrittenCallOuts>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    listen: SocketAddr,
    public_url: Option<Url>,
    #[serde(default = "default_database")]
    database: PathBuf,
    #[serde(default = "default_secrets")]
    secrets: PathBuf,
    callout_window_seconds: Option<u32>,
    callouts_per_minute: Option<u32>,
    #[serde(default)]
    callouts: Vec<WrittenCallOuts>,
}

fn default_database() -> PathBuf {
    "relay.sqlite".into()
}

fn default_secrets() -> PathBuf {
    "relay-secrets.json".into()
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCallOuts {
    custom_id: String,
    entity: String,
    #[serde(default = "default_header")]
    header: String,
    #[serde(default)]
    signature: WrittenSignature,
    message: WrittenMessage,
    recipients: WrittenRecipients,
}

/// `TrackTik: Events Subscriptions`, where a subscription names no other.
fn default_header() -> String {
    "TrackTik-Subscription-Secret".into()
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WrittenSignature {
    #[default]
    HmacSha512,
    PlainSecret,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMessage {
    title: String,
    preview: Option<String>,
    body: Option<String>,
    link: Option<String>,
    link_text: Option<String>,
    #[serde(default)]
    event: WrittenKind,
    #[serde(default)]
    silent: bool,
    expires_after_hours: Option<u32>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenKind {
    #[default]
    Message,
    Shoutout,
    Inbox,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRecipients {
    #[serde(default)]
    users: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
    when: Option<String>,
}

impl Configuration {
    /// Reads the file. Paths in it are relative to its own folder, so that the relay can be started from anywhere.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
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
        let written: Written = toml::from_str(text).map_err(|error| Error::Input(error.to_string()))?;
        let Written { listen, public_url, database, secrets, callout_window_seconds, callouts_per_minute, callouts } =
            written;
        let usual = ServerOptions::default();
        let read = Self {
            listen,
            public_url,
            database: folder.join(database),
            secrets: folder.join(secrets),
            callout_window: callout_window_seconds
                .map_or(usual.callout_window, |seconds| Duration::from_secs(seconds.into())),
            callouts_per_minute: callouts_per_minute.unwrap_or(usual.callouts_per_minute),
            callouts,
        };
        read.check()?;
        Ok(read)
    }

    fn check(&self) -> Result<(), Error> {
        for (place, callouts) in self.callouts.iter().enumerate() {
            let WrittenCallOuts { custom_id, entity, recipients, message, .. } = callouts;
            check_custom_id(custom_id)?;
            let refuse = |text: &str| Err(Error::Input(format!("callouts {custom_id:?}: {text}")));
            if self.callouts[..place].iter().any(|other| other.custom_id == *custom_id) {
                return refuse("two have this custom_id; it is the name of one");
            }
            // Every entity is created once.
            if let Err(error) = tracktik_client::Event::new(entity, "created") {
                return refuse(&error.to_string());
            }
            if recipients.users.is_empty() && recipients.groups.is_empty() {
                return refuse("nobody would get its messages; name at least one of recipients.users and .groups");
            }
            if message.expires_after_hours.is_some_and(|hours| !(1..=MAX_HOURS).contains(&hours)) {
                return refuse("expires_after_hours is a number from 1 to 8784");
            }
            if message.link_text.is_some() && message.link.is_none() {
                return refuse("message.link_text stands on the link's button; without message.link there is none");
            }
        }
        Ok(())
    }

    /// The relay's database file.
    pub fn database(&self) -> &Path {
        &self.database
    }

    /// The file of the call-outs' keys and secrets.
    pub fn secrets(&self) -> &Path {
        &self.secrets
    }

    /// The custom ids of the subscriptions whose call-outs are taken, in the file's order.
    pub fn custom_ids(&self) -> impl Iterator<Item = &str> {
        self.callouts.iter().map(|callouts| callouts.custom_id.as_str())
    }

    /// The header that the subscription's call-outs are signed in, or nothing when the file has no such subscription.
    pub fn header(&self, custom_id: &str) -> Option<&str> {
        self.callouts.iter().find(|it| it.custom_id == custom_id).map(|it| it.header.as_str())
    }

    /// The address clients and TrackTik reach the relay under, without a slash at its end.
    pub fn own_url(&self) -> String {
        self.public_url
            .as_ref()
            .map_or_else(|| format!("http://{}", self.listen), |url| url.as_str().trim_end_matches('/').to_owned())
    }

    /// What a server is started with. A subscription without a key or secret is refused: `callouts new-secret` makes
    /// both.
    pub fn server_options(&self, secrets: &CallOutSecrets) -> Result<ServerOptions, Error> {
        let callouts = self.callouts.iter().map(|written| written.with_secrets(secrets)).collect::<Result<_, _>>()?;
        Ok(ServerOptions {
            listen: self.listen,
            public_url: self.public_url.clone(),
            database: self.database.clone(),
            callouts,
            callout_window: self.callout_window,
            callouts_per_minute: self.callouts_per_minute,
            ..ServerOptions::default()
        })
    }
}

impl WrittenCallOuts {
    fn with_secrets(&self, secrets: &CallOutSecrets) -> Result<CallOuts, Error> {
        let Self { custom_id, entity, header, signature, message, recipients } = self.clone();
        let Some((key, secrets)) = secrets.of(&custom_id) else {
            return Err(Error::Input(format!(
                "callouts {custom_id:?} has no key and secret yet; \
                 `traybell-relay callouts new-secret {custom_id}` makes them"
            )));
        };
        let WrittenMessage { title, preview, body, link, link_text, event, silent, expires_after_hours } = message;
        let callouts = CallOuts {
            custom_id,
            key,
            header,
            secrets,
            signature: match signature {
                WrittenSignature::HmacSha512 => Signature::HmacSha512,
                WrittenSignature::PlainSecret => Signature::PlainSecret,
            },
            entity,
            message: MessageTemplate {
                title,
                preview,
                body,
                link,
                link_text,
                kind: match event {
                    WrittenKind::Message => Kind::Message,
                    WrittenKind::Shoutout => Kind::Shoutout,
                    WrittenKind::Inbox => Kind::Inbox,
                },
                silent,
                expires_after: expires_after_hours.map(|hours| Duration::from_hours(hours.into())),
            },
            recipients: Recipients { users: recipients.users, groups: recipients.groups, when: recipients.when },
        };
        callouts.check()?;
        Ok(callouts)
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
mod tests {
    use super::*;

    const WHOLE: &str = r#"
        listen = "127.0.0.1:8080"
        callout_window_seconds = 0
        public_url = "https://relay.example.com"

        [[callouts]]
        custom_id = "new-employees"
        entity = "employees"

        [callouts.message]
        title = "New: {{ entity.firstName }}"
        event = "shoutout"
        expires_after_hours = 48

        [callouts.recipients]
        groups = ["dispatch"]
        when = "entity.region.id == 3"
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
        assert_eq!(options.database, Path::new("/etc/traybell").join("relay.sqlite"));
        assert_eq!((options.callout_window, options.callouts_per_minute), (Duration::ZERO, 600));
        let callouts = &options.callouts[0];
        assert_eq!(callouts.header, "TrackTik-Subscription-Secret");
        assert_eq!((callouts.message.kind, callouts.secrets.len()), (Kind::Shoutout, 1));
        assert_eq!(callouts.message.expires_after, Some(Duration::from_hours(48)));
    }

    #[test]
    fn a_subscription_without_a_secret_is_refused_with_the_command_that_makes_one() {
        let refused = read(WHOLE).unwrap().server_options(&CallOutSecrets::default()).unwrap_err().to_string();
        assert!(refused.contains("traybell-relay callouts new-secret new-employees"), "{refused}");
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_is_expected() {
        let cases = [
            ("listen = 5", "listen"),
            ("listen = \"127.0.0.1:1\"\nlisten_on = 5", "unknown field `listen_on`"),
            (&WHOLE.replace("new-employees", "new employees"), "no custom_id"),
            (&WHOLE.replace("\"employees\"", "\"employes\""), "employees"),
            (&WHOLE.replace("\"dispatch\"", ""), "nobody would get its messages"),
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
