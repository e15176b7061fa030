//! The channels somebody subscribed to, and the rules by which each of them gets there. Pure: it must never send or
//! ask, only say what is to be sent and asked.

mod answers;
mod incoming;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{sync::watch, time::Instant};

use crate::{
    Error, USER,
    authorizer::{Authentication, Authorization},
    backoff::Backoff,
    channel::ChannelKind,
    entry::{Entry, Kind, Phase},
    event::{ChannelEvent, ClientEvent},
    frame,
    presence::Members,
    queue::Queue,
    seal::Seal,
};

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// Ask the authorizer.
    Authorize {
        channel: String,
        ticket: u64,
    },
    /// Ask the authenticator.
    Authenticate {
        ticket: u64,
    },
    Send(String),
    Tell(ClientEvent),
}

/// What the caller's code has granted.
pub(crate) enum Grant {
    Channel(Authorization),
    User(Authentication),
}

pub(crate) struct Roster {
    entries: BTreeMap<String, Entry>,
    tickets: u64,
    backoff: Backoff,
    answer_limit: Duration,
    actions: Vec<Action>,
    /// Something may be due.
    look: bool,
    /// Why nothing is tried any more.
    given_up: Option<String>,
    /// A subscription was accepted since this was last asked.
    was_of_use: bool,
}

impl Roster {
    pub(crate) fn new(backoff: Backoff, answer_limit: Duration) -> Self {
        Self {
            entries: BTreeMap::new(),
            tickets: 0,
            backoff,
            answer_limit,
            actions: Vec::new(),
            look: false,
            given_up: None,
            was_of_use: false,
        }
    }

    /// What is to be done since this was last asked.
    pub(crate) fn actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// Whether any subscription was accepted since this was last asked.
    pub(crate) fn was_of_use(&mut self) -> bool {
        std::mem::take(&mut self.was_of_use)
    }

    /// Whether something may be due since this was last asked.
    pub(crate) fn wants_look(&mut self) -> bool {
        std::mem::take(&mut self.look)
    }

    /// A reader joins `channel`, and can see who else is there.
    pub(crate) fn join(
        &mut self,
        channel: String,
        kind: Kind,
        queue: Arc<Queue<ChannelEvent>>,
        now: Instant,
    ) -> watch::Receiver<Members> {
        self.look = true;
        let entry = Entry::new(&channel, kind, now);
        let entry = self.entries.entry(channel).or_insert(entry);
        let there = match (&self.given_up, &entry.phase) {
            (Some(reason), _) => Some(answers::given_up(reason)),
            (None, Phase::Subscribed) => Some(ChannelEvent::Subscribed),
            (None, _) => None,
        };
        if let Some(event) = there {
            let weight = event.weight();
            queue.push(event, weight);
        } else if matches!(entry.phase, Phase::Refused) {
            entry.phase = Phase::due(now);
        }
        entry.readers.push(queue);
        entry.members.subscribe()
    }

    /// A reader leaves. With the last one, a channel that the server knows of is unsubscribed.
    pub(crate) fn leave(&mut self, channel: &str, queue: &Arc<Queue<ChannelEvent>>, now: Instant) {
        self.look = true;
        let Some(entry) = self.entries.get_mut(channel) else { return };
        entry.readers.retain(|reader| !Arc::ptr_eq(reader, queue));
        if !entry.readers.is_empty() {
            return;
        }
        let Some(entry) = self.entries.remove(channel) else { return };
        if entry.is_known() {
            // Of a user there is only the channel to leave: the protocol knows no signing out.
            let name = if entry.kind == Kind::User { entry.user_channel } else { Some(channel.into()) };
            self.actions.extend(name.map(|name| Action::Send(frame::unsubscribe(&name))));
        }
        if entry.kind == Kind::User {
            self.refuse_who_await_the_user("the user's sign-in was given up", None, now);
        }
    }

    /// Asks again for a refused or waiting channel, and for a key that was refused or is waited for. `false` when nobody
    /// subscribed to it.
    pub(crate) fn renew(&mut self, channel: &str, now: Instant) -> bool {
        self.look = true;
        let Some(entry) = self.entries.get_mut(channel) else { return false };
        if let Some(reason) = &self.given_up {
            entry.tell(answers::given_up(reason));
        } else if matches!(entry.phase, Phase::Refused | Phase::Due { .. }) {
            entry.phase = Phase::due(now);
        }
        entry.seal.iter_mut().for_each(|seal| seal.renew(now));
        true
    }

    /// Sends a client's event, if the channel is subscribed now.
    pub(crate) fn trigger(&mut self, channel: &str, frame: String) -> Result<(), Error> {
        match self.entries.get(channel) {
            Some(entry) if matches!(entry.phase, Phase::Subscribed) => {
                self.actions.push(Action::Send(frame));
                Ok(())
            }
            Some(_) => Err(Error::NotReady { channel: channel.into() }),
            None => Err(Error::NotSubscribed { channel: channel.into() }),
        }
    }

    /// Ends the waits that are our own doing.
    pub(crate) fn hurry(&mut self, now: Instant) {
        self.look = true;
        for entry in self.entries.values_mut() {
            if matches!(entry.phase, Phase::Due { server_said: false, .. }) {
                entry.phase = Phase::due(now);
            }
            entry.seal.iter_mut().for_each(|seal| seal.hurry(now));
        }
    }

    /// The connection, last heard of at `seen`, is gone: all but the refused are to be subscribed anew.
    pub(crate) fn disconnected(&mut self, seen: SystemTime, now: Instant) {
        self.actions.clear();
        self.entries.values_mut().for_each(|entry| entry.disconnected(seen, now));
    }

    /// Says what is due at `now`, on a connection last heard of at `seen`, with room for `slots` more authorizations, and gives when to look again.
    pub(crate) fn due(&mut self, now: Instant, seen: SystemTime, slots: usize, jitter: f64) -> Option<Instant> {
        if self.given_up.is_some() {
            return None;
        }
        let mut slots = slots;
        let mut delayed = Vec::new();
        for (channel, entry) in &mut self.entries {
            if matches!(entry.phase, Phase::Sent { until } if until <= now) {
                entry.unanswered = true;
                let at = entry.fail(&self.backoff, now, jitter);
                delayed.push((channel.clone(), at - now));
            }
            let rekeys = entry.seal.as_ref().and_then(Seal::due).is_some_and(|at| at <= now);
            if !rekeys && !matches!(entry.phase, Phase::Due { at, .. } if at <= now) {
                continue;
            }
            if entry.kind == Kind::Channel(ChannelKind::Public) {
                self.actions.extend(take_back(channel, entry, seen));
                entry.phase = Phase::Sent { until: now + self.answer_limit };
                self.actions.push(Action::Send(frame::subscribe(channel, None)));
                continue;
            }
            if slots == 0 {
                continue;
            }
            slots -= 1;
            self.tickets += 1;
            let ticket = self.tickets;
            if let (true, Some(seal)) = (rekeys, &mut entry.seal) {
                seal.asked(ticket);
            } else {
                self.actions.extend(take_back(channel, entry, seen));
                entry.phase = Phase::Authorizing { ticket };
            }
            self.actions.push(match entry.kind {
                Kind::User => Action::Authenticate { ticket },
                Kind::Channel(_) => Action::Authorize { channel: channel.clone(), ticket },
            });
        }
        for (channel, retry_in) in delayed {
            self.tell_delayed(&channel, "the server has not answered", retry_in);
        }
        // A channel that is due and found no slot waits for an authorization to end, not for the clock.
        let later = self.entries.values().flat_map(|entry| {
            let own = match entry.phase {
                Phase::Due { at, .. } => Some(at),
                Phase::Sent { until } => Some(until),
                Phase::Authorizing { .. } | Phase::AwaitingUser(_) | Phase::Subscribed | Phase::Refused => None,
            };
            [own, entry.seal.as_ref().and_then(Seal::due)].into_iter().flatten()
        });
        later.filter(|at| *at > now).min()
    }

    /// Ends every subscription: nothing is delivered from here on.
    pub(crate) fn close(&mut self) {
        for reader in std::mem::take(&mut self.entries).into_values().flat_map(|entry| entry.readers) {
            reader.close();
        }
    }

    /// The subscription to what the server calls `channel`.
    fn find(&mut self, channel: &str) -> Option<&mut Entry> {
        if channel.starts_with(USER) {
            return self.entries.get_mut(USER).filter(|user| user.user_channel.as_deref() == Some(channel));
        }
        self.entries.get_mut(channel)
    }
}

/// Takes back a subscription that the server never answered, before it is sent again.
fn take_back(channel: &str, entry: &mut Entry, seen: SystemTime) -> Option<Action> {
    let unanswered = std::mem::take(&mut entry.unanswered);
    if unanswered {
        entry.give_up(seen);
    }
    let name = if entry.kind == Kind::User { entry.user_channel.take() } else { Some(channel.into()) };
    name.filter(|_| unanswered).map(|name| Action::Send(frame::unsubscribe(&name)))
}

#[cfg(test)]
mod tests;
