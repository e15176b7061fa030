//! [`Clock`]: how far this machine's clock is from the server's. Messages say when they expire by the server's, and a clock
//! that is wrong by hours would hide what is new. Pure: both times come in.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

/// The store's note of it, so that a start without a network knows it too.
pub(super) const KEY: &str = "server_ahead";
/// HTTP's `Date` is by the second, and an answer may have been long on its way: less than this says nothing.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(2);

/// A century: a note of more is none of ours.
const MOST_SECONDS: i64 = 100 * 366 * 24 * 3_600;

/// How far the server's clock is ahead of this machine's. It shows as whole seconds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    ahead: SignedDuration,
}

impl Clock {
    /// What an earlier run noted, if it can be read.
    pub(super) fn kept(note: Option<String>) -> Self {
        let plausible = |seconds: &i64| (-MOST_SECONDS..=MOST_SECONDS).contains(seconds);
        let seconds = note.and_then(|note| note.parse().ok()).filter(plausible).unwrap_or_default();
        Self { ahead: SignedDuration::from_secs(seconds) }
    }

    /// The server's time when this machine's is `wall`.
    pub(super) fn server(&self, wall: Timestamp) -> Timestamp {
        wall.checked_add(self.ahead).unwrap_or(wall)
    }

    /// Both times are known: answers whether that changes anything.
    pub(super) fn compare(&mut self, server: Timestamp, wall: Timestamp) -> bool {
        let ahead = server.duration_since(wall);
        let ahead = if ahead.abs() < TOLERANCE { SignedDuration::ZERO } else { ahead };
        let changed = (ahead - self.ahead).abs() >= TOLERANCE || (ahead.is_zero() && !self.ahead.is_zero());
        if changed {
            self.ahead = ahead;
        }
        changed
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ahead.as_secs().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_clock_that_is_wrong_by_hours_is_corrected_and_one_by_seconds_is_not() {
        let mut clock = Clock::default();
        assert!(!clock.compare(at(1_000), at(1_060)), "that may have been the way");
        assert_eq!(clock.server(at(1_000)), at(1_000));
        assert!(clock.compare(at(1_000), at(11_800)));
        assert_eq!(clock.server(at(11_900)), at(1_100));
        assert!(!clock.compare(at(2_000), at(12_830)), "as before, but for seconds");
        assert!(clock.compare(at(3_000), at(3_001)), "it was set right");
        assert_eq!(clock.server(at(5)), at(5));
    }

    #[test]
    fn it_is_kept_as_text_and_what_is_no_such_text_says_nothing() {
        let mut clock = Clock::default();
        clock.compare(at(0), at(7_200));
        assert_eq!(clock.to_string(), "-7200");
        assert_eq!(Clock::kept(Some(clock.to_string())), clock);
        for note in [None, Some(String::new()), Some("soon".to_owned()), Some(i64::MIN.to_string())] {
            assert_eq!(Clock::kept(note), Clock::default());
        }
        let far = Clock { ahead: SignedDuration::MAX };
        assert_eq!(far.server(at(7)), at(7), "a note that leads out of time is none");
    }
}
