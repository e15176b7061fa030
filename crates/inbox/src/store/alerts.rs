//! Which messages were alerted: `alerting` is committed, the notification service is called, `alerted` is committed.
//! Whatever happens between, no message is alerted twice.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{
    Sql, Store, StoreError,
    marks::{ALERTED, ALERTING, NOT_ALERTED},
    micros, row,
};
use crate::{Message, MessageId};

/// `meta`: the store was started anew in place of a damaged one, and no list was taken in since.
pub(super) const REBUILDING: &str = "rebuilding";
/// What has to be alerted at ?1. Constants are written out: a parameter would keep the partial index unused.
const TO_ALERT: &str = "alert = 0 AND read = 0 AND silent = 0 AND (expires IS NULL OR expires > ?1)";
/// At most so many at a time. Whoever has more to say says it in one summary.
const AT_A_TIME: u32 = 2_000;

impl Store {
    /// What has to be alerted: never alerted, unread, not silent, not expired; the oldest first, at most 2000.
    pub fn to_alert(&self, now: Timestamp) -> Result<Vec<Message>, StoreError> {
        self.read(|connection| {
            connection.prepare_cached(&to_alert_sql())?.query_map([micros(now)], row::message)?.collect()
        })
    }

    /// They are about to be handed to the notification service. Answers those that this call took: one that is being
    /// alerted or was alerted already is not among them. Of these, only what was interrupted may be shown, in a summary.
    pub fn begin_alert(&mut self, ids: &[MessageId]) -> Result<Vec<MessageId>, StoreError> {
        self.change(|transaction| {
            let mut statement =
                transaction.prepare_cached("UPDATE message SET alert = ?2 WHERE id = ?1 AND alert = ?3")?;
            let mut taken = Vec::new();
            for id in ids {
                if statement.execute(params![id.0, ALERTING, NOT_ALERTED])? > 0 {
                    taken.push(id.clone());
                }
            }
            Ok((taken, false))
        })
    }

    /// The notification service has definitely not taken them: they are to be alerted again.
    pub fn cancel_alert(&mut self, ids: &[MessageId]) -> Result<(), StoreError> {
        self.change(|transaction| {
            let mut statement =
                transaction.prepare_cached("UPDATE message SET alert = ?2 WHERE id = ?1 AND alert = ?3")?;
            ids.iter().try_for_each(|id| statement.execute(params![id.0, NOT_ALERTED, ALERTING]).map(|_| ()))?;
            Ok(((), false))
        })
    }

    /// The notification service has taken them, or they need no alert any more.
    pub fn finish_alert(&mut self, ids: &[MessageId]) -> Result<(), StoreError> {
        self.change(|transaction| {
            let mut statement = transaction.prepare_cached("UPDATE message SET alert = ?2 WHERE id = ?1")?;
            ids.iter().try_for_each(|id| statement.execute(params![id.0, ALERTED]).map(|_| ()))?;
            Ok(((), false))
        })
    }

    /// Whose alerts may still stand on the screen, the newest first, at most 2000.
    pub fn alerted(&self) -> Result<Vec<MessageId>, StoreError> {
        let sql = format!(
            "SELECT id FROM message WHERE read = 0 AND alert IN ({ALERTING}, {ALERTED}) \
             ORDER BY date DESC, id DESC LIMIT {AT_A_TIME}"
        );
        self.read(|connection| super::ids(connection, &sql, []))
    }

    /// What has expired after `since`, until `now`: the list shows it no more, and its alerts may go. The rows stay until
    /// they are purged.
    pub fn expired_between(&mut self, since: Timestamp, now: Timestamp) -> Result<Vec<MessageId>, StoreError> {
        self.change(|transaction| {
            let sql = "SELECT id FROM message WHERE expires > ?1 AND expires <= ?2";
            let gone = super::ids(transaction, sql, params![micros(since), micros(now)])?;
            let changed = !gone.is_empty();
            Ok((gone, changed))
        })
    }

    /// The first list is in a store that was started anew, if this is one. Its messages may have been alerted before the
    /// damage, which nobody knows any more: they count as interrupted, to be named once in a summary and never singly.
    /// Answers them if this was so.
    pub fn end_rebuilding(&mut self, now: Timestamp) -> Result<Option<Vec<Message>>, StoreError> {
        self.change(|transaction| {
            let rebuilding = transaction.prepare_cached("DELETE FROM meta WHERE key = ?1")?.execute([REBUILDING])? > 0;
            if !rebuilding {
                return Ok((None, false));
            }
            transaction
                .prepare_cached(&format!("UPDATE message SET alert = {ALERTING} WHERE {TO_ALERT}"))?
                .execute([micros(now)])?;
            Ok((Some(interrupted(transaction, now)?), false))
        })
    }

    /// What was being alerted when the program was killed: whether it was seen, nobody knows. What was read or has expired
    /// meanwhile is not among them. Oldest first, at most 2000.
    pub fn interrupted(&self, now: Timestamp) -> Result<Vec<Message>, StoreError> {
        self.read(|connection| interrupted(connection, now))
    }
}

fn interrupted(connection: &Connection, now: Timestamp) -> Sql<Vec<Message>> {
    let sql = format!(
        "SELECT {} FROM message WHERE alert = {ALERTING} AND read = 0 AND (expires IS NULL OR expires > ?1) \
         ORDER BY date, id LIMIT {AT_A_TIME}",
        row::COLUMNS
    );
    connection.prepare_cached(&sql)?.query_map([micros(now)], row::message)?.collect()
}

/// The statement of [`Store::to_alert`].
pub(super) fn to_alert_sql() -> String {
    format!("SELECT {} FROM message WHERE {TO_ALERT} ORDER BY date, id LIMIT {AT_A_TIME}", row::COLUMNS)
}
