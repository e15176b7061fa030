//! Links that fill in the sign-in form: a relay's with a pairing code, and what must not come of any link.

use std::process::Stdio;

use serde_json::json;
use traybell_tests::desktop::Desktop;
use traybell_tests::driver::Window;
use traybell_tests::fasttrack_fake::{BRAND, SID};
use traybell_tests::scene::Scene;
use traybell_tests::{app, process, programs, secrets, wait};

/// What stands in the field, which may be a hidden one.
async fn value(window: &Window, id: &str) -> String {
    let script = "return document.querySelector(`[data-testid=\"${arguments[0]}\"]`).value";
    window.run(script, vec![json!(id)]).await.unwrap().as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_relays_link_with_a_pairing_code_signs_in_without_a_word_typed() {
    let desktop = Desktop::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (configuration, port) = (folder.path().join("relay.toml"), process::free_port());
    std::fs::write(&configuration, format!("listen = \"127.0.0.1:{port}\"\n")).unwrap();
    let command = |arguments: &[&str]| {
        let mut command = desktop.command(programs::relay());
        command.args(arguments).arg("--config").arg(&configuration);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let said =
        async |arguments: &[&str]| app::finish(command(arguments), "", "traybell-relay").await.succeeded().out.clone();
    let added = said(&["user", "add", "maya", "--brand", "acme"]).await;
    let first_sid = added.lines().find_map(|line| line.strip_prefix("Session id")).unwrap().trim().to_owned();
    let paired = said(&["user", "pair", "maya", "--brand", "acme"]).await;
    let link = paired.lines().find_map(|line| line.strip_prefix("Link")).unwrap().trim().to_owned();
    let relay = desktop.run("relay", command(&["serve"]));

    let window = Window::open_with(&desktop, &[&link]).await;
    let question = window.await_text("dialog", "whose server it is", |text| text.contains("acme")).await;
    assert!(question.contains(&format!("http://127.0.0.1:{port}")) && question.contains("pairing code"), "{question}");
    assert_eq!(value(&window, "sid").await, "", "nothing is filled in unasked");
    window.click("dialog-confirm").await;
    window.gone("dialog").await;
    window.click("sign-in").await;
    window.await_pill("Online").await;
    let kept = secrets::by_secret_tool(&desktop).await.unwrap();
    let code = link.split("code=").nth(1).unwrap();
    assert_eq!(kept.len(), 1);
    assert!(kept[0].len() == 64 && !kept[0].contains(code) && kept[0] != first_sid, "a session id of the device's own");
    assert!(!relay.output().contains(code), "{}", relay.output());
    window.end().await;
}

#[tokio::test]
async fn a_link_fills_in_nothing_unasked_and_does_nothing_to_whoever_is_signed_in() {
    let scene = Scene::set().await;
    let link = format!("traybell://sign-in?environment={}&brand={BRAND}", scene.fasttrack.url());
    let window = Window::open_with(&scene.desktop, &[]).await;
    window.shown("sign-in").await;

    // A second start hands it to the first and ends.
    app::run(&scene.desktop, &["traybell://sign-in?environment=staging&brand=other&code=ABCD"]).await.succeeded();
    window.await_text("dialog", "the brand", |text| text.contains("other") && text.contains("Staging")).await;
    window.click("dialog-cancel").await;
    window.gone("dialog").await;
    assert_eq!((value(&window, "brand").await, value(&window, "sid").await), (String::new(), String::new()));

    app::run(&scene.desktop, &[&link]).await.succeeded();
    window.click("dialog-confirm").await;
    window.gone("dialog").await;
    assert_eq!(value(&window, "custom-url").await, scene.fasttrack.url().trim_end_matches('/'));
    window.fill("sid", SID).await;
    window.click("sign-in").await;
    window.await_pill("Online").await;

    app::run(&scene.desktop, &["traybell://sign-in?environment=staging&brand=other"]).await.succeeded();
    window
        .await_text("flash", "that it was not used", |text| text.contains("signed in to") && text.contains("other"))
        .await;
    assert!(!window.shows("dialog").await);
    let status = app::status(&scene.desktop).await.unwrap();
    assert_eq!((&status["state"], &status["account"]["brand"]), (&json!("online"), &json!(BRAND)));

    let refused = app::run(&scene.desktop, &["traybell://sign-in?environment=staging&brand=acme&sid=s3cret"]).await;
    assert!(refused.code == Some(1) && refused.err.contains("session id"), "{refused:?}");
    assert!(!refused.err.contains("s3cret"), "{refused:?}");
    let told = scene.notifications().await_titled("The link could not be opened").await;
    assert!(told.body.contains("does not belong into a link"), "{told:?}");
    wait::until("an app that goes on", || async { app::status(&scene.desktop).await.map(drop) }).await;
    window.end().await;
}
