//! A relay to try the app with: one brand, one user, older messages and new ones every few seconds. On loopback only,
//! because its session id is no secret: it is printed, and kept as it is in the demo's folder.

mod script;
mod state;

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tempfile::TempDir;
use tokio::time::MissedTickBehavior;

use crate::{Error, ServedFile, Server, ServerOptions, User};
use state::State;

/// The demo's brand.
pub const BRAND: &str = "demo";

/// Drawn for this project; `picture.svg` beside it is the source
/// (`rsvg-convert -w 640 -h 320 picture.svg -o picture.png`).
const PICTURE: ServedFile =
    ServedFile { path: script::PICTURE_PATH, content_type: "image/png", bytes: include_bytes!("picture.png") };

/// How the demo is run.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// The port on loopback; when not given, the one used before with the same folder if it is free, else any.
    pub port: Option<u16>,
    /// The time between two new messages; at least a millisecond.
    pub every: Duration,
    /// Send this many new messages, then go on serving; for ever when not given.
    pub count: Option<u64>,
    /// Keeps messages and session id here; a temporary folder when not given.
    pub data: Option<PathBuf>,
}

impl Default for DemoOptions {
    fn default() -> Self {
        Self { port: None, every: Duration::from_secs(5), count: None, data: None }
    }
}

/// A running demo. Clients can sign in once it was started; new messages come while [`Demo::run`] is polled.
pub struct Demo {
    server: Server,
    user: User,
    sid: SecretString,
    every: Duration,
    count: Option<u64>,
    /// Removed with the demo, after the server is gone.
    _temporary: Option<TempDir>,
}

impl Demo {
    /// Starts the server, adds the user, and writes the older messages unless they are there from an earlier run.
    pub async fn start(options: DemoOptions) -> Result<Self, Error> {
        let temporary = match options.data {
            Some(_) => None,
            None => Some(temporary_folder()?),
        };
        let folder = match (&options.data, &temporary) {
            (Some(folder), _) => folder.as_path(),
            (None, Some(temporary)) => temporary.path(),
            (None, None) => unreachable!("one of the two is set just above"),
        };
        let mut state = State::read_or_new(folder)?;
        let server = listen(folder, options.port, state.port).await?;
        state.port = Some(server.address().port());
        state.write(folder)?;

        let user = server.add_user(BRAND, state.sid.expose_secret(), "Maya", "Lindqvist").await?;
        if server.is_empty(&user).await? {
            for message in script::backlog(Timestamp::now()) {
                server.send(&user, message).await?;
            }
        }
        let every = options.every.max(Duration::from_millis(1));
        Ok(Self { server, user, sid: state.sid, every, count: options.count, _temporary: temporary })
    }

    /// The server behind it.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The ready-made user.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// What the user signs in with.
    pub fn sid(&self) -> &SecretString {
        &self.sid
    }

    /// All a program needs to sign in, as one line of JSON: `url`, `brand`, `sid`, `pusher_key`.
    pub fn ready_line(&self) -> String {
        let [url, key] = [self.server.url(), self.server.pusher_key()];
        json!({ "url": url, "brand": BRAND, "sid": self.sid.expose_secret(), "pusher_key": key }).to_string()
    }

    /// Sends the new messages, the first after one interval; never returns unless sending fails.
    pub async fn run(&self) -> Result<(), Error> {
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + self.every, self.every);
        // After a machine's sleep one message is due, not a night's worth.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for number in 0..self.count.unwrap_or(u64::MAX) {
            ticks.tick().await;
            self.server.send(&self.user, script::next(number, Timestamp::now())).await?;
        }
        std::future::pending().await
    }

    /// Ends in good order.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}

impl fmt::Debug for Demo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Demo")
            .field("url", &self.server.url())
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A port that was asked for is taken or refused; one that is only remembered may give way to any other.
async fn listen(folder: &Path, wanted: Option<u16>, remembered: Option<u16>) -> Result<Server, Error> {
    let options = |port| ServerOptions {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        database: folder.join("relay.sqlite").into(),
        files: vec![PICTURE],
        ..ServerOptions::default()
    };
    match (wanted, remembered) {
        (Some(port), _) => Server::start(options(port)).await,
        (None, Some(port)) => match Server::start(options(port)).await {
            Err(Error::Listen { .. }) => Server::start(options(0)).await,
            started => started,
        },
        (None, None) => Server::start(options(0)).await,
    }
}

fn temporary_folder() -> Result<TempDir, Error> {
    let made = tempfile::Builder::new().prefix("traybell-relay-demo-").tempdir();
    made.map_err(|source| Error::File { path: std::env::temp_dir(), source })
}
