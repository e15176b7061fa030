//! Call-outs as they came, byte for byte, and what has become of each: waiting, delivered or failed.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{Connection, Database, Row, Value, params};
use crate::Error;

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

/// A call-out that has come and is not stored yet.
pub(crate) struct Arrived {
    pub(crate) custom_id: String,
    pub(crate) body: Vec<u8>,
    pub(crate) at: Timestamp,
}

const SUMMARY: &str = "SELECT id, custom_id, received, state, attempts, error, flagged";

impl Database {
    /// Stores call-outs, all or none, and answers for each whether it is new: it is not when the subscription's last one of
    /// this body is no older than `window`, or came that much later elsewhere.
    pub(crate) fn add_events(&mut self, arrived: &[Arrived], window: Duration) -> Result<Vec<bool>, Error> {
        let window = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
        let digests: Vec<[u8; 32]> = arrived.iter().map(|one| Sha256::digest(&one.body).into()).collect();
        // Another relay may be storing the same body now.
        let numbers = digests.iter().filter_map(|digest| digest.first_chunk());
        let numbers: Vec<i64> = numbers.map(|bytes| i64::from_be_bytes(*bytes)).filter(|_| window > 0).collect();
        let mut transaction = self.connection.transaction_with(&numbers)?;
        let body = |place: usize| (&arrived[place].custom_id, &digests[place]);
        let at = |place: usize| arrived[place].at.as_millisecond();
        let mut are_new = vec![false; arrived.len()];
        let mut stored = HashMap::new();
        let mut left: Vec<usize> = (0..arrived.len()).collect();
        while !left.is_empty() {
            // A statement does not see what it inserts itself: with a window, one of each body goes with it.
            let mut bodies = HashSet::new();
            let (these, later): (Vec<usize>, Vec<usize>) =
                left.into_iter().partition(|&place| window == 0 || bodies.insert(body(place)));
            for place in insert_new(&mut transaction, arrived, &digests, these, window)? {
                are_new[place] = true;
                stored.insert(body(place), at(place));
            }
            let is_within = |place: &usize| {
                stored.get(&body(*place)).is_some_and(|stored| stored.abs_diff(at(*place)) <= window.unsigned_abs())
            };
            left = later.into_iter().filter(|place| !is_within(place)).collect();
        }
        transaction.commit()?;
        Ok(are_new)
    }

    /// The newest events first.
    pub(crate) fn events(&mut self, failed_or_flagged_only: bool, limit: u32) -> Result<Vec<EventSummary>, Error> {
        // Each by its own index: with an OR all events would be read.
        let wanted = if failed_or_flagged_only {
            "WHERE id IN (SELECT id FROM events WHERE state = 'failed' UNION SELECT id FROM events WHERE flagged <> 0)"
        } else {
            ""
        };
        let query = format!("{SUMMARY} FROM events {wanted} ORDER BY id DESC LIMIT ?1");
        self.connection.query(&query, params![limit], read_summary)
    }

    pub(crate) fn event(&mut self, id: i64) -> Result<Option<Event>, Error> {
        let query = format!("{SUMMARY}, body FROM events WHERE id = ?1");
        let read = |row: &Row| Ok(Event { summary: read_summary(row)?, body: row.get(7)? });
        self.connection.query_one(&query, params![id], read)
    }

    /// Has the event delivered once more; `false` when there is none. That it was flagged stays until it is delivered.
    pub(crate) fn replay_event(&mut self, id: i64, now: Timestamp) -> Result<bool, Error> {
        let replay = "UPDATE events SET state = 'waiting', attempts = 0, retry_at = ?2 WHERE id = ?1";
        Ok(self.connection.execute(replay, params![id, now.as_millisecond()])? > 0)
    }
}

/// Inserts those of them that are new; answers their places. Many go with one statement, as one does: each is a way to the
/// database and back.
fn insert_new(
    connection: &mut Connection,
    arrived: &[Arrived],
    digests: &[[u8; 32]],
    candidates: Vec<usize>,
    window: i64,
) -> Result<Vec<usize>, Error> {
    let bytes = connection.bytes();
    let mut parameters = vec![Value::from(window)];
    // Up to a power of two by nothing, so that there are few different statements to prepare.
    let nothing = std::iter::repeat([const { Value::Null }; 4]);
    let values = candidates.iter().map(|&place| {
        let one = &arrived[place];
        [(&one.custom_id).into(), one.body[..].into(), digests[place][..].into(), one.at.as_millisecond().into()]
    });
    let rows = values.chain(nothing).take(candidates.len().next_power_of_two()).map(|values| {
        let first = parameters.len() + 1;
        parameters.extend(values);
        format!(
            "(CAST(?{first} AS TEXT), CAST(?{} AS {bytes}), CAST(?{} AS {bytes}), CAST(?{} AS BIGINT))",
            first + 1,
            first + 2,
            first + 3,
        )
    });
    let rows = rows.collect::<Vec<_>>().join(", ");
    // One that came a moment earlier, at another relay, may be stored a moment
    // later: so the window goes both ways.
    let insert = format!(
        "WITH arrived (custom_id, body, body_digest, at) AS (VALUES {rows})
         INSERT INTO events (custom_id, body, body_digest, received)
         SELECT custom_id, body, body_digest, at FROM arrived
         WHERE custom_id IS NOT NULL AND (CAST(?1 AS BIGINT) = 0 OR NOT EXISTS (SELECT 1 FROM events
            WHERE events.custom_id = arrived.custom_id AND events.body_digest = arrived.body_digest
            AND events.received BETWEEN arrived.at - CAST(?1 AS BIGINT) AND arrived.at + CAST(?1 AS BIGINT)))
         RETURNING custom_id, body_digest"
    );
    let inserted = connection.query(&insert, &parameters, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let inserted: HashSet<(String, Vec<u8>)> = inserted.into_iter().collect();
    let is_inserted = |place: &usize| inserted.contains(&(arrived[*place].custom_id.clone(), digests[*place].to_vec()));
    Ok(candidates.into_iter().filter(is_inserted).collect())
}

fn read_summary(row: &Row) -> Result<EventSummary, Error> {
    let state = match row.get::<String>(3)?.as_str() {
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

pub(super) fn milliseconds(since_1970: i64) -> Timestamp {
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
            let one = Arrived { custom_id: custom_id.into(), body: body.into(), at: at(milliseconds) };
            database.add_events(&[one], window).unwrap()[0]
        };
        assert!(is_new("a", "{}", 10_000));
        assert!(!is_new("a", "{}", 10_000) && !is_new("a", "{}", 15_000));
        assert!(is_new("b", "{}", 10_001) && is_new("a", "{ }", 10_001));
        assert!(!is_new("a", "{}", 9_999), "it came before the first at another relay");
        assert!(is_new("a", "{}", 15_001));
        assert!(is_new("a", "{}", 3_000), "a clock that was set back drops nothing");
    }

    #[test]
    fn the_window_holds_within_one_commit_too() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let mut are_new = |times: &[i64]| {
            let one = |time: &i64| Arrived { custom_id: "a".into(), body: b"{}".into(), at: at(*time) };
            let arrived: Vec<_> = times.iter().map(one).collect();
            database.add_events(&arrived, Duration::from_secs(5)).unwrap()
        };
        assert_eq!(are_new(&[10_000, 20_000, 20_001, 15_000, 25_001]), [true, true, false, false, true]);
        // The first is none for one that is stored; of the second and the third the earlier is the one.
        assert_eq!(are_new(&[30_001, 30_002, 35_002, 35_003]), [false, true, false, true]);
    }
}
