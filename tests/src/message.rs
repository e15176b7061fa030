//! [`Message`]: a notification as the Fast Track API and the socket carry it, built by a test.

use serde_json::{Map, Value, json};

/// A notification on its way to the app. The Fast Track fake gives it its `MessageId`.
#[derive(Debug, Clone)]
pub struct Message {
    fields: Map<String, Value>,
}

impl Message {
    /// One of `event` (`message`, `shoutout`, `inbox`) with this title, sent now.
    pub fn new(event: &str, title: &str) -> Self {
        let fields = json!({
            "UserId": 123,
            "Event": event,
            "Title": title,
            "Message": format!("<p>Body of <b>{event}</b></p>"),
            "PreviewText": format!("Preview of {event}"),
            "FooterText": "",
            "Data": {},
            "DisplayType": "push",
            "CTAButtonLink": "",
            "CTAButtonText": "",
            "CTAButton2Link": "",
            "CTAButton2Text": "",
            "ImageUrl": "",
            "IsRead": false,
            "Date": wire_date(jiff::Timestamp::now()),
            "ActivityId": 11,
            "ActionGroupId": 22,
            "ActionId": 33,
            "TriggerHash": "c0ffee"
        });
        let Value::Object(fields) = fields else { unreachable!("written as an object") };
        Self { fields }
    }

    /// Sets any field, also to what it should never be.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(field.to_owned(), value.into());
        self
    }

    /// Its body.
    #[must_use]
    pub fn html(self, html: &str) -> Self {
        self.with("Message", html).with("PreviewText", "")
    }

    /// Its body and preview, for a notification.
    #[must_use]
    pub fn preview(self, text: &str) -> Self {
        self.with("PreviewText", text)
    }

    /// Without a native notification.
    #[must_use]
    pub fn silent(self) -> Self {
        self.with("DisplayType", "silent")
    }

    /// Read on the server already.
    #[must_use]
    pub fn read(self) -> Self {
        self.with("IsRead", true)
    }

    /// The first call to action.
    #[must_use]
    pub fn button(self, text: &str, link: &str) -> Self {
        self.with("CTAButtonText", text).with("CTAButtonLink", link)
    }

    /// Sent this many seconds ago.
    #[must_use]
    pub fn sent_ago(self, seconds: i64) -> Self {
        let then = jiff::Timestamp::now().saturating_sub(jiff::SignedDuration::from_secs(seconds));
        self.with("Date", wire_date(then.unwrap_or_default()))
    }

    /// Leaves the list this many seconds from now (in the past when negative).
    #[must_use]
    pub fn expires_in(self, seconds: i64) -> Self {
        let then = jiff::Timestamp::now().saturating_add(jiff::SignedDuration::from_secs(seconds));
        self.with("Expires", wire_date(then.unwrap_or_default()))
    }

    /// Its event.
    pub fn event(&self) -> &str {
        self.fields.get("Event").and_then(Value::as_str).unwrap_or("message")
    }

    /// As it stands on the wire, with this id.
    pub fn on_the_wire(&self, id: u64) -> Value {
        let mut fields = self.fields.clone();
        fields.entry("MessageId").or_insert_with(|| id.into());
        Value::Object(fields)
    }
}

/// `2023-02-01 23:42:35`, UTC without saying so.
fn wire_date(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
