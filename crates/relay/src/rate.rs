//! How often something may happen in a minute, for each of whom it is counted for. How many of them are remembered is
//! bounded.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const MINUTE: Duration = Duration::from_mins(1);
/// Beyond this many the ones whose minute is over are forgotten; when there are none, those that may go on; and then all.
const MAX_REMEMBERED: usize = 10_000;

/// Whom an address is counted for: of IPv6 a customer has 64 bits at least to choose from.
pub(crate) fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// Counts by minutes that begin with the first time.
pub(crate) struct RateLimit<K> {
    per_minute: u32,
    counted: Mutex<HashMap<K, (Instant, u32)>>,
}

impl<K: Hash + Eq> RateLimit<K> {
    /// 0 is no limit.
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute, counted: Mutex::default() }
    }

    /// Counts one more, or answers how long to wait.
    pub(crate) fn admit(&self, whose: K, now: Instant) -> Result<(), Duration> {
        self.change(whose, now, 1)
    }

    /// Answers how long to wait, where there have been too many; counts nothing.
    pub(crate) fn check(&self, whose: K, now: Instant) -> Result<(), Duration> {
        self.change(whose, now, 0)
    }

    fn change(&self, whose: K, now: Instant, more: u32) -> Result<(), Duration> {
        if self.per_minute == 0 {
            return Ok(());
        }
        // Each entry is changed as a whole: a panic elsewhere leaves nothing half done.
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |begin: Instant| now.saturating_duration_since(begin) >= MINUTE;
        if counted.len() >= MAX_REMEMBERED && !counted.contains_key(&whose) {
            counted.retain(|_, (begin, _)| !is_over(*begin));
            if counted.len() >= MAX_REMEMBERED {
                counted.retain(|_, (_, count)| *count >= self.per_minute);
            }
            if counted.len() >= MAX_REMEMBERED {
                counted.clear();
            }
        }
        let (begin, count) = counted.entry(whose).or_insert((now, 0));
        if is_over(*begin) {
            (*begin, *count) = (now, 0);
        }
        if *count >= self.per_minute {
            return Err(MINUTE.saturating_sub(now.saturating_duration_since(*begin)));
        }
        *count += more;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

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
        assert_eq!(limit.check(one, after(20)), Err(Duration::from_secs(40)));
        assert!((0..9).all(|_| limit.check(one, after(60)).is_ok()), "looking counts nothing");
        assert!(limit.admit(one, after(60)).is_ok());
        let unlimited = RateLimit::new(0);
        assert!((0..1000).all(|_| unlimited.admit(one, start).is_ok()));
    }

    #[test]
    fn whoever_has_to_wait_is_not_forgotten_for_many_others() {
        let limit = RateLimit::new(2);
        let (one, now) = (IpAddr::from([192, 0, 2, 1]), Instant::now());
        assert!(limit.admit(one, now).is_ok() && limit.admit(one, now).is_ok());
        for number in 0..25_000_u32 {
            assert!(limit.admit(IpAddr::from(Ipv4Addr::from(number)), now).is_ok());
        }
        assert!(limit.admit(one, now).is_err());
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one() {
        let of = |text: &str| source(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!((of("192.0.2.1"), of("::ffff:192.0.2.1")), ("192.0.2.1".into(), "192.0.2.1".into()));
    }

    #[test]
    fn the_addresses_remembered_are_bounded() {
        let limit = RateLimit::new(1);
        let now = Instant::now();
        for number in 0..25_000_u32 {
            assert!(limit.admit(IpAddr::from(Ipv4Addr::from(number)), now).is_ok());
        }
        assert!(limit.counted.lock().unwrap().len() <= MAX_REMEMBERED);
    }
}
