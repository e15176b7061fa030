//! Messages and their read marks. Each question is answered for one user only: there is no way to ask for another's.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Connection, Database, LIST, Row, Value, list, params};
use crate::{Button, Error, Kind, NewMessage};

/// A message with what the store added to it.
#[derive(Debug, Clone)]
pub(crate) struct StoredMessage {
    pub(crate) id: i64,
    pub(crate) user_id: i64,
    pub(crate) date: Timestamp,
    /// How often it was written anew.
    pub(crate) renewals: i64,
    /// As it was sent, `read` as it is now.
    pub(crate) message: NewMessage,
}

/// Which messages are asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    pub(crate) unread_only: bool,
    pub(crate) inbox_only: bool,
    /// Those behind the one of this date, in seconds, and id.
    pub(crate) before: Option<(i64, i64)>,
}

/// What a read mark did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marked {
    /// It was unread before.
    Now,
    /// It was read before.
    Already,
    /// The user has no such message.
    Unknown,
}

/// What [`read_message`] reads, in this order.
pub(super) const COLUMNS: &str = "messages.id, user_id, kind, title, body, preview, footer, data, silent,
    first_button_text, first_button_link, second_button_text, second_button_link, image, date, expires, read_at,
    messages.renewals";
const OF_USER: &str = "FROM messages WHERE user_id = ?1 AND (expires IS NULL OR expires > ?2)";

impl Database {
    /// Stores a message that has been checked, and answers as it will be served.
    pub(crate) fn add_message(
        &mut self,
        user_id: i64,
        message: NewMessage,
        now: Timestamp,
    ) -> Result<StoredMessage, Error> {
        let mut transaction = self.connection.transaction()?;
        let stored = insert(&mut transaction, user_id, message, now)?.ok_or(Error::UnknownUser)?;
        transaction.commit()?;
        Ok(stored)
    }

    /// What `keep` makes of the user's newest messages that have not expired. They are read one by one: whoever keeps a
    /// part of each never has all of them in memory.
    pub(crate) fn messages<T>(
        &mut self,
        user_id: i64,
        wanted: Wanted,
        limit: usize,
        now: Timestamp,
        mut keep: impl FnMut(StoredMessage) -> T,
    ) -> Result<Vec<T>, Error> {
        let unread = if wanted.unread_only { "AND read_at IS NULL" } else { "" };
        let inbox = if wanted.inbox_only { "AND kind = 'inbox'" } else { "" };
        let query = format!(
            "SELECT {COLUMNS} {OF_USER} {unread} {inbox} AND (date, id) < (?4, ?5) ORDER BY date DESC, id DESC LIMIT ?3"
        );
        let (date, id) = wanted.before.unwrap_or((i64::MAX, i64::MAX));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let parameters = params![user_id, now.as_second(), limit, date, id];
        self.connection.query(&query, parameters, |row| Ok(keep(read_message(row)?)))
    }

    /// One message of the user, unless it has expired.
    pub(crate) fn message(&mut self, user_id: i64, id: i64, now: Timestamp) -> Result<Option<StoredMessage>, Error> {
        let query = format!("SELECT {COLUMNS} {OF_USER} AND id = ?3");
        self.connection.query_one(&query, params![user_id, now.as_second(), id], read_message)
    }

    /// Whether the user has never been sent anything.
    pub(crate) fn is_empty(&mut self, user_id: i64) -> Result<bool, Error> {
        let query = "SELECT NOT EXISTS (SELECT 1 FROM messages WHERE user_id = ?1)";
        self.connection.exists(query, params![user_id])
    }

    /// Marks one message of the user as read.
    pub(crate) fn mark_read(&mut self, user_id: i64, id: i64, now: Timestamp) -> Result<Marked, Error> {
        let unread = "UPDATE messages SET read_at = ?3 WHERE id = ?2 AND user_id = ?1 AND read_at IS NULL";
        if self.connection.execute(unread, params![user_id, id, now.as_second()])? > 0 {
            return Ok(Marked::Now);
        }
        let there = "SELECT EXISTS (SELECT 1 FROM messages WHERE id = ?2 AND user_id = ?1)";
        let there = self.connection.exists(there, params![user_id, id])?;
        Ok(if there { Marked::Already } else { Marked::Unknown })
    }
}

/// A message that comes of an event. A user has one message of an event.
pub(super) struct EventMessage {
    pub(super) event_id: i64,
    pub(super) message: NewMessage,
    /// Whom it is for.
    pub(super) users: Arc<[i64]>,
    /// One that is there already says anew what it says; its date stays, and whether it was read.
    pub(super) renew: bool,
}

impl EventMessage {
    /// About how many bytes are stored for each user.
    pub(super) fn size(&self) -> usize {
        let NewMessage { title, body, preview, footer, .. } = &self.message;
        512 + title.len() + body.len() + preview.len() + footer.len()
    }
}

/// Messages of one statement, for how many users each time, and how much is written by it.
const MESSAGES: usize = 32;
const TARGETS: usize = 1024;
const BYTES: usize = 8 << 20;

/// Stores a message that has been checked; nothing when there is no such user.
pub(super) fn insert(
    connection: &mut Connection,
    user_id: i64,
    message: NewMessage,
    now: Timestamp,
) -> Result<Option<StoredMessage>, Error> {
    let date = message.date.unwrap_or(now);
    let id = store(connection, &[(&message, None)], &[(0, user_id)], "NOTHING", now)?.pop();
    Ok(id.map(|id| StoredMessage { id, user_id, date, renewals: 0, message }))
}

/// Stores messages of events for their users, who may be gone meanwhile, in their order and with few statements.
pub(super) fn insert_all(connection: &mut Connection, all: &[EventMessage], now: Timestamp) -> Result<(), Error> {
    for alike in all.chunk_by(|one, next| one.renew == next.renew) {
        let conflict = if alike[0].renew {
            "UPDATE SET kind = excluded.kind, title = excluded.title, body = excluded.body, preview = excluded.preview,
                silent = excluded.silent, first_button_text = excluded.first_button_text,
                first_button_link = excluded.first_button_link, expires = excluded.expires,
                renewals = messages.renewals + 1"
        } else {
            "NOTHING"
        };
        let (mut messages, mut targets, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut store = |messages: &mut Vec<_>, targets: &mut Vec<_>| {
            store(connection, messages, targets, conflict, now)?;
            messages.clear();
            targets.clear();
            Ok::<(), Error>(())
        };
        for one in alike {
            let size = one.size();
            for users in one.users.chunks((BYTES / size).clamp(1, TARGETS)) {
                let is_full = targets.len() + users.len() > TARGETS || bytes + size * users.len() > BYTES;
                if messages.len() == MESSAGES || (is_full && !messages.is_empty()) {
                    store(&mut messages, &mut targets)?;
                    bytes = 0;
                }
                bytes += size * users.len();
                targets.extend(users.iter().map(|user| (messages.len(), *user)));
                messages.push((&one.message, Some(one.event_id)));
            }
        }
        if !messages.is_empty() {
            store(&mut messages, &mut targets)?;
        }
    }
    Ok(())
}

/// Messages, with the event each comes of, and for each target its place among them and the user. Those that are new, or written
/// anew, and not read are to be published. Answers their ids.
fn store(
    connection: &mut Connection,
    messages: &[(&NewMessage, Option<i64>)],
    targets: &[(usize, i64)],
    conflict: &str,
    now: Timestamp,
) -> Result<Vec<i64>, Error> {
    let (insert, parameters) = insertion(messages, targets, conflict, now)?;
    let stored = connection.query(&insert, &parameters, |row| row.get(0))?;
    for ids in stored.chunks(LIST) {
        let mut parameters = params![now.as_second()].to_vec();
        let ids = list(&mut parameters, ids);
        let publish = format!(
            "INSERT INTO outbox (message_id, since, renewals) SELECT id, CAST(?1 AS BIGINT), renewals FROM messages
             WHERE id IN ({ids}) AND read_at IS NULL ON CONFLICT (message_id)
             DO UPDATE SET since = excluded.since, renewals = excluded.renewals, publish_after = 0"
        );
        connection.execute(&publish, &parameters)?;
    }
    Ok(stored)
}

/// The columns of a message that is written, but for its user, and of which kind each is.
const FIELDS: [(&str, &str); 16] = [
    ("kind", "TEXT"),
    ("title", "TEXT"),
    ("body", "TEXT"),
    ("preview", "TEXT"),
    ("footer", "TEXT"),
    ("data", "TEXT"),
    ("silent", "BIGINT"),
    ("first_button_text", "TEXT"),
    ("first_button_link", "TEXT"),
    ("second_button_text", "TEXT"),
    ("second_button_link", "TEXT"),
    ("image", "TEXT"),
    ("date", "BIGINT"),
    ("expires", "BIGINT"),
    ("read_at", "BIGINT"),
    ("event_id", "BIGINT"),
];

fn insertion(
    messages: &[(&NewMessage, Option<i64>)],
    targets: &[(usize, i64)],
    conflict: &str,
    now: Timestamp,
) -> Result<(String, Vec<Value>), Error> {
    let (mut parameters, mut written, mut aimed) = (Vec::new(), Vec::new(), Vec::new());
    // Both up to a power of two, by messages that nobody gets and by nobody, so that there are few different statements to
    // prepare.
    let fields = messages.iter().map(|(message, event_id)| fields(message, *event_id, now));
    let no_fields = std::iter::repeat_with(|| Ok([const { Value::Null }; FIELDS.len()]));
    for (place, fields) in fields.chain(no_fields).take(messages.len().next_power_of_two()).enumerate() {
        // What a parameter is cannot be seen here, so each says it.
        let places = FIELDS.iter().zip(parameters.len() + 1..).map(|((_, kind), at)| format!("CAST(?{at} AS {kind})"));
        written.push(format!("({place}, {})", places.collect::<Vec<_>>().join(", ")));
        parameters.extend(fields?);
    }
    let nobody = std::iter::repeat((0, Value::Null));
    let targets = targets.iter().map(|(place, user)| (*place, Value::from(*user)));
    let count = targets.len().next_power_of_two();
    for (place, user) in targets.chain(nobody).take(count) {
        let at = parameters.len() + 1;
        aimed.push(format!("(CAST(?{at} AS BIGINT), CAST(?{} AS BIGINT))", at + 1));
        parameters.extend([i64::try_from(place).unwrap_or(i64::MAX).into(), user]);
    }
    let columns = FIELDS.map(|(name, _)| name).join(", ");
    let insert = format!(
        "WITH written (place, {columns}) AS (VALUES {}), target (place, user_id) AS (VALUES {})
         INSERT INTO messages (user_id, {columns}) SELECT users.id, {columns}
         FROM target JOIN written ON written.place = target.place JOIN users ON users.id = target.user_id
         WHERE TRUE ORDER BY written.place
         ON CONFLICT (event_id, user_id) WHERE event_id IS NOT NULL DO {conflict} RETURNING id",
        written.join(", "),
        aimed.join(", "),
    );
    Ok((insert, parameters))
}

fn fields(message: &NewMessage, event_id: Option<i64>, now: Timestamp) -> Result<[Value; FIELDS.len()], Error> {
    let date = message.date.unwrap_or(now);
    let extra = serde_json::to_string(&message.data).map_err(|error| Error::Input(format!("data: {error}")))?;
    let text = |text: &str| Value::from(text);
    let button = |index: usize| message.buttons.get(index);
    Ok([
        text(message.kind.name()),
        text(&message.title),
        text(&message.body),
        text(&message.preview),
        text(&message.footer),
        extra.into(),
        message.silent.into(),
        button(0).map(|it| &it.text).into(),
        button(0).map(|it| &it.link).into(),
        button(1).map(|it| &it.text).into(),
        button(1).map(|it| &it.link).into(),
        message.image.as_ref().into(),
        date.as_second().into(),
        message.expires.map(Timestamp::as_second).into(),
        message.read.then(|| date.as_second()).into(),
        event_id.into(),
    ])
}

pub(super) fn read_message(row: &Row) -> Result<StoredMessage, Error> {
    let buttons = [(9, 10), (11, 12)].into_iter().map(|(text, link)| {
        Ok(row.get::<Option<String>>(text)?.zip(row.get(link)?).map(|(text, link)| Button { text, link }))
    });
    let message = NewMessage {
        kind: Kind::from_name(&row.get::<String>(2)?).unwrap_or_default(),
        title: row.get(3)?,
        body: row.get(4)?,
        preview: row.get(5)?,
        footer: row.get(6)?,
        // It was written from such an object; a row that was tampered with loses its extra fields, not the list.
        data: serde_json::from_str(&row.get::<String>(7)?).unwrap_or_default(),
        silent: row.get(8)?,
        buttons: buttons.filter_map(Result::transpose).collect::<Result<_, Error>>()?,
        image: row.get(13)?,
        read: row.get::<Option<i64>>(16)?.is_some(),
        date: None,
        expires: row.get::<Option<i64>>(15)?.map(timestamp),
    };
    Ok(StoredMessage {
        id: row.get(0)?,
        user_id: row.get(1)?,
        date: timestamp(row.get(14)?),
        renewals: row.get(17)?,
        message,
    })
}

fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_message_of_an_event_is_stored_once_for_each_user_in_the_events_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let first = database.add_user("demo", "sid-of-user-0", "A", "User").unwrap();
        let others =
            "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 2500)
            INSERT INTO users (brand_id, first_name, last_name) SELECT ?1, 'A', 'User' FROM numbers";
        database.connection.execute(others, params![first.brand_id]).unwrap();
        for id in 1..=40_i64 {
            let event = "INSERT INTO events (id, custom_id, body, body_digest, received) VALUES (?1, 'a', ?2, ?2, 0)";
            database.connection.execute(event, params![id, &b"{}"[..]]).unwrap();
        }
        let everybody: Arc<[i64]> = (0..2501).map(|number| first.id + number).collect();
        let one: Arc<[i64]> = [first.id, i64::MAX].into();
        let messages = |title: &str, renew: bool| {
            let message = |event_id: i64| EventMessage {
                event_id,
                message: NewMessage {
                    title: format!("{title} {event_id}"),
                    date: Some(at(1)),
                    ..NewMessage::default()
                },
                users: Arc::clone(if event_id == 20 { &everybody } else { &one }),
                renew: renew && event_id % 2 == 0,
            };
            (1..=40).map(message).collect::<Vec<_>>()
        };
        insert_all(&mut database.connection, &messages("Event", false), at(2)).unwrap();
        let mut listed =
            |user_id| database.messages(user_id, Wanted::default(), 99, at(2), |stored| stored.message.title).unwrap();
        let expected: Vec<_> = (1..=40).rev().map(|id| format!("Event {id}")).collect();
        assert_eq!(listed(first.id), expected);
        assert_eq!((listed(first.id + 1), listed(first.id + 2500)), (vec!["Event 20".into()], vec!["Event 20".into()]));
        insert_all(&mut database.connection, &messages("Anew", true), at(3)).unwrap();
        let query = "SELECT count(*), sum(renewals) FROM messages";
        let read = |row: &Row| Ok((row.get(0)?, row.get(1)?));
        let counted = database.connection.query_one(query, &[], read).unwrap();
        assert_eq!(counted, Some((2501 + 39_i64, 2501 + 19_i64)), "each is there once, and every other says it anew");
    }

    #[test]
    fn a_list_goes_on_where_the_one_before_ended() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let user = database.add_user("demo", "sid-of-darth", "Darth", "Vader").unwrap();
        let other = database.add_user("demo", "sid-of-luke", "Luke", "Skywalker").unwrap();
        for (number, date, read) in [(1, 1, false), (2, 2, true), (3, 7, false), (4, 7, false), (5, 7, true)] {
            let message = NewMessage { title: number.to_string(), read, ..NewMessage::default() };
            database.add_message(user.id, message.clone(), at(date)).unwrap();
            database.add_message(other.id, message, at(date)).unwrap();
        }
        let mut listed = |limit, unread_only, before: Option<(i64, i64)>| {
            let wanted = Wanted { unread_only, before, ..Wanted::default() };
            database.messages(user.id, wanted, limit, at(9), |stored| stored.message.title).unwrap().join(" ")
        };
        assert_eq!(listed(9, false, None), "5 4 3 2 1");
        assert_eq!(listed(2, false, None), "5 4");
        assert_eq!(listed(9, true, None), "4 3 1");
        // Ids go by two: each message is the other user's too.
        assert_eq!(listed(9, true, Some((7, 7))), "3 1");
        assert_eq!(listed(9, false, Some((7, 5))), "2 1");
        assert_eq!(listed(9, true, Some((1, 1))), "");
    }
}
