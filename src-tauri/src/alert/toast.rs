//! Windows and macOS: notify-rust shows, and a thread for each notification waits for its click, since both systems have
//! no other way. It must never have more than a few such threads.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use inbox::{Alert, AlertTarget, Handover, Problem, Withdrawal};
use notify_rust::NotificationResponse;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{LIMIT, no_service, notification, waiting::Waiting};

/// The system's own sound for a new message. Without one a notification is silent.
const SOUND: &str = if cfg!(windows) { "IM" } else { "default" };

/// A thread that waits needs next to nothing.
const STACK: usize = 256 * 1024;

/// Shows alerts and sends clicks on.
#[derive(Debug, Clone)]
pub struct Alerts {
    clicks: mpsc::Sender<AlertTarget>,
    waiting: Arc<Mutex<Waiting>>,
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
        let thread = std::thread::Builder::new().name("alert".to_owned()).stack_size(STACK);
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
        let mut notification = notification(&alert.title, &alert.body, None);
        if alert.sound {
            notification.sound_name(SOUND);
        }
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
        // Without a place it is shown all the same, and its click leads nowhere.
        let place = self.waiting().begin(Instant::now());
        if let Some(place) = place {
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
            self.waiting().end(place);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These systems cannot.
    #[allow(clippy::unused_async)] // the other system's has to wait
    pub async fn withdraw(&self, _target: &AlertTarget) -> Withdrawal {
        Withdrawal::Unsupported
    }
}

/// Whether the program runs from where it was installed, and not from one of cargo's build folders, which may be for
/// another target or profile.
#[cfg(windows)]
fn is_installed() -> bool {
    let Ok(program) = std::env::current_exe() else { return false };
    !program.components().any(|part| part.as_os_str().eq_ignore_ascii_case("target"))
}
