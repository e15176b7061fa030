//! The outbox: read marks on their way to the server. An entry leaves only when the server has the mark, refuses it, or
//! the person takes it back.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Sql, Store, StoreError, merge::read_on_server, micros, moment};
use crate::{MessageId, Problem};

/// A read mark on its way to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    /// Whose mark.
    pub id: MessageId,
    /// Tries so far that did not get through.
    pub attempts: u32,
}

/// Queues a mark, due at once.
pub(super) fn queue(connection: &Connection, id: &MessageId, now: Timestamp) -> Sql<()> {
    connection
        .prepare_cached(
            "INSERT INTO outbox (id, queued_at, next_at) VALUES (?1, ?2, ?2) \
             ON CONFLICT (id) DO UPDATE SET next_at = ?2, attempts = 0",
        )?
        .execute(params![id.0, micros(now)])
        .map(|_| ())
}

impl Store {
    /// The marks that are due, the longest waiting first, at most `limit`.
    pub fn outbox_due(&self, now: Timestamp, limit: u32) -> Result<Vec<OutboxEntry>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT id, attempts FROM outbox WHERE next_at <= ?1 ORDER BY next_at, queued_at LIMIT ?2",
                )?
                .query_map(params![micros(now), limit], |row| {
                    Ok(OutboxEntry { id: MessageId(row.get(0)?), attempts: row.get(1)? })
                })?
                .collect()
        })
    }

    /// When the next mark is due; `None` when none waits.
    pub fn outbox_next_at(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|connection| {
            let next: Option<i64> =
                connection.prepare_cached("SELECT min(next_at) FROM outbox")?.query_row([], |row| row.get(0))?;
            Ok(next.map(moment))
        })
    }

    /// How many marks have not reached the server.
    pub fn outbox_len(&self) -> Result<u64, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT waiting FROM tally WHERE one = 1")?
                .query_row([], |row| super::count(row, 0))
        })
    }

    /// The server has the mark.
    pub fn outbox_done(&mut self, id: &MessageId) -> Result<(), StoreError> {
        self.change(|transaction| read_on_server(transaction, id).map(|changed| ((), changed)))
    }

    /// The mark did not get through: tried again at `until`.
    pub fn outbox_defer(&mut self, id: &MessageId, until: Timestamp) -> Result<(), StoreError> {
        self.change(|transaction| {
            transaction
                .prepare_cached("UPDATE outbox SET next_at = ?2, attempts = attempts + 1 WHERE id = ?1")?
                .execute(params![id.0, micros(until)])?;
            Ok(((), false))
        })
    }

    /// Every waiting mark is due at once: the connection is back, or the person asked for it.
    pub fn outbox_retry_now(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.change(|transaction| {
            transaction.prepare_cached("UPDATE outbox SET next_at = ?1 WHERE next_at > ?1")?.execute([micros(now)])?;
            Ok(((), false))
        })
    }

    /// The server refuses the mark for good: the message is unread again, with the reason on its row until the person
    /// tries again. A mark that was taken back meanwhile is not touched.
    pub fn outbox_refused(&mut self, id: &MessageId, problem: &Problem) -> Result<(), StoreError> {
        // Three strings: serialising them cannot fail, and a mark without its reason is still rolled back.
        let problem = serde_json::to_string(problem).ok();
        self.change(|transaction| {
            let queued: Option<i64> = transaction
                .prepare_cached("DELETE FROM outbox WHERE id = ?1 RETURNING attempts")?
                .query_row([&id.0], |row| row.get(0))
                .optional()?;
            if queued.is_none() {
                return Ok(((), false));
            }
            let changed = transaction
                .prepare_cached("UPDATE message SET local_read = NULL, problem = ?2 WHERE id = ?1 AND local_read = 1")?
                .execute(params![id.0, problem])?
                > 0;
            Ok(((), changed))
        })
    }
}
