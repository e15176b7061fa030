//! The authorizations under way for one socket. Dropping it drops them all: a signature for an older socket is of no
//! use, so it must never outlive its socket.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::{task::JoinSet, time::timeout};

use crate::{
    authorizer::{self, Authenticator, AuthorizeError, Authorizer},
    roster::Grant,
};

/// The end of one authorization.
pub(crate) struct Answer {
    pub(crate) channel: String,
    /// Which question this answers: the channel may have been dropped and taken again since.
    pub(crate) ticket: u64,
    pub(crate) outcome: Result<Grant, AuthorizeError>,
}

pub(crate) struct Authorizing {
    socket_id: Arc<str>,
    limit: Duration,
    tasks: JoinSet<Answer>,
}

impl Authorizing {
    pub(crate) fn new(socket_id: &str, limit: Duration) -> Self {
        Self { socket_id: socket_id.into(), limit, tasks: JoinSet::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Asks for a channel.
    pub(crate) fn authorize(&mut self, authorizer: Arc<dyn Authorizer>, channel: String, ticket: u64) {
        let (socket_id, limit) = (self.socket_id.clone(), self.limit);
        self.tasks.spawn(async move {
            let outcome = asked(limit, || authorizer.authorize(&socket_id, &channel)).await.map(Grant::Channel);
            Answer { channel, ticket, outcome }
        });
    }

    /// Asks who the user is, in the name of `channel`.
    pub(crate) fn authenticate(&mut self, authenticator: Arc<dyn Authenticator>, channel: String, ticket: u64) {
        let (socket_id, limit) = (self.socket_id.clone(), self.limit);
        self.tasks.spawn(async move {
            let outcome = asked(limit, || authenticator.authenticate(&socket_id)).await.map(Grant::User);
            Answer { channel, ticket, outcome }
        });
    }

    /// The next answer; waits for ever when nothing is under way. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Answer {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(answer)) => return answer,
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
        }
    }
}

async fn asked<'a, T>(limit: Duration, ask: impl FnOnce() -> authorizer::Answer<'a, T>) -> Result<T, AuthorizeError> {
    // A panic of the caller's code must not take the socket down: it counts as a failure of that code.
    match AssertUnwindSafe(async { timeout(limit, ask()).await }).catch_unwind().await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(temporary("the authorization took too long")),
        Err(_) => Err(temporary("the authorizer panicked")),
    }
}

fn temporary(message: &str) -> AuthorizeError {
    AuthorizeError::Temporary { retry_after: None, message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Authorization;

    struct Odd;

    impl Authorizer for Odd {
        fn authorize<'a>(&'a self, _: &'a str, channel: &'a str) -> authorizer::Answer<'a, Authorization> {
            // Before there is a future as well as in it.
            assert!(channel != "private-panics-early", "on purpose");
            Box::pin(async move {
                assert!(channel != "private-panics", "on purpose");
                std::future::pending().await
            })
        }
    }

    #[tokio::test]
    async fn an_authorizer_that_hangs_or_panics_is_a_temporary_failure() {
        for channel in ["private-hangs", "private-panics", "private-panics-early"] {
            let mut authorizing = Authorizing::new("1.1", Duration::from_millis(50));
            authorizing.authorize(Arc::new(Odd), channel.into(), 7);
            let answer = authorizing.next().await;
            assert_eq!((answer.channel.as_str(), answer.ticket), (channel, 7));
            assert!(matches!(answer.outcome, Err(AuthorizeError::Temporary { .. })), "{channel}");
        }
    }
}
