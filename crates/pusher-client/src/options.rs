//! Where to connect and how patient to be. It must never hold a secret: the key of a Pusher app is public.

use std::{fmt, sync::Arc, time::Duration, time::SystemTime};

use rustls::{ClientConfig, pki_types::CertificateDer};
use url::{Host, Url};

use crate::{Backoff, Proxy, tls::Trust};

const DAY: Duration = Duration::from_hours(24);

/// Everything a [`crate::Client`] needs to know to connect. Times of more than a day are cut to that.
#[derive(Clone)]
pub struct Options {
    key: String,
    host: String,
    port: u16,
    tls: bool,
    tls_port: Option<u16>,
    path: String,
    pub(crate) trust: Trust,
    pub(crate) proxy: Proxy,
    client_name: String,
    pub(crate) activity_timeout: Duration,
    pub(crate) pong_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) authorize_timeout: Duration,
    pub(crate) subscribe_timeout: Duration,
    pub(crate) unavailable_timeout: Duration,
    pub(crate) sleep_check: Duration,
    pub(crate) authorizations_at_once: usize,
    pub(crate) backoff: Backoff,
    pub(crate) authorize_backoff: Backoff,
    pub(crate) max_frame: usize,
    pub(crate) buffer: usize,
    jitter: Arc<dyn Fn() -> f64 + Send + Sync>,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl Options {
    /// Pusher Channels itself: `wss://ws-{cluster}.pusher.com`.
    pub fn cluster(key: impl Into<String>, cluster: &str) -> Self {
        Self::host(key, format!("ws-{cluster}.pusher.com"), 443, true)
    }

    /// A server that speaks the same protocol. `host` is a name or an address, without scheme or port.
    pub fn host(key: impl Into<String>, host: impl Into<String>, port: u16, tls: bool) -> Self {
        Self {
            key: key.into(),
            host: host.into(),
            port,
            tls,
            tls_port: None,
            path: String::new(),
            trust: Trust::platform(),
            proxy: Proxy::system(),
            client_name: "pusher-client-rust".into(),
            activity_timeout: Duration::from_mins(2),
            pong_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            authorize_timeout: Duration::from_secs(30),
            subscribe_timeout: Duration::from_secs(15),
            unavailable_timeout: Duration::from_secs(10),
            sleep_check: Duration::from_secs(2),
            authorizations_at_once: 4,
            backoff: Backoff::default(),
            authorize_backoff: Backoff::new(
                Duration::from_millis(500),
                Duration::from_secs(2),
                3,
                Duration::from_mins(1),
            ),
            max_frame: 1 << 20,
            buffer: 256,
            jitter: Arc::new(rand::random::<f64>),
            clock: Arc::new(SystemTime::now),
        }
    }

    /// What stands before `/app/{key}`, for servers behind a path. Default: nothing.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Where the server speaks TLS, for when it says that it wants nothing else (4000). Default: nowhere known, and such
    /// a server is a failure.
    #[must_use]
    pub fn tls_port(mut self, port: u16) -> Self {
        self.tls_port = Some(port);
        self
    }

    /// Certificate authorities to trust beside those of the operating system: a company's own, in DER. It takes the
    /// place of an earlier [`Options::tls_config`].
    #[must_use]
    pub fn trust_also(mut self, roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        self.trust = self.trust.and(roots);
        self
    }

    /// The proxy to go through. Default: [`Proxy::system`].
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = proxy;
        self
    }

    /// All there is to say about TLS. Default: who the operating system trusts, and [`Options::trust_also`].
    #[must_use]
    pub fn tls_config(mut self, config: Arc<ClientConfig>) -> Self {
        self.trust = Trust::given(config);
        self
    }

    /// The silence after which the server is pinged, when it does not wish for a shorter one: 10 ms to 120 s. Default:
    /// 120 s.
    #[must_use]
    pub fn activity_timeout(mut self, timeout: Duration) -> Self {
        self.activity_timeout = timeout.clamp(Duration::from_millis(10), Duration::from_mins(2));
        self
    }

    /// How long a ping may go unanswered before the connection counts as dead. Default: 30 s.
    #[must_use]
    pub fn pong_timeout(mut self, timeout: Duration) -> Self {
        self.pong_timeout = timeout.min(DAY);
        self
    }

    /// How long an attempt may take, from the name look-up to the server's greeting. Default: 10 s.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout.min(DAY);
        self
    }

    /// How long one authorization may take before it counts as failed for now. Default: 30 s.
    #[must_use]
    pub fn authorize_timeout(mut self, timeout: Duration) -> Self {
        self.authorize_timeout = timeout.min(DAY);
        self
    }

    /// How long the server may take to accept a subscription before it is asked again. Default: 15 s.
    #[must_use]
    pub fn subscribe_timeout(mut self, timeout: Duration) -> Self {
        self.subscribe_timeout = timeout.min(DAY);
        self
    }

    /// How long there may be no connection before the state is `Unavailable`. Default: 10 s.
    #[must_use]
    pub fn unavailable_timeout(mut self, timeout: Duration) -> Self {
        self.unavailable_timeout = timeout.min(DAY);
        self
    }

    /// How often the wall clock is looked at: when it has gone on by more than twice this, the machine was asleep. At
    /// least 10 ms. Default: 2 s.
    #[must_use]
    pub fn sleep_check(mut self, every: Duration) -> Self {
        self.sleep_check = every.clamp(Duration::from_millis(10), DAY);
        self
    }

    /// How many authorizations may be under way at once, at least one. Default: 4.
    #[must_use]
    pub fn authorizations_at_once(mut self, most: usize) -> Self {
        self.authorizations_at_once = most.max(1);
        self
    }

    /// The waits between attempts to connect.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// The waits between attempts to authorize or subscribe one channel. Default: 0.5 s to 60 s.
    #[must_use]
    pub fn authorize_backoff(mut self, backoff: Backoff) -> Self {
        self.authorize_backoff = backoff;
        self
    }

    /// The largest message that is read, in bytes. A larger one ends the connection. Default: 1 MiB.
    #[must_use]
    pub fn max_frame(mut self, bytes: usize) -> Self {
        self.max_frame = bytes;
        self
    }

    /// How many events wait for a slow reader before the oldest are dropped, at least one. Default: 256.
    #[must_use]
    pub fn buffer(mut self, events: usize) -> Self {
        self.buffer = events.max(1);
        self
    }

    /// The name given to the server.
    #[must_use]
    pub fn client_name(mut self, name: impl Into<String>) -> Self {
        self.client_name = name.into();
        self
    }

    /// The source of random numbers in 0..=1. Default: the thread's generator.
    #[must_use]
    pub fn jitter(mut self, source: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.jitter = Arc::new(source);
        self
    }

    /// The wall clock that gaps are dated by. Default: the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    pub(crate) fn random(&self) -> f64 {
        let random = (self.jitter)();
        // What is no number waits the longest.
        if random.is_nan() { 1.0 } else { random.clamp(0.0, 1.0) }
    }

    pub(crate) fn now(&self) -> SystemTime {
        (self.clock)()
    }

    /// The same server over TLS, when this is not and the way is known.
    pub(crate) fn over_tls(&self) -> Option<Self> {
        let port = self.tls_port.filter(|_| !self.tls)?;
        Some(Self { port, tls: true, ..self.clone() })
    }

    /// Where to connect, or what is wrong with it.
    pub(crate) fn address(&self) -> Result<Address, String> {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        let name = if bare.contains(':') { format!("[{bare}]") } else { bare.to_owned() };
        let host = Host::parse(&name).map_err(|error| format!("{name:?} is no host: {error}"))?;
        if self.key.is_empty() {
            return Err("the app key is empty".into());
        }
        let scheme = if self.tls { "wss" } else { "ws" };
        let broken = |error| format!("{host}:{} is no address: {error}", self.port);
        let mut url = Url::parse(&format!("{scheme}://{host}:{}", self.port)).map_err(broken)?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().extend(self.path.split('/').filter(|part| !part.is_empty())).extend(["app", &self.key]);
        }
        url.query_pairs_mut()
            .append_pair("protocol", "7")
            .append_pair("client", &self.client_name)
            .append_pair("version", env!("CARGO_PKG_VERSION"));
        Ok(Address { host, port: self.port, tls: self.tls, url: url.into() })
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Where to connect, checked.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) host: Host,
    pub(crate) port: u16,
    pub(crate) tls: bool,
    pub(crate) url: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(options: &Options) -> String {
        options.clone().client_name("a b").address().unwrap().url
    }

    #[test]
    fn an_address_is_what_the_protocol_wants() {
        let query = format!("protocol=7&client=a+b&version={}", env!("CARGO_PKG_VERSION"));
        let table = [
            (Options::cluster("key", "eu"), "wss://ws-eu.pusher.com/app/key?"),
            (Options::host("k/y", "localhost", 6001, false), "ws://localhost:6001/app/k%2Fy?"),
            (Options::host("key", "::1", 6001, false), "ws://[::1]:6001/app/key?"),
            (Options::host("key", "127.0.0.1", 443, true).path("/a/b/"), "wss://127.0.0.1/a/b/app/key?"),
        ];
        for (options, start) in table {
            assert_eq!(url(&options), format!("{start}{query}"));
        }
    }

    #[test]
    fn what_is_no_host_is_said_to_be_none() {
        for host in ["", "a b", "user@host", "host/path", "host:1", "ho#st"] {
            assert!(Options::host("key", host, 1, false).address().is_err(), "{host:?}");
        }
        assert!(Options::host("", "host", 1, false).address().is_err());
    }

    #[test]
    fn an_activity_timeout_is_two_minutes_at_most() {
        let options = Options::host("key", "host", 1, false).activity_timeout(Duration::from_mins(15));
        assert_eq!(options.activity_timeout, Duration::from_mins(2));
    }

    #[test]
    fn no_number_of_the_callers_can_break_a_clock() {
        let options = Options::host("key", "host", 1, false)
            .pong_timeout(Duration::MAX)
            .connect_timeout(Duration::MAX)
            .authorize_timeout(Duration::MAX)
            .subscribe_timeout(Duration::MAX)
            .unavailable_timeout(Duration::MAX)
            .sleep_check(Duration::MAX)
            .jitter(|| f64::NAN);
        assert_eq!([options.pong_timeout, options.subscribe_timeout, options.sleep_check], [DAY; 3]);
        assert!((options.random() - 1.0).abs() < f64::EPSILON);
    }
}
