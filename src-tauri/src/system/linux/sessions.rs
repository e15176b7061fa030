//! logind and screen savers: sleep, and whether a screen of this user was unlocked. It keeps nothing: a session is asked
//! for its user when it tells something, so that it does not matter which of them this program belongs to (none, when
//! systemd started it as a unit of the user), nor whether logind restarted.

use std::collections::HashMap;

use inbox::Nudge;
use zbus::{Connection, Message, OwnedObjectPath, OwnedVariant, fdo};

use super::limited;

pub const LOGIND: &str = "org.freedesktop.login1";
pub const MANAGER: &str = "org.freedesktop.login1.Manager";
pub const SESSION: &str = "org.freedesktop.login1.Session";

/// Whether `PrepareForSleep` says that the sleep is over.
pub fn woke(signal: &Message) -> bool {
    signal.body().deserialize::<bool>().is_ok_and(|sleeps| !sleeps)
}

/// What these changed properties of a session say of its lock.
pub fn lock_changed(signal: &Message) -> Option<Nudge> {
    let body = signal.body();
    let (_, changed, _) = body.deserialize::<(&str, HashMap<&str, OwnedVariant>, Vec<&str>)>().ok()?;
    let locked = changed.get("LockedHint").and_then(|hint| bool::try_from(&**hint).ok())?;
    Some(if locked { Nudge::Locked } else { Nudge::Unlocked })
}

/// Whether the session that tells this is one of this user. One that is not asked about in time is not.
pub async fn is_ours(connection: &Connection, signal: &Message) -> bool {
    let Some(path) = signal.header().path().cloned() else { return false };
    let asked = limited(async {
        let session = fdo::PropertiesProxy::new(connection, LOGIND, path.to_owned()).await?;
        let user = session.get(SESSION.try_into()?, "User").await?;
        <(u32, OwnedObjectPath)>::try_from(user)
    });
    match asked.await {
        Ok((user, _)) => user == rustix::process::getuid().as_raw(),
        Err(error) => {
            tracing::debug!(%error, "a session does not say whose it is");
            false
        }
    }
}

/// What a screen saver says of itself: nobody sees what is behind it.
pub fn screen_saver_changed(signal: &Message) -> Option<Nudge> {
    let header = signal.header();
    header.interface().filter(|interface| interface.ends_with(".ScreenSaver"))?;
    let active = signal.body().deserialize::<bool>().ok()?;
    Some(if active { Nudge::Locked } else { Nudge::Unlocked })
}
