//! How many call-outs one address may make in a minute. The number of addresses remembered is bounded.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const MINUTE: Duration = Duration::from_mins(1);
/// Beyond this many the ones whose minute is over are forgotten, or, when there are none, all.
const MAX_ADDRESSES: usize = 10_000;

/// Counts by minutes that begin with an address's first call-out.
pub(super) struct RateLimit {
    per_minute: u32,
    addresses: Mutex<HashMap<IpAddr, (Instant, u32)>>,
}

impl RateLimit {
    /// 0 is no limit.
    pub(super) fn new(per_minute: u32) -> Self {
        Self { per_minute, addresses: Mutex::default() }
    }

    /// Counts one more, or answers how long to wait.
    pub(super) fn admit(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        if self.per_minute == 0 {
            return Ok(());
        }
        // Each entry is changed as a whole: a panic elsewhere leaves nothing half done.
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |begin: Instant| now.saturating_duration_since(begin) >= MINUTE;
        if addresses.len() >= MAX_ADDRESSES && !addresses.contains_key(&address) {
            addresses.retain(|_, (begin, _)| !is_over(*begin));
            if addresses.len() >= MAX_ADDRESSES {
                addresses.clear();
            }
        }
        let (begin, count) = addresses.entry(address).or_insert((now, 0));
        if is_over(*begin) {
            (*begin, *count) = (now, 0);
        }
        if *count >= self.per_minute {
            return Err(MINUTE.saturating_sub(now.saturating_duration_since(*begin)));
        }
        *count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn an_address_waits_for_its_minute_to_end_and_the_others_do_not() {
        let limit = RateLimit::new(2);
        let [one, other] = [1, 2].map(|last| IpAddr::from([192, 0, 2, last]));
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(limit.admit(one, start).is_ok() && limit.admit(one, after(10)).is_ok());
        assert_eq!(limit.admit(one, after(20)), Err(Duration::from_secs(40)));
        assert!(limit.admit(other, after(20)).is_ok());
        assert!(limit.admit(one, after(60)).is_ok());
        let unlimited = RateLimit::new(0);
        assert!((0..1000).all(|_| unlimited.admit(one, start).is_ok()));
    }

    #[test]
    fn the_addresses_remembered_are_bounded() {
        let limit = RateLimit::new(1);
        let now = Instant::now();
        for number in 0..25_000_u32 {
            assert!(limit.admit(Ipv4Addr::from(number).into(), now).is_ok());
        }
        assert!(limit.addresses.lock().unwrap().len() <= MAX_ADDRESSES);
    }
}
