//! [`Reply`]: a whole answer, and what can be said about it without knowing the call.
//!
//! It holds the address it came from, which may hold a token, so it has no `Debug` and gives hosts away only.

use std::time::{Duration, SystemTime};

use http_guard::{cleaned, retry_after};
use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use serde_json::Value;
use url::Url;

use crate::envelope;
use crate::error::Error;

/// Where a list goes on that does not end with this answer: a Traybell relay's addition, which Fast Track does not send.
const NEXT_CURSOR: HeaderName = HeaderName::from_static("next-cursor");
/// Longer ones are none, in bytes.
const LONGEST_CURSOR: usize = 100;

/// Longer waits than this are a mistake or malice.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// A whole answer of a server.
pub(crate) struct Reply {
    url: Url,
    pub(crate) status: u16,
    content_type: Option<String>,
    location: Option<String>,
    retry_after: Option<Duration>,
    /// The server's clock.
    pub(crate) date: Option<Timestamp>,
    /// What the next call of a list is to be made with.
    pub(crate) next_cursor: Option<String>,
    /// The body as text; bytes that are no UTF-8 are replaced, so that one of them does not cost the rest.
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn new(url: Url, status: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let header = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let date = header(DATE).and_then(|date| httpdate::parse_http_date(&date).ok());
        Self {
            status,
            content_type: header(CONTENT_TYPE).map(|kind| cleaned(&kind)).filter(|kind| !kind.is_empty()),
            location: header(LOCATION).filter(|_| (300..400).contains(&status)),
            retry_after: header(RETRY_AFTER)
                .and_then(|text| retry_after(&text, date.unwrap_or_else(SystemTime::now), LONGEST_WAIT))
                .filter(|_| matches!(status, 408 | 429 | 500..)),
            next_cursor: header(NEXT_CURSOR).filter(|cursor| (1..=LONGEST_CURSOR).contains(&cursor.len())),
            date: date.and_then(|date| Timestamp::try_from(date).ok()),
            text: String::from_utf8_lossy(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)).into_owned(),
            url,
        }
    }

    /// Where it redirects to, if it does.
    pub(crate) fn redirect_target(&self) -> Option<Url> {
        self.url.join(self.location.as_deref()?).ok()
    }

    /// Itself, unless it is an error or a redirect.
    pub(crate) fn accepted(&self) -> Result<&Self, Error> {
        if let Some(target) = self.redirect_target() {
            let to_host = target.host_str().map_or_else(|| "an address without a host".to_owned(), cleaned);
            return Err(Error::Redirected { to_host });
        }
        if (200..300).contains(&self.status) { Ok(self) } else { Err(self.failure()) }
    }

    /// The error this answer is.
    pub(crate) fn failure(&self) -> Error {
        Error::Status { status: self.status, message: self.message(), retry_after: self.retry_after }
    }

    /// What the server said went wrong; the status's own name where it said nothing readable.
    pub(crate) fn message(&self) -> String {
        let said = envelope::complaint(&self.text).map(|said| cleaned(&said)).filter(|said| !said.is_empty());
        said.unwrap_or_else(|| {
            let name = StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
            name.unwrap_or("no reason given").to_owned()
        })
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<Value, Error> {
        envelope::value(&self.text).ok_or_else(|| self.not_json())
    }

    pub(crate) fn not_json(&self) -> Error {
        Error::NotJson { content_type: self.content_type.clone() }
    }
}

/// Whether a status says no to what was asked, for good. Not the ones that are about the session (401, 403: the caller's
/// business), the way to the server (407, 421, 3xx), its load (408, 425, 429) or its health (5xx).
pub(crate) fn is_final_no(status: u16) -> bool {
    matches!(status, 400..500) && !matches!(status, 401 | 403 | 407 | 408 | 421 | 425 | 429)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn reply(status: u16, headers: &[(HeaderName, &'static str)], body: &str) -> Reply {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        Reply::new(
            Url::parse("https://h.example/a/b?authToken=secret").expect("an address"),
            status,
            &headers,
            body.as_bytes(),
        )
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_never_above_an_hour() {
        let date = (DATE, "Wed, 21 Oct 2015 07:28:00 GMT");
        for (text, expected) in
            [("7", Some(7)), ("Wed, 21 Oct 2015 07:28:30 GMT", Some(30)), ("999999", Some(3600)), ("soon", None)]
        {
            let reply = reply(503, &[date.clone(), (RETRY_AFTER, text)], "");
            assert_eq!(reply.failure().retry_after(), expected.map(Duration::from_secs), "{text:?}");
        }
    }

    #[test]
    fn the_servers_clock_is_read_from_its_date() {
        let reply = reply(200, &[(DATE, "Wed, 21 Oct 2015 07:28:00 GMT")], "");
        assert_eq!(reply.date, "2015-10-21T07:28:00Z".parse().ok());
    }

    #[test]
    fn an_error_says_what_the_server_said_or_names_the_status() {
        for (body, expected) in [
            (r#"{"Success":false,"Errors":[{"Message":"no such\n user","Error":"x"}]}"#, "no such user"),
            (r#"{"Errors":[{"Error":"boom"}]}"#, "boom"),
            (r#"{"Errors":["plain"]}"#, "plain"),
            (r#"{"message":"from a gateway"}"#, "from a gateway"),
            ("<html>oops</html>", "Not Found"),
            ("", "Not Found"),
            ("[]", "Not Found"),
            (r#"{"Errors":[]}"#, "Not Found"),
        ] {
            assert_eq!(reply(404, &[], body).message(), expected, "{body}");
        }
        let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(10_000));
        assert_eq!(reply(404, &[], &long).message().chars().count(), 200);
    }

    #[test]
    fn a_redirect_is_an_error_that_names_the_host_alone() {
        for (location, host) in [
            ("https://evil.example/x?authToken=secret", "evil.example"),
            ("//evil.example/", "evil.example"),
            ("/elsewhere", "h.example"),
            ("mailto:someone@example.com", "an address without a host"),
        ] {
            let error = reply(302, &[(LOCATION, location)], "").accepted().err();
            assert_eq!(error, Some(Error::Redirected { to_host: host.to_owned() }), "{location}");
        }
        let error = reply(304, &[], "").accepted().err();
        assert!(
            matches!(error, Some(Error::Status { status: 304, .. })),
            "without a Location it is a status: {error:?}"
        );
    }

    #[test]
    fn bytes_that_are_no_text_and_a_byte_order_mark_do_no_harm() {
        let url = Url::parse("https://h.example/").expect("an address");
        let reply = Reply::new(url, 200, &HeaderMap::new(), b"\xef\xbb\xbf{\"a\":\"\xff\"}");
        assert_eq!(reply.json().expect("JSON")["a"], "\u{fffd}");
    }
}
