//! Read marks on their way to a server that refuses them, asks for patience, or cannot be remembered to have them.

use inbox::{AlertTarget, Code, Handle, MessageId, Problem, View};

use crate::{
    fake::{Fake, Refusal},
    world::{PATIENCE, SID, World, eventually, is_live, until},
};

fn is_listed(view: &View) -> bool {
    view.last_synced.is_some()
}

async fn flush(app: &Handle) -> Result<(), Problem> {
    tokio::time::timeout(PATIENCE, app.flush()).await.expect("whoever waits for the outbox is answered")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_for_patience_holds_every_mark_until_the_person_tries_now() {
    let (world, fake) = (World::new().await, Fake::start().await);
    fake.lists(1..=40);
    fake.refuses_marks(Some(Refusal { status: 429, retry_after: Some(600) }));
    let (app, _host) = world.app().await;
    app.sign_in(fake.sign_in(&world)).await.unwrap();
    until(&app, "listed", is_listed).await;
    assert_eq!(app.mark_all_read().await.unwrap(), 40);
    assert_eq!(flush(&app).await.unwrap_err().code, Code::Unreachable);
    assert!(fake.marks() <= 4, "{} were sent, and only those under way at the first answer may be", fake.marks());

    fake.refuses_marks(None);
    app.refresh().await.unwrap();
    until(&app, "the server has them all", |view| view.outbox == 0).await;
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_whose_arrival_cannot_be_noted_is_not_sent_again_and_again() {
    let (world, fake) = (World::new().await, Fake::start().await);
    fake.lists([1]);
    let (app, _host) = world.app().await;
    app.sign_in(fake.sign_in(&world)).await.unwrap();
    until(&app, "listed", is_listed).await;
    let store = world.store();
    store
        .execute_batch("CREATE TRIGGER full BEFORE DELETE ON outbox BEGIN SELECT RAISE(FAIL, 'disk full'); END")
        .unwrap();
    app.mark_read(MessageId("1".into())).await.unwrap();
    assert_eq!(flush(&app).await.unwrap_err().code, Code::StoreFailed);
    assert_eq!(fake.marks(), 1);

    store.execute_batch("DROP TRIGGER full").unwrap();
    app.refresh().await.unwrap();
    until(&app, "noted", |view| view.outbox == 0).await;
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_mark_is_told_that_the_server_refused_it() {
    let (world, fake) = (World::new().await, Fake::start().await);
    fake.lists([1, 2, 3]);
    fake.refuses_marks(Some(Refusal { status: 404, retry_after: None }));
    let (app, _host) = world.app().await;
    app.sign_in(fake.sign_in(&world)).await.unwrap();
    until(&app, "listed", is_listed).await;
    app.mark_read(MessageId("1".into())).await.unwrap();
    assert_eq!(flush(&app).await.unwrap_err().code, Code::MarkRefused);

    app.mark_read(MessageId("2".into())).await.unwrap();
    until(&app, "refused before anybody waits", |view| view.outbox == 0).await;
    assert_eq!(flush(&app).await.unwrap_err().code, Code::MarkRefused);

    fake.refuses_marks(None);
    app.mark_read(MessageId("3".into())).await.unwrap();
    assert_eq!(flush(&app).await, Ok(()), "each refusal is told once");
    eventually("three were sent", async || fake.marks() == 3).await;
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_on_one_device_is_read_on_the_other_and_its_alert_is_taken_back() {
    let world = World::new().await;
    let (desk, host) = world.app().await;
    let (laptop, _) = world.app_in("laptop").await;
    for app in [&desk, &laptop] {
        app.sign_in(world.sign_in(SID)).await.unwrap();
        until(app, "live", is_live).await;
    }
    let id = world.send("On both").await;
    for app in [&desk, &laptop] {
        until(app, "received", |view| view.unread == 1).await;
    }
    eventually("announced", async || host.titles() == ["On both"]).await;
    laptop.mark_read(id.clone()).await.unwrap();
    until(&laptop, "on the server", |view| view.unread == 0 && view.outbox == 0).await;
    desk.refresh().await.unwrap();
    until(&desk, "read here too", |view| view.unread == 0 && view.total == 1).await;
    let target = AlertTarget::Message(id);
    eventually("its alert is gone", async || host.withdrawn.lock().unwrap().contains(&target)).await;
    // Unread here on purpose: the other device does not undo it.
    let AlertTarget::Message(id) = target else { unreachable!("it is a message") };
    desk.mark_unread(id).await.unwrap();
    let synced = desk.view().borrow().last_synced;
    desk.refresh().await.unwrap();
    until(&desk, "listed again, and still unread", |view| view.last_synced > synced && view.unread == 1).await;
    for app in [desk, laptop] {
        app.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_on_one_desktop_is_read_on_the_other_at_once() {
    let world = World::new().await;
    let (one, _host) = world.app().await;
    let (other, host) = world.app_in("other").await;
    for app in [&one, &other] {
        app.sign_in(world.sign_in(SID)).await.unwrap();
        until(app, "live and listed", |view| is_live(view) && view.up_to_date).await;
    }
    let id = world.send("For both").await;
    for app in [&one, &other] {
        until(app, "it came", |view| view.unread == 1).await;
    }
    let target = AlertTarget::Message(id.clone());
    eventually("told", async || host.titles() == ["For both"]).await;
    let synced = other.view().borrow().last_synced;
    one.mark_read(id.clone()).await.unwrap();
    let view = until(&other, "read", |view| view.unread == 0).await;
    assert_eq!((view.last_synced, view.outbox), (synced, 0), "no list said so, and nothing is to be sent");
    eventually("its alert is taken back", async || host.withdrawn.lock().unwrap().contains(&target)).await;
    // Whoever wants it back as unread has it so: the mark that comes later is not a second one.
    other.mark_unread(id).await.unwrap();
    assert_eq!(until(&other, "unread again", |view| view.unread == 1).await.total, 1);
    for app in [one, other] {
        app.shutdown().await;
    }
}
