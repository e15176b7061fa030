//! Whether the other side is still there. Pure: it must never send, only say what is due.

use std::time::Duration;

use tokio::time::Instant;

/// How long an answer may take when the caller has reason to doubt the connection (woken from sleep, network changed).
const PROBE: Duration = Duration::from_secs(3);

/// What is due now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    Ping,
    /// A ping was not answered in time.
    Dead,
}

pub(crate) struct Liveness {
    activity: Duration,
    pong: Duration,
    seen: Instant,
    /// Set while a ping is not answered.
    dead_at: Option<Instant>,
}

impl Liveness {
    /// Pings after the shorter of our own and the server's wish of `activity`, and gives an answer `pong` to come.
    pub(crate) fn new(own: Duration, server: Option<f64>, pong: Duration, now: Instant) -> Self {
        let server =
            server.filter(|seconds| *seconds > 0.0).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        // A server that wants to hear from us all the time gets one ping a second.
        let activity = server.map_or(own, |server| own.min(server.max(Duration::from_secs(1))));
        Self { activity, pong, seen: now, dead_at: None }
    }

    /// Any frame is a sign of life, not only an answer to a ping.
    pub(crate) fn seen(&mut self, now: Instant) {
        self.seen = now;
        self.dead_at = None;
    }

    /// The caller doubts the connection: ping now and give it a short time. A ping under way gets no longer.
    pub(crate) fn doubt(&mut self, now: Instant) -> Due {
        let limit = now + self.pong.min(PROBE);
        self.dead_at = Some(self.dead_at.map_or(limit, |dead_at| dead_at.min(limit)));
        Due::Ping
    }

    /// What is due at `now`; a due ping counts as sent.
    pub(crate) fn check(&mut self, now: Instant) -> Due {
        match self.dead_at {
            Some(dead_at) if now >= dead_at => Due::Dead,
            None if now >= self.seen + self.activity => {
                self.dead_at = Some(now + self.pong);
                Due::Ping
            }
            _ => Due::Nothing,
        }
    }

    /// When to check next.
    pub(crate) fn deadline(&self) -> Instant {
        self.dead_at.unwrap_or(self.seen + self.activity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn started(own: u64, server: Option<f64>) -> (Liveness, Instant) {
        let now = Instant::now();
        (Liveness::new(SECOND * u32::try_from(own).unwrap(), server, SECOND * 30, now), now)
    }

    #[test]
    fn the_shorter_wish_counts() {
        let table = [(120, None, 120), (120, Some(30.0), 30), (20, Some(30.0), 20)];
        for (own, server, expected) in table {
            let (liveness, now) = started(own, server);
            assert_eq!(liveness.deadline(), now + SECOND * expected, "{own} {server:?}");
        }
    }

    #[test]
    fn a_wish_that_makes_no_sense_is_ignored_or_bounded() {
        for server in [0.0, -5.0, f64::NAN, f64::INFINITY, 1e300] {
            let (liveness, now) = started(120, Some(server));
            assert_eq!(liveness.deadline(), now + SECOND * 120, "{server}");
        }
        let (liveness, now) = started(120, Some(0.001));
        assert_eq!(liveness.deadline(), now + SECOND);
    }

    #[test]
    fn silence_is_followed_by_one_ping_and_then_by_death() {
        let (mut liveness, now) = started(10, None);
        assert_eq!(liveness.check(now + SECOND * 9), Due::Nothing);
        assert_eq!(liveness.check(now + SECOND * 10), Due::Ping);
        assert_eq!(liveness.check(now + SECOND * 10), Due::Nothing);
        assert_eq!(liveness.check(now + SECOND * 39), Due::Nothing);
        assert_eq!(liveness.check(now + SECOND * 40), Due::Dead);
    }

    #[test]
    fn any_frame_is_life() {
        let (mut liveness, now) = started(10, None);
        assert_eq!(liveness.check(now + SECOND * 10), Due::Ping);
        liveness.seen(now + SECOND * 39);
        assert_eq!(liveness.check(now + SECOND * 40), Due::Nothing);
        assert_eq!(liveness.deadline(), now + SECOND * 49);
    }

    #[test]
    fn a_doubted_connection_has_three_seconds_however_often_it_is_doubted() {
        let (mut liveness, now) = started(120, None);
        assert_eq!(liveness.doubt(now), Due::Ping);
        assert_eq!(liveness.doubt(now + SECOND * 2), Due::Ping);
        assert_eq!(liveness.check(now + SECOND * 3), Due::Dead);
    }
}
