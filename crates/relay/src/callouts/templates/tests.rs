//! What the templates make of entities, those that mean no good included.

use serde_json::json;

use super::*;
use crate::MessageTemplate;

fn callouts(title: &str) -> CallOuts {
    CallOuts {
        custom_id: "new-employees".into(),
        entity: "employees".into(),
        message: MessageTemplate { title: title.into(), ..Default::default() },
        ..Default::default()
    }
}

fn rendered(callouts: &CallOuts, entity: &Value) -> Result<NewMessage, String> {
    message(callouts, entity, Timestamp::UNIX_EPOCH)
}

#[test]
fn html_is_escaped_in_the_body_and_nowhere_else() {
    let mut callouts = callouts("{{ entity.name }} in {{ subscription }}");
    callouts.message.preview = Some("{{ entity.name }}".into());
    callouts.message.body = Some("<p>{{ entity.name }}</p>".into());
    let message = rendered(&callouts, &json!({ "name": "<b>R&D</b>" })).unwrap();
    assert_eq!(message.title, "<b>R&D</b> in new-employees");
    assert_eq!(message.preview, "<b>R&D</b>");
    assert_eq!(message.body, "<p>&lt;b&gt;R&amp;D&lt;&#x2f;b&gt;</p>");
}

#[test]
fn what_the_entity_does_not_have_is_empty() {
    let message = rendered(&callouts("New: {{ entity.region.manager.name }}"), &json!({})).unwrap();
    assert_eq!(message.title, "New:");
    assert!(rendered(&callouts("{{ entity.name }}"), &json!({})).unwrap_err().contains("empty"));
}

#[test]
fn an_entity_is_never_a_template() {
    let entity = json!({ "name": "{{ subscription }}{% for x in range(9) %}x{% endfor %}" });
    assert_eq!(rendered(&callouts("{{ entity.name }}"), &entity).unwrap().title, entity["name"].as_str().unwrap());
}

#[test]
fn whatever_comes_out_fits() {
    let mut callouts = callouts("{{ entity.text }}");
    callouts.message.preview = Some("{{ entity.text }}".into());
    callouts.message.body = Some("{{ entity.text }}".into());
    let message = rendered(&callouts, &json!({ "text": "\u{1f514}a\n\u{0}".repeat(100_000) })).unwrap();
    assert_eq!((message.title.chars().count(), message.preview.chars().count()), (500, 1000));
    assert!(!message.title.contains('\n') && !message.title.contains('\u{0}'));
    assert!(message.body.len() <= MAX_BODY_BYTES && message.body.len() > MAX_BODY_BYTES - 4);
}

#[test]
fn a_template_that_goes_on_for_ever_is_ended() {
    let endless = "{% for a in range(10000) %}{% for b in range(10000) %}{{ b }}{% endfor %}{% endfor %}";
    assert!(rendered(&callouts(endless), &json!({})).unwrap_err().contains("fuel"));
}

#[test]
fn a_link_becomes_a_button_when_it_is_a_web_address() {
    let mut callouts = callouts("A title");
    callouts.message.link = Some("{{ entity.link }}".into());
    let button = |entity: Value| rendered(&callouts, &entity).map(|message| message.buttons);
    let link = "https://acme.example/employees?id=7".to_owned();
    assert_eq!(button(json!({ "link": link })).unwrap(), [Button { text: "Open".into(), link }]);
    assert!(button(json!({})).unwrap().is_empty());
    assert!(button(json!({ "link": "javascript:alert(1)" })).unwrap_err().contains("web address"));
}

#[test]
fn the_plain_message_names_the_person_or_the_id() {
    let preview = |entity: Value| plain_message(&callouts("A title"), &entity, Timestamp::UNIX_EPOCH).preview;
    assert_eq!(preview(json!({ "id": 7, "firstName": "Leia", "lastName": "Organa" })), "Leia Organa");
    assert_eq!(preview(json!({ "id": 7, "firstName": "Le\nia" })), "Le ia");
    assert_eq!(preview(json!({ "id": 7, "firstName": null })), "7");
    assert_eq!(preview(json!({})), "");
    assert_eq!(plain_message(&callouts("A title"), &json!({}), Timestamp::UNIX_EPOCH).title, "employees event");
}

#[test]
fn an_entity_may_be_wrapped() {
    assert_eq!(entity(br#"{"meta":{},"data":{"id":7}}"#), Some(json!({ "id": 7 })));
    assert_eq!(entity(br#"{"data":{"id":7}}"#), Some(json!({ "id": 7 })));
    assert_eq!(entity(br#"{"id":7,"data":{"a":1}}"#), Some(json!({ "id": 7, "data": { "a": 1 } })), "a field's name");
    assert_eq!(entity(br#"{"data":"a text"}"#), Some(json!({ "data": "a text" })));
    for no_object in ["", "7", "[{}]", r#"{"meta":{},"data":[]}"#, r#"{"a":"#] {
        assert_eq!(entity(no_object.as_bytes()), None, "{no_object}");
    }
}

#[test]
fn what_takes_its_place_expires_as_it_would_have() {
    let mut callouts = callouts("{{ entity.name }}");
    let plain = |callouts: &CallOuts| plain_message(callouts, &json!({ "id": 7 }), Timestamp::UNIX_EPOCH);
    assert_eq!((plain(&callouts).preview.as_str(), plain(&callouts).expires), ("7", None));
    callouts.message.expires_after = Some(std::time::Duration::from_mins(1));
    assert_eq!(plain(&callouts).expires, Some(Timestamp::from_second(60).unwrap()));
}

#[test]
fn what_would_overflow_the_stack_is_refused_before_it_is_read() {
    let refusal = |title: String| check(&callouts(&title)).unwrap_err().to_string();
    for repeated in ["- ", "not ", "1 ~ "] {
        let text = refusal(format!("{{{{ {}1 }}}}", repeated.repeat(20_000)));
        assert!(text.contains("`title`") && text.contains("64 KiB") || text.contains("may have 1024"), "{text}");
    }
    assert!(refusal(format!("{{{{ {}1 }}}}", "-".repeat(1100))).contains("may have 1024"));
    assert!(refusal(format!("{{% if {}1 %}}a{{% endif %}}", "-".repeat(1100))).contains("may have 1024"));
    let longest = format!("{{{{ {}1 }}}}", "-".repeat(1000));
    // On a thread as the relay's are.
    std::thread::spawn(move || drop(check(&callouts(&longest)))).join().unwrap();
    let text = "<p>A long text</p>".repeat(1000);
    let many = format!("{text}{}{text}{{% if entity.a %}}{text}{{% endif %}}", "{{ entity.name }} ".repeat(300));
    assert_eq!(check(&callouts(&many)).map_err(|error| error.to_string()), Ok(()));
}
