//! Read marks out: what the store's outbox holds goes to the server, a few at a time, until the server has it or
//! refuses it for good.

use std::time::Duration;

use fasttrack_client::MarkError;
use tokio::time::Instant;

use super::{Active, Controller, news::What, problems, requests::give, schedule::Pause};
use crate::{Code, Host, MessageId, Problem, Sending, handle::Answer};

/// The wire knows no bulk call; this many go at a time.
const AT_A_TIME: usize = 4;
/// Enough to find some that are not on their way already.
const LOOK_AT: u32 = 8;
/// What became of a mark could not be noted: until this has passed no other is sent, since each would be sent again.
const AFTER_FAILED_NOTE: Duration = Duration::from_secs(30);
/// A refusal this old is none of what somebody who begins to wait has just marked.
const REFUSAL_IS_NEWS: Duration = Duration::from_secs(10);

impl<H: Host> Controller<H> {
    /// When the next mark is due; none while some are on their way, whose end wakes the controller.
    pub(super) fn outbox_deadline(&self, active: &Active) -> Option<Instant> {
        if !active.marking.is_empty() {
            return None;
        }
        let next = active.store.outbox_next_at().ok()??;
        let wait = Duration::try_from(next.duration_since(self.now())).unwrap_or_default();
        let now = Instant::now();
        Some(active.marks_not_before.until(now).unwrap_or(now).max(now + wait))
    }

    /// Sends what is due.
    pub(super) fn send_due_marks(&mut self) {
        let now = self.now();
        let Some(active) = &mut self.active else { return };
        let Some(session) = active.session.clone() else { return };
        let free = AT_A_TIME.saturating_sub(active.marking.len());
        if free == 0 || active.marks_not_before.until(Instant::now()).is_some() {
            return;
        }
        let due = active.store.outbox_due(now, LOOK_AT);
        let Some(due) = self.found(due) else { return };
        for entry in due {
            let Some(active) = &mut self.active else { return };
            if active.marking.len() >= AT_A_TIME {
                return;
            }
            if active.marking.contains(&entry.id) {
                continue;
            }
            active.marking.insert(entry.id.clone());
            let session = std::sync::Arc::clone(&session);
            self.spawn_for_session(async move {
                let outcome = session.mark_read(&entry.id.0).await;
                What::Marked(entry.id, outcome)
            });
        }
    }

    pub(super) fn marked(&mut self, id: &MessageId, outcome: Result<(), MarkError>) {
        let (now, jitter) = (self.now(), self.jitter());
        let Some(active) = &mut self.active else { return };
        active.marking.remove(id);
        let noted = match outcome {
            Ok(()) => {
                active.marks_not_before.succeeded();
                active.marks_done += 1;
                active.store.outbox_done(id)
            }
            Err(error @ MarkError::Refused { .. }) => {
                tracing::warn!(%error, "the server refused a read mark");
                active.marks_not_before.succeeded();
                active.marks_done += 1;
                let problem = problems::mark_refused(&error);
                let refused = active.store.outbox_refused(id, &problem);
                active.refused = Some((problem, Instant::now()));
                refused
            }
            Err(MarkError::Temporary { error, retry_after }) => {
                active.mark_problem = Some(problems::call(&error));
                tracing::info!(%error, "a read mark did not reach the server; it is sent again");
                self.counters.retries += 1;
                let delay = active.marks_not_before.failed(Instant::now(), jitter, retry_after);
                let until = now.checked_add(delay).unwrap_or(now);
                active.store.outbox_defer(id, until)
            }
            Err(MarkError::SessionRejected { message }) => {
                let deferred = active.store.outbox_defer(id, now);
                self.stored(deferred);
                let brand = self.brand();
                return self.reject(&problems::rejected(&brand, &message));
            }
        };
        if self.stored(noted).is_some() {
            return;
        }
        let failed = self.notices.iter().find(|notice| notice.code == Code::StoreFailed).cloned();
        if let Some(active) = &mut self.active {
            active.marks_not_before.hold(Instant::now() + AFTER_FAILED_NOTE);
            active.mark_problem = failed.or(active.mark_problem.take());
        }
    }

    /// Every mark that waits is sent now: the connection is back, or the person asked for it.
    pub(super) fn retry_marks_now(&mut self) {
        let now = self.now();
        let Some(active) = &mut self.active else { return };
        active.marks_not_before = Pause::default();
        let due = active.store.outbox_retry_now(now);
        self.stored(due);
    }

    /// Every mark that waits is sent as soon as the server allows.
    pub(super) fn retry_marks_when_allowed(&mut self) {
        let now = self.now();
        let Some(active) = &mut self.active else { return };
        active.marks_not_before.shorten();
        let due = active.store.outbox_retry_now(now);
        self.stored(due);
    }

    /// Answers once the outbox is empty, or with why it is not.
    pub(super) fn flush(&mut self, answer: Answer<()>) {
        match &mut self.active {
            Some(active) => {
                // A mark may be refused between the request to make it and this one.
                active.refused = active.refused.take().filter(|(_, at)| at.elapsed() < REFUSAL_IS_NEWS);
                active.flushing.push(answer);
            }
            None => give(answer, Err(problems::not_signed_in())),
        }
    }

    /// Tells those who wait for the outbox, when there is something to tell.
    pub(super) fn answer_flush(&mut self) {
        if self.active.as_ref().is_none_or(|active| active.flushing.is_empty()) {
            return;
        }
        let Some(outcome) = self.sent() else { return };
        let Some(active) = &mut self.active else { return };
        let refused = active.refused.take();
        let outcome = outcome.and_then(|()| refused.map_or(Ok(()), |(problem, _)| Err(problem)));
        active.end_flush(&outcome);
    }

    /// Whether every mark has reached the server or was refused by it; or why some do not. None while that is open.
    pub(super) fn sent(&self) -> Option<Result<(), Problem>> {
        let now = self.now();
        let active = self.active.as_ref()?;
        let waiting = active.store.outbox_len().unwrap_or(1);
        let deferred = active.marks_not_before.until(Instant::now()).is_some()
            || active.store.outbox_next_at().ok().flatten().is_some_and(|at| at > now);
        // While marks are on their way, or may go at once, their own outcome counts and not that of another call.
        let is_tried = active.session.is_some() && !(deferred && active.marking.is_empty());
        let failing = active.link.failing.as_ref().map(|(problem, _)| problem.clone());
        let problem = match &active.link.rejected {
            Some((problem, _)) => Some(problem.clone()),
            None if is_tried => None,
            None if active.session.is_some() => active.mark_problem.clone().or(failing),
            None => failing,
        };
        if waiting == 0 { Some(Ok(())) } else { problem.map(Err) }
    }

    /// How far several marks are on their way, when `waiting` are left.
    pub(super) fn sending(&mut self, waiting: u64) -> Option<Sending> {
        let active = self.active.as_mut()?;
        if waiting == 0 {
            active.marks_done = 0;
        }
        let on_their_way = active.session.is_some() && active.link.failing.is_none();
        let sending = Sending { done: active.marks_done, total: active.marks_done + waiting };
        Some(sending).filter(|sending| waiting > 0 && sending.total > 1 && on_their_way)
    }
}
