//! A call-out as TrackTik makes one, sent by us: to try a receiver out.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::callout::{Mode, signature};
use crate::error::Error;
use crate::http::{Http, Limits};
use crate::scrub::error_without;

/// Sends `body` to a receiver, signed as TrackTik signs (TrackTik OpenAPI 2020-01-01, `secretHeaderName`), and answers its
/// status.
///
/// # Errors
/// [`Error::Input`] for an address or a header's name that cannot be one, [`Error::Unreachable`] when nobody answers.
pub async fn send(url: &str, header: &str, secret: &SecretString, mode: Mode, body: &[u8]) -> Result<u16, Error> {
    let url = Url::parse(url).map_err(|_| Error::input("the receiver's address is none"))?;
    let limits = Limits { total: Duration::from_secs(10), tries: 1, ..Limits::default() };
    let http = Http::new(&url, limits)?;
    let value = match mode {
        Mode::Hmac => signature(secret, body),
        Mode::Plain => secret.expose_secret().to_owned(),
    };
    let key = SecretString::from(url.path().rsplit('/').next().unwrap_or_default());
    let request = http.client.post(url).header(CONTENT_TYPE, "application/json").header(header, value);
    let sent = http.send(request.body(body.to_vec())).await;
    sent.map(|reply| reply.status).map_err(|error| error_without(error, &[secret, &key]))
}
