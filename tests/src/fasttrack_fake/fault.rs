//! The ways in which a part of the API can misbehave.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;

/// How a part of the API misbehaves.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status with an empty answer.
    Status(u16),
    /// This status with `Retry-After` in seconds.
    Busy(u16, u64),
    /// `200`, said to be JSON, and is none.
    NotJson,
    /// `200` and a page of HTML, as a captive portal answers.
    Html,
    /// `200` and this many bytes of well-formed JSON.
    Large(usize),
    /// `200` and a body that never ends.
    Endless,
    /// `200` and this JSON, whatever the caller expects.
    Json(serde_json::Value),
    /// `307` to the same path on another server.
    RedirectTo(String),
    /// `200` and the beginning of an answer; then the connection is cut.
    Cut,
    /// The right answer, this much later.
    Slow(Duration),
    /// The right answer, once the part works again.
    Held,
}

impl Fault {
    /// The wrong answer; none when the right one is due after all.
    pub(crate) async fn answer(self, target: &str) -> Option<Response> {
        let json = [(header::CONTENT_TYPE, "application/json")];
        Some(match self {
            Self::Status(status) => code(status).into_response(),
            Self::Busy(status, seconds) => (code(status), [(header::RETRY_AFTER, seconds.to_string())]).into_response(),
            Self::NotJson => (json, "{\"Data\": [ this is not JSON").into_response(),
            Self::Html => (
                [(header::CONTENT_TYPE, "text/html")],
                "<!doctype html><title>Hotel Wi-Fi</title><p>Please accept our terms</p>",
            )
                .into_response(),
            Self::Large(bytes) => {
                let filler = "x".repeat(bytes);
                let body = format!(
                    "{{\"Data\":[{{\"MessageId\":1,\"Title\":\"large\",\"Message\":\"{filler}\"}}],\"Success\":true}}"
                );
                (json, body).into_response()
            }
            Self::Endless => {
                let chunk = axum::body::Bytes::from(vec![b' '; 64 * 1024]);
                let chunks = stream::repeat_with(move || Ok::<_, Infallible>(chunk.clone()));
                (json, Body::from_stream(chunks)).into_response()
            }
            Self::Json(value) => axum::Json(value).into_response(),
            Self::RedirectTo(base) => {
                (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, format!("{base}{target}"))]).into_response()
            }
            Self::Cut => {
                let beginning = Ok(axum::body::Bytes::from_static(b"{\"Data\":["));
                let cut = Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
                (json, Body::from_stream(stream::iter([beginning, cut]))).into_response()
            }
            Self::Slow(delay) => {
                tokio::time::sleep(delay).await;
                return None;
            }
            // Whoever serves has waited for it.
            Self::Held => return None,
        })
    }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).expect("tests name real status codes")
}
