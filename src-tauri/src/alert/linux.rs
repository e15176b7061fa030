//! Linux: notify-rust shows, and a listener of our own, there before the first is shown, takes the clicks. Services that
//! tell a click to the sending connection alone (dunst does) are heard by notify-rust's handle, which is kept for that;
//! some also take a notification back when its sender goes. It must never wait for a service without a limit.

use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::StreamExt as _;
use inbox::{Alert, AlertTarget, Handover, Problem, Withdrawal};
use notify_rust::{CloseReason, Hint, NotificationHandle, NotificationResponse};
use tokio::{
    sync::{Mutex as AsyncMutex, Notify, mpsc},
    task::AbortHandle,
    time::timeout,
};
use zbus::{Connection, MatchRule, MessageStream, fdo, message::Type};

use super::{LIMIT, no_service, notification, standing::Standing};

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// Connections kept for services that answer the sender alone.
const KEPT: usize = 32;

/// Shows alerts and sends clicks on.
#[derive(Debug, Clone)]
pub struct Alerts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    icon: Option<PathBuf>,
    clicks: mpsc::Sender<AlertTarget>,
    standing: Mutex<Standing>,
    kept: Mutex<VecDeque<AbortHandle>>,
    /// What the service that runs now can do; asked again when another takes its place.
    reads_markup: Mutex<Option<bool>>,
    listener: AsyncMutex<Option<Connection>>,
    /// Told when a service takes its place.
    appeared: Notify,
}

impl Alerts {
    /// Clicks go to `clicks`; `icon` is the app's picture.
    pub fn new(clicks: mpsc::Sender<AlertTarget>, icon: Option<PathBuf>) -> Self {
        Self(Arc::new(Inner {
            icon,
            clicks,
            standing: Mutex::default(),
            kept: Mutex::default(),
            reads_markup: Mutex::default(),
            listener: AsyncMutex::default(),
            appeared: Notify::new(),
        }))
    }

    /// Sets the listener up, so that the first alert need not wait for it. Where that fails it is tried again with the
    /// first alert.
    pub async fn listen(&self) {
        match timeout(LIMIT, self.connection()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::info!(%error, "no session bus to listen on for clicks yet"),
            Err(_) => tracing::info!("the session bus does not answer yet"),
        }
    }

    /// Answers once a notification service has come since this was asked last.
    pub async fn service_appeared(&self) {
        self.0.appeared.notified().await;
    }

    /// Shows one, and answers once the service has.
    pub async fn show(&self, alert: Alert) -> Handover {
        locked(&self.0.standing).begin();
        let shown = timeout(LIMIT, self.hand_over(&alert)).await;
        let clicked = match &shown {
            Ok(Ok(handle)) => locked(&self.0.standing).shown(handle.id(), alert.target),
            Ok(Err(_)) | Err(_) => None,
        };
        locked(&self.0.standing).end();
        if let Some(target) = clicked {
            self.send(target);
        }
        match shown {
            Ok(Ok(handle)) => {
                self.keep(handle);
                Handover::Taken
            }
            Ok(Err(why)) => Handover::NotTaken(no_service(&why)),
            // It may have been shown all the same.
            Err(_) => Handover::Unknown(no_service("the notification service does not answer")),
        }
    }

    async fn hand_over(&self, alert: &Alert) -> Result<NotificationHandle, String> {
        let connection = self.connection().await.map_err(|error| short(&error))?;
        let body = if self.reads_markup(&connection).await.map_err(|error| short(&error))? {
            inbox::text::escape_markup(&alert.body)
        } else {
            alert.body.clone()
        };
        // A service that plays sounds of its own keeps quiet where none was asked for.
        let sound =
            if alert.sound { Hint::SoundName("message-new-instant".to_owned()) } else { Hint::SuppressSound(true) };
        notification(&alert.title, &body, self.0.icon.as_deref())
            .hint(Hint::DesktopEntry("Traybell".to_owned()))
            .hint(sound)
            .action("default", "Open")
            .show_async()
            .await
            .map_err(|error| bounded(&error.to_string()))
    }

    /// Takes back what stands for `target`.
    pub async fn withdraw(&self, target: &AlertTarget) -> Withdrawal {
        let ids = locked(&self.0.standing).take(target);
        let mut withdrawal = Withdrawal::Unsupported;
        for id in ids {
            if self.close(id).await {
                withdrawal = Withdrawal::Withdrawn;
            }
        }
        withdrawal
    }

    /// Takes one off the screen; whether the service did so.
    async fn close(&self, id: u32) -> bool {
        let closed = timeout(LIMIT, async {
            let connection = self.connection().await?;
            connection.call_method(Some(SERVICE), PATH, Some(SERVICE), "CloseNotification", &(id,)).await
        });
        match closed.await {
            Ok(Ok(_)) => true,
            Ok(Err(error)) => {
                tracing::debug!(%error, "a notification could not be withdrawn");
                false
            }
            Err(_) => {
                tracing::debug!("a notification was not withdrawn in time");
                false
            }
        }
    }

    /// Whether the service takes the body as markup.
    async fn reads_markup(&self, connection: &Connection) -> zbus::Result<bool> {
        if let Some(known) = *locked(&self.0.reads_markup) {
            return Ok(known);
        }
        let reply = connection.call_method(Some(SERVICE), PATH, Some(SERVICE), "GetCapabilities", &()).await?;
        let capabilities: Vec<String> = reply.body().deserialize()?;
        let reads_markup = capabilities.iter().any(|capability| capability == "body-markup");
        *locked(&self.0.reads_markup) = Some(reads_markup);
        Ok(reads_markup)
    }

    /// Keeps the connection a notification was sent by, and hears on it, until the notification is gone.
    fn keep(&self, handle: NotificationHandle) {
        let alerts = self.clone();
        let id = handle.id();
        let task = tokio::spawn(async move {
            let heard = |response: &NotificationResponse| match response {
                NotificationResponse::Default | NotificationResponse::Action(_) | NotificationResponse::Reply(_) => {
                    alerts.clicked(id);
                }
                NotificationResponse::Closed(reason) => {
                    locked(&alerts.0.standing).closed(id, *reason == CloseReason::Expired);
                }
            };
            handle.wait_for_action_async(heard).await;
        });
        let mut kept = locked(&self.0.kept);
        kept.retain(|task| !task.is_finished());
        if kept.len() == KEPT
            && let Some(oldest) = kept.pop_front()
        {
            oldest.abort();
        }
        kept.push_back(task.abort_handle());
    }

    /// The listener's connection, made on first use and again after it was lost.
    async fn connection(&self) -> zbus::Result<Connection> {
        let mut listener = self.0.listener.lock().await;
        if let Some(connection) = &*listener {
            return Ok(connection.clone());
        }
        let connection = Connection::session().await?;
        let signals = MatchRule::builder().msg_type(Type::Signal).interface(SERVICE).path(PATH).build()?;
        let signals = MessageStream::for_match_rule(signals, &connection, NonZeroUsize::new(64)).await?;
        let bus = fdo::DBusProxy::new(&connection).await?;
        let owners = bus.receive_name_owner_changed_with_args(&[(0, SERVICE)]).await?;
        *listener = Some(connection.clone());
        tokio::spawn(self.clone().hear(signals, owners));
        Ok(connection)
    }

    async fn hear(self, mut signals: MessageStream, mut owners: fdo::NameOwnerChangedStream) {
        loop {
            tokio::select! {
                signal = signals.next() => match signal {
                    Some(Ok(message)) => self.take_signal(&message),
                    Some(Err(error)) => tracing::debug!(%error, "a signal could not be read"),
                    None => break,
                },
                change = owners.next() => match change {
                    Some(change) => self.service_changed(&change),
                    None => break,
                },
            }
        }
        // The bus went: the next alert connects anew.
        *self.0.listener.lock().await = None;
        *locked(&self.0.reads_markup) = None;
    }

    fn service_changed(&self, change: &fdo::NameOwnerChanged) {
        *locked(&self.0.reads_markup) = None;
        // One that starts for our own call has no predecessor, and its answer may be ahead of this signal.
        if change.args().is_ok_and(|args| args.old_owner().is_some()) {
            locked(&self.0.standing).forget();
        }
        if change.args().is_ok_and(|args| args.new_owner().is_some()) {
            self.0.appeared.notify_one();
        }
    }

    fn take_signal(&self, message: &zbus::Message) {
        let header = message.header();
        match header.member().map(zbus::names::MemberName::as_str) {
            // Any action of ours opens the message; there is only the default one.
            Some("ActionInvoked") => match message.body().deserialize::<(u32, String)>() {
                Ok((id, _)) => self.clicked(id),
                Err(error) => tracing::debug!(%error, "a click could not be read"),
            },
            Some("NotificationClosed") => match message.body().deserialize::<(u32, u32)>() {
                Ok((id, reason)) => {
                    let expired = CloseReason::from(reason) == CloseReason::Expired;
                    locked(&self.0.standing).closed(id, expired);
                }
                Err(error) => tracing::debug!(%error, "the end of a notification could not be read"),
            },
            Some(_) | None => {}
        }
    }

    fn clicked(&self, id: u32) {
        let target = locked(&self.0.standing).clicked(id);
        if let Some(target) = target {
            self.send(target);
            // Some services, dunst among them, leave what was clicked on the screen.
            let alerts = self.clone();
            tokio::spawn(async move { alerts.close(id).await });
        }
    }

    fn send(&self, target: AlertTarget) {
        if self.0.clicks.try_send(target).is_err() {
            tracing::warn!("a click on a notification was lost: the controller is behind or gone");
        }
    }
}

/// What is guarded is whole after each statement, so a panic of another holder leaves nothing half done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The notification service that runs, by name and version, or why none does.
pub async fn find_service() -> Result<String, Problem> {
    let asked = timeout(LIMIT, async {
        let connection = Connection::session().await?;
        let reply = connection.call_method(Some(SERVICE), PATH, Some(SERVICE), "GetServerInformation", &()).await?;
        reply.body().deserialize::<(String, String, String, String)>()
    });
    match asked.await {
        Ok(Ok((name, _, version, _))) => Ok(format!("{} {}", bounded(&name), bounded(&version))),
        Ok(Err(error)) => Err(no_service(&short(&error))),
        Err(_) => Err(no_service("the notification service does not answer")),
    }
}

/// What a bus error means for a person.
fn short(error: &zbus::Error) -> String {
    match error {
        zbus::Error::MethodError(name, _, _) if name.ends_with(".ServiceUnknown") => {
            "there is no notification service".to_owned()
        }
        zbus::Error::MethodError(name, _, _) if name.contains(".Error.Spawn.") => {
            "the notification service could not be started".to_owned()
        }
        zbus::Error::InputOutput(_) | zbus::Error::Address(_) => "there is no session bus".to_owned(),
        other => bounded(&other.to_string()),
    }
}

fn bounded(text: &str) -> String {
    inbox::text::bound(text, 200)
}
