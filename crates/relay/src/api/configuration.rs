//! `GET /api/v1/config/{brand}`: where the brand's API and channel server are. Open to everyone, as Fast Track's is.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde_json::json;
use url::Url;

use super::{Refusal, Shared, envelope::answer};

pub(super) async fn configuration(
    State(shared): State<Shared>,
    Path(brand): Path<String>,
) -> Result<Response, Refusal> {
    let known = shared.store.call(move |database| database.brand_exists(&brand)).await?;
    if !known {
        return Err(Refusal::not_found("There is no such brand on this relay"));
    }
    let api = format!("{}/integration-api", shared.own_url);
    let own = Url::parse(&shared.own_url).ok();
    let body = json!({
        "crmUrl": api,
        "fusionUrl": api,
        "prismaUrl": api,
        "pusherKey": shared.hub.signer.key(),
        // A client that knows clusters only has nowhere to go from here; ours reads the three below.
        "pusherRegion": "relay",
        "pusherHost": own.as_ref().and_then(Url::host_str),
        "pusherPort": own.as_ref().and_then(Url::port_or_known_default),
        "pusherForceTls": own.as_ref().is_some_and(|url| url.scheme() == "https"),
    });
    Ok(answer(StatusCode::OK, Json(body)))
}
