//! What can be built, what cannot, and what is sent of it.

use super::*;
use crate::regions::IncludedRegion;

const SECRET: &str = "sixteen-letters!";

fn event(text: &str) -> Event {
    text.parse().expect("an event")
}

fn essentials() -> Essentials {
    Essentials {
        custom_id: "c-1".to_owned(),
        name: "Reports".to_owned(),
        events: vec![event("entity:reports:created"), event("entity:reports:updated"), event("entity:reports:created")],
        regions: Regions::All,
        url: "https://relay.example/callout?key=k3y".to_owned(),
        secret: SecretString::from(SECRET),
    }
}

fn refusal(change: impl FnOnce(&mut Essentials)) -> String {
    let mut essentials = essentials();
    change(&mut essentials);
    NewSubscription::new(essentials).expect_err("refused").to_string()
}

#[test]
fn a_whole_definition_is_written_as_the_schema_shows() {
    let regions = vec![IncludedRegion { id: 3, include_children: true }];
    let regions = Regions::part(regions, vec![5]).expect("a part");
    let new = NewSubscription::new(Essentials { regions, ..essentials() }).expect("right");
    let new = new.filters(&["status=ACTIVE".parse().expect("a filter")]).expect("right");
    let new =
        new.inclusions(Inclusions { fields: vec!["address.Line1".to_owned()], include: vec!["address".to_owned()] });
    let new = new.expect("right").failure_email("ops@example.com").expect("right").secret_header_name("X-Sig");
    let expected = json!({
        "customId": "c-1", "name": "Reports", "events": ["entity:reports:created", "entity:reports:updated"],
        "url": "https://relay.example/callout?key=k3y", "secret": SECRET, "secretHeaderName": "X-Sig",
        "failureEmail": "ops@example.com", "userDefinedFilters": {"status": "ACTIVE"},
        "entityResponse": {"fields": ["address.Line1"], "include": ["address"]},
        "contextFilters": {"filters": [{"tag": "context.region.3", "includeChildren": true}],
            "exclusions": ["context.region.5"]}
    });
    assert_eq!(new.expect("right").to_create(), expected);
}

#[test]
fn what_was_not_asked_for_is_not_sent() {
    let body = NewSubscription::new(essentials()).expect("right").to_create();
    let keys: Vec<_> = body.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(keys, ["customId", "events", "name", "secret", "secretHeaderName", "url"]);
    assert_eq!(body["secretHeaderName"], "TrackTik-Subscription-Secret");
    let with = NewSubscription::new(essentials()).expect("right").language("fr".parse().expect("known"));
    assert_eq!(with.to_create()["language"], "fr");
}

#[test]
fn an_update_sends_the_secret_only_when_it_is_replaced() {
    let new = NewSubscription::new(essentials()).expect("right");
    let kept = new.to_update(SecretInUpdate::Kept);
    assert!(kept.get("secret").is_none() && kept.get("secretHeaderName").is_none());
    assert_eq!(kept["userDefinedFilters"], json!({}), "an older filter goes");
    assert_eq!(new.to_update(SecretInUpdate::Replaced)["secret"], SECRET);
}

#[test]
fn events_are_at_least_one_and_of_one_entity() {
    assert_eq!(refusal(|it| it.events.clear()), "a subscription needs at least one event");
    let two = refusal(|it| it.events.push(event("entity:shifts:publish")));
    assert_eq!(two, "the events are of two entities, “reports” and “shifts”; a subscription is about one");
}

#[test]
fn call_outs_go_to_encrypted_addresses_or_this_computer() {
    for url in ["https://relay.example/x", "http://127.0.0.1:8080/x", "http://[::1]/", "http://localhost/x"] {
        let essentials = Essentials { url: url.to_owned(), ..essentials() };
        assert!(NewSubscription::new(essentials).is_ok(), "{url}");
    }
    for url in [
        "",
        "relay.example",
        "http://relay.example/",
        "ftp://relay.example/",
        "https://user:pass@relay.example/",
        "https://relay.example/#k3y",
    ] {
        let said = refusal(|it| url.clone_into(&mut it.url));
        assert!(said.starts_with("url ") && !said.contains("relay"), "{url}: {said}");
    }
}

#[test]
fn a_weak_secret_is_refused_without_being_repeated() {
    for secret in ["", "fifteen-letters", "sixteen-letters\n", " sixteen-letters"] {
        let said = refusal(|it| it.secret = SecretString::from(secret));
        assert!(said.starts_with("secret ") && !said.contains("letters"), "{secret:?}: {said}");
    }
}

#[test]
fn names_headers_and_addresses_are_checked() {
    assert!(refusal(|it| it.custom_id = " ".to_owned()).starts_with("customId"));
    assert!(refusal(|it| it.name = "a\nb".to_owned()).starts_with("name"));
    let new = || NewSubscription::new(essentials()).expect("right");
    for name in ["", "X Sig", "X-Sig:", "Ünicode", "Content-Length", "host"] {
        assert!(new().secret_header_name(name).is_err(), "{name:?}");
    }
    for address in ["", "ops", "@example.com", "ops@", "a b@example.com", "a@b@c"] {
        assert!(new().failure_email(address).is_err(), "{address:?}");
    }
    let bad = Inclusions { fields: vec!["a,b".to_owned()], include: Vec::new() };
    assert!(new().inclusions(bad).is_err());
}

#[test]
fn neither_secret_nor_address_is_in_the_debug_output() {
    let shown = format!("{:?}", NewSubscription::new(essentials()).expect("right"));
    assert!(!shown.contains("k3y") && !shown.contains("sixteen"), "{shown}");
}
