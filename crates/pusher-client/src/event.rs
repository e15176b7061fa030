//! What the client tells its caller: events of channels, the life of the connection, its state. It must never
//! interpret what a channel's event carries beyond its JSON.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::presence::Member;

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
    /// There has been no connection for as long as [`crate::Options::unavailable_timeout`] says. The tries go on, and
    /// it stays so until one of them succeeds, or the server says not to come back.
    Unavailable,
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
        /// When the next attempt is made, from now; `None` when there is none.
        retry_in: Option<Duration>,
    },
    /// A channel is subscribed again, and what was sent in between is not known. It is told on the channel too, in its
    /// place among the events.
    Gap(Gap),
    /// The server has accepted a subscription, for the first time or again.
    Subscribed {
        /// The channel.
        channel: String,
    },
    /// A channel, or the user's sign-in, was refused. Reported once; asked again only by
    /// [`crate::Client::resubscribe`].
    AuthorizationFailed {
        /// The channel; [`crate::USER`] for the sign-in.
        channel: String,
        /// The HTTP status, when there was one.
        status: Option<u16>,
        /// What the server said.
        message: String,
    },
    /// A channel, the user's sign-in, or the new key of an encrypted channel is not there yet for a reason that may pass:
    /// no authorization could be had for now, or the server did not answer. It is tried again by itself.
    SubscriptionDelayed {
        /// The channel; [`crate::USER`] for the sign-in.
        channel: String,
        /// What is in the way.
        reason: String,
        /// When it is tried again, from now.
        retry_in: Duration,
    },
    /// The server reported an error on a living connection (`pusher:error`): 4301 when client events come too fast.
    ServerError {
        /// Its code, when it has one.
        code: Option<u16>,
        /// What it said.
        message: String,
        /// The channel, when the server names one.
        channel: Option<String>,
    },
    /// A frame could not be read; the connection lives on unless the frame was over the limit.
    Malformed {
        /// What is wrong with it. Never what it says.
        reason: String,
        /// Its length in bytes, when it was read at all.
        bytes: Option<usize>,
    },
    /// The machine was asleep, or its clock was set ahead. The connection is tested, or tried, at once.
    Slept {
        /// For about how long.
        about: Duration,
    },
    /// The reader was too slow: so many of these events are gone.
    Lagged(u64),
}

/// A time in which events of a channel may have been sent that never arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// The channel.
    pub channel: String,
    /// When the lost connection gave its last sign of life. What was on its way then may be missing too: who asks a server
    /// for what came since does well to ask for a little more.
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
    /// what came before. On presence channels the members are known now.
    Subscribed,
    /// What was sent between the events before and those behind this may be missing: the subscription was lost. Where it
    /// is there again, `Subscribed` follows; it does not where a server sends for a channel that it then never accepts.
    Gap(Gap),
    /// The subscription was refused, or the client has given up ([`State::Failed`]). It is asked for again only by
    /// [`crate::Client::resubscribe`]. Where a server complains without saying of what, it is a guess: `Subscribed` may
    /// follow.
    Refused {
        /// The HTTP status, when there was one.
        status: Option<u16>,
        /// What the server said.
        message: String,
    },
    /// The cache channel has no last event to give (Pusher: `pusher:cache_miss`).
    CacheMiss,
    /// Somebody has come to the presence channel.
    MemberAdded(Member),
    /// Somebody has left the presence channel.
    MemberRemoved(Member),
    /// How many connections are subscribed, when the application has that switched on.
    SubscriptionCount(u64),
    /// Users on the signed-in user's watchlist have come online, or have gone.
    Watchlist {
        /// Whether they are online now.
        online: bool,
        /// Who.
        users: Vec<String>,
    },
    /// An event on an encrypted channel that could not be opened.
    Undecryptable {
        /// The event's name.
        name: String,
        /// Why.
        reason: String,
    },
    /// The reader was too slow: so many events are gone, the oldest first.
    Lagged(u64),
}

impl Gap {
    /// A gap as the client would report it.
    pub fn new(channel: impl Into<String>, since: SystemTime, until: SystemTime) -> Self {
        Self { channel: channel.into(), since, until }
    }
}

impl ClientEvent {
    /// How much memory it takes, roughly.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Connected { socket_id: text }
                | Self::Lost { reason: text, .. }
                | Self::Subscribed { channel: text }
                | Self::Malformed { reason: text, .. } => text.len(),
                Self::Gap(gap) => gap.channel.len(),
                Self::AuthorizationFailed { channel, message, .. }
                | Self::SubscriptionDelayed { channel, reason: message, .. } => channel.len() + message.len(),
                Self::ServerError { message, channel, .. } => message.len() + channel.as_ref().map_or(0, String::len),
                Self::Slept { .. } | Self::Lagged(_) => 0,
            }
    }
}

impl ChannelEvent {
    /// How much memory it takes, roughly.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Event(event) => event.weight(),
                Self::Gap(gap) => gap.channel.len(),
                Self::Refused { message, .. } => message.len(),
                Self::MemberAdded(member) | Self::MemberRemoved(member) => member.weight(),
                Self::Watchlist { users, .. } => users.iter().map(|user| size_of::<String>() + user.len()).sum(),
                Self::Undecryptable { name, reason } => name.len() + reason.len(),
                Self::Subscribed | Self::CacheMiss | Self::SubscriptionCount(_) | Self::Lagged(_) => 0,
            }
    }
}

/// An event published on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    // Shared with the channel's other events, which mostly have the same name.
    channel: Arc<str>,
    name: Arc<str>,
    user_id: Option<String>,
    data: String,
}

impl Event {
    /// An event as it would come over the wire with `data`.
    pub fn new(channel: impl Into<Arc<str>>, name: impl Into<Arc<str>>, data: impl Into<String>) -> Self {
        Self { channel: channel.into(), name: name.into(), user_id: None, data: data.into() }
    }

    /// The same event, sent by `user_id`.
    #[must_use]
    pub fn from_user(mut self, user_id: Option<String>) -> Self {
        self.user_id = user_id;
        self
    }

    /// The channel it was published on.
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who sent it, when the server vouches for that.
    pub fn user_id(&self) -> Option<&str> {
        self.user_id.as_deref()
    }

    /// The same event with other data.
    pub(crate) fn with_data(mut self, data: String) -> Self {
        self.data = data;
        self
    }

    /// The data as it came: the text of a string, the JSON of anything else, empty when there was none.
    pub fn raw(&self) -> &str {
        &self.data
    }

    /// The data as JSON, encoded once or twice; text that is no JSON is itself, no data is `null`.
    pub fn value(&self) -> Value {
        value(&self.data)
    }

    /// The data as `T`, read as [`Event::value`] reads it, but parsed once and with no `Value` in between.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        decode(&self.data)
    }

    /// How much memory it takes, roughly.
    pub(crate) fn weight(&self) -> usize {
        self.channel.len() + self.name.len() + self.data.len()
    }
}

/// See [`Event::value`].
pub(crate) fn value(data: &str) -> Value {
    decode(data).unwrap_or_else(|_| Value::String(data.into()))
}

fn decode<T: DeserializeOwned>(data: &str) -> Result<T, serde_json::Error> {
    if data.is_empty() {
        return serde_json::from_value(Value::Null);
    }
    if !data.trim_start().starts_with('"') {
        return json_or_text(data);
    }
    match serde_json::from_str::<String>(data) {
        // Some publishers encode twice. What is inside counts only when it is more than text: a JSON string that reads
        // "12" was meant as text.
        Ok(inner) if inner.trim_start().starts_with(['{', '[']) => json_or_text(&inner),
        Ok(inner) => serde_json::from_value(Value::String(inner)),
        Err(_) => serde_json::from_value(Value::String(data.into())),
    }
}

/// `text` as JSON; where it is none, as the text it is.
fn json_or_text<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text)
        .or_else(|error| if error.is_data() { Err(error) } else { serde_json::from_value(Value::String(text.into())) })
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
        let decode = |data| Event::new("c", "e", data).decode::<std::collections::BTreeMap<String, u8>>();
        for data in [r#"{"a":1}"#, r#""{\"a\":1}""#] {
            assert_eq!(decode(data).unwrap()["a"], 1, "{data}");
        }
        for data in ["[1]", "text", "", r#"{"a":"x"}"#] {
            assert!(decode(data).is_err(), "{data}");
        }
        assert_eq!(Event::new("c", "e", "no JSON").decode::<String>().unwrap(), "no JSON");
        assert_eq!(Event::new("c", "e", "12").decode::<u8>().unwrap(), 12);
        assert_eq!(Event::new("c", "e", "").decode::<Option<u8>>().unwrap(), None);
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
