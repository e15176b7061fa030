//! Linux: logind tells of sleep and of locked sessions, `NetworkManager` of networks, both on the system bus; the
//! desktop's screen saver tells of unlocks on the session bus. A bus or a service may be absent, come later or restart:
//! its signals are heard once it is there. It must never poll, and never take a signal from anybody but its service.

mod network;
mod sessions;

use std::{num::NonZeroUsize, time::Duration};

use futures_util::{StreamExt as _, stream};
use inbox::{Handle, Nudge};
use tokio::time::{sleep, timeout};
use zbus::{Connection, MatchRule, Message, MessageStream, fdo, message::Type, names::MemberName};

use network::Network;

/// A service on this machine that takes longer is not there.
const LIMIT: Duration = Duration::from_secs(5);
/// A bus that is not there is looked for again after this long, and after twice as long each time.
const RECONNECT: Duration = Duration::from_secs(5);
const RECONNECT_CAP: Duration = Duration::from_mins(10);
/// Signals that wait while one is looked at. More wait in the socket; none is lost.
const QUEUE: Option<NonZeroUsize> = NonZeroUsize::new(64);

const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

type Signals = stream::BoxStream<'static, zbus::Result<Message>>;

/// A bus and what is heard there.
#[derive(Debug, Clone, Copy)]
enum Bus {
    /// logind and `NetworkManager`.
    System,
    /// Screen savers.
    Session,
}

/// Watches both buses in the background.
pub fn watch(handle: &Handle) {
    for bus in [Bus::System, Bus::Session] {
        tauri::async_runtime::spawn(follow(bus, handle.clone()));
    }
}

/// Listens on one bus, and again when it went away.
async fn follow(bus: Bus, handle: Handle) {
    let mut wait = RECONNECT;
    loop {
        let listened = match bus {
            Bus::System => listen_to_system(&handle, &mut wait).await,
            Bus::Session => listen_to_session(&handle, &mut wait).await,
        };
        match listened {
            Ok(()) => tracing::debug!(?bus, "the bus went away"),
            Err(error) => tracing::debug!(?bus, %error, "the bus cannot be listened to"),
        }
        sleep(wait).await;
        wait = (wait * 2).min(RECONNECT_CAP);
    }
}

/// Until the bus goes away.
async fn listen_to_system(handle: &Handle, wait: &mut Duration) -> zbus::Result<()> {
    let connection = limited(Connection::system()).await?;
    let mut network = Network::default();
    let mut signals = limited(system_signals(&connection)).await?;
    *wait = RECONNECT;
    tracing::info!("the system bus is listened to");
    tell_who_is_there(&connection).await;
    network.read(&connection).await;
    while let Some(signal) = signals.next().await {
        let Some(signal) = readable(signal) else { continue };
        let nudge = match member(&signal).as_deref() {
            Some("PrepareForSleep") => sessions::woke(&signal).then_some(Nudge::Woke),
            Some("Unlock") => sessions::is_ours(&connection, &signal).await.then_some(Nudge::Unlocked),
            Some("StateChanged") => network.state_changed(&signal).then_some(Nudge::NetworkChanged),
            Some("PropertiesChanged") if network::is_about(&signal) => {
                network.properties_changed(&signal).then_some(Nudge::NetworkChanged)
            }
            Some("PropertiesChanged") => match sessions::lock_changed(&signal) {
                Some(changed) => sessions::is_ours(&connection, &signal).await.then_some(changed),
                None => None,
            },
            Some("NameOwnerChanged") => service_changed(&connection, &signal, &mut network).await,
            _ => None,
        };
        if let Some(nudge) = nudge {
            handle.nudge(nudge).await;
        }
    }
    Ok(())
}

async fn system_signals(connection: &Connection) -> zbus::Result<Signals> {
    let of = |service: &'static str| MatchRule::builder().msg_type(Type::Signal).sender(service);
    let rules = [
        of(sessions::LOGIND).interface(sessions::MANAGER).member("PrepareForSleep"),
        of(sessions::LOGIND).interface(sessions::SESSION).member("Unlock"),
        of(sessions::LOGIND).interface(PROPERTIES).arg(0, sessions::SESSION),
        of(network::SERVICE).interface(network::SERVICE).member("StateChanged"),
        of(network::SERVICE).interface(PROPERTIES).arg(0, network::SERVICE),
        of_bus(sessions::LOGIND),
        of_bus(network::SERVICE),
    ];
    let mut all = Vec::new();
    for rule in rules {
        all.push(MessageStream::for_match_rule(rule.build()?, connection, QUEUE).await?);
    }
    Ok(stream::select_all(all).boxed())
}

/// The bus's own word that a service comes or goes.
fn of_bus(service: &'static str) -> zbus::match_rule::Builder<'static> {
    MatchRule::builder()
        .msg_type(Type::Signal)
        .sender("org.freedesktop.DBus")
        .interface("org.freedesktop.DBus")
        .member("NameOwnerChanged")
        .arg(0, service)
}

/// Says which services there are: without one its signals are missing, and with them what a person may wonder about.
async fn tell_who_is_there(connection: &Connection) {
    let asked = limited(async {
        let bus = fdo::DBusProxy::new(connection).await?;
        let mut there = Vec::new();
        for service in [sessions::LOGIND, network::SERVICE] {
            there.push((service, bus.name_has_owner(service.try_into()?).await?));
        }
        Ok(there)
    });
    match asked.await {
        Ok(there) => {
            for (service, there) in there {
                tracing::debug!(service, there, "tells of wake, unlock and networks once it is there");
            }
        }
        Err(error) => tracing::debug!(%error, "the bus does not say who is there"),
    }
}

/// A service came, went or restarted: a network manager that came knows the network anew.
async fn service_changed(connection: &Connection, signal: &Message, network: &mut Network) -> Option<Nudge> {
    let body = signal.body();
    let (service, _, owner) = body.deserialize::<(&str, &str, &str)>().ok()?;
    tracing::debug!(service, there = !owner.is_empty(), "a service of the system changed");
    let came = service == network::SERVICE && !owner.is_empty();
    (came && network.read(connection).await).then_some(Nudge::NetworkChanged)
}

/// Until the bus goes away. Desktops name the interface after themselves (`org.gnome.ScreenSaver`,
/// `org.freedesktop.ScreenSaver`, `org.mate.ScreenSaver`), and all of them the signal alike.
async fn listen_to_session(handle: &Handle, wait: &mut Duration) -> zbus::Result<()> {
    let connection = limited(Connection::session()).await?;
    let rule = MatchRule::builder().msg_type(Type::Signal).member("ActiveChanged").build()?;
    let mut signals = limited(MessageStream::for_match_rule(rule, &connection, QUEUE)).await?;
    *wait = RECONNECT;
    while let Some(signal) = signals.next().await {
        let Some(signal) = readable(signal) else { continue };
        if let Some(changed) = sessions::screen_saver_changed(&signal) {
            handle.nudge(changed).await;
        }
    }
    Ok(())
}

async fn limited<T>(call: impl Future<Output = zbus::Result<T>>) -> zbus::Result<T> {
    timeout(LIMIT, call).await.unwrap_or_else(|_| Err(zbus::Error::Failure("no answer in time".to_owned())))
}

fn member(signal: &Message) -> Option<String> {
    signal.header().member().map(MemberName::to_string)
}

fn readable(signal: zbus::Result<Message>) -> Option<Message> {
    signal.inspect_err(|error| tracing::debug!(%error, "a signal could not be read")).ok()
}
