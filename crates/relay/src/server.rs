//! A running relay: its socket, its store and its channels, from start to shutdown. Everything that reaches a user's
//! desktop goes through [`Server::send`] or comes of a call-out: stored first, published then.

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{net::TcpListener, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    CallOutCounters, CallOuts, DatabaseAddress, Error, NewMessage, ServerOptions,
    api::{self, Limited, Shared},
    callouts::{Receiver, Worker},
    channels::{Channels, Hub, Limits, PusherApi, Signer},
    cleaner::clean,
    database_lock::DatabaseLock,
    listen::{BoundedListener, Peer},
    metrics,
    proxies::TrustedProxies,
    publisher::Publisher,
    read_marks::{ReadMarks, Teller},
    store::{Database, Store, User, Wanted},
    tls::Certificates,
};

/// How long a shutdown waits for clients on the channels, then for all that is under way, and then for what is to be published.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(2);
/// Those that tell the channels.
const LAST_TASKS: usize = 2;
/// Beyond the channel connections: room for their API calls.
const MAX_REQUEST_CONNECTIONS: usize = 200;

/// The relay, serving until [`Server::shutdown`] or until it is dropped. The database outlives it: another server
/// started on the same file goes on where this one ended.
pub struct Server {
    shared: Shared,
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    stop_listening: CancellationToken,
    stop_publishing: CancellationToken,
    /// Ended in this order; publishing is the last.
    tasks: Vec<Mutex<Option<JoinHandle<()>>>>,
    /// On the database's file, as long as it is served.
    lock: Mutex<Option<DatabaseLock>>,
}

impl Server {
    /// Opens the database, listens, and serves on the current tokio runtime. Once it returns, clients can connect.
    pub async fn start(options: ServerOptions) -> Result<Self, Error> {
        let listen_failed = |source| Error::Listen { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(listen_failed)?;
        let address = listener.local_addr().map_err(listen_failed)?;
        let own_url = own_url(address, options.public_url.as_ref(), options.tls.is_some())?;
        let certificates = options.tls.as_ref().map(Certificates::read).transpose()?;
        let tls = certificates.as_ref().map(Certificates::config).transpose()?;
        warn_of_plain_text(address, &own_url, tls.is_some());
        let lock = match &options.database {
            DatabaseAddress::File(path) => Some(DatabaseLock::take(path)?),
            DatabaseAddress::PostgreSql(_) => None,
        };
        let store = Store::open(&options.database).await?;
        let instance = store.call(|database| Ok(database.instance())).await?.into();
        // What was voided before concerns nobody here.
        let ended = store.call(Database::voided).await?.into_iter().map(|(id, _)| id).collect();
        let channels = channels(&options, &store).await?;
        let proxies = Arc::new(TrustedProxies::read(&options.trusted_proxies)?);
        let receiver = Arc::new(Receiver::new(&options, &proxies, store.clone())?);
        let (limits, metrics) = (Arc::new(Limited::new(&options)), Arc::default());
        let token_lifetime = options.token_lifetime;
        let (channels, stored) = (Arc::new(channels), Arc::default());
        let own_url = own_url.into();
        let (read_marks, teller) = ReadMarks::new();
        let stop_listening = CancellationToken::new();
        let stopping = stop_listening.clone();
        let shared = Shared {
            store,
            channels,
            stored,
            read_marks,
            own_url,
            token_lifetime,
            receiver,
            proxies,
            limits,
            metrics,
            instance,
            last_ready: Arc::default(),
            stopping,
        };

        // The last thing that may fail: from here on tasks run.
        let (metrics_address, scraped) = match options.metrics_listen {
            Some(listen) => {
                serve_metrics(listen, &shared, &stop_listening).await.map(|(at, task)| (Some(at), Some(task)))?
            }
            None => (None, None),
        };

        // A channel connection that is silent this long has been closed by its own rules before.
        let idle_limit = options.activity_timeout + options.pong_timeout + Duration::from_secs(30);
        let max_connections = options.max_connections.saturating_add(MAX_REQUEST_CONNECTIONS);
        let listener = BoundedListener::new(listener, max_connections, idle_limit, tls);
        let router = api::router(shared.clone(), &options.files).into_make_service_with_connect_info::<Peer>();
        let serve = axum::serve(listener, router).with_graceful_shutdown(stop_listening.clone().cancelled_owned());
        let serving = tokio::spawn(async move {
            // It ends when it is told to and has no other way to end.
            let _ = serve.await;
        });
        // What was being delivered when the relay stopped listening is published too.
        let stop_publishing = CancellationToken::new();
        let delivering = tokio::spawn(Worker::new(shared.clone(), stop_listening.clone()).run());
        let telling = tell_read_marks(teller, Arc::clone(&shared.channels), stop_publishing.clone());
        let publishing = tokio::spawn(Publisher::new(shared.clone(), stop_publishing.clone()).run());
        let kept_fresh = certificates.map(|certificates| tokio::spawn(certificates.keep_fresh(stop_listening.clone())));
        tracing::info!(%address, "serving");
        let voiding = tokio::spawn(end_voided(shared.clone(), ended, stop_listening.clone()));
        let cleaning = tokio::spawn(clean(shared.store.clone(), options.retention, stop_listening.clone()));
        let all = [
            Some(serving),
            scraped,
            kept_fresh,
            Some(voiding),
            Some(cleaning),
            Some(delivering),
            Some(telling),
            Some(publishing),
        ];
        let tasks = all.into_iter().flatten().map(|task| Mutex::new(Some(task))).collect();
        Ok(Self { shared, address, metrics_address, stop_listening, stop_publishing, tasks, lock: Mutex::new(lock) })
    }

    /// The address clients reach the relay under, without a slash at its end: the app's *environment*.
    pub fn url(&self) -> &str {
        &self.shared.own_url
    }

    /// The address it listens on, its port settled.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The public key of the embedded channel server.
    pub fn pusher_key(&self) -> &str {
        self.shared.channels.signer().key()
    }

    /// Adds a user; the same session id again is the same user. The session id is stored as a digest only.
    pub async fn add_user(&self, brand: &str, sid: &str, first_name: &str, last_name: &str) -> Result<User, Error> {
        let [brand, sid, first, last] = [brand, sid, first_name, last_name].map(str::to_owned);
        self.shared.store.call(move |database| database.add_user(&brand, &sid, &first, &last)).await
    }

    /// Gives the user the name and the groups that call-outs' recipients are given by; earlier ones are replaced. A name
    /// is one user's within a brand.
    pub async fn name_user(&self, user: &User, name: &str, groups: &[&str]) -> Result<(), Error> {
        let (id, name) = (user.id, name.to_owned());
        let groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
        self.shared.store.call(move |database| database.name_user(id, &name, &groups)).await
    }

    /// Where the metrics are served, the port settled; nothing when they are not.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// From now on these call-outs are taken and no others. Those that could not work are refused, and nothing changes.
    pub fn renew_callouts(&self, callouts: &[CallOuts]) -> Result<(), Error> {
        self.shared.receiver.renew(callouts)
    }

    /// What has become of the call-outs since this server's start.
    pub fn callout_counters(&self) -> CallOutCounters {
        self.shared.receiver.counters()
    }

    /// Gives the user a new session id; the old one and all tokens are void.
    pub async fn set_sid(&self, user: &User, sid: &str) -> Result<(), Error> {
        let (id, sid) = (user.id, sid.to_owned());
        self.shared.store.call(move |database| database.set_sid(id, &sid, Timestamp::now())).await
    }

    /// Voids the user's session id and tokens: the next call and the next log-in are refused.
    pub async fn expire_session(&self, user: &User) -> Result<(), Error> {
        let id = user.id;
        self.shared.store.call(move |database| database.expire_session(id)).await
    }

    /// Voids the user's tokens; the next log-in gets a new one.
    pub async fn expire_tokens(&self, user: &User) -> Result<(), Error> {
        let id = user.id;
        self.shared.store.call(move |database| database.expire_tokens(id)).await
    }

    /// Stores the message and answers its id; it is published on the user's channel at once, or as soon as the channel
    /// server can be reached.
    pub async fn send(&self, user: &User, message: NewMessage) -> Result<i64, Error> {
        message.check()?;
        let user_id = user.id;
        let stored =
            self.shared.store.call(move |database| database.add_message(user_id, message, Timestamp::now())).await?;
        self.shared.stored.notify_one();
        Ok(stored.id)
    }

    /// The ids of the user's unread messages that have not expired, newest first.
    pub async fn unread(&self, user: &User) -> Result<Vec<i64>, Error> {
        let user_id = user.id;
        let wanted = Wanted { unread_only: true, ..Wanted::default() };
        let ids = self.shared.store.call(move |database| {
            database.messages(user_id, wanted, usize::MAX, Timestamp::now(), |message| message.id)
        });
        ids.await
    }

    /// Whether there is no message of the user at all, read ones included.
    pub(crate) async fn is_empty(&self, user: &User) -> Result<bool, Error> {
        let user_id = user.id;
        self.shared.store.call(move |database| database.is_empty(user_id)).await
    }

    /// How many connections of the embedded channel server are subscribed to the user's channel.
    pub fn subscribers(&self, user: &User) -> usize {
        self.shared.channels.embedded().map_or(0, |hub| hub.subscribers(&user.channel()))
    }

    /// How many connections the embedded channel server has.
    pub fn connections(&self) -> usize {
        self.shared.channels.embedded().map_or(0, |hub| *hub.open().borrow())
    }

    /// Ends in good order: no new clients, channel connections closed with 4200 ("come back at once"), requests under
    /// way answered. Takes six seconds at most. Once it returns, the address is free again.
    pub async fn shutdown(&self) {
        self.stop_listening.cancel();
        if let Some(hub) = self.shared.channels.embedded() {
            hub.close(SHUTDOWN_LIMIT).await;
        }
        let mut deadline = Instant::now() + SHUTDOWN_LIMIT;
        for (place, task) in self.tasks.iter().enumerate() {
            // What was read until then is told, and what was stored is published.
            if place + LAST_TASKS == self.tasks.len() {
                self.stop_publishing.cancel();
                deadline = Instant::now() + SHUTDOWN_LIMIT;
            }
            let task = task.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(mut task) = task
                && tokio::time::timeout_at(deadline, &mut task).await.is_err()
            {
                task.abort();
                // The wait is for the listening socket to be closed; that it was cut off is what was asked for.
                let _ = task.await;
            }
        }
        self.unlock();
        tracing::info!(address = %self.address, "ended");
    }

    /// Ends as a crash would: connections break off without a close frame. Once it returns, the address is free again.
    pub async fn kill(&self) {
        self.end_at_once();
        for task in &self.tasks {
            let task = task.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(task) = task {
                task.abort();
                let _ = task.await;
            }
        }
        self.unlock();
    }

    fn unlock(&self) {
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn end_at_once(&self) {
        if let Some(hub) = self.shared.channels.embedded() {
            hub.kill();
        }
        self.stop_listening.cancel();
        self.stop_publishing.cancel();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end_at_once();
    }
}

fn tell_read_marks(teller: Teller, channels: Arc<Channels>, stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move { teller.run(&channels, stop).await })
}

/// The channel server elsewhere, or one in this process.
async fn channels(options: &ServerOptions, store: &Store) -> Result<Channels, Error> {
    if let Some(server) = &options.channels {
        return Ok(Channels::Server(Box::new(PusherApi::new(server)?)));
    }
    let keys = store.call(Database::app_keys).await?;
    let limits = Limits {
        activity_timeout: options.activity_timeout,
        pong_timeout: options.pong_timeout,
        max_connections: options.max_connections,
    };
    Ok(Channels::Embedded(Arc::new(Hub::new(Signer::new(keys.key, &keys.secret), limits))))
}

/// How often is looked whose sessions were voided, here or by another process.
const LOOK_FOR_VOIDED: Duration = Duration::from_secs(2);

/// Closes the channel connections of users whose session ids were replaced, or who were removed: whoever may still listen
/// signs in anew. At a channel server elsewhere they end by themselves only.
async fn end_voided(shared: Shared, mut ended: HashSet<i64>, stop: CancellationToken) {
    let Some(hub) = shared.channels.embedded() else { return };
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_FOR_VOIDED) => {}
        }
        match shared.store.call(Database::voided).await {
            Ok(voided) => {
                for (_, channel) in voided.iter().filter(|(id, _)| !ended.contains(id)) {
                    hub.end(channel);
                }
                ended = voided.into_iter().map(|(id, _)| id).collect();
            }
            Err(error) => tracing::error!(%error, "whose sessions were voided is not known"),
        }
    }
}

/// One scraper needs one; some more are for those who try it out.
const MAX_SCRAPERS: usize = 16;
const SCRAPER_IDLE: Duration = Duration::from_mins(2);

/// On an address of their own: clients have no business there.
async fn serve_metrics(
    listen: SocketAddr,
    shared: &Shared,
    stop: &CancellationToken,
) -> Result<(SocketAddr, JoinHandle<()>), Error> {
    let failed = |source| Error::Listen { address: listen, source };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let listener = BoundedListener::new(listener, MAX_SCRAPERS, SCRAPER_IDLE, None);
    let router = metrics::router(shared.clone()).into_make_service();
    let serve = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    let task = tokio::spawn(async move {
        // It ends when it is told to and has no other way to end.
        let _ = serve.await;
    });
    Ok((address, task))
}

/// Where a reverse proxy does the TLS, `public_url` says https.
fn warn_of_plain_text(address: SocketAddr, own_url: &str, tls: bool) {
    if !tls && !address.ip().is_loopback() && own_url.starts_with("http://") {
        tracing::warn!(
            %address,
            url = own_url,
            "clients send their session ids and messages unencrypted: set [tls], or a public_url with https that a \
             reverse proxy serves"
        );
    }
}

fn own_url(address: SocketAddr, public_url: Option<&Url>, tls: bool) -> Result<String, Error> {
    let Some(url) = public_url else {
        if address.ip().is_unspecified() {
            return Err(Error::PublicUrlMissing { address });
        }
        return Ok(format!("{}://{address}", if tls { "https" } else { "http" }));
    };
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !is_bare || url.password().is_some() {
        return Err(Error::PublicUrlUnusable);
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_sent_to_a_place_that_exists() {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 8080));
        assert_eq!(own_url(loopback, None, false).unwrap(), "http://127.0.0.1:8080");
        assert_eq!(own_url(loopback, None, true).unwrap(), "https://127.0.0.1:8080");
        let public = Url::parse("https://relay.example").unwrap();
        assert_eq!(own_url(([0, 0, 0, 0], 8080).into(), Some(&public), false).unwrap(), "https://relay.example");
        assert!(matches!(own_url(([0, 0, 0, 0], 8080).into(), None, false), Err(Error::PublicUrlMissing { .. })));
        for unusable in ["ftp://relay.example", "https://relay.example/path", "https://a:b@relay.example"] {
            let url = Url::parse(unusable).unwrap();
            assert!(matches!(own_url(loopback, Some(&url), false), Err(Error::PublicUrlUnusable)), "{unusable}");
        }
    }
}
