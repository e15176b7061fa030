//! What the desktop's panel is like: whether it hosts tray icons, and whether it is dark. Asked over D-Bus with time
//! limits. It must never hold up the start for a service that does not answer.

use std::{num::NonZeroUsize, time::Duration};

use futures_util::{Stream, StreamExt as _, stream};
use inbox::Problem;
use tokio::{sync::mpsc, time::timeout};
use zbus::{Connection, MatchRule, MessageStream, OwnedVariant, fdo, message::Type};

use super::no_tray;

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
/// A service on this machine that takes longer is not there.
const LIMIT: Duration = Duration::from_secs(3);

/// Whether some panel shows tray icons now; with why not.
pub async fn find_host() -> Result<(), Problem> {
    match timeout(LIMIT, async { is_hosted(&Connection::session().await?).await }).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err(no_tray(
            "No panel of this desktop shows tray icons.",
            "Add a status tray to the panel; on GNOME, install the AppIndicator extension.",
        )),
        Ok(Err(error)) => Err(no_bus(&error.to_string())),
        Err(_) => Err(no_bus("it does not answer")),
    }
}

fn no_bus(why: &str) -> Problem {
    no_tray(&format!("The session bus cannot be asked for a tray: {why}."), "Start Traybell within a desktop session.")
}

async fn is_hosted(connection: &Connection) -> zbus::Result<bool> {
    let bus = fdo::DBusProxy::new(connection).await?;
    if !bus.name_has_owner(WATCHER.try_into()?).await? {
        return Ok(false);
    }
    let properties = fdo::PropertiesProxy::new(connection, WATCHER, "/StatusNotifierWatcher").await?;
    let hosted = properties.get(WATCHER.try_into()?, "IsStatusNotifierHostRegistered").await;
    // A watcher that does not say is taken at its presence.
    Ok(hosted.ok().and_then(|value| bool::try_from(value).ok()).unwrap_or(true))
}

/// Reports whenever a host comes or goes, until the bus or the receiver ends. The first report comes after a moment in
/// which a panel that starts beside us can appear.
pub async fn watch_host(reports: mpsc::Sender<Result<(), Problem>>) {
    /// At log-in, panels start beside us.
    const GRACE: Duration = Duration::from_secs(2);
    let changes = match timeout(LIMIT, host_changes()).await {
        Ok(Ok(changes)) => Some(changes),
        Ok(Err(error)) => {
            tracing::info!(%error, "the tray host cannot be followed");
            None
        }
        Err(_) => None,
    };
    tokio::time::sleep(GRACE).await;
    let mut last = find_host().await;
    if reports.send(last.clone()).await.is_err() {
        return;
    }
    let Some(mut changes) = changes else { return };
    while changes.next().await.is_some() {
        // A watcher comes up before its host registers with it.
        tokio::time::sleep(GRACE).await;
        let now = find_host().await;
        if now != last {
            last = now.clone();
            if reports.send(now).await.is_err() {
                return;
            }
        }
    }
}

/// The watcher coming and going, and hosts coming to and going from a watcher that stays: some desktops have it apart from
/// the panel.
async fn host_changes() -> zbus::Result<impl Stream<Item = ()> + Unpin> {
    let connection = Connection::session().await?;
    let bus = fdo::DBusProxy::new(&connection).await?;
    let owners = bus.receive_name_owner_changed_with_args(&[(0, WATCHER)]).await?.map(drop);
    let signals = |member: &'static str| {
        let connection = connection.clone();
        async move {
            let rule = MatchRule::builder().msg_type(Type::Signal).interface(WATCHER).member(member).build()?;
            zbus::Result::Ok(MessageStream::for_match_rule(rule, &connection, NonZeroUsize::new(8)).await?.map(drop))
        }
    };
    let registered = signals("StatusNotifierHostRegistered").await?;
    let unregistered = signals("StatusNotifierHostUnregistered").await?;
    Ok(stream::select(owners, stream::select(registered, unregistered)).boxed())
}

/// Whether the panel is dark, as far as can be said at once: GNOME's bar always is, other panels follow the GTK theme. To
/// be called on the main thread.
pub fn looks_dark() -> bool {
    use gtk::prelude::GtkSettingsExt as _;
    let Some(settings) = gtk::Settings::default().filter(|_| !is_gnome()) else { return true };
    settings.is_gtk_application_prefer_dark_theme()
        || settings.gtk_theme_name().is_some_and(|theme| theme.to_ascii_lowercase().contains("dark"))
}

fn is_gnome() -> bool {
    let desktop = std::env::var("XDG_CURRENT_DESKTOP").unwrap_or_default();
    desktop.split(':').any(|name| matches!(name, "GNOME" | "Unity"))
}

/// Whether the desktop prefers dark, if it says so within the limit.
pub async fn prefers_dark() -> Option<bool> {
    if is_gnome() {
        return Some(true);
    }
    match timeout(LIMIT, colour_scheme()).await {
        // 1 is "prefer dark", 2 "prefer light" (XDG desktop portal, Settings).
        Ok(Ok(1)) => Some(true),
        Ok(Ok(2)) => Some(false),
        Ok(Ok(_)) | Err(_) => None,
        Ok(Err(error)) => {
            tracing::debug!(%error, "the desktop does not say its colour scheme");
            None
        }
    }
}

async fn colour_scheme() -> zbus::Result<u32> {
    let connection = Connection::session().await?;
    let reply = connection
        .call_method(
            Some("org.freedesktop.portal.Desktop"),
            "/org/freedesktop/portal/desktop",
            Some("org.freedesktop.portal.Settings"),
            "ReadOne",
            &("org.freedesktop.appearance", "color-scheme"),
        )
        .await?;
    let scheme: OwnedVariant = reply.body().deserialize()?;
    u32::try_from(scheme)
}
