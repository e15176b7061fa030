//! The channels somebody subscribed to, and how far each one is. Pure: it must never send or ask, only say what is to
//! be sent and asked.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

use crate::{
    authorizer::AuthorizeError,
    backoff::Backoff,
    channel::ChannelKind,
    event::{ChannelEvent, Event, Gap},
    queue::Queue,
};

/// The longest wait a server can ask for: beyond it, its clock or its mind is wrong.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(15);

/// What to do for a channel whose turn has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ask the authorizer.
    Authorize { channel: String, ticket: u64 },
    /// Send the subscription without a signature.
    Subscribe { channel: String },
    /// Take back a subscription that the server never answered, before it is sent again.
    TakeBack { channel: String },
}

/// What it means that the server has accepted a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// Nobody has asked for it, or it was accepted before.
    Unasked,
    First,
    /// It had been accepted before and was lost.
    Again(Gap),
}

pub(crate) struct Roster {
    entries: BTreeMap<String, Entry>,
    tickets: u64,
    backoff: Backoff,
    answer_limit: Duration,
}

struct Entry {
    kind: ChannelKind,
    readers: Vec<Arc<Queue<ChannelEvent>>>,
    phase: Phase,
    /// Since the last accepted subscription.
    failures: u32,
    /// Set while events may be missed that were once promised.
    lost_since: Option<SystemTime>,
    /// The last subscription was sent on this connection and not answered.
    unanswered: bool,
}

enum Phase {
    /// To be asked for at `at`. Not earlier for anyone when the server said so.
    Due {
        at: Instant,
        server_said: bool,
    },
    Authorizing {
        ticket: u64,
    },
    Sent {
        until: Instant,
    },
    Subscribed,
    Refused,
}

impl Phase {
    fn due(at: Instant) -> Self {
        Self::Due { at, server_said: false }
    }
}

impl Roster {
    pub(crate) fn new(backoff: Backoff, answer_limit: Duration) -> Self {
        Self { entries: BTreeMap::new(), tickets: 0, backoff, answer_limit }
    }

    /// A reader joins `channel`.
    pub(crate) fn join(&mut self, channel: String, kind: ChannelKind, queue: Arc<Queue<ChannelEvent>>, now: Instant) {
        let entry = self.entries.entry(channel).or_insert_with(|| Entry {
            kind,
            readers: Vec::new(),
            phase: Phase::due(now),
            failures: 0,
            lost_since: None,
            unanswered: false,
        });
        match entry.phase {
            Phase::Subscribed => queue.push(ChannelEvent::Subscribed, 0),
            Phase::Refused => entry.phase = Phase::due(now),
            Phase::Due { .. } | Phase::Authorizing { .. } | Phase::Sent { .. } => {}
        }
        entry.readers.push(queue);
    }

    /// A reader leaves. `true` when it was the last one of a channel the server knows of.
    pub(crate) fn leave(&mut self, channel: &str, queue: &Arc<Queue<ChannelEvent>>) -> bool {
        let Some(entry) = self.entries.get_mut(channel) else { return false };
        entry.readers.retain(|reader| !Arc::ptr_eq(reader, queue));
        if !entry.readers.is_empty() {
            return false;
        }
        let known = entry.unanswered || matches!(entry.phase, Phase::Sent { .. } | Phase::Subscribed);
        self.entries.remove(channel);
        known
    }

    /// Asks again for a refused or waiting channel. `false` when nobody subscribed to it.
    pub(crate) fn renew(&mut self, channel: &str, now: Instant) -> bool {
        let Some(entry) = self.entries.get_mut(channel) else { return false };
        if matches!(entry.phase, Phase::Refused | Phase::Due { .. }) {
            entry.phase = Phase::due(now);
        }
        true
    }

    /// Ends the waits that are our own doing.
    pub(crate) fn hurry(&mut self, now: Instant) {
        for entry in self.entries.values_mut() {
            if matches!(entry.phase, Phase::Due { server_said: false, .. }) {
                entry.phase = Phase::due(now);
            }
        }
    }

    /// The connection, last heard of at `seen`, is gone: all but the refused are to be subscribed anew.
    pub(crate) fn disconnected(&mut self, seen: SystemTime, now: Instant) {
        for entry in self.entries.values_mut() {
            entry.unanswered = false;
            match entry.phase {
                Phase::Subscribed => {
                    entry.lost_since.get_or_insert(seen);
                    entry.phase = Phase::due(now);
                }
                Phase::Authorizing { .. } | Phase::Sent { .. } | Phase::Due { server_said: false, .. } => {
                    entry.phase = Phase::due(now);
                }
                Phase::Due { server_said: true, .. } | Phase::Refused => {}
            }
        }
    }

    /// What is to be done at `now`, with room for `slots` more authorizations, and when to look again.
    pub(crate) fn steps(&mut self, now: Instant, slots: usize, jitter: f64) -> (Vec<Step>, Option<Instant>) {
        let (mut steps, mut slots) = (Vec::new(), slots);
        for (channel, entry) in &mut self.entries {
            if matches!(entry.phase, Phase::Sent { until } if until <= now) {
                entry.unanswered = true;
                entry.fail(None, &self.backoff, now, jitter);
            }
            if !matches!(entry.phase, Phase::Due { at, .. } if at <= now) {
                continue;
            }
            let private = entry.kind != ChannelKind::Public;
            if private && slots == 0 {
                continue;
            }
            if std::mem::take(&mut entry.unanswered) {
                steps.push(Step::TakeBack { channel: channel.clone() });
            }
            if private {
                slots -= 1;
                self.tickets += 1;
                entry.phase = Phase::Authorizing { ticket: self.tickets };
                steps.push(Step::Authorize { channel: channel.clone(), ticket: self.tickets });
            } else {
                entry.phase = Phase::Sent { until: now + self.answer_limit };
                steps.push(Step::Subscribe { channel: channel.clone() });
            }
        }
        // A channel that is due and found no slot waits for an authorization to end, not for the clock.
        let later = self.entries.values().filter_map(|entry| match entry.phase {
            Phase::Due { at, .. } => Some(at),
            Phase::Sent { until } => Some(until),
            Phase::Authorizing { .. } | Phase::Subscribed | Phase::Refused => None,
        });
        let next = later.filter(|at| *at > now).min();
        (steps, next)
    }

    /// The authorization `ticket` was granted: `true` when it is still wanted and is to be sent.
    pub(crate) fn granted(&mut self, channel: &str, ticket: u64, now: Instant) -> bool {
        let until = now + self.answer_limit;
        self.waiting_for(channel, ticket).map(|entry| entry.phase = Phase::Sent { until }).is_some()
    }

    /// The authorization `ticket` failed: `true` when this is a refusal that is to be reported.
    pub(crate) fn denied(
        &mut self,
        channel: &str,
        ticket: u64,
        error: &AuthorizeError,
        now: Instant,
        jitter: f64,
    ) -> bool {
        let backoff = self.backoff.clone();
        let Some(entry) = self.waiting_for(channel, ticket) else { return false };
        match error {
            AuthorizeError::Refused { .. } => {
                entry.phase = Phase::Refused;
                true
            }
            AuthorizeError::Temporary { retry_after, .. } => {
                entry.fail(*retry_after, &backoff, now, jitter);
                false
            }
        }
    }

    /// The server has accepted the subscription.
    pub(crate) fn accepted(&mut self, channel: &str, at: SystemTime) -> Accepted {
        let Some(entry) = self.entries.get_mut(channel) else { return Accepted::Unasked };
        if !matches!(entry.phase, Phase::Sent { .. }) {
            return Accepted::Unasked;
        }
        entry.phase = Phase::Subscribed;
        entry.failures = 0;
        for reader in &entry.readers {
            reader.push(ChannelEvent::Subscribed, 0);
        }
        match entry.lost_since.take() {
            Some(since) => Accepted::Again(Gap { channel: channel.into(), since, until: at }),
            None => Accepted::First,
        }
    }

    /// The server has refused the subscription or ended it: `true` when that is to be reported.
    pub(crate) fn rejected(&mut self, channel: &str, at: SystemTime) -> bool {
        let Some(entry) = self.entries.get_mut(channel) else { return false };
        match entry.phase {
            Phase::Subscribed => {
                entry.lost_since.get_or_insert(at);
            }
            Phase::Sent { .. } => {}
            Phase::Due { .. } | Phase::Authorizing { .. } | Phase::Refused => return false,
        }
        entry.phase = Phase::Refused;
        true
    }

    /// Hands `event` to the readers of its channel.
    pub(crate) fn deliver(&self, event: Event) {
        let Some(entry) = self.entries.get(&event.channel) else { return };
        if !matches!(entry.phase, Phase::Sent { .. } | Phase::Subscribed) {
            return;
        }
        let weight = event.weight();
        if let Some((last, others)) = entry.readers.split_last() {
            for reader in others {
                reader.push(ChannelEvent::Event(event.clone()), weight);
            }
            last.push(ChannelEvent::Event(event), weight);
        }
    }

    /// Ends every subscription: nothing is delivered from here on.
    pub(crate) fn close(&mut self) {
        for reader in std::mem::take(&mut self.entries).into_values().flat_map(|entry| entry.readers) {
            reader.close();
        }
    }

    /// The channel whose authorization `ticket` is; none when it was dropped, taken again or has lost its connection.
    fn waiting_for(&mut self, channel: &str, ticket: u64) -> Option<&mut Entry> {
        let entry = self.entries.get_mut(channel)?;
        matches!(entry.phase, Phase::Authorizing { ticket: current } if current == ticket).then_some(entry)
    }
}

impl Entry {
    fn fail(&mut self, retry_after: Option<Duration>, backoff: &Backoff, now: Instant, jitter: f64) {
        let own = backoff.delay(self.failures, jitter);
        let asked = retry_after.map(|wait| wait.min(LONGEST_RETRY_AFTER)).filter(|wait| *wait > own);
        self.failures = self.failures.saturating_add(1);
        self.phase = Phase::Due { at: now + asked.unwrap_or(own), server_said: asked.is_some() };
    }
}

#[cfg(test)]
#[path = "roster_tests.rs"]
mod tests;
