//! What the system tells: a wake, an unlock, another network. Each is one list call, a storm is two, and what waits is
//! tried at once, unless the server asked for patience.

use std::{sync::Arc, time::Duration};

use inbox::{Code, Handle, Nudge, Options, Secrets, SessionView};
use tokio::time::Instant;

use crate::{
    fake::{Fake, Refusal},
    world::{Recorder, SID, World, eventually, is_live, start_server, until},
};

/// A trailing list call comes ten seconds after the one before; one that has not come by then does not come.
const TRAILING: Duration = Duration::from_secs(12);

fn list_calls(app: &Handle) -> u64 {
    app.view().borrow().counters.list_calls
}

/// Signed in, live, and with the list call of the sign-in done.
async fn signed_in(world: &World) -> Handle {
    let (app, _host) = world.app().await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "live and listed", |view| is_live(view) && view.up_to_date).await;
    app
}

/// Waits until so many list calls were made, and looks until another one would have come.
async fn calls_are_and_stay(app: &Handle, calls: u64) {
    until(app, "the list call", |view| view.counters.list_calls >= calls).await;
    let counted = Instant::now();
    eventually("a trailing call would have come", async || {
        assert_eq!(list_calls(app), calls);
        counted.elapsed() > TRAILING
    })
    .await;
}

async fn calls_the_list_once(nudge: Nudge) {
    let world = World::new().await;
    let app = signed_in(&world).await;
    let before = list_calls(&app);
    app.nudge(nudge).await;
    calls_are_and_stay(&app, before + 1).await;
    assert!(is_live(&app.view().borrow()), "the connection was found alive");
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wake_calls_the_list_exactly_once() {
    calls_the_list_once(Nudge::Woke).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unlock_calls_the_list_exactly_once() {
    calls_the_list_once(Nudge::Unlocked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_network_calls_the_list_exactly_once() {
    calls_the_list_once(Nudge::NetworkChanged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_fifty_signals_is_one_list_call_and_one_after_it() {
    let world = World::new().await;
    let app = signed_in(&world).await;
    let before = list_calls(&app);
    let kinds = [Nudge::NetworkChanged, Nudge::Woke, Nudge::Unlocked];
    for nudge in kinds.into_iter().cycle().take(25) {
        app.nudge(nudge).await;
    }
    until(&app, "the first call", |view| view.counters.list_calls > before).await;
    for nudge in kinds.into_iter().cycle().take(25) {
        app.nudge(nudge).await;
    }
    calls_are_and_stay(&app, before + 2).await;
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_wake_nothing_is_taken_for_current_until_the_list_was_called() {
    let world = World::new().await;
    let app = signed_in(&world).await;
    app.nudge(Nudge::Woke).await;
    until(&app, "messages may have been missed", |view| !view.up_to_date).await;
    until(&app, "and were asked for", |view| view.up_to_date).await;
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resume_that_waits_is_tried_at_once_when_the_network_is_back() {
    let mut world = World::new().await;
    signed_in(&world).await.shutdown().await;
    let port = world.server.address().port();
    world.server.shutdown().await;
    let secrets: Arc<dyn Secrets> = world.secrets.clone();
    let options = Options { jitter: || 1.0, ..Options::new(world.data(), secrets) };
    let app = inbox::start(options, Arc::new(Recorder::default())).await.unwrap();
    // The waits double from a second: the next try is 16 seconds away.
    until(&app, "many tries", |view| view.counters.retries >= 5).await;

    world.server = start_server(world.folder.path(), port).await;
    let told = Instant::now();
    app.nudge(Nudge::NetworkChanged).await;
    until(&app, "back", is_live).await;
    assert!(told.elapsed() < Duration::from_secs(8), "after {:?}", told.elapsed());
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_mark_that_waits_is_sent_at_once_but_not_before_the_server_allows_it() {
    let (world, fake) = (World::new().await, Fake::start().await);
    fake.lists(1..=2);
    fake.refuses_marks(Some(Refusal { status: 503, retry_after: Some(600) }));
    let (app, _host) = world.app().await;
    app.sign_in(fake.sign_in(&world)).await.unwrap();
    until(&app, "listed", |view| view.last_synced.is_some()).await;
    app.mark_all_read().await.unwrap();
    assert_eq!(app.flush().await.unwrap_err().code, Code::Unreachable);
    let (marks, calls) = (fake.marks(), list_calls(&app));
    app.nudge(Nudge::NetworkChanged).await;
    until(&app, "the list call", |view| view.counters.list_calls > calls).await;
    assert_eq!(fake.marks(), marks, "it asked for patience, and nobody clicked");
    app.shutdown().await;

    let (world, fake) = (World::new().await, Fake::start().await);
    fake.lists([1]);
    fake.refuses_marks(Some(Refusal { status: 503, retry_after: None }));
    let secrets: Arc<dyn Secrets> = world.secrets.clone();
    let options = Options { jitter: || 1.0, ..Options::new(world.data(), secrets) };
    let app = inbox::start(options, Arc::new(Recorder::default())).await.unwrap();
    app.sign_in(fake.sign_in(&world)).await.unwrap();
    until(&app, "listed", |view| view.last_synced.is_some()).await;
    app.mark_all_read().await.unwrap();
    // Sent after 0, 1, 3, 7 and 15 seconds: the next is 16 seconds away.
    eventually("five tries", async || fake.marks() >= 5).await;
    fake.refuses_marks(None);
    let told = Instant::now();
    app.nudge(Nudge::Unlocked).await;
    until(&app, "the server has it", |view| view.outbox == 0).await;
    assert!(told.elapsed() < Duration::from_secs(8), "after {:?}", told.elapsed());
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_sid_is_not_tried_again_by_any_signal() {
    let world = World::new().await;
    let app = signed_in(&world).await;
    world.server.expire_session(&world.user).await.unwrap();
    app.refresh().await.unwrap();
    let rejected = |session: &SessionView| matches!(session, SessionView::Rejected { .. });
    let before = until(&app, "rejected", |view| rejected(&view.session)).await;
    for nudge in [Nudge::Woke, Nudge::Unlocked, Nudge::NetworkChanged] {
        app.nudge(nudge).await;
    }
    // Requests are taken in order: when this is answered, the signals were.
    app.window_opened().await.unwrap();
    assert_eq!(app.view().borrow().session, before.session);
    assert_eq!(list_calls(&app), before.counters.list_calls);
    app.shutdown().await;
}
