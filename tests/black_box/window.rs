//! The window's own work: marking, retrying, buttons of messages, tabs, signing out.

use serde_json::json;
use traybell_tests::fasttrack_fake::{Endpoint, Fault};
use traybell_tests::message::Message;
use traybell_tests::process::free_port;
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
        if opened == ["https://example.invalid/offer?a=1"] {
            return Ok(());
        }
        Err(format!("{opened:?}; {}", window.summary().await))
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
async fn a_command_that_the_page_does_not_need_is_refused_to_it() {
    let scene = Scene::set().await;
    let window = scene.signed_in_window().await;
    let script = "const [name, ...rest] = arguments;
        document.body.dataset.tried = '';
        window.__TAURI__.core.invoke(name, { label: 'other', value: 'x', url: 'https://example.invalid', options: {} })
            .then(() => { document.body.dataset.tried = 'done'; }, (error) => { document.body.dataset.tried = String(error); });";
    for command in ["plugin:window|set_title", "plugin:webview|create_webview_window", "plugin:event|emit"] {
        window.run(script, vec![command.into()]).await.unwrap();
        let answer = wait::until(&format!("an answer to {command}"), || async {
            let tried = window.run("return document.body.dataset.tried", vec![]).await?;
            tried.as_str().filter(|text| !text.is_empty()).map(str::to_owned).ok_or_else(|| tried.to_string())
        })
        .await;
        assert!(answer.contains("not allowed"), "{command}: {answer}");
    }
    window.end().await;
}

#[tokio::test]
async fn a_picture_that_cannot_be_had_takes_no_room() {
    let mut scene = Scene::set().await;
    let window = scene.signed_in_window().await;
    let nobody = format!("http://127.0.0.1:{}/none.png", free_port());
    scene.send(&Message::new("message", "Without its picture").with("ImageUrl", nobody)).await;
    window.open_row("Without its picture").await;
    wait::until("a picture that was tried and is hidden", || async {
        let script = "const image = document.querySelector('[data-testid=\"detail-image\"]');
            return image.complete && image.src !== '' && image.closest('[hidden]') !== null";
        let hidden = window.run(script, vec![]).await?;
        if hidden == true { Ok(()) } else { Err(window.summary().await) }
    })
    .await;
    window.end().await;
}

#[tokio::test]
async fn a_list_that_cannot_be_read_says_why_and_is_read_on_demand() {
    let mut scene = Scene::set().await;
    scene.fasttrack.add(&Message::new("message", "Read in the end").read());
    let window = scene.signed_in_window().await;
    window.row("Read in the end").await;
    // The store is sound; what the page would be told of one that is not is put in its way.
    let break_it = "window.whole = window.fetch;
        const problem = JSON.stringify({ code: 'store_failed', message: 'The disk is gone.', hint: '' });
        const headers = { 'content-type': 'application/json', 'Tauri-Response': 'error' };
        window.fetch = (address, ...rest) => String(address).endsWith('/page')
            ? Promise.resolve(new Response(problem, { headers })) : window.whole(address, ...rest);
        return null";
    window.run(break_it, vec![]).await.unwrap();
    window.click("tab-messages").await;
    window.await_text("list-error", "why", |text| text.contains("The disk is gone.")).await;
    window.run("window.fetch = window.whole; return null", vec![]).await.unwrap();
    window.click("list-retry").await;
    window.row("Read in the end").await;
    window.gone("list-error").await;
    window.end().await;
}

#[tokio::test]
async fn the_rest_of_a_message_that_cannot_be_fetched_is_told_and_fetched_on_demand() {
    let mut scene = Scene::set().await;
    let window = scene.signed_in_window().await;
    scene.fasttrack.break_with(Endpoint::One, Fault::Status(500));
    // So that the list does not bring it.
    scene.fasttrack.break_with(Endpoint::List, Fault::Held);
    let message = Message::new("message", "Cut short").html("<p>The whole body</p>");
    scene.fasttrack.send_cut(&scene.sockudo, &message).await;
    window.open_row("Cut short").await;
    window.await_text("detail-cut", "what is missing", |text| text.contains("rest of this message")).await;
    assert!(!window.shows("detail-problem").await, "no mark has failed");
    scene.fasttrack.mend(Endpoint::One);
    window.click("cut-retry").await;
    wait::until("the whole body", || async {
        let html = window.body_html().await?;
        if html.contains("The whole body") { Ok(()) } else { Err(html) }
    })
    .await;
    window.gone("detail-cut").await;
    scene.fasttrack.mend(Endpoint::List);
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
