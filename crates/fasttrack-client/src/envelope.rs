//! The envelope around every answer: `{"Data":…,"Success":…,"Errors":…}`.
//!
//! What is inside stays text until it is asked for, so that one unreadable item costs only itself; half a surrogate
//! pair, which senders that cut texts by length leave behind, costs nothing at all.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::lenient;
use crate::reply::Reply;

/// An answer's envelope, read. A bare list or object without an envelope is its own data.
pub(crate) struct Envelope<'a> {
    data: Option<&'a RawValue>,
    success: Option<bool>,
}

impl<'a> Envelope<'a> {
    /// Reads the envelope of an accepted answer.
    ///
    /// # Errors
    /// [`Error::NotJson`]; [`Error::Shape`]; [`Error::Status`] when it says `Success: false`.
    pub(crate) fn read(reply: &'a Reply) -> Result<Self, Error> {
        let envelope = Self::open(reply)?;
        if envelope.success == Some(false) { Err(reply.failure()) } else { Ok(envelope) }
    }

    fn open(reply: &'a Reply) -> Result<Self, Error> {
        let whole: &RawValue = serde_json::from_str(&reply.text).map_err(|_| reply.not_json())?;
        if whole.get().starts_with('[') {
            return Ok(Self { data: Some(whole), success: None });
        }
        let fields: BTreeMap<Cow<'a, str>, &'a RawValue> =
            serde_json::from_str(whole.get()).map_err(|_| Error::shape("it is neither an object nor a list"))?;
        let enveloped = ["Data", "Success", "Errors"].iter().any(|name| fields.contains_key(*name));
        let field = |name: &str| fields.get(name).copied();
        Ok(Self {
            data: if enveloped { field("Data").filter(|data| data.get() != "null") } else { Some(whole) },
            success: field("Success").and_then(|raw| lenient::flag(value(raw.get()).as_ref())),
        })
    }

    /// The data, each element of a list for itself, `None` for an element that is no readable JSON. No data is an empty
    /// list.
    ///
    /// # Errors
    /// [`Error::Shape`] when the data is not a list.
    pub(crate) fn items(&self) -> Result<Vec<Option<Value>>, Error> {
        let Some(data) = self.data else { return Ok(Vec::new()) };
        let items: Vec<&RawValue> =
            serde_json::from_str(data.get()).map_err(|_| Error::shape("its data is not a list"))?;
        Ok(items.into_iter().map(|item| value(item.get())).collect())
    }

    /// The data as one value; `None` where there is none.
    ///
    /// # Errors
    /// [`Error::Shape`] when it is no readable JSON.
    pub(crate) fn one(&self) -> Result<Option<Value>, Error> {
        let Some(data) = self.data else { return Ok(None) };
        value(data.get()).map(Some).ok_or_else(|| Error::shape("its data cannot be read"))
    }
}

/// JSON as a value, with half surrogate pairs replaced. `None` for what is no JSON, and for nesting beyond any sense.
pub(crate) fn value(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&mended(text)?).ok())
}

/// What the answer says went wrong (Fast Track: `Errors: [{Message, Error, ErrorCodeID}]`; gateways: `message`, `error`).
pub(crate) fn complaint(text: &str) -> Option<String> {
    let answer = value(text)?;
    let first = match answer.get("Errors") {
        Some(Value::Array(errors)) => errors.first(),
        other => other,
    };
    let said = match first {
        Some(Value::Object(error)) => {
            lenient::filled(error.get("Message")).or_else(|| lenient::filled(error.get("Error")))
        }
        other => lenient::filled(other),
    };
    said.or_else(|| named(&answer))
}

fn named(answer: &Value) -> Option<String> {
    ["Message", "message", "Error", "error"].iter().find_map(|name| lenient::filled(answer.get(*name)))
}

/// The text with each `\uD83D` that lacks its other half replaced by `\uFFFD`; `None` when there is none.
fn mended(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut mended = String::new();
    let (mut kept, mut at) = (0, 0);
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        match unit(bytes, at) {
            Some(0xd800..=0xdbff) if matches!(unit(bytes, at + 6), Some(0xdc00..=0xdfff)) => at += 12,
            Some(0xd800..=0xdfff) => {
                mended.push_str(&text[kept..at]);
                mended.push_str("\\ufffd");
                at += 6;
                kept = at;
            }
            // Any other escape: the character after the backslash belongs to it.
            _ => at += 2,
        }
    }
    if kept == 0 {
        return None;
    }
    mended.push_str(&text[kept..]);
    Some(mended)
}

/// The UTF-16 unit of a `\uXXXX` escape that starts at `at`.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let escape = bytes.get(at..at + 6)?;
    let digits = escape.strip_prefix(b"\\u").filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reqwest::header::HeaderMap;
    use url::Url;

    fn reply(body: &str) -> Reply {
        Reply::new(Url::parse("https://h.example/").expect("an address"), 200, &HeaderMap::new(), body.as_bytes())
    }

    fn ids(body: &str) -> Result<Vec<Option<Value>>, Error> {
        let reply = reply(body);
        let envelope = Envelope::read(&reply)?;
        envelope.items()
    }

    #[test]
    fn a_list_is_found_in_its_envelope_and_without_one() {
        let one = Ok(vec![Some(Value::from(1))]);
        for (body, expected) in [
            (r#"{"Data":[1],"Success":true,"Errors":[]}"#, &one),
            (r#"{"Data":[1],"Success":"true","Errors":null}"#, &one),
            (r#" {"Data":[1]} "#, &one),
            ("[1]", &one),
            (r#"{"Data":null,"Success":true}"#, &Ok(vec![])),
            (r#"{"Success":true}"#, &Ok(vec![])),
            ("[]", &Ok(vec![])),
        ] {
            assert_eq!(ids(body), *expected, "{body}");
        }
    }

    #[test]
    fn what_is_no_list_is_an_error_of_its_kind() {
        assert!(matches!(ids("<html></html>"), Err(Error::NotJson { .. })));
        assert!(matches!(ids(""), Err(Error::NotJson { .. })));
        for body in ["5", "\"x\"", "null", r#"{"Data":5}"#, r#"{"Data":{}}"#, r#"{"other":1}"#] {
            assert!(matches!(ids(body), Err(Error::Shape { .. })), "{body}");
        }
        let error = ids(r#"{"Data":[1],"Success":false,"Errors":[{"Message":"no"}]}"#).expect_err("not a success");
        assert_eq!(error, Error::Status { status: 200, message: "no".to_owned(), retry_after: None });
    }

    #[test]
    fn one_unreadable_element_costs_only_itself() {
        let deep = "[".repeat(5_000) + &"]".repeat(5_000);
        let body = format!(r#"{{"Data":[1,{deep},1e999,"\ud83d cut",2],"Success":true}}"#);
        let items = ids(&body).expect("a list");
        assert_eq!(items, [Some(1.into()), None, None, Some("\u{fffd} cut".into()), Some(2.into())]);
    }

    #[test]
    fn half_surrogate_pairs_are_replaced_and_whole_ones_kept() {
        for (text, expected) in [
            (r#""\ud83d\ude00""#, "😀"),
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\ude00x""#, "\u{fffd}x"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\ud83d\n""#, "\u{fffd}\n"),
            (r#""\\ud83d\ud83d""#, "\\ud83d\u{fffd}"),
        ] {
            assert_eq!(value(text), Some(Value::from(expected)), "{text}");
        }
        assert_eq!(value("\"\\ud83"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_envelope_panic(text in r#"([\[\]{}",:]|\\u[dD][89a-fA-F][0-9a-f]{2}|\\|Data|Success|Errors|[0-9a-f]|.){0,60}"#) {
            let _ = ids(&text);
            let _ = complaint(&text);
            let _ = value(&text);
        }
    }
}
