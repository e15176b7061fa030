//! A channel server elsewhere, Pusher Channels or one that speaks as it does, reached by its HTTP API
//! (`Pusher Channels: HTTP API reference`): events are published in batches, each request signed.
//!
//! It must never let the secret, a payload or an address with a signature into a log or an error.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use http_guard::{causes, cleaned, is_loopback, read_body, tls_config, without_secrets};
use md5::{Digest as _, Md5};
use reqwest::{StatusCode, header::CONTENT_TYPE};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use sha2::Sha256;
use url::Url;

use super::{Publication, Signer};
use crate::{ChannelServer, ChannelServerPlace, Error};

/// Events of one request (`Pusher Channels: batch events`).
const BATCH: usize = 10;
const CONNECT: Duration = Duration::from_secs(5);
const TOTAL: Duration = Duration::from_secs(15);
/// An answer is `{}` or a sentence.
const MAX_ANSWER: usize = 64 * 1024;

/// The way to the server, as one application.
pub(crate) struct PusherApi {
    pub(super) signer: Signer,
    secret: SecretString,
    app_id: String,
    /// Without a slash at its end.
    base: String,
    pub(super) place: ChannelServerPlace,
    http: reqwest::Client,
}

/// Why events were not published.
enum Failure {
    /// The server finds fault with what was sent; it would again.
    Unacceptable(String),
    /// Anything that may be over later.
    Later(String),
}

impl PusherApi {
    pub(crate) fn new(server: &ChannelServer) -> Result<Self, Error> {
        let base = match &server.place {
            ChannelServerPlace::Cluster(cluster) => format!("https://api-{cluster}.pusher.com"),
            ChannelServerPlace::Address { api, .. } => api.as_str().trim_end_matches('/').to_owned(),
        };
        let failed = |what: &dyn std::fmt::Display| Error::Channels(format!("no HTTP client: {what}"));
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls_config().map_err(|error| failed(&error))?)
            .user_agent(concat!("traybell-relay/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT)
            .timeout(TOTAL);
        let local = Url::parse(&base).is_ok_and(|url| is_loopback(&url));
        let builder = if local { builder.no_proxy() } else { builder };
        let http = builder.build().map_err(|error| failed(&causes(&error)))?;
        let (secret, app_id) = (server.secret.clone(), server.app_id.clone());
        let signer = Signer::new(server.key.clone(), secret.expose_secret().as_bytes());
        Ok(Self { signer, secret, app_id, base, place: server.place.clone(), http })
    }

    /// Publishes all of them. After an error some may have been.
    pub(crate) async fn publish(&self, all: &[Publication]) -> Result<(), Error> {
        for batch in all.chunks(BATCH) {
            match self.send(batch).await {
                Ok(()) => {}
                Err(Failure::Later(text)) => return Err(Error::Channels(text)),
                Err(Failure::Unacceptable(_)) => self.singly(batch).await?,
            }
        }
        Ok(())
    }

    /// One that the server does not take must not hold up the others: it is in the list, where clients find it.
    async fn singly(&self, batch: &[Publication]) -> Result<(), Error> {
        for one in batch {
            match self.send(std::slice::from_ref(one)).await {
                Ok(()) => {}
                Err(Failure::Later(text)) => return Err(Error::Channels(text)),
                Err(Failure::Unacceptable(text)) => {
                    tracing::error!(
                        channel = one.channel,
                        event = one.event,
                        error = text,
                        "an event is not published"
                    );
                }
            }
        }
        Ok(())
    }

    /// Asks for the channels there are, to see whether key and secret are taken.
    pub(crate) async fn check(&self) -> Result<(), Error> {
        let address = self.signed("GET", &format!("/apps/{}/channels", self.app_id), b"", now());
        let sent = self.http.get(address).send().await;
        let answer = sent.map_err(|error| {
            Error::Channels(format!("the channel server cannot be reached: {}", causes(&error.without_url())))
        })?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(Error::Channels(format!("the channel server answers {status}"))),
        }
    }

    async fn send(&self, batch: &[Publication]) -> Result<(), Failure> {
        let events: Vec<_> =
            batch.iter().map(|one| json!({"channel": one.channel, "name": one.event, "data": one.payload})).collect();
        let body = json!({"batch": events}).to_string();
        let address = self.signed("POST", &format!("/apps/{}/batch_events", self.app_id), body.as_bytes(), now());
        let sent = self.http.post(address).header(CONTENT_TYPE, "application/json").body(body).send().await;
        let answer = sent.map_err(|error| {
            let text = if error.is_timeout() { "no answer in time".to_owned() } else { causes(&error.without_url()) };
            Failure::Later(format!("the channel server cannot be reached: {text}"))
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        // What could not be read says nothing.
        let said = read_body(answer, MAX_ANSWER).await.unwrap_or_default();
        let said = without_secrets(cleaned(&String::from_utf8_lossy(&said)), &[&self.secret]);
        let text = format!("the channel server answers {status}: {said}");
        match status {
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
                Err(Failure::Unacceptable(text))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(Failure::Later(format!("{text} (check channels.key, its secret, and this machine's clock)")))
            }
            StatusCode::NOT_FOUND => Err(Failure::Later(format!("{text} (check channels.app_id and the address)"))),
            _ => Err(Failure::Later(text)),
        }
    }

    /// The call's address with its signature: sorted parameters, the body's MD5, HMAC-SHA256 over all of it
    /// (`Pusher Channels: generating authentication signatures`).
    fn signed(&self, method: &str, path: &str, body: &[u8], timestamp: u64) -> String {
        let (key, digest) = (self.signer.key(), hex::encode(Md5::digest(body)));
        let mut query = format!("auth_key={key}&auth_timestamp={timestamp}&auth_version=1.0");
        if !body.is_empty() {
            query += "&body_md5=";
            query += &digest;
        }
        // Invariant: HMAC takes a key of any length.
        let mac = Hmac::<Sha256>::new_from_slice(self.secret.expose_secret().as_bytes())
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        let signature = mac.chain_update(format!("{method}\n{path}\n{query}")).finalize().into_bytes();
        format!("{}{path}?{query}&auth_signature={}", self.base, hex::encode(signature))
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of Pusher's page "HTTP API reference, worked authentication example".
    #[test]
    fn the_published_vector_comes_out() {
        let server = ChannelServer {
            app_id: "3".into(),
            key: "278d425bdf160c739803".into(),
            secret: "7ad3773142a6692b25b8".into(),
            place: ChannelServerPlace::Cluster("eu".into()),
        };
        let body = br#"{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}"#;
        let address = PusherApi::new(&server).unwrap().signed("POST", "/apps/3/events", body, 1_353_088_179);
        assert_eq!(
            address,
            "https://api-eu.pusher.com/apps/3/events?auth_key=278d425bdf160c739803&auth_timestamp=1353088179&\
             auth_version=1.0&body_md5=ec365a775a4cd0599faeb73354201b6f&\
             auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"
        );
    }
}
