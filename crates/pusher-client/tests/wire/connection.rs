//! The life of a connection, against a scripted server: handshake, signs of life, close codes, reconnection, shutdown.

use std::time::Duration;

use pusher_client::{Authorization, Backoff, ChannelEvent, Client, ClientEvent, Error, Options, Proxy, State};
use serde_json::json;
use tokio::{io::AsyncWriteExt, time::Instant};
use tokio_tungstenite::tungstenite::Message;

use crate::fake::{Server, Signer, back, event, lost, next, published, state, wait, within};

fn connect(options: Options) -> Client {
    Client::connect(options, Signer::granting())
}

#[tokio::test]
async fn the_handshake_names_protocol_client_and_version() {
    let server = Server::start().await;
    let client = connect(server.options().client_name("test").path("/behind/a/path"));
    let mut events = client.events();
    assert_eq!(*client.state().borrow(), State::Connecting);
    let mut peer = server.accept().await;
    let expected = format!("/behind/a/path/app/app-key?protocol=7&client=test&version={}", env!("CARGO_PKG_VERSION"));
    assert_eq!(peer.uri, expected);
    peer.greet("1.2", Some(120)).await;
    let connected = State::Connected { socket_id: "1.2".into() };
    assert_eq!(state(&client, "the greeting", |state| *state != State::Connecting).await, connected);
    let socket_id = event(&mut events, "the greeting", |event| match event {
        ClientEvent::Connected { socket_id } => Some(socket_id),
        _ => None,
    });
    assert_eq!(socket_id.await, "1.2");
}

#[tokio::test]
async fn item_06_a_greeting_without_activity_timeout_is_one() {
    let server = Server::start().await;
    let client = connect(server.options());
    let mut peer = server.accept().await;
    peer.greet("1.2", None).await;
    state(&client, "the greeting", |state| matches!(state, State::Connected { .. })).await;
}

#[tokio::test]
async fn item_07_a_first_frame_that_is_no_greeting_is_hung_up_on_and_tried_again() {
    let server = Server::start().await;
    let client = connect(server.options());
    let mut events = client.events();
    for first in [r#"{"event":"news"}"#, "not json", r#"{"event":"pusher:connection_established","data":"{}"}"#] {
        let mut peer = server.accept().await;
        peer.send_text(first).await;
        assert_eq!(lost(&mut events).await.0, None, "{first}");
        peer.gone().await;
    }
    server.greet("1.2").await;
}

#[tokio::test]
async fn pings_and_binary_before_the_greeting_are_tolerated() {
    let server = Server::start().await;
    let client = connect(server.options());
    let mut peer = server.accept().await;
    peer.send_message(Message::Ping("early".into())).await;
    peer.send_message(Message::binary(vec![0, 159, 146, 150])).await;
    peer.greet("1.2", Some(120)).await;
    state(&client, "the greeting", |state| matches!(state, State::Connected { .. })).await;
}

#[tokio::test]
async fn a_server_that_speaks_no_websocket_is_tried_again() {
    let server = Server::start().await;
    let client = connect(server.options());
    let mut events = client.events();
    let mut tcp = server.tcp().await;
    tcp.write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    let (code, reason) = lost(&mut events).await;
    assert_eq!(code, None);
    assert!(reason.contains("503"), "{reason}");
    server.tcp().await.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await.unwrap();
    lost(&mut events).await;
    server.greet("1.2").await;
}

#[tokio::test]
async fn an_attempt_that_leads_nowhere_is_given_up() {
    let server = Server::start().await;
    let client = connect(server.options().connect_timeout(Duration::from_millis(100)));
    let mut events = client.events();
    let _silent = server.tcp().await;
    let (_, reason) = lost(&mut events).await;
    assert!(reason.contains("too long"), "{reason}");
    server.greet("1.2").await;
}

#[tokio::test]
async fn an_idle_server_is_pinged_and_any_frame_of_its_is_life() {
    let server = Server::start().await;
    let client = connect(server.options().activity_timeout(Duration::from_millis(30)));
    let mut peer = server.greet("1.2").await;
    for answer in [r#"{"event":"pusher:pong"}"#, r#"{"event":"anything"}"#, "not even JSON"] {
        peer.expect("pusher:ping").await;
        peer.send_text(answer).await;
    }
    peer.expect("pusher:ping").await;
    assert!(matches!(*client.state().borrow(), State::Connected { .. }));
    assert!(server.is_quiet().await, "one connection is enough");
}

#[tokio::test]
async fn item_20_the_shorter_of_the_two_activity_timeouts_counts() {
    let server = Server::start().await;
    let _client = connect(server.options());
    let mut peer = server.accept().await;
    peer.greet("1.2", Some(1)).await;
    peer.expect("pusher:ping").await;

    let server = Server::start().await;
    let _client = connect(server.options().activity_timeout(Duration::from_millis(30)));
    let mut peer = server.accept().await;
    peer.greet("1.2", Some(120)).await;
    peer.expect("pusher:ping").await;
}

#[tokio::test]
async fn item_21_a_ping_without_answer_ends_the_connection_and_another_follows() {
    let server = Server::start().await;
    let short = Duration::from_millis(30);
    let client = connect(server.options().activity_timeout(short).pong_timeout(short));
    let mut events = client.events();
    let mut peer = server.greet("1.2").await;
    peer.expect("pusher:ping").await;
    let (code, reason) = lost(&mut events).await;
    assert_eq!(code, None);
    assert!(reason.contains("ping"), "{reason}");
    server.greet("1.3").await;
}

#[tokio::test]
async fn item_22_pings_of_the_server_are_answered() {
    let server = Server::start().await;
    let _client = connect(server.options());
    let mut peer = server.greet("1.2").await;
    peer.send(json!({ "event": "pusher:ping", "data": {} })).await;
    peer.expect("pusher:pong").await;
    peer.send_message(Message::Ping("are you there".into())).await;
    assert_eq!(peer.message().await, Message::Pong("are you there".into()));
}

#[tokio::test]
async fn retry_now_pings_at_once_when_connected() {
    let server = Server::start().await;
    let client = connect(server.options());
    let mut peer = server.greet("1.2").await;
    state(&client, "the greeting", |state| matches!(state, State::Connected { .. })).await;
    client.retry_now();
    peer.expect("pusher:ping").await;
}

#[tokio::test]
async fn retry_now_ends_a_wait() {
    let server = Server::start().await;
    let hour = Duration::from_hours(1);
    let client = connect(server.options().backoff(Backoff::new(hour, hour, 1, hour)));
    server.greet("1.2").await.close(1001, "going away").await;
    let waiting = state(&client, "the wait", |state| matches!(state, State::Waiting { .. })).await;
    assert_eq!(waiting, State::Waiting { retry_in: hour });
    client.retry_now();
    server.greet("1.3").await;
}

#[tokio::test]
async fn retry_now_starts_the_waits_anew() {
    let server = Server::start().await;
    let first = Duration::from_mins(1);
    let backoff = Backoff::new(first, first * 2, 9, first * 2);
    let client = connect(server.options().backoff(backoff));
    let mut events = client.events();
    for _ in 0..3 {
        drop(server.accept().await);
        lost(&mut events).await;
        assert_eq!(*client.state().borrow(), State::Waiting { retry_in: first });
        client.retry_now();
    }
    server.greet("1.2").await;
}

#[tokio::test]
async fn item_11_codes_that_say_stop_end_in_failure() {
    for code in [4001, 4004, 4099] {
        let server = Server::start().await;
        let client = connect(server.options());
        let mut events = client.events();
        server.greet("1.2").await.close(code, "no such app").await;
        let failed = State::Failed { code, reason: "no such app".into() };
        assert_eq!(state(&client, "the failure", |state| matches!(state, State::Failed { .. })).await, failed);
        assert_eq!(lost(&mut events).await, (Some(code), "no such app".into()));
        client.retry_now();
        // The task takes commands in order: once this is answered, the retry was ignored.
        assert_eq!(client.resubscribe("a").await, Err(Error::NotSubscribed { channel: "a".into() }));
        assert!(server.is_quiet().await, "{code}: it must not come back");
        within("the end", client.shutdown()).await;
        assert_eq!(*client.state().borrow(), State::Closed);
    }
}

#[tokio::test]
async fn an_error_in_place_of_a_greeting_counts_like_a_close() {
    let server = Server::start().await;
    let client = connect(server.options());
    let mut peer = server.accept().await;
    peer.send(json!({ "event": "pusher:error", "data": { "code": 4001, "message": "Could not find app" } })).await;
    let failed = State::Failed { code: 4001, reason: "Could not find app".into() };
    assert_eq!(state(&client, "the failure", |state| matches!(state, State::Failed { .. })).await, failed);
}

#[tokio::test]
async fn an_address_that_can_not_be_one_is_a_failure_and_no_endless_try() {
    let client = connect(Options::host("key", "no host", 1, false));
    let failed = state(&client, "the failure", |state| matches!(state, State::Failed { .. })).await;
    assert!(matches!(failed, State::Failed { code: 0, .. }), "{failed:?}");
}

#[tokio::test]
async fn item_13_codes_that_say_at_once_are_followed_at_once() {
    for code in [4200, 4299] {
        let server = Server::start().await;
        let hour = Duration::from_hours(1);
        let _client = connect(server.options().backoff(Backoff::new(hour, hour, 1, hour)));
        server.greet("1.2").await.close(code, "please reconnect").await;
        server.greet("1.3").await;
    }
}

#[tokio::test]
async fn item_12_codes_that_say_later_are_followed_after_a_second() {
    for code in [4100, 4199] {
        let server = Server::start().await;
        let client = connect(server.options());
        let peer = server.greet("1.2").await;
        let mut events = client.events();
        let closed = Instant::now();
        peer.close(code, "over capacity").await;
        let retry_in = wait(&mut events).await;
        assert!(retry_in >= Duration::from_secs(1), "{code}: {retry_in:?}");
        server.greet("1.3").await;
        assert!(closed.elapsed() >= Duration::from_secs(1), "{code}: {:?}", closed.elapsed());
    }
}

#[tokio::test]
async fn item_16_an_error_on_a_live_connection_is_reported_with_code_and_reason_and_the_connection_lives() {
    let server = Server::start().await;
    let client = connect(server.options());
    let mut events = client.events();
    let mut peer = server.greet("1.2").await;
    for channel in [None, Some("private-a")] {
        let data = json!({ "code": 4301, "message": "rate limit" });
        peer.send(json!({ "event": "pusher:error", "channel": channel, "data": data })).await;
        let error = event(&mut events, "the error", |event| match event {
            ClientEvent::ServerError { code, message, channel } => Some((code, message, channel)),
            _ => None,
        });
        assert_eq!(error.await, (Some(4301), "rate limit".into(), channel.map(str::to_owned)));
    }
    peer.settle().await;
}

#[tokio::test]
async fn item_05_frames_that_make_no_sense_are_reported_and_the_connection_lives() {
    let server = Server::start().await;
    let client = connect(server.options());
    let mut events = client.events();
    let mut news = client.subscribe("news").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.subscribe("news").await;
    for text in ["", "{", "[]", "5", r#"{"event":5}"#, r#"{"event":"a","channel":{}}"#] {
        peer.send_text(text).await;
        let bytes = event(&mut events, "the report", |event| match event {
            ClientEvent::Malformed { bytes, .. } => Some(bytes),
            _ => None,
        });
        assert_eq!(bytes.await, Some(text.len()));
    }
    peer.send_message(Message::binary(vec![1; 1000])).await;
    peer.send(json!({ "event": "orphan" })).await;
    peer.send(json!({ "event": "e", "channel": "unknown", "data": "x" })).await;
    peer.publish("news", "e", &json!({ "still": "here" })).await;
    assert_eq!(next(&mut news).await, ChannelEvent::Subscribed);
    assert_eq!(published(&mut news).await.value(), json!({ "still": "here" }));
}

#[tokio::test]
async fn a_frame_over_the_limit_ends_the_connection_and_one_at_it_does_not() {
    let server = Server::start().await;
    let client = connect(server.options().max_frame(10_000));
    let mut events = client.events();
    let mut news = client.subscribe("news").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.subscribe("news").await;
    let frame = |data: usize| json!({ "event": "e", "channel": "news", "data": "x".repeat(data) }).to_string();
    let overhead = frame(0).len();
    peer.send_text(frame(10_000 - overhead)).await;
    next(&mut news).await;
    assert_eq!(published(&mut news).await.raw().len(), 10_000 - overhead);
    peer.send_text(frame(10_001 - overhead)).await;
    let bytes = event(&mut events, "the report", |event| match event {
        ClientEvent::Malformed { bytes, .. } => Some(bytes),
        _ => None,
    });
    assert_eq!(bytes.await, None, "it was not even read");
    peer.gone().await;
    server.greet("1.3").await;
}

#[tokio::test]
async fn a_server_that_restarts_is_found_again_within_a_second() {
    let server = Server::start().await;
    let address = server.address;
    // The waits of the product, not those of the tests, and each as long as it can be.
    let options = Options::host("app-key", "127.0.0.1", address.port(), false).proxy(Proxy::none()).jitter(|| 1.0);
    let client = connect(options);
    let mut events = client.events();
    let mut news = client.subscribe("news").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.subscribe("news").await;
    next(&mut news).await;
    drop((peer, server));
    // The connection, and at least three attempts to find it again.
    for _ in 0..4 {
        lost(&mut events).await;
        let waiting = client.state().borrow().clone();
        if let State::Waiting { retry_in } = waiting {
            assert!(retry_in < Duration::from_secs(1), "{retry_in:?}");
        }
    }
    let server = Server::at(address).await;
    let mut peer = server.greet("1.3").await;
    peer.subscribe("news").await;
    back(&mut news).await;
}

#[tokio::test]
async fn item_25_shutdown_says_goodbye_and_delivers_nothing_afterwards() {
    let server = Server::start().await;
    let client = connect(server.options());
    let mut events = client.events();
    let mut news = client.subscribe("news").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.subscribe("news").await;
    peer.publish("news", "e", &json!(1)).await;
    peer.settle().await;
    let server_side = tokio::spawn(async move {
        let code = peer.goodbye().await;
        peer.gone().await;
        code
    });
    within("the end", client.shutdown()).await;
    assert_eq!(news.next().await, None, "not even what was waiting");
    assert_eq!(events.next().await, None);
    assert_eq!(client.events().next().await, None);
    assert_eq!(*client.state().borrow(), State::Closed);
    assert_eq!(server_side.await.unwrap(), 1000);
    assert_eq!(client.subscribe("news").await.err(), Some(Error::Closed));
    assert_eq!(client.resubscribe("news").await, Err(Error::Closed));
    client.retry_now();
    within("a second end", client.shutdown()).await;
}

#[tokio::test]
async fn item_18_shutdown_aborts_a_pending_attempt_and_a_wait() {
    let server = Server::start().await;
    let hour = Duration::from_hours(1);
    let client = connect(server.options().connect_timeout(hour));
    let silent = server.tcp().await;
    within("the end", client.shutdown()).await;
    drop(silent);

    let client = connect(server.options().backoff(Backoff::new(hour, hour, 1, hour)));
    drop(server.tcp().await);
    state(&client, "a wait", |state| matches!(state, State::Waiting { .. })).await;
    within("the end", client.shutdown()).await;
}

#[tokio::test]
async fn a_server_that_answers_no_goodbye_does_not_hold_up_shutdown() {
    let server = Server::start().await;
    let client = connect(server.options());
    let _peer = server.greet("1.2").await;
    state(&client, "the greeting", |state| matches!(state, State::Connected { .. })).await;
    within("the end", client.shutdown()).await;
}

#[tokio::test]
async fn the_last_handle_gone_ends_the_connection() {
    let server = Server::start().await;
    let client = connect(server.options());
    let mut events = client.events();
    let subscription = client.subscribe("news").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.subscribe("news").await;
    drop(client.clone());
    drop(client);
    peer.settle().await;
    drop(subscription);
    assert_eq!(peer.goodbye().await, 1000);
    peer.gone().await;
    within("the events to end", async { while events.next().await.is_some() {} }).await;
}

#[tokio::test]
async fn a_slow_reader_of_the_connections_events_is_told_so() {
    let server = Server::start().await;
    let client = connect(server.options().buffer(4));
    let mut events = client.events();
    let mut peer = server.greet("1.2").await;
    for _ in 0..10 {
        peer.send_text("nonsense").await;
    }
    peer.settle().await;
    assert_eq!(events.next().await, Some(ClientEvent::Lagged(7)), "ten and the greeting, less four");
    for _ in 0..4 {
        assert!(matches!(events.next().await, Some(ClientEvent::Malformed { .. })));
    }
}

#[tokio::test]
async fn a_server_that_never_reads_is_noticed() {
    let server = Server::start().await;
    // More than fits into every buffer on the way.
    let authorization = Authorization::new("k:s").with_channel_data("x".repeat(512 << 10));
    let answers = std::iter::repeat_n(Ok(authorization), 64);
    let options = server.options().pong_timeout(Duration::from_millis(300));
    let client = Client::connect(options, Signer::answering(answers).0);
    let mut events = client.events();
    let mut held = Vec::new();
    for number in 0..64 {
        held.push(client.subscribe(&format!("private-{number}")).await.unwrap());
    }
    let _peer = server.greet("1.2").await;
    let (_, reason) = lost(&mut events).await;
    assert!(reason.contains("no more frames"), "{reason}");
}
