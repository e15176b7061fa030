//! Item 36 of the checklist: events that clients send.

use pusher_client::{ChannelEvent, Client, ClientEvent, Error};
use serde_json::json;

use crate::fake::{Server, Signer, event, next, published};

#[tokio::test]
async fn item_36_a_client_sends_events_and_hears_when_they_come_too_fast() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let mut events = client.events();
    let mut orders = client.subscribe("private-orders").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.subscribe("private-orders").await;
    assert_eq!(next(&mut orders).await, ChannelEvent::Subscribed);
    orders.trigger("client-typing", &json!({ "who": "me" })).await.unwrap();
    client.trigger("private-orders", "client-done", &"plain").await.unwrap();
    let frame = json!({ "event": "client-typing", "channel": "private-orders", "data": { "who": "me" } });
    assert_eq!(peer.frame().await, frame);
    assert_eq!(peer.expect("client-done").await["data"], "plain");
    peer.send(json!({ "event": "pusher:error", "data": { "code": 4301, "message": "rate limit" } })).await;
    let code = event(&mut events, "the complaint", |event| match event {
        ClientEvent::ServerError { code, .. } => Some(code),
        _ => None,
    });
    assert_eq!(code.await, Some(4301));
    // What others send comes like any event, with who sent it.
    peer.send(json!({ "event": "client-typing", "channel": "private-orders", "data": "{}", "user_id": "8" })).await;
    assert_eq!(published(&mut orders).await.user_id(), Some("8"));
}

#[tokio::test]
async fn item_36_what_can_not_be_sent_is_a_typed_error() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let news = client.subscribe("news").await.unwrap();
    let error = |channel: &'static str, name: &'static str| {
        let client = client.clone();
        async move { client.trigger(channel, name, &1).await.unwrap_err() }
    };
    assert!(matches!(news.trigger("client-e", &1).await, Err(Error::NoClientEvents { .. })));
    assert!(matches!(error("private-encrypted-a", "client-e").await, Error::NoClientEvents { .. }));
    assert!(matches!(error("private-a", "e").await, Error::InvalidEvent { .. }));
    assert!(matches!(error("a b", "client-e").await, Error::InvalidChannel { .. }));
    assert!(matches!(error("private-a", "client-e").await, Error::NotSubscribed { .. }));
    client.shutdown().await;
    assert_eq!(error("private-a", "client-e").await, Error::Closed);
}

#[tokio::test]
async fn a_caller_that_sends_faster_than_the_server_reads_is_told_so() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let mut orders = client.subscribe("private-orders").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.subscribe("private-orders").await;
    assert_eq!(next(&mut orders).await, ChannelEvent::Subscribed);
    let data = "x".repeat(10_000);
    let refused = crate::fake::within("the refusal", async {
        loop {
            if let Err(error) = orders.trigger("client-e", &data).await {
                return error;
            }
        }
    });
    assert_eq!(refused.await, Error::Congested);
    // Once the server reads again, all that was taken arrives, and there is room for more.
    for _ in 0..200 {
        peer.expect("client-e").await;
    }
    crate::fake::within("room", async {
        while orders.trigger("client-last", &1).await.is_err() {
            peer.frame().await;
        }
    })
    .await;
}
