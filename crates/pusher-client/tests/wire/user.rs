//! Item 40 of the checklist: signing in, the user's own channel, the watchlist.

use pusher_client::{AuthorizeError, ChannelEvent, Client, ClientEvent, USER};
use serde_json::json;

use crate::fake::{Guard, Peer, Server, Signer, back, event, next, published};

const ANN: &str = r#"{"id":"7","user_info":{"name":"Ann"}}"#;

async fn sign_in(peer: &mut Peer) {
    let frame = peer.expect("pusher:signin").await;
    assert_eq!(frame["data"]["user_data"], ANN);
    peer.publish_protocol("pusher:signin_success", &json!({ "user_data": ANN })).await;
    peer.subscribe("#server-to-user-7").await;
}

#[tokio::test]
async fn item_40_a_user_signs_in_and_gets_what_is_sent_to_them_on_each_connection() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let mut events = client.events();
    let mut user = client.sign_in(Guard::granting(ANN)).await.unwrap();
    assert_eq!(user.channel(), USER);
    let mut peer = server.greet("1.2").await;
    sign_in(&mut peer).await;
    assert_eq!(next(&mut user).await, ChannelEvent::Subscribed);
    peer.publish("#server-to-user-7", "hello", &json!(1)).await;
    assert_eq!(published(&mut user).await.name(), "hello");
    let change =
        json!({ "events": [{ "name": "online", "user_ids": ["8"] }, { "name": "offline", "user_ids": ["9"] }] });
    peer.publish_protocol("pusher_internal:watchlist_events", &change).await;
    assert_eq!(next(&mut user).await, ChannelEvent::Watchlist { online: true, users: vec!["8".into()] });
    assert_eq!(next(&mut user).await, ChannelEvent::Watchlist { online: false, users: vec!["9".into()] });
    peer.close(4200, "again").await;

    let mut peer = server.greet("1.3").await;
    sign_in(&mut peer).await;
    let gap = event(&mut events, "the gap", |event| match event {
        ClientEvent::Gap(gap) => Some(gap.channel),
        _ => None,
    });
    assert_eq!(gap.await, USER);
    back(&mut user).await;
    drop(user);
    assert_eq!(peer.expect("pusher:unsubscribe").await["data"]["channel"], "#server-to-user-7");
}

#[tokio::test]
async fn item_40_a_sign_in_that_fails_for_now_is_retried_and_one_refused_is_told_once() {
    let server = Server::start().await;
    let unavailable = AuthorizeError::Temporary { retry_after: None, message: "503".into() };
    let refused = AuthorizeError::Refused { status: Some(403), message: "not you".into() };
    let client = Client::connect(server.options(), Signer::granting());
    let mut events = client.events();
    let mut user = client.sign_in(Guard::answering(ANN, [unavailable, refused])).await.unwrap();
    let mut peer = server.greet("1.2").await;
    let refusal = ChannelEvent::Refused { status: Some(403), message: "not you".into() };
    assert_eq!(next(&mut user).await, refusal);
    event(&mut events, "the refusal", |event| match event {
        ClientEvent::AuthorizationFailed { channel, status, .. } => Some((channel, status)),
        _ => None,
    })
    .await;
    peer.settle().await;
    client.resubscribe(USER).await.unwrap();
    sign_in(&mut peer).await;
    assert_eq!(next(&mut user).await, ChannelEvent::Subscribed);
}

#[tokio::test]
async fn item_40_a_user_without_an_id_is_refused() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let mut user = client.sign_in(Guard::granting(ANN)).await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.expect("pusher:signin").await;
    peer.publish_protocol("pusher:signin_success", &json!({ "user_data": "{}" })).await;
    assert!(matches!(next(&mut user).await, ChannelEvent::Refused { .. }));
}
