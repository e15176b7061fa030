//! Deliveries: events that wait become messages, in one transaction with that they were delivered.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use jiff::Timestamp;

use super::{
    AFTER_DEADLOCK, Connection, Database, EventState, LIST, Row, Value,
    events::milliseconds,
    list,
    messages::{self, EventMessage},
    params, recipients,
};
use crate::{Error, NewMessage, Recipients};

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

/// Which of the events that wait: those that hold up a delivery hold up none that is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Those that were not tried yet.
    New,
    /// Those that failed, were put off, or are to be delivered once more.
    Again,
}

impl Turn {
    /// Which they are, of those that are due.
    fn condition(self) -> &'static str {
        match self {
            Self::New => "retry_at = 0",
            Self::Again => "retry_at > 0",
        }
    }
}

/// What became of the first events that were to be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// There is none.
    Nothing,
    /// The messages of so many are stored.
    Delivered {
        events: usize,
        /// There may be more that are due.
        more: bool,
    },
    /// This one could not be delivered, or one of them, and nothing of it or of the others is stored. Which it was is sure when
    /// there was one.
    Failed {
        /// How many were to be delivered together.
        of: usize,
        id: i64,
        /// Failures so far, without this one.
        attempts: u32,
        error: String,
        fault: Fault,
    },
}

/// Why a delivery failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Another try would change nothing.
    ForGood,
    /// It may be for what the event holds: some more tries are made.
    OfEvent,
    /// The database could not do it just now: somebody holds what it needs, or there is no room. However often, it counts as none.
    OfDatabase,
    /// As that, but another transaction was only let through first: it may go at once.
    OfMoment,
}

/// Events end one delivery when they come to so many messages, or bytes: nobody waits for a longer one.
const MESSAGES_TOGETHER: usize = 4096;
const BYTES_TOGETHER: usize = 32 << 20;

/// What an event comes to.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) message: NewMessage,
    /// Nothing: nobody is meant to get it.
    pub(crate) recipients: Option<Recipients>,
    /// Why it is flagged.
    pub(crate) flaw: Option<String>,
}

/// Which events a delivery takes.
#[derive(Clone, Copy)]
enum Which {
    /// The first of these, at most so many.
    First(Turn, u32),
    /// This one, whose try was counted.
    Counted(i64),
}

/// Letters of names that are said to be missing.
const MISSING_SHOWN: usize = 300;

/// A subscription that no relay knows after so many milliseconds is gone.
const LEFT_TO_OTHERS: i64 = 60_000;

impl Database {
    /// Delivers the first events that wait and are due, at most so many: `make` says what each comes to, or why it never
    /// will, and their messages are stored together with that they were delivered, all or nothing. With several relays, each
    /// takes others; those of a subscription that is not among `known` are left to a relay that knows it, for a while.
    pub(crate) fn deliver_next(
        &mut self,
        turn: Turn,
        most: u32,
        now: Timestamp,
        known: Option<&[String]>,
        make: impl Fn(&WaitingEvent) -> Result<Delivery, String>,
    ) -> Result<Next, Error> {
        self.deliver(Which::First(turn, most), now, known, make)
    }

    /// The same with the one event whose try was counted before, by [`Database::count_try`]: once it is delivered it was none.
    pub(crate) fn deliver_counted(
        &mut self,
        id: i64,
        now: Timestamp,
        known: Option<&[String]>,
        make: impl Fn(&WaitingEvent) -> Result<Delivery, String>,
    ) -> Result<Next, Error> {
        self.deliver(Which::Counted(id), now, known, make)
    }

    fn deliver(
        &mut self,
        which: Which,
        now: Timestamp,
        known: Option<&[String]>,
        make: impl Fn(&WaitingEvent) -> Result<Delivery, String>,
    ) -> Result<Next, Error> {
        for wait in AFTER_DEADLOCK {
            match self.try_to_deliver(which, now, known, &make)? {
                Next::Failed { fault: Fault::OfMoment, .. } => thread::sleep(wait),
                next => return Ok(next),
            }
        }
        self.try_to_deliver(which, now, known, &make)
    }

    fn try_to_deliver(
        &mut self,
        which: Which,
        now: Timestamp,
        known: Option<&[String]>,
        make: &impl Fn(&WaitingEvent) -> Result<Delivery, String>,
    ) -> Result<Next, Error> {
        let mut transaction = self.connection.transaction()?;
        let most = if let Which::First(_, most) = which { most } else { 1 };
        let mut parameters = params![now.as_millisecond(), most].to_vec();
        let is_known = not_left_to_others(known, now, &mut parameters);
        let condition = match which {
            Which::First(turn, _) => turn.condition().into(),
            Which::Counted(id) => {
                parameters.push(id.into());
                format!("id = ?{}", parameters.len())
            }
        };
        let query = format!(
            "SELECT id, custom_id, body, received, attempts, flagged FROM events
             WHERE state = 'waiting' AND retry_at <= ?1 AND {condition} {is_known} ORDER BY retry_at, id LIMIT ?2 {}",
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
        let failed = |of, event: &WaitingEvent, error, fault| {
            Ok(Next::Failed { of, id: event.id, attempts: event.attempts, error, fault })
        };
        let mut tried = 0;
        for event in &events {
            if deliveries.count >= MESSAGES_TOGETHER || deliveries.bytes >= BYTES_TOGETHER {
                break;
            }
            tried += 1;
            // A panic in it is a failure like any other.
            let delivery = match catch_unwind(AssertUnwindSafe(|| make(event))) {
                Ok(Ok(delivery)) => delivery,
                Ok(Err(error)) => return failed(tried, event, error, Fault::ForGood),
                Err(_) => return failed(tried, event, "the delivery panicked".into(), Fault::OfEvent),
            };
            if let Err(error) = deliveries.add(&mut transaction, event, delivery) {
                let (error, fault) = fault(error)?;
                return failed(tried, event, error, fault);
            }
        }
        if let (Err(error), Some(first)) = (deliveries.store(&mut transaction, now), events.first()) {
            let (error, fault) = fault(error)?;
            return failed(tried, first, error, fault);
        }
        if let Which::Counted(id) = which {
            transaction
                .execute("UPDATE events SET attempts = attempts - 1 WHERE id = ?1 AND attempts > 0", params![id])?;
        }
        transaction.commit()?;
        Ok(Next::Delivered { events: tried, more: tried < events.len() || events.len() >= most as usize })
    }

    /// Counts a try of the first event that is to be delivered before it is made, in case it ends the process. Answers which that
    /// is, and how many tries came before.
    pub(crate) fn count_try(
        &mut self,
        turn: Turn,
        now: Timestamp,
        known: Option<&[String]>,
    ) -> Result<Option<(i64, u32)>, Error> {
        let mut transaction = self.connection.transaction()?;
        let mut parameters = params![now.as_millisecond()].to_vec();
        let is_known = not_left_to_others(known, now, &mut parameters);
        let query = format!(
            "SELECT id, attempts FROM events WHERE state = 'waiting' AND retry_at <= ?1 AND {} {is_known}
             ORDER BY retry_at, id LIMIT 1 {}",
            turn.condition(),
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
        let survived = "UPDATE events SET attempts = attempts - 1 WHERE id = ?1 AND state = 'waiting' AND attempts > 0";
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

    /// Has an event wait until then, and says why. It counts as no failure.
    pub(crate) fn put_off(&mut self, id: i64, error: &str, retry_at: Timestamp) -> Result<(), Error> {
        let put_off = "UPDATE events SET error = ?2, retry_at = ?3 WHERE id = ?1 AND state = 'waiting'";
        self.connection.execute(put_off, params![id, error, retry_at.as_millisecond()]).map(drop)
    }

    /// When the next event that waits is due, of either turn, but for those that are left to other relays.
    pub(crate) fn next_retry(&mut self, now: Timestamp, known: Option<&[String]>) -> Result<Option<Timestamp>, Error> {
        let mut parameters = Vec::new();
        let is_known = not_left_to_others(known, now, &mut parameters);
        let query = format!("SELECT min(retry_at) FROM events WHERE state = 'waiting' {is_known}");
        let next = self.connection.query_one(&query, &parameters, |row| row.get::<Option<i64>>(0))?;
        Ok(next.flatten().map(milliseconds))
    }
}

/// What is said of an error, and whose it is; an error again where the database is gone, and the same would come of every event.
fn fault(error: Error) -> Result<(String, Fault), Error> {
    match error {
        Error::NoDatabase(_) | Error::SilentDatabase(_) | Error::Interrupted => Err(error),
        // The connection is lost; the server is ended, or starts.
        Error::PostgreSql { ref code, .. } if code.starts_with("08") || code.starts_with("57P0") => Err(error),
        Error::PostgreSql { ref code, .. } if code.starts_with("40") => Ok((error.to_string(), Fault::OfMoment)),
        error if error.is_passing() => Ok((error.to_string(), Fault::OfDatabase)),
        error => Ok((error.to_string(), Fault::OfEvent)),
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

/// What several deliveries come to, in the end stored with few statements.
#[derive(Default)]
struct Deliveries {
    /// Whoever was found for recipients: events that come together mostly have the same.
    users: HashMap<Recipients, Arc<[i64]>>,
    messages: Vec<EventMessage>,
    /// Of all users.
    count: usize,
    bytes: usize,
    /// Events that are not flagged.
    flawless: Vec<i64>,
}

impl Deliveries {
    fn add(&mut self, connection: &mut Connection, event: &WaitingEvent, delivery: Delivery) -> Result<(), Error> {
        let Delivery { mut message, recipients, mut flaw } = delivery;
        if let Some(recipients) = recipients {
            let users = if let Some(found) = self.users.get(&recipients) {
                Arc::clone(found)
            } else {
                let users: Arc<[i64]> =
                    recipients::find(connection, &recipients)?.into_iter().map(|user| user.id).collect();
                self.users.insert(recipients.clone(), Arc::clone(&users));
                users
            };
            if users.is_empty() {
                // Their names may be of the entity: they are told, and not logged.
                tracing::warn!(event = event.id, "a call-out reaches nobody; `events show` says who is not there");
                let missing = recipients::missing(connection, &recipients)?.join(", no ");
                let missing: String = missing.chars().take(MISSING_SHOWN).collect();
                let nobody = if missing.is_empty() {
                    "no recipient: every name comes to an empty text".into()
                } else {
                    format!("no recipient: there is no {missing}")
                };
                flaw = Some(flaw.map_or(nobody.clone(), |flaw| format!("{nobody}; {flaw}")));
            }
            self.count += users.len();
            message.date = Some(event.received);
            let message = EventMessage { event_id: event.id, message, users, renew: event.flagged };
            self.bytes += message.size() * message.users.len();
            self.messages.push(message);
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::Arrived;

    const DELIVERED: Next = Next::Delivered { events: 1, more: true };

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
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
        let Next::Failed { of: 1, id, attempts: 0, error, fault: Fault::OfEvent } =
            database.deliver_next(Turn::New, 1, at(10), None, panics).unwrap()
        else {
            panic!("it fails")
        };
        assert_eq!((id, error.as_str()), (1, "the delivery panicked"));
        assert!(database.event_failed(id, 0, &error, Some(at(20))).unwrap());
        assert_eq!(database.deliver_next(Turn::New, 1, at(19), None, |_| Ok(nobody())).unwrap(), DELIVERED);
        assert_eq!(database.deliver_next(Turn::New, 1, at(19), None, |_| Ok(nobody())).unwrap(), Next::Nothing);
        assert_eq!(database.next_retry(at(19), None).unwrap(), Some(at(20)));
        let fails = |event: &WaitingEvent| Err(event.attempts.to_string());
        assert!(matches!(
            database.deliver_next(Turn::Again, 1, at(20), None, fails).unwrap(),
            Next::Failed { attempts: 1, .. }
        ));
        assert_eq!(database.deliver_next(Turn::Again, 1, at(20), None, |_| Ok(nobody())).unwrap(), DELIVERED);
        assert_eq!(database.next_retry(at(19), None).unwrap(), None);
    }

    #[test]
    fn what_has_waited_longest_is_tried_again_first() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let arrived = ["a", "b"].map(|id| Arrived { custom_id: id.into(), body: b"{}".into(), at: at(1) });
        assert_eq!(database.add_events(&arrived, Duration::ZERO).unwrap(), [true; 2]);
        database.put_off(1, "an error", at(30)).unwrap();
        database.put_off(2, "an error", at(20)).unwrap();
        assert_eq!(database.count_try(Turn::Again, at(40), None).unwrap(), Some((2, 0)));
        database.survived_try(2).unwrap();
        let fails = |event: &WaitingEvent| Err(event.custom_id.clone());
        let next = database.deliver_next(Turn::Again, 1, at(40), None, fails).unwrap();
        assert!(matches!(next, Next::Failed { of: 1, id: 2, .. }), "{next:?}");
    }

    #[test]
    fn what_comes_to_no_name_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let one = Arrived { custom_id: "a".into(), body: b"{}".into(), at: at(1) };
        assert_eq!(database.add_events(&[one], Duration::ZERO).unwrap(), [true]);
        let nobody =
            || Delivery { message: NewMessage::default(), recipients: Some(Recipients::default()), flaw: None };
        let next = database.deliver_next(Turn::New, 1, at(1), None, |_| Ok(nobody())).unwrap();
        assert_eq!(next, DELIVERED);
        let error = database.event(1).unwrap().unwrap().summary.error.unwrap();
        assert_eq!(error, "no recipient: every name comes to an empty text");
    }

    #[test]
    fn a_failure_of_one_relay_does_not_undo_the_delivery_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let one = Arrived { custom_id: "a".into(), body: b"{}".into(), at: at(1) };
        assert_eq!(database.add_events(&[one], Duration::ZERO).unwrap(), [true]);
        let fails = |_: &WaitingEvent| Err("no subscription".to_owned());
        let Next::Failed { id, attempts, .. } = database.deliver_next(Turn::New, 1, at(1), None, fails).unwrap() else {
            panic!("it fails")
        };
        let nobody = Delivery { message: NewMessage::default(), recipients: None, flaw: None };
        let mut other = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        assert_eq!(other.deliver_next(Turn::New, 1, at(1), None, |_| Ok(nobody.clone())).unwrap(), DELIVERED);
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
        let delivered = Next::Delivered { events: 1, more: false };
        assert_eq!(database.deliver_next(Turn::New, 9, at(10), Some(&known), deliver).unwrap(), delivered);
        assert_eq!(database.next_retry(at(10), Some(&known)).unwrap(), None);
        assert_eq!(database.next_retry(at(10), Some(&[])).unwrap(), None);
        let later = at(LEFT_TO_OTHERS + 2);
        assert_eq!(database.next_retry(later, Some(&known)).unwrap(), Some(at(0)), "nobody has known it");
    }

    #[test]
    fn a_delivery_ends_when_it_comes_to_many_messages() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let first = database.add_user("demo", "sid-of-darth", "Darth", "Vader").unwrap();
        let others =
            "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 3000)
            INSERT INTO users (brand_id, first_name, last_name) SELECT ?1, 'A', 'User' FROM numbers";
        database.connection.execute(others, params![first.brand_id]).unwrap();
        let all = "INSERT INTO memberships (user_id, group_name) SELECT id, 'all' FROM users";
        database.connection.execute(all, &[]).unwrap();
        let arrived = ["1", "2", "3", "4"].map(|id| Arrived { custom_id: id.into(), body: b"{}".into(), at: at(1) });
        assert_eq!(database.add_events(&arrived, Duration::ZERO).unwrap(), [true; 4]);
        let deliver = |event: &WaitingEvent| {
            let group = if event.custom_id == "4" { "nobody" } else { "all" };
            let recipients = Some(Recipients { groups: vec![group.into()], ..Recipients::default() });
            Ok(Delivery { message: NewMessage::default(), recipients, flaw: None })
        };
        let mut next = |most| database.deliver_next(Turn::New, most, at(1), None, deliver).unwrap();
        assert_eq!(next(9), Next::Delivered { events: 2, more: true });
        assert_eq!(next(9), Next::Delivered { events: 2, more: false });
        let count = "SELECT count(*) FROM messages";
        assert_eq!(database.connection.query_one(count, &[], |row| row.get(0)).unwrap(), Some(3 * 3001_i64));
    }

    #[test]
    fn a_delivery_ends_when_it_comes_to_many_bytes_and_large_ones_are_all_stored() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        for number in 0..100 {
            let user = database.add_user("demo", &format!("sid-{number}"), "A", "User").unwrap();
            database.name_user(user.id, &number.to_string(), &["all".into()]).unwrap();
        }
        let arrived = ["1", "2", "3"].map(|id| Arrived { custom_id: id.into(), body: b"{}".into(), at: at(1) });
        assert_eq!(database.add_events(&arrived, Duration::ZERO).unwrap(), [true; 3]);
        let recipients = Some(Recipients { groups: vec!["all".into()], ..Recipients::default() });
        let message = NewMessage { body: "x".repeat(256 << 10), ..NewMessage::default() };
        let deliver =
            |_: &WaitingEvent| Ok(Delivery { message: message.clone(), recipients: recipients.clone(), flaw: None });
        let mut next = || database.deliver_next(Turn::New, 9, at(1), None, deliver).unwrap();
        assert_eq!(next(), Next::Delivered { events: 2, more: true });
        assert_eq!(next(), Next::Delivered { events: 1, more: false });
        let count = "SELECT count(DISTINCT user_id), count(*) FROM messages";
        let count = database.connection.query_one(count, &[], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(count, Some((100_i64, 300_i64)));
    }

    #[test]
    fn a_try_that_was_survived_counts_only_while_the_event_waits() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let one = Arrived { custom_id: "a".into(), body: b"{}".into(), at: at(1) };
        assert_eq!(database.add_events(&[one], Duration::ZERO).unwrap(), [true]);
        assert_eq!(database.count_try(Turn::New, at(1), None).unwrap(), Some((1, 0)));
        database.survived_try(1).unwrap();
        database.survived_try(1).unwrap();
        assert_eq!(database.count_try(Turn::New, at(1), None).unwrap(), Some((1, 0)));
        assert!(database.event_failed(1, 1, "an error", None).unwrap());
        database.survived_try(1).unwrap();
        assert_eq!(database.event(1).unwrap().unwrap().summary.attempts, 2);
    }
}
