//! logind and screen savers: sleep, and whether a screen of this user was unlocked. It keeps nothing: a session is asked
//! for its user when it tells something, so that it does not matter which of them this program belongs to (none, when
//! systemd started it as a unit of the user), nor whether logind restarted.

use std::collections::HashMap;

use zbus::{Connection, Message, OwnedObjectPath, OwnedVariant, fdo};

use super::limited;

pub const LOGIND: &str = "org.freedesktop.login1";
pub const MANAGER: &str = "org.freedesktop.login1.Manager";
pub const SESSION: &str = "org.freedesktop.login1.Session";

/// Whether `PrepareForSleep` says that the sleep is over.
pub fn woke(signal: &Message) -> bool {
    signal.body().deserialize::<bool>().is_ok_and(|sleeps| !sleeps)
}

/// Whether these changed properties of a session say that it is locked no more.
pub fn unlocked(signal: &Message) -> bool {
    let body = signal.body();
    let Ok((_, changed, _)) = body.deserialize::<(&str, HashMap<&str, OwnedVariant>, Vec<&str>)>() else {
        return false;
    };
    changed.get("LockedHint").and_then(|hint| bool::try_from(&**hint).ok()) == Some(false)
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

/// Whether a screen saver says that it ended.
pub fn screen_saver_ended(signal: &Message) -> bool {
    let header = signal.header();
    let is_screen_saver = header.interface().is_some_and(|interface| interface.ends_with(".ScreenSaver"));
    is_screen_saver && signal.body().deserialize::<bool>().is_ok_and(|active| !active)
}
