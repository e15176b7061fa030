//! What the person decides about notifications: pauses, quiet hours, rules by type, what is shown, and what is seen anyway.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use inbox::{
    AlertTarget, Code, Day, Handle, HeldBy, ImageView, Images, MessageId, Nudge, Options, PauseFor, QuietHours,
    Retention, Rule, Rules, Secrets, SessionView, Settings, Shows,
};
use jiff::{Timestamp, tz::TimeZone};
use relay::{Kind, NewMessage};

use serde_json::json;

use crate::{
    fake::Fake,
    world::{Recorder, SID, World, eventually, is_live, until},
};

async fn live() -> (World, Handle, Arc<Recorder>) {
    let world = World::new().await;
    let (app, host) = world.app().await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "live and listed", |view| is_live(view) && view.up_to_date).await;
    (world, app, host)
}

async fn send(world: &World, kind: Kind, title: &str) -> MessageId {
    let message = NewMessage { kind, title: title.into(), body: "<p>Body</p>".into(), ..NewMessage::default() };
    MessageId(world.server.send(&world.user, message).await.unwrap().to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_in_a_pause_is_one_digest_at_its_end_also_after_a_restart() {
    let (world, app, host) = live().await;
    let held = app.pause(PauseFor::Hour).await.unwrap().expect("it holds");
    assert_eq!(held.by, HeldBy::Pause);
    for n in 1..=2 {
        world.send(&format!("Meanwhile {n}")).await;
    }
    until(&app, "listed, and held", |view| view.total == 2 && view.held == Some(held)).await;
    assert!(host.trays.lock().unwrap().last().unwrap().paused);
    app.shutdown().await;
    assert_eq!(host.titles(), Vec::<String>::new());

    let (app, host) = world.app().await;
    until(&app, "live, listed, and still held", |view| is_live(view) && view.up_to_date && view.held == Some(held))
        .await;
    assert_eq!(app.resume().await.unwrap(), None);
    eventually("the digest", async || host.titles() == ["2 new messages"]).await;
    world.send("Afterwards").await;
    eventually("alerts go on", async || host.titles().len() == 2).await;
    assert_eq!(host.titles(), ["2 new messages", "Afterwards"]);
    app.shutdown().await;
}

/// Seconds on the wall of the quiet night.
static NIGHT: AtomicI64 = AtomicI64::new(0);

#[tokio::test(flavor = "multi_thread")]
async fn quiet_hours_hold_until_their_end_by_the_clock_where_the_person_is() {
    let world = World::new().await;
    let at = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
    // Past five on a Wednesday in Kathmandu, where clocks stand at odd quarters.
    NIGHT.store(at("2026-11-24T23:30:00Z"), Ordering::SeqCst);
    let host = Arc::new(Recorder::default());
    let secrets: Arc<dyn Secrets> = world.secrets.clone();
    let options = Options {
        now: || Timestamp::from_second(NIGHT.load(Ordering::SeqCst)).unwrap(),
        zone: || TimeZone::get("Asia/Kathmandu").unwrap(),
        ..Options::new(world.data(), secrets)
    };
    let app = inbox::start(options, Arc::clone(&host)).await.unwrap();
    let quiet = QuietHours { days: vec![Day::Tue], from: "22:00".parse().unwrap(), to: "06:00".parse().unwrap() };
    app.save_settings(Settings { quiet_hours: vec![quiet], ..Settings::default() }).await.unwrap();
    app.sign_in(world.sign_in(SID)).await.unwrap();
    let view = until(&app, "live and listed", |view| is_live(view) && view.up_to_date).await;
    let held = view.held.expect("it is quiet");
    assert_eq!((held.by, held.until.to_string().as_str()), (HeldBy::QuietHours, "2026-11-25T00:15:00Z"));
    for n in 1..=2 {
        world.send(&format!("At night {n}")).await;
    }
    until(&app, "listed", |view| view.total == 2).await;
    assert_eq!(host.titles(), Vec::<String>::new());

    NIGHT.store(at("2026-11-25T00:15:00Z"), Ordering::SeqCst);
    // Whatever wakes the controller finds that the night is over.
    app.list_shown(false).await;
    eventually("the digest", async || host.titles() == ["2 new messages"]).await;
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_type_goes_by_its_own_rule_and_a_new_rule_says_nothing_of_what_came_before() {
    let (world, app, host) = live().await;
    let rules = Rules { message: Rule::Sound, shoutout: Rule::List, inbox: Rule::Alert };
    let settings = Settings { rules, shows: Shows::Title, ..Settings::default() };
    app.save_settings(settings.clone()).await.unwrap();
    send(&world, Kind::Shoutout, "For the list").await;
    until(&app, "listed", |view| view.total == 1 && view.unread == 1).await;
    send(&world, Kind::Message, "With sound").await;
    eventually("the alert", async || host.alerts().len() == 1).await;
    send(&world, Kind::Inbox, "Without").await;
    eventually("the other", async || host.alerts().len() == 2).await;
    let told = |n: usize| (host.alerts()[n].title.clone(), host.alerts()[n].body.clone(), host.alerts()[n].sound);
    assert_eq!(told(0), ("With sound".to_owned(), String::new(), true));
    assert_eq!(told(1), ("Without".to_owned(), String::new(), false));

    app.save_settings(Settings { rules: Rules::default(), shows: Shows::Nothing, ..settings }).await.unwrap();
    send(&world, Kind::Shoutout, "Secret plans").await;
    eventually("the third", async || host.alerts().len() == 3).await;
    assert_eq!(told(2), ("New shoutout".to_owned(), String::new(), false));
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_while_the_person_looks_at_the_list_is_not_alerted_then_or_later() {
    let (world, app, host) = live().await;
    app.focused(true).await;
    app.list_shown(true).await;
    world.send("Seen").await;
    until(&app, "listed", |view| view.total == 1).await;
    app.focused(false).await;
    world.send("Not seen").await;
    eventually("the alert", async || !host.titles().is_empty()).await;
    app.focused(true).await;
    app.list_shown(false).await;
    world.send("Behind the settings").await;
    eventually("the next", async || host.titles().len() == 2).await;
    assert_eq!(host.titles(), ["Not seen", "Behind the settings"]);
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_ten_in_a_minute_wait_and_are_listed_all_the_same() {
    let (world, app, host) = live().await;
    for n in 1..=10 {
        world.send(&format!("Storm {n}")).await;
        eventually("alerted singly", async || host.titles().len() == n).await;
    }
    for n in 11..=13 {
        world.send(&format!("Storm {n}")).await;
    }
    until(&app, "all are listed", |view| view.total == 13 && view.unread == 13).await;
    app.mark_all_read().await.unwrap();
    assert_eq!(host.titles().len(), 10);
    assert!(host.alerts().iter().all(|alert| alert.target != AlertTarget::Summary));
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_session_is_told_once_and_not_in_a_pause() {
    let (world, app, host) = live().await;
    app.pause(PauseFor::HalfHour).await.unwrap();
    world.server.expire_session(&world.user).await.unwrap();
    app.refresh().await.unwrap();
    until(&app, "rejected", |view| matches!(view.session, SessionView::Rejected { .. })).await;
    assert_eq!(host.titles(), Vec::<String>::new());
    app.resume().await.unwrap();
    eventually("told", async || host.titles() == ["Sign in again"]).await;
    world.server.set_sid(&world.user, "another-sid").await.unwrap();
    app.sign_in(world.sign_in("another-sid")).await.unwrap();
    world.send("Next").await;
    eventually("alerts go on", async || host.titles().len() == 2).await;
    assert_eq!(host.titles(), ["Sign in again", "Next"]);
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_make_no_sense_are_refused_and_those_before_hold() {
    let (_world, app, _host) = live().await;
    let mine = Settings { shows: Shows::Title, ..Settings::default() };
    app.save_settings(mine.clone()).await.unwrap();
    let quiet = QuietHours { days: vec![], from: "22:00".parse().unwrap(), to: "06:00".parse().unwrap() };
    let refused = app.save_settings(Settings { quiet_hours: vec![quiet], ..Settings::default() }).await.unwrap_err();
    assert_eq!(refused.code, Code::BadInput);
    assert_eq!(app.settings().await.unwrap(), mine);
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_waits_for_the_person_where_the_settings_say_so() {
    let (world, app, _host) = live().await;
    let message = NewMessage {
        title: "With a picture".into(),
        body: "<p>Body</p>".into(),
        image: Some("http://127.0.0.1:9/x.png".into()),
        ..NewMessage::default()
    };
    let id = MessageId(world.server.send(&world.user, message).await.unwrap().to_string());
    until(&app, "listed", |view| view.total == 1).await;
    let image = async |app: &Handle| app.detail(id.clone()).await.unwrap().image;
    assert_eq!(image(&app).await, ImageView::Show);
    app.save_settings(Settings { images: Images::Ask, ..Settings::default() }).await.unwrap();
    assert_eq!(image(&app).await, ImageView::Ask);
    assert_eq!(app.picture(id.clone()).await.unwrap_err().code, Code::ImageHeld);
    app.show_image(id.clone()).await.unwrap();
    assert_eq!(image(&app).await, ImageView::Show);
    assert_ne!(
        app.picture(id.clone()).await.unwrap_err().code,
        Code::ImageHeld,
        "nobody listens there, but it was tried"
    );
    app.save_settings(Settings { images: Images::Never, ..Settings::default() }).await.unwrap();
    assert_eq!(image(&app).await, ImageView::Off);
    assert_eq!(app.show_image(id.clone()).await.unwrap_err().code, Code::ImageHeld);
    assert_eq!(app.picture(id.clone()).await.unwrap_err().code, Code::ImageHeld);
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retention_removes_what_is_read_and_old_and_the_next_list_does_not_bring_it_back() {
    let (world, fake) = (World::new().await, Fake::start().await);
    let old = |id: u32, read: bool| json!({"MessageId": id, "Event": "message", "Title": "t", "Message": "m", "Date": "2020-01-01 00:00:00", "IsRead": read});
    *fake.said.list.lock().unwrap() = vec![old(1, true), old(2, true), old(3, false)];
    let (app, _host) = world.app().await;
    app.sign_in(fake.sign_in(&world)).await.unwrap();
    until(&app, "listed", |view| view.total == 3 && view.up_to_date).await;
    let retention = Retention { days: Some(30), messages: None };
    app.save_settings(Settings { retention, ..Settings::default() }).await.unwrap();
    until(&app, "the unread one is left", |view| (view.total, view.unread) == (1, 1)).await;
    let synced = app.view().borrow().last_synced;
    app.refresh().await.unwrap();
    let view = until(&app, "listed again", |view| view.last_synced > synced).await;
    assert_eq!(view.total, 1);
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_in_a_pause_is_told_at_its_end_also_when_the_list_was_looked_at_meanwhile() {
    let (world, app, host) = live().await;
    app.pause(PauseFor::Hour).await.unwrap();
    for n in 1..=2 {
        world.send(&format!("Meanwhile {n}")).await;
    }
    until(&app, "listed", |view| view.total == 2).await;
    app.focused(true).await;
    app.list_shown(true).await;
    world.send("Seen as it came").await;
    until(&app, "listed", |view| view.total == 3).await;
    app.resume().await.unwrap();
    eventually("the digest", async || !host.titles().is_empty()).await;
    assert_eq!(host.titles(), ["2 new messages"]);
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_locked_screen_nothing_is_seen_as_it_comes() {
    let (world, app, host) = live().await;
    app.focused(true).await;
    app.list_shown(true).await;
    app.nudge(Nudge::Locked).await;
    world.send("At lunch").await;
    eventually("told", async || host.titles() == ["At lunch"]).await;
    let synced = app.view().borrow().last_synced;
    app.nudge(Nudge::Unlocked).await;
    // What the list call at the unlocking brings was missed, and is told: nothing new may wait for it.
    until(&app, "listed at the unlocking", |view| view.last_synced > synced).await;
    world.send("Back").await;
    until(&app, "listed", |view| view.total == 2).await;
    app.focused(false).await;
    world.send("Away").await;
    eventually("told", async || host.titles().len() == 2).await;
    assert_eq!(host.titles(), ["At lunch", "Away"]);
    app.shutdown().await;
}
