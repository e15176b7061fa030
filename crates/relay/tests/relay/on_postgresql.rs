//! The same tests on PostgreSQL, and what only several relays on one database can show.

use std::{process::Stdio, time::Duration};

use relay::{
    CallOuts, DatabaseAddress, EventLog, EventState, MessageTemplate, NewMessage, RecipientRule, Recipients, Server,
    ServerOptions,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::process::Command;

use crate::{
    postgres::Cluster,
    pusher_api::{ChannelFake, server_at},
    silence::Way,
    world::{LIMIT, SERVER, eventually, http},
};

/// These look into the file itself, or make it refuse something.
const OF_THE_FILE: [&str; 10] = [
    "what_nothing_can_be_stored_in_is_not_ready",
    "an_event_that_ends_the_relay_each_time_is_given_up_and_holds_up_nothing",
    "into_a_database_that_was_deleted_nothing_is_acknowledged",
    "what_cannot_be_stored_is_not_acknowledged",
    "an_event_that_waits_at_a_restart_is_delivered_once",
    "a_failing_store_is_tried_again_and_given_up_in_the_end",
    "an_event_whose_subscription_is_gone_is_kept_for_its_return",
    "an_event_that_fails_does_not_hold_up_the_next",
    "a_database_that_is_only_looked_into_is_not_made",
    "no_session_id_and_no_token_is_on_the_disk",
];

#[tokio::test]
async fn everything_is_the_same_on_postgresql() {
    let cluster = Cluster::start().await;
    let mut tests = Command::new(std::env::current_exe().unwrap());
    tests.args([
        "api::",
        "messages_api::",
        "sign_in::",
        "callouts::",
        "channels::",
        "clients::",
        "--test-threads",
        "4",
    ]);
    tests.args(OF_THE_FILE.iter().flat_map(|name| ["--skip", name]));
    tests.env(SERVER, format!("postgres://postgres@127.0.0.1:{}", cluster.port));
    let output = tests.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let passed = said.lines().filter(|line| line.starts_with("test ") && line.ends_with("ok")).count();
    assert!(passed > 30, "{said}");
}

pub fn address(url: &str) -> DatabaseAddress {
    DatabaseAddress::read(url, std::path::Path::new(""), None).unwrap()
}

pub async fn relay(database: &str) -> Server {
    relay_of(database, "employees").await
}

async fn relay_of(database: &str, custom_id: &str) -> Server {
    let callouts = CallOuts {
        custom_id: custom_id.into(),
        key: "a-key-of-16-chars".into(),
        secrets: vec!["the-secret".into()],
        signature: relay::Signature::PlainSecret,
        entity: "employees".into(),
        message: MessageTemplate { title: "{{ entity.id }}".into(), ..Default::default() },
        recipients: vec![RecipientRule {
            recipients: Recipients { users: vec!["darth".into()], ..Default::default() },
            ..Default::default()
        }],
        ..Default::default()
    };
    let metrics_listen = Some(([127, 0, 0, 1], 0).into());
    let options =
        ServerOptions { database: address(database), callouts: vec![callouts], metrics_listen, ..Default::default() };
    Server::start(options).await.unwrap()
}

/// Whether the metrics say that the database is up.
async fn is_up(relay: &Server) -> bool {
    let page = http().get(format!("http://{}/metrics", relay.metrics_address().unwrap())).send().await.unwrap();
    assert_eq!(page.status().as_u16(), 200);
    let page = page.text().await.unwrap();
    page.lines().find_map(|line| line.strip_prefix("traybell_database_up ")).unwrap() == "1"
}

/// The status that a call-out is answered with.
pub async fn call_out(relay: &Server, id: u32) -> u16 {
    let request = http()
        .post(format!("{}/callouts/tracktik/a-key-of-16-chars", relay.url()))
        .header("content-type", "application/json")
        .header("TrackTik-Subscription-Secret", "the-secret")
        .body(json!({ "id": id }).to_string());
    request.send().await.unwrap().status().as_u16()
}

pub async fn titles(relay: &Server, sid: &str) -> Vec<String> {
    let url = format!("{}/integration-api/Notifications/v2/user-notifications", relay.url());
    let answer = http().get(url).header("authtoken", sid).send().await.unwrap();
    let list: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let mut titles: Vec<String> =
        list["Data"].as_array().unwrap().iter().map(|one| one["Title"].as_str().unwrap().to_owned()).collect();
    titles.sort_by_key(|title| title.parse::<u32>().unwrap_or(u32::MAX));
    titles
}

#[tokio::test]
async fn two_relays_share_users_call_outs_and_the_window() {
    let cluster = Cluster::start().await;
    let database = cluster.new_database("shared");
    // At once: each may be the one that makes the tables.
    let (one, other) = tokio::join!(relay(&database), relay(&database));
    let user = one.add_user("acme", "the-sid-of-darth", "Darth", "Vader").await.unwrap();
    other.name_user(&user, "darth", &[]).await.unwrap();
    assert_eq!(other.send(&user, NewMessage { title: "0".into(), ..NewMessage::default() }).await.unwrap(), 1);

    let both = [&one, &other];
    let sent = (1..=40).map(|id| call_out(both[id as usize % 2], id));
    assert!(futures_util::future::join_all(sent).await.iter().all(|status| *status == 200));
    // The same body at both is one event.
    let twins = futures_util::future::join_all((0..10).map(|place| call_out(both[place % 2], 41))).await;
    assert!(twins.iter().all(|status| *status == 200));
    let expected: Vec<String> = (0..=41).map(|id| id.to_string()).collect();
    let begin = tokio::time::Instant::now();
    loop {
        let seen = titles(&other, "the-sid-of-darth").await;
        if seen == expected {
            break;
        }
        assert!(begin.elapsed() < LIMIT, "{seen:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    one.shutdown().await;
    other.shutdown().await;
}

#[tokio::test]
async fn a_relay_leaves_the_events_of_a_subscription_it_does_not_know_yet_to_one_that_does() {
    let cluster = Cluster::start().await;
    let database = cluster.new_database("rolled-out");
    let new = relay(&database).await;
    let user = new.add_user("acme", "the-sid-of-darth", "Darth", "Vader").await.unwrap();
    new.name_user(&user, "darth", &[]).await.unwrap();
    for id in 1..=5 {
        assert_eq!(call_out(&new, id).await, 200);
    }
    let begin = tokio::time::Instant::now();
    let until = async |what: &str, relay: &Server, expected: &[&str]| {
        while titles(relay, "the-sid-of-darth").await != expected {
            assert!(begin.elapsed() < LIMIT, "{what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    until("all are delivered", &new, &["1", "2", "3", "4", "5"]).await;
    new.shutdown().await;
    let log = EventLog::open(address(&database)).await.unwrap();
    for event in log.list(false, 10).await.unwrap() {
        log.replay(event.id).await.unwrap();
    }

    let old = relay_of(&database, "of-yesterday").await;
    assert_eq!(call_out(&old, 100).await, 200);
    until("its own it delivers", &old, &["1", "2", "3", "4", "5", "100"]).await;
    let states = async || log.list(false, 10).await.unwrap().into_iter().map(|event| event.state).collect::<Vec<_>>();
    assert_eq!(states().await[1..], [EventState::Waiting; 5], "and no other");
    let new = relay(&database).await;
    while states().await != [EventState::Delivered; 6] {
        assert!(begin.elapsed() < LIMIT, "{:?}", states().await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    old.shutdown().await;
    new.shutdown().await;
}

#[tokio::test]
async fn of_two_relays_each_message_is_published_by_one() {
    let cluster = Cluster::start().await;
    let database = cluster.new_database("published");
    let (fake, channels) = ChannelFake::start().await;
    let relay = async || {
        let channels = Some(server_at(channels));
        let options = ServerOptions { database: address(&database), channels, ..Default::default() };
        Server::start(options).await.unwrap()
    };
    let (one, other) = tokio::join!(relay(), relay());
    let user = one.add_user("acme", "the-sid-of-darth", "Darth", "Vader").await.unwrap();
    for number in 0..100 {
        let message = NewMessage { title: number.to_string(), ..NewMessage::default() };
        [&one, &other][number % 2].send(&user, message).await.unwrap();
    }
    eventually("all are published", || fake.taken(|taken| taken.events.len() >= 100)).await;
    one.shutdown().await;
    other.shutdown().await;
    assert_eq!(fake.taken(|taken| taken.events.len()), 100);
}

#[tokio::test]
async fn a_database_that_is_gone_is_said_and_its_return_is_found() {
    let mut cluster = Cluster::start().await;
    let database = cluster.new_database("gone");
    let relay = relay(&database).await;
    let user = relay.add_user("acme", "the-sid-of-darth", "Darth", "Vader").await.unwrap();
    relay.name_user(&user, "darth", &[]).await.unwrap();
    let health = async || http().get(format!("{}/health/ready", relay.url())).send().await.unwrap().status().as_u16();
    assert_eq!(health().await, 200);
    cluster.kill();
    assert_eq!(call_out(&relay, 1).await, 503);
    let list = format!("{}/integration-api/Notifications/v2/user-notifications", relay.url());
    let list = http().get(list).header("authtoken", "the-sid-of-darth").send().await.unwrap();
    assert_eq!((list.status().as_u16(), &list.headers()["Retry-After"]), (503, &"10".parse().unwrap()));
    let begin = tokio::time::Instant::now();
    while health().await != 503 {
        assert!(begin.elapsed() < LIMIT, "it is ready no more");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    cluster.restart().await;
    let begin = tokio::time::Instant::now();
    while call_out(&relay, 2).await != 200 {
        assert!(begin.elapsed() < LIMIT, "it finds the database again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    while titles(&relay, "the-sid-of-darth").await != ["2"] {
        assert!(begin.elapsed() < LIMIT, "it delivers again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    relay.shutdown().await;
    cluster.kill();
    let error = Server::start(ServerOptions { database: address(&database), ..Default::default() }).await.err();
    let text = error.expect("there is no database").to_string();
    assert!(text.contains("the database cannot be reached") && text.contains("refused"), "{text}");
}

#[tokio::test]
async fn into_a_database_that_has_fallen_silent_nothing_is_acknowledged() {
    let cluster = Cluster::start().await;
    let way = Way::to(cluster.port).await;
    cluster.new_database("silent");
    let relay = relay(&format!("postgres://postgres@127.0.0.1:{}/silent", way.port)).await;
    let user = relay.add_user("acme", "the-sid-of-darth", "Darth", "Vader").await.unwrap();
    relay.name_user(&user, "darth", &[]).await.unwrap();
    // It falls silent while call-outs are being stored.
    let acknowledged = async |first: u32| {
        let (mut id, mut acknowledged) = (first, Vec::new());
        let last = loop {
            match call_out(&relay, id).await {
                200 => acknowledged.push(id),
                status => break status,
            }
            id += 1;
        };
        (acknowledged, last)
    };
    let silence = async {
        while titles(&relay, "the-sid-of-darth").await.len() < 50 {
            tokio::task::yield_now().await;
        }
        way.fall_silent();
        // Whatever is asked of it then is answered, and that no: a call-out that comes later, and whether it is ready.
        let health = http().get(format!("{}/health/ready", relay.url())).send();
        (call_out(&relay, 1_000_000).await, health.await.unwrap().status().as_u16(), is_up(&relay).await)
    };
    let all = futures_util::future::join5(
        acknowledged(100_000),
        acknowledged(200_000),
        acknowledged(300_000),
        acknowledged(400_000),
        silence,
    );
    // Never longer than this; how long it takes is not the point.
    let all = tokio::time::timeout(3 * LIMIT, all).await.expect("nobody waits for an answer for ever");
    let (one, two, three, four, later) = all;
    assert_eq!(later, (503, 503, false));
    assert_eq!([one.1, two.1, three.1, four.1], [503; 4]);
    way.open_again();
    let begin = tokio::time::Instant::now();
    while call_out(&relay, 2_000_000).await != 200 {
        assert!(begin.elapsed() < LIMIT, "it finds the database again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let sent: Vec<String> =
        [one.0, two.0, three.0, four.0, vec![2_000_000]].concat().iter().map(ToString::to_string).collect();
    loop {
        let listed = titles(&relay, "the-sid-of-darth").await;
        if sent.iter().all(|id| listed.contains(id)) {
            break;
        }
        assert!(begin.elapsed() < LIMIT, "all that was acknowledged is delivered");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(is_up(&relay).await);
    relay.shutdown().await;
}

#[tokio::test]
async fn a_statement_that_takes_too_long_leaves_no_connection_in_a_broken_transaction() {
    let cluster = Cluster::start().await;
    let database = cluster.new_database("held");
    let relay = relay(&database).await;
    let user = relay.add_user("acme", "the-sid-of-darth", "Darth", "Vader").await.unwrap();
    relay.name_user(&user, "darth", &[]).await.unwrap();
    // As another relay would that is storing the same body, and hangs.
    let (other, connection) = tokio_postgres::connect(&database, tokio_postgres::NoTls).await.unwrap();
    let connected = tokio::spawn(connection);
    let digest = Sha256::digest(json!({ "id": 1 }).to_string());
    let number = i64::from_be_bytes(*digest.first_chunk().unwrap());
    other.batch_execute(&format!("BEGIN; SELECT pg_advisory_xact_lock({number})")).await.unwrap();
    assert_eq!(call_out(&relay, 1).await, 503);
    drop(other);
    connected.await.unwrap().unwrap();
    // More than there are connections.
    for id in 1..=20 {
        assert_eq!(call_out(&relay, id).await, 200, "{id}");
    }
    relay.shutdown().await;
}
