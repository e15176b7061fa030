//! The pages over the list, pause, search and pictures on demand, in the real window.

use serde_json::json;
use traybell_tests::driver::Window;
use traybell_tests::fasttrack_fake::SID;
use traybell_tests::message::Message;
use traybell_tests::process::{contains, free_port};
use traybell_tests::scene::Scene;
use traybell_tests::{screen, wait};

async fn open_page(window: &Window, item: &str, page: &str) {
    window.click("menu").await;
    window.click(item).await;
    window.shown(page).await;
}

/// Waits until this script says `true`.
async fn holds(window: &Window, what: &str, script: &str) {
    wait::until(what, || async {
        let seen = window.run(script, vec![]).await?;
        if seen == true { Ok(()) } else { Err(window.summary().await) }
    })
    .await;
}

#[tokio::test]
async fn a_setting_is_saved_as_it_is_changed_and_is_kept_to() {
    let mut scene = Scene::set().await;
    let window = scene.signed_in_window().await;
    open_page(&window, "open-settings", "setting-rules").await;
    window.choose("rule-message", "list").await;
    window.click("shows-title").await;
    window.click("quiet-add").await;
    window.shown("quiet-next-day").await;
    window.click("quiet-remove").await;
    window.gone("quiet-row").await;

    // Read from the core again.
    window.click("page-back").await;
    window.gone("page").await;
    open_page(&window, "open-settings", "setting-rules").await;
    let kept = "const of = (id) => document.querySelector(`[data-testid=\"${id}\"]`);
        return of('rule-message').value === 'list' && of('rule-inbox').value === 'alert' && of('shows-title').checked
            && of('quiet-row') === null";
    holds(&window, "the settings as they were saved", kept).await;

    scene.send(&Message::new("message", "In the list alone").preview("Nobody calls")).await;
    scene.send(&Message::new("shoutout", "Called out").preview("Not in the notification")).await;
    let told = scene.notifications().await_titled("Called out").await;
    assert!(!told.body.contains("Not in the notification"), "the title alone: {told:?}");
    assert!(scene.notifications().titled("In the list alone").is_empty(), "{:?}", scene.notifications().all());
    window.click("page-back").await;
    window.row("In the list alone").await;
    window.end().await;
}

#[tokio::test]
async fn a_setting_that_makes_no_sense_goes_back_to_what_it_was_with_the_reason_beside_it() {
    let scene = Scene::set().await;
    let window = scene.signed_in_window().await;
    open_page(&window, "open-settings", "setting-quiet").await;
    window.click("quiet-add").await;
    window.shown("quiet-row").await;
    // Each is saved before the next; the last is refused.
    let without_days =
        "const error = document.querySelector('[data-testid=\"setting-error\"][data-field=\"quiet_hours\"]');
        const chosen = [...document.querySelectorAll('[data-testid=\"quiet-day\"][aria-pressed=\"true\"]')];
        if (!error.hidden) return chosen.length === 1;
        chosen.at(-1)?.click();
        return false";
    holds(&window, "the last day back, and why", without_days).await;
    window.end().await;
}

#[tokio::test]
async fn a_pause_stands_in_the_header_and_is_ended_there() {
    let mut scene = Scene::set().await;
    let window = scene.signed_in_window().await;
    open_page(&window, "open-settings", "setting-pause").await;
    window.click("pause-hour").await;
    window.await_text("pause-state", "until when", |text| text.starts_with("Paused until ")).await;
    window.shown("pause-resume").await;
    window.await_text("held", "until when", |text| text.contains("Paused until ")).await;
    scene.send(&Message::new("message", "While paused")).await;
    window.click("page-back").await;
    window.row("While paused").await;
    assert!(scene.notifications().titled("While paused").is_empty(), "{:?}", scene.notifications().all());
    window.click("held-resume").await;
    window.gone("held").await;
    window.end().await;
}

#[tokio::test]
async fn a_search_shows_what_matches_and_says_when_nothing_does() {
    let mut scene = Scene::set().await;
    scene
        .fasttrack
        .add(&Message::new("message", "Weekend bonus").html("<p>Claim it on Friday</p>").sent_ago(60).read());
    scene
        .fasttrack
        .add(&Message::new("shoutout", "Maintenance").sent_ago(30).read().button("More", "https://example.invalid/"));
    let window = scene.signed_in_window().await;
    window.row("Weekend bonus").await;
    let rows = async |what: &'static str, titles: &'static [&'static str]| {
        wait::until(what, || async {
            let rows = window.rows().await?;
            let same =
                rows.len() == titles.len() && rows.iter().zip(titles).all(|(row, title)| row.text.contains(title));
            if same { Ok(()) } else { Err(format!("{rows:?}")) }
        })
        .await;
    };
    window.fill("search", "claim fri").await;
    rows("the one with these words in its text", &["Weekend bonus"]).await;
    let told = "return document.querySelector('[data-testid=\"said\"]').textContent === 'One result'";
    holds(&window, "a screen reader that was told how many", told).await;
    window.fill("search", "xyzzy").await;
    window.await_text("empty", "what was sought", |text| text.contains("xyzzy")).await;
    window.click("empty-clear").await;
    rows("all", &["Maintenance", "Weekend bonus"]).await;
    window.click("search-filter").await;
    window.click("filter-link").await;
    rows("the one with a link", &["Maintenance"]).await;
    window.click("filter-reset").await;
    rows("all again", &["Maintenance", "Weekend bonus"]).await;
    window.end().await;
}

#[tokio::test]
async fn a_picture_that_is_to_be_asked_for_is_not_tried_before() {
    let mut scene = Scene::set().await;
    let window = scene.signed_in_window().await;
    open_page(&window, "open-settings", "setting-images").await;
    window.click("images-ask").await;
    window.click("page-back").await;
    let address = format!("http://127.0.0.1:{}/none.png", free_port());
    scene.send(&Message::new("message", "With a picture").with("ImageUrl", address)).await;
    window.open_row("With a picture").await;
    window.shown("image-ask").await;
    let untouched = "return document.querySelector('[data-testid=\"detail-image\"]').hasAttribute('src')";
    assert_eq!(window.run(untouched, vec![]).await.unwrap(), json!(false));
    window.click("show-image").await;
    window.gone("image-ask").await;
    holds(&window, "a picture that was tried", untouched).await;
    window.end().await;
}

#[tokio::test]
async fn the_file_for_support_has_neither_the_session_id_nor_a_message_in_it() {
    let mut scene = Scene::set().await;
    let window = scene.signed_in_window().await;
    scene.send(&Message::new("message", "Nobody else's business")).await;
    window.row("Nobody else's business").await;
    open_page(&window, "open-diagnostics", "diagnostics").await;
    window.await_text("diagnostics-report", "figures", |text| text.contains("List calls")).await;
    window.click("diagnostics-export").await;
    let path = window.await_text("diagnostics-path", "where it is", |text| !text.is_empty()).await;
    let file = std::fs::read(path.trim()).expect("the file is where the window says");
    assert!(!file.is_empty());
    assert!(!contains(&file, SID.as_bytes()), "the session id is in {path}");
    assert!(!contains(&file, b"Nobody else's business"), "a title is in {path}");
    window.end().await;
}

#[tokio::test]
async fn messages_are_kept_at_sign_out_when_the_person_says_so() {
    let mut scene = Scene::set().await;
    let window = scene.signed_in_window().await;
    scene.send(&Message::new("message", "Kept for later")).await;
    window.row("Kept for later").await;
    window.click("menu").await;
    window.click("sign-out").await;
    // It is preset by the setting, which removes them.
    window.click("dialog-choice").await;
    window.click("dialog-confirm").await;
    window.shown("brand").await;
    let kept = traybell_tests::secrets::files_below(&scene.desktop.folders.data)
        .into_iter()
        .any(|file| std::fs::read(file).is_ok_and(|bytes| contains(&bytes, b"Kept for later")));
    assert!(kept, "the message is on this device");
    window.end().await;
}

#[tokio::test]
async fn what_comes_while_the_person_looks_at_the_list_raises_no_notification() {
    let mut scene = Scene::set().await;
    let window = scene.signed_in_window().await;
    scene.send(&Message::new("message", "Seen as it came")).await;
    window.row("Seen as it came").await;
    let _other_work = screen::look_away(&scene.desktop).await;
    scene.send(&Message::new("message", "Behind the back")).await;
    scene.notifications().await_titled("Behind the back").await;
    assert!(scene.notifications().titled("Seen as it came").is_empty(), "{:?}", scene.notifications().all());
    window.end().await;
}
