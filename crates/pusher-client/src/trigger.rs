//! Events that clients send (Pusher: *Client events*). It must never let through what a server would take amiss.

use std::future::Future;

use serde::Serialize;
use tokio::sync::{mpsc::UnboundedSender, oneshot};

use crate::{
    Error,
    channel::{self, ChannelKind},
    connection::Command,
    frame,
};

const PREFIX: &str = "client-";
/// The longest name and the most data that Pusher takes.
const LONGEST_NAME: usize = 200;
const MOST_DATA: usize = 10 << 10;

/// Asks for the event to be sent; the future tells what became of that.
pub(crate) fn trigger<T: Serialize>(
    commands: &UnboundedSender<Command>,
    channel: &str,
    name: &str,
    data: &T,
) -> Result<impl Future<Output = Result<(), Error>> + use<T>, Error> {
    let frame = checked(channel, name, data)?;
    let (reply, answer) = oneshot::channel();
    commands.send(Command::Trigger { channel: channel.into(), frame, reply }).map_err(|_| Error::Closed)?;
    Ok(async move { answer.await.map_err(|_| Error::Closed)? })
}

fn checked(channel: &str, name: &str, data: &impl Serialize) -> Result<String, Error> {
    let kind = channel::check(channel)?;
    if !matches!(kind, ChannelKind::Private | ChannelKind::Presence) {
        return Err(Error::NoClientEvents { channel: channel.into(), kind });
    }
    let invalid = |reason: String| Error::InvalidEvent { name: name.chars().take(LONGEST_NAME).collect(), reason };
    if !name.starts_with(PREFIX) {
        return Err(invalid(format!("its name must start with {PREFIX:?}")));
    }
    if name.len() > LONGEST_NAME {
        return Err(invalid(format!("its name is longer than {LONGEST_NAME} bytes")));
    }
    let data = serde_json::to_value(data).map_err(|error| invalid(format!("its data is no JSON: {error}")))?;
    let size = data.to_string().len();
    if size > MOST_DATA {
        return Err(invalid(format!("its data has {size} bytes, {MOST_DATA} are allowed")));
    }
    Ok(frame::client_event(channel, name, &data))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_event_is_sent_as_the_protocol_has_it() {
        let frame: Value = serde_json::from_str(&checked("private-a", "client-e", &json!({"n": 1})).unwrap()).unwrap();
        assert_eq!(frame, json!({"event": "client-e", "channel": "private-a", "data": {"n": 1}}));
        assert!(checked("presence-a", "client-e", &"text").is_ok());
    }

    #[test]
    fn what_a_server_would_not_take_is_refused_with_the_reason() {
        for channel in ["a", "cache-a", "private-encrypted-a"] {
            assert!(matches!(checked(channel, "client-e", &1), Err(Error::NoClientEvents { .. })), "{channel}");
        }
        for name in ["e", "", "pusher:e", &format!("client-{}", "e".repeat(200))] {
            assert!(matches!(checked("private-a", name, &1), Err(Error::InvalidEvent { .. })), "{name}");
        }
        let large = "x".repeat(MOST_DATA);
        assert!(matches!(checked("private-a", "client-e", &large), Err(Error::InvalidEvent { .. })));
        let no_json = std::collections::HashMap::from([(vec![1], 1)]);
        assert!(matches!(checked("private-a", "client-e", &no_json), Err(Error::InvalidEvent { .. })));
    }
}
