//! What becomes of a question: what the caller's code has granted or denied, what the server has accepted or refused. Pure
//! like the rest of the roster.

use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::time::Instant;

use super::{Action, Grant, Roster};
use crate::{
    USER,
    authorizer::AuthorizeError,
    channel::ChannelKind,
    encryption::Key,
    entry::{Entry, Kind, Phase},
    event::{ChannelEvent, ClientEvent, Gap},
    frame::{self, bounded},
    presence,
};

impl Roster {
    /// What was asked for with `ticket` is granted.
    pub(crate) fn granted(&mut self, channel: &str, ticket: u64, grant: Grant, now: Instant) {
        self.look = true;
        let signed_in = self.entries.get(USER).map(|user| (user.user_channel.clone(), user_is_pending(user)));
        let until = now + self.answer_limit;
        let Some(entry) = self.entries.get_mut(channel) else { return };
        if let Some(seal) = entry.seal.as_mut().filter(|seal| seal.is_asked(ticket)) {
            if let Grant::Channel(authorization) = &grant {
                let key = Key::read(authorization.shared_secret.as_deref()).ok();
                let given = seal.answered(key, now);
                entry.take(given);
            }
            return;
        }
        // Dropped, taken again, or of a connection that is lost: of no use any more.
        if !matches!(entry.phase, Phase::Authorizing { ticket: current } if current == ticket) {
            return;
        }
        let authorization = match grant {
            Grant::User(authentication) => {
                entry.phase = Phase::Sent { until };
                return self.actions.push(Action::Send(frame::sign_in(&authentication)));
            }
            Grant::Channel(authorization) => authorization,
        };
        match entry.kind {
            Kind::Channel(ChannelKind::Encrypted) => match Key::read(authorization.shared_secret.as_deref()) {
                Ok(key) => entry.unseal(key, now),
                Err(reason) => return self.refuse(channel, None, reason, now),
            },
            Kind::Channel(ChannelKind::Presence) => {
                let me = match (&authorization.channel_data, signed_in) {
                    (Some(data), _) => serde_json::from_str(data).ok().and_then(|data| presence::member(&data)),
                    (None, Some((Some(user_channel), _))) => user_of(&user_channel).map(anonymous),
                    (None, Some((None, true))) => return entry.phase = Phase::AwaitingUser(authorization),
                    (None, _) => {
                        let reason = "the authorization holds no channel_data, and no user is signed in";
                        return self.refuse(channel, None, reason, now);
                    }
                };
                let Some(me) = me else {
                    return self.refuse(channel, None, "the authorization's channel_data names no user_id", now);
                };
                entry.members.send_modify(|members| members.set_me(Some(me.id)));
            }
            Kind::Channel(_) | Kind::User => {}
        }
        entry.phase = Phase::Sent { until };
        self.actions.push(Action::Send(frame::subscribe(channel, Some(&authorization))));
    }

    /// What was asked for with `ticket` is not granted, for now or for good.
    pub(crate) fn denied(&mut self, channel: &str, ticket: u64, error: &AuthorizeError, now: Instant, jitter: f64) {
        self.look = true;
        let backoff = self.backoff.clone();
        let Some(entry) = self.entries.get_mut(channel) else { return };
        let rekeys = entry.seal.as_ref().is_some_and(|seal| seal.is_asked(ticket));
        if !rekeys && !matches!(entry.phase, Phase::Authorizing { ticket: current } if current == ticket) {
            return;
        }
        match error {
            AuthorizeError::Refused { status, message } if rekeys => {
                // The subscription stands; only what waits for the key can not be read.
                let given = entry.seal.as_mut().map(|seal| seal.denied(now));
                entry.take(given.into_iter().flatten());
                self.tell_refused(channel, *status, message);
            }
            AuthorizeError::Refused { status, message } => self.refuse(channel, *status, message, now),
            AuthorizeError::Temporary { retry_after, message } => {
                let (at, server_said) = entry.next_try(*retry_after, &backoff, now, jitter);
                match entry.seal.as_mut().filter(|_| rekeys) {
                    Some(seal) => seal.ask_again(at, server_said),
                    None => entry.phase = Phase::Due { at, server_said },
                }
                self.tell_delayed(channel, message, at - now);
            }
        }
    }

    /// The server says who the user is now (`pusher:signin_success`): their channel is subscribed, and whoever waits
    /// for a name has one.
    pub(crate) fn signed_in(&mut self, data: &Value, now: Instant) {
        let until = now + self.answer_limit;
        let Some(user) = self.entries.get_mut(USER).filter(|user| user.awaits_acceptance()) else { return };
        let id = data.get("user_data").and_then(|data| match data {
            Value::String(text) => serde_json::from_str::<Value>(text).ok(),
            data => Some(data.clone()),
        });
        let Some(id) = id.and_then(|data| presence::id(data.get("id")?)) else {
            return self.refuse(USER, None, "the server signed in a user without an id", now);
        };
        let channel = format!("{USER}-{id}");
        self.actions.push(Action::Send(frame::subscribe(&channel, None)));
        user.user_channel = Some(channel);
        let was_guessed = matches!(user.phase, Phase::Refused);
        user.phase = Phase::Sent { until };
        user.unanswered = false;
        self.look = true;
        for (channel, entry) in &mut self.entries {
            if was_guessed && matches!(entry.phase, Phase::Refused) && entry.for_want_of_user {
                entry.phase = Phase::due(now);
            }
            let Phase::AwaitingUser(authorization) = &entry.phase else { continue };
            self.actions.push(Action::Send(frame::subscribe(channel, Some(authorization))));
            entry.members.send_modify(|members| members.set_me(Some(id.clone())));
            entry.phase = Phase::Sent { until };
        }
    }

    /// The server has accepted the subscription.
    pub(crate) fn accepted(&mut self, channel: &str, data: &Value, at: SystemTime) {
        let Some(entry) = self.find(channel) else { return };
        match entry.phase {
            // It may answer a subscription that was given up meanwhile, and is none the worse for it.
            _ if entry.awaits_acceptance() => {}
            // The answer before was to an earlier subscription, which the server had already ended again.
            Phase::Subscribed => entry.lost_since = Some(entry.accepted_at),
            _ => return,
        }
        if entry.kind == Kind::Channel(ChannelKind::Presence) {
            entry.members.send_modify(|members| members.replace(data));
        }
        let (name, lost_since) = (entry.name(channel).to_owned(), entry.lost_since.take());
        let gap = lost_since.map(|since| Gap { channel: name.clone(), since, until: at });
        entry.accept(gap.clone(), at);
        self.was_of_use = true;
        self.actions.extend(gap.map(|gap| Action::Tell(ClientEvent::Gap(gap))));
        self.actions.push(Action::Tell(ClientEvent::Subscribed { channel: name }));
        self.look = true;
    }

    /// The server has refused the subscription or ended it.
    pub(crate) fn rejected(&mut self, channel: &str, status: Option<u16>, message: &str, at: (SystemTime, Instant)) {
        let Some(entry) = self.find(channel) else { return };
        let name = entry.name(channel).to_owned();
        self.reject(&name, status, message, at);
    }

    /// The same of the subscription that is called `name` here.
    fn reject(&mut self, name: &str, status: Option<u16>, message: &str, (at, now): (SystemTime, Instant)) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        match entry.phase {
            Phase::Subscribed => {
                entry.lost_since.get_or_insert(at);
            }
            Phase::Sent { .. } => {}
            Phase::Due { .. } | Phase::Authorizing { .. } | Phase::AwaitingUser(_) | Phase::Refused => return,
        }
        entry.unanswered = false;
        entry.refuse(at, now);
        self.refuse(name, status, message, now);
    }

    /// The server complains of a wrong signature (`pusher:error` 4009) on a living connection. Where it does not say which
    /// subscription it means, only one that waits alone for its answer can be it; that it is accepted after all is heard.
    pub(crate) fn unauthorized(&mut self, channel: Option<&str>, message: &str, at: (SystemTime, Instant)) {
        if let Some(named) = channel {
            return self.rejected(named, None, message, at);
        }
        let mut waiting = self.entries.iter().filter_map(|(name, entry)| {
            let signed = entry.kind != Kind::Channel(ChannelKind::Public);
            (signed && matches!(entry.phase, Phase::Sent { .. })).then_some(name)
        });
        let (Some(only), None) = (waiting.next().cloned(), waiting.next()) else { return };
        if let Some(entry) = self.entries.get_mut(&only) {
            entry.seems_refused(at.0);
        }
        self.refuse(&only, None, message, at.1);
    }

    /// Nothing is tried any more: whoever waits is told, now and when they come later.
    pub(crate) fn give_up(&mut self, reason: &str, now: Instant) {
        self.given_up = Some(bounded(reason));
        for entry in self.entries.values_mut() {
            // The connection is gone already, and what was lost with it is noted.
            entry.refuse(SystemTime::UNIX_EPOCH, now);
            entry.tell(given_up(reason));
        }
    }

    fn refuse(&mut self, channel: &str, status: Option<u16>, message: &str, now: Instant) {
        let Some(entry) = self.entries.get_mut(channel) else { return };
        if !matches!(entry.phase, Phase::Refused) {
            // It is not at the server, so nothing waits.
            entry.refuse(SystemTime::UNIX_EPOCH, now);
        }
        self.tell_refused(channel, status, message);
        if channel == USER {
            self.refuse_who_await_the_user("the user could not be signed in", status, now);
        }
    }

    fn tell_refused(&mut self, channel: &str, status: Option<u16>, message: &str) {
        let message = bounded(message);
        if let Some(entry) = self.entries.get(channel).filter(|entry| matches!(entry.phase, Phase::Refused)) {
            entry.tell(ChannelEvent::Refused { status, message: message.clone() });
        }
        self.actions.push(Action::Tell(ClientEvent::AuthorizationFailed { channel: channel.into(), status, message }));
    }

    pub(super) fn refuse_who_await_the_user(&mut self, message: &str, status: Option<u16>, now: Instant) {
        let waiting = self.entries.iter().filter(|(_, entry)| matches!(entry.phase, Phase::AwaitingUser(_)));
        for channel in waiting.map(|(channel, _)| channel.clone()).collect::<Vec<_>>() {
            self.refuse(&channel, status, message, now);
            if let Some(entry) = self.entries.get_mut(&channel) {
                entry.for_want_of_user = true;
            }
        }
    }

    pub(super) fn tell_delayed(&mut self, channel: &str, reason: &str, retry_in: Duration) {
        let (channel, reason) = (channel.into(), bounded(reason));
        self.actions.push(Action::Tell(ClientEvent::SubscriptionDelayed { channel, reason, retry_in }));
    }
}

/// What whoever waits for a channel is told when nothing is tried any more.
pub(super) fn given_up(reason: &str) -> ChannelEvent {
    ChannelEvent::Refused { status: None, message: format!("the client has given up: {}", bounded(reason)) }
}

/// Whether the user may yet be signed in.
fn user_is_pending(user: &Entry) -> bool {
    !matches!(user.phase, Phase::Refused)
}

/// The id in the name of a user's channel.
fn user_of(user_channel: &str) -> Option<String> {
    user_channel.strip_prefix(USER)?.strip_prefix('-').map(str::to_owned)
}

fn anonymous(id: String) -> presence::Member {
    presence::Member { id, info: Value::Null }
}
