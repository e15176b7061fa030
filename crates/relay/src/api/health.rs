//! `GET /health/live` and `/health/ready`, for whatever watches over the relay. They say no more than that.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::Shared;
use crate::store::Database;

/// A database that takes longer is of no use to anybody.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

pub(super) fn router() -> Router<Shared> {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready))
}

/// The instance tells this relay's database from any other's, so that `doctor` knows whom it has reached.
async fn live(State(shared): State<Shared>) -> Response {
    said(StatusCode::OK, json!({ "ok": true, "instance": *shared.instance }))
}

/// Ready is a relay whose database answers and that has not been told to end.
async fn ready(State(shared): State<Shared>) -> Response {
    let answers = tokio::time::timeout(ANSWER_WITHIN, shared.store.call(Database::answers)).await;
    let ready = matches!(answers, Ok(Ok(()))) && !shared.stopping.is_cancelled();
    said(if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, json!({ "ok": ready }))
}

fn said(status: StatusCode, body: Value) -> Response {
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
