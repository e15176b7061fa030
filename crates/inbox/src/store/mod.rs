//! [`Store`]: the messages of one account, with their read marks, alerts and the outbox, in one `SQLite` file.
//!
//! Every change that belongs together is one transaction, so that a killed program leaves no half of it. It must never
//! hold a secret, and no call's cost grows with the inbox.

mod alerts;
mod error;
mod marks;
mod merge;
mod open;
mod outbox;
mod page;
pub(crate) mod private_files;
mod retention;
mod row;
mod salvage;
mod schema;
mod search;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use crate::MessageId;

pub use error::StoreError;
pub use merge::Merged;
pub use open::Opened;
pub use outbox::OutboxEntry;
pub use page::Counts;

/// The messages of one account.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    revision: u64,
}

/// What `SQLite` answers, before its errors are given their meaning for the file.
type Sql<T> = Result<T, rusqlite::Error>;

impl Store {
    /// Rises with each change of what the list shows; starts at 0 with each opening.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// A value kept with the messages, such as when they were last fetched.
    pub fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
                .query_row([key], |row| row.get(0))
                .optional()
        })
    }

    /// Keeps a value with the messages.
    pub fn set_meta(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        self.change(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
                )?
                .execute([key, value])
                .map(|_| ((), false))
        })
    }

    /// Deletes what is past its expiry, with the tombstones nobody needs any more; answers whose alerts may go.
    pub fn purge_expired(&mut self, now: Timestamp) -> Result<Vec<MessageId>, StoreError> {
        self.change(|transaction| {
            let now = micros(now);
            transaction.prepare_cached("DELETE FROM tombstone WHERE until <= ?1")?.execute([now])?;
            let gone = ids(transaction, "DELETE FROM message WHERE expires <= ?1 RETURNING id", params![now])?;
            let changed = !gone.is_empty();
            Ok((gone, changed))
        })
    }

    /// Reads, and gives errors their meaning.
    fn read<T>(&self, act: impl FnOnce(&Connection) -> Sql<T>) -> Result<T, StoreError> {
        act(&self.connection).map_err(|error| StoreError::of(error, &self.path))
    }

    /// Changes in one transaction: all of it or nothing. `act` answers whether what the list shows has changed.
    fn change<T>(&mut self, act: impl FnOnce(&Transaction<'_>) -> Sql<(T, bool)>) -> Result<T, StoreError> {
        let done = (|| {
            // The write lock is taken at once: a lock taken half-way through could not wait for another's end.
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = act(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })();
        let (answer, changed) = done.map_err(|error| StoreError::of(error, &self.path))?;
        if changed {
            self.revision += 1;
        }
        Ok(answer)
    }
}

/// A moment as it is stored.
fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A stored moment. One that no program of ours can have written reads as the epoch, so that it blocks nothing.
fn moment(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A number of things in a column; `SQLite` knows signed numbers only.
fn count(row: &rusqlite::Row<'_>, column: usize) -> Sql<u64> {
    row.get(column).map(|count: i64| u64::try_from(count).unwrap_or(0))
}

/// The ids a statement answers with.
fn ids(connection: &Connection, sql: &str, params: impl rusqlite::Params) -> Sql<Vec<MessageId>> {
    connection.prepare_cached(sql)?.query_map(params, |row| row.get(0).map(MessageId))?.collect()
}
