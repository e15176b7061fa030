//! Signing out: what still has to reach the server, and what stays on the device.

use inbox::{Code, Query, Settings, SignOut};

use crate::{
    fake::{Fake, Refusal},
    world::{SID, World, eventually, is_live, rows, until},
};

const KEEP: SignOut = SignOut { discard: false, purge: Some(false) };

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_waits_until_the_read_marks_have_reached_the_server() {
    let (world, fake) = (World::new().await, Fake::start().await);
    fake.lists(1..=9);
    fake.refuses_marks(Some(Refusal { status: 503, retry_after: None }));
    let (app, _host) = world.app().await;
    app.sign_in(fake.sign_in(&world)).await.unwrap();
    until(&app, "listed", |view| view.total == 9).await;
    app.mark_all_read().await.unwrap();
    eventually("tried in vain", async || fake.marks() > 0).await;
    let view = until(&app, "held back", |view| view.outbox == 9 && view.counters.retries > 0).await;
    assert_eq!(view.unread, 0);
    fake.refuses_marks(None);
    app.sign_out(SignOut::default()).await.unwrap();
    assert!(fake.marks() > 9, "each mark arrived before the end: {}", fake.marks());
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_that_cannot_send_its_marks_says_why_and_changes_nothing_unless_they_are_discarded() {
    let (world, fake) = (World::new().await, Fake::start().await);
    fake.lists(1..=2);
    fake.refuses_marks(Some(Refusal { status: 503, retry_after: None }));
    let (app, _host) = world.app().await;
    app.sign_in(fake.sign_in(&world)).await.unwrap();
    until(&app, "listed", |view| view.total == 2).await;
    app.mark_all_read().await.unwrap();
    let problem = app.sign_out(SignOut::default()).await.unwrap_err();
    assert_eq!(problem.code, Code::OutboxNotEmpty);
    assert!(problem.message.starts_with("2 read marks have not reached the server yet. "), "{}", problem.message);
    let view = app.view().borrow().clone();
    assert!(view.account.is_some() && view.outbox == 2, "still signed in: {view:?}");
    app.sign_out(SignOut { discard: true, purge: None }).await.unwrap();
    until(&app, "signed out", |view| view.account.is_none()).await;
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_marks_on_their_way_show_how_far_they_are() {
    let (world, fake) = (World::new().await, Fake::start().await);
    fake.lists(1..=40);
    let (app, _host) = world.app().await;
    app.sign_in(fake.sign_in(&world)).await.unwrap();
    until(&app, "listed", |view| view.total == 40).await;
    let mut view = app.view();
    let seen = tokio::spawn(async move {
        let mut seen = Vec::new();
        while view.changed().await.is_ok() {
            let now = view.borrow_and_update().clone();
            seen.extend(now.sending);
            if now.unread == 0 && now.outbox == 0 {
                return (seen, now);
            }
        }
        panic!("the controller ended");
    });
    app.mark_all_read().await.unwrap();
    let (seen, last) = tokio::time::timeout(crate::world::PATIENCE, seen).await.unwrap().unwrap();
    assert!(seen.iter().all(|sending| sending.total == 40), "{seen:?}");
    assert!(seen.windows(2).all(|pair| pair[0].done <= pair[1].done) && seen.len() > 2, "{seen:?}");
    assert_eq!(last.sending, None);
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_kept_are_there_for_their_user_alone() {
    let world = World::new().await;
    world.server.add_user("demo", "sid-of-luke-1b2c", "Luke", "Skywalker").await.unwrap();
    let (app, _host) = world.app().await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    world.send("For Darth").await;
    until(&app, "received", |view| is_live(view) && view.total == 1).await;
    app.sign_out(KEEP).await.unwrap();
    assert_eq!(app.page(Query::default(), None, 10).await.unwrap_err().code, Code::NotSignedIn);

    app.sign_in(world.sign_in("sid-of-luke-1b2c")).await.unwrap();
    let view = until(&app, "Luke is live", |view| is_live(view) && view.up_to_date).await;
    assert_eq!((view.total, rows(&app).await.len()), (0, 0));
    app.sign_out(SignOut::default()).await.unwrap();

    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "his own are there", |view| view.total == 1).await;
    app.sign_out(SignOut::default()).await.unwrap();
    app.shutdown().await;
    assert_eq!(stores(&world), 0, "they left with the last sign-out");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_say_what_a_sign_out_does_with_the_messages_unless_it_says_so_itself() {
    for (setting, said, left) in [(true, None, 0), (false, None, 1), (false, Some(true), 0), (true, Some(false), 1)] {
        let world = World::new().await;
        let (app, _host) = world.app().await;
        app.save_settings(Settings { purge_at_sign_out: setting.into(), ..Settings::default() }).await.unwrap();
        app.sign_in(world.sign_in(SID)).await.unwrap();
        until(&app, "live", is_live).await;
        app.sign_out(SignOut { discard: false, purge: said }).await.unwrap();
        app.shutdown().await;
        assert_eq!(stores(&world), left, "setting {setting}, said {said:?}");
    }
}

/// How many accounts have messages on this device.
fn stores(world: &World) -> usize {
    let entries = std::fs::read_dir(world.data()).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|it| it == "sqlite")).count()
}
