//! [`Message`]: one notification as Traybell keeps it, already made safe for display, whatever the wire said.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What identifies a message on this account: the server's `MessageId` as text, or `local-{hash}` of the canonical
/// JSON where the server gave none. A string on every boundary to JavaScript.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(pub String);

impl MessageId {
    /// Whether the server knows this id, so that it can be marked read there.
    pub fn is_on_server(&self) -> bool {
        !self.0.starts_with("local-")
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The event a message came with. Unknown names are kept as [`Event::Other`] where the account allows them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Event {
    /// `message`: addressed to the user.
    Message,
    /// `shoutout`: to everybody.
    Shoutout,
    /// `inbox`: for the inbox of the site.
    Inbox,
    /// A name of the brand's own.
    Other(String),
}

impl Event {
    /// The name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Message => "message",
            Self::Shoutout => "shoutout",
            Self::Inbox => "inbox",
            Self::Other(name) => name,
        }
    }
}

impl From<String> for Event {
    fn from(name: String) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "message" => Self::Message,
            "shoutout" => Self::Shoutout,
            "inbox" => Self::Inbox,
            _ => Self::Other(name),
        }
    }
}

impl From<Event> for String {
    fn from(event: Event) -> Self {
        event.as_str().to_owned()
    }
}

/// A call-to-action button of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What stands on it: plain text.
    pub text: String,
    /// Where it leads, as the wire said; judged by [`crate::link`] when it is shown and again when it is opened.
    pub link: String,
}

/// One notification, as kept in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its identity on this account.
    pub id: MessageId,
    /// The event it came with.
    pub event: Event,
    /// Plain text.
    pub title: String,
    /// Plain text, one or two lines; made from the body where the wire has none.
    pub preview: String,
    /// Sanitised HTML.
    pub body_html: String,
    /// Sanitised HTML.
    pub footer_html: String,
    /// At most two, in the wire's order.
    pub buttons: Vec<Button>,
    /// The picture's address, as the wire said; fetched by the core only.
    pub image_url: Option<String>,
    /// No native notification: list and badge only.
    pub silent: bool,
    /// Read on the server or here.
    pub read: bool,
    /// When it was sent, or received where the date cannot be read.
    pub date: Timestamp,
    /// After this it is neither alerted nor listed.
    pub expires: Option<Timestamp>,
    /// The body was cut or missing on the wire and has to be fetched by id.
    pub incomplete: bool,
}

impl Message {
    /// Whether it is past its expiry at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}
