//! Deletes what is older than it has to be kept, beside everything else and never much at a time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    Error, Retention,
    store::{Store, TooOld},
};

const EVERY: Duration = Duration::from_mins(10);
/// Rows that are deleted in one go.
const LOT: usize = 128;
/// Between two lots others are served, for as long as a lot takes and at least so long.
const PAUSE: Duration = Duration::from_millis(10);

/// Runs until it is told to stop.
pub(crate) async fn clean(store: Store, retention: Retention, stop: CancellationToken) {
    let run = async {
        loop {
            clean_all(&store, retention).await;
            sleep(EVERY).await;
        }
    };
    stop.run_until_cancelled(run).await;
}

/// Each kind has its turn, whatever becomes of the others.
async fn clean_all(store: &Store, retention: Retention) {
    let Retention { events, failed_events, read_messages } = retention;
    let kinds = [
        Some(TooOld::delivered(days_ago(events))),
        Some(TooOld::failed(days_ago(failed_events))),
        Some(TooOld::flagged(days_ago(failed_events))),
        read_messages.map(|days| TooOld::read(days_ago(days))),
        Some(TooOld::expired(Timestamp::now())),
    ];
    if let Err(error) = store.call(|database| database.forget_voided(Timestamp::now())).await {
        tracing::error!(%error, "old voided sessions could not be forgotten");
    }
    for what in kinds.into_iter().flatten() {
        if let Err(error) = clean_kind(store, what).await {
            tracing::error!(%error, ?what, "what is old could not be deleted");
        }
    }
}

async fn clean_kind(store: &Store, what: TooOld) -> Result<(), Error> {
    let mut most = LOT;
    loop {
        let begin = Instant::now();
        match store.call(move |database| database.delete_lot(what, most)).await {
            Ok(true) => most = (most * 2).min(LOT),
            Ok(false) => return Ok(()),
            // It may have been more than the database does in the time it has.
            Err(error) if most > 1 => {
                most = (most / 8).max(1);
                tracing::debug!(%error, most, "fewer are deleted in one go");
            }
            Err(error) => return Err(error),
        }
        sleep(begin.elapsed().max(PAUSE)).await;
    }
}

fn days_ago(days: u32) -> Timestamp {
    let ago = SignedDuration::from_hours(24 * i64::from(days));
    Timestamp::now().checked_sub(ago).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NewMessage, store::Wanted};

    #[tokio::test]
    async fn what_cannot_be_deleted_does_not_keep_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("relay.sqlite");
        let store = Store::open(file.clone()).await.unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let add = move |database: &mut crate::store::Database| {
            let user = database.add_user("demo", "sid-of-darth", "Darth", "Vader")?;
            let message = NewMessage { expires: Some(at(9)), ..NewMessage::default() };
            database.add_message(user.id, message, at(1))?;
            database.set_sid(user.id, "another-sid", at(1))?;
            database.set_sid(user.id, "the-sid-after-it", Timestamp::now())?;
            Ok(user.id)
        };
        let user_id = store.call(add).await.unwrap();
        let broken = "INSERT INTO events (custom_id, body, body_digest, received, state)
            VALUES ('a', x'7b7d', x'00', 1, 'delivered'), ('b', x'7b7d', x'00', 1, 'failed');
            CREATE TRIGGER refuses BEFORE DELETE ON events WHEN OLD.state = 'delivered'
            BEGIN SELECT RAISE(ABORT, 'no'); END";
        rusqlite::Connection::open(&file).unwrap().execute_batch(broken).unwrap();
        let retention = Retention { events: 1, failed_events: 1, read_messages: None };
        clean_all(&store, retention).await;
        let left = store.call(move |database| {
            let messages = database.messages(user_id, Wanted::default(), 9, at(2), |_| ())?;
            let events: Vec<_> = database.events(false, 9)?.into_iter().map(|event| event.custom_id).collect();
            Ok((messages.len(), events, database.voided()?.len()))
        });
        assert_eq!(left.await.unwrap(), (0, vec!["a".to_owned()], 1));
    }
}
