//! What one text frame says, and the frames we send (Pusher protocol 7). It must never trust the other side: whatever
//! the bytes, the answer is a frame or a reason, and a reason never quotes the frame.

use std::{borrow::Cow, sync::Arc};

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    authorizer::{Authentication, Authorization},
    event::{self, Event},
};

/// The most of a server's message that is passed on, in characters.
const LONGEST_MESSAGE: usize = 500;

/// One frame from the server, as far as possible still in the text it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame<'a> {
    /// The event's name; those starting with `pusher:` and `pusher_internal:` belong to the protocol.
    pub name: Cow<'a, str>,
    /// The channel, when it concerns one.
    pub channel: Option<Cow<'a, str>>,
    /// Who sent it, when the server vouches for that.
    pub user_id: Option<Cow<'a, str>>,
    /// The text of a string, the JSON of anything else, empty when absent or `null`.
    pub data: Cow<'a, str>,
}

/// A frame as nearly all are: every part of it a string or absent. Read in one pass.
#[derive(Deserialize)]
struct Plain<'a> {
    #[serde(borrow)]
    event: Text<'a>,
    #[serde(borrow, default)]
    channel: Option<Text<'a>>,
    #[serde(borrow, default)]
    data: Option<Text<'a>>,
    #[serde(borrow, default)]
    user_id: Option<Text<'a>>,
}

/// serde borrows a `Cow` only where it stands alone, not in an `Option`.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A frame whose data or user may be any JSON.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    event: Text<'a>,
    #[serde(borrow, default)]
    channel: Option<Text<'a>>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    user_id: Option<&'a RawValue>,
}

impl<'a> Frame<'a> {
    /// Reads a text frame; the error says what is wrong, without quoting it.
    pub fn decode(text: &'a str) -> Result<Self, String> {
        if let Ok(Plain { event, channel, data, user_id }) = serde_json::from_str(text) {
            return Ok(Self {
                name: event.0,
                channel: channel.map(|text| text.0),
                user_id: user_id.map(|text| text.0),
                data: data.map(|text| text.0).unwrap_or_default(),
            });
        }
        let wire: Wire<'_> = serde_json::from_str(text).map_err(|error| {
            let what = if error.is_data() { "not a Pusher frame" } else { "not JSON" };
            format!("{what} (line {}, column {})", error.line(), error.column())
        })?;
        let data = wire.data.map(text_of).transpose()?.unwrap_or_default();
        let user_id = wire.user_id.map(text_of).transpose()?;
        Ok(Self { name: wire.event.0, channel: wire.channel.map(|text| text.0), user_id, data })
    }

    /// Whether the frame belongs to the protocol and not to a channel's readers.
    pub fn is_internal(&self) -> bool {
        self.name.starts_with("pusher:") || self.name.starts_with("pusher_internal:")
    }

    /// The event for the readers of `channel`, under a `name` that is equal to the frame's.
    pub(crate) fn into_event(self, channel: Arc<str>, name: Arc<str>) -> Event {
        Event::new(channel, name, self.data.into_owned()).from_user(self.user_id.map(Cow::into_owned))
    }

    /// Reads `data` as JSON, encoded once or twice.
    pub(crate) fn value(&self) -> Value {
        event::value(&self.data)
    }
}

/// What `pusher:connection_established` says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Greeting {
    pub(crate) socket_id: String,
    /// How many seconds of silence the server wants us to ping after.
    pub(crate) activity_timeout: Option<f64>,
}

impl Greeting {
    pub(crate) fn read(frame: &Frame<'_>) -> Option<Self> {
        let data = frame.value();
        let socket_id = data.get("socket_id")?.as_str().filter(|id| !id.is_empty() && id.len() <= 128)?.to_owned();
        let activity_timeout = data.get("activity_timeout").and_then(Value::as_f64);
        Some(Self { socket_id, activity_timeout })
    }
}

/// What `pusher:error` or `pusher:subscription_error` says: its code or status, and its message.
pub(crate) fn complaint(frame: &Frame<'_>) -> (Option<u16>, String) {
    let data = frame.value();
    let code = data.get("code").or_else(|| data.get("status")).and_then(|code| match code {
        Value::Number(number) => number.as_u64().and_then(|code| u16::try_from(code).ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    });
    let message = match &data {
        Value::String(text) => text.as_str(),
        data => data.get("message").or_else(|| data.get("error")).and_then(Value::as_str).unwrap_or("no message"),
    };
    (code, bounded(message))
}

/// A server's text, cut to what a person can read and a log can hold.
pub(crate) fn bounded(text: &str) -> String {
    text.chars().take(LONGEST_MESSAGE).collect()
}

pub(crate) fn subscribe(channel: &str, authorization: Option<&Authorization>) -> String {
    let mut data = json!({ "channel": channel });
    if let Some(Authorization { auth, channel_data, .. }) = authorization {
        data["auth"] = json!(auth);
        if let Some(channel_data) = channel_data {
            data["channel_data"] = json!(channel_data);
        }
    }
    json!({ "event": "pusher:subscribe", "data": data }).to_string()
}

pub(crate) fn unsubscribe(channel: &str) -> String {
    json!({ "event": "pusher:unsubscribe", "data": { "channel": channel } }).to_string()
}

pub(crate) fn sign_in(Authentication { auth, user_data }: &Authentication) -> String {
    json!({ "event": "pusher:signin", "data": { "auth": auth, "user_data": user_data } }).to_string()
}

pub(crate) fn client_event(channel: &str, name: &str, data: &Value) -> String {
    json!({ "event": name, "channel": channel, "data": data }).to_string()
}

pub(crate) fn ping() -> String {
    json!({ "event": "pusher:ping", "data": {} }).to_string()
}

pub(crate) fn pong() -> String {
    json!({ "event": "pusher:pong", "data": {} }).to_string()
}

fn text_of(raw: &RawValue) -> Result<Cow<'_, str>, String> {
    let raw = raw.get();
    if raw.starts_with('"') {
        // A string can be well-formed JSON and still no text: half of a surrogate pair.
        serde_json::from_str(raw).map(|Text(text)| text).map_err(|_| "a string that is no text".to_owned())
    } else {
        Ok(raw.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(text: &str) -> Frame<'_> {
        Frame::decode(text).unwrap()
    }

    #[test]
    fn an_event_is_read_with_all_it_has() {
        let frame = decoded(r#"{"event":"a","channel":"c","data":"{\"n\":1}","user_id":"u","more":[1]}"#);
        assert_eq!((frame.name.as_ref(), frame.channel.as_deref()), ("a", Some("c")));
        let event = frame.into_event("c".into(), "a".into());
        assert_eq!((event.value(), event.user_id()), (json!({"n": 1}), Some("u")));
    }

    #[test]
    fn data_may_be_absent_null_or_not_a_string() {
        assert_eq!(decoded(r#"{"event":"a"}"#).data, "");
        assert_eq!(decoded(r#"{"event":"a","data":null,"channel":null,"user_id":null}"#).data, "");
        assert_eq!(decoded(r#"{"event":"a","data":{"n":1}}"#).data, r#"{"n":1}"#);
        assert_eq!(decoded(r#"{"event":"a","data":5,"user_id":7}"#).user_id.as_deref(), Some("7"));
    }

    #[test]
    fn what_is_no_frame_is_refused_without_quoting_it() {
        for text in ["", "null", "[]", "5", "{", r#"{"event":"#, r#"{"event":["secret"]}"#, r#"{"data":"secret"}"#] {
            let reason = Frame::decode(text).unwrap_err();
            assert!(!reason.contains("secret"), "{reason}");
        }
        assert!(Frame::decode(r#"{"event":"a","channel":5}"#).is_err());
        assert!(Frame::decode(r#"{"event":"a","data":"\ud800"}"#).is_err());
    }

    #[test]
    fn a_greeting_is_read_encoded_or_not_and_without_activity_timeout() {
        let read = |text| Greeting::read(&decoded(text));
        let full = Greeting { socket_id: "1.2".into(), activity_timeout: Some(120.0) };
        let encoded = r#"{"event":"x","data":"{\"socket_id\":\"1.2\",\"activity_timeout\":120}"}"#;
        assert_eq!(read(encoded), Some(full.clone()));
        assert_eq!(read(r#"{"event":"x","data":{"socket_id":"1.2","activity_timeout":120}}"#), Some(full));
        assert_eq!(read(r#"{"event":"x","data":{"socket_id":"1.2"}}"#).unwrap().activity_timeout, None);
        assert_eq!(read(r#"{"event":"x","data":{"socket_id":""}}"#), None);
        assert_eq!(read(r#"{"event":"x","data":{"socket_id":12}}"#), None);
        assert_eq!(read(r#"{"event":"x"}"#), None);
    }

    #[test]
    fn a_complaint_keeps_its_code_and_a_bounded_message() {
        let read = |text| complaint(&decoded(text));
        assert_eq!(
            read(r#"{"event":"pusher:error","data":{"code":4301,"message":"slow down"}}"#),
            (Some(4301), "slow down".into())
        );
        assert_eq!(
            read(r#"{"event":"pusher:error","data":{"code":null,"message":null}}"#),
            (None, "no message".into())
        );
        assert_eq!(
            read(
                r#"{"event":"pusher:subscription_error","data":"{\"type\":\"AuthError\",\"error\":\"no\",\"status\":403}"}"#
            ),
            (Some(403), "no".into())
        );
        assert_eq!(read(r#"{"event":"pusher:error","data":{"code":"4009"}}"#).0, Some(4009));
        assert_eq!(read(r#"{"event":"pusher:error","data":{"code":99999999}}"#).0, None);
        let long = format!(r#"{{"event":"pusher:error","data":{{"message":"{}"}}}}"#, "é".repeat(10_000));
        assert_eq!(read(&long).1.chars().count(), LONGEST_MESSAGE);
    }

    #[test]
    fn a_subscription_carries_its_signature_only_when_there_is_one() {
        let signed = Authorization::new("k:s").with_channel_data("{}").with_shared_secret("hush");
        let read = |text: String| serde_json::from_str::<Value>(&text).unwrap();
        assert_eq!(
            read(subscribe("private-a", Some(&signed))),
            json!({"event":"pusher:subscribe","data":{"channel":"private-a","auth":"k:s","channel_data":"{}"}})
        );
        assert_eq!(read(subscribe("a", None)), json!({"event":"pusher:subscribe","data":{"channel":"a"}}));
    }

    proptest! {
        #[test]
        fn any_text_is_a_frame_or_a_reason(text in ".*") {
            let _ = Frame::decode(&text);
        }

        #[test]
        fn anything_that_looks_like_a_frame_is_a_frame_or_a_reason(
            event in "(\"[a-z:_\\\\]{0,8}\"|[0-9]{1,4}|null|\\{\\})",
            data in "(\".{0,20}\"|[\\[{]{0,20}|null|-?[0-9eE.]{0,8})",
        ) {
            let text = format!(r#"{{"event":{event},"data":{data}}}"#);
            if let Ok(frame) = Frame::decode(&text) {
                let _ = (Greeting::read(&frame), complaint(&frame), frame.value());
            }
        }

        #[test]
        fn what_a_publisher_sends_is_what_a_reader_gets(
            name in ".*", channel in ".*", data in ".*", user_id in proptest::option::of(".*"),
        ) {
            let text = json!({"event": name, "channel": channel, "data": data, "user_id": user_id}).to_string();
            let frame = decoded(&text);
            let (channel, user_id) = (Some(channel.into()), user_id.map(Cow::from));
            prop_assert_eq!(frame, Frame { name: name.into(), channel, user_id, data: data.into() });
        }
    }
}
