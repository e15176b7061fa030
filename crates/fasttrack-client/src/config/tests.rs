//! What is read of a configuration, and what it may never lead to.

use proptest::prelude::*;
use reqwest::header::HeaderMap;
use serde_json::json;

use super::*;
use crate::arbitrary::any_json;

fn read(fields: &Value, environment: &str, floor: Floor) -> Result<BrandConfig, Error> {
    let url = Url::parse("https://config.example/").expect("an address");
    let reply = Reply::new(url, 200, &HeaderMap::new(), fields.to_string().as_bytes());
    config_from(&reply, &environment.parse().expect("an environment"), floor)
}

fn with(changes: Value) -> Value {
    let mut fields = json!({
        "crmUrl": "https://h.example/integration-api", "fusionUrl": "https://h.example/integration-api",
        "prismaUrl": "https://h.example/integration-api", "pusherKey": "123bc", "pusherRegion": "eu"
    });
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    fields.as_object_mut().expect("an object").extend(changes);
    fields
}

const OWN: &str = "https://relay.example.com";

#[test]
fn the_documented_configuration_is_read() {
    let config = read(&with(json!({})), "production", Floor::Encrypted).expect("a configuration");
    assert_eq!(config.fusion_url.as_str(), "https://h.example/integration-api");
    assert_eq!(config.crm_url.as_ref(), Some(&config.fusion_url));
    assert_eq!(config.prisma_url.as_ref(), Some(&config.fusion_url));
    let expected = PusherEndpoint { key: "123bc".into(), host: "ws-eu.pusher.com".into(), port: 443, tls: true };
    assert_eq!(config.pusher, expected);
}

#[test]
fn a_pusher_server_of_its_own_counts_for_a_server_of_ones_own_alone() {
    let fields = with(json!({"pusherHost": "push.example.com", "pusherPort": "6001", "pusherForceTls": "true"}));
    for environment in ["production", "staging"] {
        let config = read(&fields, environment, Floor::Encrypted).expect(environment);
        assert_eq!(config.pusher.host, "ws-eu.pusher.com", "{environment}");
    }
    let config = read(&fields, OWN, Floor::Encrypted).expect("a configuration");
    let expected = PusherEndpoint { key: "123bc".into(), host: "push.example.com".into(), port: 6001, tls: true };
    assert_eq!(config.pusher, expected);
}

#[test]
fn a_pusher_server_is_encrypted_unless_the_configuration_came_by_less() {
    let plain = |host: &str| with(json!({"pusherHost": host, "pusherPort": 6001, "pusherForceTls": false}));
    for (host, floor, accepted) in [
        ("127.0.0.1", Floor::Encrypted, false),
        ("127.0.0.1", Floor::PlainOnLoopback, true),
        ("push.example.com", Floor::PlainOnLoopback, false),
        ("push.example.com", Floor::PlainAnywhere, true),
        ("push.example.com", Floor::Encrypted, false),
        // Other spellings of an address mean what they mean to the parser that will connect to it.
        ("0x7f.1", Floor::PlainOnLoopback, true),
        ("::1", Floor::PlainOnLoopback, true),
    ] {
        let read = read(&plain(host), OWN, floor);
        match (&read, accepted) {
            (Ok(config), true) => assert!(!config.pusher.tls, "{host} {floor:?}"),
            (Err(Error::Insecure { .. }), false) => {}
            _ => panic!("{host} {floor:?}: {read:?}"),
        }
    }
}

#[test]
fn the_port_follows_the_transport_where_none_is_given() {
    for (fields, floor, port) in [
        (json!({"pusherHost": "push.example.com"}), Floor::Encrypted, 443),
        (json!({"pusherHost": "push.example.com", "pusherPort": null}), Floor::Encrypted, 443),
        (json!({"pusherHost": "127.0.0.1", "pusherForceTls": false}), Floor::PlainOnLoopback, 80),
        (json!({"pusherHost": "127.0.0.1", "pusherForceTls": false, "pusherPort": ""}), Floor::PlainOnLoopback, 80),
        (json!({"pusherHost": "127.0.0.1", "pusherForceTls": false, "pusherPort": 8080}), Floor::PlainOnLoopback, 8080),
    ] {
        assert_eq!(read(&with(fields.clone()), OWN, floor).map(|config| config.pusher.port), Ok(port), "{fields}");
    }
}

#[test]
fn no_later_address_is_lower_than_the_way_the_configuration_came() {
    let plain = with(json!({"fusionUrl": "http://127.0.0.1/api"}));
    assert!(matches!(read(&plain, OWN, Floor::Encrypted), Err(Error::Insecure { .. })));
    assert!(read(&plain, OWN, Floor::PlainOnLoopback).is_ok());
    let elsewhere = with(json!({"fusionUrl": "http://h.example/api"}));
    assert!(matches!(read(&elsewhere, OWN, Floor::PlainOnLoopback), Err(Error::Insecure { .. })));
    assert!(read(&elsewhere, OWN, Floor::PlainAnywhere).is_ok());
}

#[test]
fn addresses_that_are_not_used_never_stand_in_the_way() {
    for odd in
        [json!(null), json!(""), json!("not an address"), json!("http://h.example/"), json!(5), json!("ftp://x/")]
    {
        let config =
            read(&with(json!({"crmUrl": odd, "prismaUrl": odd})), OWN, Floor::Encrypted).expect("a configuration");
        assert_eq!((config.crm_url, config.prisma_url), (None, None), "{odd}");
    }
}

#[test]
fn a_configuration_without_what_is_needed_says_what_is_missing() {
    for (changes, named) in [
        (json!({"fusionUrl": null}), "fusionUrl"),
        (json!({"fusionUrl": "integration-api"}), "fusionUrl"),
        (json!({"fusionUrl": "ftp://h.example/"}), "fusionUrl"),
        (json!({"fusionUrl": "https://user:pw@h.example/"}), "fusionUrl"),
        (json!({"pusherKey": ""}), "pusherKey"),
        (json!({"pusherKey": "a/../b?c"}), "pusherKey"),
        (json!({"pusherKey": ["x"]}), "pusherKey"),
        (json!({"pusherRegion": null}), "pusherRegion"),
        (json!({"pusherRegion": "eu.evil.example/"}), "pusherRegion"),
        (json!({"pusherHost": "evil example"}), "pusherHost"),
        (json!({"pusherHost": "evil.example/path"}), "pusherHost"),
        (json!({"pusherHost": "user@evil.example"}), "pusherHost"),
        (json!({"pusherHost": "h.example", "pusherPort": 70000}), "pusherPort"),
        (json!({"pusherHost": "h.example", "pusherPort": 0}), "pusherPort"),
    ] {
        let error = read(&with(changes.clone()), OWN, Floor::Encrypted).expect_err("unusable");
        assert!(matches!(&error, Error::Shape { what } if what.contains(named)), "{changes}: {error:?}");
    }
    for body in [json!([]), json!(null), json!("x"), json!({})] {
        assert!(matches!(read(&body, OWN, Floor::Encrypted), Err(Error::Shape { .. })), "{body}");
    }
}

#[test]
fn a_numeric_key_is_a_key() {
    let config = read(&with(json!({"pusherKey": 123})), "production", Floor::Encrypted).expect("a configuration");
    assert_eq!(config.pusher.key, "123");
}

proptest! {
    #[test]
    fn no_answer_makes_the_reader_panic_or_lowers_an_address(answer in any_json()) {
        if let Ok(config) = read(&answer, OWN, Floor::Encrypted) {
            prop_assert!(config.pusher.tls);
            prop_assert_eq!(config.fusion_url.scheme(), "https");
        }
    }

    #[test]
    fn no_value_of_a_field_makes_the_reader_panic_or_lowers_an_address(
        name in prop::sample::select(vec!["fusionUrl", "crmUrl", "pusherHost", "pusherPort", "pusherForceTls"]),
        value in any_json(),
    ) {
        if let Ok(config) = read(&with(json!({name: value})), OWN, Floor::Encrypted) {
            prop_assert!(config.pusher.tls);
            prop_assert_eq!(config.fusion_url.scheme(), "https");
        }
    }
}
