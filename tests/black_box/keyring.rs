//! Without a keyring, and with one that starts late.

use traybell_tests::desktop::Parts;
use traybell_tests::driver::Window;
use traybell_tests::fasttrack_fake::{BRAND, SID};
use traybell_tests::message::Message;
use traybell_tests::scene::Scene;
use traybell_tests::{app, secrets};

#[tokio::test]
async fn without_a_keyring_a_session_can_be_kept_in_memory_only() {
    let mut scene = Scene::with(Parts { keyring: false, ..Parts::default() }).await;
    let window = Window::open(&scene.desktop).await;
    window.sign_in(&scene.fasttrack.url(), BRAND, SID).await;
    let problem = window.await_text("sign-in-error", "what is missing", |text| text.contains("keyring")).await;
    assert!(problem.contains("gnome-keyring"), "it says what to install: {problem:?}");
    window.click("session-only").await;
    window.await_pill("Online").await;
    scene.sockudo.await_subscriber(&scene.fasttrack.channel()).await;
    scene.send(&Message::new("message", "Kept in memory")).await;
    window.row("Kept in memory").await;
    assert_eq!(secrets::leaks(&scene.desktop, &[SID]), [] as [&str; 0], "never in a plain file");
    window.end().await;

    // After a restart the list is there, and the sid is asked for again.
    let window = Window::open(&scene.desktop).await;
    window.row("Kept in memory").await;
    window.await_pill("Session expired").await;
    window.shown("sid").await;
    window.end().await;
}

#[tokio::test]
async fn a_keyring_that_starts_after_the_first_try_is_used_by_the_next() {
    let mut scene = Scene::with(Parts { keyring: false, ..Parts::default() }).await;
    let window = Window::open(&scene.desktop).await;
    window.sign_in(&scene.fasttrack.url(), BRAND, SID).await;
    window.await_text("sign-in-error", "what is missing", |text| text.contains("keyring")).await;
    scene.desktop.start_keyring().await;
    window.click("sign-in").await;
    window.await_pill("Online").await;
    assert_eq!(secrets::by_secret_tool(&scene.desktop).await.unwrap(), [SID]);
    window.end().await;
}

#[tokio::test]
async fn an_app_that_starts_before_its_keyring_signs_in_once_the_keyring_is_there() {
    let mut scene = Scene::set().await;
    let mut program = scene.signed_in_app().await;
    scene.send(&Message::new("message", "From the day before")).await;
    app::await_listed(&scene.desktop, &["From the day before"]).await;
    program.terminate(std::time::Duration::from_secs(10));
    drop(program);
    scene.desktop.stop("gnome-keyring");

    let _app = app::hidden(&scene.desktop);
    // The list is there while the keyring is not.
    app::await_listed(&scene.desktop, &["From the day before"]).await;
    let status = app::status(&scene.desktop).await.unwrap();
    assert_ne!(status["state"], "online", "{status}");
    assert_ne!(status["state"], "signed_out", "nobody was signed out: {status}");
    scene.desktop.start_keyring().await;
    scene.await_live().await;
    scene.send(&Message::new("message", "From today")).await;
    scene.notifications().await_titled("From today").await;
}
