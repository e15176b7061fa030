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
use crate::ChannelServerPlace;

pub(super) async fn configuration(
    State(shared): State<Shared>,
    Path(brand): Path<String>,
) -> Result<Response, Refusal> {
    let known = shared.store.call(move |database| database.brand_exists(&brand)).await?;
    if !known {
        return Err(Refusal::not_found("There is no such brand on this relay"));
    }
    let api = format!("{}/integration-api", shared.own_url);
    let mut body = json!({
        "crmUrl": api,
        "fusionUrl": api,
        "prismaUrl": api,
        "pusherKey": shared.channels.signer().key(),
        // In the address it would stand in the logs of proxies.
        "tokenInHeader": true,
    });
    let own = Url::parse(&shared.own_url).ok();
    let address = match shared.channels.elsewhere() {
        Some(ChannelServerPlace::Cluster(cluster)) => {
            body["pusherRegion"] = cluster.as_str().into();
            return Ok(answer(StatusCode::OK, Json(body)));
        }
        Some(ChannelServerPlace::Address { desktops, .. }) => Some(desktops),
        None => own.as_ref(),
    };
    // A client that knows clusters only has nowhere to go from here; ours reads the three below.
    body["pusherRegion"] = "relay".into();
    body["pusherHost"] = json!(address.and_then(Url::host_str));
    body["pusherPort"] = json!(address.and_then(Url::port_or_known_default));
    body["pusherForceTls"] = address.is_some_and(|url| url.scheme() == "https").into();
    Ok(answer(StatusCode::OK, Json(body)))
}
