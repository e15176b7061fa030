//! The tray over D-Bus: the item registers, its menu follows the state, and what is clicked there happens.

use traybell_tests::fasttrack_fake::{BRAND, Endpoint, Fault, SID};
use traybell_tests::message::Message;
use traybell_tests::scene::Scene;
use traybell_tests::tray::{TrayItem, registered};
use traybell_tests::{app, wait};

/// The menu of a signed-in app.
fn signed_in(unread: &str, state: &str, mark_all: &str) -> Vec<String> {
    let labels = [
        "Open Traybell",
        unread,
        state,
        "---",
        mark_all,
        "Pause notifications",
        "Settings…",
        "Sign out",
        "---",
        "Quit",
    ];
    labels.map(str::to_owned).to_vec()
}

/// Without the line that says when the list was last called.
fn timeless(labels: &[String]) -> Vec<String> {
    labels.iter().filter(|label| !label.starts_with("(Last checked ")).cloned().collect()
}

#[tokio::test]
async fn the_menu_follows_the_state_and_its_items_work() {
    let mut scene = Scene::set().await;
    let mut program = app::hidden(&scene.desktop);
    let tray = TrayItem::find(&scene.desktop).await;
    let out = [
        "Sign in…",
        "(Signed out)",
        "---",
        "(Mark all as read)",
        "Pause notifications",
        "(Settings…)",
        "(Sign out)",
        "---",
        "Quit",
    ];
    tray.await_menu("is that of nobody signed in", |labels| labels == out).await;
    let icon_signed_out = tray.icon().await.unwrap();

    app::sign_in(&scene.desktop, &scene.fasttrack.url(), BRAND, SID).await.succeeded();
    let online = signed_in("(No unread messages)", "(Online)", "(Mark all as read)");
    tray.await_menu("is that of nothing unread", |labels| timeless(labels) == online).await;
    wait::until("another icon than signed out", || async {
        let icon = tray.icon().await?;
        if icon == icon_signed_out { Err(icon) } else { Ok(()) }
    })
    .await;

    scene.await_live().await;
    let first = scene.send(&Message::new("message", "First")).await;
    let one = signed_in("(1 unread message)", "(Online)", "Mark all as read");
    tray.await_menu("counts one", |labels| timeless(labels) == one).await;
    let second = scene.send(&Message::new("inbox", "Second")).await;
    tray.await_menu("counts two", |labels| {
        timeless(labels) == signed_in("(2 unread messages)", "(Online)", "Mark all as read")
    })
    .await;

    tray.click("Mark all as read").await.unwrap();
    tray.await_menu("has nothing unread", |labels| timeless(labels) == online).await;
    scene.fasttrack.await_read_marks(&[first, second]).await;

    scene.fasttrack.stop();
    scene.sockudo.kill();
    let offline = |labels: &[String]| {
        timeless(labels).len() == 10 && labels[1] == "(No unread messages)" && labels[2].starts_with("(Offline since ")
    };
    tray.await_menu("is offline", offline).await;
    scene.fasttrack.restart().await;
    scene.sockudo.restart().await;
    tray.await_menu("is online again", |labels| timeless(labels) == online).await;

    let checked = |labels: &[String]| labels.iter().any(|label| label.starts_with("(Last checked "));
    tray.await_menu("says when the list was last called", checked).await;

    tray.click("For 1 hour").await.unwrap();
    let paused = |labels: &[String]| {
        labels.iter().any(|label| label.starts_with("(Paused until "))
            && labels.iter().any(|label| label == "Resume notifications")
    };
    tray.await_menu("says until when it is paused", paused).await;
    let status = app::await_status(&scene.desktop, "paused", |status| status["paused_until"].is_string()).await;
    assert!(status["quiet_until"].is_null(), "{status}");
    app::run(&scene.desktop, &["resume"]).await.succeeded();
    tray.await_menu("is as it was", |labels| timeless(labels) == online).await;

    scene.fasttrack.reject_sids();
    scene.send(&Message::new("message", "Third")).await;
    scene.sockudo.restart().await;
    let expired = |labels: &[String]| {
        let labels = timeless(labels);
        labels.len() == 10 && labels[0] == "Sign in…" && labels[2] == "(Session expired)" && labels[7] == "Sign out"
    };
    tray.await_menu("asks for a new session", expired).await;

    tray.click("Quit").await.unwrap();
    wait::until("the end of the app", || {
        let ended = program.ended().map(|status| status.code());
        async move { ended.ok_or_else(|| "it still runs".to_owned()) }
    })
    .await;
    assert_eq!(program.ended().and_then(|status| status.code()), Some(0), "quitting is no failure");
    wait::until("no tray item", || async {
        let items = registered(&scene.desktop).await?;
        if items.is_empty() { Ok(()) } else { Err(format!("{items:?}")) }
    })
    .await;
}

#[tokio::test]
async fn sign_out_in_the_menu_signs_out_and_forgets_the_sid() {
    let scene = Scene::set().await;
    let _app = scene.signed_in_app().await;
    let tray = TrayItem::find(&scene.desktop).await;
    tray.await_menu("is online", |labels| labels.iter().any(|label| label == "(Online)")).await;
    tray.click("Sign out").await.unwrap();
    tray.await_menu("is signed out", |labels| labels.iter().any(|label| label == "(Signed out)")).await;
    let status = app::await_status(&scene.desktop, "signed out", |status| status["state"] == "signed_out").await;
    assert!(status["account"].is_null(), "{status}");
    wait::until("a keyring without the sid", || async {
        let kept = traybell_tests::secrets::by_secret_tool(&scene.desktop).await?;
        if kept.is_empty() { Ok(()) } else { Err(format!("{} secrets", kept.len())) }
    })
    .await;
}

#[tokio::test]
async fn the_menu_says_signing_in_while_the_log_in_runs_and_connecting_until_messages_arrive_live() {
    let scene = Scene::set().await;
    let _program = app::hidden(&scene.desktop);
    let tray = TrayItem::find(&scene.desktop).await;
    tray.await_menu("is that of nobody signed in", |labels| labels.iter().any(|label| label == "(Signed out)")).await;

    scene.fasttrack.break_with(Endpoint::Login, Fault::Held);
    scene.fasttrack.break_with(Endpoint::Authorization, Fault::Held);
    let url = scene.fasttrack.url();
    let sign_in = app::sign_in(&scene.desktop, &url, BRAND, SID);
    let watch = async {
        let signing_in = [
            "Open Traybell",
            "(Signing in…)",
            "---",
            "(Mark all as read)",
            "Pause notifications",
            "(Settings…)",
            "(Sign out)",
            "---",
            "Quit",
        ];
        tray.await_menu("says that a sign-in runs", |labels| labels == signing_in).await;
        scene.fasttrack.mend(Endpoint::Login);
        // Logged in, the socket is up, and whether the channel may be had is not known yet.
        let connecting = signed_in("(No unread messages)", "(Connecting…)", "(Mark all as read)");
        tray.await_menu("says that it connects", |labels| timeless(labels) == connecting).await;
        scene.fasttrack.mend(Endpoint::Authorization);
    };
    let (answer, ()) = tokio::join!(sign_in, watch);
    answer.succeeded();
    let online = signed_in("(No unread messages)", "(Online)", "(Mark all as read)");
    tray.await_menu("is online", |labels| timeless(labels) == online).await;
}
