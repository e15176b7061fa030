//! Messages whose body was too large for the channel: fetched by id, a few at a time, and announced once they are whole.

use std::time::Duration;

use traybell_tests::app;
use traybell_tests::fasttrack_fake::{Endpoint, Fault};
use traybell_tests::message::Message;
use traybell_tests::scene::Scene;
use traybell_tests::wait;

/// More than are fetched at once, fewer than are left to the list call.
const BURST: usize = 24;

#[tokio::test]
async fn a_burst_of_cut_messages_is_fetched_a_few_at_a_time_each_once() {
    let mut scene = Scene::set().await;
    let _app = scene.signed_in_app().await;
    scene.fasttrack.break_with(Endpoint::One, Fault::Slow(Duration::from_millis(150)));
    // So that only the fetches can bring them.
    scene.fasttrack.break_with(Endpoint::List, Fault::Held);

    let titles: Vec<String> = (1..=BURST).map(|n| format!("Cut {n}")).collect();
    for title in &titles {
        let message = Message::new("message", title).html("<p>The whole body</p>");
        scene.fasttrack.send_cut(&scene.sockudo, &message).await;
    }
    let listed: Vec<&str> = titles.iter().map(String::as_str).collect();
    let rows = app::await_listed(&scene.desktop, &listed).await;
    assert!(rows.iter().all(|row| row["preview"] == "The whole body"), "the preview is made of the body: {rows:?}");

    let mut fetched: Vec<String> = scene.fasttrack.calls(Endpoint::One).into_iter().map(|call| call.target).collect();
    assert_eq!(fetched.len(), BURST, "each is fetched once: {fetched:?}");
    fetched.sort();
    fetched.dedup();
    assert_eq!(fetched.len(), BURST, "each is fetched once: {fetched:?}");
    let most = scene.fasttrack.most_at_once(Endpoint::One);
    assert!((2..=4).contains(&most), "{most} fetches at once");
}

#[tokio::test]
async fn a_flood_of_cut_messages_is_left_to_one_list_call() {
    let mut scene = Scene::set().await;
    let _app = scene.signed_in_app().await;
    scene.fasttrack.break_with(Endpoint::One, Fault::Held);
    // Beyond what waits for a turn, within what sockudo publishes in a minute.
    let titles: Vec<String> = (1..=80).map(|n| format!("Flood {n}")).collect();
    for title in &titles {
        let message = Message::new("message", title).html("<p>The whole body</p>");
        scene.fasttrack.send_cut(&scene.sockudo, &message).await;
    }
    // With every fetch held, the list call alone can have brought the bodies.
    wait::until("all of them whole", || async {
        let rows = app::list(&scene.desktop).await?;
        let whole = rows.iter().filter(|row| row["preview"] == "The whole body").count();
        if whole == titles.len() { Ok(()) } else { Err(format!("{whole} of {}", rows.len())) }
    })
    .await;
    assert!(scene.fasttrack.most_at_once(Endpoint::One) <= 4, "the rest waits for its turn");
    assert!(scene.fasttrack.calls(Endpoint::One).len() <= 64, "and no more wait than there is room for");
}
