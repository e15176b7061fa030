//! Item 39 of the checklist: encrypted channels.

use base64::{Engine, engine::general_purpose::STANDARD};
use crypto_secretbox::{KeyInit, XSalsa20Poly1305, aead::Aead};
use pusher_client::{Authorization, ChannelEvent, Client};
use serde_json::{Value, json};

use crate::fake::{Peer, Server, Signer, granted, next, published, refused, unavailable};

const CHANNEL: &str = "private-encrypted-orders";

fn with_key(number: u8) -> Authorization {
    granted().with_shared_secret(STANDARD.encode([number; 32]))
}

async fn publish(peer: &mut Peer, number: u8, data: &Value) {
    let nonce = [number; 24];
    let plain = data.to_string();
    let ciphertext = XSalsa20Poly1305::new(&[number; 32].into()).encrypt(&nonce.into(), plain.as_bytes()).unwrap();
    let sealed = json!({ "ciphertext": STANDARD.encode(ciphertext), "nonce": STANDARD.encode(nonce) });
    peer.publish(CHANNEL, "e", &sealed).await;
}

#[tokio::test]
async fn item_39_what_is_encrypted_arrives_in_plain() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::answering([Ok(with_key(1))]).0);
    let mut orders = client.subscribe(CHANNEL).await.unwrap();
    let mut peer = server.greet("1.2").await;
    let frame = peer.subscribe(CHANNEL).await;
    assert_eq!(frame["data"].get("shared_secret"), None, "the key is never sent");
    assert_eq!(next(&mut orders).await, ChannelEvent::Subscribed);
    publish(&mut peer, 1, &json!({ "text": "grüße" })).await;
    assert_eq!(published(&mut orders).await.value(), json!({ "text": "grüße" }));
}

#[tokio::test]
async fn item_39_without_a_shared_secret_the_channel_is_refused() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let mut orders = client.subscribe(CHANNEL).await.unwrap();
    let mut peer = server.greet("1.2").await;
    let ChannelEvent::Refused { message, .. } = next(&mut orders).await else { panic!("a refusal was expected") };
    assert!(message.contains("shared_secret"), "{message}");
    peer.settle().await;
}

#[tokio::test]
async fn item_39_a_change_of_keys_leads_to_one_new_authorization_and_loses_nothing() {
    let server = Server::start().await;
    let (signer, mut asked) = Signer::answering([Ok(with_key(1)), unavailable(), Ok(with_key(2))]);
    let client = Client::connect(server.options(), signer);
    let mut orders = client.subscribe(CHANNEL).await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.subscribe(CHANNEL).await;
    assert_eq!(next(&mut orders).await, ChannelEvent::Subscribed);
    publish(&mut peer, 1, &json!(1)).await;
    for number in 2..=4 {
        publish(&mut peer, 2, &json!(number)).await;
    }
    for number in 1..=4 {
        assert_eq!(published(&mut orders).await.value(), json!(number), "in order, however long the new key takes");
    }
    for _ in 0..3 {
        assert_eq!(asked.next().await.1, CHANNEL);
    }
    peer.settle().await;
    assert!(asked.is_quiet(), "once for the subscription, and until there is an answer for the new key");
}

#[tokio::test]
async fn item_39_what_no_key_opens_is_told_and_asks_no_more_than_once() {
    let server = Server::start().await;
    let (signer, mut asked) = Signer::answering([Ok(with_key(1)), refused()]);
    let client = Client::connect(server.options(), signer);
    let mut orders = client.subscribe(CHANNEL).await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.subscribe(CHANNEL).await;
    assert_eq!(next(&mut orders).await, ChannelEvent::Subscribed);
    for _ in 0..3 {
        publish(&mut peer, 9, &json!("lost")).await;
        assert!(matches!(next(&mut orders).await, ChannelEvent::Undecryptable { .. }));
    }
    peer.publish(CHANNEL, "e", &json!("not even encrypted")).await;
    assert!(matches!(next(&mut orders).await, ChannelEvent::Undecryptable { .. }));
    publish(&mut peer, 1, &json!("still here")).await;
    assert_eq!(published(&mut orders).await.value(), json!("still here"));
    asked.next().await;
    asked.next().await;
    assert!(asked.is_quiet());
}
