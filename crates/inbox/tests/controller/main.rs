//! The controller on real parts: a relay on loopback, real stores, and a host that records what it is asked.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod alerting;
mod clock;
mod fake;
mod marks;
mod notifying;
mod nudges;
mod reconfiguring;
mod signing_in;
mod signing_out;
mod world;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use inbox::{
    AccountId, AlertTarget, Code, MemorySecrets, MessageId, Options, Problem, Query, Secrets, SessionView, SignIn,
    SignOut,
};
use relay::{Kind, NewMessage};
use secrecy::SecretString;

use world::{Recorder, SID, World, eventually, is_live, rows, start_server, until};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_before_sign_in_is_listed_and_past_three_alerted_in_one_summary() {
    let world = World::new().await;
    for n in 1..=5 {
        world.send(&format!("Old {n}")).await;
    }
    let (app, host) = world.app().await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    let view = until(&app, "signed in and listed", |view| is_live(view) && view.total == 5).await;
    assert_eq!(view.account.unwrap().name, "Darth Vader");
    assert_eq!(view.unread, 5);
    assert!(view.last_synced.is_some());
    eventually("one summary", async || host.titles() == ["5 new messages"]).await;
    assert_eq!(host.alerts()[0].target, AlertTarget::Summary);
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_messages_are_listed_and_alerted_once_as_plain_text() {
    let world = World::new().await;
    let (app, host) = world.app().await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "live and listed", |view| is_live(view) && view.last_synced.is_some()).await;
    let message = NewMessage {
        kind: Kind::Shoutout,
        title: "Maintenance at 02:00".into(),
        body: "<p>Be <b>ready</b> &amp; calm</p>".into(),
        ..NewMessage::default()
    };
    let id = MessageId(world.server.send(&world.user, message).await.unwrap().to_string());
    eventually("the alert", async || !host.alerts().is_empty()).await;
    let alert = host.alerts().remove(0);
    assert_eq!(alert.target, AlertTarget::Message(id.clone()));
    assert_eq!((alert.title.as_str(), alert.body.as_str()), ("Maintenance at 02:00", "Be ready & calm"));
    let synced = app.view().borrow().last_synced;
    app.refresh().await.unwrap();
    until(&app, "listed again", |view| view.last_synced > synced).await;
    assert_eq!(rows(&app).await.len(), 1, "the list brings no duplicate of what came live");
    assert_eq!(host.alerts().len(), 1, "and no second alert");
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_message_is_listed_and_not_alerted() {
    let world = World::new().await;
    let (app, host) = world.app().await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "live", is_live).await;
    let silent = NewMessage { title: "Quiet".into(), silent: true, ..NewMessage::default() };
    world.server.send(&world.user, silent).await.unwrap();
    world.send("Loud").await;
    // Without a body it is fetched by its id first, so it may come after the loud one.
    until(&app, "both are listed", |view| view.total == 2).await;
    world.send("Third").await;
    eventually("the last one", async || host.titles().contains(&"Third".to_owned())).await;
    assert_eq!(host.titles(), ["Loud", "Third"]);
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_mark_reaches_the_server_and_takes_the_alert_back() {
    let world = World::new().await;
    let (app, host) = world.app().await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "live", is_live).await;
    let id = world.send("Read me").await;
    until(&app, "received", |view| view.unread == 1).await;
    app.mark_read(id.clone()).await.unwrap();
    let view = until(&app, "the outbox is empty", |view| view.outbox == 0 && view.unread == 0).await;
    assert_eq!(view.total, 1);
    assert!(world.is_read_on_server(&id).await);
    eventually("the alert is taken back", async || {
        host.withdrawn.lock().unwrap().contains(&AlertTarget::Message(id.clone()))
    })
    .await;
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_resumes_from_the_keyring_lists_at_once_and_alerts_nothing_again() {
    let world = World::new().await;
    let (app, host) = world.app().await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "live", is_live).await;
    world.send("Once").await;
    eventually("the alert", async || host.titles() == ["Once"]).await;
    app.shutdown().await;

    let (app, host) = world.app().await;
    assert_eq!(app.view().borrow().total, 1, "the list is there before the network");
    assert_eq!(rows(&app).await[0].title, "Once");
    let before = app.view().borrow().last_synced;
    until(&app, "resumed and listed", |view| is_live(view) && view.last_synced > before).await;
    world.send("Twice").await;
    eventually("the next alert", async || host.titles().contains(&"Twice".to_owned())).await;
    assert_eq!(host.titles(), ["Twice"]);
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_while_the_server_was_unreachable_is_listed_and_alerted_once() {
    let mut world = World::new().await;
    let (app, host) = world.app().await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "live and listed", |view| is_live(view) && view.last_synced.is_some()).await;
    let port = url::Url::parse(world.server.url()).unwrap().port().expect("a relay on loopback has a port");
    world.server.shutdown().await;
    until(&app, "offline", |view| matches!(view.session, SessionView::Offline { .. })).await;

    world.server = start_server(world.folder.path(), port).await;
    world.send("In between").await;
    until(&app, "back", |view| is_live(view) && view.total == 1).await;
    eventually("alerted", async || host.titles() == ["In between"]).await;
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_sid_an_unknown_brand_and_a_dead_server_are_told_apart() {
    let world = World::new().await;
    let (app, _host) = world.app().await;
    assert_eq!(app.sign_in(world.sign_in("wrong")).await.unwrap_err().code, Code::Rejected);
    let unknown = SignIn { brand: "nobody".into(), ..world.sign_in(SID) };
    assert_eq!(app.sign_in(unknown).await.unwrap_err().code, Code::UnknownBrand);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dead = SignIn { environment: format!("http://{free}"), ..world.sign_in(SID) };
    assert_eq!(app.sign_in(dead).await.unwrap_err().code, Code::Unreachable);
    let insecure = SignIn { environment: "http://192.0.2.1".into(), ..world.sign_in(SID) };
    assert_eq!(app.sign_in(insecure).await.unwrap_err().code, Code::InsecureServer);
    let account = AccountId {
        environment: world.server.url().parse::<fasttrack_client::Environment>().unwrap().to_string(),
        brand: "demo".into(),
        user: world.user.id.to_string(),
    };
    assert!(world.secrets.get(&account).await.unwrap().is_none(), "no sid is kept that did not work");
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "live after all", is_live).await;
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_interrupted_by_a_crash_is_named_in_a_summary_and_never_singly() {
    let world = World::new().await;
    let (app, host) = world.app().await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "live", is_live).await;
    host.hang.store(true, Ordering::SeqCst);
    world.send("Interrupted").await;
    eventually("the alert has begun", async || host.titles() == ["Interrupted"]).await;
    app.shutdown().await;

    let (app, host) = world.app().await;
    eventually("the summary", async || !host.alerts().is_empty()).await;
    assert_eq!(host.alerts()[0].target, AlertTarget::Summary);
    assert_eq!(host.alerts()[0].body, "Interrupted");
    until(&app, "live", is_live).await;
    app.shutdown().await;

    let (app, host) = world.app().await;
    let before = app.view().borrow().last_synced;
    until(&app, "live and listed", |view| is_live(view) && view.last_synced > before).await;
    assert_eq!(host.titles(), Vec::<String>::new(), "named once");
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_notification_service_the_person_is_told_and_nothing_is_lost() {
    let world = World::new().await;
    let (app, host) = world.app().await;
    host.refuse.store(true, Ordering::SeqCst);
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "live", is_live).await;
    world.send("Unheard").await;
    let view = until(&app, "the notice", |view| !view.notices.is_empty()).await;
    assert_eq!(view.notices[0].code, Code::NoNotifications);
    host.refuse.store(false, Ordering::SeqCst);
    app.notice(view.notices[0].clone(), false).await;
    eventually("alerted once the service is there", async || host.titles() == ["Unheard"]).await;
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_forgets_the_sid_and_the_messages() {
    let world = World::new().await;
    let (app, _host) = world.app().await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    world.send("Private").await;
    until(&app, "received", |view| view.total == 1).await;
    app.sign_out(SignOut::default()).await.unwrap();
    until(&app, "signed out", |view| view.account.is_none() && view.total == 0).await;
    assert_eq!(app.page(Query::default(), None, 10).await.unwrap_err().code, Code::NotSignedIn);
    app.shutdown().await;
    let left: Vec<String> = std::fs::read_dir(world.data())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("sqlite") || name.contains("account"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_restarts_the_controller_with_what_the_store_holds() {
    let world = World::new().await;
    let (app, host) = world.app().await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "live", is_live).await;
    host.panic_at_tray.store(true, Ordering::SeqCst);
    world.send("Before and after").await;
    eventually("the panic has happened", async || !host.panic_at_tray.load(Ordering::SeqCst)).await;
    // A request that falls into the gap is answered with an error, never left hanging.
    eventually("the list is there again", async || {
        app.page(Query::default(), None, 10).await.is_ok_and(|page| page.rows.len() == 1)
    })
    .await;
    until(&app, "live again", is_live).await;
    world.send("Still alive").await;
    eventually("alerts go on", async || host.titles().iter().any(|title| title == "Still alive")).await;
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_alerts_nothing_and_the_app_makes_up_for_it() {
    let world = World::new().await;
    world.send("While away").await;
    let host = Arc::new(Recorder::default());
    let secrets: Arc<dyn Secrets> = world.secrets.clone();
    let options = Options { alerts: false, ..Options::new(world.data(), secrets) };
    let headless = inbox::start(options, Arc::clone(&host)).await.unwrap();
    headless.sign_in(world.sign_in(SID)).await.unwrap();
    let view = until(&headless, "listed", |view| view.total == 1).await;
    assert_eq!(view.unread, 1);
    headless.shutdown().await;
    assert!(host.alerts().is_empty());

    let (app, host) = world.app().await;
    eventually("alerted by the app", async || host.titles() == ["While away"]).await;
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_of_which_nobody_knows_is_never_raised_singly_again() {
    let world = World::new().await;
    let (app, host) = world.app().await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "live", is_live).await;
    host.no_answer.store(true, Ordering::SeqCst);
    world.send("Perhaps seen").await;
    until(&app, "the notice", |view| !view.notices.is_empty()).await;
    // Whatever makes the controller try alerts again: the service is back, and another message comes.
    app.notice(Problem::new(Code::NoNotifications, "", ""), false).await;
    world.send("Next").await;
    eventually("the next alert", async || host.titles().contains(&"Next".to_owned())).await;
    assert_eq!(host.titles(), ["Perhaps seen", "Next"]);
    app.shutdown().await;

    let (app, host) = world.app().await;
    eventually("named once more, in a summary", async || !host.alerts().is_empty()).await;
    assert_eq!(
        (host.alerts()[0].target.clone(), host.alerts()[0].body.as_str()),
        (AlertTarget::Summary, "Perhaps seen")
    );
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_background_task_restarts_the_controller() {
    let world = World::new().await;
    let (app, host) = world.app().await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "live", is_live).await;
    host.panic_at_alert.store(true, Ordering::SeqCst);
    world.send("Lost in a panic").await;
    eventually("named after the restart", async || {
        host.alerts().iter().any(|alert| alert.body.contains("Lost in a panic"))
    })
    .await;
    until(&app, "live again", is_live).await;
    world.send("Still alive").await;
    eventually("alerts go on", async || host.titles().contains(&"Still alive".to_owned())).await;
    app.shutdown().await;
}

/// A keyring whose `set` waits until it is let go.
struct SlowSecrets {
    kept: MemorySecrets,
    asked: AtomicBool,
    go: tokio::sync::Semaphore,
}

impl Secrets for SlowSecrets {
    fn get<'a>(&'a self, account: &'a AccountId) -> inbox::Kept<'a, Option<SecretString>> {
        self.kept.get(account)
    }

    fn set<'a>(&'a self, account: &'a AccountId, secret: &'a SecretString) -> inbox::Kept<'a, ()> {
        Box::pin(async move {
            self.asked.store(true, Ordering::SeqCst);
            drop(self.go.acquire().await);
            self.kept.set(account, secret).await
        })
    }

    fn delete<'a>(&'a self, account: &'a AccountId) -> inbox::Kept<'a, ()> {
        self.kept.delete(account)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_never_crosses_a_sign_in() {
    let world = World::new().await;
    let slow = Arc::new(SlowSecrets {
        kept: MemorySecrets::default(),
        asked: AtomicBool::new(false),
        go: tokio::sync::Semaphore::new(0),
    });
    let secrets: Arc<dyn Secrets> = slow.clone();
    let app = inbox::start(Options::new(world.data(), secrets), Arc::new(Recorder::default())).await.unwrap();
    let signing_in = tokio::spawn({
        let (app, sign_in) = (app.clone(), world.sign_in(SID));
        async move { app.sign_in(sign_in).await }
    });
    eventually("the keyring is asked", async || slow.asked.load(Ordering::SeqCst)).await;
    assert_eq!(app.sign_out(SignOut { discard: true, purge: None }).await.unwrap_err().code, Code::AlreadySignedIn);
    slow.go.add_permits(1);
    signing_in.await.unwrap().unwrap();
    app.sign_out(SignOut { discard: true, purge: None }).await.unwrap();
    let account = AccountId {
        environment: world.server.url().parse::<fasttrack_client::Environment>().unwrap().to_string(),
        brand: "demo".into(),
        user: world.user.id.to_string(),
    };
    assert!(slow.get(&account).await.unwrap().is_none(), "no sid stays behind");
    app.shutdown().await;
}
