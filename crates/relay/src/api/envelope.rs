//! `{"Data":…,"Success":…,"Errors":…}`, in which every answer comes. What goes wrong inside is logged here and told to
//! the client as no more than that.

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

use crate::Error;

/// When to ask again while the database is away.
const DATABASE_AWAY: Duration = Duration::from_secs(10);

/// A success with its data.
pub(super) fn success(data: impl Serialize) -> Response {
    answer(StatusCode::OK, Json(json!({ "Data": data, "Success": true, "Errors": [] })))
}

/// An answer with a token or messages in it: no cache on the way may keep it.
pub(super) fn answer(status: StatusCode, body: impl IntoResponse) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A failure as the client is told of it.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    error: &'static str,
    message: String,
    retry_after: Option<Duration>,
}

impl Refusal {
    fn new(status: StatusCode, error: &'static str, message: impl Into<String>) -> Self {
        Self { status, error, message: message.into(), retry_after: None }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(super) fn not_signed_in(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "NotAuthenticated", message)
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", message)
    }

    pub(super) fn too_many(message: impl Into<String>, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message) }
    }

    /// For an address that leads nowhere.
    pub(crate) fn nothing_here() -> Self {
        Self::not_found("There is nothing at this address")
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "This address is called in another way")
    }

    pub(super) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "Timeout", "The request took too long")
    }

    /// For a body that could not be taken in, with the status its reader gave: too large, or broken off.
    pub(super) fn unreadable_body(status: StatusCode) -> Self {
        Self::new(status, "UnreadableBody", "The request's body is too large or incomplete")
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        tracing::error!(%error, "a request could not be answered");
        if error.is_passing() {
            let refusal = Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "Unavailable",
                "The relay's database does not answer as it should; try again",
            );
            return Self { retry_after: Some(DATABASE_AWAY), ..refusal };
        }
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal", "The relay could not answer; its log says why")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error = json!({ "Message": self.message, "Error": self.error, "ErrorCodeID": self.status.as_u16() });
        let mut response = answer(self.status, Json(json!({ "Data": null, "Success": false, "Errors": [error] })));
        if let Some(wait) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }
}
