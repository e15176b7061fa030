//! `[[subscriptions]]`: the six parts of one TrackTik subscription, and what becomes of its call-outs.

use std::{fmt, marker::PhantomData, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{
    Deserialize, Deserializer,
    de::{
        MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use tracktik_client::{
    Essentials, Event, Filter, IncludedRegion, Inclusions, Language, NewSubscription, Regions, callout,
};

use crate::{CallOuts, Error, Kind, MessageTemplate, RecipientRule, Recipients, Signature};

const MAX_HOURS: u32 = 24 * 366;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenSubscription {
    pub(super) custom_id: String,
    name: Option<String>,
    events: Vec<String>,
    regions: WrittenRegions,
    #[serde(default)]
    filter: Vec<String>,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
    #[serde(default = "default_header")]
    pub(super) header: String,
    #[serde(default)]
    signature: WrittenSignature,
    failure_email: Option<String>,
    /// Why it is to call out nothing for now.
    pub(super) suspended: Option<String>,
    message: WrittenMessage,
    recipients: OneOrMore<WrittenRecipients>,
}

/// `TrackTik: Events Subscriptions`, where a subscription names no other.
fn default_header() -> String {
    tracktik_client::callout::DEFAULT_SECRET_HEADER.into()
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "regions is \"all\", or { within = [IDS], children = true or false, except = [IDS] }")]
enum WrittenRegions {
    Word(String),
    Part(WrittenPart),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPart {
    within: Vec<u64>,
    #[serde(default = "yes")]
    children: bool,
    #[serde(default)]
    except: Vec<u64>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WrittenSignature {
    #[default]
    HmacSha512,
    PlainSecret,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMessage {
    title: String,
    preview: Option<String>,
    body: Option<String>,
    link: Option<String>,
    link_text: Option<String>,
    #[serde(default)]
    event: Kind,
    #[serde(default)]
    silent: bool,
    expires_after_hours: Option<u32>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenRecipients {
    #[serde(default)]
    pub(super) users: Vec<String>,
    #[serde(default)]
    pub(super) groups: Vec<String>,
    when: Option<String>,
}

/// A table, or several (`[[…]]`). What is wrong with one is said as of a table: an untagged enum would not.
#[derive(Debug, Clone)]
struct OneOrMore<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMore<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tables<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Tables<T> {
            type Value = OneOrMore<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table or several")
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(table)).map(|one| OneOrMore(vec![one]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, tables: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(tables)).map(OneOrMore)
            }
        }
        deserializer.deserialize_any(Tables(PhantomData))
    }
}

impl WrittenSubscription {
    /// Refuses what makes no sense, with what is expected. Address and secret are not known yet.
    pub(super) fn check(&self) -> Result<(), Error> {
        let custom_id = &self.custom_id;
        let refuse = |text: &str| Err(Error::Input(format!("subscriptions {custom_id:?}: {text}")));
        let placeholder = SecretString::from("a secret that is long enough");
        self.definition("https://relay.invalid/key", placeholder.clone(), None)?;
        // The templates too: a subscription that nobody can deliver must not come to TrackTik.
        self.callouts("a-key-of-16-characters".into(), vec![placeholder], None)?;
        let names = |rule: &WrittenRecipients| rule.users.is_empty() && rule.groups.is_empty();
        if self.recipients.0.is_empty() || self.recipients.0.iter().any(names) {
            return refuse("nobody would get its messages; name at least one of recipients.users and .groups");
        }
        if self.message.expires_after_hours.is_some_and(|hours| !(1..=MAX_HOURS).contains(&hours)) {
            return refuse("expires_after_hours is a number from 1 to 8784");
        }
        if self.message.link_text.is_some() && self.message.link.is_none() {
            return refuse("message.link_text stands on the link's button; without message.link there is none");
        }
        if self.suspended.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
            return refuse("suspended is the reason why; TrackTik requires one");
        }
        Ok(())
    }

    pub(super) fn rules(&self) -> &[WrittenRecipients] {
        &self.recipients.0
    }

    pub(super) fn mode(&self) -> callout::Mode {
        match self.signature {
            WrittenSignature::HmacSha512 => callout::Mode::Hmac,
            WrittenSignature::PlainSecret => callout::Mode::Plain,
        }
    }

    /// What TrackTik is told. `language` is sent along only where the operator asks for it.
    pub(super) fn definition(
        &self,
        url: &str,
        secret: SecretString,
        language: Option<Language>,
    ) -> Result<NewSubscription, Error> {
        let refused =
            |error: &dyn std::fmt::Display| Error::Input(format!("subscriptions {:?}: {error}", self.custom_id));
        let events = self.events.iter().map(|event| event.parse::<Event>()).collect::<Result<_, _>>();
        let filters = self.filter.iter().map(|filter| filter.parse::<Filter>()).collect::<Result<Vec<_>, _>>();
        let essentials = Essentials {
            custom_id: self.custom_id.clone(),
            name: self.name.clone().unwrap_or_else(|| self.custom_id.clone()),
            events: events.map_err(|error| refused(&error))?,
            regions: self.regions.read().map_err(|error| refused(&error))?,
            url: url.to_owned(),
            secret,
        };
        let defined = NewSubscription::new(essentials)
            .and_then(|new| new.filters(&filters?))
            .and_then(|new| new.secret_header_name(&self.header))
            .and_then(|new| match (&self.fields[..], &self.include[..]) {
                ([], []) => Ok(new),
                _ => new.inclusions(Inclusions { fields: self.fields.clone(), include: self.include.clone() }),
            })
            .and_then(|new| match &self.failure_email {
                Some(address) => new.failure_email(address),
                None => Ok(new),
            })
            .map_err(|error| refused(&error))?;
        Ok(match language {
            Some(language) => defined.language(language),
            None => defined,
        })
    }

    /// What a server takes and makes of its call-outs.
    pub(super) fn callouts(
        &self,
        key: SecretString,
        secrets: Vec<SecretString>,
        older_header: Option<&str>,
    ) -> Result<CallOuts, Error> {
        let Self { custom_id, events, header, signature, message, recipients, .. } = self.clone();
        let WrittenMessage { title, preview, body, link, link_text, event, silent, expires_after_hours } = message;
        // Checked when the file was read: there is one, and all are of one entity.
        let entity = events.first().and_then(|event| event.parse::<Event>().ok()).map_or("", Event::entity).to_owned();
        let callouts = CallOuts {
            custom_id,
            key,
            older_header: older_header.filter(|older| *older != header).map(str::to_owned),
            header,
            secrets,
            signature: match signature {
                WrittenSignature::HmacSha512 => Signature::HmacSha512,
                WrittenSignature::PlainSecret => Signature::PlainSecret,
            },
            entity,
            message: MessageTemplate {
                title,
                preview,
                body,
                link,
                link_text,
                kind: event,
                silent,
                expires_after: expires_after_hours.map(|hours| Duration::from_hours(hours.into())),
            },
            recipients: recipients.0.into_iter().map(WrittenRecipients::rule).collect(),
        };
        callouts.check()?;
        Ok(callouts)
    }
}

impl WrittenRecipients {
    fn rule(self) -> RecipientRule {
        let Self { users, groups, when } = self;
        RecipientRule { when, recipients: Recipients { users, groups } }
    }
}

impl WrittenRegions {
    fn read(&self) -> Result<Regions, Error> {
        let WrittenPart { within, children, except } = match self {
            Self::Word(word) if word == "all" => return Ok(Regions::All),
            Self::Word(word) => {
                let expected = "regions is \"all\", or { within = [IDS], children = true or false, except = [IDS] }";
                return Err(Error::Input(format!("{expected}, not {word:?}")));
            }
            Self::Part(part) => part,
        };
        let included = within.iter().map(|id| IncludedRegion { id: *id, include_children: *children }).collect();
        Regions::part(included, except.clone()).map_err(|error| Error::Input(error.to_string()))
    }
}

/// The key's address, as TrackTik is given it.
pub(super) fn address(own_url: &str, key: &SecretString) -> SecretString {
    format!("{own_url}/callouts/tracktik/{}", key.expose_secret()).into()
}
