//! Which messages were alerted: `alerting` is committed, the notification service is called, `alerted` is committed.
//! Whatever happens between, no message is alerted twice.

use jiff::Timestamp;
use rusqlite::params;

use super::{
    Sql, Store, StoreError,
    marks::{ALERTED, ALERTING, NOT_ALERTED},
    micros, row,
};
use crate::{Message, MessageId};

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

    /// What was being alerted when the program was killed: whether it was seen, nobody knows. Oldest first, at most 2000.
    pub fn interrupted(&self) -> Result<Vec<Message>, StoreError> {
        let sql = format!(
            "SELECT {} FROM message WHERE alert = {ALERTING} ORDER BY date, id LIMIT {AT_A_TIME}",
            row::COLUMNS
        );
        self.read(|connection| connection.prepare_cached(&sql)?.query_map([], row::message)?.collect::<Sql<_>>())
    }
}

/// The statement of [`Store::to_alert`]. Constants are written out: a parameter would keep the partial index unused.
pub(super) fn to_alert_sql() -> String {
    format!(
        "SELECT {} FROM message WHERE alert = {NOT_ALERTED} AND read = 0 AND silent = 0 \
         AND (expires IS NULL OR expires > ?1) ORDER BY date, id LIMIT {AT_A_TIME}",
        row::COLUMNS
    )
}
