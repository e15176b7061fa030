//! `POST Platform/LoginAuthToken`: from a session id to a token and who the user is; from a pairing code to a session id
//! too. A wrong session id and an expired
//! one are answered alike.

use std::time::Instant;

use axum::{
    Json,
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::json;

use super::{Refusal, Shared, caller::header_token, envelope::answer};
use crate::{listen::Peer, rate::source};

pub(super) async fn log_in(
    State(shared): State<Shared>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let sid = header_token(&headers).ok_or_else(|| Refusal::not_signed_in("The request carries no `authtoken`"))?;
    let client = source(shared.proxies.client(peer.0.ip(), &headers));
    let refused_before = shared.limits.refused_log_ins.check(client, Instant::now());
    refused_before.map_err(|wait| Refusal::too_many("Too many refused log-ins; wait a minute", wait))?;
    let lifetime = shared.token_lifetime;
    let logged_in = shared.store.call(move |database| {
        let now = Timestamp::now();
        if let Some((user, token)) = database.log_in(sid.expose_secret(), lifetime, now)? {
            return Ok(Some((user, token, None)));
        }
        // In the place of a session id stands a pairing code, or nothing that is any good.
        let Some((_, given)) = database.pair(sid.expose_secret(), now)? else { return Ok(None) };
        Ok(database.log_in(&given, lifetime, now)?.map(|(user, token)| (user, token, Some(given))))
    });
    let Some((user, token, given)) = logged_in.await? else {
        // Whether it was the last one that is allowed makes no difference to this one.
        let _ = shared.limits.refused_log_ins.admit(client, Instant::now());
        shared.metrics.sign_in(false);
        return Err(Refusal::not_signed_in("The session id or pairing code is not valid, or has expired"));
    };
    shared.metrics.sign_in(true);
    tracing::info!(user = user.id, brand = user.brand, "logged in");
    let mut body = json!({
        "Data": {
            // The relay has no use for one; clients send `AuthToken`.
            "JwtToken": "",
            // The vendor's sample spells the key with a colon, integrations read it without.
            "Authentication": { "IsAuthenticated": true, "IsAuthenticated:": true, "AuthToken": token },
            "User": {
                "UserId": user.id,
                "BrandId": user.brand_id,
                "IsTestUser": false,
                "Firstname": user.first_name,
                "Lastname": user.last_name,
            },
        },
        "Success": true,
        "Errors": null,
    });
    if let Some(sid) = given {
        body["Data"]["Authentication"]["Sid"] = sid.into();
    }
    Ok(answer(StatusCode::OK, Json(body)))
}
