//! `NetworkManager`: whether there is a network, and whether it is another one than before. The loss of a network is no
//! news: the connection finds out by itself, and a call would only fail.

use std::collections::HashMap;

use zbus::{Connection, Message, ObjectPath, OwnedVariant, fdo};

use super::limited;

pub const SERVICE: &str = "org.freedesktop.NetworkManager";
const PATH: &str = "/org/freedesktop/NetworkManager";
/// `NM_STATE_CONNECTED_SITE`: there is a way out of this machine.
const CONNECTED: u32 = 60;
/// `NM_CONNECTIVITY_FULL`: and out of whatever it is connected to.
const FULL: u32 = 4;

/// What is known of the network.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Network {
    state: Option<u32>,
    connectivity: Option<u32>,
    primary: Option<String>,
}

/// Whether these changed properties are `NetworkManager`'s.
pub fn is_about(signal: &Message) -> bool {
    signal.header().path().is_some_and(|path| path.as_str() == PATH)
}

impl Network {
    /// Reads what is known now; whether that is news.
    pub async fn read(&mut self, connection: &Connection) -> bool {
        let asked = limited(async {
            let properties = fdo::PropertiesProxy::new(connection, SERVICE, PATH).await?;
            Ok(properties.get_all(SERVICE.try_into()?).await?)
        });
        match asked.await {
            Ok(properties) => self.learn(properties.iter().map(|(name, value)| (name.as_str(), value))),
            Err(error) => {
                tracing::debug!(%error, "NetworkManager does not tell of networks; the connection notices by itself");
                false
            }
        }
    }

    /// `PropertiesChanged`; whether that is news.
    pub fn properties_changed(&mut self, signal: &Message) -> bool {
        let body = signal.body();
        match body.deserialize::<(&str, HashMap<&str, OwnedVariant>, Vec<&str>)>() {
            Ok((_, changed, _)) => self.learn(changed.iter().map(|(name, value)| (*name, value))),
            Err(error) => {
                tracing::debug!(%error, "a change of the network could not be read");
                false
            }
        }
    }

    /// `StateChanged`, which says what `PropertiesChanged` says as well, in some versions later; whether that is news.
    pub fn state_changed(&mut self, signal: &Message) -> bool {
        match signal.body().deserialize::<u32>() {
            Ok(state) => self.become_known(Self { state: Some(state), ..self.clone() }),
            Err(error) => {
                tracing::debug!(%error, "a state of the network could not be read");
                false
            }
        }
    }

    fn learn<'a>(&mut self, properties: impl Iterator<Item = (&'a str, &'a OwnedVariant)>) -> bool {
        let mut now = self.clone();
        for (name, value) in properties {
            match name {
                "State" => now.state = u32::try_from(&**value).ok().or(now.state),
                "Connectivity" => now.connectivity = u32::try_from(&**value).ok().or(now.connectivity),
                "PrimaryConnection" => {
                    let path = ObjectPath::try_from(&**value);
                    now.primary = path.ok().map(|path| path.to_string()).or(now.primary);
                }
                _ => {}
            }
        }
        self.become_known(now)
    }

    /// Whether there is a network now, and there was none, another one, or one that led less far.
    fn become_known(&mut self, now: Self) -> bool {
        let before = std::mem::replace(self, now);
        if before == Self::default() || !self.is_connected() {
            return false;
        }
        let is_other = self.primary != before.primary && self.primary.as_deref() != Some("/");
        let leads_farther = self.connectivity == Some(FULL) && before.connectivity != Some(FULL);
        !before.is_connected() || is_other || leads_farther
    }

    fn is_connected(&self) -> bool {
        self.state.is_some_and(|state| state >= CONNECTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(state: u32, connectivity: u32, primary: &str) -> Network {
        Network { state: Some(state), connectivity: Some(connectivity), primary: Some(primary.to_owned()) }
    }

    #[test]
    fn a_network_that_comes_or_is_another_is_news_and_one_that_goes_is_not() {
        let wired = || network(70, 4, "/active/1");
        let none = || network(20, 1, "/");
        let portal = || network(60, 2, "/active/1");
        let cases = [
            (wired(), none(), false, "the cable is drawn, or flight mode is on"),
            (none(), network(40, 1, "/"), false, "connecting"),
            (none(), wired(), true, "back"),
            (none(), portal(), true, "a portal in between"),
            (portal(), wired(), true, "the portal let us through"),
            (wired(), portal(), false, "connectivity gets worse"),
            (wired(), network(70, 4, "/active/2"), true, "another network"),
            (wired(), wired(), false, "said twice"),
            (wired(), network(70, 4, "/"), false, "the primary connection goes; the state follows"),
            (Network::default(), wired(), false, "what is found at the start"),
        ];
        for (before, now, news, what) in cases {
            let mut network = before;
            assert_eq!(network.become_known(now), news, "{what}");
        }
    }

    #[test]
    fn one_return_told_in_many_signals_is_news_once() {
        let mut known = network(20, 1, "/");
        let steps = [network(40, 1, "/"), network(70, 1, "/active/1"), network(70, 1, "/active/1")];
        let news = steps.into_iter().filter(|step| known.become_known(step.clone())).count();
        assert_eq!(news, 1);
    }
}
