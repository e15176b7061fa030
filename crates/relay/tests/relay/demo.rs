//! The demo, as a library and as the program `traybell-relay demo`.

use std::{path::Path, process::Stdio, time::Duration};

use relay::demo::{Demo, DemoOptions};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::world::{LIMIT, answer, http};

async fn list(url: &str, token: &str) -> Vec<Value> {
    let list = format!("{url}/integration-api/Notifications/v2/user-notifications");
    answer(http().get(list).header("authtoken", token)).await.1["Data"].as_array().expect("a list should come").clone()
}

async fn listed_at_least(url: &str, sid: &str, wanted: usize) -> Vec<Value> {
    let come = tokio::time::timeout(LIMIT, async {
        loop {
            let items = list(url, sid).await;
            if items.len() >= wanted {
                return items;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    come.await.expect("more messages should have come")
}

#[tokio::test]
async fn it_has_older_messages_and_sends_as_many_new_ones_as_it_is_told() {
    let every = Duration::from_millis(1);
    let demo = Demo::start(DemoOptions { every, count: Some(11), ..Default::default() }).await.unwrap();
    assert!(demo.server().address().ip().is_loopback());
    let (url, sid) = (demo.server().url(), demo.sid().expose_secret());
    let older = list(url, sid).await;
    assert!(older.iter().any(|item| item["IsRead"] == true) && older.iter().any(|item| item["IsRead"] == false));

    let wanted = older.len() + 11;
    let all = tokio::select! {
        ended = demo.run() => panic!("it should go on serving: {ended:?}"),
        all = listed_at_least(url, sid, wanted) => all,
    };
    assert_eq!(all.len(), wanted);
    for kind in ["message", "shoutout", "inbox"] {
        assert!(all.iter().any(|item| item["Event"] == kind), "{kind}");
    }
    let picture = all.iter().find_map(|item| item["ImageUrl"].as_str().filter(|url| !url.is_empty())).unwrap();
    let response = http().get(picture).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "image/png");
    assert!(response.bytes().await.unwrap().starts_with(b"\x89PNG\r\n\x1a\n"));
    demo.shutdown().await;
}

#[tokio::test]
async fn with_a_folder_session_id_address_and_messages_stay() {
    let folder = tempfile::tempdir().unwrap();
    let options = DemoOptions { data: Some(folder.path().join("made by it")), ..Default::default() };
    let first = Demo::start(options.clone()).await.unwrap();
    let ready = first.ready_line();
    let count = list(first.server().url(), first.sid().expose_secret()).await.len();
    first.shutdown().await;

    let second = Demo::start(options.clone()).await.unwrap();
    assert_eq!(second.ready_line(), ready);
    assert_eq!(list(second.server().url(), second.sid().expose_secret()).await.len(), count, "older ones come once");

    let address = second.server().address();
    second.shutdown().await;
    let _taken = tokio::net::TcpListener::bind(address).await.unwrap();
    let third = Demo::start(options.clone()).await.unwrap();
    assert_ne!(third.server().address(), address, "a taken port gives way when it was not asked for");
    third.shutdown().await;
    let port = Some(address.port());
    assert!(Demo::start(DemoOptions { port, ..options }).await.is_err(), "and is an error when it was");
}

#[tokio::test]
async fn a_folder_with_a_strange_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("demo.json");
    std::fs::write(&file, "somebody else's").unwrap();
    let error =
        Demo::start(DemoOptions { data: Some(folder.path().to_owned()), ..Default::default() }).await.unwrap_err();
    assert!(error.to_string().contains("demo.json"), "{error}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "somebody else's");
}

/// The program, and the line it printed.
async fn program(arguments: &[&str], folder: &Path) -> (Child, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_traybell-relay"))
        .args(["demo", "--json", "--data"])
        .arg(folder)
        .args(arguments)
        .env("RUST_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(LIMIT, lines.next_line()).await.expect("it should be ready").unwrap();
    let ready = serde_json::from_str(&line.expect("it should print a line")).unwrap();
    (child, ready)
}

#[tokio::test]
async fn the_program_says_in_one_line_where_it_is_and_logs_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, ready) = program(&["--every", "0.05"], folder.path()).await;
    let text = |name: &str| ready[name].as_str().expect(name).to_owned();
    let (url, sid) = (text("url"), text("sid"));
    assert_eq!((text("brand").as_str(), ready.as_object().unwrap().len()), ("demo", 4));

    let log_in = http().post(format!("{url}/integration-api/Platform/LoginAuthToken"));
    let (status, logged_in) = answer(log_in.header("authtoken", &sid).json(&json!({}))).await;
    assert_eq!(status, 200, "{logged_in}");
    let token = logged_in["Data"]["Authentication"]["AuthToken"].as_str().unwrap().to_owned();
    listed_at_least(&url, &token, 7).await;
    assert_eq!(answer(http().get(format!("{url}/api/v1/config/demo"))).await.1["pusherKey"], text("pusher_key"));

    let log = end(&mut child).await;
    assert!(log.contains("logged in"), "it should have logged something: {log}");
    for secret in [&sid, &token] {
        assert!(!log.contains(secret.as_str()), "a secret is in the log: {log}");
    }
}

/// Ends the program as the system would, and answers its log.
async fn end(child: &mut Child) -> String {
    #[cfg(unix)]
    {
        let pid = child.id().expect("it should be running").to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
        let status = tokio::time::timeout(LIMIT, child.wait()).await.expect("it should end").unwrap();
        assert_eq!(status.code(), Some(0), "SIGTERM is an ordinary end");
    }
    #[cfg(not(unix))]
    child.kill().await.unwrap();
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).await.unwrap();
    log
}

#[tokio::test]
async fn a_killed_program_has_lost_nothing_when_it_is_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, ready) = program(&["--every", "0.02", "--count", "2"], folder.path()).await;
    let (url, sid) = (ready["url"].as_str().unwrap(), ready["sid"].as_str().unwrap());
    let before = listed_at_least(url, sid, 7).await;
    child.kill().await.unwrap();

    let (_child, again) = program(&["--count", "0"], folder.path()).await;
    assert_eq!(again, ready);
    assert_eq!(list(url, sid).await, before);
}

#[tokio::test]
async fn bad_usage_ends_with_status_2_and_a_taken_port_with_1() {
    let run = |arguments: &'static [&'static str]| async move {
        let output = Command::new(env!("CARGO_BIN_EXE_traybell-relay")).args(arguments).output().await.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for arguments in [&["demo", "--every", "0"][..], &["demo", "--every", "NaN"], &["demo", "--port", "70000"], &["x"]]
    {
        assert_eq!(run(arguments).await.0, Some(2), "{arguments:?}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output =
        Command::new(env!("CARGO_BIN_EXE_traybell-relay")).args(["demo", "--port", &port]).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{said}");
}
