//! The app against the relay's demo: the other server that speaks this wire.

use serde_json::Value;
use traybell_tests::desktop::Desktop;
use traybell_tests::driver::Window;
use traybell_tests::notifications::Notifications;
use traybell_tests::{app, programs, wait};

#[tokio::test]
async fn the_demo_signs_in_sends_each_kind_and_shows_a_picture_fetched_by_the_core() {
    let desktop = Desktop::start().await;
    let notifications = Notifications::watch(&desktop).await;
    let mut command = desktop.command(programs::relay());
    command.args(["demo", "--json", "--every", "1"]);
    let relay = desktop.run("relay", command);
    let demo = wait::until("the address of the demo", || async {
        let said = relay.output();
        said.lines()
            .find_map(|line| serde_json::from_str::<Value>(line).ok().filter(Value::is_object))
            .ok_or_else(|| format!("{said:?}"))
    })
    .await;
    let part = |name: &str| demo[name].as_str().expect(name).to_owned();

    let window = Window::open(&desktop).await;
    window.sign_in(&part("url"), &part("brand"), &part("sid")).await;
    window.await_pill("Online").await;
    let before = app::status(&desktop).await.unwrap()["counters"]["received"].as_u64().unwrap_or_default();
    app::await_status(&desktop, "online with three live events", |status| {
        status["counters"]["received"].as_u64() >= Some(before + 3)
    })
    .await;
    let events: Vec<String> =
        app::list(&desktop).await.unwrap().iter().filter_map(|row| row["event"].as_str().map(str::to_owned)).collect();
    for event in ["message", "shoutout", "inbox"] {
        assert!(events.iter().any(|seen| seen == event), "a {event} is in {events:?}");
    }
    notifications.await_one("a notification of the demo", |call| call.app == "Traybell" && !call.body.is_empty()).await;

    // One with a picture: the page gets it from the core, and asks nobody else.
    let rows = window.rows().await.unwrap();
    let mut pictures = 0;
    for row in rows.iter().take(12) {
        let open = "document.querySelector(`[data-testid=\"row\"][data-id=\"${CSS.escape(arguments[0])}\"]`)?.click()";
        window.run(open, vec![row.id.clone().into()]).await.unwrap();
        let shown = wait::until("an opened message", || async {
            let script = "const detail = document.querySelector('[data-testid=\"detail\"]');
                const image = document.querySelector('[data-testid=\"detail-image\"]');
                if (detail.dataset.id !== arguments[0] || detail.getAttribute('aria-busy') === 'true') return null;
                if (!image.getAttribute('src') || image.closest('[hidden]')) return 'none';
                return image.complete && image.naturalWidth > 0 ? image.src : null";
            let shown = window.run(script, vec![row.id.clone().into()]).await?;
            shown.as_str().map(str::to_owned).ok_or_else(|| "not yet".to_owned())
        })
        .await;
        if shown != "none" {
            assert!(shown.starts_with("picture://localhost/"), "from the core: {shown:?}");
            pictures += 1;
            break;
        }
        window.click("back").await;
    }
    assert_eq!(pictures, 1, "one of the demo's messages has a picture: {rows:?}");
    window.end().await;
}
