//! What is read of a notification, as tables; and that nothing at all makes the reader fall over.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::arbitrary::any_json;

fn read(value: &Value) -> Notification {
    Notification::read(value).unwrap_or_else(|reason| panic!("{reason}: {value}"))
}

#[test]
fn every_documented_field_is_read() {
    let value = json!({
        "MessageId": 7, "UserId": 123, "Event": "shoutout", "Title": "Hello", "Message": "<p>Body</p>",
        "PreviewText": "Preview", "FooterText": "<i>Foot</i>", "Data": {"points": 5}, "DisplayType": "silent",
        "CTAButtonLink": "https://a.example/", "CTAButtonText": "Go", "CTAButton2Link": "https://b.example/",
        "CTAButton2Text": "Stay", "ImageUrl": "https://i.example/x.png", "IsRead": true, "Date": "2023-02-01 23:42:35",
        "Expires": "2023-03-01 00:00:00", "ActivityId": 1, "ActionGroupId": "2", "ActionId": 3, "TriggerHash": "h"
    });
    let notification = read(&value);
    assert_eq!(notification.message_id.as_deref(), Some("7"));
    assert_eq!(notification.user_id.as_deref(), Some("123"));
    assert_eq!(notification.event, "shoutout");
    assert_eq!(notification.title, "Hello");
    assert_eq!(notification.message, "<p>Body</p>");
    assert_eq!(notification.preview_text, "Preview");
    assert_eq!(notification.footer_text, "<i>Foot</i>");
    assert_eq!(notification.data["points"], 5);
    assert!(notification.silent);
    assert_eq!(
        notification.buttons,
        [("Go".into(), "https://a.example/".into()), ("Stay".into(), "https://b.example/".into())]
    );
    assert_eq!(notification.image_url.as_deref(), Some("https://i.example/x.png"));
    assert!(notification.is_read);
    assert_eq!(notification.date, "2023-02-01T23:42:35Z".parse().ok());
    assert_eq!(notification.expires, "2023-03-01T00:00:00Z".parse().ok());
    assert_eq!(notification.activity_id.as_deref(), Some("1"));
    assert_eq!(notification.action_group_id.as_deref(), Some("2"));
    assert_eq!(notification.action_id.as_deref(), Some("3"));
    assert_eq!(notification.trigger_hash.as_deref(), Some("h"));
    assert_eq!(notification.raw, value);
}

#[test]
fn everything_but_the_id_may_be_missing() {
    let notification = read(&json!({"MessageId": 7}));
    assert_eq!(notification.event, "message");
    assert!(!notification.silent && !notification.is_read);
    assert!(notification.buttons.is_empty() && notification.data.is_empty());
    assert_eq!((notification.date, notification.expires, notification.image_url.as_deref()), (None, None, None));
}

#[test]
fn null_empty_and_other_kinds_are_defaulted() {
    for odd in [json!(null), json!(""), json!([]), json!({}), json!([[1], {"a": null}])] {
        let notification = read(&json!({
            "MessageId": "7", "UserId": odd, "Event": odd, "Title": odd, "Message": odd, "PreviewText": odd,
            "FooterText": odd, "Data": odd, "DisplayType": odd, "CTAButtonLink": odd, "CTAButtonText": odd,
            "ImageUrl": odd, "IsRead": odd, "Date": odd, "Expires": odd, "ActionId": odd, "TriggerHash": odd
        }));
        assert_eq!(notification.message_id.as_deref(), Some("7"), "{odd}");
        assert_eq!(notification.event, "message", "{odd}");
        assert_eq!(notification.title, "", "{odd}");
        assert!(notification.buttons.is_empty() && notification.data.is_empty() && !notification.is_read, "{odd}");
        assert_eq!(notification.date, None, "{odd}");
    }
}

#[test]
fn strings_stand_for_numbers_and_flags_and_objects() {
    let notification = read(&json!({
        "MessageId": "0012", "UserId": "9", "Title": 5, "IsRead": "true", "Data": "{\"a\":1}", "DisplayType": "Silent",
        "Event": " INBOX ", "Date": "2023-02-01T23:42:35+00:00"
    }));
    assert_eq!(notification.message_id.as_deref(), Some("0012"));
    assert_eq!(notification.title, "5");
    assert!(notification.is_read && notification.silent);
    assert_eq!(notification.data["a"], 1);
    assert_eq!(notification.event, "inbox");
    assert!(notification.date.is_some());
}

#[test]
fn an_id_of_zero_is_no_id() {
    for id in [json!(0), json!("0"), json!(""), json!(null)] {
        assert_eq!(read(&json!({"MessageId": id, "Title": "kept"})).message_id, None, "{id}");
    }
}

#[test]
fn an_operators_own_event_name_is_kept_as_it_is() {
    assert_eq!(read(&json!({"MessageId": 1, "Event": "Bonus_Ready"})).event, "Bonus_Ready");
}

#[test]
fn what_has_nothing_in_it_is_refused_with_a_reason() {
    for value in [json!(null), json!(5), json!("x"), json!([]), json!({}), json!({"Title": " ", "IsRead": true})] {
        let reason = Notification::read(&value).expect_err("nothing to read");
        assert!(!reason.is_empty(), "{value}");
    }
}

#[test]
fn a_button_needs_a_link_and_gets_a_text() {
    let buttons = read(&json!({"MessageId": 1, "CTAButtonText": "Go", "CTAButton2Link": "https://b.example/"})).buttons;
    assert_eq!(buttons, [("Open".into(), "https://b.example/".into())]);
}

#[test]
fn a_missing_or_broken_off_body_is_worth_fetching() {
    let long = "x".repeat(9_600);
    for (body, expected) in [
        ("", true),
        ("  ", true),
        ("<p>whole</p>", false),
        ("whole", false),
        ("1 < 2", false),
        ("<p>broken <a href=\"https://exa", true),
        ("<p>broken</", true),
        ("<p>broken<", true),
        (long.as_str(), true),
    ] {
        let notification = read(&json!({"MessageId": 1, "Message": body}));
        assert_eq!(notification.body_missing_or_cut(), expected, "{body:.40}");
    }
}

proptest! {
    #[test]
    fn reading_never_panics_and_keeps_what_came(value in any_json()) {
        if let Ok(notification) = Notification::read(&value) {
            let _ = notification.body_missing_or_cut();
            prop_assert!(value.is_object());
            prop_assert!(notification.buttons.len() <= 2);
            prop_assert_eq!(notification.raw, value);
        }
    }

    #[test]
    fn no_text_makes_the_readers_of_dates_and_bodies_panic(text in any::<String>()) {
        let _ = read_date(&text);
        let _ = breaks_off(&text);
    }
}
