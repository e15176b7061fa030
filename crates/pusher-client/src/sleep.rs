//! Notices that the machine slept: the wall clock has gone on and we have not. It must never touch the connection.

use std::time::{Duration, SystemTime};

use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::options::Options;

pub(crate) struct Sleep {
    ticks: Interval,
    every: Duration,
    last: SystemTime,
}

impl Sleep {
    pub(crate) fn new(options: &Options) -> Self {
        let every = options.sleep_check;
        let mut ticks = interval(every);
        // After a sleep one look is enough.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, every, last: options.now() }
    }

    /// Waits until the machine has slept and tells about how long. Cancel-safe.
    pub(crate) async fn over(&mut self, options: &Options) -> Duration {
        loop {
            self.ticks.tick().await;
            if let Some(slept) = self.look(options.now()) {
                return slept;
            }
        }
    }

    /// Looks at the clock. Whether the timer's own clock stands still in a sleep differs between systems: what counts is
    /// how much more than one tick the wall clock has gone on. Being set back says nothing.
    fn look(&mut self, now: SystemTime) -> Option<Duration> {
        let away = now.duration_since(std::mem::replace(&mut self.last, now)).unwrap_or_default();
        (away > self.every * 2).then(|| away.saturating_sub(self.every))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_clock_that_jumps_ahead_is_a_sleep_and_nothing_else_is() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_hours(1);
        let second = Duration::from_secs(1);
        let options = Options::host("k", "h", 1, false).sleep_check(second * 4).clock(move || start);
        let mut sleep = Sleep::new(&options);
        let table = [(4, None), (12, None), (8, None), (12, None), (21, Some(5)), (25, None), (3_625, Some(3_596))];
        for (at, slept) in table {
            assert_eq!(sleep.look(start + second * at), slept.map(|slept| second * slept), "{at}");
        }
    }
}
