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
    let value = event.value();
    // Reading into a type and reading as JSON must agree.
    match event.decode::<Value>() {
        Ok(decoded) => assert_eq!(decoded, value),
        Err(_) => assert_eq!(value, Value::String(event.raw().into())),
    }
    let _ = event.decode::<BTreeMap<String, Value>>();
    let _ = event.decode::<Option<u64>>();
    let _ = event.decode::<String>();
});
