//! `GET /health/live` and `/health/ready`, for whatever watches over the relay. They say no more than that.

use std::time::{Duration, Instant};

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
const ASKED_EVERY: Duration = Duration::from_secs(1);

pub(super) fn router() -> Router<Shared> {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready))
}

/// The instance tells this relay's database from any other's, so that `doctor` knows whom it has reached.
async fn live(State(shared): State<Shared>) -> Response {
    said(StatusCode::OK, json!({ "ok": true, "instance": *shared.instance }))
}

/// Ready is a relay that can store what comes and has not been told to end. However often it is asked, the database is not
/// asked more often than every second.
async fn ready(State(shared): State<Shared>) -> Response {
    let stores = tokio::time::timeout(ANSWER_WITHIN, async {
        let mut last = shared.last_ready.lock().await;
        match *last {
            Some((at, stores)) if at.elapsed() < ASKED_EVERY => stores,
            _ => {
                let stores = shared.store.call(Database::can_store).await.is_ok();
                *last = Some((Instant::now(), stores));
                stores
            }
        }
    });
    let ready = stores.await.unwrap_or(false) && !shared.stopping.is_cancelled();
    said(if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, json!({ "ok": ready }))
}

fn said(status: StatusCode, body: Value) -> Response {
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
