//! Makes messages of stored events, one after another, until the server ends. An event stays waiting until its messages
//! are stored, in one transaction with that it was delivered: whatever happens in between, nobody gets it twice.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::{CallOuts, templates};
use crate::{
    Error,
    api::Shared,
    store::{Delivery, WaitingEvent},
};

/// An event that was set waiting from outside, by [`super::EventLog::replay`], is seen at the latest after this.
const POLL: Duration = Duration::from_secs(5);
/// After this many failures an event is left for the operator.
const MAX_ATTEMPTS: u32 = 10;
const FIRST_RETRY: Duration = Duration::from_millis(100);
const MAX_RETRY: Duration = Duration::from_secs(30);
/// How long an event that was delivered without a flaw is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
const CLEANING: Duration = Duration::from_hours(24);

/// The one task behind a server's receiver.
pub(crate) struct Worker {
    shared: Shared,
    stop: CancellationToken,
    /// Events that have failed.
    retries: HashMap<i64, Retry>,
    last_cleaned: Option<Instant>,
}

/// When an event is tried again, and how often that has been. The store counts too, but may be what fails.
struct Retry {
    at: Instant,
    failures: u32,
}

impl Worker {
    pub(crate) fn new(shared: Shared, stop: CancellationToken) -> Self {
        Self { shared, stop, retries: HashMap::new(), last_cleaned: None }
    }

    /// Runs until it is told to stop.
    pub(crate) async fn run(mut self) {
        let stop = self.stop.clone();
        let receiver = Arc::clone(&self.shared.receiver);
        while !stop.is_cancelled() {
            self.clean().await;
            self.deliver_all().await;
            let next_retry = self.retries.values().map(|retry| retry.at).min();
            let wait = next_retry.map_or(POLL, |at| at.saturating_duration_since(Instant::now()));
            tokio::select! {
                () = stop.cancelled() => {}
                () = receiver.arrived.notified() => {}
                () = tokio::time::sleep(wait.clamp(FIRST_RETRY, POLL)) => {}
            }
        }
    }

    async fn deliver_all(&mut self) {
        let (begin, mut last) = (Instant::now(), 0);
        while !self.stop.is_cancelled() {
            let waiting = self.shared.store.call(move |database| database.next_waiting_event(last)).await;
            let event = match waiting {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(error) => return tracing::error!(%error, "waiting events could not be read"),
            };
            last = event.id;
            if self.retries.get(&event.id).is_none_or(|retry| retry.at <= Instant::now()) {
                self.attempt(event).await;
            }
        }
        // What was due and was not met is not waiting any more.
        self.retries.retain(|_, retry| retry.at > begin);
    }

    async fn attempt(&mut self, event: WaitingEvent) {
        let (id, attempts) = (event.id, event.attempts.saturating_add(1));
        let delivering = deliver(self.shared.clone(), event);
        self.settle(id, attempts, delivering).await;
    }

    async fn settle(
        &mut self,
        id: i64,
        attempts: u32,
        delivering: impl Future<Output = Result<(), Error>> + Send + 'static,
    ) {
        // In a task of its own: a panic ends that one.
        let error = match tokio::spawn(delivering).await {
            Ok(Ok(())) => {
                self.retries.remove(&id);
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the delivery panicked".into(),
        };
        tracing::error!(event = id, attempts, error, "a call-out could not be delivered");
        let given_up = attempts >= MAX_ATTEMPTS;
        let recorded = self.shared.store.call(move |database| database.event_failed(id, &error, given_up)).await;
        if given_up && recorded.is_ok() {
            self.retries.remove(&id);
        } else {
            let failures = self.retries.get(&id).map_or(1, |retry| retry.failures.saturating_add(1));
            self.retries.insert(id, Retry { at: Instant::now() + retry_after(failures), failures });
        }
    }

    async fn clean(&mut self) {
        if self.last_cleaned.is_some_and(|last| last.elapsed() < CLEANING) {
            return;
        }
        self.last_cleaned = Some(Instant::now());
        let before = Timestamp::now().checked_sub(KEPT).unwrap_or(Timestamp::UNIX_EPOCH);
        if let Err(error) = self.shared.store.call(move |database| database.delete_delivered_events(before)).await {
            tracing::error!(%error, "old events could not be deleted");
        }
    }
}

fn retry_after(failures: u32) -> Duration {
    FIRST_RETRY.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(MAX_RETRY)
}

async fn deliver(shared: Shared, event: WaitingEvent) -> Result<(), Error> {
    let id = event.id;
    let Some(subscription) = shared.receiver.subscription(&event.custom_id) else {
        let error = format!("no subscription `{}` is set up any more", event.custom_id);
        tracing::error!(event = id, error, "a call-out could not be delivered");
        return shared.store.call(move |database| database.event_failed(id, &error, true)).await;
    };
    let delivery = delivery(&subscription.callouts, &event, Timestamp::now());
    if let Some(flaw) = &delivery.flaw {
        tracing::warn!(event = id, flaw, "a call-out is flagged");
    }
    shared.store.call(move |database| database.deliver(&event, delivery, Timestamp::now())).await?;
    shared.stored.notify_one();
    Ok(())
}

/// What is to become of the event. It is never lost for a template's sake: in doubt everybody gets something plain.
fn delivery(callouts: &CallOuts, event: &WaitingEvent, now: Timestamp) -> Delivery {
    // Only objects are stored; an event that was tampered with is delivered plain.
    let entity = templates::entity(&event.body).unwrap_or_default();
    let (wanted, no_condition) = match templates::is_wanted(callouts, &entity) {
        Ok(wanted) => (wanted, None),
        Err(error) => (true, Some(error)),
    };
    if !wanted {
        let message = templates::plain_message(callouts, &entity);
        return Delivery { message, recipients: None, flaw: None };
    }
    let (message, no_message) = match templates::message(callouts, &entity, now) {
        Ok(message) => (message, None),
        Err(error) => (templates::plain_message(callouts, &entity), Some(error)),
    };
    let flaws: Vec<String> = no_condition.into_iter().chain(no_message).collect();
    let recipients = Some(callouts.recipients.clone());
    Delivery { message, recipients, flaw: (!flaws.is_empty()).then(|| flaws.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        EventState, ServerOptions,
        callouts::Receiver,
        channels::{Channels, Hub, Limits, Signer},
        store::{Database, Store},
    };

    #[tokio::test]
    async fn a_panic_is_a_failure_like_any_other() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.sqlite")).await.unwrap();
        let add = |database: &mut Database| database.add_event("a", b"{}", Duration::ZERO, Timestamp::now());
        let id = store.call(add).await.unwrap().expect("it is new");
        let wait = Duration::from_mins(1);
        let limits = Limits { activity_timeout: wait, pong_timeout: wait, max_connections: 1 };
        let shared = Shared {
            store: store.clone(),
            channels: Arc::new(Channels::Embedded(Arc::new(Hub::new(Signer::new("key".into(), b"secret"), limits)))),
            stored: Arc::default(),
            own_url: "http://127.0.0.1:1".into(),
            token_lifetime: wait,
            receiver: Arc::new(Receiver::new(&ServerOptions::default(), store.clone()).unwrap()),
        };
        let mut worker = Worker::new(shared, CancellationToken::new());
        for (attempts, state) in [(1, EventState::Waiting), (MAX_ATTEMPTS, EventState::Failed)] {
            worker.settle(id, attempts, async { panic!("a delivery that panics") }).await;
            let event = store.call(move |database| database.event(id)).await.unwrap().expect("it is kept").summary;
            assert_eq!((event.state, event.error.as_deref()), (state, Some("the delivery panicked")));
            assert_eq!(worker.retries.contains_key(&id), state == EventState::Waiting);
        }
    }

    #[test]
    fn retries_come_less_and_less_often() {
        let waits = [1, 2, 3, 9, 10, u32::MAX].map(|failures| retry_after(failures).as_millis());
        assert_eq!(waits, [100, 200, 400, 25_600, 30_000, 30_000]);
    }
}
