//! The sid expires while the app runs: the list stays, only a new sid is asked for, and what was read meanwhile is not
//! forgotten.

use traybell_tests::app;
use traybell_tests::message::Message;
use traybell_tests::scene::Scene;

#[tokio::test]
async fn a_sid_that_expires_while_running_is_asked_for_alone_and_nothing_is_lost() {
    let mut scene = Scene::set().await;
    let window = scene.signed_in_window().await;
    let id = scene.send(&Message::new("message", "Still to be read")).await;
    window.row("Still to be read").await;

    scene.fasttrack.reject_sids();
    scene.sockudo.restart().await;
    window.await_pill("Session expired").await;
    let told = scene
        .notifications()
        .await_one("a notification that the session expired", |call| call.title == "Sign in again");
    let told = told.await;
    assert!(told.body.contains("may have expired: sign in on the"), "it says why and what to do: {told:?}");
    window.row("Still to be read").await;
    window.shown("expired").await;
    assert!(!window.shows("custom-url").await && !window.shows("brand").await, "only the sid is asked for");

    window.open_row("Still to be read").await;
    window.click("back").await;
    let status =
        app::await_status(&scene.desktop, "rejected with a mark waiting", |status| status["outbox"] == 1).await;
    assert_eq!(status["state"], "rejected", "{status}");

    scene.fasttrack.accept("the-new-sid-1234567890");
    window.fill("sid", "the-new-sid-1234567890").await;
    window.click("sign-in").await;
    window.await_pill("Online").await;
    window.gone("expired").await;
    let arrived = scene.fasttrack.read_marks();
    assert!(arrived.iter().all(|mark| mark["MessageId"] == id), "{arrived:?}");
    app::await_status(&scene.desktop, "online with nothing waiting", |status| {
        status["outbox"] == 0 && status["state"] == "online"
    })
    .await;
    let row = window.await_row("Still to be read", "read", |row| !row.unread).await;
    assert_eq!(row.id, id.to_string());
    assert_eq!(traybell_tests::secrets::by_secret_tool(&scene.desktop).await.unwrap(), ["the-new-sid-1234567890"]);
    window.end().await;
}
