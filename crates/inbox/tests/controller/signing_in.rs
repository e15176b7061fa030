//! Signing in again: after the keyring went missing, for this session only, and as somebody else.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use inbox::{
    AccountId, AlertTarget, Code, Handle, Keep, Kept, MemorySecrets, Options, Problem, Query, Secrets, SessionView,
    SignIn, SignOut, View,
};
use secrecy::SecretString;

use crate::world::{Recorder, SID, World, eventually, is_live, until};

/// A keyring that can go missing.
#[derive(Default)]
struct Keyring {
    kept: MemorySecrets,
    missing: AtomicBool,
    /// How often it was asked to forget something.
    deletes: AtomicUsize,
}

impl Keyring {
    fn answer<'a, T: Send + 'a>(&self, kept: Kept<'a, T>) -> Kept<'a, T> {
        if self.missing.load(Ordering::SeqCst) {
            return Box::pin(async { Err(Problem::new(Code::NoKeyring, "No keyring.", "")) });
        }
        kept
    }
}

impl Secrets for Keyring {
    fn get<'a>(&'a self, account: &'a AccountId) -> Kept<'a, Option<SecretString>> {
        self.answer(self.kept.get(account))
    }

    fn set<'a>(&'a self, account: &'a AccountId, secret: &'a SecretString) -> Kept<'a, ()> {
        self.answer(self.kept.set(account, secret))
    }

    fn delete<'a>(&'a self, account: &'a AccountId) -> Kept<'a, ()> {
        self.deletes.fetch_add(1, Ordering::SeqCst);
        if self.missing.load(Ordering::SeqCst) {
            return self.answer(Box::pin(async { Ok(()) }));
        }
        self.kept.delete(account)
    }
}

async fn app_with(world: &World, keyring: &Arc<Keyring>, host: &Arc<Recorder>) -> Handle {
    let secrets: Arc<dyn Secrets> = keyring.clone();
    inbox::start(Options::new(world.data(), secrets), Arc::clone(host)).await.unwrap()
}

fn account(world: &World, user: &relay::User) -> AccountId {
    AccountId {
        environment: world.server.url().parse::<fasttrack_client::Environment>().unwrap().to_string(),
        brand: "demo".into(),
        user: user.id.to_string(),
    }
}

fn is_rejected(view: &View) -> bool {
    matches!(view.session, SessionView::Rejected { .. })
}

fn session_only(sign_in: SignIn) -> SignIn {
    SignIn { keep: Keep::SessionOnly, ..sign_in }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_keyring_an_account_can_be_signed_in_for_this_session_only() {
    let (world, keyring) = (World::new().await, Arc::new(Keyring::default()));
    let app = app_with(&world, &keyring, &Arc::default()).await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "live", is_live).await;
    app.shutdown().await;

    keyring.missing.store(true, Ordering::SeqCst);
    let app = app_with(&world, &keyring, &Arc::default()).await;
    until(
        &app,
        "offline for want of a keyring",
        |view| matches!(&view.session, SessionView::Offline { problem, .. } if problem.code == Code::NoKeyring),
    )
    .await;
    assert_eq!(app.sign_in(world.sign_in(SID)).await.unwrap_err().code, Code::NoKeyring);
    app.sign_in(session_only(world.sign_in(SID))).await.unwrap();
    until(&app, "live", is_live).await;
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_fails_does_not_end_the_wait_for_the_keyring() {
    let (world, keyring) = (World::new().await, Arc::new(Keyring::default()));
    let app = app_with(&world, &keyring, &Arc::default()).await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "live", is_live).await;
    app.shutdown().await;

    keyring.missing.store(true, Ordering::SeqCst);
    let app = app_with(&world, &keyring, &Arc::default()).await;
    until(&app, "offline", |view| matches!(view.session, SessionView::Offline { .. })).await;
    assert_eq!(app.sign_in(world.sign_in("wrong")).await.unwrap_err().code, Code::Rejected);
    keyring.missing.store(false, Ordering::SeqCst);
    until(&app, "resumed from the keyring", is_live).await;
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_again_for_this_session_only_takes_the_sid_out_of_the_keyring() {
    let (world, keyring) = (World::new().await, Arc::new(Keyring::default()));
    let app = app_with(&world, &keyring, &Arc::default()).await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "live", is_live).await;
    world.server.expire_session(&world.user).await.unwrap();
    app.refresh().await.unwrap();
    until(&app, "rejected", is_rejected).await;

    world.server.set_sid(&world.user, "a-new-sid").await.unwrap();
    app.sign_in(session_only(world.sign_in("a-new-sid"))).await.unwrap();
    let account = account(&world, &world.user);
    eventually("the old sid is gone", async || keyring.get(&account).await.unwrap().is_none()).await;
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_cannot_be_taken_on_leaves_no_sid_behind() {
    let (world, keyring) = (World::new().await, Arc::new(Keyring::default()));
    let app = app_with(&world, &keyring, &Arc::default()).await;
    // In the way of the file that says who is signed in.
    std::fs::create_dir_all(world.data().join("account.json/in-the-way")).unwrap();
    assert_eq!(app.sign_in(world.sign_in(SID)).await.unwrap_err().code, Code::StoreFailed);
    assert!(keyring.get(&account(&world, &world.user)).await.unwrap().is_none());
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_user_gets_an_inbox_of_his_own_and_the_first_sid_is_forgotten() {
    let (world, keyring) = (World::new().await, Arc::new(Keyring::default()));
    let other = world.server.add_user("demo", "sid-of-luke-1b2c", "Luke", "Skywalker").await.unwrap();
    let host = Arc::<Recorder>::default();
    let app = app_with(&world, &keyring, &host).await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    let id = world.send("For Darth").await;
    until(&app, "received and announced", |view| view.total == 1 && view.counters.alerts == 1).await;
    world.server.expire_session(&world.user).await.unwrap();
    app.refresh().await.unwrap();
    until(&app, "rejected", is_rejected).await;

    app.sign_in(world.sign_in("sid-of-luke-1b2c")).await.unwrap();
    let view = until(&app, "live and listed", |view| is_live(view) && view.last_synced.is_some()).await;
    assert_eq!((view.account.unwrap().name.as_str(), view.total), ("Luke Skywalker", 0));
    assert_eq!(app.page(Query::default(), None, 10).await.unwrap().rows, []);
    let theirs = AlertTarget::Message(id);
    eventually("the first one's alert is gone", async || host.withdrawn.lock().unwrap().contains(&theirs)).await;
    let stores = std::fs::read_dir(world.data()).unwrap().map(|entry| entry.unwrap().path());
    let stores = stores.filter(|path| path.extension().is_some_and(|it| it == "sqlite")).count();
    assert_eq!(stores, 1, "the first one's messages left, as at a sign-out");
    let first = account(&world, &world.user);
    eventually("the first sid is forgotten", async || keyring.get(&first).await.unwrap().is_none()).await;
    assert!(keyring.get(&account(&world, &other)).await.unwrap().is_some());
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_does_not_end_a_session_whose_sid_is_in_no_keyring() {
    let world = World::new().await;
    let (app, host) = world.app().await;
    app.sign_in(session_only(world.sign_in(SID))).await.unwrap();
    until(&app, "live", is_live).await;
    host.panic_at_tray.store(true, Ordering::SeqCst);
    world.send("Before and after").await;
    eventually("the panic has happened", async || !host.panic_at_tray.load(Ordering::SeqCst)).await;
    // Counters begin anew with the controller, so this is the one after the panic.
    until(&app, "live again", |view| is_live(view) && view.counters.received == 0 && view.total == 1).await;
    world.send("Still alive").await;
    eventually("alerts go on", async || host.titles().iter().any(|title| title == "Still alive")).await;
    app.shutdown().await;
}

/// As a program leaves it that was killed between the keyring and the note of who is signed in.
async fn leave_unclaimed(world: &World, keyring: &Keyring, user: &relay::User) -> std::path::PathBuf {
    let id = account(world, user);
    keyring.set(&id, &SecretString::from(SID)).await.unwrap();
    std::fs::create_dir_all(world.data()).unwrap();
    let note = world.data().join("0123.unclaimed");
    std::fs::write(&note, serde_json::to_vec(&id).unwrap()).unwrap();
    note
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sid_that_a_killed_sign_in_left_in_the_keyring_is_removed_by_the_next_start() {
    let (world, keyring) = (World::new().await, Arc::new(Keyring::default()));
    let note = leave_unclaimed(&world, &keyring, &world.user).await;
    keyring.missing.store(true, Ordering::SeqCst);
    let app = app_with(&world, &keyring, &Arc::default()).await;
    eventually("it is tried", async || keyring.deletes.load(Ordering::SeqCst) == 1).await;
    app.shutdown().await;
    assert!(note.exists(), "the keyring was not there: it is tried again");

    keyring.missing.store(false, Ordering::SeqCst);
    let app = app_with(&world, &keyring, &Arc::default()).await;
    let id = account(&world, &world.user);
    eventually("the sid is gone", || async { keyring.get(&id).await.unwrap().is_none() && !note.exists() }).await;
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sid_of_whoever_is_signed_in_stays_whatever_is_noted() {
    let (world, keyring) = (World::new().await, Arc::new(Keyring::default()));
    let app = app_with(&world, &keyring, &Arc::default()).await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    app.shutdown().await;
    let notes = || std::fs::read_dir(world.data()).unwrap().filter(|it| is_note(&it.as_ref().unwrap().path())).count();
    assert_eq!(notes(), 0, "a sign-in that is over leaves no note");

    let note = leave_unclaimed(&world, &keyring, &world.user).await;
    let app = app_with(&world, &keyring, &Arc::default()).await;
    until(&app, "live", is_live).await;
    assert!(!note.exists());

    keyring.missing.store(true, Ordering::SeqCst);
    assert_eq!(app.sign_out(SignOut::default()).await.unwrap_err().code, Code::NoKeyring);
    app.shutdown().await;
    assert_eq!(notes(), 1, "a sign-out that could not remove the sid is remembered");
    keyring.missing.store(false, Ordering::SeqCst);
    let app = app_with(&world, &keyring, &Arc::default()).await;
    let id = account(&world, &world.user);
    eventually("the sid is gone", || async { keyring.get(&id).await.unwrap().is_none() }).await;
    app.shutdown().await;
}

fn is_note(path: &std::path::Path) -> bool {
    path.extension().is_some_and(|ending| ending == "unclaimed")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pairing_code_signs_in_once_and_for_all() {
    let world = World::new().await;
    world.server.name_user(&world.user, "darth", &[]).await.unwrap();
    let users = relay::Users::open(world.folder.path().join("relay.sqlite")).await.unwrap();
    let code = users.pair("demo", "darth").await.unwrap();
    let (app, _host) = world.app().await;
    app.sign_in(world.sign_in(secrecy::ExposeSecret::expose_secret(&code))).await.unwrap();
    until(&app, "live", is_live).await;
    app.shutdown().await;
    let (app, _host) = world.app().await;
    until(&app, "live again, with what was given for the code", is_live).await;
    app.shutdown().await;
    let (other, _host) = world.app_in("other").await;
    let refused = other.sign_in(world.sign_in(secrecy::ExposeSecret::expose_secret(&code))).await.unwrap_err();
    assert_eq!(refused.code, Code::Rejected, "{refused:?}");
    other.shutdown().await;
}
