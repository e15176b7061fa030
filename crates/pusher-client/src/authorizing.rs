//! The authorizations under way for one socket. Dropping it drops them all: a signature for an older socket is of no
//! use, so it must never outlive its socket.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::{task::JoinSet, time::timeout};

use crate::authorizer::{Authorization, AuthorizeError, Authorizer};

/// The end of one authorization.
pub(crate) struct Answer {
    pub(crate) channel: String,
    /// Which question this answers: the channel may have been dropped and taken again since.
    pub(crate) ticket: u64,
    pub(crate) outcome: Result<Authorization, AuthorizeError>,
}

pub(crate) struct Authorizing {
    authorizer: Arc<dyn Authorizer>,
    socket_id: Arc<str>,
    limit: Duration,
    tasks: JoinSet<Answer>,
}

impl Authorizing {
    pub(crate) fn new(authorizer: Arc<dyn Authorizer>, socket_id: &str, limit: Duration) -> Self {
        Self { authorizer, socket_id: socket_id.into(), limit, tasks: JoinSet::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    pub(crate) fn ask(&mut self, channel: String, ticket: u64) {
        let (authorizer, socket_id, limit) = (self.authorizer.clone(), self.socket_id.clone(), self.limit);
        self.tasks.spawn(async move {
            // A panic of the caller's code must not take the socket down: it counts as a failure of that code.
            let asked = AssertUnwindSafe(async { timeout(limit, authorizer.authorize(&socket_id, &channel)).await });
            let outcome = match asked.catch_unwind().await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Err(temporary("the authorization took too long")),
                Err(_) => Err(temporary("the authorizer panicked")),
            };
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

fn temporary(message: &str) -> AuthorizeError {
    AuthorizeError::Temporary { retry_after: None, message: message.into() }
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::Pin};

    use super::*;

    struct Odd;

    impl Authorizer for Odd {
        fn authorize<'a>(
            &'a self,
            _socket_id: &'a str,
            channel: &'a str,
        ) -> Pin<Box<dyn Future<Output = Result<Authorization, AuthorizeError>> + Send + 'a>> {
            Box::pin(async move {
                assert!(channel != "private-panics", "on purpose");
                std::future::pending().await
            })
        }
    }

    #[tokio::test]
    async fn an_authorizer_that_hangs_or_panics_is_a_temporary_failure() {
        for channel in ["private-hangs", "private-panics"] {
            let mut authorizing = Authorizing::new(Arc::new(Odd), "1.1", Duration::from_millis(50));
            authorizing.ask(channel.into(), 7);
            let answer = authorizing.next().await;
            assert_eq!((answer.channel.as_str(), answer.ticket), (channel, 7));
            assert!(matches!(answer.outcome, Err(AuthorizeError::Temporary { .. })), "{channel}");
        }
    }
}
