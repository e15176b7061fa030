//! The command line, with and without the app running: exit statuses and the JSON that scripts are promised.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;
use traybell_tests::fasttrack_fake::{BRAND, SID};
use traybell_tests::message::Message;
use traybell_tests::process::Program;
use traybell_tests::scene::Scene;
use traybell_tests::tray::TrayItem;
use traybell_tests::{app, memory, programs, secrets, wait};

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
        "quiet_until",
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

    let file = desktop.folders.data.with_file_name("for-support.txt");
    app::run(desktop, &["doctor", "--bundle", file.to_str().unwrap()]).await.succeeded();
    let bundle = std::fs::read_to_string(&file).unwrap();
    for part in ["== Session", "== Settings", "== Checks", "== Log", "ok   pusher", "Brand: acme"] {
        assert!(bundle.contains(part), "{part} is not in {bundle}");
    }
    for kept in [SID, "do-not-leak", "Vader", "Unread 1"] {
        assert!(!bundle.contains(kept), "{kept} is in {bundle}");
    }

    // Leaving.
    app::run(desktop, &["sign-out"]).await.succeeded();
    let status = app::run(desktop, &["status", "--json"]).await.succeeded().json();
    assert_eq!(status["state"], "signed_out", "{status}");
    assert_eq!(secrets::by_secret_tool(desktop).await.unwrap(), [] as [&str; 0]);
    assert_eq!(secrets::leaks(desktop, &[SID]), [] as [&str; 0]);
    assert_eq!(scene.notifications().all().len(), 0, "silent messages tell nobody");
}

#[tokio::test]
async fn a_watched_status_tells_each_change_with_the_app_and_without_it_until_interrupted() {
    let mut scene = Scene::set().await;
    let mut program = scene.signed_in_app().await;
    let mut command = scene.desktop.command(programs::traybell());
    command.args(["status", "--json", "--watch"]);
    let mut watching = scene.desktop.run("watching", command);
    await_unread(&watching, 0).await;
    scene.send(&Message::new("message", "Watched").silent()).await;
    await_unread(&watching, 1).await;

    program.terminate(wait::LIMIT).expect("the app ends");
    scene.await_live().await;
    scene.send(&Message::new("message", "Watched without the app").silent()).await;
    await_unread(&watching, 2).await;
    let _app = app::hidden(&scene.desktop);
    TrayItem::find(&scene.desktop).await;
    scene.send(&Message::new("message", "Watched with the app again").silent()).await;
    await_unread(&watching, 3).await;

    watching.signal("INT");
    let status = wait::until("the end of the watching", || {
        let ended = watching.ended();
        async move { ended.ok_or_else(|| "it goes on".to_owned()) }
    });
    assert!(status.await.success(), "an interruption is no failure");
}

/// Waits until the last line of `status --json --watch` says so many.
async fn await_unread(watching: &Program, wanted: i64) {
    wait::until(&format!("a status with {wanted} unread"), || async {
        let output = watching.output();
        let last = output.lines().rev().find_map(|line| serde_json::from_str::<Value>(line).ok());
        if last.is_some_and(|status| status["unread"] == wanted) { Ok(()) } else { Err(output) }
    })
    .await;
}

#[tokio::test]
async fn signing_out_loses_read_marks_only_when_told_to() {
    let mut scene = Scene::set().await;
    let _app = scene.signed_in_app().await;
    let id = scene.send(&Message::new("message", "Marked here alone").silent()).await;
    app::await_listed(&scene.desktop, &["Marked here alone"]).await;
    scene.fasttrack.stop();
    let read = app::run(&scene.desktop, &["read", &id.to_string()]).await;
    app::await_status(&scene.desktop, "waiting with a mark", |status| status["outbox"] == 1).await;
    let refused = app::run(&scene.desktop, &["sign-out"]).await;
    assert_eq!(refused.code, Some(1), "{read:?} {refused:?}");
    assert!(refused.err.contains("--discard"), "it says how: {refused:?}");
    app::run(&scene.desktop, &["sign-out", "--discard"]).await.succeeded();
    let status = app::status(&scene.desktop).await.unwrap();
    assert_eq!((&status["state"], &status["outbox"]), (&"signed_out".into(), &0.into()), "{status}");
    assert_eq!(secrets::by_secret_tool(&scene.desktop).await.unwrap(), [] as [&str; 0]);
}

#[tokio::test]
async fn the_session_id_is_prompted_for_on_a_terminal_and_never_shown() {
    let scene = Scene::set().await;
    let mut command = scene.desktop.command("script");
    let line =
        format!("{} sign-in --environment {} --brand {BRAND}", programs::traybell().display(), scene.fasttrack.url());
    // A terminal of its own. What is typed in it comes by our pipe.
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).stdin(Stdio::piped());
    let mut terminal = scene.desktop.run("terminal", command);
    let mut typing = terminal.take_input().unwrap();
    wait::until("a prompt that hides what is typed", || async {
        if !terminal.output().contains("Session id:") {
            return Err(terminal.output());
        }
        let app = memory::of_app(&scene.desktop).first().map(|process| process.id).ok_or("no app")?;
        let settings = scene.desktop.output("stty", &["-F", &format!("/proc/{app}/fd/0"), "-a"]).await?;
        if settings.contains("-echo ") { Ok(()) } else { Err(settings) }
    })
    .await;
    typing.write_all(format!("{SID}\n").as_bytes()).unwrap();
    wait::until("the end of the sign-in", || {
        let ended = terminal.ended();
        async move { ended.ok_or_else(|| "it goes on".to_owned()) }
    })
    .await;
    let shown = terminal.output();
    assert!(shown.contains("Signed in as Darth Vader"), "{shown}");
    assert!(!shown.contains(SID), "what was typed is not shown: {shown}");
    assert_eq!(secrets::by_secret_tool(&scene.desktop).await.unwrap(), [SID]);
}

#[tokio::test]
async fn doctor_tells_a_locked_keyring_and_does_not_unlock_it() {
    let scene = Scene::set().await;
    let collection = "['/org/freedesktop/secrets/aliases/default']";
    let to_service = ["call", "--session", "--dest", "org.freedesktop.secrets", "--object-path"];
    let lock = ["/org/freedesktop/secrets", "--method", "org.freedesktop.Secret.Service.Lock", collection];
    scene.desktop.output("gdbus", &[&to_service[..], &lock[..]].concat()).await.unwrap();
    for _ in 0..2 {
        let doctor = app::run(&scene.desktop, &["doctor", "--json"]).await.json();
        let keyring = doctor.as_array().unwrap().iter().find(|found| found["check"] == "keyring").unwrap();
        assert_eq!(keyring["ok"], false, "{keyring}");
        assert!(keyring["detail"].as_str().unwrap().contains("locked"), "{keyring}");
        assert!(keyring["hint"].as_str().unwrap().contains("Unlock"), "{keyring}");
    }
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
