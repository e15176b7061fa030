//! [`Session`]: a user signed in to a brand, and the calls that are open to him.
//!
//! The session id and the token live here, in memory only. Every call sends the token; where the server denies it, it is
//! renewed once for all who wait and the call is repeated once. Nothing else that was answered is ever repeated.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::address::extended;
use crate::authorization::ChannelAuthorizer;
use crate::brand::brand_name;
use crate::config::BrandConfig;
use crate::error::Error;
use crate::http::Http;
use crate::listing::{Listing, read_one};
use crate::login::{AUTHTOKEN, LoginError, SignedIn, User, log_in, secret_header};
use crate::mark::{self, MarkError};
use crate::notification::Notification;
use crate::reply::Reply;
use crate::scrub::error_without;
use crate::token::{Token, Tokens};

/// A list that has not ended by then is as good as endless.
const MOST_PAGES: usize = 50;

/// A user signed in to a brand. Cheap to clone; clones share the token and its renewal.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    http: Http,
    config: BrandConfig,
    brand: String,
    sid: SecretString,
    user: User,
    tokens: Tokens,
    /// The server takes channel authorizations by GET: found out once, remembered.
    authorizes_by_get: AtomicBool,
}

impl Session {
    /// Logs in with a session id (Fast Track: `Platform/LoginAuthToken`).
    ///
    /// # Errors
    /// [`LoginError::Rejected`] or [`LoginError::NotASid`] when only another session id helps,
    /// [`LoginError::Unreachable`] when waiting may.
    pub async fn log_in(http: &Http, config: BrandConfig, brand: &str, sid: SecretString) -> Result<Self, LoginError> {
        let brand = brand_name(brand)?;
        let sid = SecretString::from(sid.expose_secret().trim());
        let SignedIn { user, token, sid: given } = log_in(http, &config, &sid).await?;
        let sid = given.unwrap_or(sid);
        let (http, tokens) = (http.clone(), Tokens::new(token));
        let authorizes_by_get = AtomicBool::new(false);
        Ok(Self { inner: Arc::new(Inner { http, config, brand, sid, user, tokens, authorizes_by_get }) })
    }

    /// What logs in from now on: the session id it was made with, or, where that was a relay's pairing code, the one that
    /// was given for it.
    pub fn sid(&self) -> &SecretString {
        &self.inner.sid
    }

    /// Whom the session belongs to.
    pub fn user(&self) -> User {
        self.inner.user.clone()
    }

    /// The brand's name, as the configuration was asked for.
    pub fn brand(&self) -> &str {
        &self.inner.brand
    }

    /// Where the brand's servers are.
    pub fn config(&self) -> &BrandConfig {
        &self.inner.config
    }

    /// The user's Pusher channel: `private-prisma-{BrandId}-{UserId}`.
    pub fn channel(&self) -> String {
        format!("private-prisma-{}-{}", self.inner.user.brand_id, self.inner.user.user_id)
    }

    /// The notifications the server keeps for the user (Fast Track: `Notifications/v2/user-notifications`).
    ///
    /// Fast Track's list has no pages; a Traybell relay's goes on behind `Next-Cursor` where more are unread than fit into
    /// one answer, and is read to its end.
    ///
    /// # Errors
    /// Any [`Error`]; never because of a single bad item.
    pub async fn list(&self, unread_only: bool) -> Result<Listing, Error> {
        let mut url = self.endpoint(&["Notifications", "v2", "user-notifications"])?;
        url.query_pairs_mut().append_pair("unread-only", if unread_only { "true" } else { "false" });
        let (mut listing, mut cursor) = (Listing::default(), None::<String>);
        for _ in 0..MOST_PAGES {
            let mut page = url.clone();
            if let Some(cursor) = &cursor {
                page.query_pairs_mut().append_pair("cursor", cursor);
            }
            let reply = self.call(Method::GET, &page, None).await?;
            self.scrubbed(reply.accepted().and_then(|reply| listing.read(reply)))?;
            // One that stands still would never end.
            if reply.next_cursor.is_none() || reply.next_cursor == cursor {
                break;
            }
            cursor = reply.next_cursor;
        }
        Ok(listing)
    }

    /// One notification, whole (Fast Track: `Notifications/v2/user-notification/{MessageId}`). `None` where the server
    /// has none of this id.
    ///
    /// # Errors
    /// Any [`Error`]; [`Error::Input`] for an id that cannot stand in an address.
    pub async fn one(&self, id: &str) -> Result<Option<Notification>, Error> {
        let url = self.endpoint(&["Notifications", "v2", "user-notification", id])?;
        let reply = self.call(Method::GET, &url, None).await?;
        if matches!(reply.status, 404 | 410) {
            return Ok(None);
        }
        self.scrubbed(reply.accepted().and_then(read_one))
    }

    /// Tells the server that a notification was read (Fast Track: `Notifications/MarkNotificationAsRead`).
    ///
    /// # Errors
    /// [`MarkError`], which says whether the mark is to be given up or kept for another try.
    pub async fn mark_read(&self, id: &str) -> Result<(), MarkError> {
        if id.trim().is_empty() {
            return Err(Error::input("a notification without an id cannot be marked on the server").into());
        }
        let url = self.endpoint(&["Notifications", "MarkNotificationAsRead"])?;
        let reply = self.call(Method::POST, &url, Some(&mark::body(id))).await?;
        Ok(self.scrubbed(reply.accepted().and_then(mark::read_done))?)
    }

    /// What authorizes the Pusher client for this user's channel.
    pub fn authorizer(&self) -> Arc<dyn pusher_client::Authorizer> {
        Arc::new(ChannelAuthorizer::new(self.clone()))
    }

    /// An address of the brand's Fast Track API.
    pub(crate) fn endpoint(&self, segments: &[&str]) -> Result<Url, Error> {
        extended(&self.inner.config.fusion_url, segments)
    }

    /// Whether the server takes channel authorizations by GET, where POST is what is tried first.
    pub(crate) fn authorizes_by_get(&self) -> &AtomicBool {
        &self.inner.authorizes_by_get
    }

    /// A call with the token in its header.
    async fn call(&self, method: Method, url: &Url, body: Option<&serde_json::Value>) -> Result<Reply, Error> {
        self.with_token(|token| {
            let request = self.inner.http.request(method.clone(), url.clone());
            // What is no header is refused before it becomes a token, so it is never missing here.
            let request = match secret_header(token) {
                Some(header) => request.header(AUTHTOKEN, header),
                None => request,
            };
            match body {
                Some(body) => request.json(body),
                None => request,
            }
        })
        .await
    }

    /// Sends what `request` makes of the token. Where the server denies it, once more with a renewed one.
    pub(crate) async fn with_token(
        &self,
        request: impl Fn(&SecretString) -> RequestBuilder + Send + Sync,
    ) -> Result<Reply, Error> {
        let token = self.inner.tokens.current()?;
        let reply = self.scrubbed(self.inner.http.send(request(&token.secret)).await)?;
        if !matches!(reply.status, 401 | 403) {
            return Ok(reply);
        }
        let token = self.renewed(&token).await?;
        self.scrubbed(self.inner.http.send(request(&token.secret)).await)
    }

    async fn renewed(&self, used: &Token) -> Result<Token, Error> {
        let log_in_again = || async {
            tracing::info!("the token ran out, logging in again");
            let outcome = log_in(&self.inner.http, &self.inner.config, &self.inner.sid).await;
            let outcome = outcome.map_err(|failure| match failure {
                LoginError::Rejected { message } => Error::SessionRejected { message },
                LoginError::NotASid { reason } => Error::SessionRejected { message: format!("it {reason}") },
                LoginError::Unreachable { error, .. } => error,
            });
            let SignedIn { user, token, .. } = self.scrubbed(outcome)?;
            if (&user.user_id, &user.brand_id) != (&self.inner.user.user_id, &self.inner.user.brand_id) {
                // Going on would mix the notifications of two people.
                return Err(Error::SessionRejected { message: "it now belongs to another user".to_owned() });
            }
            Ok(token)
        };
        self.inner.tokens.renewed(used, log_in_again).await
    }

    pub(crate) fn http(&self) -> &Http {
        &self.inner.http
    }

    /// The outcome, without the session's secrets in its error.
    pub(crate) fn scrubbed<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        outcome.map_err(|error| match self.inner.tokens.current() {
            Ok(token) => error_without(error, &[&self.inner.sid, &token.secret]),
            Err(_) => error_without(error, &[&self.inner.sid]),
        })
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("brand", &self.inner.brand)
            .field("channel", &self.channel())
            .finish_non_exhaustive()
    }
}
