//! The command line, with and without the app running: exit statuses and the JSON that scripts are promised.

use serde_json::Value;
use traybell_tests::fasttrack_fake::{BRAND, SID};
use traybell_tests::message::Message;
use traybell_tests::scene::Scene;
use traybell_tests::{app, secrets};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[tokio::test]
async fn without_the_app_the_command_line_does_the_whole_job() {
    let mut scene = Scene::set().await;
    the_whole_job(&mut scene).await;
}

#[tokio::test]
async fn with_the_app_running_the_command_line_does_the_same_through_it() {
    let mut scene = Scene::set().await;
    let mut program = app::hidden(&scene.desktop);
    app::await_status(&scene.desktop, "answered", |status| status["version"] == 1).await;
    the_whole_job(&mut scene).await;
    assert!(program.ended().is_none(), "the app still runs");
}

async fn the_whole_job(scene: &mut Scene) {
    let desktop = &scene.desktop;
    let first = scene.fasttrack.add(
        &Message::new("message", "First\u{1b}[31m")
            .sent_ago(60)
            .read()
            .with("CTAButtonLink", "https://example.invalid/x"),
    );
    let unread: Vec<u64> = (1..=5)
        .map(|number| scene.fasttrack.add(&Message::new("inbox", &format!("Unread {number}")).silent()))
        .collect();

    // Before anybody is signed in.
    let status = app::run(desktop, &["status", "--json"]).await.succeeded().json();
    assert_eq!((&status["version"], &status["state"]), (&1.into(), &"signed_out".into()), "{status}");
    assert!(status["account"].is_null() && status["paused_until"].is_null(), "{status}");
    let list = app::run(desktop, &["list", "--json"]).await;
    assert_eq!(list.code, Some(1), "there is nothing to list: {list:?}");
    assert!(list.err.contains("Nobody is signed in"), "{list:?}");
    let usage = app::run(desktop, &["list", "--nonsense"]).await;
    assert_eq!(usage.code, Some(2), "wrong usage: {usage:?}");
    let usage = app::run(desktop, &["sign-in", "--brand", BRAND, "--sid", SID]).await;
    assert_eq!(usage.code, Some(2), "a sid is never an argument: {usage:?}");

    // Signing in, first with what cannot work.
    let url = scene.fasttrack.url();
    for (brand, sid, word) in [("nobody", SID, "nobody"), (BRAND, "wrong", "session"), (BRAND, "", "session id")] {
        let answer = app::sign_in(desktop, &url, brand, sid).await;
        assert_eq!(answer.code, Some(1), "{answer:?}");
        assert!(answer.err.contains(word), "it says what is wrong: {answer:?}");
    }
    let answer = app::sign_in(desktop, &url, BRAND, SID).await;
    assert!(answer.succeeded().out.contains("Darth Vader"), "{answer:?}");
    assert_eq!(secrets::by_secret_tool(desktop).await.unwrap(), [SID]);

    let status = app::await_status(desktop, "in step", |status| status["total"] == 6).await;
    let mut wanted = vec![
        "version",
        "state",
        "since",
        "account",
        "unread",
        "total",
        "last_synced",
        "outbox",
        "paused_until",
        "counters",
    ];
    wanted.sort_unstable();
    let mut seen = keys(&status);
    seen.sort_unstable();
    assert_eq!(seen, wanted, "the contract: {status}");
    assert_eq!(status["account"]["brand"], BRAND, "{status}");
    assert_eq!(status["account"]["name"], "Darth Vader", "{status}");
    assert_eq!((&status["unread"], &status["outbox"]), (&5.into(), &0.into()), "{status}");

    let rows = app::list(desktop).await.unwrap();
    let oldest = rows.last().expect("six rows");
    let mut seen = keys(oldest);
    seen.sort_unstable();
    assert_eq!(seen, ["date", "event", "id", "link", "preview", "read", "title"], "the contract: {oldest}");
    assert_eq!(oldest["id"], first.to_string(), "newest first, ids are strings: {rows:?}");
    assert_eq!(oldest["link"], "https://example.invalid/x", "{oldest}");
    let text = app::run(desktop, &["list"]).await;
    assert!(!text.succeeded().out.contains('\u{1b}'), "a title cannot drive the terminal: {:?}", text.out);
    let only = app::run(desktop, &["list", "--unread", "--json"]).await.succeeded().json();
    assert_eq!(only.as_array().map(Vec::len), Some(5), "{only}");

    // Reading.
    app::run(desktop, &["read", &unread[0].to_string(), &unread[1].to_string()]).await.succeeded();
    scene.fasttrack.await_read_marks(&unread[..2]).await;
    let missing = app::run(desktop, &["read", "999999"]).await;
    assert_eq!(missing.code, Some(1), "{missing:?}");
    assert!(missing.err.contains("999999"), "it names the id: {missing:?}");
    app::run(desktop, &["read", "--all"]).await.succeeded();
    scene.fasttrack.await_read_marks(&unread).await;
    app::await_status(desktop, "read", |status| status["unread"] == 0).await;

    // Checking.
    let doctor = app::run(desktop, &["doctor", "--json"]).await.succeeded().json();
    let checks: Vec<&str> = doctor.as_array().unwrap().iter().filter_map(|check| check["check"].as_str()).collect();
    assert_eq!(checks, ["keyring", "notifications", "tray", "proxy", "config", "login", "pusher"], "{doctor}");
    assert!(doctor.as_array().unwrap().iter().all(|check| check["ok"] == true), "{doctor}");
    assert!(!doctor.to_string().contains(SID));

    // Leaving.
    app::run(desktop, &["sign-out"]).await.succeeded();
    let status = app::run(desktop, &["status", "--json"]).await.succeeded().json();
    assert_eq!(status["state"], "signed_out", "{status}");
    assert_eq!(secrets::by_secret_tool(desktop).await.unwrap(), [] as [&str; 0]);
    assert_eq!(secrets::leaks(desktop, &[SID]), [] as [&str; 0]);
    assert_eq!(scene.notifications().all().len(), 0, "silent messages tell nobody");
}

#[tokio::test]
async fn doctor_names_what_is_missing_and_fails() {
    let scene = Scene::with(traybell_tests::desktop::Parts {
        keyring: false,
        notifications: traybell_tests::desktop::NotificationDaemon::None,
        tray: false,
        ..Default::default()
    })
    .await;
    let answer = app::run(&scene.desktop, &["doctor", "--json"]).await;
    assert_eq!(answer.code, Some(1), "{answer:?}");
    let doctor = answer.json();
    for check in ["keyring", "notifications", "tray", "login"] {
        let found = doctor.as_array().unwrap().iter().find(|found| found["check"] == check).unwrap();
        assert_eq!(found["ok"], false, "{found}");
        assert!(found["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "it says what to do: {found}");
    }
}
