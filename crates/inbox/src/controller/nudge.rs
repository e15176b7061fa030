//! What the system tells of itself and what follows from it: the machine woke, the screen was unlocked, the network
//! changed. Signals come in storms; the server must not feel one, and a pause that it asked for stands: nobody clicked.

use std::time::Duration;

use tokio::time::Instant;

use super::{Controller, standing::SPREAD};
use crate::{Host, Nudge};

/// Connections, the resume and read marks are tried once within this long, however many signals come.
const APART: Duration = Duration::from_secs(3);
/// One event is told by several signals, such as a network in its stages: those this close together are one list call.
const SETTLE: Duration = Duration::from_secs(1);

/// Which signal waits to be acted on. Pure: time comes in.
#[derive(Debug, Default)]
pub(super) struct Nudges {
    acted: Option<Instant>,
    waiting: Option<Nudge>,
}

impl Nudges {
    /// A signal came; one that still waits is answered with it.
    fn came(&mut self, nudge: Nudge) {
        self.waiting = Some(nudge);
    }

    /// When one that waits is to be acted on; the past for the first.
    pub(super) fn deadline(&self, now: Instant) -> Option<Instant> {
        self.waiting.map(|_| self.acted.map_or(now, |acted| acted + APART))
    }

    /// What to act on now.
    fn take(&mut self, now: Instant) -> Option<Nudge> {
        self.deadline(now).filter(|at| *at <= now)?;
        self.acted = Some(now);
        self.waiting.take()
    }
}

impl<H: Host> Controller<H> {
    /// A signal came. What costs the server nothing is done for each; the rest when [`Nudges`] says so.
    pub(super) fn nudged(&mut self, nudge: Nudge) {
        let spread = SPREAD.mul_f64(self.jitter());
        match nudge {
            Nudge::Locked => {
                self.watching.locked = true;
                // Nothing is missing because of it.
                return;
            }
            // Who sees a machine wake may have to unlock it first, which is told as well.
            Nudge::Woke | Nudge::NetworkChanged => {}
            Nudge::Unlocked => self.watching.locked = false,
        }
        let Some(active) = &mut self.active else { return };
        if active.link.rejected.is_some() {
            // Only another sid helps.
            return;
        }
        tracing::info!(?nudge, "the system tells");
        let after = match nudge {
            Nudge::Locked => return,
            Nudge::Woke => {
                active.currency.missed();
                SETTLE
            }
            Nudge::Unlocked => {
                active.person_is_here();
                SETTLE
            }
            // The machines of an office have their network back at the same moment.
            Nudge::NetworkChanged => SETTLE + spread,
        };
        active.nudges.came(nudge);
        active.list.trigger(Instant::now(), after);
    }

    /// Tries whatever waits, when a signal is to be acted on.
    pub(super) fn act_on_nudge(&mut self, now: Instant) {
        let Some(active) = &mut self.active else { return };
        let Some(nudge) = active.nudges.take(now) else { return };
        if let Some(client) = &active.live {
            match nudge {
                Nudge::Locked => {}
                Nudge::Woke => client.woke(),
                Nudge::Unlocked => client.retry_now(),
                Nudge::NetworkChanged => client.network_changed(),
            }
        }
        active.resume_sooner(now);
        self.retry_marks_when_allowed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_of_signals_is_acted_on_at_once_and_once_more_after_it() {
        let t0 = Instant::now();
        let mut nudges = Nudges::default();
        let mut acted = Vec::new();
        for n in 0..50 {
            let now = t0 + Duration::from_millis(20 * n);
            nudges.came(Nudge::NetworkChanged);
            acted.extend(nudges.take(now).map(|_| now - t0));
        }
        assert_eq!(acted, [Duration::ZERO]);
        assert_eq!(nudges.deadline(t0), Some(t0 + APART), "the last is not forgotten");
        assert_eq!(nudges.take(t0 + APART), Some(Nudge::NetworkChanged));
        assert_eq!(nudges.deadline(t0 + APART), None);
        assert_eq!(nudges.take(t0 + 2 * APART), None, "nothing is left of the storm");
    }

    #[test]
    fn a_signal_long_after_another_is_acted_on_at_once() {
        let t0 = Instant::now();
        let mut nudges = Nudges::default();
        nudges.came(Nudge::Woke);
        assert_eq!(nudges.take(t0), Some(Nudge::Woke));
        nudges.came(Nudge::Unlocked);
        assert_eq!(nudges.take(t0 + 10 * APART), Some(Nudge::Unlocked));
    }
}
