//! Messages in: the list and live events go through one merge, and what is new is alerted.

use std::{panic::catch_unwind, sync::Arc, time::Duration};

use fasttrack_client::Notification;
use jiff::SignedDuration;
use serde_json::Value;
use tokio::time::Instant;

use super::{Controller, alerts, listing::read_message, news::What};
use crate::{
    AlertTarget, Code, Event, Handover, Host, Message, MessageId,
    store::{Merged, Store},
};

/// When the notification service did not answer, alerts are tried again after this long.
const ALERT_RETRY: Duration = Duration::from_secs(30);

/// What has expired stays known for this long: by a clock that turns out to be wrong it has not, and then it must not be
/// taken for new and be alerted again.
const KEPT_EXPIRED: SignedDuration = SignedDuration::from_hours(24);

impl<H: Host> Controller<H> {
    pub(super) fn brand(&self) -> String {
        self.active.as_ref().map(|active| active.account.id.brand.clone()).unwrap_or_default()
    }

    pub(super) fn live_event(&mut self, event: &pusher_client::Event) {
        if !matches!(Event::from(event.name().to_owned()), Event::Message | Event::Shoutout | Event::Inbox) {
            tracing::debug!("an event of a name not asked for is dropped");
            self.counters.skipped += 1;
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

    /// Something came that cannot be read: the list, which is read more leniently, may have it.
    pub(super) fn unreadable(&mut self) {
        self.counters.skipped += 1;
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
            Some([Merged::New]) => self.alerts_possible(),
            Some([Merged::Expired]) => {}
            Some(_) => self.counters.duplicates += 1,
            // The store refused it: the list call brings it again.
            None => {
                if let Some(active) = &mut self.active {
                    active.currency.missed();
                    active.list.trigger(Instant::now(), ALERT_RETRY);
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

    /// Raises the next alert, one at a time.
    pub(super) fn alert_pending(&mut self, now: Instant) {
        let at = self.now();
        let Some(active) = &mut self.active else { return };
        if !self.options.alerts || active.alerting || active.alert_at.is_some_and(|at| at > now) {
            return;
        }
        active.alert_at = None;
        let pending = active.store.to_alert(at);
        let Some(pending) = self.found(pending) else { return };
        let Some(active) = &mut self.active else { return };
        let store = &active.store;
        active.interrupted.retain(|message| still_news(store, message, at));
        let Some(planned) = alerts::next(&active.interrupted, &pending) else { return };
        let begun = active.store.begin_alert(&planned.ids);
        active.alert_at = Some(now + ALERT_RETRY);
        if self.stored(begun).is_none() {
            return;
        }
        if let Some(active) = &mut self.active {
            active.alerting = true;
        }
        let host = Arc::clone(&self.host);
        self.spawn_for_account(async move { What::Alerted(planned.ids, host.alert(planned.alert).await) });
    }

    pub(super) fn alerted(&mut self, ids: &[MessageId], handover: Handover) {
        let Some(active) = &mut self.active else { return };
        active.alerting = false;
        match handover {
            Handover::Taken => {
                active.alert_at = None;
                active.interrupted.retain(|message| !ids.contains(&message.id));
                let finished = active.store.finish_alert(ids);
                // One that was read while it was handed over has nothing to say any more.
                let is_read = |id: &&MessageId| active.store.get(id).is_ok_and(|found| found.is_none_or(|m| m.read));
                let read: Vec<MessageId> = ids.iter().filter(is_read).cloned().collect();
                self.stored(finished);
                self.withdraw(read);
                self.counters.alerts += 1;
                self.clear_notice(Code::NoNotifications);
            }
            Handover::NotTaken(problem) => {
                tracing::warn!(%problem, "an alert was not shown");
                // Interrupted ones stay so: they are named in the next summary.
                let again: Vec<MessageId> = ids
                    .iter()
                    .filter(|id| active.interrupted.iter().all(|message| message.id != **id))
                    .cloned()
                    .collect();
                let cancelled = active.store.cancel_alert(&again);
                self.stored(cancelled);
                self.set_notice(problem);
            }
            Handover::Unknown(problem) => {
                // It may stand on the screen already. As after a crash: named once in the summary of the next start.
                tracing::warn!(%problem, "nobody knows whether an alert was shown");
                active.interrupted.retain(|message| !ids.contains(&message.id));
                self.set_notice(problem);
            }
        }
    }

    /// The notification service may be back: what waits is alerted now.
    pub(super) fn alerts_possible(&mut self) {
        if let Some(active) = &mut self.active {
            active.alert_at = None;
        }
    }

    /// Takes alerts back where the system can.
    pub(super) fn withdraw(&self, ids: impl IntoIterator<Item = MessageId>) {
        self.withdraw_targets(ids.into_iter().map(AlertTarget::Message).collect());
    }

    /// Takes back whatever may stand of an account that is about to leave this device.
    pub(super) fn withdraw_all(&self, store: &Store) {
        let alerted = store.alerted().unwrap_or_else(|error| {
            tracing::warn!(%error, "the alerts of this account may stay on the screen");
            Vec::new()
        });
        let messages = alerted.into_iter().map(AlertTarget::Message);
        self.withdraw_targets(messages.chain([AlertTarget::Summary, AlertTarget::SignIn]).collect());
    }

    fn withdraw_targets(&self, targets: Vec<AlertTarget>) {
        if targets.is_empty() || !self.options.alerts {
            return;
        }
        let host = Arc::clone(&self.host);
        tokio::spawn(async move {
            for target in targets {
                host.withdraw_alert(target).await;
            }
        });
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

/// Whether a message that was to be alerted before is still worth it: it may have been read, deleted or have expired
/// since. One that cannot be looked up is kept.
fn still_news(store: &Store, message: &Message, now: jiff::Timestamp) -> bool {
    store.get(&message.id).map_or(true, |found| found.is_some_and(|found| !found.read && !found.is_expired(now)))
}
