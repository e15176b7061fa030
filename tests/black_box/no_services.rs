//! A desktop without a notification service or without a tray: the app runs, says so, and takes them when they come.

use traybell_tests::desktop::{NotificationDaemon, Parts};
use traybell_tests::message::Message;
use traybell_tests::scene::Scene;
use traybell_tests::tray::TrayItem;
use traybell_tests::{app, screen, wait};

#[tokio::test]
async fn without_a_notification_service_messages_are_listed_and_the_window_says_why_it_is_quiet() {
    let parts = Parts { notifications: NotificationDaemon::None, ..Parts::default() };
    let mut scene = Scene::with(parts).await;
    let window = scene.signed_in_window().await;
    let _other_work = screen::look_away(&scene.desktop).await;
    scene.send(&Message::new("message", "Nobody was told")).await;
    window.row("Nobody was told").await;
    let notice = notice(&window, "no_notifications").await;
    assert!(notice.contains("xfce4-notifyd") || notice.contains("dunst"), "it says what to install: {notice:?}");

    scene.desktop.start_notifications(NotificationDaemon::Xfce).await;
    // At once, and not with the next message.
    scene.notifications().await_titled("Nobody was told").await;
    scene.send(&Message::new("message", "Somebody listens now")).await;
    scene.notifications().await_titled("Somebody listens now").await;
    window.row("Somebody listens now").await;
    wait::until("no notice of a missing service", || async {
        let there = window.run("return document.querySelector('[data-code=\"no_notifications\"]') !== null", vec![]);
        if there.await? == false { Ok(()) } else { Err(window.summary().await) }
    })
    .await;
    window.end().await;
}

#[tokio::test]
async fn without_a_tray_the_app_runs_and_says_so_and_takes_one_that_starts_late() {
    let mut scene = Scene::with(Parts { tray: false, ..Parts::default() }).await;
    let window = scene.signed_in_window().await;
    notice(&window, "no_tray").await;
    let _other_work = screen::look_away(&scene.desktop).await;
    scene.send(&Message::new("message", "Told without a tray")).await;
    scene.notifications().await_titled("Told without a tray").await;

    scene.desktop.start_tray().await;
    let tray = TrayItem::find(&scene.desktop).await;
    tray.await_menu("is that of the running app", |labels| labels.iter().any(|label| label == "(Online)")).await;
    wait::until("no notice of a missing tray", || async {
        let there = window.run("return document.querySelector('[data-code=\"no_tray\"]') !== null", vec![]);
        if there.await? == false { Ok(()) } else { Err(window.summary().await) }
    })
    .await;
    window.end().await;
}

#[tokio::test]
async fn without_the_library_that_draws_the_icon_the_app_runs_and_names_it() {
    // A library that cannot be loaded is found before the real one.
    let libraries = tempfile::tempdir().unwrap();
    for name in ["libayatana-appindicator3.so.1", "libappindicator3.so.1"] {
        std::fs::write(libraries.path().join(name), "no library").unwrap();
    }
    let path = libraries.path().display().to_string();
    let parts = Parts { environment: vec![("LD_LIBRARY_PATH".to_owned(), path)], ..Parts::default() };
    let mut scene = Scene::with(parts).await;
    let window = scene.signed_in_window().await;
    let notice = notice(&window, "no_tray").await;
    assert!(notice.contains("libayatana-appindicator3-1"), "it says what to install: {notice:?}");
    let _other_work = screen::look_away(&scene.desktop).await;
    scene.send(&Message::new("message", "Told without an icon")).await;
    scene.notifications().await_titled("Told without an icon").await;
    let doctor = app::run(&scene.desktop, &["doctor", "--json"]).await.json();
    let tray = doctor.as_array().unwrap().iter().find(|found| found["check"] == "tray").unwrap();
    assert!(tray["hint"].as_str().unwrap().contains("libayatana-appindicator3-1"), "{tray}");
    window.end().await;
}

/// Waits for the notice with this code and answers its text.
async fn notice(window: &traybell_tests::driver::Window, code: &str) -> String {
    wait::until(&format!("a notice {code:?}"), || async {
        let script =
            "return document.querySelector(`[data-testid=\"notice\"][data-code=\"${arguments[0]}\"]`)?.innerText";
        let text = window.run(script, vec![code.into()]).await?;
        text.as_str().map(str::to_owned).ok_or_else(|| "no such notice".to_owned())
    })
    .await
}
