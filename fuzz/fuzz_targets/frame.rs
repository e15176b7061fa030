//! Any text is a Pusher frame or a reason, and whatever a frame carries can be read in every way that there is.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use pusher_client::{ChannelKind, Event, frame::Frame};
use serde_json::Value;

fuzz_target!(|text: &str| {
    let Ok(frame) = Frame::decode(text) else { return };
    let _ = frame.is_internal();
    let user = frame.user_id.map(Into::into);
    let event = Event::new(frame.channel.unwrap_or_default(), frame.name, frame.data).from_user(user);
    let _ = ChannelKind::of(event.channel());
    assert_eq!(event.value(), meant(event.raw()), "{:?}", event.raw());
    let _ = event.decode::<BTreeMap<String, Value>>();
    let _ = event.decode::<Option<u64>>();
    let _ = event.decode::<String>();
});

/// What data is to be read as, in the words of the documentation: JSON encoded once or twice, where a JSON text within is
/// meant as one only when it is an object or a list.
fn meant(raw: &str) -> Value {
    if raw.is_empty() {
        return Value::Null;
    }
    match serde_json::from_str(raw) {
        Ok(Value::String(inner)) if inner.trim_start().starts_with(['{', '[']) => {
            serde_json::from_str(&inner).unwrap_or(Value::String(inner))
        }
        Ok(value) => value,
        Err(_) => Value::String(raw.to_owned()),
    }
}
