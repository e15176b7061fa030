//! What the list shows: pages by key, searched or not, single rows, and the counts.

use std::fmt;

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row as SqlRow, ToSql};

use super::{
    Sql, Store, StoreError, micros, moment, row,
    search::{self, Asked},
};
use crate::{
    Event, Message, MessageId, Query, Row, Tab,
    link::{self, Judgement},
};

/// A page holds at most so many rows.
const MAX_ROWS: u32 = 200;

/// The columns [`list_row`] reads, in its order.
const ROW_COLUMNS: &str = "id, event, title, preview, date, read, buttons, problem, place";

/// The statement of [`Store::counts`]: `?1` now. It spells `read` out: `SQLite` finds no generated column in an index alone.
pub(super) const COUNTS: &str = "SELECT max(0, unread - gone_unread), max(0, total - gone) FROM tally, \
     (SELECT count(*) AS gone, coalesce(sum(coalesce(local_read, server_read) = 0), 0) AS gone_unread FROM message \
      WHERE expires <= ?1)";

/// How many messages the list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not read.
    pub unread: u64,
    /// All.
    pub total: u64,
}

impl Store {
    /// At most `limit` rows (bounded to 200) of what `query` asks for, newest first, from `cursor` on; with the cursor of
    /// the next page of the same query unless this is the last. Nothing expired is shown.
    pub fn page(
        &self,
        query: &Query,
        cursor: Option<&str>,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Vec<Row>, Option<String>), StoreError> {
        let limit = limit.clamp(1, MAX_ROWS);
        let cursor = cursor.map(|cursor| parse_cursor(cursor).ok_or(StoreError::BadCursor)).transpose()?;
        // One more than asked for, to know whether there is a next page.
        let more = limit + 1;
        let now = micros(now);
        let since = query.since.map_or(i64::MIN, micros);
        let until = query.until.map_or(i64::MAX, micros);
        let asked = search::asked(&query.text);
        let mut found = match (&asked, &cursor) {
            (Asked::Nothing, _) => Vec::new(),
            (Asked::Anything, None | Some(Cursor::Listed(..))) => {
                // No id is before the empty one: the cursor of a date is before everything of that date.
                let until = (until, String::new());
                let (date, id) = match cursor {
                    Some(Cursor::Listed(date, id)) => (date, id).min(until),
                    _ => until,
                };
                self.rows(&list_sql(query), &[&now, &more, &since, &date, &id])?
            }
            (Asked::Match(words), None | Some(Cursor::Found(_))) => {
                let lowest = query.since.map_or(i64::MIN, |since| search::first_place(micros(since)));
                let highest = query.until.map_or(i64::MAX, |until| search::beyond(micros(until)));
                let highest = match cursor {
                    Some(Cursor::Found(place)) => highest.min(place),
                    _ => highest,
                };
                self.rows(&search_sql(query), &[&now, &more, &since, &until, words, &lowest, &highest])?
            }
            _ => return Err(StoreError::BadCursor),
        };
        let wanted = limit as usize;
        if found.len() <= wanted {
            return Ok((found.into_iter().map(|(row, _)| row).collect(), None));
        }
        found.truncate(wanted);
        let next = found.last().map(|(row, place)| match asked {
            Asked::Match(_) => Cursor::Found(*place).to_string(),
            Asked::Anything | Asked::Nothing => Cursor::Listed(micros(row.date), row.id.0.clone()).to_string(),
        });
        Ok((found.into_iter().map(|(row, _)| row).collect(), next))
    }

    /// The rows of a statement, each with its place.
    fn rows(&self, sql: &str, params: &[&dyn ToSql]) -> Result<Vec<(Row, i64)>, StoreError> {
        self.read(|connection| {
            connection.prepare_cached(sql)?.query_map(params, |row| Ok((list_row(row)?, row.get(8)?)))?.collect()
        })
    }

    /// One message, whole; its `read` is what is shown.
    pub fn get(&self, id: &MessageId) -> Result<Option<Message>, StoreError> {
        self.read(|connection| row::find(connection, id))
    }

    /// One message as the list shows it.
    pub fn row(&self, id: &MessageId) -> Result<Option<Row>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(&format!("SELECT {ROW_COLUMNS} FROM message WHERE id = ?1"))?
                .query_row([&id.0], list_row)
                .optional()
        })
    }

    /// How many messages the list shows, without what has expired and was not purged yet.
    pub fn counts(&self, now: Timestamp) -> Result<Counts, StoreError> {
        self.read(|connection| {
            connection.prepare_cached(COUNTS)?.query_row([micros(now)], |row| {
                Ok(Counts { unread: super::count(row, 0)?, total: super::count(row, 1)? })
            })
        })
    }
}

/// The statement for a page that no words are asked of: `?1` now, `?2` rows, `?3` since, `?4` and `?5` date and id before
/// which it begins. The index is named, so that no guess of the planner ever reads the whole inbox.
pub(super) fn list_sql(query: &Query) -> String {
    let index = match query.tab {
        _ if only_unread(query) => "message_unread",
        _ if query.has_link => "message_with_link",
        Tab::Messages | Tab::Shoutouts | Tab::Inbox => "message_by_event",
        Tab::All | Tab::Unread => "message_by_date",
    };
    let filters = filters(query);
    format!(
        "SELECT {ROW_COLUMNS} FROM message INDEXED BY {index} \
         WHERE (expires IS NULL OR expires > ?1) AND date >= ?3 AND (date, id) < (?4, ?5) {filters} \
         ORDER BY date DESC, id DESC LIMIT ?2"
    )
}

/// The statement for a page of what holds some words: `?1` now, `?2` rows, `?3` since, `?4` until, `?5` the words, `?6` the
/// lowest place, `?7` the place before which it begins. The index gives places in their order, and each is looked up in an
/// index that knows what the filters ask for.
pub(super) fn search_sql(query: &Query) -> String {
    let index = if only_unread(query) { "message_unread_by_place" } else { "message_by_place" };
    let filters = filters(query);
    format!(
        "SELECT {ROW_COLUMNS} FROM search CROSS JOIN message INDEXED BY {index} ON message.place = search.rowid \
         WHERE search MATCH ?5 AND search.rowid >= ?6 AND search.rowid < ?7 AND date >= ?3 AND date < ?4 \
         AND (expires IS NULL OR expires > ?1) {filters} ORDER BY search.rowid DESC LIMIT ?2"
    )
}

fn only_unread(query: &Query) -> bool {
    query.unread || query.tab == Tab::Unread
}

fn filters(query: &Query) -> String {
    let mut filters = match query.tab {
        Tab::All | Tab::Unread => "",
        Tab::Messages => "AND event = 'message' ",
        Tab::Shoutouts => "AND event = 'shoutout' ",
        Tab::Inbox => "AND event = 'inbox' ",
    }
    .to_owned();
    if only_unread(query) {
        filters.push_str("AND read = 0 ");
    }
    if query.has_link {
        filters.push_str("AND has_link = 1");
    }
    filters
}

/// Where a page ended.
enum Cursor {
    /// In the list: date and id of its last row.
    Listed(i64, String),
    /// In what was found: its place.
    Found(i64),
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listed(date, id) => write!(f, "{date}~{id}"),
            Self::Found(place) => write!(f, "@{place}"),
        }
    }
}

fn parse_cursor(cursor: &str) -> Option<Cursor> {
    if let Some(place) = cursor.strip_prefix('@') {
        return place.parse().ok().map(Cursor::Found);
    }
    let (date, id) = cursor.split_once('~')?;
    Some(Cursor::Listed(date.parse().ok()?, id.to_owned()))
}

fn list_row(row: &SqlRow<'_>) -> Sql<Row> {
    let buttons: String = row.get(6)?;
    let problem: Option<String> = row.get(7)?;
    Ok(Row {
        id: MessageId(row.get(0)?),
        event: Event::from(row.get::<_, String>(1)?),
        title: row.get(2)?,
        preview: row.get(3)?,
        date: moment(row.get(4)?),
        read: row.get(5)?,
        link: row::buttons_of(&buttons)
            .into_iter()
            .next()
            .map(|button| button.link)
            .filter(|link| !matches!(link::judge(link), Judgement::Never)),
        problem: problem.and_then(|stored| serde_json::from_str(&stored).ok()),
    })
}
