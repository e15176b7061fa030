//! The randomness of the program under test: the sequence's own, so that its seed repeats it.

use std::cell::Cell;

thread_local!(static STATE: Cell<u64> = const { Cell::new(1) });

/// A sequence begins.
pub(super) fn begin(seed: u64) {
    STATE.set(seed.wrapping_mul(2).wrapping_add(1));
}

/// The next number in 0..1 (xorshift64*).
pub(super) fn next() -> f64 {
    let mut x = STATE.get();
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    STATE.set(x);
    let bits = u32::try_from(x.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32).unwrap();
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}
