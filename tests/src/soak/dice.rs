//! [`Dice`]: what a soak run leaves to chance, the same again for the same seed. It must never be used for secrets.

/// A small generator of numbers (`SplitMix64`).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`, which is not 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }

    /// One of `choices`; none of nothing.
    pub(super) fn one_of<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        let count = u64::try_from(choices.len()).unwrap_or(u64::MAX);
        if count == 0 {
            return None;
        }
        choices.get(usize::try_from(self.below(count)).unwrap_or_default()).copied()
    }

    /// The same in another order.
    pub(super) fn shuffled<T: Copy>(&mut self, of: &[T]) -> Vec<T> {
        let mut left = of.to_vec();
        let mut shuffled = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let at = self.below(u64::try_from(left.len()).unwrap_or(1));
            shuffled.push(left.swap_remove(usize::try_from(at).unwrap_or_default()));
        }
        shuffled
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn the_same_seed_gives_the_same_order_and_nothing_is_left_out() {
        let all: Vec<u64> = (0..20).collect();
        let mut once = Dice::new(7).shuffled(&all);
        assert_eq!(once, Dice::new(7).shuffled(&all));
        assert_ne!(once, Dice::new(8).shuffled(&all));
        once.sort_unstable();
        assert_eq!(once, all);
    }
}
