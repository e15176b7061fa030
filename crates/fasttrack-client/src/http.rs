//! [`Http`]: the one place that opens connections, with every limit a hostile server calls for.
//!
//! It never follows a redirect, never reads more than its limit, and never names an address in an error.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use http_guard::{BodyError, causes, is_loopback, read_body, tls_config};
use reqwest::header::ACCEPT;
use reqwest::{Method, Request, RequestBuilder, Response};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::error::Error;
use crate::reply::Reply;

/// Name and version, so that an operator can tell in a log who calls.
const USER_AGENT: &str = concat!("traybell/", env!("CARGO_PKG_VERSION"));

/// Connections kept open to one host.
const KEPT_CONNECTIONS: usize = 2;

/// How long and how much: the bounds of every call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until the connection is there.
    pub connect: Duration,
    /// Until the last byte of the answer is there, however often the request had to be sent.
    pub total: Duration,
    /// Bytes of an answer's body, unpacked.
    pub body: usize,
}

impl Default for Limits {
    /// 10 s, 30 s, 8 MiB.
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), total: Duration::from_secs(30), body: 8 * 1024 * 1024 }
    }
}

/// What carries a request to its server and brings the answer back, in place of a connection of [`Http`]'s own: a test
/// that plays the server without a socket, in a time of its own. The limits and all that is judged stay with [`Http`].
pub trait Carrier: Send + Sync {
    /// Answers once the head of the answer is there; not at all where the server does not.
    fn carry(&self, request: Request) -> Pin<Box<dyn Future<Output = Result<Response, reqwest::Error>> + Send + '_>>;
}

/// The HTTP client of this crate: rustls with the system's trust store, the system's proxies, bounded answers. Cheap to
/// clone; clones share their connections.
#[derive(Clone)]
pub struct Http {
    /// By the system's proxies.
    outward: reqwest::Client,
    /// For this computer itself: by no proxy, which would see the session in the clear.
    loopback: reqwest::Client,
    /// In place of either.
    carrier: Option<Arc<dyn Carrier>>,
    limits: Limits,
}

impl Http {
    /// A client with the default [`Limits`]. Reads the system's trust store, which takes some milliseconds.
    ///
    /// # Errors
    /// [`Error::Setup`] when the system's trust store cannot be used.
    pub fn new() -> Result<Self, Error> {
        Self::with_limits(Limits::default())
    }

    /// A client with limits of its own.
    ///
    /// # Errors
    /// [`Error::Setup`] when the system's trust store cannot be used.
    pub fn with_limits(limits: Limits) -> Result<Self, Error> {
        let tls = tls_config().map_err(|error| Error::Setup { message: error.to_string() })?;
        let builder = || {
            let builder = reqwest::Client::builder();
            // After a sleep a kept connection may be a dead one: it is given up as soon as one that cannot be made.
            #[cfg(target_os = "linux")]
            let builder = builder.tcp_user_timeout(limits.connect);
            builder
                .tls_backend_preconfigured(tls.clone())
                .user_agent(USER_AGENT)
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .connect_timeout(limits.connect)
                .timeout(limits.total)
                // The list is asked for about every ten minutes; a connection kept that long is a dead one.
                .pool_idle_timeout(Duration::from_mins(1))
                .pool_max_idle_per_host(KEPT_CONNECTIONS)
        };
        let outward = builder().build().map_err(|error| setup(&error))?;
        let loopback = builder().no_proxy().build().map_err(|error| setup(&error))?;
        Ok(Self { outward, loopback, carrier: None, limits })
    }

    /// The same client, whose requests are carried by `carrier`.
    #[must_use]
    pub fn carried_by(mut self, carrier: Arc<dyn Carrier>) -> Self {
        self.carrier = Some(carrier);
        self
    }

    /// A request to be completed and given to [`Http::send`].
    pub(crate) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        let client = if is_loopback(&url) { &self.loopback } else { &self.outward };
        client.request(method, url).header(ACCEPT, "application/json")
    }

    /// Sends a request and reads the whole answer, within the limits.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Reply, Error> {
        // One limit for the call, however often it has to be sent: reqwest's own begins anew with each try.
        let deadline = Instant::now() + self.limits.total;
        let response =
            timeout_at(deadline, self.answer(request)).await.map_err(|_| Error::Timeout)?.map_err(network)?;
        let status = response.status().as_u16();
        let (url, headers) = (response.url().clone(), response.headers().clone());
        let body = match timeout_at(deadline, self.body(response)).await.unwrap_or(Err(Error::Timeout)) {
            Ok(body) => body,
            // A denied or overloaded server's status and Retry-After count, whatever is wrong with the text below it.
            Err(_) if status >= 300 => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Reply::new(url, status, &headers, &body))
    }

    /// The head of the answer. Servers and proxies close connections that they had said to keep, and a request that is
    /// on its way to one then gets no answer at all: it is sent anew, up to [`KEPT_CONNECTIONS`] times, so that the last
    /// try is on a new connection even if each kept one was closed. A server that closes a new one unanswered is asked
    /// as often. No call of this API does more when it is sent twice.
    async fn answer(&self, request: RequestBuilder) -> Result<Response, reqwest::Error> {
        let mut request = request;
        for _ in 0..KEPT_CONNECTIONS {
            let Some(again) = request.try_clone() else { break };
            match self.once(request).await {
                Err(error) if is_unanswered(&error) => request = again,
                outcome => return outcome,
            }
        }
        self.once(request).await
    }

    async fn once(&self, request: RequestBuilder) -> Result<Response, reqwest::Error> {
        match &self.carrier {
            Some(carrier) => carrier.carry(request.build()?).await,
            None => request.send().await,
        }
    }

    async fn body(&self, response: Response) -> Result<Vec<u8>, Error> {
        read_body(response, self.limits.body).await.map_err(|error| match error {
            BodyError::TooLarge => Error::TooLarge { limit: self.limits.body },
            BodyError::Network(error) => network(error),
        })
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Whether the connection was there, and was closed or reset before the answer began.
fn is_unanswered(error: &reqwest::Error) -> bool {
    let mut causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    !error.is_connect()
        && causes.any(|cause| {
            cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message)
                || cause.downcast_ref::<io::Error>().is_some_and(|error| is_closed(error.kind()))
        })
}

/// How the system says that the other side has gone: by what was under way when it found out.
fn is_closed(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted)
}

fn setup(error: &reqwest::Error) -> Error {
    Error::Setup { message: causes(error) }
}

/// What went wrong below HTTP, without the address: it may hold a token.
fn network(error: reqwest::Error) -> Error {
    if error.is_timeout() {
        return Error::Timeout;
    }
    Error::Network { message: causes(&error.without_url()) }
}
