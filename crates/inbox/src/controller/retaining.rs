//! Retention at work: what the settings do not keep is removed slice by slice, so that nobody waits behind it, and the space is
//! given back to the disk.

use std::time::Duration;

use tokio::time::Instant;

use super::Controller;
use crate::Host;

/// Messages grow old by the day.
const REGULAR: Duration = Duration::from_hours(24);
/// How long a change of the settings can be taken back.
const SECOND_THOUGHTS: Duration = Duration::from_secs(10);
/// After the store refused.
const LATER: Duration = Duration::from_mins(1);

impl<H: Host> Controller<H> {
    /// The settings were changed: they hold in a moment, so that a slip can be taken back before it removes anything.
    pub(super) fn retain_soon(&mut self) {
        if let Some(active) = &mut self.active {
            active.retain_at = Instant::now() + SECOND_THOUGHTS;
        }
    }

    /// Removes the next slice of what is not kept, or gives the next slice of space back.
    pub(super) fn retain_if_due(&mut self, now: Instant) {
        let at = self.now();
        let Some(active) = &mut self.active else { return };
        if active.retain_at > now {
            return;
        }
        active.retain_at = now + LATER;
        if !active.currency.is_current() {
            // Until the server has told its time, a wrong clock could throw away what it will not send again.
            return;
        }
        let removed = active.store.retain(self.kept.settings.retention, at);
        let Some(removed) = self.stored(removed) else { return };
        let is_done = removed.is_empty();
        self.withdraw(removed);
        let Some(active) = &mut self.active else { return };
        if !is_done {
            active.retain_at = now;
            return;
        }
        let compacted = active.store.compact();
        let Some(is_more) = self.stored(compacted) else { return };
        if let Some(active) = &mut self.active {
            active.retain_at = if is_more { now } else { now + REGULAR };
        }
    }
}
