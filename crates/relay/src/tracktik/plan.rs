//! What has to be done at TrackTik so that the account has the subscriptions of `relay.toml`. Nothing is sent here.
//!
//! It must never touch a subscription that is not the relay's own: ours are those it has made (their ids are kept beside
//! the secrets) and those whose call-outs come to its own address.

use tracktik_client::{Difference, Subscription};

use crate::{CallOutSecrets, Configuration, Error};

/// What is to be done, in the order it is done in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What changes something.
    pub steps: Vec<Step>,
    /// The custom ids of subscriptions that are as they should be.
    pub unchanged: Vec<String>,
    /// What a person has to settle first, said in full.
    pub conflicts: Vec<String>,
}

/// One change at TrackTik.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The subscription's custom id.
    pub custom_id: String,
    /// TrackTik's id, where there is one yet.
    pub id: Option<String>,
    /// What is done.
    pub action: Action,
}

/// A kind of change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It is not there yet.
    Create,
    /// It is there and is to be otherwise.
    Update {
        /// In what.
        differences: Vec<Difference>,
        /// Secret and header are sent too: new ones, or ones of which it is not known whether TrackTik has them.
        secret: bool,
    },
    /// It calls out nothing until it is enabled.
    Suspend {
        /// Why; TrackTik requires one.
        reason: String,
    },
    /// It was suspended by the relay, and `relay.toml` does not say so any more.
    Enable,
    /// It ends, for good.
    Archive,
}

impl Action {
    /// Its name, on the screen and in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update { .. } => "update",
            Self::Suspend { .. } => "suspend",
            Self::Enable => "enable",
            Self::Archive => "archive",
        }
    }
}

impl Plan {
    /// Compares what is wanted with what there is.
    pub(super) fn new(
        configuration: &Configuration,
        secrets: &CallOutSecrets,
        existing: &[Subscription],
    ) -> Result<Self, Error> {
        let existing: Vec<&Subscription> =
            existing.iter().filter(|one| !secrets.is_archived(one.id.as_str())).collect();
        // Keys and secrets that are yet to be made differ from whatever TrackTik has; these ones are thrown away.
        let mut planned = secrets.clone();
        let mut plan = Self { steps: Vec::new(), unchanged: Vec::new(), conflicts: Vec::new() };
        let ours = Ours { secrets, base: super::base(configuration) };
        for custom_id in configuration.custom_ids() {
            planned.ensure(custom_id)?;
            let is_it = |one: &&Subscription| ours.custom_id(one) == Some(custom_id);
            let mut candidates: Vec<&Subscription> = existing.iter().copied().filter(is_it).collect();
            // The one that is known to be managed first; any other is a double, of a create whose answer was lost.
            candidates.sort_by_key(|one| (ours.managed_as(one).is_none(), one.id.clone()));
            let foreign = existing
                .iter()
                .find(|one| one.custom_id.as_deref() == Some(custom_id) && ours.custom_id(one).is_none());
            if let Some(foreign) = foreign {
                plan.conflicts.push(format!(
                    "subscription {} at TrackTik has the customId {custom_id:?} and is not this relay's: its call-outs go \
                     elsewhere. Choose another custom_id, or archive that one at TrackTik",
                    foreign.id
                ));
                continue;
            }
            let (first, doubles) = match candidates.split_first() {
                Some((first, doubles)) => (Some(*first), doubles),
                None => (None, &[][..]),
            };
            plan.one(configuration, &planned, custom_id, first, secrets)?;
            plan.steps.extend(doubles.iter().map(|double| archive(custom_id, double)));
        }
        for one in existing {
            let Some(custom_id) = ours.custom_id(one) else { continue };
            if configuration.custom_ids().all(|wanted| wanted != custom_id) {
                plan.steps.push(archive(custom_id, one));
            }
        }
        Ok(plan)
    }

    fn one(
        &mut self,
        configuration: &Configuration,
        planned: &CallOutSecrets,
        custom_id: &str,
        existing: Option<&Subscription>,
        secrets: &CallOutSecrets,
    ) -> Result<(), Error> {
        let id = existing.map(|one| one.id.to_string());
        let step = |action| Step { custom_id: custom_id.to_owned(), id: id.clone(), action };
        let before = self.steps.len();
        // It was ensured: the definition is there.
        let Some(definition) = configuration.definition(custom_id, planned)? else { return Ok(()) };
        match existing {
            None => self.steps.push(step(Action::Create)),
            Some(existing) => {
                let differences = definition.differences(existing);
                let told_otherwise = secrets.told(custom_id) != configuration.told(custom_id)?.as_ref();
                let secret = told_otherwise || secrets.is_unsent(custom_id) || secrets.managed(custom_id).is_none();
                if secret || !differences.is_empty() {
                    self.steps.push(step(Action::Update { differences, secret }));
                }
            }
        }
        let suspended = existing.is_some() && secrets.managed(custom_id).is_some_and(|managed| managed.suspended);
        match (configuration.suspended(custom_id), suspended) {
            (Some(reason), false) => self.steps.push(step(Action::Suspend { reason: reason.to_owned() })),
            (None, true) => self.steps.push(step(Action::Enable)),
            (Some(_), true) | (None, false) => {}
        }
        if self.steps.len() == before {
            self.unchanged.push(custom_id.to_owned());
        }
        Ok(())
    }
}

fn archive(custom_id: &str, one: &Subscription) -> Step {
    Step { custom_id: custom_id.to_owned(), id: Some(one.id.to_string()), action: Action::Archive }
}

/// Which subscriptions are the relay's own.
pub(super) struct Ours<'a> {
    pub(super) secrets: &'a CallOutSecrets,
    /// Where the relay's call-outs come: the address before the key.
    pub(super) base: String,
}

impl<'a> Ours<'a> {
    /// Under which custom id it was made.
    fn managed_as(&self, one: &Subscription) -> Option<&'a str> {
        self.secrets.custom_id_of(one.id.as_str())
    }

    /// The custom id of one of ours; nothing for one that is not.
    pub(super) fn custom_id<'b>(&self, one: &'b Subscription) -> Option<&'b str>
    where
        'a: 'b,
    {
        let called_here = one.url.as_deref().is_some_and(|url| url.starts_with(&self.base));
        self.managed_as(one).or_else(|| one.custom_id.as_deref().filter(|_| called_here))
    }
}
