//! One channel somebody subscribed to, and how far it is. Pure: it must never send or ask.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{sync::watch, time::Instant};

use crate::{
    USER, authorizer::Authorization, backoff::Backoff, channel::ChannelKind, event::ChannelEvent, frame::Frame,
    presence::Members, queue::Queue, seal::Seal,
};

/// The longest wait a server can ask for: beyond it, its clock or its mind is wrong.
pub(crate) const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(15);

/// What somebody subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Channel(ChannelKind),
    /// Signing in, and then what is sent to the user on all of their connections.
    User,
}

pub(crate) struct Entry {
    pub(crate) kind: Kind,
    /// The name that events carry.
    pub(crate) channel: Arc<str>,
    /// What the last event was called: mostly the next one is called the same.
    event_name: Arc<str>,
    pub(crate) readers: Vec<Arc<Queue<ChannelEvent>>>,
    pub(crate) phase: Phase,
    /// Since the last accepted subscription.
    pub(crate) failures: u32,
    /// Set while events may be missed that were once promised.
    pub(crate) lost_since: Option<SystemTime>,
    /// The last subscription was sent on this connection and not answered.
    pub(crate) unanswered: bool,
    /// Who is there; nobody ever on channels without presence.
    pub(crate) members: watch::Sender<Members>,
    /// On encrypted channels, once authorized.
    pub(crate) seal: Option<Seal>,
    /// The server's name for the signed-in user's channel.
    pub(crate) user_channel: Option<String>,
}

pub(crate) enum Phase {
    /// To be asked for at `at`. Not earlier for anyone when the server said so.
    Due {
        at: Instant,
        server_said: bool,
    },
    Authorizing {
        ticket: u64,
    },
    /// Authorized, but without a name: the signed-in user's will do.
    AwaitingUser(Authorization),
    Sent {
        until: Instant,
    },
    Subscribed,
    Refused,
}

impl Phase {
    pub(crate) fn due(at: Instant) -> Self {
        Self::Due { at, server_said: false }
    }
}

impl Entry {
    pub(crate) fn new(channel: &str, kind: Kind, now: Instant) -> Self {
        Self {
            kind,
            channel: channel.into(),
            event_name: "".into(),
            readers: Vec::new(),
            phase: Phase::due(now),
            failures: 0,
            lost_since: None,
            unanswered: false,
            members: watch::Sender::new(Members::default()),
            seal: None,
            user_channel: None,
        }
    }

    /// Our own name for what the server calls `channel`.
    pub(crate) fn name<'a>(&self, channel: &'a str) -> &'a str {
        if self.kind == Kind::User { USER } else { channel }
    }

    /// Whether the server knows, or may know, of the subscription.
    pub(crate) fn is_known(&self) -> bool {
        self.unanswered || matches!(self.phase, Phase::Sent { .. } | Phase::Subscribed)
    }

    /// Whether what the server sends for the channel is for its readers.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Sent { .. } | Phase::Subscribed)
    }

    pub(crate) fn fail(&mut self, retry_after: Option<Duration>, backoff: &Backoff, now: Instant, jitter: f64) {
        let (at, server_said) = self.next_try(retry_after, backoff, now, jitter);
        self.phase = Phase::Due { at, server_said };
    }

    /// When to try again after one more failure, and whether it was the server who said so.
    pub(crate) fn next_try(
        &mut self,
        retry_after: Option<Duration>,
        backoff: &Backoff,
        now: Instant,
        jitter: f64,
    ) -> (Instant, bool) {
        let own = backoff.delay(self.failures, jitter);
        let asked = retry_after.map(|wait| wait.min(LONGEST_RETRY_AFTER)).filter(|wait| *wait > own);
        self.failures = self.failures.saturating_add(1);
        (now + asked.unwrap_or(own), asked.is_some())
    }

    /// Hands `event` to every reader.
    pub(crate) fn tell(&self, event: ChannelEvent) {
        let weight = match &event {
            ChannelEvent::Event(event) => event.weight(),
            _ => 0,
        };
        if let Some((last, others)) = self.readers.split_last() {
            for reader in others {
                reader.push(event.clone(), weight);
            }
            last.push(event, weight);
        }
    }

    /// Hands every reader these, in order.
    pub(crate) fn tell_all(&self, events: impl IntoIterator<Item = ChannelEvent>) {
        for event in events {
            self.tell(event);
        }
    }

    /// Hands the event in `frame` on, opened where it is sealed. `true` when a new key is to be asked for.
    pub(crate) fn deliver(&mut self, frame: Frame<'_>, channel: Arc<str>, now: Instant) -> bool {
        if *self.event_name != *frame.name {
            self.event_name = frame.name.as_ref().into();
        }
        let event = frame.into_event(channel, self.event_name.clone());
        if self.kind != Kind::Channel(ChannelKind::Encrypted) {
            self.tell(ChannelEvent::Event(event));
            return false;
        }
        // Without a key nothing was sent for it, and nothing comes.
        let Some(seal) = &mut self.seal else { return false };
        let given = seal.take(event, now);
        let asks = seal.due().is_some();
        self.tell_all(given);
        asks
    }

    /// The connection, last heard of at `seen`, is gone.
    pub(crate) fn disconnected(&mut self, seen: SystemTime, now: Instant) {
        self.unanswered = false;
        self.user_channel = None;
        self.members.send_if_modified(|members| {
            let known = *members != Members::default();
            members.clear();
            known
        });
        if let Some(mut seal) = self.seal.take() {
            self.tell_all(seal.answered(None, now));
        }
        match self.phase {
            Phase::Subscribed => {
                self.lost_since.get_or_insert(seen);
                self.phase = Phase::due(now);
            }
            Phase::Authorizing { .. }
            | Phase::AwaitingUser(_)
            | Phase::Sent { .. }
            | Phase::Due { server_said: false, .. } => self.phase = Phase::due(now),
            Phase::Due { server_said: true, .. } | Phase::Refused => {}
        }
    }
}
