//! Call-outs from the outside: what is refused leaves no trace, and what is accepted reaches whom it is meant for, once.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use relay::{
    ApiTokens, CallOutCounters, CallOuts, EventLog, EventState, EventSummary, MessageTemplate, RecipientRule,
    Recipients, Server, ServerOptions, Signature, Users,
};
use reqwest::Method;
use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::Sha512;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::world::{LIMIT, World, data, eventually};

const KEY: &str = "the-key-of-new-employees";
const SECRET: &str = "the-secret-of-new-employees";
const HEADER: &str = "TrackTik-Subscription-Secret";
const NAME: &str = "darth";

fn rule(when: Option<&str>, users: &[&str], groups: &[&str]) -> RecipientRule {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let recipients = Recipients { users: owned(users), groups: owned(groups) };
    RecipientRule { when: when.map(str::to_owned), recipients }
}

fn callouts() -> CallOuts {
    CallOuts {
        custom_id: "new-employees".into(),
        key: KEY.into(),
        secrets: vec!["the-next-secret".into(), SECRET.into()],
        entity: "employees".into(),
        message: MessageTemplate {
            title: "New: {{ entity.firstName }}".into(),
            body: Some("<p>{{ entity.firstName }}</p>".into()),
            ..Default::default()
        },
        recipients: vec![rule(None, &[NAME], &[])],
        ..Default::default()
    }
}

async fn world(change: impl FnOnce(&mut ServerOptions)) -> World {
    let world = World::start_with(|options| {
        options.callouts = vec![callouts()];
        change(options);
    });
    let world = world.await;
    world.server.name_user(&world.user, NAME, &["managers"]).await.unwrap();
    world
}

/// A world whose only subscription is a changed one.
async fn world_with(change: impl FnOnce(&mut CallOuts)) -> World {
    world(|options| change(&mut options.callouts[0])).await
}

/// The same database, a new server.
async fn restart(world: &mut World, callouts: CallOuts) {
    world.server.shutdown().await;
    let options = ServerOptions { database: world.address(), callouts: vec![callouts], ..Default::default() };
    world.server = Server::start(options).await.unwrap();
}

fn signed(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha512>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

/// A call-out as it should be, to be spoiled.
fn request(world: &World, body: &[u8]) -> reqwest::RequestBuilder {
    let url = format!("{}/callouts/tracktik/{KEY}", world.server.url());
    let request = world.http.post(url).header(HEADER, signed(body));
    request.header("Content-Type", "application/json").body(body.to_vec())
}

async fn status(request: reqwest::RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

/// Posts an entity, and asserts that it was accepted.
async fn call_out(world: &World, entity: &Value) {
    let response = request(world, entity.to_string().as_bytes()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.json::<Value>().await.unwrap(), json!({ "accepted": true }));
}

async fn events(world: &World) -> Vec<EventSummary> {
    EventLog::open(world.address()).await.unwrap().list(false, 100).await.unwrap()
}

/// The only event there is, once it is in the state.
async fn the_event(world: &World, state: EventState) -> EventSummary {
    let log = EventLog::open(world.address()).await.unwrap();
    let begin = tokio::time::Instant::now();
    loop {
        let events = log.list(false, 100).await.unwrap();
        if events.iter().any(|event| event.state == state) {
            assert_eq!(events.len(), 1);
            return events[0].clone();
        }
        assert!(begin.elapsed() < LIMIT, "the event is not {}: {events:?}", state.name());
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// Messages cannot be stored until the trigger is dropped.
fn refuse_messages(world: &World) -> Connection {
    let database = Connection::open(world.database()).unwrap();
    let trigger = "CREATE TRIGGER refuse BEFORE INSERT ON messages BEGIN SELECT RAISE (ABORT, 'refused'); END";
    database.execute_batch(trigger).unwrap();
    database
}

fn titles(listed: &[Value]) -> Vec<&str> {
    listed.iter().map(|message| message["Title"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_is_refused_leaves_no_trace() {
    let world = world(|_| {}).await;
    let body = br#"{"id":7,"firstName":"Leia"}"#;
    let ok = || request(&world, body);
    let plain = |key: &str| world.http.post(format!("{}/callouts/tracktik/{key}", world.server.url()));
    let with = |header: &str, value: &str, body: &[u8]| {
        let url = format!("{}/callouts/tracktik/{KEY}", world.server.url());
        let other = if header == HEADER { ("Content-Type", "application/json".into()) } else { (HEADER, signed(body)) };
        world.http.post(url).header(other.0, other.1).header(header, value).body(body.to_vec())
    };
    let of_another_body = signed(b"{}");
    let cases = [
        ("unknown key", plain("another-key-of-nobody").body("{}"), 404),
        ("no key", plain("").body("{}"), 404),
        ("key that is no text", plain("%ff%fe").body("{}"), 404),
        ("no header", plain(KEY).header("Content-Type", "application/json").body("{}"), 401),
        ("wrong signature", with(HEADER, &of_another_body, body), 401),
        ("no signature", with(HEADER, "", body), 401),
        ("the secret itself", with(HEADER, SECRET, body), 401),
        ("two signatures", ok().header(HEADER, of_another_body.clone()), 401),
        ("no content type", plain(KEY).header(HEADER, signed(body)).body(body.to_vec()), 415),
        ("text", with("Content-Type", "text/plain", body), 415),
        ("no JSON", request(&world, b"{\"id\":"), 400),
        ("nothing", request(&world, b""), 400),
        ("a list", request(&world, b"[{}]"), 400),
        ("a wrapped list", request(&world, br#"{"meta":{},"data":[]}"#), 400),
        ("too deep", request(&world, &[b'['; 10_000]), 400),
    ];
    for (what, request, expected) in cases {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), expected, "{what}");
        let answer = response.text().await.unwrap();
        assert!(!answer.contains(SECRET) && !answer.contains(KEY) && !answer.contains(&signed(body)), "{answer}");
        assert!(events(&world).await.is_empty(), "{what}");
    }
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let url = format!("{}/callouts/tracktik/{KEY}", world.server.url());
        assert_eq!(status(world.http.request(method, url)).await, 405);
    }
    let counters = world.server.callout_counters();
    let expected =
        CallOutCounters { unknown_key: 2, unauthorized: 5, unsupported_type: 2, malformed: 5, ..Default::default() };
    assert_eq!(counters, expected);
    assert!(events(&world).await.is_empty() && world.listed("").await.is_empty());
}

#[tokio::test]
async fn an_unknown_key_is_answered_as_any_address_where_there_is_nothing() {
    let world = world(|_| {}).await;
    let body = async |path: &str| {
        let response = world.http.post(format!("{}{path}", world.server.url())).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let nothing = body("/nothing-at-all").await;
    assert_eq!(nothing.0, 404);
    assert_eq!(body("/callouts/tracktik/another-key-of-nobody").await, nothing);
    assert_eq!(body("/callouts/tracktik/x").await, nothing);
}

/// The head of a call-out with a length of one's own, and the status line of the answer.
async fn answered_to(world: &World, framing: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(world.server.address()).await.unwrap();
    let head = format!(
        "POST /callouts/tracktik/{KEY} HTTP/1.1\r\nHost: relay\r\nContent-Type: application/json\r\n\
         {HEADER}: {}\r\n{framing}\r\n\r\n",
        signed(b"{}")
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut start = [0; 12];
    tokio::time::timeout(LIMIT, stream.read_exact(&mut start)).await.expect("an answer").unwrap();
    String::from_utf8_lossy(&start).into_owned()
}

#[tokio::test]
async fn a_body_over_a_mebibyte_is_refused_however_it_is_sent() {
    let world = world(|_| {}).await;
    let two_megabytes = 2 * 1024 * 1024;
    let answer = answered_to(&world, &format!("Content-Length: {two_megabytes}"), b"").await;
    assert_eq!(answer, "HTTP/1.1 413");
    // Without a length to go by, at the first byte too many.
    let chunk = [format!("{two_megabytes:x}\r\n").as_bytes(), &vec![b' '; 1024 * 1024 + 1]].concat();
    assert_eq!(answered_to(&world, "Transfer-Encoding: chunked", &chunk).await, "HTTP/1.1 413");
    assert_eq!(world.server.callout_counters().too_large, 2);
    assert!(events(&world).await.is_empty());

    let largest = [&b"{}"[..], &vec![b' '; 1024 * 1024 - 2]].concat();
    assert_eq!(status(request(&world, &largest)).await, 200, "a mebibyte is taken");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let world = world(|options| options.callout_time_limit = Duration::from_millis(50)).await;
    assert_eq!(answered_to(&world, "Content-Length: 2", b"{").await, "HTTP/1.1 408");
    assert_eq!(world.server.callout_counters().too_slow, 1);
    assert!(events(&world).await.is_empty());
}

#[tokio::test]
async fn too_many_from_one_address_are_told_when_to_come_back() {
    let world = world(|options| options.callouts_per_minute = 2).await;
    for id in [1, 2] {
        call_out(&world, &json!({ "id": id })).await;
    }
    let response = request(&world, b"{}").send().await.unwrap();
    assert_eq!(response.status(), 429);
    let wait: u64 = response.headers()["Retry-After"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let unknown = world.http.post(format!("{}/callouts/tracktik/another-key-of-nobody", world.server.url()));
    assert_eq!(status(unknown).await, 404, "who has no key learns nothing of the limit");
    assert_eq!((world.server.callout_counters().rate_limited, events(&world).await.len()), (1, 2));
}

#[tokio::test]
async fn the_same_body_again_is_taken_once_within_the_window() {
    let long = Duration::from_hours(1);
    for (window, expected) in [(long, (1, 1, 1)), (Duration::ZERO, (2, 2, 0))] {
        let world = world(|options| options.callout_window = window).await;
        for _ in 0..2 {
            call_out(&world, &json!({ "id": 7 })).await;
        }
        let counters = world.server.callout_counters();
        assert_eq!((events(&world).await.len(), counters.accepted, counters.duplicate), expected, "{window:?}");
        call_out(&world, &json!({ "id": 8 })).await;
        assert_eq!(world.server.callout_counters().accepted, expected.1 + 1, "another body is another event");
    }
}

#[tokio::test]
async fn what_cannot_be_stored_is_not_acknowledged() {
    let world = world(|_| {}).await;
    let database = Connection::open(world.database()).unwrap();
    let trigger = "CREATE TRIGGER refuse BEFORE INSERT ON events BEGIN SELECT RAISE (ABORT, 'full'); END";
    database.execute_batch(trigger).unwrap();
    let response = request(&world, b"{}").send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["Retry-After"]), (503, &"10".parse().unwrap()));
    assert_eq!(world.server.callout_counters().not_stored, 1);
    assert!(events(&world).await.is_empty());
    database.execute_batch("DROP TRIGGER refuse").unwrap();
    call_out(&world, &json!({})).await;
}

#[tokio::test]
async fn the_plain_secret_is_taken_where_it_is_set_up() {
    let world = world_with(|callouts| callouts.signature = Signature::PlainSecret).await;
    assert_eq!(status(request(&world, b"{}")).await, 401);
    assert!(events(&world).await.is_empty());
    let url = format!("{}/callouts/tracktik/{KEY}", world.server.url());
    let json = "application/vnd.tracktik+json; charset=utf-8";
    let plain = world.http.post(url).header(HEADER, SECRET).header("Content-Type", json).body("{}");
    assert_eq!(status(plain).await, 200);
}

#[tokio::test]
async fn a_user_and_a_group_are_told_at_once_and_nobody_else_is() {
    for rule in [rule(None, &[NAME], &[]), rule(None, &[], &["managers"]), rule(None, &[NAME], &["managers"])] {
        let world = world_with(|callouts| callouts.recipients = vec![rule]).await;
        let other = world.server.add_user("acme", "sid-of-luke", "Luke", "Skywalker").await.unwrap();
        world.server.name_user(&other, "luke", &["pilots"]).await.unwrap();
        let mut socket = world.subscribed().await;
        call_out(&world, &json!({ "meta": {}, "data": { "firstName": "<Leia>" } })).await;
        let frame = socket.frame().await;
        assert_eq!(frame["event"], "message", "{frame}");
        let message = data(&frame);
        assert_eq!((&message["Title"], &message["Message"]), (&json!("New: <Leia>"), &json!("<p>&lt;Leia&gt;</p>")));
        socket.nothing_until_pong().await;
        assert_eq!(titles(&world.listed("").await), ["New: <Leia>"]);
        assert!(world.server.unread(&other).await.unwrap().is_empty());
        let event = the_event(&world, EventState::Delivered).await;
        assert_eq!((event.flagged, event.error, event.attempts), (false, None, 0));
    }
}

#[tokio::test]
async fn a_template_that_fails_is_delivered_plain_and_mended_by_a_replay() {
    let mut world = world_with(|callouts| callouts.message.title = "{{ entity.id + entity.firstName }}".into()).await;
    call_out(&world, &json!({ "id": 7, "firstName": "Leia", "lastName": "Organa" })).await;
    let event = the_event(&world, EventState::Delivered).await;
    assert!(event.flagged && event.error.unwrap().contains("title"));
    let plain = world.listed("").await;
    assert_eq!((titles(&plain), &plain[0]["PreviewText"]), (vec!["employees event"], &json!("Leia Organa")));

    restart(&mut world, callouts()).await;
    let mut socket = world.subscribed().await;
    EventLog::open(world.address()).await.unwrap().replay(event.id).await.unwrap();
    let message = data(&socket.frame().await);
    assert_eq!((&message["Title"], &message["MessageId"]), (&json!("New: Leia"), &plain[0]["MessageId"]));
    assert_eq!(titles(&world.listed("").await), ["New: Leia"], "it is the same message");
    assert!(!the_event(&world, EventState::Delivered).await.flagged);
}

#[tokio::test]
async fn who_is_told_can_depend_on_the_entity() {
    // (condition, users, whether the user gets it, what the event is flagged with)
    let cases = [
        ("entity.status == 'ACTIVE'", NAME, true, None),
        ("entity.status == 'CLOSED'", NAME, false, None),
        ("entity.number + entity.status", NAME, true, Some("when")),
        ("true", "nobody-of-this-name", false, Some("no recipient")),
    ];
    for (when, user, told, flaw) in cases {
        let rule = rule(Some(when), &[user], &[]);
        let world = world_with(|callouts| callouts.recipients = vec![rule]).await;
        call_out(&world, &json!({ "status": "ACTIVE", "number": 5 })).await;
        let event = the_event(&world, EventState::Delivered).await;
        assert_eq!((event.flagged, !world.listed("").await.is_empty()), (flaw.is_some(), told), "{when}");
        let error = event.error.unwrap_or_default();
        assert!(error.contains(flaw.unwrap_or_default()) && error.is_empty() == flaw.is_none(), "{when}: {error}");
    }
}

#[tokio::test]
async fn what_nothing_can_be_stored_in_is_not_ready() {
    let world = world(|_| {}).await;
    let ready = async || status(world.http.get(format!("{}/health/ready", world.server.url()))).await;
    assert_eq!(ready().await, 200);
    let database = Connection::open(world.database()).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON settings BEGIN SELECT RAISE(ABORT, 'full'); END";
    database.execute_batch(refuse).unwrap();
    let until = async |expected: u16| {
        let begin = tokio::time::Instant::now();
        while ready().await != expected {
            assert!(begin.elapsed() < LIMIT, "it should answer {expected}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    until(503).await;
    database.execute_batch("DROP TRIGGER refuse").unwrap();
    until(200).await;
}

#[tokio::test]
async fn each_region_has_its_desks() {
    let by_type = rule(Some("entity.type == 'THEFT'"), &[], &["theft"]);
    let rules = vec![rule(None, &[], &["region-{{ entity.region.id }}"]), by_type];
    let world = world_with(|callouts| {
        callouts.recipients = rules;
        callouts.message.title = "{{ entity.id }}".into();
    })
    .await;
    let luke = world.server.add_user("acme", "sid-of-luke", "Luke", "Skywalker").await.unwrap();
    world.server.name_user(&luke, "luke", &["region-4", "theft"]).await.unwrap();
    world.server.name_user(&world.user, "darth", &["region-3"]).await.unwrap();
    for (id, region, kind) in [(1, 3, "ALARM"), (2, 4, "ALARM"), (3, 3, "THEFT"), (4, 4, "THEFT")] {
        call_out(&world, &json!({ "id": id, "region": { "id": region }, "type": kind })).await;
    }
    until_all_are_delivered(&world).await;
    assert!(events(&world).await.iter().all(|event| !event.flagged));
    let mut mine = titles(&world.listed("").await).join(" ");
    mine = mine.split(' ').rev().collect::<Vec<_>>().join(" ");
    assert_eq!((mine.as_str(), world.server.unread(&luke).await.unwrap().len()), ("1 3", 3));
    call_out(&world, &json!({ "id": 5, "region": { "id": 9 }, "type": "ALARM" })).await;
    until_all_are_delivered(&world).await;
    let nobody = "no recipient: there is no group \"region-9\"";
    assert_eq!(events(&world).await[0].error.as_deref(), Some(nobody));
}

async fn until_all_are_delivered(world: &World) {
    let begin = tokio::time::Instant::now();
    while !events(world).await.iter().all(|event| event.state == EventState::Delivered) {
        assert!(begin.elapsed() < LIMIT, "{:?}", events(world).await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn an_event_that_waits_at_a_restart_is_delivered_once() {
    let mut world = world(|_| {}).await;
    let database = refuse_messages(&world);
    call_out(&world, &json!({ "firstName": "Leia" })).await;
    world.server.kill().await;
    let stored: u32 = database.query_row("SELECT count(*) FROM messages", [], |row| row.get(0)).unwrap();
    assert_eq!(stored, 0);
    database.execute_batch("DROP TRIGGER refuse").unwrap();
    for _ in 0..2 {
        restart(&mut world, callouts()).await;
        let event = the_event(&world, EventState::Delivered).await;
        assert_eq!(titles(&world.listed("").await), ["New: Leia"]);
        // As if it had been ended between storing and remembering it, were that possible.
        EventLog::open(world.address()).await.unwrap().replay(event.id).await.unwrap();
    }
}

#[tokio::test]
async fn an_event_that_ends_the_relay_each_time_is_given_up_and_holds_up_nothing() {
    let mut world = world(|_| {}).await;
    let database = refuse_messages(&world);
    for name in ["Leia", "Luke", "Han"] {
        call_out(&world, &json!({ "firstName": name })).await;
    }
    world.server.kill().await;
    database.execute_batch("DROP TRIGGER refuse; UPDATE events SET attempts = 10 * (id = 2), retry_at = 0").unwrap();
    restart(&mut world, callouts()).await;
    until_none_waits(&world).await;
    let all: Vec<_> = events(&world).await.into_iter().map(|event| (event.state, event.attempts)).collect();
    let (delivered, failed) = (EventState::Delivered, EventState::Failed);
    // As long as nothing happens, no try is counted.
    assert_eq!(all, [(delivered, 0), (failed, 12), (delivered, 0)]);
    assert_eq!(titles(&world.listed("").await), ["New: Han", "New: Leia"]);
    let log = EventLog::open(world.address()).await.unwrap();
    assert!(log.list(true, 10).await.unwrap()[0].error.as_ref().unwrap().contains("the relay ended"));
    log.replay(2).await.unwrap();
    until_none_waits(&world).await;
    assert!(titles(&world.listed("").await).contains(&"New: Luke"));
}

async fn until_none_waits(world: &World) {
    let begin = tokio::time::Instant::now();
    while events(world).await.iter().any(|event| event.state == EventState::Waiting) {
        assert!(begin.elapsed() < LIMIT, "{:?}", events(world).await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_failing_store_is_tried_again_and_given_up_in_the_end() {
    let world = world(|_| {}).await;
    let database = refuse_messages(&world);
    call_out(&world, &json!({ "firstName": "Leia" })).await;
    let attempts = || database.query_row("SELECT attempts FROM events", [], |row| row.get::<_, u32>(0)).unwrap_or(0);
    eventually("it is tried again", || attempts() >= 2).await;
    database.busy_timeout(LIMIT).unwrap();
    // Said anew, since a try that was counted just then is taken back and waits for long.
    let last_try = "UPDATE events SET attempts = 9, retry_at = 1 WHERE state = 'waiting'";
    let begin = tokio::time::Instant::now();
    while database.execute(last_try, []).unwrap() > 0 {
        assert!(begin.elapsed() < LIMIT, "it should be given up");
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    let event = the_event(&world, EventState::Failed).await;
    assert!(event.error.unwrap().contains("refused"));

    database.execute_batch("DROP TRIGGER refuse").unwrap();
    let log = EventLog::open(world.address()).await.unwrap();
    assert_eq!(log.list(true, 10).await.unwrap().len(), 1);
    log.replay(event.id).await.unwrap();
    the_event(&world, EventState::Delivered).await;
    assert_eq!(titles(&world.listed("").await), ["New: Leia"]);
    assert!(log.list(true, 10).await.unwrap().is_empty());
    assert!(log.replay(event.id + 1).await.unwrap_err().to_string().contains("no event"));
}

#[tokio::test]
async fn an_event_whose_subscription_is_gone_is_kept_for_its_return() {
    let mut world = world(|_| {}).await;
    let database = refuse_messages(&world);
    call_out(&world, &json!({ "firstName": "Leia" })).await;
    restart(&mut world, CallOuts { custom_id: "another".into(), ..callouts() }).await;
    let event = the_event(&world, EventState::Failed).await;
    assert!(event.error.unwrap().contains("new-employees"));
    database.execute_batch("DROP TRIGGER refuse").unwrap();
    world.server.shutdown().await;
    EventLog::open(world.address()).await.unwrap().replay(event.id).await.unwrap();
    restart(&mut world, callouts()).await;
    the_event(&world, EventState::Delivered).await;
    assert_eq!(titles(&world.listed("").await), ["New: Leia"]);
}

/// On Windows a file in use cannot be moved.
#[cfg(unix)]
#[tokio::test]
async fn into_a_database_that_was_deleted_nothing_is_acknowledged() {
    let world = world(|_| {}).await;
    let mut socket = world.subscribed().await;
    call_out(&world, &json!({ "firstName": "Leia" })).await;
    assert_eq!(data(&socket.frame().await)["Title"], "New: Leia");
    let (here, away) = (world.database(), world.database().with_extension("away"));
    std::fs::rename(&here, &away).unwrap();
    assert_eq!(status(request(&world, br#"{"firstName":"Han"}"#)).await, 503);
    let ready = world.http.get(format!("{}/health/ready", world.server.url()));
    assert_eq!(status(ready).await, 503);
    std::fs::write(&here, "another file").unwrap();
    assert_eq!(status(request(&world, br#"{"firstName":"Han"}"#)).await, 503);
    std::fs::rename(&away, &here).unwrap();
    call_out(&world, &json!({ "firstName": "Luke" })).await;
    // That the first was published may not have been written down: then it comes once more.
    let mut next = data(&socket.frame().await)["Title"].clone();
    while next == "New: Leia" {
        next = data(&socket.frame().await)["Title"].clone();
    }
    assert_eq!(next, "New: Luke");
    assert_eq!(titles(&world.listed("").await), ["New: Luke", "New: Leia"], "what was refused is nowhere");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_said_with_what_helps() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.sqlite");
    std::fs::write(&path, "garbage ".repeat(1000)).unwrap();
    let options = relay::ServerOptions { database: path.into(), ..Default::default() };
    let error = relay::Server::start(options).await.err().expect("it is none").to_string();
    assert!(error.contains("is damaged") && error.contains("restore") && error.contains("relay.sqlite"), "{error}");
}

#[tokio::test]
async fn an_event_that_fails_does_not_hold_up_the_next() {
    let world = world(|_| {}).await;
    let database = Connection::open(world.database()).unwrap();
    let trigger = "CREATE TRIGGER refuse BEFORE INSERT ON messages WHEN NEW.title = 'New: Han'
        BEGIN SELECT RAISE (ABORT, 'refused'); END";
    database.execute_batch(trigger).unwrap();
    let mut socket = world.subscribed().await;
    for name in ["Han", "Leia"] {
        call_out(&world, &json!({ "firstName": name })).await;
    }
    assert_eq!(data(&socket.frame().await)["Title"], "New: Leia");
    database.execute_batch("DROP TRIGGER refuse").unwrap();
    assert_eq!(data(&socket.frame().await)["Title"], "New: Han");
}

#[tokio::test]
async fn a_database_that_is_only_looked_into_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mistyped.sqlite");
    let refused = [
        EventLog::open(&path).await.err().unwrap(),
        Users::open_existing(&path).await.err().unwrap(),
        ApiTokens::open_existing(&path).await.err().unwrap(),
    ];
    assert!(refused.iter().all(|error| error.to_string().contains("mistyped.sqlite")) && !path.exists());
}

#[tokio::test]
async fn a_call_out_is_kept_byte_for_byte() {
    let world = world(|_| {}).await;
    let body = br#"{ "id" : 7, "unknown" : {"z":1.10, "a":"\u00e9"},"unknown":2 }"#;
    assert_eq!(status(request(&world, body)).await, 200);
    let event = the_event(&world, EventState::Delivered).await;
    let log = EventLog::open(world.address()).await.unwrap();
    let shown = log.show(event.id).await.unwrap().expect("it is there");
    assert_eq!((shown.body.as_slice(), shown.summary), (&body[..], event.clone()));
    assert_eq!(event.custom_id, "new-employees");
    assert!(log.show(event.id + 1).await.unwrap().is_none());
}

#[tokio::test]
async fn a_server_does_not_start_with_call_outs_that_cannot_work() {
    let folder = tempfile::tempdir().unwrap();
    for (spoiled, expected) in [
        (vec![CallOuts { key: "short".into(), ..callouts() }], "16 to 200"),
        (vec![callouts(), CallOuts { custom_id: "another".into(), ..callouts() }], "same key"),
    ] {
        let options = ServerOptions {
            database: folder.path().join("relay.sqlite").into(),
            callouts: spoiled,
            ..Default::default()
        };
        let printed = format!("{options:?}");
        assert!(!printed.contains(SECRET) && !printed.contains(KEY) && !printed.contains("short"), "{printed}");
        let error = Server::start(options).await.err().expect(expected).to_string();
        assert!(error.contains(expected) && !error.contains(SECRET) && !error.contains(KEY), "{error}");
    }
}

#[tokio::test]
async fn a_name_is_one_users_and_can_be_changed() {
    let world = world(|_| {}).await;
    let other = world.server.add_user("acme", "sid-of-luke", "Luke", "Skywalker").await.unwrap();
    let error = world.server.name_user(&other, NAME, &[]).await.unwrap_err();
    assert!(error.to_string().contains("another user"), "{error}");
    assert!(world.server.name_user(&other, " ", &[]).await.is_err());
    world.server.name_user(&world.user, "vader", &[]).await.unwrap();
    world.server.name_user(&other, NAME, &[]).await.unwrap();
    call_out(&world, &json!({ "firstName": "Leia" })).await;
    the_event(&world, EventState::Delivered).await;
    assert_eq!((world.server.unread(&other).await.unwrap().len(), world.listed("").await.len()), (1, 0));
}
