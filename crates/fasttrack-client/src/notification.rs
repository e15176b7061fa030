//! [`Notification`]: one notification as the wire says it, in the list and in a Pusher event alike.
//!
//! Reading defaults what is missing, empty or of another kind; it never changes a text: HTML is as hostile here as it
//! came, and is made safe by those who show it.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::date::read_date;
use crate::lenient;

/// Pusher cuts or refuses payloads above 10 KB (Pusher Channels: limits); just below it, nobody can tell whether a
/// body is whole.
const SUSPICIOUS_SIZE: usize = 9_500;

/// A call-to-action button: its text, and where it leads as the wire says it (not judged here).
pub type Button = (String, String);

/// One notification. Texts are raw: [`Notification::message`] and [`Notification::footer_text`] may hold hostile HTML.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// The server's identity of it. Without one it is kept here alone and cannot be marked read on the server.
    pub message_id: Option<String>,
    /// Whom it is for.
    pub user_id: Option<String>,
    /// `message`, `shoutout`, `inbox`, or a name of the operator's own; `message` where none is given.
    pub event: String,
    /// Plain text, possibly empty.
    pub title: String,
    /// The body: HTML, possibly empty.
    pub message: String,
    /// Plain text, possibly empty.
    pub preview_text: String,
    /// HTML, possibly empty.
    pub footer_text: String,
    /// Fields the campaign defines.
    pub data: Map<String, Value>,
    /// Listed, but never raised as a native notification.
    pub silent: bool,
    /// At most two, those with a link only.
    pub buttons: Vec<Button>,
    /// The picture's address, not judged here.
    pub image_url: Option<String>,
    /// Read on the server.
    pub is_read: bool,
    /// When it was sent; `None` where missing or unreadable.
    pub date: Option<Timestamp>,
    /// Not to be shown from then on.
    pub expires: Option<Timestamp>,
    /// What brought it about, for the operator's own statistics.
    pub activity_id: Option<String>,
    /// The group of the action that sent it.
    pub action_group_id: Option<String>,
    /// The action that sent it.
    pub action_id: Option<String>,
    /// The trigger's mark.
    pub trigger_hash: Option<String>,
    /// The object as it came.
    pub raw: Value,
}

impl Notification {
    /// Reads a notification from the object of the list or of a Pusher event.
    ///
    /// # Errors
    /// The reason, when it is no object or holds neither an id nor anything to show.
    pub fn read(value: &Value) -> Result<Self, String> {
        let object = value.as_object().ok_or_else(|| format!("it is {} and not an object", kind(value)))?;
        let field = |name: &str| object.get(name);
        let text = |name: &str| lenient::text(field(name)).unwrap_or_default();
        let date = |name: &str| lenient::filled(field(name)).and_then(|text| read_date(&text));

        let notification = Self {
            message_id: lenient::id(field("MessageId")),
            user_id: lenient::id(field("UserId")),
            event: event_name(lenient::filled(field("Event"))),
            title: text("Title"),
            message: text("Message"),
            preview_text: text("PreviewText"),
            footer_text: text("FooterText"),
            data: lenient::object(field("Data")).unwrap_or_default(),
            silent: lenient::filled(field("DisplayType")).is_some_and(|kind| kind.eq_ignore_ascii_case("silent")),
            buttons: [("CTAButtonText", "CTAButtonLink"), ("CTAButton2Text", "CTAButton2Link")]
                .into_iter()
                .filter_map(|(text, link)| button(field(text), field(link)))
                .collect(),
            image_url: lenient::filled(field("ImageUrl")),
            is_read: lenient::flag(field("IsRead")).unwrap_or(false),
            date: date("Date"),
            expires: date("Expires"),
            activity_id: lenient::id(field("ActivityId")),
            action_group_id: lenient::id(field("ActionGroupId")),
            action_id: lenient::id(field("ActionId")),
            trigger_hash: lenient::filled(field("TriggerHash")),
            raw: value.clone(),
        };
        if notification.message_id.is_none() && !notification.has_something_to_show() {
            return Err("it has neither an id nor anything to show".to_owned());
        }
        Ok(notification)
    }

    /// Whether a Pusher event may hold less than the whole body, so that it is worth fetching by id: no body at all, a
    /// body that breaks off inside a tag, or a payload at the size where Pusher's limit cuts.
    pub fn body_missing_or_cut(&self) -> bool {
        self.message.trim().is_empty() || breaks_off(&self.message) || self.raw_size() >= SUSPICIOUS_SIZE
    }

    fn has_something_to_show(&self) -> bool {
        [&self.title, &self.message, &self.preview_text, &self.footer_text].iter().any(|text| !text.trim().is_empty())
            || !self.buttons.is_empty()
            || self.image_url.is_some()
    }

    fn raw_size(&self) -> usize {
        // A JSON value of strings, numbers and maps with string keys can always be written.
        serde_json::to_vec(&self.raw).map_or(0, |bytes| bytes.len())
    }
}

/// The vendor's three names in one spelling, others as they are.
fn event_name(name: Option<String>) -> String {
    let name = name.unwrap_or_else(|| "message".to_owned());
    ["message", "shoutout", "inbox"]
        .into_iter()
        .find(|known| name.eq_ignore_ascii_case(known))
        .map_or(name, str::to_owned)
}

fn button(text: Option<&Value>, link: Option<&Value>) -> Option<Button> {
    let link = lenient::filled(link)?;
    // A button has to be readable; the host is no better a name than this.
    Some((lenient::filled(text).unwrap_or_else(|| "Open".to_owned()), link))
}

/// Whether the last tag was opened and not closed.
fn breaks_off(html: &str) -> bool {
    let Some(opened) = html.rfind('<') else { return false };
    let tag = &html[opened + 1..];
    let is_tag = tag.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!') || tag.is_empty();
    is_tag && !tag.contains('>')
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a flag",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
