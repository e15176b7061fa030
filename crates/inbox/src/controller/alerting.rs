//! Alerts out: what is new is handed to the notification service, one at a time, when the [policy](super::policy) says so, and
//! taken back when it has nothing to say any more. Whatever happens between, none is raised twice.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Controller,
    news::What,
    policy::{self, Moment, Next, Verdict},
    wording,
};
use crate::{AlertTarget, Code, Handover, Host, Message, MessageId, store::Store};

/// When the notification service did not answer, alerts are tried again after this long.
const ALERT_RETRY: Duration = Duration::from_secs(30);

impl<H: Host> Controller<H> {
    /// A live message is new: where the person sees it come, it needs no alert, now or later.
    pub(super) fn seen_as_it_comes(&mut self, message: &Message) {
        let here = self.here();
        let moment = Moment {
            settings: &self.kept.settings,
            now: &here,
            paused_until: None,
            watching: self.watching.is_watching(),
        };
        if policy::judge(message, moment) != Verdict::ListOnly {
            return;
        }
        if let Some(active) = &mut self.active {
            let dismissed = active.store.finish_alert(std::slice::from_ref(&message.id));
            self.stored(dismissed);
        }
    }

    /// Raises the next alert, one at a time.
    pub(super) fn alert_pending(&mut self, now: Instant) {
        let waits =
            |active: &super::Active| active.alerts.under_way || active.alerts.not_before.is_some_and(|at| at > now);
        if !self.options.alerts || self.active.as_ref().is_none_or(waits) {
            return;
        }
        let held = self.held().is_some();
        let (at, here) = (self.now(), self.here());
        let Some(active) = &mut self.active else { return };
        active.alerts.not_before = None;
        if held {
            active.alerts.together = true;
            return;
        }
        if std::mem::take(&mut active.alerts.tell_rejected) {
            self.alert_rejected();
        }
        let Some(active) = &mut self.active else { return };
        let pending = active.store.to_alert(at);
        let Some(pending) = self.found(pending) else { return };
        let Some(active) = &mut self.active else { return };
        let store = &active.store;
        active.alerts.interrupted.retain(|message| still_news(store, message, at));
        let moment = Moment { settings: &self.kept.settings, now: &here, paused_until: None, watching: false };
        let next = policy::next(
            &active.alerts.interrupted,
            &pending,
            moment,
            &active.alerts.recent,
            active.alerts.together,
            now,
        );
        match next {
            Next::Nothing => active.alerts.together = false,
            Next::Burst(until) => {
                active.alerts.not_before = Some(until);
                active.alerts.together = true;
            }
            Next::Dismiss(ids) => {
                active.alerts.interrupted.retain(|message| !ids.contains(&message.id));
                let dismissed = active.store.finish_alert(&ids);
                // What is left is looked at in the next turn.
                active.alerts.not_before = Some(if dismissed.is_ok() { now } else { now + ALERT_RETRY });
                self.stored(dismissed);
            }
            Next::Raise(alert, ids) => self.raise(alert, ids, now),
        }
    }

    fn raise(&mut self, alert: crate::Alert, ids: Vec<MessageId>, now: Instant) {
        let Some(active) = &mut self.active else { return };
        let begun = active.store.begin_alert(&ids);
        active.alerts.not_before = Some(now + ALERT_RETRY);
        if self.stored(begun).is_none() {
            return;
        }
        if let Some(active) = &mut self.active {
            active.alerts.under_way = true;
            active.alerts.together = false;
            active.alerts.recent.raised(now);
        }
        let host = Arc::clone(&self.host);
        self.spawn_for_account(async move { What::Alerted(ids, host.alert(alert).await) });
    }

    /// Tells the person that the sid was refused.
    fn alert_rejected(&self) {
        let Some((problem, _)) = self.active.as_ref().and_then(|active| active.link.rejected.as_ref()) else { return };
        let alert = wording::session_expired(problem);
        let host = Arc::clone(&self.host);
        tokio::spawn(async move {
            if let Handover::NotTaken(problem) | Handover::Unknown(problem) = host.alert(alert).await {
                tracing::warn!(%problem, "the expired session may not have been alerted; tray and window show it");
            }
        });
    }

    pub(super) fn alerted(&mut self, ids: &[MessageId], handover: Handover) {
        let Some(active) = &mut self.active else { return };
        active.alerts.under_way = false;
        match handover {
            Handover::Taken => {
                active.alerts.not_before = None;
                active.alerts.interrupted.retain(|message| !ids.contains(&message.id));
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
                    .filter(|id| active.alerts.interrupted.iter().all(|message| message.id != **id))
                    .cloned()
                    .collect();
                let cancelled = active.store.cancel_alert(&again);
                self.stored(cancelled);
                self.set_notice(problem);
            }
            Handover::Unknown(problem) => {
                // It may stand on the screen already. As after a crash: named once in the summary of the next start.
                tracing::warn!(%problem, "nobody knows whether an alert was shown");
                active.alerts.interrupted.retain(|message| !ids.contains(&message.id));
                self.set_notice(problem);
            }
        }
    }

    /// The notification service may be back: what waits is alerted now.
    pub(super) fn alerts_possible(&mut self) {
        if let Some(active) = &mut self.active {
            active.alerts.not_before = None;
        }
    }

    /// Takes alerts back where the system can.
    pub(super) fn withdraw(&self, ids: impl IntoIterator<Item = MessageId>) {
        let mut targets: Vec<AlertTarget> = ids.into_iter().map(AlertTarget::Message).collect();
        let unread = self.active.as_ref().and_then(|active| active.store.counts(self.now()).ok());
        if !targets.is_empty() && unread.is_some_and(|counts| counts.unread == 0) {
            // Whatever a summary named is read.
            targets.push(AlertTarget::Summary);
        }
        self.withdraw_targets(targets);
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

    pub(super) fn withdraw_targets(&self, targets: Vec<AlertTarget>) {
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
}

/// Whether a message that was to be alerted before is still worth it: it may have been read, deleted or have expired
/// since. One that cannot be looked up is kept.
fn still_news(store: &Store, message: &Message, now: jiff::Timestamp) -> bool {
    store.get(&message.id).map_or(true, |found| found.is_some_and(|found| !found.read && !found.is_expired(now)))
}
