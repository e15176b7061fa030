//! Items 1 to 4, 8, 9, 14, 15 and 46 of the checklist: what frames carry, and how connections end.

use pusher_client::{ChannelEvent, Client, Event, Subscription};
use serde_json::{Value, json};

use crate::fake::{Peer, Server, Signer, lost, next, published};

const CHANNEL: &str = "private-orders";

async fn subscribed() -> (Client, Subscription, Peer) {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let mut orders = client.subscribe(CHANNEL).await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.subscribe(CHANNEL).await;
    assert_eq!(next(&mut orders).await, ChannelEvent::Subscribed);
    (client, orders, peer)
}

/// What a reader gets of a frame with this data.
async fn read(data: Value) -> Event {
    let (_client, mut orders, mut peer) = subscribed().await;
    peer.send(json!({ "event": "new", "channel": CHANNEL, "data": data })).await;
    let event = published(&mut orders).await;
    assert_eq!((event.name(), event.channel()), ("new", CHANNEL));
    event
}

fn object() -> Value {
    json!({ "n": 1, "text": "grüße \u{1f980}" })
}

#[tokio::test]
async fn item_01_data_encoded_once_is_an_object() {
    assert_eq!(read(json!(object().to_string())).await.value(), object());
    assert_eq!(read(object()).await.value(), object(), "not encoded at all");
}

#[tokio::test]
async fn item_02_data_that_is_plain_text_is_that_text() {
    let event = read(json!("hello {\"world\"")).await;
    assert_eq!((event.value(), event.raw()), (json!("hello {\"world\""), "hello {\"world\""));
}

#[tokio::test]
async fn item_03_data_encoded_twice_is_an_object() {
    let event = read(json!(json!(object().to_string()).to_string())).await;
    assert_eq!(event.value(), object());
    assert_eq!(event.decode::<std::collections::HashMap<String, Value>>().unwrap()["n"], 1);
}

#[tokio::test]
async fn item_04_the_user_id_is_kept() {
    let (_client, mut orders, mut peer) = subscribed().await;
    for (sent, got) in [(json!("u"), Some("u")), (json!(7), Some("7")), (json!(null), None)] {
        peer.send(json!({ "event": "e", "channel": CHANNEL, "data": "", "user_id": sent })).await;
        assert_eq!(published(&mut orders).await.user_id(), got);
    }
}

#[tokio::test]
async fn item_08_ordinary_ends_are_followed_by_another_try() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let mut events = client.events();
    for code in [1000, 1001, 1011, 3999] {
        server.greet("1.2").await.close(code, "bye").await;
        assert_eq!(lost(&mut events).await, (Some(code), "bye".into()));
    }
    // A close frame without a code is what 1005 stands for; a connection cut off, 1006.
    server.greet("1.2").await.close_without_code().await;
    assert_eq!(lost(&mut events).await.0, None);
    drop(server.greet("1.2").await);
    assert_eq!(lost(&mut events).await.0, None);
    server.greet("1.3").await;
}

#[tokio::test]
async fn item_09_ends_by_a_fault_of_ours_are_followed_by_another_try() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let mut events = client.events();
    for code in [1002, 1003, 1004] {
        server.greet("1.2").await.close(code, "you").await;
        lost(&mut events).await;
    }
    server.greet("1.3").await;
}

#[tokio::test]
async fn item_14_codes_without_a_meaning_are_followed_by_another_try() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let mut events = client.events();
    for code in [4300, 4301, 4399, 4999] {
        server.greet("1.2").await.close(code, "odd").await;
        assert_eq!(lost(&mut events).await, (Some(code), "odd".into()));
    }
    server.greet("1.3").await;
}

#[tokio::test]
async fn item_15_a_connection_closed_before_its_greeting_is_tried_again() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let mut events = client.events();
    drop(server.accept().await);
    lost(&mut events).await;
    drop(server.tcp().await);
    lost(&mut events).await;
    server.accept().await.close(4201, "not now").await;
    assert_eq!(lost(&mut events).await, (Some(4201), "not now".into()));
    server.greet("1.2").await;
}

#[tokio::test]
async fn item_46_an_unknown_channel_and_data_that_is_null_or_absent_are_tolerated() {
    let (_client, mut orders, mut peer) = subscribed().await;
    peer.send(json!({ "event": "e", "channel": "unknown", "data": "x" })).await;
    peer.send(json!({ "event": "e" })).await;
    peer.send(json!({ "event": "pusher_internal:subscription_succeeded", "channel": "unknown" })).await;
    peer.send(json!({ "event": "null", "channel": CHANNEL, "data": null })).await;
    peer.send(json!({ "event": "absent", "channel": CHANNEL })).await;
    for name in ["null", "absent"] {
        let event = published(&mut orders).await;
        assert_eq!((event.name(), event.raw(), event.value()), (name, "", Value::Null));
    }
}

#[tokio::test]
async fn a_message_in_many_fragments_is_one() {
    let (_client, mut orders, mut peer) = subscribed().await;
    peer.send_in_fragments(&json!({ "event": "e", "channel": CHANNEL, "data": "in parts" }).to_string(), 7).await;
    assert_eq!(published(&mut orders).await.raw(), "in parts");
}
