//! How a notification of the wire becomes a [`Message`]: bounded, cleaned, and with an identity.

use std::collections::BTreeMap;

use fasttrack_client::Notification;
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{Button, Event, Message, MessageId, text};

/// Longer titles are cut, in characters.
const TITLE: usize = 300;
/// Longer previews are cut, in characters: about two lines of the list.
const PREVIEW: usize = 300;
/// Longer words on a button are cut, in characters.
const BUTTON: usize = 80;
/// Longer addresses are none, in bytes.
const ADDRESS: usize = 8 * 1024;
/// Longer ids are none, in bytes.
const ID: usize = 128;

/// Fields that do not count for the identity: what became of a notification is not what it is, and its event stands in
/// the object or around it, by the way it came.
const NOT_IDENTITY: [&str; 2] = ["IsRead", "Event"];

impl Message {
    /// A message from a live event, whose body may be missing or cut by the channel's size limit. `received` stands in
    /// for a date that is missing.
    pub fn from_notification(notification: &Notification, received: Timestamp) -> Self {
        Self::read(notification, received, notification.body_missing_or_cut())
    }

    /// A message from the list call, which cuts nothing but may leave bodies out.
    pub fn from_listed(notification: &Notification, received: Timestamp) -> Self {
        Self::read(notification, received, notification.message.trim().is_empty())
    }

    /// A message fetched by its id: whatever it holds is all there is.
    pub fn from_fetched(notification: &Notification, received: Timestamp) -> Self {
        Self::read(notification, received, false)
    }

    fn read(notification: &Notification, received: Timestamp, incomplete: bool) -> Self {
        let id = identity(notification);
        let preview = match text::one_line(&notification.preview_text) {
            preview if preview.is_empty() => text::one_line(&text::plain_text(&notification.message)),
            preview => preview,
        };
        Self {
            // Only the server's id can be asked for.
            incomplete: incomplete && id.is_on_server(),
            id,
            event: Event::from(text::bound(&text::one_line(&notification.event), BUTTON)),
            title: text::bound(&text::one_line(&notification.title), TITLE),
            preview: text::bound(&preview, PREVIEW),
            body_html: text::sanitize_html(&notification.message),
            footer_html: text::sanitize_html(&notification.footer_text),
            buttons: notification.buttons.iter().take(2).filter_map(button).collect(),
            image_url: notification
                .image_url
                .as_deref()
                .map(str::trim)
                .filter(|url| is_address(url))
                .map(str::to_owned),
            silent: notification.silent,
            read: notification.is_read,
            date: notification.date.unwrap_or(received),
            expires: notification.expires,
        }
    }
}

fn button((words, link): &(String, String)) -> Option<Button> {
    let words = text::bound(&text::one_line(words), BUTTON);
    let link = link.trim();
    (is_address(link) && !words.is_empty()).then(|| Button { text: words, link: link.to_owned() })
}

fn is_address(address: &str) -> bool {
    !address.is_empty() && address.len() <= ADDRESS
}

/// The server's id, or one of ours where it gave none that can be one.
fn identity(notification: &Notification) -> MessageId {
    let given = notification
        .message_id
        .as_deref()
        .map(str::trim)
        .filter(|id| !id.is_empty() && id.len() <= ID && !id.chars().any(|c| c.is_control() || c.is_whitespace()));
    if let Some(id) = given {
        return MessageId(id.to_owned());
    }
    let mut raw = notification.raw.clone();
    if let Value::Object(fields) = &mut raw {
        fields.retain(|name, _| !NOT_IDENTITY.contains(&name.as_str()));
    }
    let digest = Sha256::digest(canonical(&raw).to_string().as_bytes());
    MessageId(format!("local-{}", hex::encode(digest.iter().take(16).copied().collect::<Vec<_>>())))
}

/// The same JSON whatever the order of its fields was on the wire.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
            Value::Object(sorted.into_iter().map(|(name, value)| (name.clone(), canonical(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn read(wire: &Value) -> Message {
        Message::from_notification(&Notification::read(wire).unwrap(), NOW)
    }

    #[test]
    fn a_whole_notification_becomes_a_message() {
        let message = read(&json!({
            "MessageId": 12, "UserId": 1, "Event": "Shoutout", "Title": "Shift <b> moved", "Message": "<p onclick=x>At 8</p>",
            "PreviewText": "", "FooterText": "<i>bye</i><script>x</script>", "DisplayType": "silent", "IsRead": "true",
            "CTAButtonText": "See", "CTAButtonLink": "https://example.com", "ImageUrl": "https://example.com/a.png",
            "Date": "2023-02-01 23:42:35", "Expires": "2023-03-01 00:00:00"
        }));
        assert_eq!(message.id, MessageId("12".to_owned()));
        assert_eq!(message.event, Event::Shoutout);
        assert_eq!(message.title, "Shift <b> moved", "a title is plain text: shown as it is");
        assert_eq!(message.preview, "At 8", "made from the body where there is none");
        assert_eq!(message.body_html, "<p>At 8</p>");
        assert_eq!(message.footer_html, "<i>bye</i>");
        assert_eq!(message.buttons, [Button { text: "See".to_owned(), link: "https://example.com".to_owned() }]);
        assert!(message.silent && message.read && !message.incomplete);
        assert_eq!(message.date.to_string(), "2023-02-01T23:42:35Z");
        assert_eq!(message.expires.unwrap().to_string(), "2023-03-01T00:00:00Z");
    }

    #[test]
    fn without_an_id_the_content_is_the_identity_whatever_its_order_and_read_mark() {
        let one = read(&json!({"Title": "a", "Data": {"x": 1, "y": [2]}, "IsRead": false}));
        let same = read(&json!({"IsRead": true, "Data": {"y": [2], "x": 1}, "Title": "a"}));
        let other = read(&json!({"Title": "b", "Data": {"x": 1, "y": [2]}, "IsRead": false}));
        assert_eq!(one.id, same.id);
        assert_ne!(one.id, other.id);
        assert!(!one.id.is_on_server());
        assert!(!one.incomplete, "nothing to fetch it by");
    }

    #[test]
    fn without_an_id_a_message_is_the_same_live_and_listed() {
        let listed = read(&json!({"Title": "a", "Data": {"Event": "party"}}));
        let live = read(&json!({"Title": "a", "Data": {"Event": "party"}, "Event": "shoutout"}));
        let other = read(&json!({"Title": "a", "Data": {"Event": "wake"}}));
        assert_eq!(listed.id, live.id, "live the event is named around the object");
        assert_ne!(listed.id, other.id, "what the campaign calls so is content");
    }

    #[test]
    fn an_id_that_cannot_be_one_is_none() {
        for id in ["x".repeat(129), "a b".to_owned(), "a\u{0}b".to_owned()] {
            assert!(!read(&json!({"MessageId": id, "Title": "t"})).id.is_on_server(), "{id:?}");
        }
    }

    #[test]
    fn a_missing_body_is_fetched_only_while_it_may_exist() {
        let notification = Notification::read(&json!({"MessageId": 1, "Title": "t"})).unwrap();
        assert!(Message::from_notification(&notification, NOW).incomplete);
        assert!(Message::from_listed(&notification, NOW).incomplete);
        assert!(!Message::from_fetched(&notification, NOW).incomplete);
        let long = Notification::read(&json!({"MessageId": 1, "Message": "x".repeat(20_000)})).unwrap();
        assert!(Message::from_notification(&long, NOW).incomplete, "the channel may have cut it");
        assert!(!Message::from_listed(&long, NOW).incomplete, "the list cuts nothing");
    }

    #[test]
    fn everything_is_bounded() {
        let message = read(&json!({
            "MessageId": 1, "Title": "t".repeat(10_000), "PreviewText": "p".repeat(10_000), "Message": "m".repeat(5_000_000),
            "CTAButtonText": "b".repeat(1000), "CTAButtonLink": "https://example.com",
            "CTAButton2Text": "c", "CTAButton2Link": format!("https://example.com/{}", "x".repeat(10_000)),
            "ImageUrl": format!("https://example.com/{}", "x".repeat(10_000)), "Event": "e".repeat(1000)
        }));
        assert_eq!(message.title.chars().count(), TITLE);
        assert_eq!(message.preview.chars().count(), PREVIEW);
        assert!(message.body_html.len() <= 256 * 1024);
        assert_eq!(message.buttons.len(), 1);
        assert_eq!(message.buttons[0].text.chars().count(), BUTTON);
        assert_eq!(message.image_url, None);
        assert_eq!(message.event.as_str().chars().count(), BUTTON);
    }
}
