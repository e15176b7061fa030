//! The two clocks of a sequence: the server's, which is true, and the machine's on the wall, which may be wrong. Both go
//! with tokio's paused time, in which an hour passes at once.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// 2026-01-01.
const BEGIN: i64 = 1_767_225_600;
/// As many sequences may run at once. `Options::now` is a plain function, so each has a function and a clock of its own.
const SLOTS: usize = 8;

static CLOCKS: [Mutex<Time>; SLOTS] = [const { Mutex::new(Time::NONE) }; SLOTS];
static WALLS: [fn() -> Timestamp; SLOTS] =
    [wall::<0>, wall::<1>, wall::<2>, wall::<3>, wall::<4>, wall::<5>, wall::<6>, wall::<7>];

struct Time {
    /// This moment of the runtime is that far from the beginning.
    origin: Option<(Instant, SignedDuration)>,
    skew: SignedDuration,
}

/// A sequence's clocks.
#[derive(Clone, Copy)]
pub(super) struct Clocks(usize);

impl Time {
    const NONE: Self = Self { origin: None, skew: SignedDuration::ZERO };

    fn elapsed(&self) -> SignedDuration {
        let since = |(at, before): (Instant, SignedDuration)| {
            before + SignedDuration::try_from(Instant::now().duration_since(at)).unwrap()
        };
        self.origin.map_or(SignedDuration::ZERO, since)
    }

    fn server(&self) -> Timestamp {
        Timestamp::from_second(BEGIN).unwrap() + self.elapsed()
    }
}

impl Clocks {
    /// Clocks that no other sequence of this thread uses any more: no more threads than slots.
    pub(super) fn of_this_thread() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local!(static SLOT: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SLOTS);
        Self(SLOT.with(|slot| *slot))
    }

    /// Sets both back to the beginning.
    pub(super) fn reset(self) {
        *self.lock() = Time::NONE;
    }

    /// A new runtime begins, whose time is another; to be called in it.
    pub(super) fn begin(self, elapsed: SignedDuration) {
        self.lock().origin = Some((Instant::now(), elapsed));
    }

    /// How long the sequence has been going on; to be called in the runtime.
    pub(super) fn elapsed(self) -> SignedDuration {
        self.lock().elapsed()
    }

    /// The server's time.
    pub(super) fn server(self) -> Timestamp {
        self.lock().server()
    }

    /// Sets the machine's clock wrong by so much.
    pub(super) fn set_wrong_by(self, skew: SignedDuration) {
        self.lock().skew = skew;
    }

    /// What is given to the controller as the clock on the wall.
    pub(super) fn wall(self) -> fn() -> Timestamp {
        WALLS[self.0]
    }

    fn lock(self) -> MutexGuard<'static, Time> {
        CLOCKS[self.0].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wall<const SLOT: usize>() -> Timestamp {
    let time = CLOCKS[SLOT].lock().unwrap_or_else(PoisonError::into_inner);
    time.server() + time.skew
}
