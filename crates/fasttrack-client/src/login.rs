//! The log-in: a session id becomes a user and a token, or one of two kinds of failure.
//!
//! Three outcomes and no others: signed in; rejected, which only the user can mend and is never tried again by itself;
//! unreachable, where the session id is kept and the call may be repeated later.

use std::time::Duration;

use http_guard::{cleaned, without_secrets};
use reqwest::Method;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::address::extended;
use crate::config::BrandConfig;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::http::Http;
use crate::lenient;
use crate::reply::Reply;
use crate::scrub::error_without;

/// The header that carries the session id or the token (Fast Track: API Endpoints).
pub(crate) const AUTHTOKEN: &str = "authtoken";

/// Whom the session id belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user's identity, part of the channel's name.
    pub user_id: String,
    /// The brand's identity, part of the channel's name.
    pub brand_id: String,
    /// Possibly empty.
    pub first_name: String,
    /// Possibly empty.
    pub last_name: String,
    /// An account of the operator's own, for trying out.
    pub is_test: bool,
}

/// Why a log-in gave no session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// The server knows the session id as wrong or expired: ask the user for another, do not try again.
    #[error("the session id was rejected: {message}")]
    Rejected {
        /// What the server said about it.
        message: String,
    },
    /// It was not sent: no session id looks like this. For the caller the same as [`LoginError::Rejected`].
    #[error("this is no session id: it {reason}")]
    NotASid {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Nothing is known about the session id: keep it and try again, with a growing distance.
    #[error("{error}")]
    Unreachable {
        /// What was in the way.
        error: Error,
        /// How long the server asks to be left alone, where it said so.
        retry_after: Option<Duration>,
    },
}

impl From<Error> for LoginError {
    fn from(error: Error) -> Self {
        match error {
            Error::SessionRejected { message } => Self::Rejected { message },
            error => Self::Unreachable { retry_after: error.retry_after(), error },
        }
    }
}

/// What a log-in gives.
pub(crate) struct SignedIn {
    pub(crate) user: User,
    /// What later calls send: the answer's `AuthToken`, else the session id.
    pub(crate) token: SecretString,
    /// The session id that a relay gives for a pairing code: what logs in from now on.
    pub(crate) sid: Option<SecretString>,
}

/// A secret as a header that neither logs nor HTTP/2's compression tables keep.
pub(crate) fn secret_header(secret: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(secret.expose_secret()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Logs in once.
pub(crate) async fn log_in(http: &Http, config: &BrandConfig, sid: &SecretString) -> Result<SignedIn, LoginError> {
    let header = secret_header(sid)
        .filter(|header| !header.is_empty())
        .ok_or(LoginError::NotASid { reason: "is empty or holds characters that no session id has" })?;
    let url = extended(&config.fusion_url, &["Platform", "LoginAuthToken"])?;
    let request = http.request(Method::POST, url).header(AUTHTOKEN, header).json(&Map::new());
    let reply = http.send(request).await.map_err(|error| error_without(error, &[sid]))?;
    judge(&reply, sid).map_err(|failure| match failure {
        LoginError::Rejected { message } => LoginError::Rejected { message: without_secrets(message, &[sid]) },
        LoginError::NotASid { reason } => LoginError::NotASid { reason },
        LoginError::Unreachable { error, retry_after } => {
            LoginError::Unreachable { error: error_without(error, &[sid]), retry_after }
        }
    })
}

fn judge(reply: &Reply, sid: &SecretString) -> Result<SignedIn, LoginError> {
    let rejected = || LoginError::Rejected { message: reply.message() };
    match reply.status {
        401 | 403 => return Err(rejected()),
        408 | 429 | 500.. => return Err(reply.failure().into()),
        // `Success: false` rejects, whatever other status it comes with.
        400..500 if says_no_success(reply) => return Err(rejected()),
        _ => reply.accepted()?,
    };
    if says_no_success(reply) {
        return Err(LoginError::Rejected { message: complaint_or(reply, "the server did not accept it") });
    }
    let Value::Object(data) = Envelope::read(reply)?.one()?.unwrap_or_default() else {
        return Err(Error::shape("the log-in's data is not an object").into());
    };
    let authentication = lenient::object(data.get("Authentication")).unwrap_or_default();
    if !is_authenticated(&authentication) {
        return Err(LoginError::Rejected { message: complaint_or(reply, "it is not authenticated") });
    }
    let token = match lenient::filled(authentication.get("AuthToken")).map(SecretString::from) {
        Some(token) if secret_header(&token).is_none() => {
            return Err(Error::shape("the log-in's AuthToken holds characters that no token has").into());
        }
        Some(token) => token,
        None => sid.clone(),
    };
    let given = lenient::filled(authentication.get("Sid")).map(SecretString::from);
    let sid = given.filter(|sid| secret_header(sid).is_some());
    Ok(SignedIn { user: user(&data)?, token, sid })
}

fn says_no_success(reply: &Reply) -> bool {
    reply.json().is_ok_and(|answer| lenient::flag(answer.get("Success")) == Some(false))
}

/// What the server said, or our words where a good status says nothing ("OK" is no reason).
fn complaint_or(reply: &Reply, otherwise: &str) -> String {
    crate::envelope::complaint(&reply.text)
        .map(|said| cleaned(&said))
        .filter(|said| !said.is_empty())
        .unwrap_or_else(|| otherwise.to_owned())
}

/// The vendor's sample spells the key with a colon inside, an integration without: either that says no is a no, and
/// where neither stands the envelope's success has to do.
fn is_authenticated(authentication: &Map<String, Value>) -> bool {
    ["IsAuthenticated:", "IsAuthenticated"]
        .iter()
        .filter_map(|name| lenient::flag(authentication.get(*name)))
        .all(|authenticated| authenticated)
}

fn user(data: &Map<String, Value>) -> Result<User, Error> {
    let user = lenient::object(data.get("User")).ok_or_else(|| Error::shape("the log-in names no User"))?;
    let id = |name: &str| {
        lenient::id(user.get(name))
            .filter(|id| id.chars().all(|c| c.is_ascii_alphanumeric() || "-_=@,.;".contains(c)))
            .ok_or_else(|| Error::shape(format!("the log-in's User has no usable {name}")))
    };
    let name = |name: &str| lenient::filled(user.get(name)).unwrap_or_default();
    Ok(User {
        user_id: id("UserId")?,
        brand_id: id("BrandId")?,
        first_name: name("Firstname"),
        last_name: name("Lastname"),
        is_test: lenient::flag(user.get("IsTestUser")).unwrap_or(false),
    })
}

#[cfg(test)]
mod tests;
