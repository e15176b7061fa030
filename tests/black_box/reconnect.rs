//! The server goes and comes back: the app says so, comes back by itself, and nothing is lost or told twice.

use traybell_tests::message::Message;
use traybell_tests::scene::Scene;
use traybell_tests::tray::TrayItem;
use traybell_tests::{app, screen, wait};

#[tokio::test]
async fn a_server_that_is_killed_and_restarted_loses_no_message_and_repeats_none() {
    let mut scene = Scene::set().await;
    let window = scene.signed_in_window().await;
    let _other_work = screen::look_away(&scene.desktop).await;
    let tray = TrayItem::find(&scene.desktop).await;
    scene.send(&Message::new("message", "Before the crash")).await;
    scene.notifications().await_titled("Before the crash").await;

    scene.sockudo.kill();
    scene.fasttrack.stop();
    let banner = window.await_text("banner", "since when there is no connection", |text| text.contains("since")).await;
    assert!(banner.contains("Try now"), "a person can do something: {banner:?}");
    window.await_text("pill", "anything but online", |text| !text.contains("Online")).await;
    tray.await_menu("does not say online", |labels| {
        labels.iter().any(|label| label.starts_with("(Offline since") || label == "(Connecting…)")
    })
    .await;
    window.row("Before the crash").await;

    scene.fasttrack.add(&Message::new("inbox", "Sent in between"));
    scene.fasttrack.restart().await;
    scene.sockudo.restart().await;
    window.await_pill("Online").await;
    window.gone("banner").await;
    tray.await_menu("says online", |labels| labels.iter().any(|label| label == "(Online)")).await;
    window.row("Sent in between").await;
    scene.notifications().await_titled("Sent in between").await;

    scene.sockudo.await_subscriber(&scene.fasttrack.channel()).await;
    scene.send(&Message::new("message", "After the return")).await;
    scene.notifications().await_titled("After the return").await;
    window.row("After the return").await;
    for title in ["Before the crash", "Sent in between", "After the return"] {
        assert_eq!(scene.notifications().titled(title).len(), 1, "{title:?} is told once");
        let rows = window.rows().await.unwrap();
        assert_eq!(rows.iter().filter(|row| row.text.contains(title)).count(), 1, "{title:?} is listed once");
    }
    window.end().await;
}

#[tokio::test]
async fn each_time_the_server_returns_the_socket_is_back_and_nothing_is_missed_or_told_twice() {
    let mut scene = Scene::set().await;
    let _app = scene.signed_in_app().await;
    for round in 1..=3 {
        scene.sockudo.kill();
        app::await_status(&scene.desktop, "not online", |status| status["state"] != "online").await;
        let title = format!("Missed {round}");
        scene.fasttrack.add(&Message::new("message", &title));
        scene.sockudo.restart().await;
        // How soon is for `cargo xtask bench faults` to tell, not for a test on a busy machine.
        scene.sockudo.await_subscriber(&scene.fasttrack.channel()).await;
        scene.notifications().await_titled(&title).await;
    }
    let listed = app::await_listed(&scene.desktop, &["Missed 1", "Missed 2", "Missed 3"]).await;
    assert_eq!(listed.len(), 3);
    for call in scene.notifications().all() {
        assert_eq!(scene.notifications().titled(&call.title).len(), 1, "{call:?}");
    }
}

#[tokio::test]
async fn a_token_that_runs_out_is_renewed_once_without_a_word() {
    let mut scene = Scene::set().await;
    let _app = scene.signed_in_app().await;
    let id = scene.send(&Message::new("message", "To be read")).await;
    app::await_listed(&scene.desktop, &["To be read"]).await;
    scene.fasttrack.expire_tokens();
    app::run(&scene.desktop, &["read", &id.to_string()]).await.succeeded();
    let logins = scene.fasttrack.calls(traybell_tests::fasttrack_fake::Endpoint::Login).len();
    assert_eq!(logins, 2, "one log-in more, with the sid");
    let marks = scene.fasttrack.read_marks();
    assert_eq!(marks.len(), 2, "refused once, repeated once: {marks:?}");
    let status = app::status(&scene.desktop).await.unwrap();
    assert_eq!((&status["state"], &status["outbox"]), (&"online".into(), &0.into()), "{status}");
}

#[tokio::test]
async fn a_read_mark_survives_a_crash_and_a_server_that_is_down() {
    let mut scene = Scene::set().await;
    let mut program = scene.signed_in_app().await;
    let id = scene.send(&Message::new("message", "Read offline")).await;
    app::await_listed(&scene.desktop, &["Read offline"]).await;
    scene.fasttrack.stop();
    let answer = app::run(&scene.desktop, &["read", &id.to_string()]).await;
    assert_eq!(answer.code, Some(1), "the server has not got it: {answer:?}");
    assert!(answer.err.contains("the server has not got it yet"), "{answer:?}");
    program.kill();
    scene.fasttrack.restart().await;
    let _app = app::hidden(&scene.desktop);
    scene.fasttrack.await_read_marks(&[id]).await;
    let rows = app::await_listed(&scene.desktop, &["Read offline"]).await;
    assert_eq!(rows[0]["read"], true, "{rows:?}");
    wait::until("an empty outbox", || async {
        let status = app::status(&scene.desktop).await?;
        if status["outbox"] == 0 { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    assert_eq!(scene.notifications().titled("Read offline").len(), 1, "it was told before the crash and not again");
}
