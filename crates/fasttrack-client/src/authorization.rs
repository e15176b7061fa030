//! Channel authorization: asks the brand's server to sign the user's subscription for the Pusher client.
//!
//! The vendor writes GET, every integration sends POST: POST it is, then GET where the server knows no POST, and what
//! worked is remembered for the session. The token stands in the address here, unless the server takes it as a header, so
//! no address may ever be printed.

use std::sync::atomic::Ordering;

use pusher_client::{Answer, Authorization, AuthorizeError, Authorizer};
use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use crate::error::Error;
use crate::lenient;
use crate::login::{AUTHTOKEN, secret_header};
use crate::reply::{Reply, is_final_no};
use crate::session::Session;

/// Authorizes channels in the name of a session.
pub(crate) struct ChannelAuthorizer {
    session: Session,
}

/// The two ways to ask.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Post,
    Get,
}

impl ChannelAuthorizer {
    pub(crate) fn new(session: Session) -> Self {
        Self { session }
    }

    async fn authorization(&self, socket_id: &str, channel: &str) -> Result<Authorization, Error> {
        let by_get = self.session.authorizes_by_get();
        let ways = if by_get.load(Ordering::Relaxed) { [Way::Get, Way::Post] } else { [Way::Post, Way::Get] };
        let mut reply = self.ask(ways[0], socket_id, channel).await?;
        if matches!(reply.status, 404 | 405) {
            let other = self.ask(ways[1], socket_id, channel).await?;
            // Where neither is known, the first answer says more, and the next time is as good as the first.
            if !matches!(other.status, 404 | 405) {
                by_get.store(ways[1] == Way::Get, Ordering::Relaxed);
                reply = other;
            }
        }
        self.session.scrubbed(reply.accepted().and_then(read))
    }

    async fn ask(&self, way: Way, socket_id: &str, channel: &str) -> Result<Reply, Error> {
        let url = self.session.endpoint(&["external", "pusher", self.session.brand()])?;
        let fields = [("socket_id", socket_id), ("channel_name", channel)];
        self.session
            .with_token(|token| {
                let request = |method| self.request(method, &url, token);
                match way {
                    Way::Post => request(Method::POST).form(&fields),
                    Way::Get => request(Method::GET).query(&fields),
                }
            })
            .await
    }

    fn request(&self, method: Method, url: &Url, token: &SecretString) -> RequestBuilder {
        match secret_header(token).filter(|_| self.session.config().token_in_header) {
            Some(header) => self.session.http().request(method, url.clone()).header(AUTHTOKEN, header),
            None => self.session.http().request(method, with_token(url, token)),
        }
    }
}

impl Authorizer for ChannelAuthorizer {
    fn authorize<'a>(&'a self, socket_id: &'a str, channel: &'a str) -> Answer<'a, Authorization> {
        Box::pin(async move { self.authorization(socket_id, channel).await.map_err(judged) })
    }
}

fn with_token(url: &Url, token: &SecretString) -> Url {
    let mut url = url.clone();
    url.query_pairs_mut().append_pair("authToken", token.expose_secret());
    url
}

/// `{"auth":"key:signature"}`, with `channel_data` where the server adds some (Pusher Channels: authorizing users).
fn read(reply: &Reply) -> Result<Authorization, Error> {
    let answer = reply.json()?;
    let auth = lenient::filled(answer.get("auth")).filter(|auth| auth.contains(':'));
    let channel_data = match answer.get("channel_data") {
        // What is signed is a text; a server that sends the object itself signed the text of it.
        Some(data @ Value::Object(_)) => Some(data.to_string()),
        other => lenient::text(other),
    };
    let auth = auth.ok_or_else(|| Error::shape("the channel authorization holds no signature"))?;
    let authorization = Authorization::new(auth);
    Ok(match channel_data {
        Some(channel_data) => authorization.with_channel_data(channel_data),
        None => authorization,
    })
}

/// What a failure means for the subscription. Only the server's own no about this channel is final; what may pass
/// (load, gateways, networks that answer with a page of their own) is asked again.
fn judged(error: Error) -> AuthorizeError {
    let retry_after = error.retry_after();
    match error {
        Error::SessionRejected { message } => AuthorizeError::Refused { status: Some(401), message },
        Error::Input { what } => AuthorizeError::Refused { status: None, message: what },
        Error::Status { status, message, .. } if matches!(status, 401 | 403) || is_final_no(status) => {
            AuthorizeError::Refused { status: Some(status), message }
        }
        error => AuthorizeError::Temporary { retry_after, message: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn only_a_no_about_the_channel_is_final() {
        for (status, refused) in [
            (400, true),
            (401, true),
            (403, true),
            (404, true),
            (407, false),
            (408, false),
            (422, true),
            (429, false),
            (500, false),
        ] {
            let retry_after = Some(Duration::from_secs(9));
            match judged(Error::Status { status, message: "m".to_owned(), retry_after }) {
                AuthorizeError::Refused { status: said, .. } => assert!(refused && said == Some(status), "{status}"),
                AuthorizeError::Temporary { retry_after: wait, .. } => {
                    assert!(!refused && wait == retry_after, "{status}");
                }
                other => panic!("{status}: {other:?}"),
            }
        }
        assert!(matches!(judged(Error::Timeout), AuthorizeError::Temporary { .. }));
        assert!(matches!(judged(Error::shape("x")), AuthorizeError::Temporary { .. }));
        let rejected = judged(Error::SessionRejected { message: "expired".to_owned() });
        assert_eq!(rejected, AuthorizeError::Refused { status: Some(401), message: "expired".to_owned() });
    }
}
