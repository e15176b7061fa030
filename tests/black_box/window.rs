//! The window's own work: marking, retrying, buttons of messages, tabs, signing out.

use serde_json::json;
use traybell_tests::fasttrack_fake::{Endpoint, Fault};
use traybell_tests::message::Message;
use traybell_tests::scene::Scene;
use traybell_tests::{app, secrets, wait};

#[tokio::test]
async fn a_refused_read_mark_is_taken_back_with_its_reason_and_can_be_retried() {
    let mut scene = Scene::set().await;
    let window = scene.signed_in_window().await;
    let id = scene.send(&Message::new("message", "Cannot be marked")).await;
    let refusal = json!({"Success": false, "Data": false, "Errors": [{"Message": "The campaign is locked"}]});
    scene.fasttrack.break_with(Endpoint::MarkRead, Fault::Json(refusal));
    window.open_row("Cannot be marked").await;
    window.click("back").await;
    let reason = window.await_text("row-problem", "why", |text| text.contains("Could not mark as read")).await;
    assert!(reason.contains("The campaign is locked"), "the server's own words: {reason:?}");
    window.await_row("Cannot be marked", "unread again", |row| row.unread).await;
    scene.fasttrack.mend(Endpoint::MarkRead);
    window.click("retry").await;
    window.await_row("Cannot be marked", "read", |row| !row.unread).await;
    window.gone("row-problem").await;
    let last = scene.fasttrack.read_marks().pop();
    assert_eq!(last, Some(json!({"MessageId": id})));
    window.end().await;
}

#[tokio::test]
async fn mark_all_tabs_buttons_and_sign_out_do_what_they_say() {
    let mut scene = Scene::set().await;
    let window = scene.signed_in_window().await;
    assert!(!window.text("empty").await.is_empty(), "an empty list says so");

    let message = Message::new("message", "With buttons")
        .button("Open it", "https://example.invalid/offer?a=1")
        .with("CTAButton2Text", "Plain http")
        .with("CTAButton2Link", "http://example.invalid/plain");
    let with_buttons = scene.send(&message).await;
    let shoutout = scene.send(&Message::new("shoutout", "A shoutout")).await;
    window.row("A shoutout").await;
    window.open_row("With buttons").await;
    window.click("cta-0").await;
    wait::until("the link in the browser", || async {
        let opened = scene.desktop.opened_links();
        if opened == ["https://example.invalid/offer?a=1"] { Ok(()) } else { Err(format!("{opened:?}")) }
    })
    .await;
    window.click("cta-1").await;
    window.shown("dialog").await;
    assert_eq!(scene.desktop.opened_links().len(), 1, "an address without encryption is asked about first");
    window.click("dialog-confirm").await;
    wait::until("the confirmed link in the browser", || async {
        let opened = scene.desktop.opened_links();
        if opened.len() == 2 { Ok(()) } else { Err(format!("{opened:?}")) }
    })
    .await;
    window.click("back").await;

    window.click("tab-shoutouts").await;
    wait::until("shoutouts alone", || async {
        let rows = window.rows().await?;
        if rows.len() == 1 && rows[0].text.contains("A shoutout") { Ok(()) } else { Err(format!("{rows:?}")) }
    })
    .await;
    window.click("tab-all").await;
    window.row("With buttons").await;

    window.click("menu").await;
    window.click("mark-all").await;
    scene.fasttrack.await_read_marks(&[with_buttons, shoutout]).await;
    window.await_row("A shoutout", "read", |row| !row.unread).await;

    window.click("menu").await;
    window.click("sign-out").await;
    window.click("dialog-confirm").await;
    window.shown("brand").await;
    assert_eq!(secrets::by_secret_tool(&scene.desktop).await.unwrap(), [] as [&str; 0], "the sid is forgotten");
    let status = app::await_status(&scene.desktop, "signed out", |status| status["state"] == "signed_out").await;
    assert_eq!(status["total"], 0, "{status}");
    let left: Vec<_> = secrets::files_below(&scene.desktop.folders.data)
        .into_iter()
        .filter(|file| std::fs::read(file).is_ok_and(|bytes| traybell_tests::process::contains(&bytes, b"A shoutout")))
        .collect();
    assert!(left.is_empty(), "messages are left in {left:?}");
    window.end().await;
}

#[tokio::test]
async fn try_now_in_the_banner_tries_now() {
    let mut scene = Scene::set().await;
    let window = scene.signed_in_window().await;
    scene.sockudo.kill();
    scene.fasttrack.stop();
    window.shown("banner").await;
    scene.fasttrack.add(&Message::new("message", "Waited for"));
    scene.fasttrack.restart().await;
    let calls = scene.fasttrack.all_calls().len();
    window.click("try-now").await;
    wait::until("a call at once", || async {
        let now = scene.fasttrack.all_calls().len();
        if now > calls { Ok(()) } else { Err(format!("{now} calls")) }
    })
    .await;
    scene.sockudo.restart().await;
    window.await_pill("Online").await;
    window.row("Waited for").await;
    window.end().await;
}
