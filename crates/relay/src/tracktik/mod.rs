//! The subscriptions of a TrackTik account, kept as `relay.toml` says: planned, applied, looked at.
//!
//! What TrackTik's API does not tell is remembered beside the secrets: which subscriptions the relay has made, which of
//! them it has suspended, and whether TrackTik has been told the newest secret. No text here ever holds a key or secret.

mod plan;
mod trial;

use std::time::{Duration, Instant};

use secrecy::SecretString;
use tracktik_client::{Client, SecretInUpdate, Subscription};

pub use plan::{Action, Plan, Step};
pub use tracktik_client::{Id, LogRow, without_key};
pub use trial::call_out;

use self::plan::Ours;
use crate::{Configuration, Error, callout_secrets::Managed};

/// How long a running relay may take to know a secret that was just made.
const KNOWN_WITHIN: Duration = Duration::from_secs(15);
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// The account in the table `tracktik` of a configuration.
pub struct Account {
    configuration: Configuration,
    client: Client,
}

/// A subscription of the account.
pub struct Listed {
    /// As TrackTik has it.
    pub subscription: Subscription,
    /// Under which custom id it is the relay's own; nothing for one that is not.
    pub ours: Option<String>,
    /// The relay has suspended it; for one that is not ours nobody can tell.
    pub suspended: Option<bool>,
    /// The relay has ended it, and TrackTik lists it all the same.
    pub archived: bool,
}

impl Account {
    /// Reads the credentials; nothing is sent yet.
    pub fn new(configuration: Configuration) -> Result<Self, Error> {
        let client = configuration.tracktik_client()?;
        Ok(Self { configuration, client })
    }

    /// What is to be done so that the account is as `relay.toml` says.
    pub async fn plan(&self) -> Result<Plan, Error> {
        Plan::new(&self.configuration, &self.configuration.secrets().read()?, &self.client.list().await?)
    }

    /// Does one step of a plan. What has to be kept is kept before TrackTik is told, so that a step that was broken off is
    /// done anew by the next plan. Answers what is worth knowing beyond that it was done.
    pub async fn apply(&self, step: &Step) -> Result<Option<String>, Error> {
        let (custom_id, place) = (step.custom_id.as_str(), self.configuration.secrets());
        match &step.action {
            Action::Create => {
                self.make_secrets()?;
                let note = self.until_known(custom_id).await?;
                let (definition, newest) = self.definition(custom_id)?;
                let created = self.client.create(&definition).await?;
                self.told(custom_id, &created.id, Some(&newest), false)?;
                Ok(note)
            }
            Action::Update { secret, .. } => {
                self.make_secrets()?;
                let note = self.until_known(custom_id).await?;
                let (definition, newest) = self.definition(custom_id)?;
                let id = self.id_of(step)?;
                let which = if *secret { SecretInUpdate::Replaced } else { SecretInUpdate::Kept };
                self.client.update(&id, &definition, which).await?;
                let suspended = place.read()?.managed(custom_id).is_some_and(|managed| managed.suspended);
                self.told(custom_id, &id, secret.then_some(&newest), suspended)?;
                Ok(note)
            }
            Action::Suspend { reason } => {
                self.suspend(Some(custom_id), &self.id_of(step)?, reason).await.map(|()| None)
            }
            Action::Enable => self.enable(Some(custom_id), &self.id_of(step)?).await.map(|()| None),
            Action::Archive => self.archive(Some(custom_id), &self.id_of(step)?).await.map(|()| None),
        }
    }

    /// All of them before the first is sent: a running relay takes in a configuration whole or not at all. What only this
    /// machine knows is not sent where others take call-outs too: they would refuse theirs.
    fn make_secrets(&self) -> Result<(), Error> {
        let (configuration, mut made) = (&self.configuration, Vec::new());
        configuration.secrets().change(|secrets| {
            for one in configuration.custom_ids() {
                if secrets.ensure(one)? {
                    made.push(one);
                }
            }
            Ok(())
        })?;
        if made.is_empty() || !configuration.shares_database() {
            return Ok(());
        }
        Err(Error::Input(format!(
            "key and secret of {} are made, and TrackTik was not told yet: several relays may share this database, and each has to \
             know them. Copy {} to every one; the next `tracktik apply` takes it that this was done, and tells TrackTik. With \
             single_relay = true in relay.toml there is no other",
            made.join(", "),
            configuration.secrets().name(),
        )))
    }

    /// All subscriptions that the account's user sees.
    pub async fn list(&self) -> Result<Vec<Listed>, Error> {
        let subscriptions = self.client.list().await?;
        let secrets = self.configuration.secrets().read()?;
        let ours = Ours { secrets: &secrets, base: base(&self.configuration) };
        let listed = subscriptions.into_iter().map(|subscription| {
            let custom_id = ours.custom_id(&subscription).map(str::to_owned);
            let managed = custom_id.as_ref().and_then(|custom_id| secrets.managed(custom_id));
            let suspended = managed.map(|managed| managed.suspended);
            let archived = secrets.is_archived(subscription.id.as_str());
            Listed { subscription, ours: custom_id, suspended, archived }
        });
        Ok(listed.collect())
    }

    /// The one subscription of this custom id or TrackTik's id, with its log.
    pub async fn find(&self, name: &str) -> Result<Listed, Error> {
        let is_it = |one: &Listed| {
            let named = one.subscription.custom_id.as_deref() == Some(name) && !one.archived;
            named || one.subscription.id.as_str() == name
        };
        let mut found: Vec<Listed> = self.list().await?.into_iter().filter(is_it).collect();
        match (found.pop(), found.len()) {
            (Some(one), 0) => {
                let subscription = self.client.get(&one.subscription.id, true).await?;
                Ok(Listed { subscription, ..one })
            }
            (None, _) => Err(Error::Input(format!(
                "TrackTik shows no subscription {name:?}; `subscriptions list` shows those there are"
            ))),
            (Some(_), more) => {
                Err(Error::Input(format!("{} subscriptions have the customId {name:?}; give TrackTik's id", more + 1)))
            }
        }
    }

    /// Suspends it; TrackTik requires a reason. `ours` is the custom id of one that is the relay's own.
    pub async fn suspend(&self, ours: Option<&str>, id: &Id, reason: &str) -> Result<(), Error> {
        self.client.suspend(id, reason).await?;
        ours.map_or(Ok(()), |custom_id| self.told(custom_id, id, None, true))
    }

    /// Lets it call out again.
    pub async fn enable(&self, ours: Option<&str>, id: &Id) -> Result<(), Error> {
        self.client.enable(id).await?;
        ours.map_or(Ok(()), |custom_id| self.told(custom_id, id, None, false))
    }

    /// Ends it for good. Key and secrets of one of ours go with it, unless `relay.toml` has it still.
    pub async fn archive(&self, ours: Option<&str>, id: &Id) -> Result<(), Error> {
        self.client.archive(id).await?;
        let Some(custom_id) = ours else { return Ok(()) };
        let wanted = self.configuration.custom_ids().any(|one| one == custom_id);
        self.configuration.secrets().change(|secrets| {
            secrets.archive(id.as_str());
            match secrets.managed(custom_id) {
                // A double of one that goes on.
                Some(managed) if managed.id != id.as_str() => {}
                _ if wanted => secrets.manage(custom_id, None),
                _ => secrets.remove(custom_id),
            }
            Ok(())
        })
    }

    /// Remembers what TrackTik has been told of one of ours.
    fn told(&self, custom_id: &str, id: &Id, secret: Option<&SecretString>, suspended: bool) -> Result<(), Error> {
        let told = self.configuration.told(custom_id)?;
        self.configuration.secrets().change(|secrets| {
            secrets.manage(custom_id, Some(Managed { id: id.to_string(), suspended }));
            if let Some(secret) = secret {
                secrets.sent(custom_id, secret, told);
            }
            Ok(())
        })
    }

    fn id_of(&self, step: &Step) -> Result<Id, Error> {
        let made = || Some(self.configuration.secrets().read().ok()?.managed(&step.custom_id)?.id.clone());
        let id = step.id.clone().or_else(made);
        let id = id.ok_or_else(|| Error::Input(format!("{:?} is not at TrackTik", step.custom_id)))?;
        Ok(id.parse()?)
    }

    fn definition(&self, custom_id: &str) -> Result<(tracktik_client::NewSubscription, SecretString), Error> {
        let secrets = self.configuration.secrets().read()?;
        let newest = secrets.of(custom_id).and_then(|(_, of_it)| of_it.into_iter().next());
        let definition = self.configuration.definition(custom_id, &secrets)?;
        definition.zip(newest).ok_or_else(|| Error::Input(format!("{custom_id:?} has no key and secret")))
    }

    /// A running relay must know a secret before TrackTik uses it, or call-outs are lost. Where none answers there is
    /// nothing to wait for; that is worth a note.
    async fn until_known(&self, custom_id: &str) -> Result<Option<String>, Error> {
        let begin = Instant::now();
        loop {
            match call_out(&self.configuration, custom_id, b"null").await {
                // The signature was found good; `null` is no event, and nothing is stored.
                Ok(Some(400) | None) => return Ok(None),
                Ok(Some(status)) if begin.elapsed() > KNOWN_WITHIN => {
                    return Err(Error::Input(format!(
                        "the relay at {} does not take the call-outs of {custom_id:?} (it answers {status}); it has to run with \
                         this relay.toml first, so that none is lost",
                        self.configuration.own_url()
                    )));
                }
                Ok(Some(_)) => tokio::time::sleep(ASK_AGAIN).await,
                Err(error @ Error::NotRunning { .. }) => {
                    return Ok(Some(format!("{error}; call-outs are lost until one does")));
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// What the addresses of all call-outs to this relay begin with.
fn base(configuration: &Configuration) -> String {
    format!("{}/callouts/tracktik/", configuration.own_url())
}
