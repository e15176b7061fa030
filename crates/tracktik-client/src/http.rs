//! [`Http`]: the one place that opens connections, with every limit a hostile server calls for, and the patience a
//! rate limit asks for.
//!
//! It never follows a redirect, never reads more than its limit, never waits longer than it was told to, and never
//! names an address in an error.

use std::time::Duration;

use http_guard::{BodyError, causes, is_loopback, read_body, tls_config};
use reqwest::{RequestBuilder, Response};
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use crate::error::Error;
use crate::reply::Reply;

/// Name and version, so that an operator can tell in a log who calls.
const USER_AGENT: &str = concat!("traybell/", env!("CARGO_PKG_VERSION"));

/// How long, how much, how often: the bounds of every call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until the connection is there.
    pub connect: Duration,
    /// Until the last byte of one try's answer is there. TrackTik itself gives up after 30 s (TrackTik support: API).
    pub total: Duration,
    /// Bytes of an answer's body, unpacked.
    pub body: usize,
    /// How often a call is sent at most while the answer is 429.
    pub tries: u32,
    /// The longest wait before the next try; a server that asks for more gets no next try.
    pub wait: Duration,
}

impl Default for Limits {
    /// 10 s, 35 s, 8 MiB, 3 tries, 60 s: TrackTik counts calls by the minute (TrackTik support: API).
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: Duration::from_secs(35),
            body: 8 * 1024 * 1024,
            tries: 3,
            wait: Duration::from_mins(1),
        }
    }
}

impl Limits {
    /// How long to wait after a 429 to the `tried`th try; none: give up.
    fn pause(&self, tried: u32, asked: Option<Duration>) -> Option<Duration> {
        // Without advice: 5, 10, 20 s …
        let own = || Duration::from_secs(5).saturating_mul(1 << tried.saturating_sub(1).min(8)).min(self.wait);
        let pause = asked.unwrap_or_else(own);
        (tried < self.tries && pause <= self.wait).then_some(pause)
    }
}

/// The HTTP client: rustls with the system's trust store, the system's proxies, bounded answers.
pub(crate) struct Http {
    pub(crate) client: reqwest::Client,
    limits: Limits,
}

impl Http {
    /// A client for `base`; this computer itself is reached by no proxy.
    pub(crate) fn new(base: &Url, limits: Limits) -> Result<Self, Error> {
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls_config().map_err(|error| Error::Setup { message: error.to_string() })?)
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            // Whether a call may be sent twice is decided here alone: a subscription must not be made twice.
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(limits.connect)
            .timeout(limits.total)
            .pool_idle_timeout(Duration::from_secs(20));
        let builder = if is_loopback(base) { builder.no_proxy() } else { builder };
        let client = builder.build().map_err(|error| Error::Setup { message: causes(&error) })?;
        Ok(Self { client, limits })
    }

    /// Sends a request, again after a wait where the answer is 429, and reads the whole answer.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Reply, Error> {
        let mut tried = 1;
        loop {
            let this = request.try_clone().ok_or_else(|| Error::input("a body that cannot be sent twice"))?;
            let reply = self.once(this).await?;
            if reply.status != 429 {
                return Ok(reply);
            }
            let Some(pause) = self.limits.pause(tried, reply.retry_after) else { return Ok(reply) };
            tracing::info!(seconds = pause.as_secs(), tried, "TrackTik asks for fewer calls; waiting");
            sleep(pause).await;
            tried += 1;
        }
    }

    async fn once(&self, request: RequestBuilder) -> Result<Reply, Error> {
        let deadline = Instant::now() + self.limits.total;
        let response = timeout_at(deadline, request.send()).await.map_err(|_| too_late())?.map_err(unreachable)?;
        let status = response.status().as_u16();
        let (url, headers) = (response.url().clone(), response.headers().clone());
        let body = match timeout_at(deadline, self.body(response)).await.unwrap_or_else(|_| Err(too_late())) {
            Ok(body) => body,
            // A denied or overloaded server's status counts, whatever is wrong with the text below it.
            Err(_) if status >= 300 => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Reply::new(&url, status, &headers, &body))
    }

    async fn body(&self, response: Response) -> Result<Vec<u8>, Error> {
        read_body(response, self.limits.body).await.map_err(|error| match error {
            BodyError::TooLarge => Error::TooLarge { limit: self.limits.body },
            BodyError::Network(error) => unreachable(error),
        })
    }
}

fn too_late() -> Error {
    Error::Unreachable { message: "no answer in time".to_owned() }
}

/// What went wrong below HTTP, without the address.
fn unreachable(error: reqwest::Error) -> Error {
    if error.is_timeout() {
        return too_late();
    }
    Error::Unreachable { message: causes(&error.without_url()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_bounded_in_length_and_number() {
        let limits = Limits::default();
        let seconds = |asked: Option<u64>, tried| limits.pause(tried, asked.map(Duration::from_secs));
        assert_eq!(seconds(Some(7), 1), Some(Duration::from_secs(7)));
        assert_eq!(seconds(Some(60), 2), Some(Duration::from_mins(1)));
        assert_eq!(seconds(Some(61), 1), None, "more than a minute is for the caller to wait");
        assert_eq!(seconds(Some(0), 3), None, "three tries are enough");
        assert_eq!(seconds(None, 1), Some(Duration::from_secs(5)));
        assert_eq!(seconds(None, 2), Some(Duration::from_secs(10)));
    }
}
