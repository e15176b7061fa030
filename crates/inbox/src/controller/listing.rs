//! The list call: when it is made, and what becomes of its answer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fasttrack_client::{Error, Listing, Notification};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{Controller, clock, news::What, problems};
use crate::{Host, Message};

/// The store's note of when the list call last succeeded.
pub(super) const LAST_SYNCED: &str = "last_synced";

/// The answer of a list call, ready to be merged.
pub(super) struct Listed {
    pub(super) messages: Vec<Message>,
    /// Items that could not be read.
    pub(super) skipped: u64,
    /// What the server's clock was when this machine's was what.
    pub(super) clocks: Option<(Timestamp, Timestamp)>,
}

impl Listed {
    fn read(listing: &Listing, wall: Timestamp) -> Self {
        let now = listing.server_time.unwrap_or(wall);
        for skipped in &listing.skipped {
            tracing::warn!(index = skipped.index, reason = %skipped.reason, "an item of the list is skipped");
        }
        let read = listing.notifications.iter().filter_map(|item| read_message(item, now, Message::from_listed));
        let clocks = listing.server_time.map(|server| (server, wall));
        Self { messages: read.collect(), skipped: listing.skipped.len() as u64, clocks }
    }
}

/// Makes a message of what the wire said. Fenced: a defect in reading one must not take the session down.
pub(super) fn read_message(
    notification: &Notification,
    now: Timestamp,
    read: fn(&Notification, Timestamp) -> Message,
) -> Option<Message> {
    let read = catch_unwind(AssertUnwindSafe(|| read(notification, now)));
    if read.is_err() {
        tracing::error!("reading one message panicked; it is skipped");
    }
    read.ok()
}

impl<H: Host> Controller<H> {
    /// Calls the list when it is time.
    pub(super) fn list_if_due(&mut self, now: Instant) {
        let Some(active) = &mut self.active else { return };
        let Some(session) = active.session.clone() else { return };
        if !active.list.start(now) {
            return;
        }
        active.currency.call_began();
        self.counters.list_calls += 1;
        let clock = self.options.now;
        self.spawn_for_session(async move {
            let listing = match session.list(false).await {
                Ok(listing) => listing,
                Err(error) => return What::Listed(Err(error)),
            };
            // Cleaning the HTML of a whole list takes long: neither the controller nor the runtime waits for it.
            let read = tokio::task::spawn_blocking(move || Listed::read(&listing, clock()));
            read.await.map_or(What::Panicked, |listed| What::Listed(Ok(listed)))
        });
    }

    pub(super) fn listed(&mut self, outcome: Result<Listed, Error>) {
        let (now, jitter) = (self.wall(), self.jitter());
        match outcome {
            Ok(listed) => {
                self.compare_clocks(listed.clocks);
                self.counters.skipped += listed.skipped;
                self.counters.skipped_by.listed += listed.skipped;
                let merged = self.merge(&listed.messages).is_some();
                if merged {
                    self.end_rebuilding();
                }
                let Some(active) = &mut self.active else { return };
                active.link.failing = None;
                if merged {
                    active.currency.call_succeeded();
                    active.list.succeeded(Instant::now(), jitter);
                    let noted = active.store.set_meta(LAST_SYNCED, &now.to_string());
                    self.stored(noted);
                } else {
                    // The store refused them: they are asked for again once it may have recovered.
                    active.list.failed(Instant::now(), jitter, None);
                }
            }
            Err(Error::SessionRejected { message }) => {
                let brand = self.brand();
                self.reject(&problems::rejected(&brand, &message));
            }
            Err(error) => {
                tracing::warn!(%error, "the list call failed");
                self.counters.retries += 1;
                let Some(active) = &mut self.active else { return };
                active.link.fails(problems::call(&error), now);
                active.list.failed(Instant::now(), jitter, error.retry_after());
            }
        }
    }

    /// The server has told its time.
    fn compare_clocks(&mut self, clocks: Option<(Timestamp, Timestamp)>) {
        let (Some((server, wall)), Some(active)) = (clocks, &mut self.active) else { return };
        if !active.clock.compare(server, wall) {
            return;
        }
        tracing::warn!(clock = %active.clock, "this machine's clock is not the server's");
        let kept = active.store.set_meta(clock::KEY, &active.clock.to_string());
        self.stored(kept);
        // Their time was told by the clock before.
        self.retry_marks_now();
    }

    /// The list is in the store: where that was started anew, its messages are named once and not alerted singly.
    fn end_rebuilding(&mut self) {
        let now = self.now();
        let Some(active) = &mut self.active else { return };
        let ended = active.store.end_rebuilding(now);
        if let Some(Some(interrupted)) = self.stored(ended)
            && let Some(active) = &mut self.active
        {
            active.alerts.interrupted = interrupted;
        }
    }
}
