//! The program as an operator runs it: `relay.toml`, users on the command line, and `serve`.

use std::{path::Path, process::Stdio, time::Duration};

use relay::SecretsPlace;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sha2::Sha512;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::world::{LIMIT, answer, http};

const CONFIGURATION: &str = r#"
listen = "127.0.0.1:0"

[[subscriptions]]
custom_id = "new-employees"
events = ["entity:employees:created"]
regions = "all"

[subscriptions.message]
title = "New employee: {{ entity.firstName }} {{ entity.lastName }}"

[subscriptions.recipients]
groups = ["dispatch"]
"#;

pub fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("relay.toml"), CONFIGURATION).unwrap();
    folder
}

pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_traybell-relay"));
    command.args(arguments).arg("--config").arg(folder.join("relay.toml")).kill_on_drop(true);
    command
}

/// The status, and what was said on stdout and stderr.
pub async fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = tokio::time::timeout(LIMIT, command(folder, arguments).output()).await.expect("it ends").unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

pub async fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let (status, said, error) = run(folder, arguments).await;
    assert_eq!(status, 0, "{arguments:?}: {error}");
    said
}

/// What stands behind a label of a command's output.
pub fn after<'a>(label: &str, text: &'a str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(label));
    line.unwrap_or_else(|| panic!("{label:?} should be in {text:?}")).trim()
}

/// The server, and the address it says it is reached under.
pub async fn serve(folder: &Path) -> (Child, String) {
    let mut child = command(folder, &["serve"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(LIMIT, lines.next_line()).await.expect("it should start").unwrap().unwrap();
    let url = line.rsplit(' ').next().unwrap().to_owned();
    assert!(url.starts_with("http://127.0.0.1:"), "{line}");
    (child, url)
}

pub async fn log_in(url: &str, sid: &str) -> (u16, Value) {
    answer(
        http().post(format!("{url}/integration-api/Platform/LoginAuthToken")).header("authtoken", sid).json(&json!({})),
    )
    .await
}

pub async fn titles(url: &str, sid: &str) -> Vec<String> {
    let list = format!("{url}/integration-api/Notifications/v2/user-notifications");
    let (status, listed) = answer(http().get(list).header("authtoken", sid)).await;
    assert_eq!(status, 200, "{listed}");
    listed["Data"].as_array().unwrap().iter().map(|row| row["Title"].as_str().unwrap().to_owned()).collect()
}

/// Waits until the user's list has this one message.
async fn listed(url: &str, sid: &str, title: &str) {
    tokio::time::timeout(LIMIT, async {
        while titles(url, sid).await != [title] {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the event should be in the list");
}

/// As TrackTik does it for the subscription `new-employees`.
async fn call_out(folder: &Path, url: &str, body: &'static str) {
    let secrets = SecretsPlace::File(folder.join("relay-secrets.json")).read().unwrap();
    let (_, secret) = secrets.of("new-employees").unwrap();
    let address = secrets.address("new-employees", url).unwrap();
    let callout = http()
        .post(address.expose_secret())
        .header("content-type", "application/json")
        .header("TrackTik-Subscription-Secret", signed(secret[0].expose_secret(), body))
        .body(body);
    assert_eq!(answer(callout).await, (200, json!({ "accepted": true })));
}

pub fn signed(secret: &str, body: &str) -> String {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mut hmac = Hmac::<Sha512>::new_from_slice(secret.as_bytes()).unwrap();
    hmac.update(body.as_bytes());
    hex::encode(hmac.finalize().into_bytes())
}

#[tokio::test]
async fn from_a_configuration_to_the_first_event_at_the_right_user() {
    let folder = folder();
    let folder = folder.path();
    let added = succeed(folder, &["user", "add", "maya", "--brand", "acme", "--group", "dispatch"]).await;
    let maya = after("Session id", &added).to_owned();
    let added = succeed(folder, &["user", "add", "tom", "--brand", "acme"]).await;
    let tom = after("Session id", &added).to_owned();
    succeed(folder, &["callouts", "new-secret", "new-employees"]).await;

    let (_server, url) = serve(folder).await;
    let body = r#"{"id":7,"firstName":"Ada","lastName":"Lovelace"}"#;
    call_out(folder, &url, body).await;
    listed(&url, &maya, "New employee: Ada Lovelace").await;
    assert!(titles(&url, &tom).await.is_empty(), "who is not in the group gets nothing");

    let events: Value = serde_json::from_str(&succeed(folder, &["events", "list", "--json"]).await).unwrap();
    assert_eq!((&events[0]["state"], &events[0]["flagged"]), (&json!("delivered"), &json!(false)), "{events}");
    let id = events[0]["id"].to_string();
    let shown = succeed(folder, &["events", "show", &id]).await;
    assert!(shown.lines().any(|line| line == body), "{shown}");
    succeed(folder, &["events", "replay", &id]).await;
    assert_eq!(succeed(folder, &["events", "list", "--failed"]).await.lines().count(), 1, "the head alone");

    let listed: Value = serde_json::from_str(&succeed(folder, &["user", "list", "--json"]).await).unwrap();
    assert_eq!((&listed[0]["name"], &listed[0]["unread"]), (&json!("maya"), &json!(1)), "{listed}");
}

#[tokio::test]
async fn a_rotated_or_removed_user_is_refused_by_the_running_server_at_once() {
    let folder = folder();
    let folder = folder.path();
    let added = succeed(folder, &["user", "add", "maya", "--brand", "acme"]).await;
    let old = after("Session id", &added).to_owned();
    succeed(folder, &["callouts", "new-secret", "new-employees"]).await;
    let (_server, url) = serve(folder).await;
    assert_eq!(log_in(&url, &old).await.0, 200);

    let rotated = succeed(folder, &["user", "rotate", "maya", "--brand", "acme"]).await;
    let new = after("Session id", &rotated).to_owned();
    assert_eq!((log_in(&url, &old).await.0, log_in(&url, &new).await.0), (401, 200));

    succeed(folder, &["user", "remove", "maya", "--brand", "acme"]).await;
    assert_eq!(log_in(&url, &new).await.0, 401);
}

#[tokio::test]
async fn a_users_names_and_groups_change_and_the_rest_stays() {
    let folder = folder();
    let folder = folder.path();
    let group = |name| ["--group", name].map(str::to_owned);
    let add = ["user", "add", "maya", "--brand", "acme", "--first-name", "Maya", "--group", "night"];
    let sid = after("Session id", &succeed(folder, &add).await).to_owned();
    let update = async |arguments: &[&str]| {
        let all: Vec<_> = ["user", "update", "maya", "--brand", "acme"].iter().chain(arguments).copied().collect();
        succeed(folder, &all).await;
        let listed: Value = serde_json::from_str(&succeed(folder, &["user", "list", "--json"]).await).unwrap();
        ["first_name", "last_name", "groups"].map(|field| listed[0][field].clone())
    };
    assert_eq!(update(&["--last-name", "Lind"]).await, [json!("Maya"), json!("Lind"), json!(["night"])]);
    let groups: Vec<_> = ["dispatch", "region-3"].into_iter().flat_map(group).collect();
    let groups: Vec<_> = groups.iter().map(String::as_str).collect();
    assert_eq!(update(&groups).await, [json!("Maya"), json!("Lind"), json!(["dispatch", "region-3"])]);
    for (changes, expected) in [
        (&["--no-groups", "--group", "a"][..], "cannot be used with"),
        (&[], "--first-name <TEXT>|--last-name <TEXT>|--group <NAME>|--no-groups"),
    ] {
        let (status, _, error) = run(folder, &[&["user", "update", "maya", "--brand", "acme"], changes].concat()).await;
        assert!(status == 2 && error.contains(expected), "{error}");
    }
    let nobody = update(&["--first-name", "", "--last-name", "", "--no-groups"]).await;
    assert_eq!(nobody, [json!("maya"), json!(""), json!([])], "somebody is shown");

    // The groups of the moment get a message, and nobody else does.
    succeed(folder, &["callouts", "new-secret", "new-employees"]).await;
    let (_server, url) = serve(folder).await;
    call_out(folder, &url, r#"{"id":7,"firstName":"Ada"}"#).await;
    let events = async || {
        let events: Value = serde_json::from_str(&succeed(folder, &["events", "list", "--json"]).await).unwrap();
        events[0]["flagged"].clone()
    };
    tokio::time::timeout(LIMIT, async {
        while events().await != true {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("nobody is in the group");
    update(&["--group", "dispatch"]).await;
    call_out(folder, &url, r#"{"id":8,"firstName":"Grace","lastName":"Hopper"}"#).await;
    listed(&url, &sid, "New employee: Grace Hopper").await;
}

#[tokio::test]
async fn no_secret_is_in_the_database_of_the_users() {
    let folder = folder();
    let folder = folder.path();
    let added = succeed(folder, &["user", "add", "maya", "--brand", "acme"]).await;
    let sid = after("Session id", &added).as_bytes();
    let mut read = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        read += bytes.len();
        assert!(!bytes.windows(sid.len()).any(|part| part == sid), "the session id stands in a file");
    }
    assert!(read > 4096, "the database should have been among the files");
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_the_reason() {
    let folder = folder();
    let folder = folder.path();
    let add = ["user", "add", "maya", "--brand", "acme"];
    let (status, _, log) = run(folder, &add).await;
    assert!(status == 0 && log.contains("a new database is made"), "who mistyped its path sees it: {log}");
    let cases: [(&[&str], &str); 11] = [
        (&add, "has a user \"maya\" already"),
        (&["user", "add", "maya lind", "--brand", "acme"], "no user name"),
        (&["user", "remove", "tom", "--brand", "acme"], "no user \"tom\""),
        (&["user", "rotate", "maya", "--brand", "other"], "brand \"other\" has no user"),
        (&["user", "update", "tom", "--brand", "acme", "--no-groups"], "no user \"tom\""),
        (&["user", "update", "maya", "--brand", "acme", "--group", "a b"], "no group"),
        (&["callouts", "new-secret", "sites"], "no subscription \"sites\"; it has: new-employees"),
        (&["callouts", "show", "new-employees"], "callouts new-secret new-employees"),
        (&["events", "show", "5"], "no event 5"),
        (&["events", "replay", "5"], "no event 5"),
        (&["serve"], "callouts new-secret new-employees"),
    ];
    for (arguments, expected) in cases {
        let (status, said, error) = run(folder, arguments).await;
        assert_eq!((status, said.as_str()), (1, ""), "{arguments:?}");
        assert!(error.contains(expected), "{arguments:?}: {error:?} should say {expected:?}");
    }
}

#[tokio::test]
async fn a_rotation_of_a_secret_goes_through_two_that_verify() {
    let folder = folder();
    let folder = folder.path();
    let count = async || {
        let listed = succeed(folder, &["callouts", "list", "--json"]).await;
        serde_json::from_str::<Value>(&listed).unwrap()[0]["secrets"].as_u64().unwrap()
    };
    assert_eq!(count().await, 0);
    let first = succeed(folder, &["callouts", "new-secret", "new-employees"]).await;
    assert_eq!(count().await, 1);
    let second = succeed(folder, &["callouts", "new-secret", "new-employees"]).await;
    assert_eq!(count().await, 2);
    assert_eq!(after("URL", &first), after("URL", &second), "the address stays");
    assert_ne!(after("Secret  ", &first), after("Secret  ", &second));
    succeed(folder, &["callouts", "finish", "new-employees"]).await;
    assert_eq!(count().await, 1);
    assert_eq!(
        after("Secret  ", &succeed(folder, &["callouts", "show", "new-employees"]).await),
        after("Secret  ", &second)
    );
}

#[tokio::test]
async fn a_lost_device_is_signed_out_and_the_user_stays() {
    let folder = folder();
    let folder = folder.path();
    succeed(folder, &["callouts", "new-secret", "new-employees"]).await;
    let added = succeed(folder, &["user", "add", "maya", "--brand", "acme"]).await;
    let sid = after("Session id", &added).to_owned();
    let (_server, url) = serve(folder).await;
    assert_eq!(succeed(folder, &["user", "devices", "maya", "--brand", "acme", "--json"]).await, "[]\n");
    let paired = succeed(folder, &["user", "pair", "maya", "--brand", "acme"]).await;
    let (status, answer) = log_in(&url, after("Pairing code", &paired)).await;
    assert_eq!(status, 200, "{answer}");
    let listed = succeed(folder, &["user", "devices", "maya", "--brand", "acme", "--json"]).await;
    let device = serde_json::from_str::<Value>(&listed).unwrap()[0]["id"].as_str().unwrap().to_owned();
    assert!(succeed(folder, &["user", "devices", "maya", "--brand", "acme"]).await.contains(&device));
    let token = answer["Data"]["Authentication"]["AuthToken"].as_str().unwrap();
    let list = async || {
        let list = format!("{url}/integration-api/Notifications/v2/user-notifications");
        http().get(list).header("authtoken", token).send().await.unwrap().status().as_u16()
    };
    assert_eq!(list().await, 200);
    let remove = ["user", "remove-device", "maya", "--brand", "acme", "--device"];
    let (status, _, error) = run(folder, &[&remove[..], &["0123456789"]].concat()).await;
    assert!(status == 1 && error.contains("user devices"), "{error}");
    succeed(folder, &[&remove[..], &[device.as_str()]].concat()).await;
    assert_eq!((list().await, log_in(&url, &sid).await.0), (401, 200));
}
