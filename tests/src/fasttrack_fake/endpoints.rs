//! The right answers, as the wire document has them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Request, State as Extract};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use serde_json::{Value, json};

use super::{BRAND, BRAND_ID, Call, Endpoint, Fault, Shared, State, USER_ID};

pub(super) fn router(state: Shared) -> Router {
    let part = |endpoint: Endpoint| {
        any(move |Extract(state): Extract<Shared>, Path(path): Path<HashMap<String, String>>, request: Request| {
            serve(state, endpoint, path, request)
        })
    };
    Router::new()
        .route("/api/v1/config/{brand}", part(Endpoint::Config))
        .route("/integration-api/Platform/LoginAuthToken", part(Endpoint::Login))
        .route("/integration-api/external/pusher/{brand}", part(Endpoint::Authorization))
        .route("/integration-api/Notifications/v2/user-notifications", part(Endpoint::List))
        .route("/integration-api/Notifications/v2/user-notification/{id}", part(Endpoint::One))
        .route("/integration-api/Notifications/MarkNotificationAsRead", part(Endpoint::MarkRead))
        .with_state(state)
}

async fn serve(state: Shared, endpoint: Endpoint, path: HashMap<String, String>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_else(|_| Bytes::new());
    let target = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let call = Call {
        endpoint,
        method: parts.method.to_string(),
        target: target.clone(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let fault = {
        let mut state = state.lock().expect("no handler panics");
        state.calls.push(call.clone());
        state.faults.get(&endpoint).cloned()
    };
    let _under_way = UnderWay::new(&state, endpoint);
    if matches!(fault, Some(Fault::Held)) {
        mended(&state, endpoint).await;
    }
    if let Some(fault) = fault
        && let Some(answer) = fault.answer(&target).await
    {
        return answer;
    }
    let mut state = state.lock().expect("no handler panics");
    match endpoint {
        Endpoint::Config => config(&state, path.get("brand"), &call),
        Endpoint::Login => login(&mut state, &call),
        Endpoint::Authorization => authorization(&state, &parts.method, &call),
        Endpoint::List => allowed(&state, &call).unwrap_or_else(|| list(&state, &call)),
        Endpoint::One => allowed(&state, &call).unwrap_or_else(|| one(&state, path.get("id"))),
        Endpoint::MarkRead => allowed(&state, &call).unwrap_or_else(|| mark_read(&mut state, &call)),
    }
}

/// A call that is being answered; it may be given up half-way.
struct UnderWay(Shared, Endpoint);

impl UnderWay {
    fn new(state: &Shared, endpoint: Endpoint) -> Self {
        let mut known = state.lock().expect("no handler panics");
        let load = known.loads.entry(endpoint).or_default();
        load.now += 1;
        load.most = load.most.max(load.now);
        Self(Arc::clone(state), endpoint)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(load) = self.0.lock().expect("no handler panics").loads.get_mut(&self.1) {
            load.now -= 1;
        }
    }
}

/// Waits until this part of the API is no longer held.
async fn mended(state: &Shared, endpoint: Endpoint) {
    let held = || matches!(state.lock().expect("no handler panics").faults.get(&endpoint), Some(Fault::Held));
    while held() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn config(state: &State, brand: Option<&String>, call: &Call) -> Response {
    if brand.map(String::as_str) != Some(BRAND) {
        return (StatusCode::NOT_FOUND, axum::Json(json!({"message": "no such brand"}))).into_response();
    }
    // The API is where the config was found: through a proxy that is another name.
    let own = state.address.to_string();
    let api = format!("http://{}/integration-api", call.headers.get("host").unwrap_or(&own));
    let (app, port) = &state.pusher;
    axum::Json(json!({
        "crmUrl": api, "fusionUrl": api, "prismaUrl": api,
        "pusherKey": app.key, "pusherRegion": "eu",
        "pusherHost": "127.0.0.1", "pusherPort": port, "pusherForceTls": false
    }))
    .into_response()
}

fn login(state: &mut State, call: &Call) -> Response {
    let sid = call.headers.get("authtoken").cloned().unwrap_or_default();
    if !state.sids.contains(&sid) {
        return axum::Json(json!({
            "Data": null, "Success": false,
            "Errors": [{"Message": "Session is not valid", "Error": "INVALID_SESSION", "ErrorCodeID": 12}]
        }))
        .into_response();
    }
    state.tokens_given += 1;
    let token = format!("token-{}-of-the-tests-do-not-leak", state.tokens_given);
    state.tokens.insert(token.clone());
    axum::Json(json!({
        "Data": {
            "JwtToken": "jwt-of-the-tests-do-not-leak",
            // The vendor's sample spells the key so.
            "Authentication": {"IsAuthenticated:": true, "AuthToken": token},
            "User": {
                "UserId": USER_ID, "BrandId": BRAND_ID, "IsTestUser": false,
                "Firstname": "Darth", "Lastname": "Vader"
            }
        },
        "Success": true, "Errors": null
    }))
    .into_response()
}

fn authorization(state: &State, method: &Method, call: &Call) -> Response {
    if *method == Method::POST && !state.post_authorization {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let query = call.target.split_once('?').map_or("", |(_, query)| query);
    let mut fields: HashMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    if *method == Method::POST {
        fields.extend(url::form_urlencoded::parse(call.body.as_bytes()).into_owned());
    }
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    if !state.tokens.contains(field("authToken")) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let channel = field("channel_name");
    if channel != format!("private-prisma-{BRAND_ID}-{USER_ID}") {
        return StatusCode::FORBIDDEN.into_response();
    }
    axum::Json(json!({"auth": state.pusher.0.authorization(field("socket_id"), channel)})).into_response()
}

/// The refusal of a call whose token is none of ours.
fn allowed(state: &State, call: &Call) -> Option<Response> {
    let token = call.headers.get("authtoken").map(String::as_str).unwrap_or_default();
    if state.tokens.contains(token) { None } else { Some(StatusCode::UNAUTHORIZED.into_response()) }
}

fn list(state: &State, call: &Call) -> Response {
    let unread_only = call.target.contains("unread-only=true");
    let messages: Vec<&Value> =
        state.messages.iter().filter(|message| !unread_only || message["IsRead"] != true).collect();
    axum::Json(json!({"Data": messages, "Success": true, "Errors": []})).into_response()
}

fn one(state: &State, id: Option<&String>) -> Response {
    let id = id.map(String::as_str).unwrap_or_default();
    match state.messages.iter().find(|message| same_id(&message["MessageId"], id)) {
        Some(message) => axum::Json(json!({"Data": message, "Success": true, "Errors": []})).into_response(),
        None => (StatusCode::NOT_FOUND, axum::Json(json!({"Data": null, "Success": false}))).into_response(),
    }
}

fn mark_read(state: &mut State, call: &Call) -> Response {
    let body: Value = serde_json::from_str(&call.body).unwrap_or_default();
    let id = body["MessageId"].to_string();
    let found = state.messages.iter_mut().find(|message| same_id(&message["MessageId"], id.trim_matches('"')));
    let Some(message) = found else {
        return axum::Json(json!({
            "Success": false, "Data": false,
            "Errors": [{"Message": "No such notification", "Error": "NOT_FOUND", "ErrorCodeID": 3}]
        }))
        .into_response();
    };
    message["IsRead"] = json!(true);
    axum::Json(json!({"Success": true, "Data": true, "Errors": []})).into_response()
}

fn same_id(value: &Value, id: &str) -> bool {
    // Numbers as they are written, strings without their quotes.
    let written = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    written == id
}
