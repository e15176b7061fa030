//! The main job, end to end: sign in, be told, read, and still be there after a restart.

use serde_json::json;
use traybell_tests::driver::Window;
use traybell_tests::fasttrack_fake::{Endpoint, SID};
use traybell_tests::message::Message;
use traybell_tests::scene::Scene;
use traybell_tests::{app, bubble, screen, secrets, wait};

/// What the fake's answers hold and nobody else may: tokens stay in memory.
const TOKENS: [&str; 2] = ["of-the-tests-do-not-leak", "jwt-of-the-tests"];

#[tokio::test]
async fn a_person_signs_in_is_told_reads_and_is_still_signed_in_after_a_restart() {
    let mut scene = Scene::set().await;
    let before = scene.fasttrack.add(&Message::new("inbox", "Sent before sign-in").sent_ago(3600).read());
    let window = scene.signed_in_window().await;

    // What was sent before is listed; it was read elsewhere, so nobody is told.
    let row = window.row("Sent before sign-in").await;
    assert_eq!((row.id.as_str(), row.unread), (before.to_string().as_str(), false), "read on the server");

    the_sid_is_in_the_keyring_and_nowhere_else(&scene, &window).await;

    // Each kind of event reaches the notification daemon as plain text.
    let _other_work = screen::look_away(&scene.desktop).await;
    let mut ids = Vec::new();
    for (event, title, body) in [
        ("message", "Your weekend bonus", "Ten & twenty <free> spins"),
        ("shoutout", "Maintenance at 02:00", "Back at 03:00"),
        ("inbox", "Welcome aboard", "Say hello"),
    ] {
        ids.push(scene.send(&Message::new(event, title).preview(body)).await);
        let told = scene.notifications().await_titled(title).await;
        assert_eq!(told.app, "Traybell");
        let shown = traybell_tests::notifications::shown_text(&told.body);
        assert_eq!(shown, body, "the body of {event}: {told:?}");
        let row = window.row(title).await;
        assert!(row.unread, "{title:?} has not been read");
    }

    // A silent one raises none and is listed. Alerts come in order: the next one's proves that there was none before.
    scene.send(&Message::new("message", "Silent one").silent()).await;
    window.row("Silent one").await;
    let last = scene.send(&Message::new("message", "After the silent one")).await;
    scene.notifications().await_titled("After the silent one").await;
    assert!(scene.notifications().titled("Silent one").is_empty(), "silent means silent");
    assert!(scene.notifications().titled("Sent before sign-in").is_empty(), "what was read alerts nobody");

    // A click on the bubble opens that message, which marks it as read on the server, once.
    let told = scene.notifications().await_titled("Maintenance at 02:00").await;
    bubble::click(&scene.desktop, scene.notifications(), &told).await;
    window.await_text("detail-title", "the clicked message", |text| text == "Maintenance at 02:00").await;
    scene.fasttrack.await_read_marks(&[ids[1]]).await;
    window.click("back").await;

    // So does opening one in the window.
    window.open_row("Your weekend bonus").await;
    scene.fasttrack.await_read_marks(&[ids[0], ids[1]]).await;
    assert_eq!(scene.fasttrack.read_marks()[1], json!({"MessageId": ids[0]}), "an integer, as the wire has it");
    window.click("back").await;
    let row = window.await_row("Your weekend bonus", "read", |row| !row.unread).await;
    assert_eq!(row.id, ids[0].to_string());
    assert_eq!(scene.fasttrack.calls(Endpoint::Login).len(), 1, "one log-in is enough");

    the_sid_is_in_the_keyring_and_nowhere_else(&scene, &window).await;
    a_restart_finds_everything(&mut scene, window, last).await;
}

async fn a_restart_finds_everything(scene: &mut Scene, window: Window, last: u64) {
    let told_before = scene.notifications().all().len();
    let marks_before = scene.fasttrack.read_marks().len();
    window.end().await;
    // The server is slow: the list is there at once all the same.
    let slow = traybell_tests::fasttrack_fake::Fault::Slow(std::time::Duration::from_secs(4));
    scene.fasttrack.break_with(Endpoint::Config, slow);
    let window = Window::open(&scene.desktop).await;
    let row = window.row("After the silent one").await;
    assert_eq!(row.id, last.to_string());
    assert_eq!(scene.fasttrack.calls(Endpoint::Login).len(), 1, "the list was shown before the log-in");
    scene.fasttrack.mend(Endpoint::Config);
    window.await_pill("Online").await;
    assert_eq!(scene.fasttrack.calls(Endpoint::Login).len(), 2, "signed in from the keyring");
    for (title, unread) in [("Your weekend bonus", false), ("Welcome aboard", true), ("Silent one", true)] {
        window.await_row(title, "as it was", |row| row.unread == unread).await;
    }
    // Nothing is told a second time. What comes now is told after whatever would have been.
    scene.sockudo.await_subscriber(&scene.fasttrack.channel()).await;
    let _other_work = screen::look_away(&scene.desktop).await;
    scene.send(&Message::new("message", "After the restart")).await;
    scene.notifications().await_titled("After the restart").await;
    let told: Vec<String> = scene.notifications().all()[told_before..].iter().map(|call| call.title.clone()).collect();
    assert_eq!(told, ["After the restart"], "nothing is told twice");
    assert_eq!(scene.fasttrack.read_marks().len(), marks_before, "nothing is marked twice");
    window.end().await;
}

async fn the_sid_is_in_the_keyring_and_nowhere_else(scene: &Scene, window: &Window) {
    let kept = wait::until("the sid, found by secret-tool", || async {
        let kept = secrets::by_secret_tool(&scene.desktop).await?;
        if kept.is_empty() { Err("no secret".to_owned()) } else { Ok(kept) }
    })
    .await;
    assert_eq!(kept, [SID], "the one secret is the sid");
    let leaks = secrets::leaks(&scene.desktop, &[SID, TOKENS[0], TOKENS[1]]);
    assert_eq!(leaks, [] as [&str; 0], "a secret lies about");
    let script = "return JSON.stringify([
        document.documentElement.outerHTML,
        [...document.querySelectorAll('input, select, textarea')].map(field => field.value),
        {...localStorage}, {...sessionStorage}, document.cookie, location.href, history.state, window.name])";
    let state = window.run(script, vec![]).await.unwrap().to_string();
    for secret in [SID, TOKENS[0], TOKENS[1]] {
        assert!(!state.contains(secret), "{secret:?} is in the window: {state}");
    }
    assert!(!app::log(&scene.desktop).is_empty(), "there is a log that was searched");
}
