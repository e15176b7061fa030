//! What is published arrives, as it was published and where it belongs.

use pusher_client::{ClientEvent, Error};
use serde_json::json;

use crate::stage::{BOTH, Stage, event, published, subscribed};

#[tokio::test]
async fn items_01_to_03_events_carry_what_was_published() {
    for release in BOTH {
        let stage = Stage::set(release).await;
        let client = stage.client();
        let mut news = subscribed(&client, "news").await;
        let object = json!({ "n": 1, "text": "grüße \u{1f980}" });
        for data in [object.clone(), json!("plain"), json!(object.to_string())] {
            stage.backend.trigger("news", "e", &data).await;
        }
        assert_eq!(published(&mut news).await.value(), object, "{release:?}: encoded once");
        assert_eq!(published(&mut news).await.value(), json!("plain"), "{release:?}: text");
        assert_eq!(published(&mut news).await.value(), object, "{release:?}: a text that holds JSON");
    }
}

#[tokio::test]
async fn items_27_34_and_35_channels_are_authorized_do_not_mix_and_can_be_left() {
    for release in BOTH {
        let stage = Stage::set(release).await;
        let client = stage.client();
        let mut one = subscribed(&client, "private-one").await;
        let other = subscribed(&client, "private-other").await;
        stage.backend.trigger("private-other", "e", &json!("not for one")).await;
        drop(other);
        stage.backend.trigger("private-one", "e", &json!(1)).await;
        assert_eq!(published(&mut one).await.value(), json!(1), "{release:?}");
        let mut again = subscribed(&client, "private-other").await;
        stage.backend.trigger("private-other", "e", &json!(2)).await;
        assert_eq!(published(&mut again).await.value(), json!(2), "{release:?}: nothing of before");
    }
}

#[tokio::test]
async fn items_17_and_36_clients_send_events_until_they_are_too_fast() {
    for release in BOTH {
        let stage = Stage::set(release).await;
        let (ann, bo) = (stage.client_of("ann"), stage.client_of("bo"));
        let mut events = ann.events();
        let room = ann.subscribe("presence-room").await.unwrap();
        let early = room.trigger("client-typing", &json!({})).await;
        assert!(matches!(early, Ok(()) | Err(Error::NotReady { .. })), "{release:?}: {early:?}");
        let mut other = subscribed(&bo, "presence-room").await;
        drop(room);
        let room = subscribed(&ann, "presence-room").await;
        room.trigger("client-typing", &json!({ "who": "me" })).await.unwrap();
        let typing = loop {
            if let pusher_client::ChannelEvent::Event(event) = crate::stage::next(&mut other).await {
                break event;
            }
        };
        assert_eq!((typing.name(), typing.value()), ("client-typing", json!({ "who": "me" })), "{release:?}");
        for _ in 0..40 {
            room.trigger("client-typing", &json!({})).await.unwrap();
        }
        let code = event(&mut events, "the complaint", |event| match event {
            ClientEvent::ServerError { code, .. } => Some(code),
            _ => None,
        });
        assert_eq!(code.await, Some(4301), "{release:?}");
    }
}
