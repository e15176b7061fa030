//! The questions only the caller can answer: may this socket have this channel, and who is the user on it? It must
//! never show the answers.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use serde::Deserialize;

/// What an [`Authorizer`] or an [`Authenticator`] gives: an answer that is on its way.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, AuthorizeError>> + Send + 'a>>;

/// Asks whoever knows the application's secret to sign a subscription.
///
/// It may be asked for several channels at once, and the future may be dropped half-way when the socket is lost: the
/// signature would be of no use on the next one.
pub trait Authorizer: Send + Sync + 'static {
    /// Signs `channel` for `socket_id` (Pusher: *Authorizing users*).
    fn authorize<'a>(&'a self, socket_id: &'a str, channel: &'a str) -> Answer<'a, Authorization>;
}

/// For programs that subscribe to public channels only: refuses every other.
#[derive(Clone, Copy, Debug, Default)]
pub struct PublicOnly;

impl Authorizer for PublicOnly {
    fn authorize<'a>(&'a self, _socket_id: &'a str, _channel: &'a str) -> Answer<'a, Authorization> {
        let message = "this client was made for public channels only".into();
        Box::pin(async { Err(AuthorizeError::Refused { status: None, message }) })
    }
}

/// Asks whoever knows the application's secret to sign who the user is.
pub trait Authenticator: Send + Sync + 'static {
    /// Signs the user for `socket_id` (Pusher: *Authenticating users*).
    fn authenticate<'a>(&'a self, socket_id: &'a str) -> Answer<'a, Authentication>;
}

/// A signed permission to subscribe, of use for one socket and one channel.
///
/// It reads what an authorization endpoint answers: `serde_json::from_str::<Authorization>(body)`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Authorization {
    /// `key:signature`, as the application's server answered.
    pub auth: String,
    /// What the server wants attached to the subscription; part of what is signed. On presence channels it says who
    /// the member is.
    #[serde(default)]
    pub channel_data: Option<String>,
    /// The key of an encrypted channel, 32 bytes in base64.
    #[serde(default)]
    pub shared_secret: Option<String>,
}

impl Authorization {
    /// A permission that is nothing but its signature.
    pub fn new(auth: impl Into<String>) -> Self {
        Self { auth: auth.into(), channel_data: None, shared_secret: None }
    }

    /// The same with `channel_data`.
    #[must_use]
    pub fn with_channel_data(mut self, channel_data: impl Into<String>) -> Self {
        self.channel_data = Some(channel_data.into());
        self
    }

    /// The same with the key of an encrypted channel, in base64.
    #[must_use]
    pub fn with_shared_secret(mut self, shared_secret: impl Into<String>) -> Self {
        self.shared_secret = Some(shared_secret.into());
        self
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization").finish_non_exhaustive()
    }
}

/// Signed words on who the user is, of use for one socket.
///
/// It reads what an authentication endpoint answers: `serde_json::from_str::<Authentication>(body)`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Authentication {
    /// `key:signature`, as the application's server answered.
    pub auth: String,
    /// The user as JSON, with an `id`; part of what is signed.
    pub user_data: String,
}

impl Authentication {
    /// The user `user_data`, signed.
    pub fn new(auth: impl Into<String>, user_data: impl Into<String>) -> Self {
        Self { auth: auth.into(), user_data: user_data.into() }
    }
}

impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authentication").finish_non_exhaustive()
    }
}

/// Why there is no authorization.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorizeError {
    /// The answer is no. It is reported once and not asked again before [`crate::Client::resubscribe`].
    #[error("refused: {message}")]
    Refused {
        /// The HTTP status, when there was one.
        status: Option<u16>,
        /// What the server said.
        message: String,
    },
    /// No answer could be had; it is asked again, with backoff, until there is one.
    #[error("no answer: {message}")]
    Temporary {
        /// What the server asked for (`Retry-After`); waits of more than 15 minutes are cut to that.
        retry_after: Option<Duration>,
        /// What went wrong.
        message: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_never_prints_its_secrets() {
        let authorization = Authorization::new("key:hush").with_channel_data("hush").with_shared_secret("hush");
        let authentication = Authentication::new("key:hush", "hush");
        let printed = format!("{authorization:?} {authentication:?}");
        assert!(!printed.contains("hush"), "{printed}");
    }

    #[test]
    fn the_answer_of_an_endpoint_is_read() {
        let read = |text| serde_json::from_str::<Authorization>(text).unwrap();
        assert_eq!(read(r#"{"auth":"k:s"}"#), Authorization::new("k:s"));
        let all = Authorization::new("k:s").with_channel_data("d").with_shared_secret("s");
        assert_eq!(read(r#"{"auth":"k:s","channel_data":"d","shared_secret":"s","more":1}"#), all);
        let user = serde_json::from_str::<Authentication>(r#"{"auth":"k:s","user_data":"{}"}"#).unwrap();
        assert_eq!(user, Authentication::new("k:s", "{}"));
    }
}
