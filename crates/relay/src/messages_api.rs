//! A client of `POST /api/messages`, for the command line.
//!
//! It must never let the token into an error or a log.

use std::{path::Path, time::Duration};

use http_guard::{BodyError, causes, cleaned, is_loopback, read_body, tls_config, without_secrets};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use crate::{Error, secret_file::read_secret};

const MAX_ANSWER: usize = 1024 * 1024;

/// A relay, spoken to with one token.
pub struct MessagesApi {
    http: reqwest::Client,
    url: Url,
    token: SecretString,
}

impl MessagesApi {
    /// A client for the relay at `https://…`, or `http://` on this computer itself; the token is in a file of its own.
    pub fn new(relay: &str, token_file: &Path) -> Result<Self, Error> {
        let refused = || Error::Input("the relay's address is https://host, or http:// on this computer itself".into());
        let url = Url::parse(relay).map_err(|_| refused())?.join("/api/messages").map_err(|_| refused())?;
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
            return Err(refused());
        }
        let token = read_secret(token_file)?;
        let failed = |what: String| Error::Input(format!("no HTTP client: {what}"));
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls_config().map_err(|error| failed(error.to_string()))?)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .timeout(Duration::from_secs(30));
        let builder = if is_loopback(&url) { builder.no_proxy() } else { builder };
        Ok(Self { http: builder.build().map_err(|error| failed(causes(&error)))?, url, token })
    }

    /// Sends a message, and answers what the relay says of it. It may be repeated with the same key.
    pub async fn send(&self, message: &Value, idempotency_key: Option<&str>) -> Result<Value, Error> {
        let mut request = self.http.post(self.url.clone()).bearer_auth(self.token.expose_secret()).json(message);
        if let Some(key) = idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        let unreachable = |error: reqwest::Error| {
            Error::Input(format!("the relay cannot be reached: {}", causes(&error.without_url())))
        };
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = read_body(answer, MAX_ANSWER).await.map_err(|error| match error {
            BodyError::TooLarge => Error::Input("the relay's answer is too long".into()),
            BodyError::Network(error) => unreachable(error),
        })?;
        let said: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() {
            return Ok(said);
        }
        let detail = without_secrets(cleaned(said["detail"].as_str().unwrap_or_default()), &[&self.token]);
        Err(Error::Input(format!("the relay answers {status}: {detail}")))
    }
}
