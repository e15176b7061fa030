//! Items 17, 19, 23, 24, 44 and 45 of the checklist: what the client makes of a network that goes and comes.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use pusher_client::{Backoff, ChannelEvent, Client, ClientEvent, Error, Options, State};
use serde_json::json;
use tokio::time::Instant;

use crate::fake::{Server, Signer, event, lost, next, state, wait};

const HOUR: Duration = Duration::from_hours(1);

fn never_again() -> Backoff {
    Backoff::new(HOUR, HOUR, 1, HOUR)
}

fn connect(options: Options) -> Client {
    Client::connect(options, Signer::granting())
}

async fn connected(client: &Client) {
    state(client, "the greeting", |state| matches!(state, State::Connected { .. })).await;
}

#[tokio::test]
async fn item_17_what_is_sent_before_there_is_a_connection_is_refused_and_subscriptions_are_kept() {
    let server = Server::start().await;
    let client = connect(server.options());
    let mut orders = client.subscribe("private-orders").await.unwrap();
    let not_ready = Err(Error::NotReady { channel: "private-orders".into() });
    assert_eq!(orders.trigger("client-e", &json!(1)).await, not_ready, "it is not lost in silence");
    let mut peer = server.greet("1.2").await;
    peer.subscribe("private-orders").await;
    assert_eq!(next(&mut orders).await, ChannelEvent::Subscribed);
    orders.trigger("client-e", &json!(2)).await.unwrap();
    assert_eq!(peer.expect("client-e").await["data"], 2);
}

#[tokio::test]
async fn item_19_no_connection_for_long_is_unavailable_until_there_is_one() {
    let server = Server::start().await;
    let address = server.address;
    let client = connect(server.options().unavailable_timeout(Duration::from_millis(50)));
    drop(server);
    let unavailable = |state: &State| *state == State::Unavailable;
    state(&client, "the first unavailability", unavailable).await;
    let mut events = client.events();
    for _ in 0..3 {
        lost(&mut events).await;
        assert_eq!(*client.state().borrow(), State::Unavailable, "it stays, while the tries go on");
    }
    let server = Server::at(address).await;
    let peer = server.greet("1.2").await;
    connected(&client).await;
    drop((peer, server));
    state(&client, "the second unavailability", unavailable).await;
}

#[tokio::test]
async fn item_23_a_network_that_is_lost_is_noticed_by_a_ping_at_once() {
    let server = Server::start().await;
    let client = connect(server.options().pong_timeout(Duration::from_millis(100)));
    let mut events = client.events();
    let mut peer = server.greet("1.2").await;
    connected(&client).await;
    client.network_changed();
    peer.expect("pusher:ping").await;
    let (_, reason) = lost(&mut events).await;
    assert!(reason.contains("ping"), "{reason}");
    server.greet("1.3").await;
}

#[tokio::test]
async fn item_24_a_network_that_is_back_is_tried_at_once() {
    for hint in [Client::network_changed, Client::woke] {
        let server = Server::start().await;
        let client = connect(server.options().backoff(never_again()));
        server.greet("1.2").await.close(1001, "going away").await;
        state(&client, "the wait", |state| matches!(state, State::Waiting { .. })).await;
        hint(&client);
        server.greet("1.3").await;
    }
}

#[tokio::test]
async fn item_44_a_fleet_told_to_reconnect_at_once_comes_back_spread() {
    let mut waits = Vec::new();
    for jitter in [0.0, 0.5, 1.0] {
        let server = Server::start().await;
        let client = connect(server.options().jitter(move || jitter));
        let mut events = client.events();
        server.greet("1.2").await.close(4200, "again").await;
        waits.push(wait(&mut events).await);
        server.greet("1.3").await;
    }
    assert_eq!(waits, [0, 50, 100].map(Duration::from_millis));
}

#[tokio::test]
async fn what_arrived_before_the_doubt_is_no_answer_to_it() {
    // Which of the two is seen first is up to chance.
    for _ in 0..5 {
        let server = Server::start().await;
        let client = connect(server.options().pong_timeout(Duration::from_millis(500)));
        let mut events = client.events();
        let mut peer = server.greet("1.2").await;
        connected(&client).await;
        peer.publish("news", "e", &json!(1)).await;
        client.woke();
        let (_, reason) = lost(&mut events).await;
        assert!(reason.contains("ping"), "{reason}");
    }
}

#[tokio::test]
async fn a_server_that_was_long_away_and_is_back_owes_nothing_for_it() {
    let server = Server::start().await;
    let (short, long) = (Duration::from_millis(1), Duration::from_millis(400));
    let client = connect(server.options().backoff(Backoff::new(short, short, 10, long)).jitter(|| 1.0));
    let mut events = client.events();
    let mut waited = Duration::ZERO;
    while waited < long {
        drop(server.tcp().await);
        waited = wait(&mut events).await;
    }
    for (number, peer) in ["1.2", "1.3"].into_iter().enumerate() {
        server.greet(peer).await.close(4200, "over to another").await;
        let retry_in = wait(&mut events).await;
        assert!(retry_in <= Duration::from_millis(100), "{number}: {retry_in:?}");
    }
}

#[tokio::test]
async fn item_45_a_sleep_is_noticed_by_the_wall_clock() {
    let server = Server::start().await;
    let wall = Arc::new(Mutex::new(Duration::ZERO));
    let (slept, begun) = (wall.clone(), Instant::now());
    let clock = move || SystemTime::UNIX_EPOCH + begun.elapsed() + *slept.lock().unwrap();
    // A clock looked at often, and a jump that no busy machine makes by itself.
    let options = server.options().clock(clock).sleep_check(Duration::from_millis(20)).backoff(never_again());
    let client = connect(options);
    let mut events = client.events();
    let mut peer = server.greet("1.2").await;
    connected(&client).await;
    *wall.lock().unwrap() += HOUR;
    peer.expect("pusher:ping").await;
    let about = event(&mut events, "the sleep", |event| match event {
        ClientEvent::Slept { about } if about > HOUR / 2 => Some(about),
        _ => None,
    });
    assert!(about.await < HOUR * 2);
    peer.send(json!({ "event": "pusher:pong" })).await;
    peer.close(1001, "bye").await;
    state(&client, "the wait", |state| matches!(state, State::Waiting { .. })).await;
    *wall.lock().unwrap() += HOUR;
    server.greet("1.3").await;
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_tried_again_and_again() {
    let client = connect(Options::host("app-key", "no.such.host.invalid", 443, true).backoff(Backoff::new(
        Duration::from_millis(1),
        Duration::from_millis(1),
        1,
        Duration::from_millis(1),
    )));
    let mut events = client.events();
    for _ in 0..2 {
        let (code, reason) = lost(&mut events).await;
        assert_eq!(code, None);
        assert!(reason.starts_with("no connection: "), "{reason}");
    }
}
