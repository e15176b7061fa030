//! [`Schedule`]: when the next list call is due. Triggers within ten seconds coalesce, the trailing one is never
//! dropped, failures back off. Pure: time and jitter come in.

use std::time::Duration;

use tokio::time::Instant;

/// Triggers closer together than this become one call.
const COALESCE: Duration = Duration::from_secs(10);
/// While online the list is called about this often: nothing on the wire tells of a message read elsewhere.
const REGULAR: Duration = Duration::from_mins(10);
/// How long a failed call waits at most before it is tried again.
const RETRY_CAP: Duration = Duration::from_mins(2);

/// When the next list call is due, and whether one is under way.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    due: Option<Instant>,
    last_start: Option<Instant>,
    /// The server asked not to be called before then.
    not_before: Option<Instant>,
    running: bool,
    /// The person asked while a call was under way.
    asked: bool,
    failures: u32,
}

impl Schedule {
    /// Something happened after which the list may have news. `after`: spread of a mass reconnect.
    pub(super) fn trigger(&mut self, now: Instant, after: Duration) {
        let apart = self.last_start.map(|start| start + COALESCE);
        let earliest = [apart, self.not_before].into_iter().flatten().fold(now + after, Instant::max);
        self.bring_forward(earliest);
    }

    /// The person asks: at once, whatever was before, even where the server asked for a pause: one person's click is
    /// no storm. A call under way is followed by another.
    pub(super) fn trigger_now(&mut self, now: Instant) {
        self.failures = 0;
        self.not_before = None;
        self.asked = self.running;
        self.bring_forward(now);
    }

    fn bring_forward(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// When to look again; none while a call is under way.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if self.running { None } else { self.due }
    }

    /// Whether to call now; if so, the call counts as started.
    pub(super) fn start(&mut self, now: Instant) -> bool {
        if self.running || self.due.is_none_or(|due| due > now) {
            return false;
        }
        self.running = true;
        self.asked = false;
        self.due = None;
        self.last_start = Some(now);
        true
    }

    /// The call ended well; `jitter` in 0..1 spreads the regular call over ±10 %.
    pub(super) fn succeeded(&mut self, now: Instant, jitter: f64) {
        self.running = false;
        self.failures = 0;
        self.not_before = None;
        self.bring_forward(now + REGULAR.mul_f64(0.9 + 0.2 * jitter));
    }

    /// The call failed and is repeated, later after each failure and not before the server allows it.
    pub(super) fn failed(&mut self, now: Instant, jitter: f64, retry_after: Option<Duration>) {
        self.running = false;
        if std::mem::take(&mut self.asked) {
            // Whoever asked meanwhile has not been answered yet.
            return self.bring_forward(now);
        }
        self.not_before = retry_after.map(|wait| now + bounded(wait));
        self.due = Some(now + retry_delay(self.failures, jitter, retry_after));
        self.failures = self.failures.saturating_add(1);
    }

    /// The session is gone: whatever was under way counts no more. What the server asked for stands.
    pub(super) fn clear(&mut self) {
        *self = Self { last_start: self.last_start, not_before: self.not_before, ..Self::default() };
    }
}

/// Whether the list has been called since something may last have been missed. Separate from [`Schedule`]: not every
/// call is made because something is missing.
#[derive(Debug, Default)]
pub(super) struct Currency {
    /// Rises each time that something may have been missed.
    missed: u64,
    /// What it was when the call under way began.
    called: Option<u64>,
    /// What it was when the last call that succeeded began.
    listed: Option<u64>,
}

impl Currency {
    /// Something may be on the server that did not come here.
    pub(super) fn missed(&mut self) {
        self.missed += 1;
    }

    /// A list call begins.
    pub(super) fn call_began(&mut self) {
        self.called = Some(self.missed);
    }

    /// What it brought is in the store.
    pub(super) fn call_succeeded(&mut self) {
        self.listed = self.called.take();
    }

    /// Nothing is known to be missing.
    pub(super) fn is_current(&self) -> bool {
        self.listed == Some(self.missed)
    }
}

/// A wait of everything that goes one way, longer after each failure in a row.
#[derive(Debug, Default)]
pub(super) struct Pause {
    until: Option<Instant>,
    /// The part of it that has a reason of its own, such as the server's wish.
    held: Option<Instant>,
    failures: u32,
}

impl Pause {
    /// When it ends; none when nothing waits.
    pub(super) fn until(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| *until > now)
    }

    /// Something failed; answers for how long to wait. What was under way together fails together: it counts once.
    pub(super) fn failed(&mut self, now: Instant, jitter: f64, retry_after: Option<Duration>) -> Duration {
        if self.until(now).is_none() {
            self.failures = self.failures.saturating_add(1);
        }
        let delay = retry_delay(self.failures.saturating_sub(1), jitter, retry_after);
        self.until = self.until.max(Some(now + delay));
        if let Some(wait) = retry_after {
            self.hold(now + bounded(wait));
        }
        delay
    }

    /// Waits until then at least.
    pub(super) fn hold(&mut self, until: Instant) {
        self.held = self.held.max(Some(until));
        self.until = self.until.max(Some(until));
    }

    /// There is hope: only what has a reason of its own is waited for.
    pub(super) fn shorten(&mut self) {
        self.until = self.held;
        self.failures = 0;
    }

    /// Something got through. What was asked for meanwhile stands.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }
}

/// How long to wait after `failures` failures: doubling from one second to [`RETRY_CAP`], with full jitter in its
/// upper half, and never less than the server asked for.
pub(super) fn retry_delay(failures: u32, jitter: f64, retry_after: Option<Duration>) -> Duration {
    let ceiling = Duration::from_secs(1 << failures.min(7)).min(RETRY_CAP);
    let delay = ceiling.mul_f64(0.5 + 0.5 * jitter);
    delay.max(bounded(retry_after.unwrap_or_default()))
}

/// What the server asked for, an hour at most: a wrong header must not silence us.
pub(super) fn bounded(retry_after: Duration) -> Duration {
    retry_after.min(Duration::from_hours(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn triggers_within_ten_seconds_become_one_trailing_call() {
        let t0 = Instant::now();
        let mut schedule = Schedule::default();
        schedule.trigger(t0, Duration::ZERO);
        assert!(schedule.start(t0), "the first trigger calls at once");
        schedule.succeeded(t0 + seconds(1), 0.5);
        schedule.trigger(t0 + seconds(2), Duration::ZERO);
        schedule.trigger(t0 + seconds(3), Duration::ZERO);
        assert!(!schedule.start(t0 + seconds(9)));
        assert_eq!(schedule.deadline(), Some(t0 + seconds(10)));
        assert!(schedule.start(t0 + seconds(10)));
        schedule.succeeded(t0 + seconds(10), 0.5);
        assert!(!schedule.start(t0 + seconds(21)), "both were answered by the one call");
    }

    #[test]
    fn a_person_who_asks_during_a_call_is_answered_by_another_whatever_becomes_of_the_first() {
        let t0 = Instant::now();
        let mut schedule = Schedule::default();
        schedule.trigger(t0, Duration::ZERO);
        assert!(schedule.start(t0));
        schedule.trigger_now(t0 + seconds(1));
        schedule.failed(t0 + seconds(2), 0.5, Some(seconds(600)));
        assert!(schedule.start(t0 + seconds(2)));
        schedule.failed(t0 + seconds(3), 0.5, Some(seconds(600)));
        assert!(!schedule.start(t0 + seconds(500)), "from then on the server's word holds");
    }

    #[test]
    fn a_trigger_during_a_call_is_not_dropped() {
        let t0 = Instant::now();
        let mut schedule = Schedule::default();
        schedule.trigger(t0, Duration::ZERO);
        assert!(schedule.start(t0));
        schedule.trigger(t0 + seconds(1), Duration::ZERO);
        assert_eq!(schedule.deadline(), None, "one call at a time");
        schedule.succeeded(t0 + seconds(20), 0.5);
        assert!(schedule.start(t0 + seconds(20)));
    }

    #[test]
    fn a_trigger_waits_for_as_long_as_the_server_asked_and_a_person_does_not() {
        let t0 = Instant::now();
        let mut schedule = Schedule::default();
        schedule.trigger(t0, Duration::ZERO);
        assert!(schedule.start(t0));
        schedule.failed(t0, 0.5, Some(seconds(60)));
        schedule.trigger(t0 + seconds(20), Duration::ZERO);
        assert_eq!(schedule.deadline(), Some(t0 + seconds(60)), "a gap does not bring the call forward");
        schedule.clear();
        schedule.trigger(t0 + seconds(30), Duration::ZERO);
        assert_eq!(schedule.deadline(), Some(t0 + seconds(60)), "nor does another session");
        schedule.trigger_now(t0 + seconds(31));
        assert!(schedule.start(t0 + seconds(31)), "a person's click is no storm");
        schedule.failed(t0 + seconds(31), 0.5, None);
        schedule.trigger(t0 + seconds(45), Duration::ZERO);
        assert!(schedule.start(t0 + seconds(45)), "a failure without the header asks for nothing");
    }

    #[test]
    fn what_was_missed_during_a_call_is_still_missing_after_it() {
        let mut currency = Currency::default();
        assert!(!currency.is_current(), "nothing was listed yet");
        currency.call_began();
        currency.missed();
        currency.call_succeeded();
        assert!(!currency.is_current(), "the answer may be from before");
        currency.call_began();
        currency.call_succeeded();
        assert!(currency.is_current());
        currency.call_began();
        assert!(currency.is_current(), "a regular call is no sign that anything is missing");
    }

    #[test]
    fn the_list_is_called_about_every_ten_minutes() {
        let t0 = Instant::now();
        let mut schedule = Schedule::default();
        schedule.trigger(t0, Duration::ZERO);
        assert!(schedule.start(t0));
        schedule.succeeded(t0, 0.0);
        assert_eq!(schedule.deadline(), Some(t0 + seconds(540)));
    }

    #[test]
    fn a_pause_grows_with_each_failure_in_a_row_and_once_for_what_fails_together() {
        let t0 = Instant::now();
        let mut pause = Pause::default();
        assert_eq!(pause.until(t0), None);
        assert_eq!(pause.failed(t0, 1.0, None), seconds(1));
        assert_eq!(pause.failed(t0, 1.0, None), seconds(1), "was under way together with the first");
        assert_eq!(pause.until(t0), Some(t0 + seconds(1)));
        assert_eq!(pause.until(t0 + seconds(1)), None);
        assert_eq!(pause.failed(t0 + seconds(1), 1.0, None), seconds(2));
        pause.failed(t0 + seconds(2), 1.0, Some(seconds(60)));
        pause.succeeded();
        assert_eq!(pause.until(t0 + seconds(3)), Some(t0 + seconds(62)), "what the server asked for stands");
        pause.shorten();
        assert_eq!(pause.until(t0 + seconds(3)), Some(t0 + seconds(62)), "and hope does not change that");
        let mut pause = Pause::default();
        pause.failed(t0, 1.0, None);
        pause.shorten();
        assert_eq!(pause.until(t0), None, "a wait of our own ends");
        assert_eq!(pause.failed(t0 + seconds(62), 1.0, None), seconds(1));
    }

    #[test]
    fn retries_double_up_to_a_cap_and_honour_the_server() {
        let waits: Vec<u64> = (0..9).map(|n| retry_delay(n, 1.0, None).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 120, 120]);
        assert_eq!(retry_delay(0, 0.0, None), Duration::from_millis(500));
        assert_eq!(retry_delay(0, 1.0, Some(seconds(30))), seconds(30));
        assert_eq!(retry_delay(0, 1.0, Some(seconds(1 << 40))), seconds(3600));
    }
}
