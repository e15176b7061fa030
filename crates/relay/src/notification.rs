//! A stored message as the object of the Fast Track wire: the same one in the list, by id, and on the channel. On the
//! channel alone it is cut when it would be over the size that Pusher carries.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::store::StoredMessage;

/// What one event may carry (`Pusher Channels: message size limit`).
pub(crate) const MAX_PUBLISHED_BYTES: usize = 10 * 1024;

/// The wire object (`Fast Track: Front-end notifications`).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Notification {
    message_id: i64,
    user_id: i64,
    event: &'static str,
    title: String,
    message: String,
    preview_text: String,
    footer_text: String,
    data: Map<String, Value>,
    display_type: &'static str,
    #[serde(rename = "CTAButtonText")]
    first_button_text: String,
    #[serde(rename = "CTAButtonLink")]
    first_button_link: String,
    #[serde(rename = "CTAButton2Text")]
    second_button_text: String,
    #[serde(rename = "CTAButton2Link")]
    second_button_link: String,
    image_url: String,
    is_read: bool,
    date: String,
    expires: Option<String>,
}

impl Notification {
    /// `own_url` is the relay's public address, put before pictures it serves itself: they stay reachable when the
    /// relay moves to another port.
    pub(crate) fn new(stored: StoredMessage, own_url: &str) -> Self {
        let StoredMessage { id, user_id, date, message, renewals: _ } = stored;
        let mut buttons = message.buttons.into_iter().map(|button| (button.text, button.link));
        let (first_button_text, first_button_link) = buttons.next().unwrap_or_default();
        let (second_button_text, second_button_link) = buttons.next().unwrap_or_default();
        Self {
            message_id: id,
            user_id,
            event: message.kind.name(),
            title: message.title,
            message: message.body,
            preview_text: message.preview,
            footer_text: message.footer,
            data: message.data,
            display_type: if message.silent { "silent" } else { "push" },
            first_button_text,
            first_button_link,
            second_button_text,
            second_button_link,
            image_url: match message.image {
                Some(path) if path.starts_with('/') => format!("{own_url}{path}"),
                Some(url) => url,
                None => String::new(),
            },
            is_read: message.read,
            date: wire_date(date),
            expires: message.expires.map(wire_date),
        }
    }

    /// Its size in a list, near enough to keep that list within bounds.
    pub(crate) fn weight(&self) -> usize {
        self.title.len() + self.message.len() + self.preview_text.len() + self.footer_text.len() + 1024
    }

    /// Takes the body out; a client that finds none asks for the message by its id.
    pub(crate) fn without_body(mut self) -> Self {
        self.message.clear();
        self
    }

    /// The channel event's payload, at most [`MAX_PUBLISHED_BYTES`] long. Over that the body goes first, then what
    /// else a list row does without; `MessageId`, title and buttons always stay.
    pub(crate) fn published(mut self) -> Result<String, serde_json::Error> {
        let cuts: [fn(&mut Self); 4] =
            [|it| it.message.clear(), |it| it.data.clear(), |it| it.footer_text.clear(), |it| it.preview_text.clear()];
        for cut in cuts {
            let payload = serde_json::to_string(&self)?;
            if payload.len() <= MAX_PUBLISHED_BYTES {
                return Ok(payload);
            }
            cut(&mut self);
        }
        serde_json::to_string(&self)
    }
}

/// `2023-02-01 23:42:35`, always UTC, without a zone.
fn wire_date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Button, NewMessage};

    fn stored(message: NewMessage) -> StoredMessage {
        StoredMessage { id: 7, user_id: 1001, renewals: 0, date: "2023-02-01T23:42:35Z".parse().unwrap(), message }
    }

    #[test]
    fn every_field_of_the_wire_is_there_in_its_spelling() {
        let message = NewMessage {
            title: "Title".into(),
            silent: true,
            buttons: vec![Button { text: "Go".into(), link: "https://example.com/".into() }],
            image: Some("/demo/picture.png".into()),
            expires: Some("2023-02-02T00:00:00Z".parse().unwrap()),
            ..Default::default()
        };
        let value = serde_json::to_value(Notification::new(stored(message), "http://127.0.0.1:1")).unwrap();
        let expected = serde_json::json!({
            "MessageId": 7, "UserId": 1001, "Event": "message", "Title": "Title", "Message": "", "PreviewText": "",
            "FooterText": "", "Data": {}, "DisplayType": "silent", "CTAButtonText": "Go",
            "CTAButtonLink": "https://example.com/", "CTAButton2Text": "", "CTAButton2Link": "",
            "ImageUrl": "http://127.0.0.1:1/demo/picture.png", "IsRead": false, "Date": "2023-02-01 23:42:35",
            "Expires": "2023-02-02 00:00:00",
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn a_payload_within_the_limit_is_published_whole() {
        let message = NewMessage { title: "T".into(), body: "b".repeat(9000), ..Default::default() };
        let payload = Notification::new(stored(message), "").published().unwrap();
        assert!(payload.contains("bbbb"));
    }

    #[test]
    fn the_largest_acceptable_message_is_cut_to_the_limit_and_keeps_its_id_and_buttons() {
        let link = format!("https://example.com/{}", "\"".repeat(900));
        let button = Button { text: "🔔".repeat(100), link: link.clone() };
        let message = NewMessage {
            title: "🔔".repeat(500),
            body: "<p>🔔</p>".repeat(10_000),
            preview: "🔔".repeat(1000),
            footer: "\"".repeat(8 * 1024),
            data: Map::from_iter([("key".to_owned(), Value::from("x".repeat(16_000)))]),
            buttons: vec![button.clone(), button],
            image: Some(link),
            ..Default::default()
        };
        message.check().expect("it is within what the relay accepts");
        let payload = Notification::new(stored(message), "http://127.0.0.1:1").published().unwrap();
        assert!(payload.len() <= MAX_PUBLISHED_BYTES, "{} bytes", payload.len());
        let value: Value = serde_json::from_str(&payload).unwrap();
        assert_eq!((&value["MessageId"], &value["Message"]), (&7.into(), &"".into()));
        assert_ne!(value["CTAButton2Link"], "");
    }
}
