//! Windows and macOS: notify-rust shows, and a thread for each notification waits for its click, since both systems have
//! no other way. It must never have more than a few such threads.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use inbox::{Alert, AlertTarget, Handover, Problem, Withdrawal};
use notify_rust::NotificationResponse;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{LIMIT, no_service, notification};

/// Notifications that wait for a click at a time; more are shown without.
const WAITING: usize = 16;

/// Shows alerts and sends clicks on.
#[derive(Debug, Clone)]
pub struct Alerts {
    clicks: mpsc::Sender<AlertTarget>,
    waiting: Arc<AtomicUsize>,
}

impl Alerts {
    /// Clicks go to `clicks`. The system knows the picture of an installed app, so `_icon` is not used.
    pub fn new(clicks: mpsc::Sender<AlertTarget>, _icon: Option<PathBuf>) -> Self {
        #[cfg(target_os = "macos")]
        if let Err(error) = notify_rust::set_application(crate::IDENTIFIER) {
            tracing::info!(%error, "notifications are shown under another program's name");
        }
        Self { clicks, waiting: Arc::default() }
    }

    /// Nothing to set up here.
    #[allow(clippy::unused_async)] // the other system's has to wait
    pub async fn listen(&self) {}

    /// Shows one, and answers once the system has.
    pub async fn show(&self, alert: Alert) -> Handover {
        let (taken, answer) = oneshot::channel();
        let this = self.clone();
        let thread = std::thread::Builder::new().name("alert".to_owned());
        if let Err(error) = thread.spawn(move || this.show_and_wait(alert, taken)) {
            return Handover::NotTaken(no_service(&error.to_string()));
        }
        match timeout(LIMIT, answer).await {
            Ok(Ok(Ok(()))) => Handover::Taken,
            Ok(Ok(Err(problem))) => Handover::NotTaken(problem),
            Ok(Err(_)) => Handover::Unknown(no_service("the notification ended at once")),
            Err(_) => Handover::Unknown(no_service("the system does not answer")),
        }
    }

    fn show_and_wait(&self, alert: Alert, taken: oneshot::Sender<Result<(), Problem>>) {
        #[cfg_attr(not(windows), allow(unused_mut))]
        let mut notification = notification(&alert.title, &alert.body, None);
        #[cfg(windows)]
        if is_installed() {
            // Without an entry in the Start menu this identity would show nothing at all.
            notification.app_id(crate::IDENTIFIER);
        }
        let shown = notification.show();
        let handle = match shown {
            Ok(handle) => handle,
            Err(error) => {
                // Nobody waits any more: the limit has passed.
                let _ = taken.send(Err(no_service(&inbox::text::bound(&error.to_string(), 200))));
                return;
            }
        };
        let _ = taken.send(Ok(()));
        if self.waiting.fetch_add(1, Ordering::Relaxed) < WAITING {
            let clicks = self.clicks.clone();
            let waited = handle.wait_for_response(move |response: &NotificationResponse| match response {
                NotificationResponse::Default | NotificationResponse::Action(_) | NotificationResponse::Reply(_) => {
                    if clicks.try_send(alert.target).is_err() {
                        tracing::warn!("a click on a notification was lost: the controller is behind or gone");
                    }
                }
                NotificationResponse::Closed(_) => {}
            });
            if let Err(error) = waited {
                tracing::debug!(%error, "a notification cannot tell of its click");
            }
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// These systems cannot.
    #[allow(clippy::unused_async)] // the other system's has to wait
    pub async fn withdraw(&self, _target: &AlertTarget) -> Withdrawal {
        Withdrawal::Unsupported
    }
}

/// Whether the program runs from where it was installed, and not from a build folder.
#[cfg(windows)]
fn is_installed() -> bool {
    let Ok(program) = std::env::current_exe() else { return false };
    let built = |end: &str| program.parent().is_some_and(|folder| folder.ends_with(end));
    !built("target/debug") && !built("target/release")
}
