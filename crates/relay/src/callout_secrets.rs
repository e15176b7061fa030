//! The keys and secrets of the call-outs: what makes a POST TrackTik's. They are generated here, kept by
//! [`crate::SecretsPlace`] in a file for the owner's eyes only or in the OS keyring, and never in `relay.toml`.
//!
//! A new secret does not void the one before it: until `finish`, both verify, so that the subscription at TrackTik can
//! be changed without losing a call-out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::{Error, configuration::check_custom_id};

/// The keys and secrets by custom id, and what has to be remembered of TrackTik.
#[derive(Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallOutSecrets {
    subscriptions: BTreeMap<String, Entry>,
    /// TrackTik's ids of those that the relay has ended: whether they go on being listed is not published.
    #[serde(default)]
    archived: BTreeSet<String>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The last part of the call-out's address.
    key: String,
    /// The newest first.
    secrets: Vec<String>,
    /// TrackTik has not been told the newest.
    #[serde(default)]
    unsent: bool,
    #[serde(default)]
    told: Option<Told>,
    #[serde(default)]
    subscription: Option<Managed>,
}

/// What TrackTik was told beside the secret and does not show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Told {
    /// In which header it signs.
    pub(crate) header: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) language: Option<String>,
}

/// The subscription at TrackTik that the relay has made or taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Managed {
    /// TrackTik's id.
    pub(crate) id: String,
    /// The relay has suspended it: TrackTik's API does not tell.
    #[serde(default)]
    pub(crate) suspended: bool,
}

impl CallOutSecrets {
    /// Out of the JSON document they are kept as.
    pub(crate) fn from_json(document: &[u8]) -> Result<Self, Error> {
        // serde_json's own message could quote a secret.
        serde_json::from_slice(document)
            .map_err(|_| Error::Input("what is kept there are not the relay's secrets".into()))
    }

    /// The JSON document they are kept as.
    pub(crate) fn to_json(&self) -> Result<SecretString, Error> {
        let document = serde_json::to_string_pretty(self)
            .map_err(|error| Error::Input(format!("the secrets cannot be written: {error}")))?;
        Ok((document + "\n").into())
    }

    /// A new secret for the subscription, and a key when it has none; an older secret goes on verifying.
    pub fn renew(&mut self, custom_id: &str) -> Result<(), Error> {
        check_custom_id(custom_id)?;
        let secret = random()?;
        if let Some(entry) = self.subscriptions.get_mut(custom_id) {
            if entry.secrets.len() > 1 {
                // A third would void the one that TrackTik may still sign with.
                return Err(Error::Input(format!(
                    "{custom_id:?} has a new secret already: give it to TrackTik (`tracktik apply`, or by hand), then `callouts \
                     finish {custom_id}`"
                )));
            }
            entry.secrets.insert(0, secret);
            entry.unsent = true;
        } else {
            let entry = Entry { key: random()?, secrets: vec![secret], unsent: true, told: None, subscription: None };
            self.subscriptions.insert(custom_id.to_owned(), entry);
        }
        Ok(())
    }

    /// Voids the older secret. Answers whether there was one.
    pub fn finish(&mut self, custom_id: &str) -> bool {
        let Some(entry) = self.subscriptions.get_mut(custom_id) else { return false };
        let had_older = entry.secrets.len() > 1;
        entry.secrets.truncate(1);
        had_older
    }

    /// Makes key and secret where there are none. Answers whether it made them.
    pub(crate) fn ensure(&mut self, custom_id: &str) -> Result<bool, Error> {
        let missing = !self.subscriptions.contains_key(custom_id);
        if missing {
            self.renew(custom_id)?;
        }
        Ok(missing)
    }

    /// Whether TrackTik has to be told the newest secret.
    pub fn is_unsent(&self, custom_id: &str) -> bool {
        self.subscriptions.get(custom_id).is_none_or(|entry| entry.unsent)
    }

    /// The subscription that the relay has made for this custom id, or taken over.
    pub(crate) fn managed(&self, custom_id: &str) -> Option<&Managed> {
        self.subscriptions.get(custom_id)?.subscription.as_ref()
    }

    /// The custom id under which the relay has made the subscription of this id at TrackTik.
    pub(crate) fn custom_id_of(&self, id: &str) -> Option<&str> {
        let entry = self
            .subscriptions
            .iter()
            .find(|(_, entry)| entry.subscription.as_ref().is_some_and(|known| known.id == id));
        entry.map(|(custom_id, _)| custom_id.as_str())
    }

    /// The subscription is the relay's; nothing: it is not at TrackTik any more.
    pub(crate) fn manage(&mut self, custom_id: &str, subscription: Option<Managed>) {
        if let Some(entry) = self.subscriptions.get_mut(custom_id) {
            entry.subscription = subscription;
        }
    }

    /// What TrackTik was told beside the secret, where it was.
    pub(crate) fn told(&self, custom_id: &str) -> Option<&Told> {
        self.subscriptions.get(custom_id)?.told.as_ref()
    }

    /// TrackTik has been told this secret and the rest; there may be a newer secret since.
    pub(crate) fn sent(&mut self, custom_id: &str, secret: &SecretString, told: Option<Told>) {
        if let Some(entry) = self.subscriptions.get_mut(custom_id) {
            entry.told = told;
            entry.unsent = entry.secrets.first().is_none_or(|newest| newest != secret.expose_secret());
        }
    }

    /// The relay has ended the subscription of this id at TrackTik.
    pub(crate) fn archive(&mut self, id: &str) {
        self.archived.insert(id.to_owned());
    }

    /// Whether it has.
    pub(crate) fn is_archived(&self, id: &str) -> bool {
        self.archived.contains(id)
    }

    /// Key and secrets of a subscription that is no more: its call-outs are refused.
    pub(crate) fn remove(&mut self, custom_id: &str) {
        self.subscriptions.remove(custom_id);
    }

    /// Key and secrets of the subscription, the newest secret first.
    pub fn of(&self, custom_id: &str) -> Option<(SecretString, Vec<SecretString>)> {
        let entry = self.subscriptions.get(custom_id)?;
        let secrets = entry.secrets.iter().map(|secret| secret.as_str().into()).collect();
        Some((entry.key.as_str().into(), secrets))
    }

    /// The address TrackTik is given for the subscription.
    pub fn address(&self, custom_id: &str, own_url: &str) -> Option<SecretString> {
        let (key, _) = self.of(custom_id)?;
        Some(format!("{own_url}/callouts/tracktik/{}", key.expose_secret()).into())
    }
}

impl fmt::Debug for CallOutSecrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.subscriptions.keys()).finish()
    }
}

fn random() -> Result<String, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewed_secret_leaves_the_key_and_the_older_secret_good_until_it_is_finished() {
        let mut secrets = CallOutSecrets::default();
        secrets.renew("a").unwrap();
        let (key, first) = secrets.of("a").unwrap();
        secrets.renew("a").unwrap();
        let (same_key, both) = secrets.of("a").unwrap();
        assert_eq!(key.expose_secret(), same_key.expose_secret());
        assert_eq!(both.len(), 2);
        assert_eq!(both[1].expose_secret(), first[0].expose_secret());
        assert!(secrets.finish("a"));
        assert!(!secrets.finish("a"));
        let (_, last) = secrets.of("a").unwrap();
        assert_eq!((last.len(), last[0].expose_secret()), (1, both[0].expose_secret()));
    }
}
