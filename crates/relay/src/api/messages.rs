//! `POST /api/messages`: another program sends a message to users and groups. `openapi.json` describes it.

use std::time::{Duration, Instant};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{self, DefaultBodyLimit, FromRequest as _, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Shared, problem::Problem};
use crate::{
    Button, Kind, NewMessage, Recipients,
    store::{Request, Sent},
};

const MAX_BODY_BYTES: usize = 512 * 1024;
/// Names in one request.
const MAX_NAMES: usize = 1000;
const MAX_HOURS: u32 = 24 * 366;
/// From the head of a request to the end of its body.
const BODY_LIMIT: Duration = Duration::from_secs(10);
const REPLAYED: &str = "idempotent-replayed";
const DESCRIPTION: &str = include_str!("openapi.json");

/// What is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Written {
    recipients: WrittenRecipients,
    title: String,
    #[serde(default)]
    preview: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    footer: String,
    #[serde(default)]
    event: Kind,
    #[serde(default)]
    silent: bool,
    #[serde(default)]
    buttons: Vec<WrittenButton>,
    image: Option<String>,
    #[serde(default)]
    data: Map<String, Value>,
    expires_at: Option<Timestamp>,
    expires_after_hours: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct WrittenRecipients {
    #[serde(default)]
    users: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct WrittenButton {
    text: String,
    link: String,
}

pub(super) fn router() -> Router<Shared> {
    let not_allowed = async || Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Messages are sent with POST");
    Router::new()
        .route("/api/messages", post(send).fallback(not_allowed))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .route("/api/openapi.json", get(async || ([(header::CONTENT_TYPE, "application/json")], DESCRIPTION)))
}

async fn send(State(shared): State<Shared>, request: extract::Request) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let token = bearer(&headers).ok_or_else(|| not_known("There is no token"))?;
    let name = shared.store.call(move |database| database.api_token(token.expose_secret())).await?;
    let token = name.ok_or_else(|| not_known("The token is not one of this relay's, or was removed"))?;
    shared
        .limits
        .requests
        .admit(token.clone(), Instant::now())
        .map_err(|wait| Problem::too_many("This token has sent too many messages in this minute", wait))?;
    let key = idempotency_key(&headers)?;
    if !is_json(&headers) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The body is JSON: Content-Type: application/json",
        ));
    }
    // Only who may send is listened to, and not for ever.
    let body = tokio::time::timeout(BODY_LIMIT, Bytes::from_request(request, &())).await;
    let body = body.map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "The body took too long"))?;
    let body = body.map_err(|rejection| {
        Problem::new(rejection.status(), "The body was not received whole, or has over 512 KiB")
    })?;
    let (recipients, message) = read(&body)?;
    let request = Request { token, key, body: body.into(), recipients, message };
    let sent = shared.store.call(move |database| database.send_request(request, Timestamp::now())).await?;
    let (messages, before) = match sent {
        Sent::Now(messages) => {
            shared.stored.notify_one();
            (messages, false)
        }
        Sent::Before(messages) => (messages, true),
        Sent::OtherRequest => {
            let detail = "Another request had this Idempotency-Key; each request needs its own";
            return Err(Problem::new(StatusCode::CONFLICT, detail));
        }
        Sent::Nobody(missing) => {
            let detail = format!("Nothing was sent: there is no {}", missing.join(", no "));
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
        }
    };
    let messages: Vec<_> = messages.iter().map(|(user, id)| json!({ "user": user, "id": id })).collect();
    let mut response = (StatusCode::CREATED, Json(json!({ "messages": messages }))).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if before {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

fn not_known(what: &str) -> Problem {
    let detail = format!("{what}; expected is Authorization: Bearer TOKEN, with a token of `traybell-relay token add`");
    Problem::new(StatusCode::UNAUTHORIZED, detail)
}

fn bearer(headers: &HeaderMap) -> Option<SecretString> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()).then(|| token.trim().into())
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "Idempotency-Key is there twice"));
    }
    let key = value.to_str().ok().filter(|key| (1..=255).contains(&key.len()) && key.is_ascii());
    let refused = || Problem::new(StatusCode::BAD_REQUEST, "Idempotency-Key has 1 to 255 visible ASCII characters");
    key.map(|key| Some(key.to_owned())).ok_or_else(refused)
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

fn read(body: &[u8]) -> Result<(Recipients, NewMessage), Problem> {
    let refuse = |detail: String| Problem::new(StatusCode::BAD_REQUEST, detail);
    // serde would take an array of the fields in their order too.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(refuse("The body is not a JSON object".into()));
    }
    let written: Written = serde_json::from_slice(body).map_err(|error| refuse(format!("The body: {error}")))?;
    let WrittenRecipients { users, groups } = written.recipients;
    if users.is_empty() && groups.is_empty() {
        return Err(refuse("recipients: nobody is named; users or groups has at least one name".into()));
    }
    if users.len() + groups.len() > MAX_NAMES {
        return Err(refuse(format!("recipients: over {MAX_NAMES} names; a group holds any number of users")));
    }
    // What no name of ours holds, and PostgreSQL does not take in a text.
    if users.iter().chain(&groups).any(|name| name.contains('\0')) {
        return Err(refuse("recipients: a name holds a character that no name has".into()));
    }
    let expires = match (written.expires_at, written.expires_after_hours) {
        (Some(_), Some(_)) => return Err(refuse("expires_at or expires_after_hours, not both".into())),
        (Some(at), None) => Some(at),
        (None, Some(hours)) if (1..=MAX_HOURS).contains(&hours) => {
            let after = SignedDuration::try_from(Duration::from_hours(hours.into())).unwrap_or(SignedDuration::ZERO);
            Timestamp::now().checked_add(after).ok()
        }
        (None, Some(_)) => return Err(refuse("expires_after_hours is a number from 1 to 8784".into())),
        (None, None) => None,
    };
    let message = NewMessage {
        kind: written.event,
        title: written.title,
        body: written.body,
        preview: written.preview,
        footer: written.footer,
        data: written.data,
        silent: written.silent,
        buttons: written.buttons.into_iter().map(|WrittenButton { text, link }| Button { text, link }).collect(),
        image: written.image,
        read: false,
        date: None,
        expires,
    };
    message.check()?;
    Ok((Recipients { users, groups }, message))
}
