//! Which messages have not been handed to the channels yet.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{
    Connection, Database, LIST, StoredMessage, User, list,
    messages::{COLUMNS, read_message},
    params,
    users::read_user_at,
};
use crate::Error;

/// How much waits, or is left for the operator: up to a million of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// Events that wait for their delivery.
    pub(crate) waiting: i64,
    pub(crate) failed: i64,
    pub(crate) flagged: i64,
    /// Messages that wait for the channels.
    pub(crate) unpublished: i64,
}

/// What [`Backlog`] counts, in its order. Each has an index of its own, and is asked for in the index's order: PostgreSQL might
/// not see by itself how few they are.
pub(super) const COUNTED: [&str; 4] = [
    "SELECT id FROM events WHERE state = 'waiting' ORDER BY retry_at, id LIMIT 1000000",
    "SELECT received FROM events WHERE state = 'failed' ORDER BY received LIMIT 1000000",
    "SELECT received FROM events WHERE flagged <> 0 ORDER BY received LIMIT 1000000",
    "SELECT message_id FROM outbox ORDER BY message_id LIMIT 1000000",
];

/// A relay that has not published what it has in hand by then is taken for dead.
const IN_HAND_SECONDS: i64 = 30;

impl Database {
    /// The first messages that are to be published, with whose they are. They are in this relay's hand from now on: where
    /// several share the work, each takes others. What waits since before `since`, is read or has expired is not published
    /// any more: in its place is nothing.
    pub(crate) fn unpublished(
        &mut self,
        since: Timestamp,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Option<(User, StoredMessage)>>, Error> {
        let mut transaction = self.connection.passing_transaction()?;
        // One relay alone has whatever it finds, also what it had in hand when it was killed.
        let (free, lock) = match transaction.skip_locked() {
            "" => ("", ""),
            lock => ("WHERE publish_after <= ?2", lock),
        };
        let query = format!("SELECT message_id, since FROM outbox {free} ORDER BY message_id LIMIT ?1 {lock}");
        let parameters = params![limit, now.as_second()];
        let parameters = if free.is_empty() { &parameters[..1] } else { parameters };
        let waiting = transaction.query(&query, parameters, |row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?)))?;
        // By themselves: joined with these, PostgreSQL might read all messages for a few.
        let mut messages = HashMap::new();
        for waiting in waiting.chunks(LIST) {
            let mut parameters = Vec::new();
            let ids: Vec<i64> = waiting.iter().map(|(id, _)| *id).collect();
            let ids = list(&mut parameters, &ids);
            let query = format!(
                "SELECT {COLUMNS}, users.id, brands.id, brands.name, users.first_name, users.last_name FROM messages
                 JOIN users ON users.id = messages.user_id JOIN brands ON brands.id = users.brand_id
                 WHERE messages.id IN ({ids})"
            );
            transaction.each(&query, &parameters, |row| {
                let (user, stored) = (read_user_at(row, 18)?, read_message(row)?);
                messages.insert(stored.id, (user, stored));
                Ok(())
            })?;
        }
        let (mut stale, mut in_hand) = (Vec::new(), Vec::new());
        let found = waiting.into_iter().map(|(id, waits_since)| {
            let found = messages.remove(&id).filter(|(_, stored)| {
                let has_expired = stored.message.expires.is_some_and(|expires| expires <= now);
                waits_since >= since.as_second() && !stored.message.read && !has_expired
            });
            (if found.is_some() { &mut in_hand } else { &mut stale }).push(id);
            found
        });
        let found = found.collect();
        if !free.is_empty() {
            in_hand_until(&mut transaction, &in_hand, now.as_second() + IN_HAND_SECONDS)?;
        }
        for ids in stale.chunks(LIST) {
            let mut parameters = Vec::new();
            let ids = list(&mut parameters, ids);
            transaction.execute(&format!("DELETE FROM outbox WHERE message_id IN ({ids})"), &parameters)?;
        }
        transaction.commit()?;
        Ok(found)
    }

    /// How much there is to do, and to look at.
    pub(crate) fn backlog(&mut self) -> Result<Backlog, Error> {
        let mut counts = [0; COUNTED.len()];
        for (count, what) in counts.iter_mut().zip(COUNTED) {
            let query = format!("SELECT count(*) FROM ({what}) AS counted");
            let counted = self.connection.query_one(&query, &[], |row| row.get(0))?;
            *count = counted.unwrap_or_default();
        }
        let [waiting, failed, flagged, unpublished] = counts;
        Ok(Backlog { waiting, failed, flagged, unpublished })
    }

    /// They could not be handed over: any relay may try again.
    pub(crate) fn not_published(&mut self, ids: &[i64]) -> Result<(), Error> {
        self.again_if_deadlocked(|database| {
            let mut transaction = database.connection.transaction()?;
            in_hand_until(&mut transaction, ids, 0)?;
            transaction.commit()
        })
    }

    /// They were handed over, as they were after so many renewals: what was written anew meanwhile is still to be.
    pub(crate) fn published(&mut self, messages: &[(i64, i64)]) -> Result<(), Error> {
        // A delivery may write some of them anew just now.
        self.again_if_deadlocked(|database| database.take_out(messages))
    }

    fn take_out(&mut self, messages: &[(i64, i64)]) -> Result<(), Error> {
        // One whose mark is lost is published twice.
        let mut transaction = self.connection.passing_transaction()?;
        // Few were written anew, and those by themselves.
        let of_renewals =
            |wanted: i64| messages.iter().filter(move |(_, renewals)| *renewals == wanted).map(|(id, _)| *id);
        let mut all: Vec<i64> = messages.iter().map(|(_, renewals)| *renewals).collect();
        all.sort_unstable();
        all.dedup();
        for renewals in all {
            for ids in of_renewals(renewals).collect::<Vec<_>>().chunks(LIST) {
                let mut parameters = params![renewals].to_vec();
                let ids = list(&mut parameters, ids);
                let statement = format!("DELETE FROM outbox WHERE renewals = ?1 AND message_id IN ({ids})");
                transaction.execute(&statement, &parameters)?;
            }
        }
        transaction.commit()
    }
}

fn in_hand_until(connection: &mut Connection, ids: &[i64], then: i64) -> Result<(), Error> {
    for ids in ids.chunks(LIST) {
        let mut parameters = params![then].to_vec();
        let ids = list(&mut parameters, ids);
        connection
            .execute(&format!("UPDATE outbox SET publish_after = ?1 WHERE message_id IN ({ids})"), &parameters)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        NewMessage, Recipients,
        store::{Arrived, Delivery, Turn},
    };

    type Found = [Option<(User, StoredMessage)>];

    #[test]
    fn what_is_written_anew_while_it_is_published_is_published_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let user = database.add_user("demo", "sid-of-darth", "Darth", "Vader").unwrap();
        database.name_user(user.id, "darth", &[]).unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let arrived = Arrived { custom_id: "a".into(), body: b"{}".into(), at: at(1) };
        database.add_events(&[arrived], Duration::ZERO).unwrap();
        let recipients = Some(Recipients { users: vec!["darth".into()], ..Recipients::default() });
        let delivery = |title: &str, flaw: Option<&str>| Delivery {
            message: NewMessage { title: title.into(), ..NewMessage::default() },
            recipients: recipients.clone(),
            flaw: flaw.map(str::to_owned),
        };
        database
            .deliver_next(Turn::New, 1, at(1), None, |_| Ok(delivery("before", Some("the template failed"))))
            .unwrap();
        let titles = |found: &Found| -> Vec<String> {
            found.iter().flatten().map(|(_, message)| message.message.title.clone()).collect()
        };
        let published = |found: &Found| found.iter().flatten().map(|(_, it)| (it.id, it.renewals)).collect::<Vec<_>>();

        let first = database.unpublished(at(0), 10, at(1)).unwrap();
        assert_eq!(titles(&first), ["before"]);
        assert!(database.replay_event(1, at(1)).unwrap());
        database.deliver_next(Turn::Again, 1, at(1), None, |_| Ok(delivery("after", None))).unwrap();
        database.published(&published(&first)).unwrap();
        let second = database.unpublished(at(0), 10, at(1)).unwrap();
        assert_eq!(titles(&second), ["after"]);
        database.published(&published(&second)).unwrap();
        assert!(database.unpublished(at(0), 10, at(1)).unwrap().is_empty());
    }

    #[test]
    fn what_is_old_read_or_expired_is_published_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let user = database.add_user("demo", "sid-of-darth", "Darth", "Vader").unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut send = |title: &str, second, expires: Option<i64>| {
            let message = NewMessage { title: title.into(), expires: expires.map(at), ..NewMessage::default() };
            database.add_message(user.id, message, at(second)).unwrap().id
        };
        let gone = send("gone", 20, None);
        send("old", 1, None);
        let read = send("read", 20, None);
        send("expired", 20, Some(30));
        send("current", 20, Some(31));
        database.mark_read(user.id, read, at(21)).unwrap();
        database.connection.execute("DELETE FROM messages WHERE id = ?1", params![gone]).unwrap();
        assert_eq!(database.backlog().unwrap().unpublished, 5);
        let found = database.unpublished(at(10), 10, at(30)).unwrap();
        let titles = found.iter().map(|found| found.as_ref().map(|(_, stored)| stored.message.title.as_str()));
        assert_eq!(titles.collect::<Vec<_>>(), [None, None, None, None, Some("current")]);
        assert_eq!(database.backlog().unwrap().unpublished, 1);
    }
}
