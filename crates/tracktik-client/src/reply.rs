//! [`Reply`]: a whole answer, and what can be said about it without knowing the call.
//!
//! It must never give away the address it came from, only the host a redirect points to.

use std::time::{Duration, SystemTime};

use http_guard::{cleaned, retry_after};
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use serde_json::{Map, Value};
use url::Url;

use crate::error::Error;

/// Longer than anybody waits, short enough for any clock.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// A whole answer of a server.
pub(crate) struct Reply {
    pub(crate) status: u16,
    to_host: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    /// Bytes that are no UTF-8 are replaced, so that one of them does not cost the rest.
    text: String,
}

impl Reply {
    pub(crate) fn new(url: &Url, status: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let header = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let now = header(DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or_else(SystemTime::now);
        let to_host = header(LOCATION).filter(|_| (300..400).contains(&status)).map(|location| {
            let target = url.join(location).ok();
            target.as_ref().and_then(Url::host_str).map_or_else(|| "an address without a host".to_owned(), cleaned)
        });
        Self {
            status,
            to_host,
            retry_after: header(RETRY_AFTER).and_then(|text| retry_after(text, now, LONGEST_WAIT)),
            text: String::from_utf8_lossy(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)).into_owned(),
        }
    }

    /// The size of its body.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Itself, unless it is an error or a redirect.
    pub(crate) fn accepted(self) -> Result<Self, Error> {
        if let Some(to_host) = self.to_host {
            return Err(Error::Redirected { to_host });
        }
        let message = self.message();
        Err(match self.status {
            200..300 => return Ok(self),
            400 | 409 | 422 => Error::Refused { message },
            401 => Error::Unauthorized { message },
            403 => Error::Forbidden { message },
            404 | 410 => Error::NotFound { message },
            429 => Error::RateLimited { retry_after: self.retry_after },
            // 504: a call of more than 30 s (TrackTik support: API).
            408 | 500.. => Error::Unreachable { message: format!("status {}: {message}", self.status) },
            status => Error::Status { status, message },
        })
    }

    /// What the server said went wrong: `error` of `{status, error}` (TrackTik support: API), or what gateways and
    /// OAuth servers say; the status's own name where there is nothing readable.
    pub(crate) fn message(&self) -> String {
        let said = serde_json::from_str(&self.text).ok().and_then(|body: Value| complaint(&body));
        said.map(|said| cleaned(&said)).filter(|said| !said.is_empty()).unwrap_or_else(|| {
            let name = StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
            name.unwrap_or("no reason given").to_owned()
        })
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<Value, Error> {
        serde_json::from_str(&self.text).map_err(|_| Error::shape("it is not JSON"))
    }
}

/// `{meta, data}` opened: what is inside, and the meta. A bare value is its own inside (TrackTik OpenAPI 2020-01-01
/// describes the bare ones, TrackTik's documentation the wrapped ones).
pub(crate) fn opened(value: Value) -> (Value, Map<String, Value>) {
    let wrapped = |map: &Map<String, Value>| {
        // A bare entity may have a field of this name.
        map.get("data")
            .is_some_and(|data| map.contains_key("meta") || (map.len() == 1 && (data.is_object() || data.is_array())))
    };
    match value {
        Value::Object(mut map) if wrapped(&map) => {
            let data = map.remove("data").unwrap_or_default();
            let meta = match map.remove("meta") {
                Some(Value::Object(meta)) => meta,
                _ => Map::new(),
            };
            (data, meta)
        }
        bare => (bare, Map::new()),
    }
}

/// The sentence in an error's body.
fn complaint(body: &Value) -> Option<String> {
    ["error_description", "error", "message", "detail"].into_iter().find_map(|key| match body.get(key)? {
        Value::String(said) => Some(said.clone()),
        inner @ Value::Object(_) => complaint(inner),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;
    use serde_json::json;

    fn reply(status: u16, headers: &[(HeaderName, &'static str)], body: &str) -> Reply {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        Reply::new(&Url::parse("https://h.example/a?b=secret").expect("an address"), status, &headers, body.as_bytes())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let date = (DATE, "Wed, 21 Oct 2015 07:28:00 GMT");
        for (text, expected) in
            [("7", Some(7)), ("Wed, 21 Oct 2015 07:28:30 GMT", Some(30)), ("999999", Some(86400)), ("soon", None)]
        {
            let reply = reply(429, &[date.clone(), (RETRY_AFTER, text)], "");
            assert_eq!(reply.retry_after, expected.map(Duration::from_secs), "{text:?}");
        }
    }

    #[test]
    fn an_error_says_what_tracktik_said_or_names_the_status() {
        for (body, expected) in [
            (r#"{"status":404,"error":"no such\n subscription"}"#, "no such subscription"),
            (r#"{"error":{"message":"inner"}}"#, "inner"),
            (r#"{"error":"invalid_grant","error_description":"wrong password"}"#, "wrong password"),
            ("<html>oops</html>", "Not Found"),
            ("", "Not Found"),
        ] {
            assert_eq!(reply(404, &[], body).message(), expected, "{body}");
        }
        let long = format!(r#"{{"error":"{}"}}"#, "x".repeat(10_000));
        assert_eq!(reply(404, &[], &long).message().chars().count(), 200);
    }

    #[test]
    fn each_status_becomes_the_error_one_can_act_on() {
        let error = |status| reply(status, &[], "{}").accepted().err();
        assert!(matches!(error(400), Some(Error::Refused { .. })));
        assert!(matches!(error(401), Some(Error::Unauthorized { .. })));
        assert!(matches!(error(403), Some(Error::Forbidden { .. })));
        assert!(matches!(error(404), Some(Error::NotFound { .. })));
        assert!(matches!(error(429), Some(Error::RateLimited { retry_after: None })));
        assert!(matches!(error(418), Some(Error::Status { status: 418, .. })));
        assert!(error(504).is_some_and(|error| error.is_passing()), "a gateway's time limit passes");
        assert_eq!(error(201), None);
    }

    #[test]
    fn a_redirect_is_an_error_that_names_the_host_alone() {
        for (location, host) in [("https://evil.example/x?t=secret", "evil.example"), ("/elsewhere", "h.example")] {
            let error = reply(302, &[(LOCATION, location)], "").accepted().err();
            assert_eq!(error, Some(Error::Redirected { to_host: host.to_owned() }), "{location}");
        }
    }

    #[test]
    fn an_envelope_is_opened_and_a_bare_value_is_itself() {
        assert_eq!(opened(json!({"meta": {"limit": 5}, "data": [1]})).0, json!([1]));
        assert_eq!(opened(json!([1])).0, json!([1]));
        assert_eq!(opened(json!({"data": {"id": 2}})).0, json!({"id": 2}));
        assert_eq!(opened(json!({"data": 2})).0, json!({"data": 2}), "what is inside an envelope is no number");
        assert_eq!(opened(json!({"meta": null, "data": 2, "new": 3})).0, json!(2));
        let entity = json!({"id": 1, "data": "a field of its own"});
        assert_eq!(opened(entity.clone()).0, entity, "an entity with a field named data is no envelope");
    }
}
