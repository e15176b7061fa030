//! The question only the caller can answer: may this socket have this private channel? It must never show the answer.

use std::{fmt, future::Future, pin::Pin, time::Duration};

/// Asks whoever knows the application's secret to sign a subscription.
///
/// It may be asked for several channels at once, and the future may be dropped half-way when the socket is lost: the
/// signature would be of no use on the next one.
pub trait Authorizer: Send + Sync + 'static {
    /// Signs `channel` for `socket_id` (Pusher: *Authorizing users*).
    fn authorize<'a>(
        &'a self,
        socket_id: &'a str,
        channel: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Authorization, AuthorizeError>> + Send + 'a>>;
}

/// A signed permission to subscribe, of use for one socket and one channel.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization {
    /// `key:signature`, as the application's server answered.
    pub auth: String,
    /// What the server wants attached to the subscription; part of what is signed.
    pub channel_data: Option<String>,
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization").finish_non_exhaustive()
    }
}

/// Why there is no authorization.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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
    fn an_authorization_never_prints_its_signature() {
        let authorization = Authorization { auth: "key:signature".into(), channel_data: Some("data".into()) };
        let printed = format!("{authorization:?}");
        assert!(!printed.contains("signature") && !printed.contains("data"), "{printed}");
    }
}
