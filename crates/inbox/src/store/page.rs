//! What the list shows: pages by key, single rows, and the counts.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row as SqlRow, ToSql};

use super::{Sql, Store, StoreError, micros, moment, row};
use crate::{
    Event, Message, MessageId, Row, Tab,
    link::{self, Judgement},
};

/// A page holds at most so many rows.
const MAX_ROWS: u32 = 200;

/// The columns [`list_row`] reads, in its order.
const ROW_COLUMNS: &str = "id, event, title, preview, date, read, buttons, problem";

/// How many messages the list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not read.
    pub unread: u64,
    /// All.
    pub total: u64,
}

impl Store {
    /// At most `limit` rows (bounded to 200) of a tab, newest first, from `cursor` on; with the cursor of the next page
    /// unless this is the last. Nothing expired is shown.
    pub fn page(
        &self,
        tab: Tab,
        cursor: Option<&str>,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Vec<Row>, Option<String>), StoreError> {
        let limit = limit.clamp(1, MAX_ROWS);
        let after = cursor.map(|cursor| parse_cursor(cursor).ok_or(StoreError::BadCursor)).transpose()?;
        let sql = page_sql(tab, after.is_some());
        // One more than asked for, to know whether there is a next page.
        let more = limit + 1;
        let now = micros(now);
        let mut params: Vec<&dyn ToSql> = vec![&now, &more];
        if let Some((date, id)) = &after {
            params.push(date);
            params.push(id);
        }
        let mut rows: Vec<Row> =
            self.read(|connection| connection.prepare_cached(&sql)?.query_map(params.as_slice(), list_row)?.collect())?;
        let wanted = limit as usize;
        let next = if rows.len() > wanted {
            rows.truncate(wanted);
            rows.last().map(|last| format!("{}~{}", micros(last.date), last.id))
        } else {
            None
        };
        Ok((rows, next))
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
            connection
                .prepare_cached(
                    "SELECT max(0, unread - gone_unread), max(0, total - gone) FROM tally, \
                     (SELECT count(*) AS gone, coalesce(sum(read = 0), 0) AS gone_unread FROM message \
                      WHERE expires <= ?1)",
                )?
                .query_row([micros(now)], |row| {
                    Ok(Counts { unread: super::count(row, 0)?, total: super::count(row, 1)? })
                })
        })
    }
}

/// The statement for a page of `tab`. Each tab has an index in the order of the list.
pub(super) fn page_sql(tab: Tab, from_cursor: bool) -> String {
    let only = match tab {
        Tab::All => "",
        Tab::Unread => "AND read = 0",
        Tab::Messages => "AND event = 'message'",
        Tab::Shoutouts => "AND event = 'shoutout'",
        Tab::Inbox => "AND event = 'inbox'",
    };
    let after = if from_cursor { "AND (date, id) < (?3, ?4)" } else { "" };
    format!(
        "SELECT {ROW_COLUMNS} FROM message WHERE (expires IS NULL OR expires > ?1) {only} {after} \
         ORDER BY date DESC, id DESC LIMIT ?2"
    )
}

fn parse_cursor(cursor: &str) -> Option<(i64, String)> {
    let (date, id) = cursor.split_once('~')?;
    Some((date.parse().ok()?, id.to_owned()))
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
