//! A keyring that a person would have to unlock: the controller asks when they turn to it, and never by itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use inbox::{
    AccountId, Alert, AlertTarget, Code, Handle, Handover, Host, Kept, MessageId, Nudge, Options, Problem, Secrets,
    SessionView, TrayView, Withdrawal,
};
use secrecy::SecretString;

/// Counts how often it is asked, and gives nothing.
#[derive(Default)]
struct Locked {
    asked: AtomicUsize,
    /// Whether a person dismisses the dialog; otherwise the keyring is just not there.
    dismissed: AtomicBool,
}

impl Secrets for Locked {
    fn get<'a>(&'a self, _: &'a AccountId) -> Kept<'a, Option<SecretString>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let asks_person = self.dismissed.load(Ordering::SeqCst);
        Box::pin(async move {
            Err(Problem { asks_person, ..Problem::new(Code::NoKeyring, "The keyring is locked.", "Unlock it.") })
        })
    }

    fn set<'a>(&'a self, _: &'a AccountId, _: &'a SecretString) -> Kept<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn delete<'a>(&'a self, _: &'a AccountId) -> Kept<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

struct NoDesktop;

impl Host for NoDesktop {
    async fn alert(&self, _: Alert) -> Handover {
        Handover::Taken
    }

    async fn withdraw_alert(&self, _: AlertTarget) -> Withdrawal {
        Withdrawal::Unsupported
    }

    fn set_tray(&self, _: TrayView) {}

    fn show_window(&self, _: Option<MessageId>) {}

    fn open_url(&self, _: url::Url) -> Result<(), Problem> {
        Ok(())
    }
}

/// An app whose account was signed in before, with its sid in `secrets`. The clock of these tests jumps to whatever is
/// waited for: an hour is over at once.
async fn resuming(folder: &tempfile::TempDir, secrets: &Arc<Locked>) -> Handle {
    let account = r#"{ "version": 1, "environment": "http://127.0.0.1:9/", "brand": "demo", "user": "7" }"#;
    fs::write(folder.path().join("account.json"), account).unwrap();
    let secrets: Arc<dyn Secrets> = Arc::<Locked>::clone(secrets);
    let app = inbox::start(Options::new(folder.path().to_owned(), secrets), Arc::new(NoDesktop)).await.unwrap();
    let mut view = app.view();
    view.wait_for(|view| matches!(view.session, SessionView::Offline { .. })).await.unwrap();
    app
}

async fn asked(secrets: &Locked, times: usize) {
    let waiting = async {
        while secrets.asked.load(Ordering::SeqCst) < times {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_person_who_did_not_unlock_the_keyring_is_asked_again_only_when_they_turn_to_the_app() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = Arc::new(Locked { dismissed: AtomicBool::new(true), ..Locked::default() });
    let app = resuming(&folder, &secrets).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(secrets.asked.load(Ordering::SeqCst), 1, "no timer raises the dialog again");

    app.window_opened().await.unwrap();
    asked(&secrets, 2).await;
    app.refresh().await.unwrap();
    asked(&secrets, 3).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(secrets.asked.load(Ordering::SeqCst), 3, "once for each time");
    app.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_keyring_that_the_person_refused_is_asked_again_after_an_unlock_and_by_no_other_signal() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = Arc::new(Locked { dismissed: AtomicBool::new(true), ..Locked::default() });
    let app = resuming(&folder, &secrets).await;
    for nudge in [Nudge::NetworkChanged, Nudge::Woke, Nudge::NetworkChanged] {
        app.nudge(nudge).await;
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
    assert_eq!(secrets.asked.load(Ordering::SeqCst), 1, "nobody may be there to answer");

    app.nudge(Nudge::Unlocked).await;
    asked(&secrets, 2).await;
    app.nudge(Nudge::NetworkChanged).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(secrets.asked.load(Ordering::SeqCst), 2, "once for each unlock");
    app.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_keyring_that_is_not_there_yet_is_looked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = Arc::new(Locked::default());
    let app = resuming(&folder, &secrets).await;
    asked(&secrets, 3).await;
    app.shutdown().await;
}
