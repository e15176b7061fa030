//! Call-outs as they came, byte for byte, and what has become of each: waiting, delivered or failed.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row};
use sha2::{Digest, Sha256};

use super::{
    Database, StoredMessage, User,
    messages::{self, Origin},
    recipients,
};
use crate::{Error, NewMessage, Recipients};

/// What has become of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventState {
    /// Its messages are not stored yet.
    Waiting,
    /// Its messages are stored.
    Delivered,
    /// It is not tried again unless it is replayed.
    Failed,
}

impl EventState {
    /// The state's name, as it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// An event without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSummary {
    /// Its number; later events have higher ones.
    pub id: i64,
    /// The subscription's `customId`.
    pub custom_id: String,
    /// When it was stored.
    pub received: Timestamp,
    /// What has become of it.
    pub state: EventState,
    /// How often its delivery has failed since it came or was replayed.
    pub attempts: u32,
    /// Why it failed or is flagged.
    pub error: Option<String>,
    /// It was delivered, but not as it should have been: plain, to more than meant, or to nobody.
    pub flagged: bool,
}

/// An event with its body. It has no `Debug`: the body is somebody's data.
#[derive(Clone)]
pub struct Event {
    /// All but the body.
    pub summary: EventSummary,
    /// The call-out's body, byte for byte.
    pub body: Vec<u8>,
}

/// An event that is to be delivered.
#[derive(Clone)]
pub(crate) struct WaitingEvent {
    pub(crate) id: i64,
    pub(crate) custom_id: String,
    pub(crate) body: Vec<u8>,
    pub(crate) received: Timestamp,
    pub(crate) attempts: u32,
    /// It was delivered before with a flaw, which this delivery mends.
    pub(crate) flagged: bool,
}

/// What an event comes to.
pub(crate) struct Delivery {
    pub(crate) message: NewMessage,
    /// Nothing: nobody is meant to get it.
    pub(crate) recipients: Option<Recipients>,
    /// Why it is flagged.
    pub(crate) flaw: Option<String>,
}

const SUMMARY: &str = "SELECT id, custom_id, received, state, attempts, error, flagged";

impl Database {
    /// Stores a call-out and answers its id; nothing when the subscription's last one of this body is no older than
    /// `window`.
    pub(crate) fn add_event(
        &mut self,
        custom_id: &str,
        body: &[u8],
        window: Duration,
        now: Timestamp,
    ) -> Result<Option<i64>, Error> {
        let digest = Sha256::digest(body);
        let now = now.as_millisecond();
        let window = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
        let transaction = self.connection.transaction()?;
        if window > 0 {
            let came_before = "SELECT EXISTS (SELECT 1 FROM events
                WHERE custom_id = ?1 AND body_digest = ?2 AND received BETWEEN ?3 AND ?4)";
            let parameters = (custom_id, &digest[..], now.saturating_sub(window), now);
            if transaction.query_row(came_before, parameters, |row| row.get(0))? {
                return Ok(None);
            }
        }
        transaction.execute(
            "INSERT INTO events (custom_id, body, body_digest, received) VALUES (?1, ?2, ?3, ?4)",
            (custom_id, body, &digest[..], now),
        )?;
        let id = transaction.last_insert_rowid();
        transaction.commit()?;
        Ok(Some(id))
    }

    /// The first waiting event after the one of this id.
    pub(crate) fn next_waiting_event(&mut self, after: i64) -> Result<Option<WaitingEvent>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, custom_id, body, received, attempts, flagged FROM events
             WHERE state = 'waiting' AND id > ?1 ORDER BY id LIMIT 1",
        )?;
        let read = |row: &Row<'_>| {
            Ok(WaitingEvent {
                id: row.get(0)?,
                custom_id: row.get(1)?,
                body: row.get(2)?,
                received: milliseconds(row.get(3)?),
                attempts: row.get(4)?,
                flagged: row.get(5)?,
            })
        };
        Ok(statement.query_row([after], read).optional()?)
    }

    /// Stores the event's messages and that it was delivered, both or neither. Answers the messages that are new or say
    /// something else than before.
    pub(crate) fn deliver(
        &mut self,
        event: &WaitingEvent,
        delivery: Delivery,
        now: Timestamp,
    ) -> Result<Vec<(User, StoredMessage)>, Error> {
        let Delivery { message, recipients, mut flaw } = delivery;
        let transaction = self.connection.transaction()?;
        messages::delete_expired(&transaction, now)?;
        let users = match &recipients {
            Some(recipients) => recipients::find(&transaction, recipients)?,
            None => Vec::new(),
        };
        if recipients.is_some() && users.is_empty() {
            flaw = Some(flaw.map_or("no recipient".into(), |flaw| format!("no recipient; {flaw}")));
        }
        let origin = Origin { event_id: event.id, renew: event.flagged };
        let mut delivered = Vec::new();
        for user in users {
            let message = NewMessage { date: Some(event.received), ..message.clone() };
            if let Some(stored) = messages::insert(&transaction, user.id, message, Some(origin), now)? {
                delivered.push((user, stored));
            }
        }
        transaction.execute(
            "UPDATE events SET state = 'delivered', flagged = ?2, error = ?3 WHERE id = ?1",
            (event.id, flaw.is_some(), flaw),
        )?;
        transaction.commit()?;
        Ok(delivered)
    }

    /// Counts a failure. The event goes on waiting unless it is given up.
    pub(crate) fn event_failed(&mut self, id: i64, error: &str, given_up: bool) -> Result<(), Error> {
        let state = if given_up { EventState::Failed } else { EventState::Waiting };
        self.connection.execute(
            "UPDATE events SET attempts = attempts + 1, error = ?2, state = ?3 WHERE id = ?1",
            (id, error, state.name()),
        )?;
        Ok(())
    }

    /// Deletes what was delivered without a flaw and came before then. Its messages stay.
    pub(crate) fn delete_delivered_events(&mut self, before: Timestamp) -> Result<(), Error> {
        let delete = "DELETE FROM events WHERE state = 'delivered' AND flagged = 0 AND received < ?1";
        self.connection.execute(delete, [before.as_millisecond()])?;
        Ok(())
    }

    /// The newest events first.
    pub(crate) fn events(&mut self, failed_or_flagged_only: bool, limit: u32) -> Result<Vec<EventSummary>, Error> {
        let wanted = if failed_or_flagged_only { "WHERE state = 'failed' OR flagged" } else { "" };
        let query = format!("{SUMMARY} FROM events {wanted} ORDER BY id DESC LIMIT ?1");
        let mut statement = self.connection.prepare_cached(&query)?;
        Ok(statement.query_map([limit], read_summary)?.collect::<Result<_, _>>()?)
    }

    pub(crate) fn event(&mut self, id: i64) -> Result<Option<Event>, Error> {
        let mut statement = self.connection.prepare_cached(&format!("{SUMMARY}, body FROM events WHERE id = ?1"))?;
        let read = |row: &Row<'_>| Ok(Event { summary: read_summary(row)?, body: row.get(7)? });
        Ok(statement.query_row([id], read).optional()?)
    }

    /// Has the event delivered once more; `false` when there is none. That it was flagged stays until it is delivered.
    pub(crate) fn replay_event(&mut self, id: i64) -> Result<bool, Error> {
        Ok(self.connection.execute("UPDATE events SET state = 'waiting', attempts = 0 WHERE id = ?1", [id])? > 0)
    }
}

fn read_summary(row: &Row<'_>) -> rusqlite::Result<EventSummary> {
    let state = match row.get_ref(3)?.as_str()? {
        "waiting" => EventState::Waiting,
        "delivered" => EventState::Delivered,
        // The table holds no fourth.
        _ => EventState::Failed,
    };
    Ok(EventSummary {
        id: row.get(0)?,
        custom_id: row.get(1)?,
        received: milliseconds(row.get(2)?),
        state,
        attempts: row.get(4)?,
        error: row.get(5)?,
        flagged: row.get(6)?,
    })
}

fn milliseconds(since_1970: i64) -> Timestamp {
    Timestamp::from_millisecond(since_1970).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    #[test]
    fn the_window_is_of_one_subscription_and_one_body_and_ends() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let mut is_new = |custom_id: &str, body: &str, milliseconds| {
            let window = Duration::from_secs(5);
            database.add_event(custom_id, body.as_bytes(), window, at(milliseconds)).unwrap().is_some()
        };
        assert!(is_new("a", "{}", 10_000));
        assert!(!is_new("a", "{}", 10_000) && !is_new("a", "{}", 15_000));
        assert!(is_new("b", "{}", 10_001) && is_new("a", "{ }", 10_001));
        assert!(is_new("a", "{}", 15_001));
        assert!(is_new("a", "{}", 3_000), "a clock that was set back drops nothing");
    }

    #[test]
    fn only_what_was_delivered_without_a_flaw_is_deleted_and_its_messages_stay() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let user = database.add_user("demo", "sid-of-darth", "Darth", "Vader").unwrap();
        database.name_user(user.id, "darth", &[]).unwrap();
        let recipients = |name: &str| Some(Recipients { users: vec![name.into()], ..Recipients::default() });
        for (received, name) in [(1, Some("darth")), (2, Some("nobody")), (3, None), (9, Some("darth"))] {
            database.add_event("a", b"{}", Duration::ZERO, at(received)).unwrap();
            let event = database.next_waiting_event(0).unwrap().expect("it was just stored");
            let Some(name) = name else {
                database.event_failed(event.id, "an error", true).unwrap();
                continue;
            };
            let message = NewMessage { title: "A title".into(), ..NewMessage::default() };
            let delivery = Delivery { message, recipients: recipients(name), flaw: None };
            database.deliver(&event, delivery, at(received)).unwrap();
        }
        database.delete_delivered_events(at(9)).unwrap();
        let left: Vec<_> = database.events(false, 10).unwrap().into_iter().map(|event| event.id).collect();
        assert_eq!(left, [4, 3, 2]);
        assert!(!database.is_empty(user.id).unwrap());
    }
}
