//! What the client tells its caller: events of channels, the life of the connection, its state. It must never
//! interpret what a channel's event carries beyond its JSON.

use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The state of the connection, always the latest one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// A connection is being made.
    Connecting,
    /// The server has greeted us.
    Connected {
        /// The name the server gave this connection.
        socket_id: String,
    },
    /// The last connection or attempt failed; the next one follows.
    Waiting {
        /// How long the wait is, from when this state began.
        retry_in: Duration,
    },
    /// The server closed with a code that says not to come back (4000–4099), or the address given can not be one
    /// (code 0). It stays so: connect a new client once the cause is gone.
    Failed {
        /// The close code.
        code: u16,
        /// What the server said.
        reason: String,
    },
    /// The client was shut down.
    Closed,
}

/// What happens to the connection as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// The server has greeted us; subscriptions follow.
    Connected {
        /// The name the server gave this connection.
        socket_id: String,
    },
    /// A connection, or an attempt at one, has ended.
    Lost {
        /// The close code, when the server sent one.
        code: Option<u16>,
        /// What the server said, or what went wrong.
        reason: String,
    },
    /// A channel is subscribed again, and what was sent in between is not known.
    Gap(Gap),
    /// The server has accepted a subscription, for the first time or again.
    Subscribed {
        /// The channel.
        channel: String,
    },
    /// A private channel was refused. Reported once; asked again only by [`crate::Client::resubscribe`].
    AuthorizationFailed {
        /// The channel.
        channel: String,
        /// The HTTP status, when there was one.
        status: Option<u16>,
        /// What the server said.
        message: String,
    },
    /// The server reported an error on a living connection (`pusher:error`).
    ServerError {
        /// Its code, when it has one.
        code: Option<u16>,
        /// What it said.
        message: String,
    },
    /// A frame could not be read; the connection lives on unless the frame was over the limit.
    Malformed {
        /// What is wrong with it. Never what it says.
        reason: String,
        /// Its length in bytes, when it was read at all.
        bytes: Option<usize>,
    },
    /// The reader was too slow: so many of these events are gone.
    Lagged(u64),
}

/// A time in which events of a channel may have been sent that never arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The channel.
    pub channel: String,
    /// When the lost connection gave its last sign of life.
    pub since: SystemTime,
    /// When the channel was subscribed again.
    pub until: SystemTime,
}

/// What happens on one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelEvent {
    /// An event was published.
    Event(Event),
    /// The server has accepted the subscription, for the first time or again: whoever must not miss anything asks for
    /// what came before.
    Subscribed,
    /// The reader was too slow: so many events are gone, the oldest first.
    Lagged(u64),
}

/// An event published on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The channel it was published on.
    pub channel: String,
    /// Its name.
    pub name: String,
    /// Who sent it, when the server vouches for that.
    pub user_id: Option<String>,
    data: String,
}

impl Event {
    /// An event as it would come over the wire with `data`.
    pub fn new(channel: impl Into<String>, name: impl Into<String>, data: impl Into<String>) -> Self {
        Self { channel: channel.into(), name: name.into(), user_id: None, data: data.into() }
    }

    /// The same event, sent by `user_id`.
    #[must_use]
    pub fn from_user(mut self, user_id: Option<String>) -> Self {
        self.user_id = user_id;
        self
    }

    /// The data as it came: the text of a string, the JSON of anything else, empty when there was none.
    pub fn raw(&self) -> &str {
        &self.data
    }

    /// The data as JSON, encoded once or twice; text that is no JSON is itself, no data is `null`.
    pub fn value(&self) -> Value {
        if self.data.is_empty() {
            return Value::Null;
        }
        match serde_json::from_str(&self.data) {
            // Some publishers encode twice. What is inside counts only when it is more than text: a JSON string
            // that reads "12" was meant as text.
            Ok(Value::String(text)) => match serde_json::from_str(&text) {
                Ok(inner @ (Value::Object(_) | Value::Array(_))) => inner,
                _ => Value::String(text),
            },
            Ok(value) => value,
            Err(_) => Value::String(self.data.clone()),
        }
    }

    /// The data as `T`, by way of [`Event::value`].
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_value(self.value())
    }

    /// How much memory it takes, roughly.
    pub(crate) fn weight(&self) -> usize {
        self.channel.len() + self.name.len() + self.data.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn data_is_read_however_it_was_encoded() {
        let table = [
            (r#"{"a":1}"#, json!({"a": 1})),
            ("hello", json!("hello")),
            ("\"hello\"", json!("hello")),
            (r#""{\"a\":1}""#, json!({"a": 1})),
            (r#""[1]""#, json!([1])),
            (r#""12""#, json!("12")),
            ("12", json!(12)),
            ("true", json!(true)),
            ("", Value::Null),
            ("{broken", json!("{broken")),
        ];
        for (raw, value) in table {
            assert_eq!(Event::new("c", "e", raw).value(), value, "{raw}");
            assert_eq!(Event::new("c", "e", raw).raw(), raw);
        }
    }

    #[test]
    fn data_decodes_into_the_callers_type() {
        let event = Event::new("c", "e", r#"{"a":1}"#);
        assert_eq!(event.decode::<std::collections::BTreeMap<String, u8>>().unwrap()["a"], 1);
        assert!(event.decode::<Vec<u8>>().is_err());
    }

    #[test]
    fn nesting_without_end_is_text_and_no_crash() {
        let deep = "[".repeat(100_000);
        assert_eq!(Event::new("c", "e", deep.clone()).value(), Value::String(deep));
    }

    proptest! {
        #[test]
        fn any_object_survives_one_or_two_encodings(key in ".*", text in ".*", number in any::<i64>()) {
            let value = json!({ key: text, "n": number });
            let once = value.to_string();
            let twice = Value::String(once.clone()).to_string();
            prop_assert_eq!(Event::new("c", "e", once).value(), value.clone());
            prop_assert_eq!(Event::new("c", "e", twice).value(), value);
        }
    }
}
