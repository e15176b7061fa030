//! Retention: what a setting of the person removes, and giving the space back to the disk.
//!
//! Only what is read goes, and never a message whose read mark still waits. What went and is still listed by the server
//! stays away, by a tombstone each, for as long as the setting would remove it again. No call may take long: whoever has
//! more to remove calls again.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

use super::{Sql, Store, StoreError, merge::tombstone_until, micros, moment};
use crate::{MessageId, Retention};

/// `meta`: the [`Kept`] of the last call.
const KEY: &str = "retention";
/// Removed at most in a call: some ten milliseconds.
const AT_A_TIME: u32 = 500;
/// Pages given back at most in a call: 4 MiB.
const PAGES: i64 = 1024;
/// Pages of the search index merged in a call.
const MERGED_PAGES: u32 = 500;
/// A part of the search index is written anew when so much of it was deleted.
const DELETED_PERCENT: u32 = 10;
/// So much free space is not worth giving back: the next messages take it.
const SPARE: i64 = 256;

/// The setting in force, with what it was found to mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    retention: Retention,
    /// The date of the oldest of the newest `messages`. It only rises until the setting is loosened: a message that is
    /// deleted by hand makes no room for what went before.
    oldest: Option<i64>,
}

impl Store {
    /// Removes read messages that are past `retention`, at most 500, the oldest first; answers which, so that their
    /// alerts go too. Call it again, after letting others have their turn, until nothing comes back: then
    /// [`Store::compact`] gives the space back.
    ///
    /// Call it at the start, when the setting changes (also to none at all) and about once a day. What a loosened setting
    /// would keep comes back with the next list that holds it: read, and without an alert.
    pub fn retain(&mut self, retention: Retention, now: Timestamp) -> Result<Vec<MessageId>, StoreError> {
        self.change(|transaction| {
            keep(transaction, retention)?;
            let floor = floor(transaction, now)?;
            let old = transaction
                .prepare_cached(
                    "SELECT id, date, expires FROM message INDEXED BY message_read WHERE read = 1 AND date < ?1 \
                     AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.id = message.id) ORDER BY date, id LIMIT ?2",
                )?
                .query_map(params![floor, AT_A_TIME], |row| {
                    Ok((MessageId(row.get(0)?), row.get::<_, i64>(1)?, row.get::<_, Option<i64>>(2)?))
                })?
                .collect::<Sql<Vec<_>>>()?;
            for (id, date, expires) in &old {
                let until = micros(tombstone_until(expires.map(moment), now));
                transaction
                    .prepare_cached("INSERT OR REPLACE INTO tombstone (id, until, date) VALUES (?1, ?2, ?3)")?
                    .execute(params![id.0, until, date])?;
            }
            let removed: Vec<MessageId> = old.into_iter().map(|(id, ..)| id).collect();
            // In one statement: the search index writes down what it did at the end of each.
            // Strings: serialising them cannot fail, and what is not removed now goes with the next call.
            let these = serde_json::to_string(&removed).unwrap_or_else(|_| "[]".to_owned());
            transaction
                .prepare_cached("DELETE FROM message WHERE id IN (SELECT value FROM json_each(?1))")?
                .execute([these])?;
            let changed = !removed.is_empty();
            Ok((removed, changed))
        })
    }

    /// Gives the space of removed messages back to the disk, at most 4 MiB a call; answers whether there is more. Call it
    /// after [`Store::retain`] is done.
    ///
    /// A file that was made before there was retention is written anew once, which takes as long as what is left in it is
    /// large; that waits until a quarter of it is free, for before it would win nothing.
    pub fn compact(&mut self) -> Result<bool, StoreError> {
        let path = self.path.clone();
        self.compact_some().map_err(|error| StoreError::of(error, &path))
    }

    fn compact_some(&self) -> Sql<bool> {
        let connection = &self.connection;
        let number = |pragma: &str| connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0));
        // The index lets go of what was deleted when it is merged. A slice of that is two changes or more.
        let tell = |what: &str, number: u32| {
            connection
                .prepare_cached("INSERT INTO search (search, rank) VALUES (?1, ?2)")?
                .execute(params![what, number])
        };
        // Whole or not at all: the index keeps `deletemerge`, and with it on, a removal might rewrite all of it at once.
        let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        tell("deletemerge", DELETED_PERCENT)?;
        let before = connection.total_changes();
        tell("merge", MERGED_PAGES)?;
        let merging = connection.total_changes().saturating_sub(before) >= 2;
        tell("deletemerge", 0)?;
        transaction.commit()?;
        let free = number("freelist_count")?;
        if free > SPARE {
            // 2: INCREMENTAL, as new files are.
            if number("auto_vacuum")? == 2 {
                // It answers nothing, and gives back a page a step.
                let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
                let mut steps = vacuum.query([])?;
                while steps.next()?.is_some() {}
            } else if free * 4 > number("page_count")? {
                // The copy may be large: on the disk, not in memory.
                connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA temp_store = FILE")?;
                let done = connection.execute_batch("VACUUM");
                connection.execute_batch("PRAGMA temp_store = MEMORY")?;
                done?;
            } else {
                return Ok(merging);
            }
        }
        let more = merging || number("freelist_count")? > SPARE;
        if !more {
            // The file itself shrinks when what was written beside it is taken in.
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        Ok(more)
    }
}

/// Read messages before this date are not kept.
pub(super) fn floor(connection: &Connection, now: Timestamp) -> Sql<i64> {
    let Kept { retention, oldest } = kept(connection)?;
    let by_days = retention.days.map(|days| {
        let back = SignedDuration::from_hours(i64::from(days).saturating_mul(24));
        // More days than there were keep everything.
        now.checked_sub(back).map_or(i64::MIN, micros)
    });
    Ok(by_days.max(oldest).unwrap_or(i64::MIN))
}

fn kept(connection: &Connection) -> Sql<Kept> {
    let stored: Option<String> = connection
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([KEY], |row| row.get(0))
        .optional()?;
    // Text that is none of ours removes nothing.
    Ok(stored.and_then(|stored| serde_json::from_str(&stored).ok()).unwrap_or_default())
}

/// Puts the setting in force.
fn keep(connection: &Connection, retention: Retention) -> Sql<()> {
    let before = kept(connection)?;
    let newest = retention.messages.map(|messages| messages.max(1));
    let oldest: Option<i64> = match newest {
        None => None,
        Some(newest) => connection
            .prepare_cached("SELECT date FROM message ORDER BY date DESC, id DESC LIMIT 1 OFFSET ?1")?
            .query_row([newest - 1], |row| row.get(0))
            .optional()?,
    };
    let loosened = match (retention.messages, before.retention.messages) {
        (Some(now), Some(before)) => now > before,
        _ => true,
    };
    let oldest = if loosened { oldest } else { oldest.max(before.oldest) };
    let after = Kept { retention, oldest };
    if after == before {
        return Ok(());
    }
    // Three numbers: serialising them cannot fail.
    let stored = serde_json::to_string(&after).unwrap_or_default();
    connection
        .prepare_cached("INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2")?
        .execute([KEY, &stored])
        .map(|_| ())
}
