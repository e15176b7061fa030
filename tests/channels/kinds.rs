//! The kinds of channels, and the signed-in user.

use std::time::Duration;

use pusher_client::ChannelEvent;
use serde_json::json;

use crate::stage::{BOTH, Stage, next, published, subscribed, within};

#[tokio::test]
async fn item_37_presence_members_come_and_go() {
    for release in BOTH {
        let stage = Stage::set(release).await;
        let (ann, bo) = (stage.client_of("ann"), stage.client_of("bo"));
        let mut room = subscribed(&ann, "presence-room").await;
        assert_eq!(room.members().borrow().me().unwrap().info, json!({ "name": "Name of ann" }), "{release:?}");
        let other = subscribed(&bo, "presence-room").await;
        let ChannelEvent::MemberAdded(member) = next(&mut room).await else { panic!("a member was expected") };
        assert_eq!((member.id.as_str(), &member.info), ("bo", &json!({ "name": "Name of bo" })));
        assert_eq!(other.members().borrow().count(), 2);
        drop(other);
        let ChannelEvent::MemberRemoved(member) = next(&mut room).await else { panic!("a member was expected") };
        assert_eq!(member.id, "bo");
        assert_eq!(room.members().borrow().count(), 1);
    }
}

#[tokio::test]
async fn item_39_what_is_encrypted_arrives_in_plain_over_a_change_of_keys() {
    for release in BOTH {
        let stage = Stage::set(release).await;
        let client = stage.client();
        let mut orders = subscribed(&client, "private-encrypted-orders").await;
        stage.backend.trigger("private-encrypted-orders", "e", &json!({ "text": "grüße" })).await;
        assert_eq!(published(&mut orders).await.value(), json!({ "text": "grüße" }), "{release:?}");
        stage.backend.rekey(2).await;
        for number in 1..=3 {
            stage.backend.trigger("private-encrypted-orders", "e", &json!(number)).await;
        }
        for number in 1..=3 {
            assert_eq!(published(&mut orders).await.value(), json!(number), "{release:?}");
        }
    }
}

#[tokio::test]
async fn item_40_a_signed_in_user_gets_what_is_sent_to_them() {
    for release in BOTH {
        let stage = Stage::set(release).await;
        let client = stage.client();
        let mut user = client.sign_in(stage.user("ann")).await.unwrap();
        assert_eq!(next(&mut user).await, ChannelEvent::Subscribed, "{release:?}");
        stage.backend.send_to_user("ann", "hello", &json!({ "n": 1 })).await;
        let event = published(&mut user).await;
        assert_eq!((event.name(), event.value()), ("hello", json!({ "n": 1 })), "{release:?}");
    }
}

#[tokio::test]
async fn a_cache_channel_gives_its_last_event_or_says_that_there_is_none() {
    for release in BOTH {
        let stage = Stage::set(release).await;
        let client = stage.client();
        let mut news = subscribed(&client, "cache-news").await;
        assert_eq!(next(&mut news).await, ChannelEvent::CacheMiss, "{release:?}");
        stage.backend.trigger("cache-news", "e", &json!("last")).await;
        assert_eq!(published(&mut news).await.value(), json!("last"));
        let late = stage.client();
        let mut late = subscribed(&late, "cache-news").await;
        assert_eq!(published(&mut late).await.value(), json!("last"), "{release:?}");
    }
}

#[tokio::test]
async fn item_25_a_client_that_was_shut_down_is_gone_from_the_server() {
    for release in BOTH {
        let stage = Stage::set(release).await;
        let (ann, bo) = (stage.client_of("ann"), stage.client_of("bo"));
        let mut room = subscribed(&ann, "presence-room").await;
        let _other = subscribed(&bo, "presence-room").await;
        assert!(matches!(next(&mut room).await, ChannelEvent::MemberAdded(_)));
        within("the end", tokio::time::timeout(Duration::from_secs(5), bo.shutdown())).await.unwrap();
        assert!(matches!(next(&mut room).await, ChannelEvent::MemberRemoved(_)), "{release:?}");
    }
}
