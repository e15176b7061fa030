//! How long to wait before the next try, as a pure function of how many failed and of a random number. It must never
//! read a clock or make up its own randomness.

use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

/// A jittered exponential backoff in two stretches.
///
/// A server that restarts is back within seconds, so the first stretch stays short enough to notice its return at
/// once; one that stays away longer is asked less and less often, so that its return is not met by a crowd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    near: Duration,
    near_attempts: u32,
    far: Duration,
}

impl Backoff {
    /// Starts at `first` and doubles up to `near`; after `near_attempts` tries doubles on, up to `far`.
    ///
    /// Each bound is at least the one before it and at most a day.
    pub fn new(first: Duration, near: Duration, near_attempts: u32, far: Duration) -> Self {
        let first = first.min(DAY);
        let near = near.clamp(first, DAY);
        Self { first, near, near_attempts, far: far.clamp(near, DAY) }
    }

    /// The wait after failure number `attempt` (from 0). `jitter` in 0..=1 picks a moment in the upper half of what the
    /// attempt allows, so that clients who lost the same server do not return in step.
    pub fn delay(&self, attempt: u32, jitter: f64) -> Duration {
        let jitter = if jitter.is_finite() { jitter.clamp(0.0, 1.0) } else { 1.0 };
        self.ceiling(attempt).mul_f64(0.5 + 0.5 * jitter)
    }

    /// As many of `failures` in a row as count after a connection that was of use, however short: it is waited for no
    /// longer than four times the first stretch's longest wait.
    pub(crate) fn of_use(&self, failures: u32) -> u32 {
        failures.min(self.near_attempts.saturating_add(1))
    }

    /// The longest wait after failure number `attempt`.
    pub fn ceiling(&self, attempt: u32) -> Duration {
        let double = |base: Duration, times: u32| base.saturating_mul(2_u32.saturating_pow(times));
        if attempt < self.near_attempts {
            double(self.first, attempt).min(self.near)
        } else {
            double(self.near, (attempt - self.near_attempts).saturating_add(1)).min(self.far)
        }
    }
}

impl Default for Backoff {
    /// For connections: 0.25 s, 0.5 s, then 0.8 s for about half a minute, then doubling up to 30 s.
    fn default() -> Self {
        Self::new(Duration::from_millis(250), Duration::from_millis(800), 50, Duration::from_secs(30))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn follows_its_table() {
        let backoff = Backoff::default();
        let table = [(0, 250), (1, 500), (2, 800), (3, 800), (49, 800), (50, 1_600), (51, 3_200), (54, 25_600)];
        for (attempt, millis) in table {
            assert_eq!(backoff.ceiling(attempt), Duration::from_millis(millis), "attempt {attempt}");
            assert_eq!(backoff.delay(attempt, 1.0), Duration::from_millis(millis), "attempt {attempt}");
            assert_eq!(backoff.delay(attempt, 0.0), Duration::from_millis(millis / 2), "attempt {attempt}");
        }
        assert_eq!(backoff.ceiling(55), Duration::from_secs(30));
        assert_eq!(backoff.ceiling(u32::MAX), Duration::from_secs(30));
    }

    #[test]
    fn stays_near_for_about_half_a_minute() {
        let backoff = Backoff::default();
        let near: Duration = (0..50).map(|attempt| backoff.delay(attempt, 0.5)).sum();
        assert!(near > Duration::from_secs(25) && near < Duration::from_secs(35), "{near:?}");
    }

    #[test]
    fn a_server_that_is_of_use_in_between_is_never_left_for_long() {
        let backoff = Backoff::default();
        assert_eq!(backoff.ceiling(backoff.of_use(1_000)), Duration::from_millis(3_200));
        assert_eq!(backoff.of_use(3), 3);
    }

    #[test]
    fn a_bad_random_number_waits_the_full_time() {
        assert_eq!(Backoff::default().delay(0, f64::NAN), Duration::from_millis(250));
        assert_eq!(Backoff::default().delay(0, 7.0), Duration::from_millis(250));
        assert_eq!(Backoff::default().delay(0, -7.0), Duration::from_millis(125));
    }

    proptest! {
        #[test]
        fn never_shrinks_and_never_passes_its_cap(
            first in 0_u64..10_000, near in 0_u64..10_000, attempts in 0_u32..100, far in 0_u64..100_000,
            attempt in 0_u32..u32::MAX, jitter in 0.0..=1.0_f64,
        ) {
            let [first, near, far] = [first, near, far].map(Duration::from_millis);
            let backoff = Backoff::new(first, near, attempts, far);
            prop_assert!(backoff.ceiling(attempt) <= backoff.ceiling(attempt + 1));
            prop_assert!(backoff.ceiling(attempt) <= far.max(near).max(first));
            prop_assert!(backoff.delay(attempt, jitter) <= backoff.ceiling(attempt));
            prop_assert!(backoff.delay(attempt, jitter) >= backoff.ceiling(attempt) / 2);
        }
    }
}
