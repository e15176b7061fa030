//! Servers that go, and signatures that are wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pusher_client::{Answer, Authorization, Authorizer, ChannelEvent, Client, ClientEvent, State};
use serde_json::json;
use traybell_tests::backend::Backend;
use traybell_tests::sockudo::Release;

use crate::stage::{BOTH, Stage, event, next, published, subscribed, within};

#[tokio::test]
async fn items_08_24_and_29_a_server_that_was_killed_is_found_again_with_all_channels_and_a_gap_each() {
    for release in BOTH {
        let mut stage = Stage::set(release).await;
        let client = stage.client_of("ann");
        let mut events = client.events();
        let channels = ["news", "presence-room", "private-orders"];
        let mut held = Vec::new();
        for channel in channels {
            held.push(subscribed(&client, channel).await);
        }
        stage.server.restart().await;
        let mut gaps = Vec::new();
        for _ in channels {
            let gap = event(&mut events, "a gap", |event| match event {
                ClientEvent::Gap(gap) => Some(gap),
                _ => None,
            });
            let gap = gap.await;
            assert!(gap.since <= gap.until, "{release:?}: {gap:?}");
            gaps.push(gap.channel);
        }
        gaps.sort();
        assert_eq!(gaps, channels, "{release:?}");
        for subscription in &mut held {
            let channel = subscription.channel().to_owned();
            assert!(matches!(next(subscription).await, ChannelEvent::Gap(_)), "{release:?}: in its place");
            assert_eq!(next(subscription).await, ChannelEvent::Subscribed, "{release:?}");
            stage.backend.trigger(&channel, "e", &json!(channel)).await;
            assert_eq!(published(subscription).await.value(), json!(channel), "{release:?}");
        }
    }
}

#[tokio::test]
async fn items_21_and_24_a_server_that_stands_still_is_given_up_and_found_again_when_it_goes_on() {
    for release in BOTH {
        let mut stage = Stage::set(release).await;
        let (activity, pong) = (Duration::from_millis(100), Duration::from_secs(5));
        let options = stage.options().activity_timeout(activity).pong_timeout(pong);
        let client = Client::connect(options, Arc::new(stage.backend.clone()));
        let mut events = client.events();
        let mut news = subscribed(&client, "news").await;
        stage.server.freeze();
        let reason = event(&mut events, "the end of patience", |event| match event {
            ClientEvent::Lost { reason, .. } => Some(reason),
            _ => None,
        });
        let reason = reason.await;
        assert!(reason.contains("has not answered a ping"), "{release:?}: {reason}");
        stage.server.thaw();
        client.network_changed();
        assert!(matches!(next(&mut news).await, ChannelEvent::Gap(_)), "{release:?}");
        assert_eq!(next(&mut news).await, ChannelEvent::Subscribed, "{release:?}");
        stage.backend.trigger("news", "e", &json!(1)).await;
        assert_eq!(published(&mut news).await.value(), json!(1));
    }
}

/// Signs for another socket first, as an application does whose answer was for an older connection.
struct Stale {
    backend: Backend,
    asked: AtomicU32,
}

impl Authorizer for Stale {
    fn authorize<'a>(&'a self, socket_id: &'a str, channel: &'a str) -> Answer<'a, Authorization> {
        let first = self.asked.fetch_add(1, Ordering::SeqCst) == 0;
        self.backend.authorize(if first { "1.1" } else { socket_id }, channel)
    }
}

#[tokio::test]
async fn item_28_a_wrong_signature_is_told_and_never_leaves_a_channel_that_only_looks_subscribed() {
    for release in BOTH {
        let stage = Stage::set(release).await;
        let client = stage.client_with(Arc::new(Stale { backend: stage.backend.clone(), asked: AtomicU32::new(0) }));
        let mut events = client.events();
        let mut orders = client.subscribe("private-orders").await.unwrap();
        match release {
            // It complains, and the connection lives: the refusal is the channel's.
            Release::V5 => {
                assert!(matches!(next(&mut orders).await, ChannelEvent::Refused { .. }));
                client.resubscribe("private-orders").await.unwrap();
                assert_eq!(next(&mut orders).await, ChannelEvent::Subscribed);
            }
            // It closes with 4009, which says not to come back.
            Release::V2 => {
                let code = event(&mut events, "the end", |event| match event {
                    ClientEvent::Lost { code, .. } => Some(code),
                    _ => None,
                });
                assert_eq!(code.await, Some(4009));
                let failed = |state: &State| matches!(state, State::Failed { code: 4009, .. });
                within("the failure", client.state().wait_for(failed)).await.unwrap();
            }
        }
    }
}

/// Lets an authorization that was asked for on one connection be answered only on the next.
struct Late {
    backend: Backend,
    gate: tokio::sync::Semaphore,
    asked: tokio::sync::mpsc::UnboundedSender<String>,
}

impl Authorizer for Late {
    fn authorize<'a>(&'a self, socket_id: &'a str, channel: &'a str) -> Answer<'a, Authorization> {
        Box::pin(async move {
            let _ = self.asked.send(socket_id.to_owned());
            self.gate.acquire().await.expect("it is never closed").forget();
            self.backend.authorize(socket_id, channel).await
        })
    }
}

#[tokio::test]
async fn items_13_and_41_an_authorization_for_an_older_connection_is_never_sent() {
    // 2.9.2 closes the socket on a stale signature, for good: the hardest judge of it.
    let mut stage = Stage::set(Release::V2).await;
    let (asked, mut told) = tokio::sync::mpsc::unbounded_channel();
    let late = Arc::new(Late { backend: stage.backend.clone(), gate: tokio::sync::Semaphore::new(0), asked });
    let client = stage.client_with(late.clone());
    let mut orders = client.subscribe("private-orders").await.unwrap();
    let first = within("the first question", told.recv()).await.unwrap();
    stage.server.restart().await;
    let second = within("the second question", told.recv()).await.unwrap();
    assert_ne!(first, second);
    late.gate.add_permits(2);
    assert_eq!(next(&mut orders).await, ChannelEvent::Subscribed);
    assert!(matches!(*client.state().borrow(), State::Connected { .. }));
}
