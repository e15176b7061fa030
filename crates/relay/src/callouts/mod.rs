//! What `TrackTik` calls out to the relay becomes messages: a call-out is checked, stored, and acknowledged by
//! [`receiver`]; [`worker`] makes messages of it afterwards, so that a slow delivery never costs an event.
//!
//! What a subscription looks like is said by [`CallOuts`]. Its key and secrets must never show in a log or an error, and
//! nothing of a call-out is stored before its signature has been verified.

mod counters;
mod event_log;
mod receiver;
mod recipients;
mod signature;
mod templates;
mod worker;

use std::{collections::HashSet, time::Duration};

use axum::http::HeaderName;
use secrecy::{ExposeSecret as _, SecretString};

pub use counters::CallOutCounters;
pub use event_log::EventLog;
pub(crate) use receiver::{Receiver, router};
pub(crate) use recipients::is_template;
pub use signature::Signature;
pub(crate) use worker::Worker;

use crate::{Error, Kind};

/// The header `TrackTik` sends the signature in when the subscription names none.
const DEFAULT_HEADER: &str = "TrackTik-Subscription-Secret";
/// A key of fewer characters could be guessed.
const MIN_KEY_CHARS: usize = 16;
const MAX_KEY_CHARS: usize = 200;

/// One subscription's call-outs: how they are recognised and what becomes of them.
#[derive(Debug, Clone)]
pub struct CallOuts {
    /// The subscription's `customId`; each subscription has its own.
    pub custom_id: String,
    /// The last part of `POST /callouts/tracktik/{key}`: 16 to 200 letters, digits, `-`, `_`, `.` or `~`.
    pub key: SecretString,
    /// The subscription's `secretHeaderName`.
    pub header: String,
    /// Another header that is looked into when that one is not there: the subscription may not have been told of a change.
    pub older_header: Option<String>,
    /// Every one of them verifies, so that a secret can be replaced without a gap.
    pub secrets: Vec<SecretString>,
    /// What the header holds.
    pub signature: Signature,
    /// The subscription's entity, such as `employees`; the title of a message whose template fails.
    pub entity: String,
    /// What the users are shown.
    pub message: MessageTemplate,
    /// Who is shown it: the recipients of every rule that holds.
    pub recipients: Vec<RecipientRule>,
}

impl Default for CallOuts {
    fn default() -> Self {
        Self {
            custom_id: String::new(),
            key: SecretString::default(),
            header: DEFAULT_HEADER.into(),
            older_header: None,
            secrets: Vec::new(),
            signature: Signature::default(),
            entity: String::new(),
            message: MessageTemplate::default(),
            recipients: Vec::new(),
        }
    }
}

/// A message as minijinja templates. They know `entity`, the object that was called out, and `subscription`, the
/// `customId`. A part that the entity does not have is empty.
#[derive(Debug, Clone, Default)]
pub struct MessageTemplate {
    /// Plain text; what comes out beyond 500 characters is cut.
    pub title: String,
    /// Plain text; what comes out beyond 1000 characters is cut.
    pub preview: Option<String>,
    /// HTML, in which values are escaped; what comes out beyond 256 KiB is cut.
    pub body: Option<String>,
    /// A button's web address; without one, or when it comes out empty, there is no button.
    pub link: Option<String>,
    /// What stands on the button; "Open" when not given.
    pub link_text: Option<String>,
    /// The message's type.
    pub kind: Kind,
    /// Listed only, no native notification.
    pub silent: bool,
    /// How long after its delivery the message is gone.
    pub expires_after: Option<Duration>,
}

/// Who gets a message: every user that is named or is in a group that is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Recipients {
    /// Names of users; where brands share a name, of each.
    pub users: Vec<String>,
    /// Names of groups.
    pub groups: Vec<String>,
}

/// Who is told of which entities. Where no rule holds, nobody is and all is well.
#[derive(Debug, Clone, Default)]
pub struct RecipientRule {
    /// A minijinja expression on `entity` and `subscription`; without one the rule always holds.
    pub when: Option<String>,
    /// Names, each of which may be a minijinja template, such as `region-{{ entity.region.id }}`. One that comes out empty
    /// names nobody.
    pub recipients: Recipients,
}

impl CallOuts {
    /// Refuses what could not work, saying what is wrong. The text never holds the key or a secret.
    pub fn check(&self) -> Result<(), Error> {
        self.checked_headers()?;
        if !(1..=200).contains(&self.custom_id.chars().count()) {
            return Err(Error::Input("a subscription's customId has 1 to 200 characters".into()));
        }
        let refused = |what: &str| Err(Error::Input(format!("subscriptions {:?}: {what}", self.custom_id)));
        let key = self.key.expose_secret();
        if !(MIN_KEY_CHARS..=MAX_KEY_CHARS).contains(&key.len()) {
            return refused("the key has 16 to 200 characters");
        }
        if !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)) {
            return refused("the key is made of letters, digits, dashes, underscores, dots and tildes alone");
        }
        if self.secrets.is_empty() {
            return refused("there is no secret; without one anybody's call-outs would be taken");
        }
        if self.secrets.iter().any(|secret| secret.expose_secret().trim().is_empty()) {
            return refused("a secret is empty");
        }
        templates::check(self)?;
        recipients::check(self)
    }

    /// The newer one first.
    fn checked_headers(&self) -> Result<Vec<HeaderName>, Error> {
        let all = [Some(&self.header), self.older_header.as_ref()].into_iter().flatten();
        let read = |header: &String| {
            HeaderName::from_bytes(header.as_bytes()).map_err(|_| {
                Error::Input(format!("subscriptions {:?}: {header:?} is no name of an HTTP header", self.custom_id))
            })
        };
        all.map(read).collect()
    }
}

/// Each of them, and that no two are taken for one another.
fn check_all(callouts: &[CallOuts]) -> Result<(), Error> {
    let (mut keys, mut ids) = (HashSet::new(), HashSet::new());
    for one in callouts {
        one.check()?;
        if !keys.insert(one.key.expose_secret()) {
            return Err(Error::Input(format!(
                "subscriptions {:?}: another subscription has the same key",
                one.custom_id
            )));
        }
        if !ids.insert(&one.custom_id) {
            return Err(Error::Input(format!("two subscriptions have the customId `{}`", one.custom_id)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acceptable() -> CallOuts {
        CallOuts {
            custom_id: "new-employees".into(),
            key: "a-key-of-16-chars".into(),
            secrets: vec!["the-secret".into()],
            entity: "employees".into(),
            message: MessageTemplate { title: "{{ entity.firstName }}".into(), ..Default::default() },
            ..Default::default()
        }
    }

    #[test]
    fn what_could_not_work_is_refused_with_a_reason() {
        assert!(acceptable().check().is_ok());
        let template = |title: &str| MessageTemplate { title: title.into(), ..Default::default() };
        let when = |when: &str| vec![RecipientRule { when: Some(when.into()), ..Default::default() }];
        let group = |group: &str| {
            let recipients = Recipients { groups: vec![group.into()], ..Default::default() };
            vec![RecipientRule { recipients, ..Default::default() }]
        };
        let cases = [
            (CallOuts { custom_id: String::new(), ..acceptable() }, "customId"),
            (CallOuts { key: "too-short".into(), ..acceptable() }, "16 to 200"),
            (CallOuts { key: "".into(), ..acceptable() }, "16 to 200"),
            (CallOuts { key: "sixteen/and/more/chars".into(), ..acceptable() }, "letters, digits"),
            (CallOuts { secrets: vec![], ..acceptable() }, "no secret"),
            (CallOuts { secrets: vec!["one".into(), " ".into()], ..acceptable() }, "secret is empty"),
            (CallOuts { header: "no header".into(), ..acceptable() }, "no name of an HTTP header"),
            (CallOuts { header: String::new(), ..acceptable() }, "no name of an HTTP header"),
            (CallOuts { message: template("{{ entity."), ..acceptable() }, "title"),
            (CallOuts { message: template("{{ entity.a|nosuchfilter }}"), ..acceptable() }, "nosuchfilter"),
            (CallOuts { message: template(" "), ..acceptable() }, "title"),
            (CallOuts { recipients: when("entity.status =="), ..acceptable() }, "when"),
            (CallOuts { recipients: group("region-{{ entity."), ..acceptable() }, "groups"),
            (CallOuts { recipients: when(&"not ".repeat(300)), ..acceptable() }, "may have 1024"),
            (CallOuts { recipients: group("{{ entity.region|nosuchfilter }}"), ..acceptable() }, "nosuchfilter"),
        ];
        for (callouts, expected) in cases {
            let text = callouts.check().expect_err(expected).to_string();
            assert!(text.contains(expected), "{text:?} should say {expected:?}");
            assert!(!text.contains("the-secret") && !text.contains("too-short"), "{text}");
        }
    }

    #[test]
    fn no_two_subscriptions_share_a_key_or_an_id() {
        let other = CallOuts { custom_id: "another".into(), ..acceptable() };
        assert!(check_all(&[acceptable(), other]).unwrap_err().to_string().contains("same key"));
        let other = CallOuts { key: "another-key-of-16-chars".into(), ..acceptable() };
        assert!(check_all(&[acceptable(), other.clone()]).unwrap_err().to_string().contains("customId"));
        assert!(check_all(&[acceptable(), CallOuts { custom_id: "another".into(), ..other }]).is_ok());
    }

    #[test]
    fn the_key_and_the_secrets_are_not_printed() {
        let printed = format!("{:?}", acceptable());
        assert!(!printed.contains("a-key-of-16-chars") && !printed.contains("the-secret"), "{printed}");
    }
}
