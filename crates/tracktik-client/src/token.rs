//! [`Authority`]: logs in, keeps the token and renews it, for all callers together.
//!
//! It must never log in again after a log-in was rejected: 40 failed ones in two minutes block the address for two hours
//! (TrackTik support: API). It must never store a token or show it.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::ACCEPT;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::error::Error;
use crate::http::Http;
use crate::reply::opened;
use crate::scrub::error_without;

/// How long a token lives that does not say (`expires_in` may be missing; TrackTik support: API).
const USUAL_LIFE: Duration = Duration::from_hours(1);
/// No life is longer: a clock cannot hold all numbers.
const LONGEST_LIFE: Duration = Duration::from_hours(24 * 365);
/// How long before its end a token is renewed, at most: a call may take half a minute.
const MARGIN: Duration = Duration::from_mins(1);

/// What the log-in needs (TrackTik support: API; `grant_type=password`). Its `Debug` output shows no secret.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The OAuth client's id.
    pub client_id: String,
    /// The OAuth client's secret.
    pub client_secret: SecretString,
    /// The user's name.
    pub username: String,
    /// The user's password.
    pub password: SecretString,
}

/// A token to call with, and which one it was: so that ten calls refused with the same one renew it once.
pub(crate) struct Pass {
    pub(crate) access: SecretString,
    pub(crate) generation: u64,
}

struct Token {
    access: SecretString,
    refresh: Option<SecretString>,
    renew_at: Instant,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    generation: u64,
    /// For good.
    rejected: Option<Error>,
}

/// See the module.
pub(crate) struct Authority {
    http: Arc<Http>,
    url: Url,
    pub(crate) credentials: Credentials,
    state: Mutex<State>,
}

impl Authority {
    /// `url`: `https://{domain}/rest/oauth2/access_token`.
    pub(crate) fn new(http: Arc<Http>, url: Url, credentials: Credentials) -> Self {
        Self { http, url, credentials, state: Mutex::default() }
    }

    /// A token to call with; another than the `refused` one.
    pub(crate) async fn pass(self: &Arc<Self>, refused: Option<u64>) -> Result<Pass, Error> {
        let this = Arc::clone(self);
        // A task of its own: a caller that gives up must not take along the knowledge that the log-in was rejected.
        let outcome = tokio::spawn(async move { this.current_or_renewed(refused).await }).await;
        outcome.unwrap_or_else(|_| Err(Error::Unreachable { message: "the log-in was broken off".to_owned() }))
    }

    /// The lock is held over the network call on purpose: whoever comes meanwhile waits for its outcome.
    async fn current_or_renewed(&self, refused: Option<u64>) -> Result<Pass, Error> {
        let mut state = self.state.lock().await;
        if let Some(rejected) = &state.rejected {
            return Err(rejected.clone());
        }
        let generation = state.generation;
        if let Some(token) = state.token.as_ref().filter(|token| refused != Some(generation) && token.stands()) {
            return Ok(Pass { access: token.access.clone(), generation });
        }
        let refresh = state.token.as_ref().and_then(|token| token.refresh.clone());
        let token = match self.renewed(refresh).await {
            Ok(token) => token,
            Err(error) => {
                if matches!(error, Error::Rejected { .. }) {
                    tracing::error!("TrackTik refused the log-in; it is not tried again before a restart");
                    *state = State { rejected: Some(error.clone()), ..State::default() };
                }
                return Err(error);
            }
        };
        let access = token.access.clone();
        state.token = Some(token);
        state.generation += 1;
        Ok(Pass { access, generation: state.generation })
    }

    /// By the refresh token where there is one; by password where that has run out.
    async fn renewed(&self, refresh: Option<SecretString>) -> Result<Token, Error> {
        if let Some(refresh) = refresh {
            let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose_secret())];
            match self.asked(&form, &refresh).await {
                Err(Error::Rejected { .. }) => tracing::info!("TrackTik's refresh token has run out; logging in anew"),
                outcome => return outcome,
            }
        }
        let Credentials { username, password, .. } = &self.credentials;
        let form = [("grant_type", "password"), ("username", username), ("password", password.expose_secret())];
        self.asked(&form, password).await
    }

    async fn asked(&self, form: &[(&str, &str)], secret: &SecretString) -> Result<Token, Error> {
        let Credentials { client_id, client_secret, password, .. } = &self.credentials;
        let client = [("client_id", client_id.as_str()), ("client_secret", client_secret.expose_secret())];
        let form: Vec<_> = client.iter().chain(form).collect();
        let request = self.http.client.post(self.url.clone()).header(ACCEPT, "application/json").form(&form);
        let outcome = self.http.send(request).await.and_then(|reply| {
            if matches!(reply.status, 400 | 401 | 403) {
                return Err(Error::Rejected { message: reply.message() });
            }
            Token::from_json(opened(reply.accepted()?.json()?).0, Instant::now())
        });
        outcome.map_err(|error| error_without(error, &[client_secret, password, secret]))
    }
}

impl Token {
    fn from_json(value: Value, now: Instant) -> Result<Self, Error> {
        let Value::Object(mut map) = value else { return Err(Error::shape("a log-in without a token")) };
        let access = secret(&mut map, "access_token").ok_or_else(|| Error::shape("a log-in without a token"))?;
        let life = match map.get("expires_in") {
            Some(Value::Number(seconds)) => seconds.as_f64(),
            Some(Value::String(seconds)) => seconds.trim().parse().ok(),
            _ => None,
        };
        let life = life.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(USUAL_LIFE);
        let life = life.min(LONGEST_LIFE);
        let renew_at = now + life.saturating_sub(MARGIN.min(life / 10));
        Ok(Self { access, refresh: secret(&mut map, "refresh_token"), renew_at })
    }

    fn stands(&self) -> bool {
        Instant::now() < self.renew_at
    }
}

/// A text that is there and can be sent in a header.
fn secret(map: &mut Map<String, Value>, key: &str) -> Option<SecretString> {
    match map.remove(key)? {
        Value::String(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Some(SecretString::from(text))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test(start_paused = true)]
    async fn a_token_stands_until_shortly_before_its_end() {
        for (expires_in, stands_for) in [
            (json!(3600), 3540),
            (json!("3600"), 3540),
            (json!(null), 3540),
            (json!("soon"), 3540),
            (json!(-5), 3540),
            (json!(100), 90),
            (json!(0), 0),
            (json!(1e300), 3540),
        ] {
            let token = json!({"access_token": "a", "expires_in": expires_in});
            let token = Token::from_json(token, Instant::now()).expect("a token");
            tokio::time::advance(Duration::from_secs(stands_for).saturating_sub(Duration::from_millis(1))).await;
            assert_eq!(token.stands(), stands_for > 0, "{expires_in} shortly before");
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(!token.stands(), "{expires_in} then");
        }
    }

    #[test]
    fn an_answer_without_a_usable_token_is_no_log_in() {
        for answer in [json!([]), json!({}), json!({"access_token": ""}), json!({"access_token": "a\nb"})] {
            assert!(Token::from_json(answer.clone(), Instant::now()).is_err(), "{answer}");
        }
    }

    #[test]
    fn credentials_do_not_show_their_secrets() {
        let credentials = Credentials {
            client_id: "id".to_owned(),
            client_secret: SecretString::from("s3cret"),
            username: "user".to_owned(),
            password: SecretString::from("s3cret"),
        };
        assert!(!format!("{credentials:?}").contains("s3cret"));
    }
}
