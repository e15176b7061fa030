//! Marks that the person makes: read, unread, deleted. A mark the server has to learn of and its outbox entry are one
//! transaction.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Sql, Store, StoreError, ids, merge::tombstone_until, micros, moment};
use crate::MessageId;

/// `message.alert`: never raised. Only such a message is alerted.
pub(super) const NOT_ALERTED: i64 = 0;
/// `message.alert`: handed to the notification service, outcome not known yet.
pub(super) const ALERTING: i64 = 1;
/// `message.alert`: raised, or not needed any more since the person has dealt with the message.
pub(super) const ALERTED: i64 = 2;

impl Store {
    /// Marks read, and queues the mark for the server where it has to learn of it. Answers whether it was unread.
    /// A problem that stood on the message is over: this is its retry.
    pub fn mark_read(&mut self, id: &MessageId, now: Timestamp) -> Result<bool, StoreError> {
        self.change(|transaction| {
            let changed = mark_one_read(transaction, id, now)?;
            Ok((changed, changed))
        })
    }

    /// Marks everything read that the list shows; answers what was unread.
    pub fn mark_all_read(&mut self, now: Timestamp) -> Result<Vec<MessageId>, StoreError> {
        self.change(|transaction| {
            let unread = ids(
                transaction,
                "SELECT id FROM message WHERE read = 0 AND (expires IS NULL OR expires > ?1)",
                [micros(now)],
            )?;
            for id in &unread {
                mark_one_read(transaction, id, now)?;
            }
            let changed = !unread.is_empty();
            Ok((unread, changed))
        })
    }

    /// Marks unread on this device, whatever the server has; the wire knows no such call. A mark that still waits is
    /// taken back. Answers whether it was read.
    pub fn mark_unread(&mut self, id: &MessageId) -> Result<bool, StoreError> {
        self.change(|transaction| {
            let changed = transaction
                .prepare_cached("UPDATE message SET local_read = 0, alert = ?2 WHERE id = ?1 AND read = 1")?
                .execute(params![id.0, ALERTED])?
                > 0;
            if changed {
                transaction.prepare_cached("DELETE FROM outbox WHERE id = ?1")?.execute([&id.0])?;
            }
            Ok((changed, changed))
        })
    }

    /// Deletes from this device, and remembers it so that the next list does not bring it back. A read mark that waits
    /// still goes to the server. Answers whether it was there.
    pub fn delete_message(&mut self, id: &MessageId, now: Timestamp) -> Result<bool, StoreError> {
        self.change(|transaction| {
            let expires: Option<Option<i64>> = transaction
                .prepare_cached("DELETE FROM message WHERE id = ?1 RETURNING expires")?
                .query_row([&id.0], |row| row.get(0))
                .optional()?;
            let Some(expires) = expires else { return Ok((false, false)) };
            let until = micros(tombstone_until(expires.map(moment), now));
            transaction
                .prepare_cached(
                    "INSERT INTO tombstone (id, until) VALUES (?1, ?2) \
                     ON CONFLICT (id) DO UPDATE SET until = ?2, date = NULL",
                )?
                .execute(params![id.0, until])?;
            Ok((true, true))
        })
    }
}

fn mark_one_read(connection: &Connection, id: &MessageId, now: Timestamp) -> Sql<bool> {
    // Where the server has it as read already, taking back "unread here" is all. Whoever reads a message needs no alert
    // of it, not even after the server refused the mark.
    let on_server: Option<bool> = connection
        .prepare_cached(
            "UPDATE message SET local_read = CASE server_read WHEN 1 THEN NULL ELSE 1 END, alert = ?2, problem = NULL \
             WHERE id = ?1 AND read = 0 RETURNING server_read",
        )?
        .query_row(params![id.0, ALERTED], |row| row.get(0))
        .optional()?;
    match on_server {
        None => Ok(false),
        Some(on_server) => {
            if !on_server && id.is_on_server() {
                super::outbox::queue(connection, id, now)?;
            }
            Ok(true)
        }
    }
}
