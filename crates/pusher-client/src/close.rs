//! What to do after a connection has ended, by its close code (Pusher protocol 7: *Connection closure*). Pure: it must
//! never touch a socket.

use std::time::Duration;

use crate::backoff::Backoff;

/// Clients told to come back at once are spread over this long.
const AT_ONCE: Duration = Duration::from_millis(100);
/// The least wait after 4100–4199.
const BUSY: Duration = Duration::from_secs(1);

/// Why a connection, or an attempt at one, has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Departure {
    pub(crate) code: Option<u16>,
    pub(crate) reason: String,
}

impl Departure {
    pub(crate) fn because(reason: impl Into<String>) -> Self {
        Self { code: None, reason: reason.into() }
    }
}

/// The server speaks to nobody without TLS.
pub(crate) const TLS_ONLY: u16 = 4000;

/// How long to wait before the next try after an end by `code`, or `None` when there must not be one. `failures` counts
/// those since the last connection that held.
pub(crate) fn pause(code: Option<u16>, failures: u32, backoff: &Backoff, jitter: f64) -> Option<Duration> {
    match code {
        Some(4000..=4099) => None,
        Some(4100..=4199) => Some(BUSY + backoff.delay(failures, jitter)),
        // At once, but a server that closes in a loop is not asked faster and faster.
        Some(4200..=4299) if failures == 0 => Some(AT_ONCE.mul_f64(jitter.clamp(0.0, 1.0))),
        _ => Some(backoff.delay(failures, jitter)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(code: Option<u16>, failures: u32, jitter: f64) -> Option<Duration> {
        super::pause(code, failures, &Backoff::default(), jitter)
    }

    #[test]
    fn codes_that_say_stop_stop() {
        for code in [4000, 4001, 4004, 4009, 4099] {
            assert_eq!(pause(Some(code), 0, 1.0), None, "{code}");
        }
    }

    #[test]
    fn codes_that_say_later_wait_a_second_at_least() {
        for code in [4100, 4199] {
            assert!(pause(Some(code), 0, 0.0).unwrap() >= Duration::from_secs(1), "{code}");
        }
    }

    #[test]
    fn codes_that_say_at_once_return_at_once_but_spread() {
        for code in [4200, 4299] {
            assert_eq!(pause(Some(code), 0, 0.0), Some(Duration::ZERO), "{code}");
            assert_eq!(pause(Some(code), 0, 1.0), Some(Duration::from_millis(100)), "{code}");
        }
    }

    #[test]
    fn a_server_that_closes_in_a_loop_is_asked_ever_less() {
        assert_eq!(pause(Some(4200), 1, 1.0), Some(Duration::from_millis(500)));
        assert_eq!(pause(Some(4200), 90, 1.0), Some(Duration::from_secs(30)));
    }

    #[test]
    fn every_other_end_backs_off() {
        for code in
            [None, Some(1000), Some(1001), Some(1002), Some(1004), Some(1005), Some(3999), Some(4300), Some(4999)]
        {
            assert_eq!(pause(code, 0, 1.0), Some(Duration::from_millis(250)), "{code:?}");
        }
    }
}
