//! Call-outs as they came, byte for byte, and what has become of each: waiting, delivered or failed.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{
    Connection, Database, LIST, Row, Value, list,
    messages::{self, EventMessage},
    params, recipients,
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

/// A call-out that has come and is not stored yet.
pub(crate) struct Arrived {
    pub(crate) custom_id: String,
    pub(crate) body: Vec<u8>,
    pub(crate) at: Timestamp,
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

/// What became of the first events that were to be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// There is none.
    Nothing,
    /// The messages of so many are stored.
    Delivered(usize),
    /// This one could not be delivered, or one of them, and nothing of it or of the others is stored. Which it was is sure when
    /// there was one.
    Failed {
        id: i64,
        /// Failures so far, without this one.
        attempts: u32,
        error: String,
        /// Another try would change nothing.
        for_good: bool,
    },
}

/// What an event comes to.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) message: NewMessage,
    /// Nothing: nobody is meant to get it.
    pub(crate) recipients: Option<Recipients>,
    /// Why it is flagged.
    pub(crate) flaw: Option<String>,
}

/// A subscription that no relay knows after so many milliseconds is gone.
const LEFT_TO_OTHERS: i64 = 60_000;

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
        // Within these themselves the first of a body counts.
        let mut first: HashMap<(&str, &[u8; 32]), usize> = HashMap::new();
        let is_candidate = |place: &usize| {
            window == 0 || *first.entry((&arrived[*place].custom_id, &digests[*place])).or_insert(*place) == *place
        };
        let candidates: Vec<usize> = (0..arrived.len()).filter(is_candidate).collect();
        let new: HashSet<_> =
            insert_new(&mut transaction, arrived, &digests, &candidates, window)?.into_iter().collect();
        let mut are_new = vec![false; arrived.len()];
        for place in candidates {
            are_new[place] = new.contains(&(arrived[place].custom_id.clone(), digests[place].to_vec()));
        }
        transaction.commit()?;
        Ok(are_new)
    }

    /// Delivers the first events that wait and are due, at most so many: `make` says what each comes to, or why it never
    /// will, and their messages are stored together with that they were delivered, all or nothing. With several relays, each
    /// takes others; those of a subscription that is not among `known` are left to a relay that knows it, for a while.
    pub(crate) fn deliver_next(
        &mut self,
        most: u32,
        now: Timestamp,
        known: Option<&[String]>,
        make: impl Fn(&WaitingEvent) -> Result<Delivery, String>,
    ) -> Result<Next, Error> {
        self.deliver(most, now, known, None, make)
    }

    /// The same with the one event whose try was counted before, by [`Database::count_try`]: once it is delivered it was none.
    pub(crate) fn deliver_counted(
        &mut self,
        id: i64,
        now: Timestamp,
        known: Option<&[String]>,
        make: impl Fn(&WaitingEvent) -> Result<Delivery, String>,
    ) -> Result<Next, Error> {
        self.deliver(1, now, known, Some(id), make)
    }

    fn deliver(
        &mut self,
        most: u32,
        now: Timestamp,
        known: Option<&[String]>,
        counted: Option<i64>,
        make: impl Fn(&WaitingEvent) -> Result<Delivery, String>,
    ) -> Result<Next, Error> {
        let mut transaction = self.connection.transaction()?;
        let mut parameters = params![now.as_millisecond(), most].to_vec();
        let is_known = not_left_to_others(known, now, &mut parameters);
        let is_counted = counted.map_or_else(String::new, |id| {
            parameters.push(id.into());
            format!("AND id = ?{}", parameters.len())
        });
        let query = format!(
            "SELECT id, custom_id, body, received, attempts, flagged FROM events
             WHERE state = 'waiting' AND retry_at <= ?1 {is_known} {is_counted} ORDER BY id LIMIT ?2 {}",
            transaction.skip_locked()
        );
        let read = |row: &Row| {
            Ok(WaitingEvent {
                id: row.get(0)?,
                custom_id: row.get(1)?,
                body: row.get(2)?,
                received: milliseconds(row.get(3)?),
                attempts: row.get(4)?,
                flagged: row.get(5)?,
            })
        };
        let events = transaction.query(&query, &parameters, read)?;
        if events.is_empty() {
            return Ok(Next::Nothing);
        }
        let mut deliveries = Deliveries::default();
        let failed = |event: &WaitingEvent, error, for_good| {
            Ok(Next::Failed { id: event.id, attempts: event.attempts, error, for_good })
        };
        for event in &events {
            // A panic in it is a failure like any other.
            let delivery = match catch_unwind(AssertUnwindSafe(|| make(event))) {
                Ok(Ok(delivery)) => delivery,
                Ok(Err(error)) => return failed(event, error, true),
                Err(_) => return failed(event, "the delivery panicked".into(), false),
            };
            if let Err(error) = deliveries.add(&mut transaction, event, delivery) {
                return failed(event, error.to_string(), false);
            }
        }
        if let (Err(error), Some(first)) = (deliveries.store(&mut transaction, now), events.first()) {
            return failed(first, error.to_string(), false);
        }
        if let Some(id) = counted {
            transaction.execute("UPDATE events SET attempts = attempts - 1 WHERE id = ?1", params![id])?;
        }
        transaction.commit()?;
        Ok(Next::Delivered(events.len()))
    }

    /// Counts a try of the first event that is to be delivered before it is made, in case it ends the process. Answers which that
    /// is, and how many tries came before.
    pub(crate) fn count_try(&mut self, now: Timestamp, known: Option<&[String]>) -> Result<Option<(i64, u32)>, Error> {
        let mut transaction = self.connection.transaction()?;
        let mut parameters = params![now.as_millisecond()].to_vec();
        let is_known = not_left_to_others(known, now, &mut parameters);
        let query = format!(
            "SELECT id, attempts FROM events WHERE state = 'waiting' AND retry_at <= ?1 {is_known} ORDER BY id LIMIT 1 {}",
            transaction.skip_locked()
        );
        let first = transaction.query_one(&query, &parameters, |row| Ok((row.get(0)?, row.get(1)?)))?;
        if let Some((id, _)) = first {
            transaction.execute("UPDATE events SET attempts = attempts + 1 WHERE id = ?1", params![id])?;
        }
        transaction.commit()?;
        Ok(first)
    }

    /// A try that was counted before did not end the process.
    pub(crate) fn survived_try(&mut self, id: i64) -> Result<(), Error> {
        let survived = "UPDATE events SET attempts = attempts - 1 WHERE id = ?1 AND attempts > 0";
        self.connection.execute(survived, params![id]).map(drop)
    }

    /// Counts a failure after so many others. The event goes on waiting, until then, unless it is given up. `false`: another
    /// relay has delivered it meanwhile, or has counted a failure itself, and that stands.
    pub(crate) fn event_failed(
        &mut self,
        id: i64,
        attempts: u32,
        error: &str,
        retry_at: Option<Timestamp>,
    ) -> Result<bool, Error> {
        let state = if retry_at.is_none() { EventState::Failed } else { EventState::Waiting };
        let retry_at = retry_at.map_or(0, Timestamp::as_millisecond);
        let failed = "UPDATE events SET attempts = attempts + 1, error = ?2, state = ?3, retry_at = ?4
            WHERE id = ?1 AND state = 'waiting' AND attempts = ?5";
        Ok(self.connection.execute(failed, params![id, error, state.name(), retry_at, attempts])? > 0)
    }

    /// When the next event that waits is due, but for those that are left to other relays.
    pub(crate) fn next_retry(&mut self, now: Timestamp, known: Option<&[String]>) -> Result<Option<Timestamp>, Error> {
        let mut parameters = Vec::new();
        let is_known = not_left_to_others(known, now, &mut parameters);
        let query = format!("SELECT min(retry_at) FROM events WHERE state = 'waiting' {is_known}");
        let next = self.connection.query_one(&query, &parameters, |row| row.get::<Option<i64>>(0))?;
        Ok(next.flatten().map(milliseconds))
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

/// Adds to a condition on events that wait: those of a subscription that is not among `known` are left to a relay that knows
/// it, for a while.
fn not_left_to_others(known: Option<&[String]>, now: Timestamp, parameters: &mut Vec<Value>) -> String {
    let Some(known) = known else { return String::new() };
    parameters.push(now.as_millisecond().saturating_sub(LEFT_TO_OTHERS).into());
    let before = parameters.len();
    let places: Vec<String> = (1..=known.len()).map(|place| format!("?{}", before + place)).collect();
    parameters.extend(known.iter().map(Value::from));
    let is_one = if places.is_empty() { "FALSE".into() } else { format!("custom_id IN ({})", places.join(", ")) };
    format!("AND ({is_one} OR (received < ?{before} AND retry_at < ?{before}))")
}

/// Inserts those of them that are new; answers which those are. Many go with one statement, as one does: each is a way to the
/// database and back.
fn insert_new(
    connection: &mut Connection,
    arrived: &[Arrived],
    digests: &[[u8; 32]],
    candidates: &[usize],
    window: i64,
) -> Result<Vec<(String, Vec<u8>)>, Error> {
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
    // A statement does not see what it inserts itself. One that came a moment earlier, at another relay, may be stored a moment
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
    connection.query(&insert, &parameters, |row| Ok((row.get(0)?, row.get(1)?)))
}

/// What several deliveries come to, in the end stored with few statements.
#[derive(Default)]
struct Deliveries {
    /// Whoever was found for recipients: events that come together mostly have the same.
    users: HashMap<Recipients, Arc<[i64]>>,
    messages: Vec<EventMessage>,
    /// Events that are not flagged.
    flawless: Vec<i64>,
}

impl Deliveries {
    fn add(&mut self, connection: &mut Connection, event: &WaitingEvent, delivery: Delivery) -> Result<(), Error> {
        let Delivery { mut message, recipients, mut flaw } = delivery;
        if let Some(recipients) = recipients {
            let users = match self.users.entry(recipients) {
                Entry::Occupied(found) => Arc::clone(found.get()),
                Entry::Vacant(new) => {
                    let users = recipients::find(connection, new.key())?.into_iter().map(|user| user.id).collect();
                    Arc::clone(new.insert(users))
                }
            };
            if users.is_empty() {
                flaw = Some(flaw.map_or("no recipient".into(), |flaw| format!("no recipient; {flaw}")));
            }
            message.date = Some(event.received);
            self.messages.push(EventMessage { event_id: event.id, message, users, renew: event.flagged });
        }
        let Some(flaw) = flaw else {
            self.flawless.push(event.id);
            return Ok(());
        };
        let flagged = "UPDATE events SET state = 'delivered', flagged = 1, error = ?2 WHERE id = ?1";
        connection.execute(flagged, params![event.id, flaw]).map(drop)
    }

    fn store(self, connection: &mut Connection, now: Timestamp) -> Result<(), Error> {
        messages::insert_all(connection, &self.messages, now)?;
        for ids in self.flawless.chunks(LIST) {
            let mut parameters = Vec::new();
            let ids = list(&mut parameters, ids);
            let delivered =
                format!("UPDATE events SET state = 'delivered', flagged = 0, error = NULL WHERE id IN ({ids})");
            connection.execute(&delivered, &parameters)?;
        }
        Ok(())
    }
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
    fn what_failed_waits_for_its_time_and_holds_up_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let arrived =
            ["a", "b"].map(|custom_id| Arrived { custom_id: custom_id.into(), body: b"{}".into(), at: at(1) });
        assert_eq!(database.add_events(&arrived, Duration::ZERO).unwrap(), [true, true]);
        let nobody = || Delivery { message: NewMessage::default(), recipients: None, flaw: None };
        let panics = |_: &WaitingEvent| -> Result<Delivery, String> { panic!("a delivery that panics") };
        let Next::Failed { id, attempts: 0, error, for_good: false } =
            database.deliver_next(1, at(10), None, panics).unwrap()
        else {
            panic!("it fails")
        };
        assert_eq!((id, error.as_str()), (1, "the delivery panicked"));
        assert!(database.event_failed(id, 0, &error, Some(at(20))).unwrap());
        assert_eq!(database.deliver_next(1, at(19), None, |_| Ok(nobody())).unwrap(), Next::Delivered(1));
        assert_eq!(database.deliver_next(1, at(19), None, |_| Ok(nobody())).unwrap(), Next::Nothing);
        assert_eq!(database.next_retry(at(19), None).unwrap(), Some(at(20)));
        let fails = |event: &WaitingEvent| Err(event.attempts.to_string());
        assert!(matches!(database.deliver_next(1, at(20), None, fails).unwrap(), Next::Failed { attempts: 1, .. }));
        assert_eq!(database.deliver_next(1, at(20), None, |_| Ok(nobody())).unwrap(), Next::Delivered(1));
        assert_eq!(database.next_retry(at(19), None).unwrap(), None);
    }

    #[test]
    fn a_failure_of_one_relay_does_not_undo_the_delivery_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let one = Arrived { custom_id: "a".into(), body: b"{}".into(), at: at(1) };
        assert_eq!(database.add_events(&[one], Duration::ZERO).unwrap(), [true]);
        let fails = |_: &WaitingEvent| Err("no subscription".to_owned());
        let Next::Failed { id, attempts, .. } = database.deliver_next(1, at(1), None, fails).unwrap() else {
            panic!("it fails")
        };
        let nobody = Delivery { message: NewMessage::default(), recipients: None, flaw: None };
        let mut other = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        assert_eq!(other.deliver_next(1, at(1), None, |_| Ok(nobody.clone())).unwrap(), Next::Delivered(1));
        assert!(!database.event_failed(id, attempts, "no subscription", None).unwrap());
        let event = database.event(id).unwrap().unwrap().summary;
        assert_eq!((event.state, event.error), (EventState::Delivered, None));
        // The same when the other has counted a failure of its own.
        assert!(database.replay_event(id, at(2)).unwrap());
        assert!(other.event_failed(id, 0, "of the other", Some(at(9))).unwrap());
        assert!(!database.event_failed(id, 0, "no subscription", None).unwrap());
        assert_eq!(database.event(id).unwrap().unwrap().summary.state, EventState::Waiting);
    }

    #[test]
    fn what_is_left_to_other_relays_is_not_due() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let arrived = ["known", "unknown"].map(|id| Arrived { custom_id: id.into(), body: b"{}".into(), at: at(1) });
        assert_eq!(database.add_events(&arrived, Duration::ZERO).unwrap(), [true, true]);
        let known = ["known".to_owned()];
        assert_eq!(database.next_retry(at(10), Some(&known)).unwrap(), Some(at(0)));
        let nobody = Delivery { message: NewMessage::default(), recipients: None, flaw: None };
        let deliver = |_: &WaitingEvent| Ok(nobody.clone());
        assert_eq!(database.deliver_next(9, at(10), Some(&known), deliver).unwrap(), Next::Delivered(1));
        assert_eq!(database.next_retry(at(10), Some(&known)).unwrap(), None);
        assert_eq!(database.next_retry(at(10), Some(&[])).unwrap(), None);
        let later = at(LEFT_TO_OTHERS + 2);
        assert_eq!(database.next_retry(later, Some(&known)).unwrap(), Some(at(0)), "nobody has known it");
    }
}
