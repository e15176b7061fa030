//! What the server sends for a channel: its events, and what the protocol itself says of it. Pure like the rest of the
//! roster.

use serde_json::Value;
use tokio::time::Instant;

use super::Roster;
use crate::{
    USER,
    channel::ChannelKind,
    entry::Kind,
    event::ChannelEvent,
    frame::{Frame, bounded},
    presence,
};

impl Roster {
    /// Hands the event in `frame` to the readers of its channel.
    pub(crate) fn deliver(&mut self, frame: Frame<'_>, now: Instant) {
        if let Some(channel) = &frame.channel
            && let Some(entry) = self.find(channel)
            && entry.is_open()
        {
            let channel = if entry.kind == Kind::User { channel.as_ref().into() } else { entry.channel.clone() };
            if entry.deliver(frame, channel, now) {
                self.look = true;
            }
        }
    }

    /// What the protocol itself says of a channel's subscribers or its cache.
    pub(crate) fn remark(&mut self, channel: &str, name: &str, data: &Value) {
        let Some(entry) = self.find(channel) else { return };
        if !entry.is_open() {
            return;
        }
        let presence = entry.kind == Kind::Channel(ChannelKind::Presence);
        let event = match name {
            "pusher:cache_miss" => Some(ChannelEvent::CacheMiss),
            "pusher_internal:subscription_count" => {
                data.get("subscription_count").and_then(Value::as_u64).map(ChannelEvent::SubscriptionCount)
            }
            "pusher_internal:member_added" if presence => presence::member(data).and_then(|member| {
                let mut came = false;
                entry.members.send_if_modified(|members| {
                    came = members.insert(member.clone());
                    came
                });
                came.then_some(ChannelEvent::MemberAdded(member))
            }),
            "pusher_internal:member_removed" if presence => presence::member(data).and_then(|member| {
                let mut gone = None;
                entry.members.send_if_modified(|members| {
                    gone = members.remove(&member.id);
                    gone.is_some()
                });
                gone.map(ChannelEvent::MemberRemoved)
            }),
            _ => return tracing::debug!(name = bounded(name), "a frame of the protocol is ignored"),
        };
        entry.take(event);
    }

    /// Who of the user's watchlist has come online or has gone.
    pub(crate) fn watchlist(&mut self, data: &Value) {
        let Some(user) = self.entries.get(USER) else { return };
        for change in data.get("events").and_then(Value::as_array).into_iter().flatten() {
            let online = match change.get("name").and_then(Value::as_str) {
                Some("online") => true,
                Some("offline") => false,
                _ => continue,
            };
            let users = change.get("user_ids").and_then(Value::as_array).into_iter().flatten();
            user.tell(ChannelEvent::Watchlist { online, users: users.filter_map(presence::id).collect() });
        }
    }
}
