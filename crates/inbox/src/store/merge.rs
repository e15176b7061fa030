//! The one way messages come in, from the list and live alike.
//!
//! - A read mark made here wins until the server has it. What the server has as read stays read there: the wire has no
//!   way back, so a re-send that says unread is only late.
//! - Read on the server wins over unread here, unless the person marked it unread on this device.
//! - A complete message is never replaced by a cut one, and an alert is never raised again by a re-send.
//! - What was deleted here does not come back, nor what the retention setting removed, for as long as it would again.

use jiff::{Timestamp, ToSpan as _};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Sql, Store, StoreError, marks::ALERTED, micros, retention, row, search::Unindexed};
use crate::{Message, MessageId};

/// How long a deleted message that the server still sends stays deleted, from its last sighting on.
const TOMBSTONE_HOURS: i64 = 90 * 24;
/// A sighting that adds less than this many microseconds is not written down.
const WORTH_WRITING: i64 = 24 * 60 * 60 * 1_000_000;

/// What became of a message that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merged {
    /// It was not there before.
    New,
    /// It was there, and something of it changed.
    Changed,
    /// It was there as it is.
    Same,
    /// It was deleted on this device, or the retention setting keeps no such message, and stays so.
    Deleted,
    /// It is past its expiry.
    Expired,
}

impl Store {
    /// Takes in one message; its `read` is what the server says.
    pub fn merge(&mut self, message: &Message, now: Timestamp) -> Result<Merged, StoreError> {
        self.change(|transaction| {
            let mut unindexed = Unindexed::default();
            let floor = retention::floor(transaction, now)?;
            let merged = merge_one(transaction, message, now, floor, &mut unindexed)?;
            unindexed.write(transaction)?;
            Ok(merged)
        })
    }

    /// Takes in a whole list in one transaction; one answer for each message, in its order.
    pub fn merge_all(&mut self, messages: &[Message], now: Timestamp) -> Result<Vec<Merged>, StoreError> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        self.change(|transaction| {
            let mut any = false;
            let mut unindexed = Unindexed::default();
            let floor = retention::floor(transaction, now)?;
            let merged = messages
                .iter()
                .map(|message| {
                    let (merged, changed) = merge_one(transaction, message, now, floor, &mut unindexed)?;
                    any |= changed;
                    Ok(merged)
                })
                .collect::<Sql<Vec<_>>>()?;
            unindexed.write(transaction)?;
            Ok((merged, any))
        })
    }
}

/// Until when a deleted message has to be remembered.
pub(super) fn tombstone_until(expires: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let sighting = now.checked_add(TOMBSTONE_HOURS.hours()).unwrap_or(Timestamp::MAX);
    expires.map_or(sighting, |expires| expires.max(sighting))
}

fn merge_one(
    connection: &Connection,
    new: &Message,
    now: Timestamp,
    floor: i64,
    unindexed: &mut Unindexed,
) -> Sql<(Merged, bool)> {
    let removed = match tombstone(connection, new, now, floor)? {
        Tombstone::Stays => return Ok((Merged::Deleted, false)),
        Tombstone::Over => true,
        Tombstone::None => false,
    };
    let Some(old) = row::find(connection, &new.id)? else {
        if new.is_expired(now) {
            return Ok((Merged::Expired, false));
        }
        // Read elsewhere, and so old that it would go at once. One that is not read is never kept away.
        if new.read && micros(new.date) < floor {
            return Ok((Merged::Deleted, false));
        }
        row::insert(connection, new, unindexed)?;
        if removed {
            come_back(connection, &new.id)?;
        }
        return Ok((Merged::New, true));
    };
    let content = joined(&old, new);
    let mut changed = false;
    if content != old {
        row::replace_content(connection, &old, &content, unindexed)?;
        changed = true;
    }
    if new.read {
        changed |= read_on_server(connection, &new.id)?;
    }
    let merged = match (content.is_expired(now), changed) {
        (true, _) => Merged::Expired,
        (false, true) => Merged::Changed,
        (false, false) => Merged::Same,
    };
    Ok((merged, changed))
}

/// What is remembered of a message that was here.
enum Tombstone {
    /// Nothing.
    None,
    /// It does not come back.
    Stays,
    /// The retention setting removed it, and would keep it now.
    Over,
}

/// Whether it was deleted here or removed by the retention setting; sightings keep it so for longer. What is remembered
/// holds as long as it is there, whatever the clock says: only the purge ends it.
fn tombstone(connection: &Connection, new: &Message, now: Timestamp, floor: i64) -> Sql<Tombstone> {
    let found: Option<(i64, Option<i64>)> = connection
        .prepare_cached("SELECT until, date FROM tombstone WHERE id = ?1")?
        .query_row([&new.id.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((until, date)) = found else { return Ok(Tombstone::None) };
    if date.is_some_and(|date| date.min(micros(new.date)) >= floor) {
        connection.prepare_cached("DELETE FROM tombstone WHERE id = ?1")?.execute([&new.id.0])?;
        return Ok(Tombstone::Over);
    }
    let later = micros(tombstone_until(new.expires, now));
    if later > until.saturating_add(WORTH_WRITING) {
        connection
            .prepare_cached("UPDATE tombstone SET until = ?2 WHERE id = ?1")?
            .execute(params![new.id.0, later])?;
    }
    Ok(Tombstone::Stays)
}

/// What the retention setting removed was read here, whatever the server knows of it, and needs no alert.
fn come_back(connection: &Connection, id: &MessageId) -> Sql<()> {
    connection
        .prepare_cached("UPDATE message SET local_read = CASE server_read WHEN 0 THEN 1 END, alert = ?2 WHERE id = ?1")?
        .execute(params![id.0, ALERTED])
        .map(|_| ())
}

/// What the message says after `new` came in on top of `old`. Its read mark is not decided here.
fn joined(old: &Message, new: &Message) -> Message {
    let mut joined = if new.incomplete && !old.incomplete { old.clone() } else { new.clone() };
    joined.read = old.read;
    // The moment of receipt stands in for a date that is missing, and it is always the later one: the earlier of two is
    // the date, and a re-send never moves a message up the list.
    joined.date = old.date.min(new.date);
    // A list may leave out the event that a message came live with.
    if new.event.as_str().is_empty() {
        joined.event.clone_from(&old.event);
    }
    joined.expires = if new.incomplete { new.expires.or(old.expires) } else { new.expires };
    joined.date = to_micros(joined.date);
    joined.expires = joined.expires.map(to_micros);
    joined
}

/// A moment as precise as the store keeps it, so that it compares with what is read back.
fn to_micros(at: Timestamp) -> Timestamp {
    super::moment(micros(at))
}

/// Takes in that the server has it as read. A mark of ours that still waits has arrived, then.
pub(super) fn read_on_server(connection: &Connection, id: &MessageId) -> Sql<bool> {
    connection.prepare_cached("DELETE FROM outbox WHERE id = ?1")?.execute([&id.0])?;
    let was_read: Option<bool> = connection
        .prepare_cached("SELECT read FROM message WHERE id = ?1 AND (server_read = 0 OR local_read = 1)")?
        .query_row([&id.0], |row| row.get(0))
        .optional()?;
    let Some(was_read) = was_read else { return Ok(false) };
    let now_read: bool = connection
        .prepare_cached(
            "UPDATE message SET server_read = 1, problem = NULL, \
             local_read = CASE local_read WHEN 0 THEN 0 ELSE NULL END WHERE id = ?1 RETURNING read",
        )?
        .query_row([&id.0], |row| row.get(0))?;
    Ok(was_read != now_read)
}
