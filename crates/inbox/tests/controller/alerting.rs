//! What is announced, and what is not: at most once each, and nothing that has nothing to say any more.

use std::sync::{Arc, atomic::Ordering};

use inbox::{AlertTarget, Code, SignOut};

use crate::world::{Recorder, SID, World, eventually, is_live, until};

/// Damages the store so that its next use finds it.
fn damage(world: &World) {
    let connection = world.store();
    let version: i64 = connection.query_row("PRAGMA schema_version", [], |row| row.get(0)).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'no table' WHERE name = 'message'; \
             PRAGMA schema_version = {}",
            version + 1
        ))
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_damaged_store_alerts_go_on_and_what_was_there_before_is_not_announced_singly() {
    let world = World::new().await;
    let (app, host) = world.app().await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "live and listed", |view| is_live(view) && view.last_synced.is_some()).await;
    host.hang.store(true, Ordering::SeqCst);
    world.send("Before").await;
    eventually("its alert is under way", async || host.titles() == ["Before"]).await;
    host.hang.store(false, Ordering::SeqCst);

    damage(&world);
    app.refresh().await.unwrap();
    until(&app, "started anew and listed", |view| {
        view.notices.iter().any(|notice| notice.code == Code::StoreReset) && view.total == 1
    })
    .await;
    eventually("it is named in a summary", async || host.titles().len() == 2).await;
    assert_eq!((host.alerts()[1].target.clone(), host.alerts()[1].body.as_str()), (AlertTarget::Summary, "Before"));
    world.send("After").await;
    eventually("alerts go on", async || host.titles().len() == 3).await;
    assert_eq!(host.titles(), ["Before", "1 new message", "After"]);
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_store_found_at_the_start_announces_what_was_there_in_a_summary_too() {
    let world = World::new().await;
    let (app, host) = world.app().await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    world.send("Before").await;
    eventually("announced", async || host.titles() == ["Before"]).await;
    app.shutdown().await;
    damage(&world);

    let (app, host) = world.app().await;
    until(&app, "live and listed", |view| is_live(view) && view.total == 1).await;
    eventually("one summary", async || !host.alerts().is_empty()).await;
    assert_eq!(host.alerts()[0].target, AlertTarget::Summary);
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_alert_of_what_was_read_or_deleted_meanwhile_is_not_named() {
    let world = World::new().await;
    let (app, host) = world.app().await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "live", is_live).await;
    let mut ids = Vec::new();
    for title in ["Read", "Deleted"] {
        host.no_answer.store(true, Ordering::SeqCst);
        ids.push(world.send(title).await);
        eventually("nobody knows whether it is shown", async || host.titles().contains(&title.to_owned())).await;
    }
    app.shutdown().await;

    let host = Arc::new(Recorder::default());
    host.refuse.store(true, Ordering::SeqCst);
    let app = world.app_on(&host).await;
    let view = until(&app, "the summary is not taken", |view| !view.notices.is_empty()).await;
    app.mark_read(ids[0].clone()).await.unwrap();
    app.delete(ids[1].clone()).await.unwrap();
    host.refuse.store(false, Ordering::SeqCst);
    app.notice(view.notices[0].clone(), false).await;
    world.send("Next").await;
    eventually("the next is announced", async || host.titles().contains(&"Next".to_owned())).await;
    assert_eq!(host.titles(), ["Next"]);
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_takes_the_accounts_alerts_off_the_screen() {
    let world = World::new().await;
    let (app, host) = world.app().await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "live", is_live).await;
    let id = world.send("Private").await;
    until(&app, "announced", |view| view.counters.alerts == 1).await;
    app.sign_out(SignOut::default()).await.unwrap();
    for target in [AlertTarget::Message(id), AlertTarget::Summary] {
        eventually("it is taken back", async || host.withdrawn.lock().unwrap().contains(&target)).await;
    }
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_sign_in_with_five_hundred_old_messages_is_one_summary() {
    let world = World::new().await;
    for n in 0..500 {
        world.send(&format!("Old {n}")).await;
    }
    let (app, host) = world.app().await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "listed", |view| is_live(view) && view.total == 500).await;
    eventually("one summary", async || host.titles() == ["500 new messages"]).await;
    world.send("Now").await;
    eventually("the next is told by itself", async || host.titles().len() == 2).await;
    assert_eq!(host.titles(), ["500 new messages", "Now"]);
    app.shutdown().await;
}
