//! Items 37 and 38 of the checklist: who is on a presence channel.

use pusher_client::{ChannelEvent, Client};
use serde_json::json;

use crate::fake::{Guard, Server, Signer, granted, next, within};

#[tokio::test]
async fn item_37_members_are_listed_come_go_and_one_of_them_is_oneself() {
    let server = Server::start().await;
    let me = granted().with_channel_data(r#"{"user_id":"me","user_info":{"name":"Ann"}}"#);
    let client = Client::connect(server.options(), Signer::answering([Ok(me)]).0);
    let mut room = client.subscribe("presence-room").await.unwrap();
    let members = room.members();
    assert_eq!((members.borrow().count(), members.borrow().me()), (0, None));
    let mut peer = server.greet("1.2").await;
    let frame = peer.expect("pusher:subscribe").await;
    assert_eq!(frame["data"]["channel_data"], r#"{"user_id":"me","user_info":{"name":"Ann"}}"#);
    let list =
        json!({ "presence": { "count": 2, "ids": ["me", "bo"], "hash": { "me": { "name": "Ann" }, "bo": null } } });
    peer.publish("presence-room", "pusher_internal:subscription_succeeded", &list).await;
    assert_eq!(next(&mut room).await, ChannelEvent::Subscribed);
    assert_eq!(members.borrow().count(), 2);
    assert_eq!(members.borrow().me().unwrap().info, json!({ "name": "Ann" }));

    let cy = json!({ "user_id": "cy", "user_info": { "name": "Cy" } });
    peer.publish("presence-room", "pusher_internal:member_added", &cy).await;
    let ChannelEvent::MemberAdded(added) = next(&mut room).await else { panic!("a member was expected") };
    assert_eq!((added.id.as_str(), &added.info), ("cy", &json!({ "name": "Cy" })));
    peer.publish("presence-room", "pusher_internal:member_removed", &json!({ "user_id": "bo" })).await;
    let ChannelEvent::MemberRemoved(removed) = next(&mut room).await else { panic!("a member was expected") };
    assert_eq!(removed.id, "bo");
    assert_eq!(members.borrow().iter().map(|(id, _)| id).collect::<Vec<_>>(), ["cy", "me"]);

    let mut gone = members.clone();
    drop(peer);
    within("the list to be emptied", gone.wait_for(|members| members.count() == 0)).await.unwrap();
}

#[tokio::test]
async fn item_38_a_presence_channel_without_channel_data_waits_for_the_sign_in() {
    let server = Server::start().await;
    let (guard, pass) = Guard::gated(r#"{"id":"7"}"#);
    let client = Client::connect(server.options(), Signer::granting());
    let _user = client.sign_in(guard).await.unwrap();
    let mut room = client.subscribe("presence-room").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.settle().await;
    pass.add_permits(1);
    peer.expect("pusher:signin").await;
    peer.settle().await;
    peer.publish_protocol("pusher:signin_success", &json!({ "user_data": r#"{"id":"7"}"# })).await;
    assert_eq!(peer.expect("pusher:subscribe").await["data"]["channel"], "#server-to-user-7");
    assert_eq!(peer.expect("pusher:subscribe").await["data"]["channel"], "presence-room");
    let list = json!({ "presence": { "count": 1, "ids": ["7"], "hash": { "7": { "name": "Ann" } } } });
    peer.publish("presence-room", "pusher_internal:subscription_succeeded", &list).await;
    assert_eq!(next(&mut room).await, ChannelEvent::Subscribed);
    assert_eq!(room.members().borrow().me().unwrap().info, json!({ "name": "Ann" }));
}

#[tokio::test]
async fn item_38_without_a_sign_in_it_is_refused() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let mut room = client.subscribe("presence-room").await.unwrap();
    let _peer = server.greet("1.2").await;
    let ChannelEvent::Refused { status: None, message } = next(&mut room).await else { panic!("a refusal") };
    assert!(message.contains("channel_data"), "{message}");
}
