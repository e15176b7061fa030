//! [`Waiting`]: the threads that wait for a click, one for each notification. Pure: time comes in. The system does not
//! always say that a notification is gone, and such a thread cannot be called back: it must never take the place of a
//! later one for good, nor may such threads grow without bound.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Notifications whose click is waited for at a time.
const AT_ONCE: usize = 64;
/// A notification without an answer for so long has been cleared away.
const LIMIT: Duration = Duration::from_hours(1);
/// Threads there are at most, with those that nobody counts on any more.
const THREADS: usize = 256;

/// Who waits.
#[derive(Debug, Default)]
pub struct Waiting {
    began: VecDeque<(u64, Instant)>,
    given_up: usize,
    last: u64,
}

impl Waiting {
    /// Takes a place; none while all are taken.
    #[must_use]
    pub fn begin(&mut self, now: Instant) -> Option<u64> {
        while self.began.front().is_some_and(|(_, began)| now.duration_since(*began) >= LIMIT) {
            self.began.pop_front();
            self.given_up += 1;
        }
        if self.began.len() >= AT_ONCE || self.began.len() + self.given_up >= THREADS {
            return None;
        }
        self.last += 1;
        self.began.push_back((self.last, now));
        Some(self.last)
    }

    /// The thread with this place ends.
    pub fn end(&mut self, place: u64) {
        match self.began.iter().position(|(taken, _)| *taken == place) {
            Some(at) => drop(self.began.remove(at)),
            None => self.given_up = self.given_up.saturating_sub(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_once_its_notification_is_answered() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        let places: Vec<u64> = (0..AT_ONCE).map(|_| waiting.begin(now).unwrap()).collect();
        assert_eq!(waiting.begin(now), None);
        waiting.end(places[3]);
        assert!(waiting.begin(now).is_some());
        assert_eq!(waiting.begin(now), None);
    }

    #[test]
    fn notifications_that_are_never_answered_do_not_take_the_places_of_later_ones() {
        let (mut waiting, mut now) = (Waiting::default(), Instant::now());
        let mut taken = 0;
        for _ in 0..10 {
            taken += (0..1000).filter(|_| waiting.begin(now).is_some()).count();
            now += LIMIT;
        }
        assert_eq!(taken, THREADS, "as many as there may be threads, over the hours");
        waiting.end(1);
        assert!(waiting.begin(now).is_some(), "a late answer gives its thread back");
    }
}
