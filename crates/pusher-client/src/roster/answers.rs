//! What becomes of a question: what the caller's code has granted or denied, what the server has accepted or refused. Pure
//! like the rest of the roster.

use std::time::SystemTime;

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
    seal::Seal,
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
                entry.tell_all(given);
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
                Ok(key) => entry.seal = Some(Seal::new(key)),
                Err(reason) => return self.refuse(channel, None, reason),
            },
            Kind::Channel(ChannelKind::Presence) => {
                let me = match (&authorization.channel_data, signed_in) {
                    (Some(data), _) => serde_json::from_str(data).ok().and_then(|data| presence::member(&data)),
                    (None, Some((Some(user_channel), _))) => user_of(&user_channel).map(anonymous),
                    (None, Some((None, true))) => return entry.phase = Phase::AwaitingUser(authorization),
                    (None, _) => {
                        let reason = "the authorization holds no channel_data, and no user is signed in";
                        return self.refuse(channel, None, reason);
                    }
                };
                let Some(me) = me else {
                    return self.refuse(channel, None, "the authorization's channel_data names no user_id");
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
                let given = entry.seal.as_mut().map(|seal| seal.answered(None, now));
                entry.tell_all(given.into_iter().flatten());
                self.tell_refused(channel, *status, message);
            }
            AuthorizeError::Refused { status, message } => self.refuse(channel, *status, message),
            AuthorizeError::Temporary { retry_after, .. } if rekeys => {
                let (at, _) = entry.next_try(*retry_after, &backoff, now, jitter);
                entry.seal.iter_mut().for_each(|seal| seal.ask_again(at));
            }
            AuthorizeError::Temporary { retry_after, .. } => entry.fail(*retry_after, &backoff, now, jitter),
        }
    }

    /// The server says who the user is now (`pusher:signin_success`): their channel is subscribed, and whoever waits
    /// for a name has one.
    pub(crate) fn signed_in(&mut self, data: &Value, now: Instant) {
        let until = now + self.answer_limit;
        let Some(user) = self.entries.get_mut(USER).filter(|user| matches!(user.phase, Phase::Sent { .. })) else {
            return;
        };
        let id = data.get("user_data").and_then(|data| match data {
            Value::String(text) => serde_json::from_str::<Value>(text).ok(),
            data => Some(data.clone()),
        });
        let Some(id) = id.and_then(|data| presence::id(data.get("id")?)) else {
            return self.refuse(USER, None, "the server signed in a user without an id");
        };
        let channel = format!("{USER}-{id}");
        self.actions.push(Action::Send(frame::subscribe(&channel, None)));
        user.user_channel = Some(channel);
        user.phase = Phase::Sent { until };
        self.look = true;
        for (channel, entry) in &mut self.entries {
            let Phase::AwaitingUser(authorization) = &entry.phase else { continue };
            self.actions.push(Action::Send(frame::subscribe(channel, Some(authorization))));
            entry.members.send_modify(|members| members.set_me(Some(id.clone())));
            entry.phase = Phase::Sent { until };
        }
    }

    /// The server has accepted the subscription.
    pub(crate) fn accepted(&mut self, channel: &str, data: &Value, at: SystemTime) {
        let Some(entry) = self.find(channel) else { return };
        if !matches!(entry.phase, Phase::Sent { .. }) {
            return;
        }
        entry.phase = Phase::Subscribed;
        entry.failures = 0;
        if entry.kind == Kind::Channel(ChannelKind::Presence) {
            entry.members.send_modify(|members| members.replace(data));
        }
        let (name, lost_since) = (entry.name(channel).to_owned(), entry.lost_since.take());
        let gap = lost_since.map(|since| Gap { channel: name.clone(), since, until: at });
        entry.tell_all(gap.clone().map(ChannelEvent::Gap));
        entry.tell(ChannelEvent::Subscribed);
        self.actions.extend(gap.map(|gap| Action::Tell(ClientEvent::Gap(gap))));
        self.actions.push(Action::Tell(ClientEvent::Subscribed { channel: name }));
        self.look = true;
    }

    /// The server has refused the subscription or ended it.
    pub(crate) fn rejected(&mut self, channel: &str, status: Option<u16>, message: &str, at: SystemTime) {
        let Some(entry) = self.find(channel) else { return };
        match entry.phase {
            Phase::Subscribed => {
                entry.lost_since.get_or_insert(at);
            }
            Phase::Sent { .. } => {}
            Phase::Due { .. } | Phase::Authorizing { .. } | Phase::AwaitingUser(_) | Phase::Refused => return,
        }
        let name = entry.name(channel).to_owned();
        self.refuse(&name, status, message);
    }

    /// The server complains of a wrong signature (`pusher:error` 4009) on a living connection. Where it does not say which
    /// subscription it means, only one that waits alone for its answer can be it.
    pub(crate) fn unauthorized(&mut self, channel: Option<&str>, message: &str, at: SystemTime) {
        let mut waiting = self.entries.iter().filter_map(|(name, entry)| {
            let signed = entry.kind != Kind::Channel(ChannelKind::Public);
            (signed && matches!(entry.phase, Phase::Sent { .. })).then(|| entry.user_channel.as_ref().unwrap_or(name))
        });
        let channel = match (channel, waiting.next(), waiting.next()) {
            (Some(named), ..) => named.to_owned(),
            (None, Some(only), None) => only.clone(),
            _ => return,
        };
        self.rejected(&channel, None, message, at);
    }

    fn refuse(&mut self, channel: &str, status: Option<u16>, message: &str) {
        let Some(entry) = self.entries.get_mut(channel) else { return };
        entry.phase = Phase::Refused;
        self.tell_refused(channel, status, message);
        if channel == USER {
            self.refuse_who_await_the_user("the user could not be signed in", status);
        }
    }

    fn tell_refused(&mut self, channel: &str, status: Option<u16>, message: &str) {
        let message = bounded(message);
        if let Some(entry) = self.entries.get(channel).filter(|entry| matches!(entry.phase, Phase::Refused)) {
            entry.tell(ChannelEvent::Refused { status, message: message.clone() });
        }
        self.actions.push(Action::Tell(ClientEvent::AuthorizationFailed { channel: channel.into(), status, message }));
    }

    pub(super) fn refuse_who_await_the_user(&mut self, message: &str, status: Option<u16>) {
        let waiting = self.entries.iter().filter(|(_, entry)| matches!(entry.phase, Phase::AwaitingUser(_)));
        for channel in waiting.map(|(channel, _)| channel.clone()).collect::<Vec<_>>() {
            self.refuse(&channel, status, message);
        }
    }
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
