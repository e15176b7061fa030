//! How a server is set up. Nothing is read from the environment here: programs and tests decide.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use secrecy::SecretString;
use url::Url;

use crate::{CallOuts, DatabaseAddress, TlsFiles};

/// Settings of a [`crate::Server`]; start from `ServerOptions { listen, database, ..Default::default() }`.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// The address to listen on; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Where the database is.
    pub database: DatabaseAddress,
    /// The channel server elsewhere; the embedded one when there is none.
    pub channels: Option<ChannelServer>,
    /// The address clients reach the relay under, when that is not the one it listens on (a reverse proxy with TLS).
    pub public_url: Option<Url>,
    /// Silence after which each side of a channel connection asks whether the other lives; whole seconds on the wire.
    pub activity_timeout: Duration,
    /// How long such a question may stay unanswered.
    pub pong_timeout: Duration,
    /// How long the token of a log-in is good for.
    pub token_lifetime: Duration,
    /// Channel connections beyond this number are told to come back later.
    pub max_connections: usize,
    /// Files served as they are under the relay's own address.
    pub files: Vec<ServedFile>,
    /// The subscriptions whose call-outs are taken.
    pub callouts: Vec<CallOuts>,
    /// A call-out with the same body as one of the same subscription within this time before is dropped; 0 drops none.
    pub callout_window: Duration,
    /// How long a call-out's body may take to arrive.
    pub callout_time_limit: Duration,
    /// TLS by the relay itself; without, a reverse proxy does it.
    pub tls: Option<TlsFiles>,
    /// Where the metrics are served, in plain text for whoever asks: an address of this machine. Nowhere by default.
    pub metrics_listen: Option<SocketAddr>,
    /// What is deleted after how long.
    pub retention: Retention,
    /// Reverse proxies, by address or network, that are believed when they say whom they speak for.
    pub trusted_proxies: Vec<String>,
    /// Refused log-ins of one address in a minute, after which it has to wait; 0 is no limit.
    pub refused_log_ins_per_minute: u32,
    /// Messages that one token may send in a minute; 0 is no limit.
    pub messages_per_minute: u32,
    /// Call-outs one address may make in a minute; 0 is no limit.
    pub callouts_per_minute: u32,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            database: PathBuf::from("relay.sqlite").into(),
            channels: None,
            public_url: None,
            activity_timeout: Duration::from_mins(2),
            pong_timeout: Duration::from_secs(30),
            token_lifetime: Duration::from_hours(12),
            max_connections: 1000,
            files: Vec::new(),
            callouts: Vec::new(),
            callout_window: Duration::from_secs(5),
            callout_time_limit: Duration::from_secs(10),
            tls: None,
            metrics_listen: None,
            retention: Retention::default(),
            trusted_proxies: Vec::new(),
            refused_log_ins_per_minute: 30,
            messages_per_minute: 600,
            callouts_per_minute: 6000,
        }
    }
}

/// After how many days what is deleted. Messages that are unread are kept until they expire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Events that were delivered as they should be.
    pub events: u32,
    /// Events that failed or are flagged.
    pub failed_events: u32,
    /// Messages, counted from when they were read; none: they are kept.
    pub read_messages: Option<u32>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { events: 30, failed_events: 90, read_messages: None }
    }
}

/// Pusher Channels, or a server that speaks as it does, and this relay's application there.
#[derive(Debug, Clone)]
pub struct ChannelServer {
    /// The application's id.
    pub app_id: String,
    /// The application's key, which is public.
    pub key: String,
    /// The application's secret.
    pub secret: SecretString,
    /// Where it is.
    pub place: ChannelServerPlace,
}

/// Where a channel server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelServerPlace {
    /// A cluster of Pusher's own, such as `eu`.
    Cluster(String),
    /// A server of one's own.
    Address {
        /// Where the relay calls it.
        api: Url,
        /// Where desktops connect to it.
        desktops: Url,
    },
}

/// One file that is part of the program, such as the demo's picture.
#[derive(Debug, Clone, Copy)]
pub struct ServedFile {
    /// Where it is served, beginning with `/`.
    pub path: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// What is in it.
    pub bytes: &'static [u8],
}
