//! Deletes what is older than it has to be kept, beside everything else and never much at a time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::{
    Error, Retention,
    store::{Store, TooOld},
};

const EVERY: Duration = Duration::from_mins(10);
/// Rows of one kind that are deleted in one go, which takes some milliseconds.
const LOT: u32 = 500;
/// Between two lots others are served.
const PAUSE: Duration = Duration::from_millis(50);

/// Runs until it is told to stop.
pub(crate) async fn clean(store: Store, retention: Retention, stop: CancellationToken) {
    let run = async {
        loop {
            if let Err(error) = clean_all(&store, retention).await {
                tracing::error!(%error, "what is old could not be deleted");
            }
            tokio::time::sleep(EVERY).await;
        }
    };
    stop.run_until_cancelled(run).await;
}

async fn clean_all(store: &Store, retention: Retention) -> Result<(), Error> {
    let Retention { events, failed_events, read_messages } = retention;
    let before = TooOld {
        delivered: days_ago(events),
        failed: days_ago(failed_events),
        read: read_messages.map(days_ago),
        expired: Timestamp::now(),
    };
    while store.call(move |database| database.delete_lot(before, LOT)).await? {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

fn days_ago(days: u32) -> Timestamp {
    let ago = SignedDuration::from_hours(24 * i64::from(days));
    Timestamp::now().checked_sub(ago).unwrap_or(Timestamp::UNIX_EPOCH)
}
