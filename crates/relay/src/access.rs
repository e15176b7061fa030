//! One line of the log, and one observation, for each request. The path never stands in either: call-out keys, tokens
//! and ids do stand in paths, so the route's template is named instead; nor does any header or body.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method},
    middleware::Next,
    response::Response,
};
use tracing::Instrument as _;

use crate::metrics::Metrics;

/// By which an answer is found again in the log. A client's own is not taken over.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(crate) async fn record(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let method = method_name(request.method());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("none", MatchedPath::as_str);
    let id = new_id();
    let mut response = next.run(request).instrument(tracing::info_span!("request", id)).await;
    let (status, took) = (response.status(), begin.elapsed());
    metrics.request(method, route, status, took);
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(request = id, method, route, status = status.as_u16(), milliseconds, "request");
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// A method is any word a client likes.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Without random numbers a request has no name; it is answered all the same.
fn new_id() -> String {
    getrandom::u64().map(|random| format!("{random:016x}")).unwrap_or_default()
}
