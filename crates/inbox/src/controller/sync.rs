//! Messages in: the list and live events go through one merge.

use std::{panic::catch_unwind, time::Duration};

use fasttrack_client::Notification;
use jiff::SignedDuration;
use serde_json::Value;
use tokio::time::Instant;

use super::{Controller, listing::read_message};
use crate::{Event, Host, Message, MessageId, store::Merged};

/// The event of a relay by which a user's desktops follow each other.
const READ: &str = "read";

/// What the store refused is asked for again after this long.
const AFTER_REFUSAL: Duration = Duration::from_secs(30);

/// What has expired stays known for this long: by a clock that turns out to be wrong it has not, and then it must not be
/// taken for new and be alerted again.
const KEPT_EXPIRED: SignedDuration = SignedDuration::from_hours(24);

impl<H: Host> Controller<H> {
    pub(super) fn brand(&self) -> String {
        self.active.as_ref().map(|active| active.account.id.brand.clone()).unwrap_or_default()
    }

    pub(super) fn live_event(&mut self, event: &pusher_client::Event) {
        if event.name() == READ {
            self.read_elsewhere(&event.value());
            return;
        }
        if !matches!(Event::from(event.name().to_owned()), Event::Message | Event::Shoutout | Event::Inbox) {
            tracing::debug!("an event of a name not asked for is dropped");
            self.counters.skipped += 1;
            self.counters.skipped_by.event += 1;
            return;
        }
        let Some(message) = self.read_live(event) else {
            self.unreadable();
            return;
        };
        self.counters.received += 1;
        if message.incomplete && message.id.is_on_server() && self.complete_live(&message) {
            // Alerted once it is whole, or once the server did not have the rest.
            return;
        }
        self.merge_live(&message);
    }

    /// A relay tells that the user has read a message on another desktop: as if the list had said so.
    fn read_elsewhere(&mut self, value: &Value) {
        let id = match &value["MessageId"] {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.clone(),
            _ => {
                tracing::debug!("a read mark of another desktop names no message");
                return;
            }
        };
        let Some(active) = &mut self.active else { return };
        let found = active.store.get(&MessageId(id));
        // One that is not here yet comes with the list, read.
        let Some(Some(message)) = self.found(found) else { return };
        self.merge(&[Message { read: true, ..message }]);
    }

    /// Something came that cannot be read: the list, which is read more leniently, may have it.
    pub(super) fn unreadable(&mut self) {
        self.counters.skipped += 1;
        self.counters.skipped_by.live += 1;
        if let Some(active) = &mut self.active {
            active.currency.missed();
            active.list.trigger(Instant::now(), Duration::ZERO);
        }
    }

    fn read_live(&self, event: &pusher_client::Event) -> Option<Message> {
        let mut value = event.value();
        if let Value::Object(fields) = &mut value {
            let named = fields.get("Event").and_then(Value::as_str).is_some_and(|name| !name.trim().is_empty());
            if !named {
                fields.insert("Event".to_owned(), Value::String(event.name().to_owned()));
            }
        }
        match catch_unwind(|| Notification::read(&value)) {
            Ok(Ok(notification)) => read_message(&notification, self.now(), Message::from_notification),
            Ok(Err(reason)) => {
                tracing::warn!(%reason, "a live event cannot be read");
                None
            }
            Err(_) => None,
        }
    }

    pub(super) fn merge_live(&mut self, message: &Message) {
        match self.merge(std::slice::from_ref(message)).as_deref() {
            // Whatever kept alerts waiting may be over.
            Some([Merged::New]) => {
                self.seen_as_it_comes(message);
                self.alerts_possible();
            }
            Some([Merged::Expired]) => {}
            Some(_) => self.counters.duplicates += 1,
            // The store refused it: the list call brings it again.
            None => {
                if let Some(active) = &mut self.active {
                    active.currency.missed();
                    active.list.trigger(Instant::now(), AFTER_REFUSAL);
                }
            }
        }
    }

    /// Merges; alerts of what turned out to be read are taken back.
    pub(super) fn merge(&mut self, messages: &[Message]) -> Option<Vec<Merged>> {
        let now = self.now();
        let merged = self.active.as_mut().map(|active| active.store.merge_all(messages, now))?;
        let merged = self.stored(merged)?;
        let read: Vec<MessageId> = messages
            .iter()
            .zip(&merged)
            .filter(|(message, merged)| message.read && matches!(merged, Merged::Changed))
            .map(|(message, _)| message.id.clone())
            .collect();
        self.withdraw(read);
        Some(merged)
    }

    pub(super) fn purge_expired(&mut self) {
        let now = self.now();
        let Some(active) = &mut self.active else { return };
        if !active.currency.is_current() {
            // Until the server has told its time, a wrong clock could throw away what it will not send again.
            return;
        }
        let since = std::mem::replace(&mut active.expiry_seen, now);
        let expired = active.store.expired_between(since, now);
        let Some(expired) = self.stored(expired) else { return };
        self.withdraw(expired);
        let Some(active) = &mut self.active else { return };
        let purged = active.store.purge_expired(now.checked_sub(KEPT_EXPIRED).unwrap_or(now));
        self.stored(purged);
    }
}
