//! The text frames of protocol 7: those we send, built here alone, and those we read, leniently. No frame ever holds
//! anything of a client's but the name of the channel it asked for.

use axum::extract::ws::Utf8Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

/// Nothing that a client sends needs more: a subscription is some 300 bytes.
pub(super) const MAX_INCOMING_BYTES: usize = 16 * 1024;
/// Pusher's limit for a channel's name.
const MAX_CHANNEL_NAME: usize = 164;

/// What a client asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    Ping,
    Pong,
    Subscribe {
        channel: String,
        auth: Option<String>,
        channel_data: Option<String>,
    },
    Unsubscribe {
        channel: String,
    },
    /// `client-*`: one subscriber to the others.
    ClientEvent,
    /// A `pusher:` event this server has no use for, such as `pusher:signin`.
    Other,
}

#[derive(Deserialize)]
struct Frame {
    event: String,
    #[serde(default)]
    data: Value,
}

#[derive(Deserialize)]
struct Subscription {
    channel: String,
    auth: Option<String>,
    channel_data: Option<String>,
}

/// Reads a client's frame; the error says what is wrong with it.
pub(super) fn read(text: &str) -> Result<Request, &'static str> {
    let frame: Frame = serde_json::from_str(text).map_err(|_| "A frame is a JSON object with a text `event`")?;
    match frame.event.as_str() {
        "pusher:ping" => Ok(Request::Ping),
        "pusher:pong" => Ok(Request::Pong),
        "pusher:subscribe" => {
            let Subscription { channel, auth, channel_data } = subscription(frame.data)?;
            Ok(Request::Subscribe { channel, auth, channel_data })
        }
        "pusher:unsubscribe" => Ok(Request::Unsubscribe { channel: subscription(frame.data)?.channel }),
        name if name.starts_with("client-") => Ok(Request::ClientEvent),
        _ => Ok(Request::Other),
    }
}

/// Most clients send an object here, some the same object as text.
fn subscription(data: Value) -> Result<Subscription, &'static str> {
    let read = match data {
        Value::String(text) => serde_json::from_str(&text),
        value => serde_json::from_value(value),
    };
    read.map_err(|_| "`data` is an object with a text `channel`, and `auth` when subscribing")
}

/// Whether it can be the name of a private channel here; the error says why not.
pub(super) fn check_channel(name: &str) -> Result<(), &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-=@,.;".contains(&byte);
    if name.len() > MAX_CHANNEL_NAME || !name.bytes().all(allowed) {
        Err("A channel's name has at most 164 letters, digits and characters of _-=@,.;")
    } else if !name.starts_with("private-") || name.starts_with("private-encrypted-") {
        Err("This server has private channels only")
    } else {
        Ok(())
    }
}

pub(super) fn connection_established(socket_id: &str, activity_timeout_secs: u64) -> Utf8Bytes {
    with_data(
        "pusher:connection_established",
        None,
        &json!({ "socket_id": socket_id, "activity_timeout": activity_timeout_secs }),
    )
}

pub(super) fn subscription_succeeded(channel: &str) -> Utf8Bytes {
    with_data("pusher_internal:subscription_succeeded", Some(channel), &json!({}))
}

/// `pusher:error` carries its data as an object, alone of all.
pub(super) fn error(code: Option<u16>, message: &str) -> Utf8Bytes {
    json!({ "event": "pusher:error", "data": { "code": code, "message": message } }).to_string().into()
}

pub(super) fn ping() -> Utf8Bytes {
    with_data("pusher:ping", None, &json!({}))
}

pub(super) fn pong() -> Utf8Bytes {
    with_data("pusher:pong", None, &json!({}))
}

pub(super) fn event(channel: &str, name: &str, payload: &str) -> Utf8Bytes {
    json!({ "event": name, "channel": channel, "data": payload }).to_string().into()
}

fn with_data(event: &str, channel: Option<&str>, data: &Value) -> Utf8Bytes {
    let mut frame = json!({ "event": event, "data": data.to_string() });
    if let Some(channel) = channel {
        frame["channel"] = channel.into();
    }
    frame.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_is_read_from_an_object_and_from_text() {
        let expected = Request::Subscribe { channel: "private-a".into(), auth: Some("k:s".into()), channel_data: None };
        let object = r#"{"event":"pusher:subscribe","data":{"channel":"private-a","auth":"k:s"}}"#;
        let text = r#"{"event":"pusher:subscribe","data":"{\"channel\":\"private-a\",\"auth\":\"k:s\"}"}"#;
        assert_eq!(read(object).as_ref(), Ok(&expected));
        assert_eq!(read(text), Ok(expected));
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        let deep = "[".repeat(10_000);
        for text in ["", "null", "[]", "{}", r#"{"event":1}"#, r#"{"event":"pusher:subscribe"}"#, &deep] {
            assert!(read(text).is_err(), "{text:.40}");
        }
    }

    #[test]
    fn only_private_channels_with_a_sound_name_are_known() {
        assert!(check_channel("private-prisma-41-1001").is_ok());
        for name in ["", "news", "presence-a", "private-encrypted-a", "#server-to-user", "private-a b", "private-ä"] {
            assert!(check_channel(name).is_err(), "{name:?}");
        }
        assert!(check_channel(&format!("private-{}", "a".repeat(160))).is_err());
    }
}
