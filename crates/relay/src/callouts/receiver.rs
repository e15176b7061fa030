//! `POST /callouts/tracktik/{key}`: checks one call-out in the order that costs least, stores it, and only then answers
//! that it was accepted. Whatever is refused is neither stored nor told why in more words than its status needs.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use axum::{
    Extension, Json, Router,
    body::{Bytes, HttpBody as _},
    extract::{ConnectInfo, DefaultBodyLimit, FromRequest as _, Path, Request, rejection::PathRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::json;
use sha2::Sha256;
use tokio::sync::Notify;

use super::{
    CallOutCounters, CallOuts, check_all,
    counters::{Counted, Outcome},
    templates,
};
use crate::{
    Error, ServerOptions,
    api::Refusal,
    listen::Peer,
    proxies::TrustedProxies,
    rate::{RateLimit, source},
    store::{Arrived, Intake, Store},
};

const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Seconds after which a call-out that could not be stored may come again.
const STORE_RETRY_AFTER: Duration = Duration::from_secs(10);

/// All subscriptions whose call-outs are taken.
pub(crate) struct Receiver {
    /// By a digest of the key under a random one: how long a look-up takes says nothing about the keys there are.
    by_key: RwLock<HashMap<Vec<u8>, Arc<Subscription>>>,
    digest_key: Hmac<Sha256>,
    time_limit: Duration,
    rate: RateLimit<IpAddr>,
    proxies: Arc<TrustedProxies>,
    counted: Counted,
    intake: Intake,
    /// Something was stored that the worker has not seen.
    pub(super) arrived: Notify,
}

pub(super) struct Subscription {
    pub(super) callouts: CallOuts,
    headers: Vec<HeaderName>,
}

impl Receiver {
    /// Refuses call-outs that could not work.
    pub(crate) fn new(options: &ServerOptions, proxies: &Arc<TrustedProxies>, store: Store) -> Result<Self, Error> {
        let mut random = [0; 32];
        getrandom::fill(&mut random)?;
        // Invariant: HMAC takes a key of any length.
        let digest_key =
            Hmac::new_from_slice(&random).unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        let receiver = Self {
            by_key: RwLock::default(),
            digest_key,
            time_limit: options.callout_time_limit,
            rate: RateLimit::new(options.callouts_per_minute),
            proxies: Arc::clone(proxies),
            counted: Counted::default(),
            intake: Intake::new(store, options.callout_window),
            arrived: Notify::new(),
        };
        receiver.renew(&options.callouts)?;
        Ok(receiver)
    }

    /// From now on these call-outs are taken and no others. Those that could not work are refused, and nothing changes.
    pub(crate) fn renew(&self, all: &[CallOuts]) -> Result<(), Error> {
        check_all(all)?;
        let mut by_key = HashMap::new();
        for callouts in all {
            let subscription = Subscription { callouts: callouts.clone(), headers: callouts.checked_headers()? };
            by_key.insert(digest(&self.digest_key, callouts.key.expose_secret()), Arc::new(subscription));
        }
        // The only change under this lock is this one.
        *self.by_key.write().unwrap_or_else(PoisonError::into_inner) = by_key;
        Ok(())
    }

    pub(crate) fn counters(&self) -> CallOutCounters {
        self.counted.read()
    }

    pub(super) fn custom_ids(&self) -> Vec<String> {
        let by_key = self.by_key.read().unwrap_or_else(PoisonError::into_inner);
        by_key.values().map(|subscription| subscription.callouts.custom_id.clone()).collect()
    }

    pub(super) fn subscription(&self, custom_id: &str) -> Option<Arc<Subscription>> {
        let by_key = self.by_key.read().unwrap_or_else(PoisonError::into_inner);
        by_key.values().find(|subscription| subscription.callouts.custom_id == custom_id).cloned()
    }

    fn by_key(&self, key: &str) -> Option<Arc<Subscription>> {
        let by_key = self.by_key.read().unwrap_or_else(PoisonError::into_inner);
        by_key.get(&digest(&self.digest_key, key)).cloned()
    }

    async fn receive(&self, peer: Peer, subscription: &Subscription, request: Request) -> Result<Outcome, Refused> {
        self.rate
            .admit(source(self.proxies.client(peer.0.ip(), request.headers())), Instant::now())
            .map_err(|wait| Refused { outcome: Outcome::RateLimited, retry_after: Some(wait) })?;
        let signature = subscription.headers.iter().find_map(|header| only_value(request.headers(), header));
        let signature = signature.ok_or(Outcome::Unauthorized)?.clone();
        if !is_json(request.headers()) {
            return Err(Outcome::UnsupportedType.into());
        }
        let body = self.body(request).await?;
        let CallOuts { secrets, custom_id, .. } = &subscription.callouts;
        if !subscription.callouts.signature.verify(signature.as_bytes(), &body, secrets) {
            return Err(Outcome::Unauthorized.into());
        }
        templates::entity(&body).ok_or(Outcome::Malformed)?;
        let arrived = Arrived { custom_id: custom_id.clone(), body: body.into(), at: Timestamp::now() };
        match self.intake.add(arrived).await {
            Ok(true) => {
                self.arrived.notify_one();
                Ok(Outcome::Accepted)
            }
            Ok(false) => Ok(Outcome::Duplicate),
            // Why, the log has said already.
            Err(_) => Err(Refused { outcome: Outcome::NotStored, retry_after: Some(STORE_RETRY_AFTER) }),
        }
    }

    async fn body(&self, request: Request) -> Result<Bytes, Outcome> {
        if request.body().size_hint().lower() > MAX_BODY_BYTES as u64 {
            return Err(Outcome::TooLarge);
        }
        match tokio::time::timeout(self.time_limit, Bytes::from_request(request, &())).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(Outcome::TooLarge),
            Ok(Err(_)) => Err(Outcome::Malformed),
            Err(_) => Err(Outcome::TooSlow),
        }
    }
}

/// The receiver's one address. It keeps its own limits of size and time.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(receiver: Arc<Receiver>) -> Router<S> {
    let method = post(receive).fallback(async || {
        let refusal = answer(StatusCode::METHOD_NOT_ALLOWED, "call-outs are posted");
        ([(header::ALLOW, HeaderValue::from_static("POST"))], refusal)
    });
    Router::new()
        .route("/callouts/tracktik/{key}", method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(Extension(receiver))
}

async fn receive(
    Extension(receiver): Extension<Arc<Receiver>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    key: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let subscription = key.ok().and_then(|Path(key)| receiver.by_key(&key));
    let result = match &subscription {
        Some(subscription) => receiver.receive(peer, subscription, request).await,
        None => Err(Outcome::UnknownKey.into()),
    };
    let (outcome, retry_after) = match result {
        Ok(outcome) => (outcome, None),
        Err(refused) => (refused.outcome, refused.retry_after),
    };
    receiver.counted.count(outcome);
    match outcome {
        Outcome::Accepted | Outcome::Duplicate | Outcome::UnknownKey => tracing::debug!(?outcome, "call-out"),
        _ => {
            let subscription = subscription.as_ref().map(|subscription| subscription.callouts.custom_id.as_str());
            tracing::warn!(?outcome, subscription, peer = %peer.0, "a call-out was refused");
        }
    }
    let mut response = outcome.into_response();
    if let Some(wait) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    response
}

struct Refused {
    outcome: Outcome,
    retry_after: Option<Duration>,
}

impl From<Outcome> for Refused {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, retry_after: None }
    }
}

impl IntoResponse for Outcome {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Self::Accepted | Self::Duplicate => return Json(json!({ "accepted": true })).into_response(),
            // As at any other address where there is nothing.
            Self::UnknownKey => return Refusal::nothing_here().into_response(),
            Self::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "too many call-outs"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "the signature is missing or wrong"),
            Self::UnsupportedType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "a call-out is JSON"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "a call-out has 1 MiB at most"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "the call-out took too long"),
            Self::Malformed => (StatusCode::BAD_REQUEST, "a call-out is one JSON object"),
            Self::NotStored => (StatusCode::SERVICE_UNAVAILABLE, "the call-out could not be stored"),
        };
        answer(status, error)
    }
}

fn answer(status: StatusCode, error: &'static str) -> Response {
    (status, Json(json!({ "accepted": false, "error": error }))).into_response()
}

fn digest(key: &Hmac<Sha256>, text: &str) -> Vec<u8> {
    let mut digest = key.clone();
    digest.update(text.as_bytes());
    digest.finalize().into_bytes().to_vec()
}

/// A header that is there twice is nobody's signature.
fn only_value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// `application/json`, or any type that ends in `+json`, with or without parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let media_type = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type == "application/json" || (media_type.contains('/') && media_type.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_recognised_by_its_media_type() {
        let is_json = |value: &'static str| {
            is_json(&HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(value))]))
        };
        for json in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.tracktik.v2020+json"] {
            assert!(is_json(json), "{json}");
        }
        for other in ["", "text/plain", "application/jsonp", "text/html; a=application/json", "+json"] {
            assert!(!is_json(other), "{other}");
        }
        assert!(!super::is_json(&HeaderMap::new()));
    }
}
