//! The channel server, frame by frame.

use std::time::Duration;

use relay::NewMessage;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::world::{BRAND, SID, Socket, World, data, eventually, titled};

#[tokio::test]
async fn a_connection_is_greeted_with_its_id_and_the_activity_timeout() {
    let world = World::start_with(|options| options.activity_timeout = Duration::from_secs(77)).await;
    let mut socket = Socket::open(&world.socket_url()).await;
    let frame = socket.frame().await;
    assert_eq!(frame["event"], "pusher:connection_established");
    assert_eq!(data(&frame)["activity_timeout"], 77);
    let id = data(&frame)["socket_id"].as_str().unwrap().to_owned();
    assert!(id.split('.').all(|part| part.parse::<u32>().is_ok()) && id.contains('.'), "{id}");
    assert_ne!(world.socket().await.id, id);
}

#[tokio::test]
async fn a_connection_that_cannot_be_served_is_told_why_by_its_close_code() {
    let world = World::start().await;
    let url = world.socket_url();
    let cases = [
        (url.replace(world.server.pusher_key(), "unknown"), 4001),
        (url.replace("protocol=7", ""), 4008),
        (url.replace("protocol=7", "protocol=seven"), 4006),
        (url.replace("protocol=7", "protocol=99"), 4007),
    ];
    for (url, code) in cases {
        let mut socket = Socket::open(&url).await;
        let frame = socket.frame().await;
        assert_eq!((&frame["event"], &frame["data"]["code"]), (&"pusher:error".into(), &code.into()), "{url}");
        assert_eq!(socket.end().await, Some(code), "{url}");
    }
    assert_eq!(world.server.connections(), 0);
}

#[tokio::test]
async fn a_subscriber_gets_each_message_as_the_object_of_the_list() {
    let world = World::start().await;
    let mut socket = world.subscribed().await;
    world.send("first").await;
    let frame = socket.frame().await;
    assert_eq!((&frame["event"], &frame["channel"]), (&"message".into(), &world.user.channel().into()));
    assert_eq!(data(&frame), world.listed("").await[0]);
    let shoutout = NewMessage { kind: relay::Kind::Shoutout, ..titled("second") };
    world.server.send(&world.user, shoutout).await.unwrap();
    assert_eq!(socket.frame().await["event"], "shoutout");
}

#[tokio::test]
async fn a_message_over_ten_kilobytes_comes_without_its_body_which_is_there_by_id() {
    let world = World::start().await;
    let mut socket = world.subscribed().await;
    let body = "<p>long</p>".repeat(1000);
    world.server.send(&world.user, NewMessage { body: body.clone(), ..titled("long") }).await.unwrap();
    let frame = socket.frame().await;
    assert!(frame["data"].as_str().unwrap().len() <= 10 * 1024);
    let event = data(&frame);
    assert_eq!((&event["Title"], &event["Message"]), (&"long".into(), &"".into()));
    let path = format!("/integration-api/Notifications/v2/user-notification/{}", event["MessageId"]);
    assert_eq!(world.call(Method::GET, &path, SID, None).await.1["Data"]["Message"], body);
}

#[tokio::test]
async fn a_wrong_signature_is_refused_and_the_connection_lives_for_a_right_one() {
    let world = World::start().await;
    let channel = world.user.channel();
    let earlier = world.socket().await;
    let for_earlier = world.authorize(&earlier.id, &channel).await.1["auth"].clone();
    let mut socket = world.socket().await;
    let forged = json!(format!("{}:{}", world.server.pusher_key(), "0".repeat(64)));
    for auth in [for_earlier, forged, Value::Null] {
        socket.subscribe(&channel, auth).await;
        let frame = socket.frame().await;
        assert_eq!((&frame["event"], &frame["data"]["code"]), (&"pusher:error".into(), &4009.into()));
    }
    let mut hearing = world.subscribed().await;
    world.send("not for this one").await;
    assert_eq!(data(&hearing.frame().await)["Title"], "not for this one", "it is published");
    socket.nothing_until_pong().await;

    let auth = world.authorize(&socket.id, &channel).await.1["auth"].clone();
    socket.subscribe(&channel, auth).await;
    assert_eq!(socket.frame().await["event"], "pusher_internal:subscription_succeeded");
}

#[tokio::test]
async fn whoever_keeps_guessing_signatures_is_sent_away_for_good() {
    let world = World::start().await;
    let mut socket = world.socket().await;
    for _ in 0..5 {
        socket.subscribe(&world.user.channel(), "key:00").await;
    }
    assert_eq!(socket.end().await, Some(4009));
}

#[tokio::test]
async fn a_signature_for_ones_own_channel_opens_no_other() {
    let world = World::start().await;
    let luke = world.server.add_user(BRAND, "luke", "Luke", "Skywalker").await.unwrap();
    let mut socket = world.socket().await;
    let auth = world.authorize(&socket.id, &world.user.channel()).await.1["auth"].clone();
    socket.subscribe(&luke.channel(), auth).await;
    assert_eq!(socket.frame().await["data"]["code"], 4009);
    let mut hearing = world.subscribed().await;
    world.server.send(&luke, titled("for Luke")).await.unwrap();
    world.send("afterwards").await;
    assert_eq!(data(&hearing.frame().await)["Title"], "afterwards", "the one before it is published");
    socket.nothing_until_pong().await;
}

#[tokio::test]
async fn there_are_private_channels_only() {
    let world = World::start().await;
    let mut socket = world.socket().await;
    for channel in ["news", "presence-room", "private-encrypted-a", ""] {
        socket.subscribe(channel, Value::Null).await;
        let frame = socket.frame().await;
        assert_eq!((&frame["event"], &frame["data"]["code"]), (&"pusher:error".into(), &Value::Null), "{channel}");
    }
}

#[tokio::test]
async fn nothing_comes_after_an_unsubscription() {
    let world = World::start().await;
    let mut socket = world.subscribed().await;
    socket.say(json!({ "event": "pusher:unsubscribe", "data": { "channel": world.user.channel() } }).to_string()).await;
    socket.nothing_until_pong().await;
    assert_eq!(world.server.subscribers(&world.user), 0);
    let mut hearing = world.subscribed().await;
    world.send("unheard").await;
    assert_eq!(data(&hearing.frame().await)["Title"], "unheard", "it is published");
    socket.nothing_until_pong().await;
}

#[tokio::test]
async fn every_connection_of_a_user_gets_the_message_and_each_once() {
    let world = World::start().await;
    let mut sockets = [world.subscribed().await, world.subscribed().await];
    let auth = world.authorize(&sockets[0].id, &world.user.channel()).await.1["auth"].clone();
    sockets[0].subscribe(&world.user.channel(), auth).await;
    assert_eq!(sockets[0].frame().await["event"], "pusher_internal:subscription_succeeded", "twice is no error");
    world.send("to all").await;
    for socket in &mut sockets {
        assert_eq!(data(&socket.frame().await)["Title"], "to all");
        socket.nothing_until_pong().await;
    }
}

#[tokio::test]
async fn nonsense_is_an_error_and_much_of_it_the_end() {
    let world = World::start().await;
    let mut socket = world.socket().await;
    for frame in ["", "not json", "null", r#"{"event":"client-typing","channel":"private-a","data":{}}"#] {
        socket.say(frame).await;
        assert_eq!(socket.frame().await["event"], "pusher:error", "{frame:?}");
    }
    socket.say(r#"{"event":"pusher:signin","data":{}}"#).await;
    socket.nothing_until_pong().await;
    for _ in 0..20 {
        if !socket.try_say("not json".into()).await {
            break;
        }
    }
    assert_eq!(socket.end().await, Some(1008));
}

#[tokio::test]
async fn a_frame_that_is_too_large_ends_its_connection_alone() {
    let world = World::start().await;
    let mut other = world.subscribed().await;
    let mut socket = world.socket().await;
    // The server hangs up while it is being sent.
    socket.try_say("x".repeat(1024 * 1024)).await;
    socket.end().await;
    world.send("still here").await;
    assert_eq!(data(&other.frame().await)["Title"], "still here");
    eventually("the connection is gone", || world.server.connections() == 1).await;
}

#[tokio::test]
async fn a_silent_client_is_asked_and_then_closed_with_4201() {
    let short = Duration::from_millis(50);
    let world = World::start_with(|options| (options.activity_timeout, options.pong_timeout) = (short, short)).await;
    let mut socket = world.socket().await;
    assert_eq!(socket.frame().await["event"], "pusher:ping");
    assert_eq!(socket.end().await, Some(4201));
}

#[tokio::test]
async fn a_client_that_answers_stays() {
    let short = Duration::from_millis(20);
    let world = World::start_with(|options| options.activity_timeout = short).await;
    let mut socket = world.socket().await;
    for _ in 0..5 {
        assert_eq!(socket.frame().await["event"], "pusher:ping");
        socket.say(r#"{"event":"pusher:pong","data":{}}"#).await;
    }
}

#[tokio::test]
async fn one_connection_too_many_is_told_to_come_back_later() {
    let world = World::start_with(|options| options.max_connections = 1).await;
    let mut first = world.socket().await;
    let mut second = Socket::open(&world.socket_url()).await;
    assert_eq!(second.end().await, Some(4100));
    first.nothing_until_pong().await;
    drop(first);
    eventually("the place is free again", || world.server.connections() == 0).await;
    world.socket().await;
}

#[tokio::test]
async fn a_shutdown_tells_clients_to_come_back_at_once_and_a_crash_tells_nothing() {
    let mut world = World::start().await;
    let mut socket = world.subscribed().await;
    let ((), code) = tokio::join!(world.server.shutdown(), socket.end());
    assert_eq!(code, Some(4200));

    world.start_again().await;
    let mut socket = world.subscribed().await;
    world.server.kill().await;
    assert_eq!(socket.end().await, None);
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_client_that_does_not_answer() {
    let world = World::start().await;
    let mut socket = world.subscribed().await;
    tokio::time::timeout(Duration::from_secs(10), world.server.shutdown()).await.expect("it should not hang");
    assert!(matches!(socket.message().await, Some(Message::Close(_)) | None));
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_and_the_others_miss_nothing() {
    let world = World::start().await;
    let mut slow = Socket::with_small_buffer(world.server.address(), &world.socket_url()).await;
    let auth = world.authorize(&slow.id, &world.user.channel()).await.1["auth"].clone();
    slow.subscribe(&world.user.channel(), auth).await;
    eventually("the slow one is subscribed", || world.server.subscribers(&world.user) == 1).await;
    let mut quick = world.subscribed().await;

    // At most what the system buffers, and the queue: a few megabytes.
    for number in 0..5000 {
        world.server.send(&world.user, NewMessage { body: "x".repeat(9000), ..titled("much") }).await.unwrap();
        assert_eq!(quick.frame().await["event"], "message", "number {number}");
        if world.server.subscribers(&world.user) == 1 {
            return;
        }
    }
    panic!("the slow client is still there");
}
