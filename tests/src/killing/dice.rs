//! [`Dice`]: random numbers that a seed repeats (`SplitMix64`).

use std::time::Duration;

/// A source of random numbers.
pub struct Dice(u64);

impl Dice {
    /// The same seed throws the same.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of their own, from this one's next throw.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.throw())
    }

    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// A number below `sides`.
    pub fn below(&mut self, sides: usize) -> usize {
        usize::try_from(self.throw() % sides.max(1) as u64).unwrap_or_default()
    }

    /// One of `sides` times yes.
    pub fn once_in(&mut self, sides: usize) -> bool {
        self.below(sides) == 0
    }

    /// A moment: from none at all to `most`, each order of magnitude as likely as the next.
    pub fn moment(&mut self, most: Duration) -> Duration {
        let halvings = u32::try_from(self.below(18)).unwrap_or_default();
        let ceiling = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX) >> halvings;
        Duration::from_nanos(self.throw() % ceiling.max(1))
    }
}
