//! Makes messages of stored events, one after another, until the server ends. An event stays waiting until its messages
//! are stored, in one transaction with that it was delivered: whatever happens in between, nobody gets it twice.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{CallOuts, Receiver, recipients, templates};
use crate::{
    Error, NewMessage,
    api::Shared,
    metrics::EventOutcome,
    store::{Database, Delivery, Fault, Next, Turn, WaitingEvent},
};

/// An event that another process has stored, or set waiting again, is seen at the latest after this.
const POLL: Duration = Duration::from_secs(5);
/// The same where several relays share the work.
const SHARED_POLL: Duration = Duration::from_secs(1);
/// Events that are delivered in one go.
const TOGETHER: u32 = 128;
/// From one delivery to the next: what comes meanwhile goes together, and one that comes alone goes at once.
const PACE: Duration = Duration::from_millis(20);
/// After this many failures an event is left for the operator.
const MAX_ATTEMPTS: u32 = 10;
const ENDED: &str = "the relay ended each time while it was being delivered; look at its template, then replay it";
/// For so long an event waits that the database could not take, while others are delivered.
const PUT_OFF: Duration = Duration::from_secs(30);
/// After a try in vain none is tried again for so many times as long: the others have the greater part of the time.
const REST: u32 = 4;
/// But no longer than this: what was put off is not due yet, so that the others of its turn go before it.
const MAX_REST: Duration = Duration::from_secs(15);
const FIRST_RETRY: Duration = Duration::from_millis(100);
const MAX_RETRY: Duration = Duration::from_secs(30);

/// The one task behind a server's receiver.
pub(crate) struct Worker {
    shared: Shared,
    stop: CancellationToken,
    new: Lane,
    again: Lane,
    /// No event is tried again before then.
    rest: Option<Instant>,
    /// The one whose try was counted, and has not ended the process: that is still to be taken back.
    counted: Option<i64>,
    /// The one whose last try ended without an answer of the database.
    unanswered: Option<Unanswered>,
    /// So many times in a row the database did nothing for any of them.
    failures: u32,
}

/// An event whose outcome the database did not tell.
struct Unanswered {
    id: i64,
    turn: Turn,
    /// In a row.
    tries: u32,
    /// What was said of the last.
    error: String,
    took: Duration,
}

/// How the events of one turn are delivered.
struct Lane {
    /// So many events are delivered one by one, each try counted before it is made: should the process before this one have ended
    /// by an event, it was among them. None of them ends it more than [`MAX_ATTEMPTS`] times.
    careful: u32,
    together: Together,
}

impl Lane {
    fn new() -> Self {
        Self { careful: TOGETHER, together: Together::default() }
    }
}

/// How many events go together. One that fails must not hold up the others: those that were to go with it go one by one.
#[derive(Default)]
struct Together {
    one_by_one: usize,
}

impl Together {
    fn most(&self) -> u32 {
        if self.one_by_one > 0 { 1 } else { TOGETHER }
    }

    fn delivered(&mut self, events: usize) {
        self.one_by_one = self.one_by_one.saturating_sub(events);
    }

    /// Whether it is sure now which of so many it was.
    fn failed(&mut self, of: usize) -> bool {
        if of > 1 {
            self.one_by_one = of;
            return false;
        }
        self.delivered(of);
        true
    }
}

impl Worker {
    pub(crate) fn new(shared: Shared, stop: CancellationToken) -> Self {
        Self {
            shared,
            stop,
            new: Lane::new(),
            again: Lane::new(),
            rest: None,
            counted: None,
            unanswered: None,
            failures: 0,
        }
    }

    /// Runs until it is told to stop.
    pub(crate) async fn run(mut self) {
        let (stop, receiver) = (self.stop.clone(), Arc::clone(&self.shared.receiver));
        let poll = if self.shared.store.is_shared() { SHARED_POLL } else { POLL };
        let mut last = Instant::now();
        while !stop.is_cancelled() {
            stop.run_until_cancelled(tokio::time::sleep_until(last + PACE)).await;
            last = Instant::now();
            let wait = match self.deliver_all().await {
                Ok(next_retry) => {
                    self.failures = 0;
                    next_retry.clamp(FIRST_RETRY, poll)
                }
                Err(error) => {
                    self.failures = self.failures.saturating_add(1);
                    tracing::error!(%error, failures = self.failures, "call-outs wait: the database stores nothing");
                    retry_after(self.failures)
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                // While the database does not answer, more call-outs are no reason to ask it sooner.
                () = receiver.arrived.notified(), if self.failures == 0 => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Delivers what is due; answers how long it is until the next is.
    async fn deliver_all(&mut self) -> Result<Duration, Error> {
        self.put_off_unanswered().await?;
        while !self.stop.is_cancelled() {
            if self.deliver_some(Turn::New).await? {
                continue;
            }
            let receiver = Arc::clone(&self.shared.receiver);
            let known = self.shared.store.is_shared().then(|| receiver.custom_ids());
            let next =
                self.shared.store.call(move |database| database.next_retry(Timestamp::now(), known.as_deref())).await?;
            let until =
                next.map_or(Duration::MAX, |at| at.duration_since(Timestamp::now()).try_into().unwrap_or_default());
            let rest = self.rest.map_or(Duration::ZERO, |rest| rest.saturating_duration_since(Instant::now()));
            let wait = until.max(rest);
            // Those that were not tried yet go first, whatever happens to these.
            if !wait.is_zero() || !self.deliver_some(Turn::Again).await? {
                return Ok(wait);
            }
        }
        Ok(Duration::ZERO)
    }

    fn lane(&mut self, turn: Turn) -> &mut Lane {
        match turn {
            Turn::New => &mut self.new,
            Turn::Again => &mut self.again,
        }
    }

    /// Delivers the first ones that are due; answers whether there may be more.
    async fn deliver_some(&mut self, turn: Turn) -> Result<bool, Error> {
        let done = if self.lane(turn).careful > 0 {
            self.deliver_carefully(turn).await
        } else {
            self.deliver_together(turn).await
        };
        if done.is_err() {
            // Should it be for one of them, that one is to be found.
            self.lane(turn).careful = TOGETHER;
        }
        done
    }

    async fn deliver_together(&mut self, turn: Turn) -> Result<bool, Error> {
        let most = self.lane(turn).together.most();
        let receiver = Arc::clone(&self.shared.receiver);
        let known = self.shared.store.is_shared().then(|| receiver.custom_ids());
        let deliver = move |database: &mut Database| {
            database.deliver_next(turn, most, Timestamp::now(), known.as_deref(), |event| delivery_of(&receiver, event))
        };
        let begin = Instant::now();
        match self.shared.store.call(deliver).await? {
            Next::Nothing => Ok(false),
            Next::Delivered { events, more } => {
                self.delivered(events);
                self.lane(turn).together.delivered(events);
                Ok(more)
            }
            Next::Failed { of, id, attempts, error, fault } => {
                if self.lane(turn).together.failed(of) {
                    self.failed(turn, id, attempts, error, fault, begin.elapsed()).await?;
                }
                Ok(true)
            }
        }
    }

    async fn deliver_carefully(&mut self, turn: Turn) -> Result<bool, Error> {
        let receiver = Arc::clone(&self.shared.receiver);
        let known = self.shared.store.is_shared().then(|| receiver.custom_ids());
        let of_count = known.clone();
        let count = move |database: &mut Database| database.count_try(turn, Timestamp::now(), of_count.as_deref());
        let Some((id, before)) = self.shared.store.call(count).await? else {
            self.lane(turn).careful = 0;
            return Ok(false);
        };
        self.lane(turn).careful -= 1;
        if before >= MAX_ATTEMPTS {
            self.failed(turn, id, before.saturating_add(1), ENDED.into(), Fault::ForGood, Duration::ZERO).await?;
            return Ok(true);
        }
        self.counted = Some(id);
        let deliver = move |database: &mut Database| {
            database.deliver_counted(id, Timestamp::now(), known.as_deref(), |event| delivery_of(&receiver, event))
        };
        let begin = Instant::now();
        let next = match self.shared.store.call(deliver).await {
            Ok(next) => next,
            Err(error) => {
                let before = self.unanswered.take().filter(|unanswered| unanswered.id == id);
                let tries = before.map_or(0, |unanswered| unanswered.tries) + 1;
                self.unanswered = Some(Unanswered { id, turn, tries, error: error.to_string(), took: begin.elapsed() });
                return Err(error);
            }
        };
        self.unanswered = None;
        match next {
            Next::Nothing => self.take_back_try().await?,
            Next::Delivered { events, .. } => {
                self.counted = None;
                self.delivered(events);
            }
            Next::Failed { attempts, error, fault, .. } => {
                self.take_back_try().await?;
                self.failed(turn, id, attempts.saturating_sub(1), error, fault, begin.elapsed()).await?;
            }
        }
        Ok(true)
    }

    async fn take_back_try(&mut self) -> Result<(), Error> {
        let Some(id) = self.counted else { return Ok(()) };
        self.shared.store.call(move |database| database.survived_try(id)).await?;
        self.counted = None;
        Ok(())
    }

    /// A delivery whose outcome the database did not tell is made once more at once; then it may be for the event.
    async fn put_off_unanswered(&mut self) -> Result<(), Error> {
        self.take_back_try().await?;
        if let Some(unanswered) = self.unanswered.take_if(|unanswered| unanswered.tries > 1) {
            self.put_off(unanswered.turn, unanswered.id, unanswered.error, unanswered.took).await?;
            // It was for this one, and the others need not wait for that.
            self.failures = 0;
        }
        Ok(())
    }

    /// After a try that took so long.
    async fn put_off(&mut self, turn: Turn, id: i64, error: String, took: Duration) -> Result<(), Error> {
        if turn == Turn::Again {
            self.rest = Some(Instant::now() + took.saturating_mul(REST).min(MAX_REST));
        }
        tracing::error!(event = id, error, "a call-out waits: the database could not store its messages");
        let retry_at = Timestamp::now().saturating_add(PUT_OFF)?;
        self.shared.store.call(move |database| database.put_off(id, &error, retry_at)).await
    }

    fn delivered(&self, events: usize) {
        self.shared.metrics.events(EventOutcome::Delivered, events);
        self.shared.stored.notify_one();
    }

    /// After a try that took so long.
    async fn failed(
        &mut self,
        turn: Turn,
        id: i64,
        before: u32,
        error: String,
        fault: Fault,
        took: Duration,
    ) -> Result<(), Error> {
        if matches!(fault, Fault::OfDatabase | Fault::OfMoment) {
            return self.put_off(turn, id, error, took).await;
        }
        let attempts = before.saturating_add(1);
        tracing::error!(event = id, attempts, error, "a call-out could not be delivered");
        let wait = SignedDuration::try_from(retry_after(attempts)).unwrap_or(SignedDuration::ZERO);
        let retry_at =
            Timestamp::now().saturating_add(wait).ok().filter(|_| fault != Fault::ForGood && attempts < MAX_ATTEMPTS);
        let is_given_up = retry_at.is_none();
        let count = move |database: &mut Database| database.event_failed(id, before, &error, retry_at);
        if self.shared.store.call(count).await? && is_given_up {
            self.shared.metrics.events(EventOutcome::Failed, 1);
        }
        Ok(())
    }
}

fn retry_after(failures: u32) -> Duration {
    FIRST_RETRY.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(MAX_RETRY)
}

fn delivery_of(receiver: &Receiver, event: &WaitingEvent) -> Result<Delivery, String> {
    let Some(subscription) = receiver.subscription(&event.custom_id) else {
        return Err(format!("no subscription `{}` is set up any more", event.custom_id));
    };
    let delivery = delivery(&subscription.callouts, event, Timestamp::now());
    if let Some(flaw) = &delivery.flaw {
        tracing::warn!(event = event.id, flaw, "a call-out is flagged");
    }
    Ok(delivery)
}

/// What is to become of the event. It is never lost for a template's sake: in doubt everybody gets something plain.
fn delivery(callouts: &CallOuts, event: &WaitingEvent, now: Timestamp) -> Delivery {
    // Only objects are stored; an event that was tampered with is delivered plain.
    let entity = templates::entity(&event.body).unwrap_or_default();
    let (recipients, mut flaws) = recipients::of(callouts, &entity);
    let message =
        if recipients.is_none() { Ok(NewMessage::default()) } else { templates::message(callouts, &entity, now) };
    let message = message.unwrap_or_else(|error| {
        flaws.push(error);
        templates::plain_message(callouts, &entity, now)
    });
    Delivery { message, recipients, flaw: (!flaws.is_empty()).then(|| flaws.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_were_to_go_with_one_that_failed_go_one_by_one() {
        let mut together = Together::default();
        assert_eq!(together.most(), TOGETHER);
        together.delivered(7);
        assert!(!together.failed(3), "which it was is not known yet");
        assert_eq!(together.most(), 1);
        together.delivered(1);
        assert!(together.failed(1));
        assert_eq!(together.most(), 1);
        together.delivered(1);
        assert_eq!(together.most(), TOGETHER);
        assert!(together.failed(1));
        assert_eq!(together.most(), TOGETHER);
    }

    #[test]
    fn retries_come_less_and_less_often() {
        let waits = [1, 2, 3, 9, 10, u32::MAX].map(|failures| retry_after(failures).as_millis());
        assert_eq!(waits, [100, 200, 400, 25_600, 30_000, 30_000]);
    }
}
