//! One channel somebody subscribed to, and how far it is. Pure: it must never send or ask.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{sync::watch, time::Instant};

use crate::{
    USER,
    authorizer::Authorization,
    backoff::Backoff,
    channel::ChannelKind,
    encryption::Key,
    event::{ChannelEvent, Gap},
    frame::Frame,
    presence::Members,
    queue::Queue,
    seal::Seal,
};

/// The longest wait a server can ask for: beyond it, its clock or its mind is wrong.
pub(crate) const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(15);
/// The most that is kept of what comes before a channel's acceptance, in bytes.
const MOST_EARLY: usize = 1 << 20;

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
    /// A subscription was sent on this connection that the server may yet accept, though it is not waited for any more.
    pub(crate) unanswered: bool,
    /// When the present subscription was accepted.
    pub(crate) accepted_at: SystemTime,
    /// What came for the channel before the server accepted it, which belongs behind the acceptance.
    early: VecDeque<ChannelEvent>,
    early_bytes: usize,
    /// So many of those did not fit.
    early_missed: u64,
    /// Who is there; nobody ever on channels without presence.
    pub(crate) members: watch::Sender<Members>,
    /// On encrypted channels, once authorized.
    pub(crate) seal: Option<Seal>,
    /// The server's name for the signed-in user's channel.
    pub(crate) user_channel: Option<String>,
    /// Refused for want of the user alone.
    pub(crate) for_want_of_user: bool,
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
            accepted_at: SystemTime::UNIX_EPOCH,
            early: VecDeque::new(),
            early_bytes: 0,
            early_missed: 0,
            members: watch::Sender::new(Members::default()),
            seal: None,
            user_channel: None,
            for_want_of_user: false,
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
        matches!(self.phase, Phase::Subscribed) || self.awaits_acceptance()
    }

    /// Whether the server may yet accept a subscription that was sent, waited for or not.
    pub(crate) fn awaits_acceptance(&self) -> bool {
        match self.phase {
            Phase::Sent { .. } => true,
            Phase::Due { .. } | Phase::Refused => self.unanswered,
            Phase::Authorizing { .. } | Phase::AwaitingUser(_) | Phase::Subscribed => false,
        }
    }

    /// Tries again later, and tells when.
    pub(crate) fn fail(&mut self, backoff: &Backoff, now: Instant, jitter: f64) -> Instant {
        let (at, server_said) = self.next_try(None, backoff, now, jitter);
        self.phase = Phase::Due { at, server_said };
        at
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
        let weight = event.weight();
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

    /// Hands every reader these that came from the server, once the channel is accepted.
    pub(crate) fn take(&mut self, events: impl IntoIterator<Item = ChannelEvent>) {
        if !self.awaits_acceptance() {
            return self.tell_all(events);
        }
        for event in events {
            self.early_bytes += event.weight();
            self.early.push_back(event);
        }
        while self.early_bytes > MOST_EARLY
            && let Some(event) = self.early.pop_front()
        {
            self.early_bytes -= event.weight();
            self.early_missed += 1;
        }
    }

    /// The server has accepted the channel: `gap` is told first, and what came early last.
    pub(crate) fn accept(&mut self, gap: Option<Gap>, at: SystemTime) {
        self.phase = Phase::Subscribed;
        self.failures = 0;
        self.unanswered = false;
        self.accepted_at = at;
        self.tell_all(gap.map(ChannelEvent::Gap));
        self.tell(ChannelEvent::Subscribed);
        self.release();
    }

    /// The channel will not be accepted, or not on this connection, and was last heard of at `at`: what came for it
    /// nevertheless is given, and what comes after it is behind a gap.
    pub(crate) fn give_up(&mut self, at: SystemTime) {
        if self.early.is_empty() && self.early_missed == 0 {
            return;
        }
        let since = *self.lost_since.get_or_insert(at);
        self.tell(ChannelEvent::Gap(Gap { channel: self.channel.to_string(), since, until: at }));
        self.release();
    }

    fn release(&mut self) {
        let missed = std::mem::take(&mut self.early_missed);
        self.early_bytes = 0;
        let early = std::mem::take(&mut self.early);
        self.tell_all((missed > 0).then_some(ChannelEvent::Lagged(missed)).into_iter().chain(early));
    }

    /// The subscription is refused, or was ended, at `at`: nobody is there any more, and nothing waits.
    pub(crate) fn refuse(&mut self, at: SystemTime, now: Instant) {
        self.give_up(at);
        self.forget(now);
        self.phase = Phase::Refused;
        self.for_want_of_user = false;
    }

    /// It seems to be refused. Should it be accepted after all, its key and who we are must still be known.
    pub(crate) fn seems_refused(&mut self, at: SystemTime) {
        self.give_up(at);
        self.phase = Phase::Refused;
        self.unanswered = true;
        self.for_want_of_user = false;
    }

    /// What is known only while there is a subscription.
    fn forget(&mut self, now: Instant) {
        self.members.send_if_modified(|members| {
            let known = *members != Members::default();
            members.clear();
            known
        });
        if let Some(mut seal) = self.seal.take() {
            self.tell_all(seal.answered(None, now));
        }
    }

    /// The channel's key is known.
    pub(crate) fn unseal(&mut self, key: Key, now: Instant) {
        if let Some(mut before) = self.seal.replace(Seal::new(key)) {
            let given = before.answered(None, now);
            self.take(given);
        }
    }

    /// Hands the event in `frame` on, opened where it is sealed. `true` when a new key is to be asked for.
    pub(crate) fn deliver(&mut self, frame: Frame<'_>, channel: Arc<str>, now: Instant) -> bool {
        if *self.event_name != *frame.name {
            self.event_name = frame.name.as_ref().into();
        }
        let event = frame.into_event(channel, self.event_name.clone());
        if self.kind != Kind::Channel(ChannelKind::Encrypted) {
            self.take([ChannelEvent::Event(event)]);
            return false;
        }
        // Without a key nothing was sent for it, and nothing comes.
        let Some(seal) = &mut self.seal else { return false };
        let given = seal.take(event, now);
        let asks = seal.due().is_some();
        self.take(given);
        asks
    }

    /// The connection, last heard of at `seen`, is gone.
    pub(crate) fn disconnected(&mut self, seen: SystemTime, now: Instant) {
        self.unanswered = false;
        self.user_channel = None;
        self.give_up(seen);
        self.forget(now);
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
