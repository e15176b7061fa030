//! Who is calling: the user behind the request's token. The token is read here, looked up, and goes no further.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::{Refusal, Shared};
use crate::store::User;

/// The signed-in user of a request, by its header.
pub(super) struct Caller(pub(super) User);

/// The same where the token may stand in the address: in the channel authorization alone, whose callers cannot do otherwise.
/// Proxies log addresses.
pub(super) struct SocketCaller(pub(super) User);

impl FromRequestParts<Shared> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refusal> {
        user(header_token(&parts.headers), shared).await.map(Self)
    }
}

impl FromRequestParts<Shared> for SocketCaller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refusal> {
        let token = header_token(&parts.headers).or_else(|| query_token(parts.uri.query().unwrap_or_default()));
        user(token, shared).await.map(Self)
    }
}

async fn user(token: Option<SecretString>, shared: &Shared) -> Result<User, Refusal> {
    let token = token.ok_or_else(|| Refusal::not_signed_in("The request carries no `authtoken`"))?;
    let user = shared.store.call(move |database| database.user_by_token(token.expose_secret(), Timestamp::now()));
    user.await?.ok_or_else(|| Refusal::not_signed_in("The token is not valid, or not any more"))
}

/// The header `authtoken`, as all calls have it.
pub(super) fn header_token(headers: &HeaderMap) -> Option<SecretString> {
    let value = headers.get("authtoken")?.to_str().ok()?;
    (!value.is_empty()).then(|| value.into())
}

/// The parameter `authToken`, as the channel authorization has it; its spelling differs between integrations.
fn query_token(query: &str) -> Option<SecretString> {
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    let value = parameters.find_map(|(name, value)| name.eq_ignore_ascii_case("authtoken").then_some(value))?;
    (!value.is_empty()).then(|| value.into_owned().into())
}
