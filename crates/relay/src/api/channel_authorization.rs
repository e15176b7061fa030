//! `external/pusher/{brand}`: the signature that lets the caller's socket into the caller's own channel, and into no
//! other. POST with a form, as pusher-js sends it, or GET with a query, as the vendor's page has it.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, RawQuery, State, rejection::BytesRejection},
    http::StatusCode,
    response::Response,
};
use serde_json::json;

use super::{Refusal, Shared, caller::SocketCaller, envelope::answer};
use crate::channels::is_socket_id;

pub(super) async fn by_form(
    State(shared): State<Shared>,
    Path(brand): Path<String>,
    caller: SocketCaller,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let body = body.map_err(|rejection| Refusal::unreadable_body(rejection.status()))?;
    authorize(&shared, &brand, &caller, &body)
}

pub(super) async fn by_query(
    State(shared): State<Shared>,
    Path(brand): Path<String>,
    RawQuery(query): RawQuery,
    caller: SocketCaller,
) -> Result<Response, Refusal> {
    authorize(&shared, &brand, &caller, query.unwrap_or_default().as_bytes())
}

fn authorize(
    shared: &Shared,
    brand: &str,
    SocketCaller(user): &SocketCaller,
    parameters: &[u8],
) -> Result<Response, Refusal> {
    let parameter = |wanted: &str| {
        let mut all = url::form_urlencoded::parse(parameters);
        all.find_map(|(name, value)| (name == wanted).then_some(value))
            .ok_or_else(|| Refusal::bad_request(format!("`{wanted}` is missing")))
    };
    let (socket_id, channel) = (parameter("socket_id")?, parameter("channel_name")?);
    if !is_socket_id(&socket_id) {
        return Err(Refusal::bad_request("`socket_id` is not one: two numbers with a dot between"));
    }
    if brand != user.brand || channel != user.channel() {
        return Err(Refusal::forbidden("This channel is not the user's"));
    }
    let auth = shared.channels.signer().sign(&socket_id, &channel);
    Ok(answer(StatusCode::OK, Json(json!({ "auth": auth }))))
}
