//! What has become of the call-outs since the start, by number.

use std::sync::atomic::{AtomicU64, Ordering};

/// Call-outs since the server's start; see [`crate::Server::callout_counters`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallOutCounters {
    /// Stored and acknowledged.
    pub accepted: u64,
    /// Acknowledged and dropped: the same body had come just before.
    pub duplicate: u64,
    /// 404: no subscription has this key.
    pub unknown_key: u64,
    /// 429: too many from one address.
    pub rate_limited: u64,
    /// 401: the signature is missing or wrong.
    pub unauthorized: u64,
    /// 415: not JSON by its content type.
    pub unsupported_type: u64,
    /// 413: over 1 MiB.
    pub too_large: u64,
    /// 408: the body did not come in time.
    pub too_slow: u64,
    /// 400: the body broke off, is not JSON, or is not an object.
    pub malformed: u64,
    /// 503: the database did not take it.
    pub not_stored: u64,
}

/// What can become of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Accepted,
    Duplicate,
    UnknownKey,
    RateLimited,
    Unauthorized,
    UnsupportedType,
    TooLarge,
    TooSlow,
    Malformed,
    NotStored,
}

/// One counter for each [`Outcome`], in its order.
#[derive(Default)]
pub(super) struct Counted([AtomicU64; 10]);

impl Counted {
    pub(super) fn count(&self, outcome: Outcome) {
        self.0[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> CallOutCounters {
        let number = |outcome: Outcome| self.0[outcome as usize].load(Ordering::Relaxed);
        CallOutCounters {
            accepted: number(Outcome::Accepted),
            duplicate: number(Outcome::Duplicate),
            unknown_key: number(Outcome::UnknownKey),
            rate_limited: number(Outcome::RateLimited),
            unauthorized: number(Outcome::Unauthorized),
            unsupported_type: number(Outcome::UnsupportedType),
            too_large: number(Outcome::TooLarge),
            too_slow: number(Outcome::TooSlow),
            malformed: number(Outcome::Malformed),
            not_stored: number(Outcome::NotStored),
        }
    }
}
