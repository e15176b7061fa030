//! `Retry-After` (RFC 9110): how long a server asks to be left alone.

use std::time::{Duration, SystemTime};

/// Reads the header's value: seconds, or a date, which is compared with `now`. Longer waits than `longest` are that one.
/// `None` for what is neither.
pub fn retry_after(text: &str, now: SystemTime, longest: Duration) -> Option<Duration> {
    let text = text.trim();
    let asked = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        // More digits than fit are still a number.
        Err(_) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => longest,
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(asked.min(longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_seconds_or_a_date_and_never_too_long() {
        let now = httpdate::parse_http_date("Wed, 21 Oct 2015 07:28:00 GMT").expect("a date");
        for (text, expected) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("Wed, 21 Oct 2015 07:28:30 GMT", Some(30)),
            ("Wed, 21 Oct 2015 07:27:00 GMT", Some(0)),
            ("999999", Some(3600)),
            ("99999999999999999999999999", Some(3600)),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            let asked = retry_after(text, now, Duration::from_hours(1));
            assert_eq!(asked, expected.map(Duration::from_secs), "{text:?}");
        }
    }
}
