//! The stage itself: each real part is there and does what the other tests take for granted.

use std::collections::HashMap;

use traybell_tests::desktop::{Desktop, NotificationDaemon, Parts};
use traybell_tests::fasttrack_fake::{BRAND, Endpoint, Fasttrack, Fault, SID};
use traybell_tests::message::Message;
use traybell_tests::notifications::{Notifications, shown_text};
use traybell_tests::sockudo::{Sockudo, plain_client};
use traybell_tests::{bubble, dunst, process, rendered, secrets, wait};
use zbus::Variant;

/// Calls the notification service as an app does.
async fn notify(desktop: &Desktop, title: &str, body: &str) -> (zbus::Connection, u32) {
    let bus = desktop.bus().await;
    let service = zbus::Proxy::new(
        &bus,
        "org.freedesktop.Notifications",
        "/org/freedesktop/Notifications",
        "org.freedesktop.Notifications",
    )
    .await
    .unwrap();
    let hints: HashMap<&str, Variant<'_>> = HashMap::new();
    let actions = vec!["default", "Open"];
    let id = service.call("Notify", &("stage", 0_u32, "", title, body, actions, hints, -1_i32)).await.unwrap();
    (bus.clone(), id)
}

#[tokio::test]
async fn the_keyring_keeps_a_secret_that_secret_tool_finds() {
    let desktop = Desktop::start().await;
    let store = "printf s3cret-of-the-stage | secret-tool store --label=stage service stage account me";
    desktop.output("sh", &["-c", store]).await.unwrap();
    assert_eq!(secrets::by_secret_tool(&desktop).await.unwrap(), ["s3cret-of-the-stage"]);
    assert_eq!(secrets::leaks(&desktop, &["s3cret-of-the-stage"]), [] as [&str; 0], "the keyring encrypts its file");
    std::fs::write(desktop.folders.home.join("leak"), "xs3cret-of-the-stagex").unwrap();
    assert_eq!(secrets::leaks(&desktop, &["s3cret-of-the-stage"]).len(), 1, "a leak is found");
}

#[tokio::test]
async fn a_click_on_a_bubble_of_xfce4_notifyd_reaches_the_app_that_showed_it() {
    use futures_util::StreamExt as _;
    let desktop = Desktop::start().await;
    let notifications = Notifications::watch(&desktop).await;
    let (_other, _) = notify(&desktop, "Another", "in the way").await;
    let (bus, id) = notify(&desktop, "Click me", "a body").await;
    let service = zbus::Proxy::new(
        &bus,
        "org.freedesktop.Notifications",
        "/org/freedesktop/Notifications",
        "org.freedesktop.Notifications",
    )
    .await
    .unwrap();
    let mut clicks = service.receive_signal("ActionInvoked").await.unwrap();
    let seen = notifications.await_titled("Click me").await;
    assert_eq!(seen.id, Some(id));
    bubble::click(&desktop, &notifications, &seen).await;
    let click = tokio::time::timeout(wait::LIMIT, clicks.next()).await.expect("a click arrives").unwrap();
    let (clicked, action): (u32, String) = click.body().deserialize().unwrap();
    assert_eq!((clicked, action.as_str()), (id, "default"));
}

#[tokio::test]
async fn what_xfce4_notifyd_renders_can_be_read() {
    let desktop = Desktop::with(Parts { accessibility: true, ..Parts::default() }).await;
    let _keep = notify(&desktop, "Rendered", "1 &lt; 2 <b>bold</b>").await;
    wait::until("the rendered body", || async {
        let texts = rendered::texts(&desktop, "notifyd").await?;
        if texts.iter().any(|text| text == "1 < 2 bold") { Ok(()) } else { Err(format!("{texts:?}")) }
    })
    .await;
    assert_eq!(shown_text("1 &lt; 2 <b>bold</b>"), "1 < 2 bold", "our own reading agrees with the daemon's");
}

#[tokio::test]
async fn dunst_tells_its_history() {
    let desktop = Desktop::with(Parts { notifications: NotificationDaemon::Dunst, ..Parts::default() }).await;
    let _keep = notify(&desktop, "In dunst", "1 &lt; 2").await;
    wait::until("one displayed", || async {
        let count = desktop.output("dunstctl", &["count", "displayed"]).await?;
        if count.trim() == "1" { Ok(()) } else { Err(count) }
    })
    .await;
    desktop.output("dunstctl", &["close-all"]).await.unwrap();
    wait::until("a history", || async {
        let history = dunst::history(&desktop).await?;
        match history.iter().find(|entry| entry.summary == "In dunst") {
            Some(entry) if entry.body.contains("1 < 2") || entry.body.contains("1 &lt; 2") => Ok(()),
            _ => Err(format!("{history:?}")),
        }
    })
    .await;
}

#[tokio::test]
async fn sockudo_publishes_is_killed_and_comes_back_on_the_same_port() {
    let desktop = Desktop::with(Parts {
        keyring: false,
        notifications: NotificationDaemon::None,
        tray: false,
        ..Parts::default()
    })
    .await;
    let mut sockudo = Sockudo::start(&desktop).await;
    sockudo.publish("private-prisma-7-123", "message", &serde_json::json!({"a": 1})).await.unwrap();
    assert_eq!(sockudo.subscribers("private-prisma-7-123").await.unwrap(), 0);
    sockudo.kill();
    assert!(sockudo.publish("private-prisma-7-123", "message", &serde_json::json!({})).await.is_err());
    sockudo.restart().await;
    sockudo.publish("private-prisma-7-123", "message", &serde_json::json!({"a": 2})).await.unwrap();
}

#[tokio::test]
async fn the_fake_keeps_to_the_wire_and_misbehaves_when_told() {
    let app = traybell_tests::sockudo::AppKey { key: "k".into(), secret: "s".into() };
    let mut fasttrack = Fasttrack::pointing_at(app, 1);
    let http = plain_client();
    let config = format!("{}/api/v1/config/{BRAND}", fasttrack.url());
    let fields: serde_json::Value =
        serde_json::from_slice(&http.get(&config).send().await.unwrap().bytes().await.unwrap()).unwrap();
    let api = fields["fusionUrl"].as_str().unwrap().to_owned();
    let login = http.post(format!("{api}/Platform/LoginAuthToken")).header("authtoken", SID).body("{}");
    let login: serde_json::Value = serde_json::from_slice(&login.send().await.unwrap().bytes().await.unwrap()).unwrap();
    let token = login["Data"]["Authentication"]["AuthToken"].as_str().unwrap().to_owned();
    let id = fasttrack.add(&Message::new("inbox", "Kept"));
    let list = || http.get(format!("{api}/Notifications/v2/user-notifications?unread-only=false"));
    let answer = list().header("authtoken", &token).send().await.unwrap().bytes().await.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["Data"][0]["MessageId"], id);
    fasttrack.break_with(Endpoint::List, Fault::Busy(503, 7));
    let busy = list().header("authtoken", &token).send().await.unwrap();
    assert_eq!((busy.status().as_u16(), busy.headers()["retry-after"].to_str().unwrap()), (503, "7"));
    fasttrack.mend(Endpoint::List);
    fasttrack.expire_tokens();
    assert_eq!(list().header("authtoken", &token).send().await.unwrap().status(), 401);
    fasttrack.stop();
    assert!(http.get(&config).send().await.is_err(), "it is down");
    fasttrack.restart().await;
    assert!(http.get(&config).send().await.unwrap().status().is_success(), "it is back");
}

#[tokio::test]
async fn a_session_ends_everything_that_was_started_in_it() {
    let desktop = Desktop::start().await;
    let marker = desktop.marker();
    assert!(process::marked(&marker).len() >= 5, "bus, display, window manager, keyring, daemon, panel");
    drop(desktop);
    wait::until("an empty session", || async {
        let left = process::marked(&marker);
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
}
