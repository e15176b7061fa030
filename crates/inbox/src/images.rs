//! Pictures of messages: fetched by the core, never by the page, within limits of size, type, redirects and addresses.
//!
//! An address in a message comes from the network: it must never reach what only this computer can reach, and no request
//! for a picture ever carries anything of the session.

mod kept;
mod kind;
mod reach;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::{Client, Response, StatusCode, header, redirect::Policy};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::sync::Semaphore;
use url::Url;

use crate::{Code, Problem};
use kept::Kept;
use reach::{GuardedNames, Reach};

/// Larger pictures are refused, in bytes.
const MAX_BYTES: usize = 5 * 1024 * 1024;
/// Longer than this nobody looks at an empty frame, redirects and all.
const LIMIT: Duration = Duration::from_secs(15);
/// A server that does not even answer the knock.
const CONNECT_LIMIT: Duration = Duration::from_secs(8);
/// More hops than this lead nowhere.
const MAX_REDIRECTS: usize = 3;
/// Fetched at the same time.
const AT_A_TIME: usize = 4;

/// A picture that may be shown.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The file as fetched.
    pub bytes: Vec<u8>,
    /// `image/png`, `image/jpeg`, `image/gif` or `image/webp`, from the bytes themselves.
    pub content_type: &'static str,
}

/// Fetches pictures for one account. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pictures {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    reach: Reach,
    names: Arc<GuardedNames>,
    /// By the system's proxies.
    outward: Client,
    /// For this computer itself: by no proxy.
    loopback: Client,
    turn: Semaphore,
    kept: Mutex<Kept>,
}

impl Pictures {
    /// Pictures for an account on `server`, the custom server's address or `None` for the vendor's own. Only a server on
    /// loopback leads to loopback, and a server on a private address to itself alone. Plain `http` is for loopback, and
    /// for the server itself where the person confirmed an insecure one.
    pub fn new(server: Option<&Url>, insecure_confirmed: bool) -> Result<Self, Problem> {
        let setup = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "pictures cannot be fetched");
            Problem::new(Code::Internal, "Pictures cannot be fetched on this computer.", "")
        };
        let reach = Reach::new(server, insecure_confirmed);
        let names = Arc::new(GuardedNames::new(reach.clone()));
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .map_err(|error| setup(&error))?
            .with_no_client_auth();
        let builder = || {
            Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .user_agent(concat!("traybell/", env!("CARGO_PKG_VERSION")))
                .referer(false)
                // Each hop is judged here before it is asked.
                .redirect(Policy::none())
                .connect_timeout(CONNECT_LIMIT)
                .timeout(LIMIT)
                .pool_idle_timeout(Duration::from_secs(30))
                .pool_max_idle_per_host(1)
                .dns_resolver(Arc::clone(&names))
        };
        Ok(Self {
            inner: Arc::new(Inner {
                outward: builder().build().map_err(|error| setup(&error))?,
                loopback: builder().no_proxy().build().map_err(|error| setup(&error))?,
                reach,
                names,
                turn: Semaphore::new(AT_A_TIME),
                kept: Mutex::default(),
            }),
        })
    }

    /// The picture at `address`, from memory if it was fetched lately.
    ///
    /// Fails with [`Code::BadLink`] where the address may not be asked, [`Code::Unreachable`] where nothing answers, and
    /// [`Code::BadAnswer`] where the answer is no picture, or one too large.
    pub async fn fetch(&self, address: &str) -> Result<Picture, Problem> {
        let Ok(url) = Url::parse(address.trim()) else {
            return Err(refused("The picture's address is none."));
        };
        let from_memory = || self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner).get(url.as_str());
        if let Some(picture) = from_memory() {
            return Ok(picture);
        }
        let fetching = async {
            // The semaphore is never closed: an error cannot be, and would only mean no waiting.
            let _turn = self.inner.turn.acquire().await;
            // Another may have fetched it while this one waited.
            match from_memory() {
                Some(picture) => Ok(picture),
                None => self.inner.follow(url.clone()).await,
            }
        };
        let picture = tokio::time::timeout(LIMIT, fetching).await.map_err(|_| unreachable_picture())??;
        self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner).put(url.as_str(), &picture);
        Ok(picture)
    }
}

impl Inner {
    /// Asks for the picture, over a few redirects, each judged as the first address was.
    async fn follow(&self, mut url: Url) -> Result<Picture, Problem> {
        for _ in 0..=MAX_REDIRECTS {
            self.reach.judge(&url).map_err(refused)?;
            let _guard = self.names.guard(&url);
            let client = if reach::is_loopback(&url) { &self.loopback } else { &self.outward };
            let asked = client.get(url.clone()).header(header::ACCEPT, "image/png,image/jpeg,image/gif,image/webp");
            let response = asked.send().await.map_err(|error| {
                if reach::was_refused(&error) {
                    return refused("The picture's address leads into a private network.");
                }
                tracing::debug!(error = %error.without_url(), "a picture could not be fetched");
                unreachable_picture()
            })?;
            match response.status() {
                StatusCode::OK => return read(response).await,
                status if status.is_redirection() => {
                    let next = target(&url, &response).ok_or_else(|| bad("The picture's server leads nowhere."))?;
                    if url.scheme() == "https" && next.scheme() != "https" {
                        return Err(refused("The picture's server leads to an unencrypted address."));
                    }
                    url = next;
                }
                status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                    return Err(unreachable_picture());
                }
                _ => return Err(bad("The picture's server does not have it.")),
            }
        }
        Err(bad("The picture's server leads in circles."))
    }
}

/// Where a redirect leads.
fn target(from: &Url, response: &Response) -> Option<Url> {
    from.join(response.headers().get(header::LOCATION)?.to_str().ok()?).ok()
}

/// Reads the picture, by chunks, so that a server cannot fill the memory.
async fn read(mut response: Response) -> Result<Picture, Problem> {
    let too_large = || bad("The picture is larger than 5 MB.");
    if response.content_length().is_some_and(|length| length > MAX_BYTES as u64) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| unreachable_picture())? {
        if bytes.len() + chunk.len() > MAX_BYTES {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    let content_type =
        kind::of(&bytes).ok_or_else(|| bad("That is no picture, or one of a kind that is not shown."))?;
    if !kind::has_sane_size(&bytes, content_type) {
        return Err(bad("The picture has too many pixels."));
    }
    Ok(Picture { bytes, content_type })
}

fn refused(message: &str) -> Problem {
    Problem::new(Code::BadLink, message, "")
}

fn bad(message: &str) -> Problem {
    Problem::new(Code::BadAnswer, message, "")
}

fn unreachable_picture() -> Problem {
    Problem::new(Code::Unreachable, "The picture could not be fetched.", "Open the message again later.")
}
