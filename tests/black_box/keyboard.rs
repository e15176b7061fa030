//! The window worked by the keyboard alone, with the keys of a real keyboard.

use fantoccini::key::Key;
use traybell_tests::driver::Window;
use traybell_tests::fasttrack_fake::{BRAND, Endpoint, Fault, SID};
use traybell_tests::message::Message;
use traybell_tests::scene::Scene;
use traybell_tests::wait;

/// Presses Tab until what has this test id has the focus.
async fn tab_to(window: &Window, id: &str) {
    let mut passed = Vec::new();
    for _ in 0..30 {
        let focused = window.run("return document.activeElement?.dataset?.testid ?? null", vec![]).await.unwrap();
        if focused == id {
            return;
        }
        passed.push(focused);
        press(window, &char::from(Key::Tab).to_string()).await;
    }
    panic!("Tab never comes to {id:?}; it passed {passed:?}");
}

/// Types into what has the focus.
async fn press(window: &Window, keys: &str) {
    let focused = window.client().active_element().await.expect("something has the focus");
    focused.send_keys(keys).await.expect("it takes keys");
}

#[tokio::test]
async fn signing_in_reading_and_going_back_need_no_pointer() {
    let mut scene = Scene::set().await;
    scene.fasttrack.add(&Message::new("inbox", "Older").sent_ago(60).read());
    let newest = scene.fasttrack.add(&Message::new("inbox", "Newest").silent());
    let window = Window::open(&scene.desktop).await;
    window.shown("environment").await;
    tab_to(&window, "environment").await;
    // The list opens in a window of its own; the letter chooses in it.
    window.choose("environment", "custom").await;
    for (field, text) in [("custom-url", scene.fasttrack.url().as_str()), ("brand", BRAND), ("sid", SID)] {
        tab_to(&window, field).await;
        press(&window, text).await;
    }
    press(&window, &char::from(Key::Return).to_string()).await;
    window.await_pill("Online").await;
    window.row("Newest").await;

    tab_to(&window, "row").await;
    press(&window, &char::from(Key::Down).to_string()).await;
    press(&window, &char::from(Key::Up).to_string()).await;
    press(&window, &char::from(Key::Return).to_string()).await;
    window.await_text("detail-title", "the newest", |text| text == "Newest").await;
    scene.fasttrack.await_read_marks(&[newest]).await;
    press(&window, &char::from(Key::Escape).to_string()).await;
    window.gone("detail").await;
    wait::until("the focus where it was", || async {
        let focused = window.run("return document.activeElement?.dataset?.id ?? null", vec![]).await?;
        if focused == newest.to_string().as_str() { Ok(()) } else { Err(focused.to_string()) }
    })
    .await;
    window.end().await;
}

#[tokio::test]
async fn the_focus_stays_with_the_message_when_a_control_has_done_its_work_and_is_gone() {
    let mut scene = Scene::set().await;
    let window = scene.signed_in_window().await;
    let refusal =
        serde_json::json!({"Success": false, "Data": false, "Errors": [{"Message": "The campaign is locked"}]});
    scene.fasttrack.break_with(Endpoint::MarkRead, Fault::Json(refusal));
    let id = scene.send(&Message::new("message", "Marked later").silent()).await;
    window.open_row("Marked later").await;
    window.shown("detail-problem").await;
    scene.fasttrack.mend(Endpoint::MarkRead);
    let retry = "document.querySelector('[data-testid=\"detail-problem\"] button').focus();
        return document.activeElement.dataset.testid";
    assert_eq!(window.run(retry, vec![]).await.unwrap(), "retry");
    press(&window, &char::from(Key::Return).to_string()).await;
    window.gone("detail-problem").await;
    let focused = window.run("return document.activeElement?.dataset?.testid ?? null", vec![]).await.unwrap();
    assert_eq!(focused, "detail-title");
    press(&window, &char::from(Key::Escape).to_string()).await;
    window.gone("detail").await;
    let mark = serde_json::json!({"MessageId": id});
    wait::until("the mark that was refused, and the retry", || async {
        let marks = scene.fasttrack.read_marks();
        if marks == [mark.clone(), mark.clone()] { Ok(()) } else { Err(format!("{marks:?}")) }
    })
    .await;

    // Escape is heard although nothing has the focus.
    window.open_row("Marked later").await;
    window.run("document.activeElement.blur(); return null", vec![]).await.unwrap();
    press(&window, &char::from(Key::Escape).to_string()).await;
    window.gone("detail").await;
    window.end().await;
}
