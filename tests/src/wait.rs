//! Waiting for a condition, with a limit and a message that says what was seen instead. Nothing here sleeps for a
//! fixed time in the hope that something has happened.

use std::future::Future;
use std::time::{Duration, Instant};

/// How long a condition may take on a loaded machine with two cores.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(30);

/// Looks until `probe` answers `Ok`, at most [`LIMIT`]. `Err` holds what was seen instead.
///
/// Panics with `what` and the last thing seen when the limit is over.
pub async fn until<T, F, Answer>(what: &str, probe: F) -> T
where
    F: FnMut() -> Answer,
    Answer: Future<Output = Result<T, String>>,
{
    within(LIMIT, what, probe).await
}

/// Like [`until`], with a limit of its own.
pub async fn within<T, F, Answer>(limit: Duration, what: &str, mut probe: F) -> T
where
    F: FnMut() -> Answer,
    Answer: Future<Output = Result<T, String>>,
{
    let started = Instant::now();
    let mut seen = String::from("nothing yet");
    loop {
        // The probe itself may hang (a program that answers no more): the limit holds for it too.
        let left = limit.saturating_sub(started.elapsed());
        match tokio::time::timeout(left.max(PAUSE), probe()).await {
            Ok(Ok(value)) => return value,
            Ok(Err(other)) => seen = other,
            Err(_) => seen = format!("{seen} (and the last look did not return)"),
        }
        assert!(started.elapsed() < limit, "waited {limit:?} for {what}; seen instead: {seen}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Looks until `holds` is true; `seen` says what there was instead.
pub async fn until_true(what: &str, mut holds: impl FnMut() -> bool, seen: impl Fn() -> String) {
    until(what, || {
        let answer = if holds() { Ok(()) } else { Err(seen()) };
        async move { answer }
    })
    .await;
}
