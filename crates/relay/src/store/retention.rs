//! What is deleted for its age, a lot at a time: whoever stores or asks something meanwhile waits for one lot at most.

use jiff::Timestamp;

use super::{Database, LIST, list, params};
use crate::Error;

/// One kind of what is deleted for its age. Each says what its index is of, and is deleted in the index's order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TooOld {
    from: &'static str,
    condition: &'static str,
    age: &'static str,
    before: i64,
}

impl TooOld {
    /// Events that came before then and were delivered without a flaw. Their messages stay, as those of the others do.
    pub(crate) fn delivered(before: Timestamp) -> Self {
        Self::events("state = 'delivered' AND flagged = 0", before)
    }

    /// Events that came before then and failed.
    pub(crate) fn failed(before: Timestamp) -> Self {
        Self::events("state = 'failed'", before)
    }

    /// Events that came before then and are flagged, unless they wait to be delivered anew.
    pub(crate) fn flagged(before: Timestamp) -> Self {
        Self::events("flagged <> 0 AND state <> 'waiting'", before)
    }

    /// Messages that were read before then.
    pub(crate) fn read(before: Timestamp) -> Self {
        Self { from: "messages", condition: "read_at IS NOT NULL", age: "read_at", before: before.as_second() }
    }

    /// Messages that had expired by then.
    pub(crate) fn expired(by: Timestamp) -> Self {
        Self { from: "messages", condition: "expires IS NOT NULL", age: "expires", before: by.as_second() + 1 }
    }

    fn events(condition: &'static str, before: Timestamp) -> Self {
        Self { from: "events", condition, age: "received", before: before.as_millisecond() }
    }

    /// The oldest, each with how many messages are written anew when it goes.
    fn query(self) -> String {
        let Self { from, condition, age, .. } = self;
        let messages = if from == "events" {
            format!(
                "(SELECT count(*) FROM (SELECT 1 FROM messages WHERE event_id = events.id LIMIT {MESSAGES}) AS its)"
            )
        } else {
            "1".into()
        };
        format!("SELECT id, {messages} FROM {from} WHERE {condition} AND {age} < ?1 ORDER BY {age} LIMIT ?2")
    }
}

/// A lot ends when it comes to so many messages: those of an event stay, and are written anew without it.
const MESSAGES: i64 = 2048;

impl Database {
    /// Deletes the oldest of what is too old, at most so many and [`LIST`]; answers whether there may be more.
    pub(crate) fn delete_lot(&mut self, what: TooOld, most: usize) -> Result<bool, Error> {
        let most = most.min(LIST);
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let mut transaction = self.connection.transaction()?;
        // What another relay deletes just now is left to it.
        let query = format!("{} {}", what.query(), transaction.skip_locked());
        let found = transaction.query(&query, params![what.before, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut messages = 0;
        let fits = |(_, its): &&(i64, i64)| {
            let is_first = messages == 0;
            messages += its;
            is_first || messages <= MESSAGES
        };
        let ids: Vec<i64> = found.iter().take_while(fits).map(|(id, _)| *id).collect();
        if !ids.is_empty() {
            let mut parameters = Vec::new();
            let list = list(&mut parameters, &ids);
            transaction.execute(&format!("DELETE FROM {} WHERE id IN ({list})", what.from), &parameters)?;
        }
        transaction.commit()?;
        Ok(found.len() == most || ids.len() < found.len())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        NewMessage, Recipients,
        store::{Arrived, Delivery, Fault, Next, Turn, Wanted},
    };

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    #[test]
    fn only_what_was_delivered_without_a_flaw_is_deleted_and_its_messages_stay() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let user = database.add_user("demo", "sid-of-darth", "Darth", "Vader").unwrap();
        database.name_user(user.id, "darth", &[]).unwrap();
        let recipients = |name: &str| Some(Recipients { users: vec![name.into()], ..Recipients::default() });
        for (received, name) in [(1, Some("darth")), (2, Some("nobody")), (3, None), (9, Some("darth"))] {
            let one = Arrived { custom_id: "a".into(), body: b"{}".into(), at: at(received) };
            assert_eq!(database.add_events(&[one], Duration::ZERO).unwrap(), [true]);
            let Some(name) = name else {
                let failed =
                    database.deliver_next(Turn::New, 1, at(received), None, |_| Err("an error".into())).unwrap();
                let error = "an error".to_owned();
                assert_eq!(failed, Next::Failed { of: 1, id: 3, attempts: 0, error, fault: Fault::ForGood });
                assert!(database.event_failed(3, 0, "an error", None).unwrap());
                continue;
            };
            let message = NewMessage { title: "A title".into(), ..NewMessage::default() };
            let delivery = Delivery { message, recipients: recipients(name), flaw: None };
            assert_eq!(
                database.deliver_next(Turn::New, 1, at(received), None, |_| Ok(delivery.clone())).unwrap(),
                Next::Delivered { events: 1, more: true }
            );
        }
        let mut left = |delivered, failed| {
            for what in [TooOld::delivered(at(delivered)), TooOld::failed(at(failed)), TooOld::flagged(at(failed))] {
                while database.delete_lot(what, 1).unwrap() {}
            }
            database.events(false, 10).unwrap().into_iter().map(|event| event.id).collect::<Vec<_>>()
        };
        assert_eq!(left(9, 2), [4, 3, 2]);
        assert_eq!(left(9, 3), [4, 3], "the flagged one has its own time");
        assert_eq!(left(9, 9), [4]);
        assert!(!database.is_empty(user.id).unwrap());
    }

    #[test]
    fn what_was_read_or_has_expired_goes_lot_by_lot() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let user = database.add_user("demo", "sid-of-darth", "Darth", "Vader").unwrap();
        let second = |second| Timestamp::from_second(second).unwrap();
        for number in 0..7 {
            let (read, expires) = (number < 3, (number > 4).then(|| second(20 + number)));
            let (title, date) = (number.to_string(), Some(second(number)));
            let message = NewMessage { title, read, date, expires, ..NewMessage::default() };
            database.add_message(user.id, message, second(9)).unwrap();
        }
        let mut left = |read: Option<Timestamp>, expired| {
            let mut lots = 0;
            for what in read.map(TooOld::read).into_iter().chain([TooOld::expired(second(expired))]) {
                while database.delete_lot(what, 1).unwrap() {
                    lots += 1;
                }
            }
            let titles =
                database.messages(user.id, Wanted::default(), 10, second(0), |stored| stored.message.title).unwrap();
            (lots, titles.join(" "))
        };
        assert_eq!(left(None, 10), (0, "6 5 4 3 2 1 0".into()));
        assert_eq!(left(Some(second(2)), 10), (2, "6 5 4 3 2".into()));
        assert_eq!(left(Some(second(2)), 26), (2, "4 3 2".into()));
    }

    #[test]
    fn a_lot_ends_when_it_comes_to_many_messages() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let first = database.add_user("demo", "sid-of-darth", "Darth", "Vader").unwrap();
        let numbers =
            "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?1)";
        let users = format!(
            "{numbers} INSERT INTO users (brand_id, first_name, last_name) SELECT ?2, 'A', 'User' FROM numbers"
        );
        database.connection.execute(&users, params![3000_i64, first.brand_id]).unwrap();
        let events = format!(
            "{numbers} INSERT INTO events (id, custom_id, body, body_digest, received, state)
             SELECT number, 'a', CAST('{{}}' AS BLOB), x'00', number, 'delivered' FROM numbers"
        );
        database.connection.execute(&events, params![9_i64]).unwrap();
        // The second goes to more than fit into one lot, and each of the others to a third of one.
        let messages =
            "INSERT INTO messages (user_id, kind, title, body, preview, footer, data, silent, date, event_id)
            SELECT users.id, 'message', '', '', '', '', '{}', 0, 0, events.id FROM users JOIN events
            ON events.id = 2 OR users.id < ?1 + 682";
        database.connection.execute(messages, params![first.id]).unwrap();
        let mut lots = Vec::new();
        loop {
            let more = database.delete_lot(TooOld::delivered(at(9)), 500).unwrap();
            lots.push(database.events(false, 10).unwrap().len());
            if !more {
                break;
            }
        }
        assert_eq!(lots, [8, 7, 4, 1]);
        let left = "SELECT count(*), count(event_id) FROM messages";
        let left = database.connection.query_one(left, &[], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(left, Some((3001 + 8 * 682_i64, 682_i64)), "all are there");
    }

    #[test]
    fn what_is_too_old_failed_or_waiting_is_found_by_its_index() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let kinds = [TooOld::delivered, TooOld::failed, TooOld::flagged, TooOld::read, TooOld::expired];
        let mut questions = kinds.map(|kind| kind(at(0)).query()).to_vec();
        questions.extend(crate::store::outbox::COUNTED.map(str::to_owned));
        let expected = [
            "SEARCH events USING INDEX events_delivered (received<?)",
            "SEARCH events USING INDEX events_failed (received<?)",
            "SEARCH events USING INDEX events_flagged (received<?)",
            "SEARCH messages USING INDEX messages_read (read_at>? AND read_at<?)",
            "SEARCH messages USING INDEX messages_by_expiry (expires>? AND expires<?)",
            // All that is in these waits, has failed or is flagged.
            "SCAN events USING INDEX events_waiting",
            "SCAN events USING INDEX events_failed",
            "SCAN events USING INDEX events_flagged",
            "SCAN outbox",
        ];
        for (question, expected) in questions.iter().zip(expected) {
            let explain = format!("EXPLAIN QUERY PLAN {question}");
            let parameters = if question.contains("?1") { params![1_i64, 1_i64].to_vec() } else { Vec::new() };
            let plan = database.connection.query(&explain, &parameters, |row| row.get::<String>(3)).unwrap();
            let plan: Vec<String> = plan.iter().map(|step| step.replace("COVERING ", "")).collect();
            assert_eq!(plan[0], expected, "{question}: {plan:?}");
            let of_messages = "SEARCH messages USING INDEX messages_by_event (event_id=?)";
            let of_its_messages = |step: &String| step == of_messages || !step.contains("messages");
            assert!(plan[1..].iter().all(of_its_messages), "{question}: {plan:?}");
        }
    }
}
