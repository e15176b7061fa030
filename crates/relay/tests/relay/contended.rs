//! What comes of it when somebody else is at the same rows of PostgreSQL, or it refuses to commit.

use std::time::Duration;

use relay::{EventLog, EventState, NewMessage, NewUser, Retention, Server, ServerOptions, Users};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio_postgres::{Client, NoTls};

use crate::{
    on_postgresql::{address, call_out, relay, titles},
    postgres::Cluster,
    serving::command,
    world::{LIMIT, http},
};

/// A connection to the database beside the relay's.
async fn beside(database: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(database, NoTls).await.unwrap();
    // It ends with the client.
    tokio::spawn(connection);
    client
}

/// Waits until `question` is answered yes.
async fn until(client: &Client, what: &str, question: &str) {
    let begin = tokio::time::Instant::now();
    while !client.query_one(question, &[]).await.unwrap().get::<_, bool>(0) {
        assert!(begin.elapsed() < LIMIT, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

const SOMEBODY_WAITS: &str = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND datname = current_database())";

/// The status, and the session id that was given for a pairing code.
async fn log_in(relay: &Server, secret: &str) -> (u16, Option<String>) {
    let url = format!("{}/integration-api/Platform/LoginAuthToken", relay.url());
    let answer = http().post(url).header("authtoken", secret).json(&json!({})).send().await.unwrap();
    let status = answer.status().as_u16();
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    (status, body["Data"]["Authentication"]["Sid"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn a_secret_that_is_being_voided_signs_nobody_in() {
    let cluster = Cluster::start().await;
    let database = cluster.new_database("sessions");
    let relay = relay(&database).await;
    let users = Users::open(address(&database)).await.unwrap();
    let (watch, other) = (beside(&database).await, beside(&database).await);
    let add = async |name: &str| {
        let new = NewUser { brand: "acme".into(), name: name.into(), ..NewUser::default() };
        let (_, sid) = users.add(new).await.unwrap();
        let code = users.pair("acme", name).await.unwrap();
        (sid.expose_secret().to_owned(), code.expose_secret().to_owned())
    };
    let (own, _) = add("leia").await;
    let (_, code) = add("luke").await;
    let device = log_in(&relay, &add("han").await.1).await.1.unwrap();
    // As somebody else's `user rotate` and `user remove-device` that are half done.
    let rotate = "UPDATE users SET sid_digest = 'x' WHERE name = 'leia'";
    let rotate_paired = "UPDATE users SET sid_digest = 'y' WHERE name = 'luke'; DELETE FROM pairing_codes";
    let remove_device = "SELECT id FROM users WHERE name = 'han' FOR UPDATE; DELETE FROM device_sids";
    for (secret, void) in [(own, rotate), (code, rotate_paired), (device, remove_device)] {
        other.batch_execute(&format!("BEGIN; {void}")).await.unwrap();
        let voided = async {
            until(&watch, "the log-in waits", SOMEBODY_WAITS).await;
            other.batch_execute("COMMIT").await.unwrap();
        };
        let (answer, ()) = tokio::join!(log_in(&relay, &secret), voided);
        assert_eq!(answer, (401, None), "{void}");
    }
    relay.shutdown().await;
}

#[tokio::test]
async fn a_user_who_is_being_removed_is_not_said_to_be_changed() {
    let cluster = Cluster::start().await;
    let database = cluster.new_database("updated");
    let users = Users::open(address(&database)).await.unwrap();
    users.add(NewUser { brand: "acme".into(), name: "leia".into(), ..NewUser::default() }).await.unwrap();
    let (watch, other) = (beside(&database).await, beside(&database).await);
    let folder = tempfile::tempdir().unwrap();
    let configuration = format!("listen = \"127.0.0.1:0\"\ndatabase = \"{database}\"\nsingle_relay = true\n");
    std::fs::write(folder.path().join("relay.toml"), configuration).unwrap();
    other.batch_execute("BEGIN; DELETE FROM users WHERE name = 'leia'").await.unwrap();
    let removed = async {
        until(&watch, "the change waits", SOMEBODY_WAITS).await;
        other.batch_execute("COMMIT").await.unwrap();
    };
    let update = ["user", "update", "leia", "--brand", "acme", "--last-name", "Organa"];
    let mut update = command(folder.path(), &update);
    let (output, ()) = tokio::join!(update.output(), removed);
    let output = output.unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("there is no such user"), "{error}");
}

#[tokio::test]
async fn a_user_is_removed_though_somebody_waits_for_the_same_messages() {
    let cluster = Cluster::start().await;
    let database = cluster.new_database("removed");
    let relay = relay(&database).await;
    let user = relay.add_user("acme", "the-sid-of-darth", "Darth", "Vader").await.unwrap();
    relay.name_user(&user, "darth", &[]).await.unwrap();
    for title in ["1", "2", "3"] {
        relay.send(&user, NewMessage { title: title.into(), ..NewMessage::default() }).await.unwrap();
    }
    let (watch, other) = (beside(&database).await, beside(&database).await);
    // Of the two that wait for each other, PostgreSQL ends the one that looks first, once: that is not this one, and not before
    // they do.
    other.batch_execute("ALTER DATABASE removed SET deadlock_timeout = '3s'").await.unwrap();
    let hold = "SET deadlock_timeout = '1min'; BEGIN; UPDATE messages SET silent = 1 WHERE title = '2'";
    other.batch_execute(hold).await.unwrap();
    let users = Users::open(address(&database)).await.unwrap();
    let waits_as_well = async {
        until(&watch, "the removal waits", SOMEBODY_WAITS).await;
        // Whichever end it began at.
        let others = "UPDATE messages SET silent = 1 WHERE title = '1'; UPDATE messages SET silent = 1 WHERE title = '3'; COMMIT";
        other.batch_execute(others).await.unwrap();
    };
    let (removed, ()) = tokio::join!(users.remove("acme", "darth"), waits_as_well);
    removed.unwrap();
    let left = "SELECT NOT EXISTS (SELECT 1 FROM messages) AND NOT EXISTS (SELECT 1 FROM users)";
    until(&watch, "nothing is left", left).await;
    relay.shutdown().await;
}

#[tokio::test]
async fn what_cannot_be_committed_is_no_fault_of_the_event() {
    is_no_fault_of_the_event("uncommitted", "P0001", "DEFERRABLE INITIALLY DEFERRED").await;
}

#[tokio::test]
async fn a_full_disk_is_no_fault_of_the_event() {
    is_no_fault_of_the_event("full", "53100", "").await;
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_no_fault_of_the_event() {
    is_no_fault_of_the_event("slow", "57014", "").await;
}

/// Whatever refuses with this SQLSTATE, and when: what was tried in vain counts as no failure.
async fn is_no_fault_of_the_event(database: &str, code: &str, when: &str) {
    let cluster = Cluster::start().await;
    let database = cluster.new_database(database);
    let before = relay(&database).await;
    let user = before.add_user("acme", "the-sid-of-darth", "Darth", "Vader").await.unwrap();
    before.name_user(&user, "darth", &[]).await.unwrap();
    let other = beside(&database).await;
    // A sequence counts what is rolled back too.
    let refuse = format!(
        "CREATE SEQUENCE tries;
        CREATE FUNCTION refuse() RETURNS trigger AS $$
        BEGIN PERFORM nextval('tries'); RAISE EXCEPTION USING ERRCODE = '{code}'; END $$ LANGUAGE plpgsql;
        CREATE CONSTRAINT TRIGGER refuses AFTER INSERT ON messages {when} FOR EACH ROW EXECUTE FUNCTION refuse()"
    );
    other.batch_execute(&refuse).await.unwrap();
    assert_eq!(call_out(&before, 1).await, 200);
    until(&other, "it is tried", "SELECT is_called FROM tries").await;
    before.shutdown().await;
    // What waits at a start is tried with care: each try is counted before it is made.
    other.batch_execute("SELECT setval('tries', 1)").await.unwrap();
    let relay = relay(&database).await;
    // It may have been put off for half a minute, which nobody waits for here.
    let again = "WITH due AS (UPDATE events SET retry_at = 0 RETURNING id)
        SELECT last_value >= 4 AND EXISTS (SELECT 1 FROM due) FROM tries";
    until(&other, "it is tried again", again).await;
    other.batch_execute("DROP TRIGGER refuses ON messages").await.unwrap();
    let begin = tokio::time::Instant::now();
    while titles(&relay, "the-sid-of-darth").await != ["1"] {
        assert!(begin.elapsed() < LIMIT, "it is delivered");
        // The last try in vain may put it off only now.
        other.batch_execute("UPDATE events SET retry_at = 0 WHERE state = 'waiting'").await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let events = EventLog::open(address(&database)).await.unwrap().list(false, 9).await.unwrap();
    assert_eq!(
        events.iter().map(|event| (event.state, event.attempts)).collect::<Vec<_>>(),
        [(EventState::Delivered, 0)]
    );
    relay.shutdown().await;
}

#[tokio::test]
async fn what_is_too_old_is_deleted_and_what_another_relay_deletes_is_left_to_it() {
    let cluster = Cluster::start().await;
    let database = cluster.new_database("cleaned");
    relay(&database).await.shutdown().await;
    let (watch, other) = (beside(&database).await, beside(&database).await);
    let user = "INSERT INTO users (id, brand_id, first_name, last_name) VALUES (7, 1, 'A', 'B')";
    let brand = "INSERT INTO brands (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'acme')";
    let events = "INSERT INTO events (id, custom_id, body, body_digest, received, state, flagged, retry_at)
        OVERRIDING SYSTEM VALUE VALUES (1, 'a', '{}', '1', 1, 'delivered', 0, 0), (2, 'a', '{}', '2', 1, 'failed', 0, 0),
        (3, 'a', '{}', '3', 1, 'delivered', 1, 0), (4, 'a', '{}', '4', 1, 'delivered', 0, 0),
        (5, 'a', '{}', '5', 1, 'waiting', 0, 9999999999999)";
    let messages = "INSERT INTO messages (user_id, kind, title, body, preview, footer, data, silent, date, expires, read_at, event_id)
        VALUES (7, 'message', 'kept', '', '', '', '{}', 0, 1, NULL, NULL, 1), (7, 'message', 'read', '', '', '', '{}', 0, 1, NULL, 1, 2),
        (7, 'message', 'expired', '', '', '', '{}', 0, 1, 1, NULL, 3)";
    for statement in [brand, user, events, messages] {
        other.batch_execute(statement).await.unwrap();
    }
    other.batch_execute("BEGIN; SELECT id FROM events WHERE id = 4 FOR UPDATE").await.unwrap();
    let retention = Retention { events: 1, failed_events: 1, read_messages: Some(1) };
    let options = ServerOptions { database: address(&database), retention, ..ServerOptions::default() };
    let relay = Server::start(options).await.unwrap();
    let left = "SELECT (SELECT string_agg(id::text, ' ' ORDER BY id) FROM events) = '4 5'
        AND (SELECT string_agg(title, ' ') FROM messages WHERE event_id IS NULL) = 'kept'";
    until(&watch, "the old ones are gone", left).await;
    other.batch_execute("ROLLBACK").await.unwrap();
    relay.shutdown().await;
}

#[tokio::test]
async fn a_start_that_waits_for_the_database_holds_up_no_stop() {
    let cluster = Cluster::start().await;
    let database = cluster.new_database("starting");
    let (watch, other) = (beside(&database).await, beside(&database).await);
    // As another relay that brings the tables up to date.
    other.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(x'7472617962656c6c'::bigint)").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let configuration = format!("listen = \"127.0.0.1:0\"\ndatabase = \"{database}\"\nsingle_relay = true\n");
    std::fs::write(folder.path().join("relay.toml"), configuration).unwrap();
    let mut relay = command(folder.path(), &["serve"]).spawn().unwrap();
    until(&watch, "the start waits", SOMEBODY_WAITS).await;
    let process = relay.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &process]).status().await.unwrap().success());
    let status = tokio::time::timeout(LIMIT, relay.wait()).await.expect("it ends").unwrap();
    assert_eq!(status.code(), Some(0));
    other.batch_execute("ROLLBACK").await.unwrap();
}

/// Waits until these are the user's messages.
async fn until_listed(relay: &Server, expected: &[&str]) {
    let begin = tokio::time::Instant::now();
    loop {
        let mut titles = titles(relay, "the-sid-of-darth").await;
        titles.sort_unstable();
        if titles == expected {
            return;
        }
        assert!(begin.elapsed() < LIMIT, "{expected:?} should be there and not {titles:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A relay with one user, and what refuses that user's messages when this is so.
async fn relay_that_refuses(database: &str, error: &str, when: &str, condition: &str) -> (Server, Client) {
    let relay = relay(database).await;
    let user = relay.add_user("acme", "the-sid-of-darth", "Darth", "Vader").await.unwrap();
    relay.name_user(&user, "darth", &[]).await.unwrap();
    let client = beside(database).await;
    let refuse = format!(
        "CREATE SEQUENCE tries;
        CREATE FUNCTION refuse() RETURNS trigger AS $$
        BEGIN IF {condition} THEN RAISE EXCEPTION USING ERRCODE = '{error}'; END IF; RETURN NULL; END $$ LANGUAGE plpgsql;
        CREATE CONSTRAINT TRIGGER refuses AFTER INSERT ON messages {when} FOR EACH ROW EXECUTE FUNCTION refuse()"
    );
    client.batch_execute(&refuse).await.unwrap();
    (relay, client)
}

#[tokio::test]
async fn what_lost_to_another_transaction_goes_at_once() {
    is_tried_again_at_once("lost", "40P01").await;
}

#[tokio::test]
async fn what_lost_its_connection_goes_at_once() {
    is_tried_again_at_once("cut", "08006").await;
}

/// When it is refused once with this SQLSTATE.
async fn is_tried_again_at_once(database: &str, code: &str) {
    let cluster = Cluster::start().await;
    let database = cluster.new_database(database);
    let (relay, client) = relay_that_refuses(&database, code, "", "nextval('tries') = 1").await;
    assert_eq!(call_out(&relay, 1).await, 200);
    // Long before half a minute.
    until_listed(&relay, &["1"]).await;
    until(&client, "it was refused before", "SELECT last_value = 2 FROM tries").await;
    relay.shutdown().await;
}

#[tokio::test]
async fn those_that_are_never_committed_hold_up_no_other() {
    let cluster = Cluster::start().await;
    let database = cluster.new_database("never");
    let (relay, client) =
        relay_that_refuses(&database, "P0001", "DEFERRABLE INITIALLY DEFERRED", "NEW.title < '7'").await;
    for id in 1..=8 {
        assert_eq!(call_out(&relay, id).await, 200);
    }
    until_listed(&relay, &["7", "8"]).await;
    let put_off = "SELECT count(*) = 6 FROM events WHERE state = 'waiting' AND attempts = 0 AND error LIKE '%P0001%'";
    until(&client, "they wait, and it is said why", put_off).await;
    relay.shutdown().await;
}

#[tokio::test]
async fn what_somebody_holds_holds_up_no_other_event() {
    let cluster = Cluster::start().await;
    let database = cluster.new_database("held");
    // So long each try of the one that is held takes.
    let other = beside(&database).await;
    other.batch_execute("ALTER DATABASE held SET lock_timeout = '500ms'").await.unwrap();
    let relay = relay(&database).await;
    let user = relay.add_user("acme", "the-sid-of-darth", "Darth", "Vader").await.unwrap();
    relay.name_user(&user, "darth", &[]).await.unwrap();
    for id in 1..=3 {
        assert_eq!(call_out(&relay, id).await, 200);
    }
    let until_listed = async |expected: &[&str]| until_listed(&relay, expected).await;
    until_listed(&["1", "2", "3"]).await;
    // Their messages, which a delivery would write anew, are in somebody's hand.
    other.batch_execute("BEGIN; UPDATE messages SET silent = 1").await.unwrap();
    let client = beside(&database).await;
    let anew = "SET lock_timeout = 0; UPDATE events SET flagged = 1, state = 'waiting', retry_at = 0";
    client.batch_execute(anew).await.unwrap();
    for id in 4..=6 {
        assert_eq!(call_out(&relay, id).await, 200);
    }
    until_listed(&["1", "2", "3", "4", "5", "6"]).await;
    // Nor when they are due at each moment.
    let due = async {
        loop {
            client
                .batch_execute("UPDATE events SET retry_at = 1 WHERE state = 'waiting' AND retry_at > 0")
                .await
                .unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let others = async {
        for id in 7..=9 {
            assert_eq!(call_out(&relay, id).await, 200);
        }
        until_listed(&["1", "2", "3", "4", "5", "6", "7", "8", "9"]).await;
    };
    tokio::select! {
        () = due => {}
        () = others => {}
    }
    let waits =
        "SELECT state = 'waiting' AND attempts = 0 AND coalesce(error, '') LIKE '%55P03%' FROM events WHERE id = 1";
    until(&client, "it is said what it waits for", waits).await;
    other.batch_execute("ROLLBACK").await.unwrap();
    relay.shutdown().await;
}
