//! What is deleted for its age, a lot at a time: whoever stores or asks something meanwhile waits for one lot at most.

use jiff::Timestamp;

use super::{Connection, Database, params};
use crate::Error;

/// What came, or was read, before these is deleted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TooOld {
    /// For events that were delivered without a flaw. Their messages stay, as those of the others do.
    pub(crate) delivered: Timestamp,
    /// For those that failed or are flagged, unless they wait to be delivered anew.
    pub(crate) failed: Timestamp,
    /// For messages that were read, if they are deleted at all.
    pub(crate) read: Option<Timestamp>,
    /// Now: what expires by then is never shown again.
    pub(crate) expired: Timestamp,
}

impl Database {
    /// Deletes at most so many of what is too old of each kind; answers whether there may be more.
    pub(crate) fn delete_lot(&mut self, before: TooOld, most: u32) -> Result<bool, Error> {
        let TooOld { delivered, failed, read, expired } = before;
        let (delivered, failed) = (delivered.as_millisecond(), failed.as_millisecond());
        let connection = &mut self.connection;
        let mut is_full = false;
        let mut delete = |(from, condition): (&str, &str), before: i64| {
            is_full |= delete(connection, from, condition, before, most)? >= u64::from(most);
            Ok::<(), Error>(())
        };
        delete(DELIVERED, delivered)?;
        delete(FAILED, failed)?;
        delete(FLAGGED, failed)?;
        delete(EXPIRED, expired.as_second())?;
        if let Some(read) = read {
            delete(READ, read.as_second())?;
        }
        Ok(is_full)
    }
}

// Each says what its index is of.
const DELIVERED: (&str, &str) = ("events", "state = 'delivered' AND flagged = 0 AND received < ?1");
const FAILED: (&str, &str) = ("events", "state = 'failed' AND received < ?1");
const FLAGGED: (&str, &str) = ("events", "flagged <> 0 AND received < ?1 AND state <> 'waiting'");
const READ: (&str, &str) = ("messages", "read_at IS NOT NULL AND read_at < ?1");
const EXPIRED: (&str, &str) = ("messages", "expires IS NOT NULL AND expires <= ?1");

fn delete(connection: &mut Connection, from: &str, condition: &str, before: i64, most: u32) -> Result<u64, Error> {
    // What another relay deletes just now is left to it.
    let lock = connection.skip_locked();
    let statement = format!(
        "DELETE FROM {from} WHERE id IN (SELECT id FROM {from} WHERE {condition} LIMIT CAST(?2 AS BIGINT) {lock})"
    );
    connection.execute(&statement, params![before, most])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        NewMessage, Recipients,
        store::{Arrived, Delivery, Next, Wanted},
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
                let failed = database.deliver_next(1, at(received), None, |_| Err("an error".into())).unwrap();
                assert_eq!(failed, Next::Failed { id: 3, attempts: 0, error: "an error".into(), for_good: true });
                assert!(database.event_failed(3, 0, "an error", None).unwrap());
                continue;
            };
            let message = NewMessage { title: "A title".into(), ..NewMessage::default() };
            let delivery = Delivery { message, recipients: recipients(name), flaw: None };
            assert_eq!(
                database.deliver_next(1, at(received), None, |_| Ok(delivery.clone())).unwrap(),
                Next::Delivered(1)
            );
        }
        let mut left = |delivered, failed| {
            let before = TooOld { delivered: at(delivered), failed: at(failed), read: None, expired: at(0) };
            while database.delete_lot(before, 1).unwrap() {}
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
        let mut left = |read, expired| {
            let before = TooOld { delivered: at(0), failed: at(0), read, expired: second(expired) };
            let mut lots = 0;
            while database.delete_lot(before, 1).unwrap() {
                lots += 1;
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
    fn no_event_and_no_message_is_read_to_find_what_is_too_old_failed_or_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let select = |(from, condition): (&str, &str)| format!("SELECT id FROM {from} WHERE {condition} LIMIT 1");
        let mut questions = [DELIVERED, FAILED, FLAGGED, READ, EXPIRED].map(select).to_vec();
        questions.extend(crate::store::outbox::COUNTED[..3].iter().map(|&query| query.to_owned()));
        for question in questions {
            let explain = format!("EXPLAIN QUERY PLAN {question}");
            let parameters = if question.contains("?1") { params![1_i64].to_vec() } else { Vec::new() };
            let plan = database.connection.query(&explain, &parameters, |row| row.get::<String>(3)).unwrap();
            let by_index = |step: &String| step.contains("INDEX events_") || step.contains("INDEX messages_");
            assert!(!plan.is_empty() && plan.iter().all(by_index), "{question}: {plan:?}");
        }
    }
}
