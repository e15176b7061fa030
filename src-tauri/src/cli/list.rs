//! `list`: the messages, newest first. Read page by page and written as they come, so that the size of the inbox does not
//! matter.

use inbox::{Code, Event, MessageId, Page, Problem, Query, Row, Tab, View};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use serde::Serialize;

use super::{
    Door, Failure, Kind, List, Output,
    output::{clock, json},
};
use crate::{control::Request, folder::Folder};

/// Rows asked for at a time.
const PAGE: u32 = 200;

/// A message as scripts see it: a contract.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    id: &'a MessageId,
    event: &'a Event,
    title: &'a str,
    preview: &'a str,
    date: Timestamp,
    read: bool,
    link: Option<&'a str>,
}

impl<'a> From<&'a Row> for Listed<'a> {
    fn from(row: &'a Row) -> Self {
        let Row { id, event, title, preview, date, read, link, problem: _ } = row;
        Self { id, event, title, preview, date: *date, read: *read, link: link.as_deref() }
    }
}

/// Writes the list.
pub async fn run(folder: &Folder, output: &mut Output, arguments: List) -> Result<(), Failure> {
    let json = arguments.json;
    let mut door = Door::open(folder).await?;
    let done = write(&mut door, output, &query(arguments), json).await;
    door.close().await;
    done
}

async fn write(door: &mut Door, output: &mut Output, query: &Query, as_json: bool) -> Result<(), Failure> {
    need_account(&door.view().await?)?;
    let (mut cursor, mut first) = (None, true);
    loop {
        let page: Page = door.ask(Request::Page { query: query.clone(), cursor, limit: PAGE }).await?;
        for row in &page.rows {
            if as_json {
                output.raw(&format!("{}{}", if first { "[\n" } else { ",\n" }, json(&Listed::from(row))?))?;
            } else {
                output.line(&text(row))?;
            }
            first = false;
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    match (as_json, first) {
        (true, true) => output.raw("[]\n"),
        (true, false) => output.raw("\n]\n"),
        (false, true) => output.line("No messages."),
        (false, false) => Ok(()),
    }
}

fn query(arguments: List) -> Query {
    let List { unread, search, kind, since, until, with_link, json: _ } = arguments;
    let tab = match kind {
        None => Tab::All,
        Some(Kind::Message) => Tab::Messages,
        Some(Kind::Shoutout) => Tab::Shoutouts,
        Some(Kind::Inbox) => Tab::Inbox,
    };
    Query { tab, text: search.unwrap_or_default(), unread, since, until, has_link: with_link }
}

/// A moment, or the first one of a day here.
pub fn first_moment(text: &str) -> Result<Timestamp, String> {
    moment_or_day(text, Ok)
}

/// A moment, or the first one after a day here.
pub fn moment_after(text: &str) -> Result<Timestamp, String> {
    moment_or_day(text, |day| day.checked_add(1.day()))
}

fn moment_or_day(text: &str, of_day: impl FnOnce(Date) -> Result<Date, jiff::Error>) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    // A date with a time but no zone would be read as its day alone.
    let day = Date::strptime("%Y-%m-%d", text).and_then(of_day).and_then(|day| day.to_zoned(TimeZone::system()));
    day.map(|day| day.timestamp())
        .map_err(|_| "neither a date as 2026-01-31 nor a moment as 2026-01-31T12:00:00Z".into())
}

/// Says so when nobody is signed in.
pub fn need_account(view: &View) -> Result<(), Problem> {
    if view.account.is_some() {
        return Ok(());
    }
    Err(Problem::new(
        Code::NotSignedIn,
        "Nobody is signed in.",
        "Sign in first: traybell sign-in --environment … --brand …",
    ))
}

fn text(row: &Row) -> String {
    let mark = if row.read { ' ' } else { '●' };
    let mut line = format!("{mark} {}  {}  {:<8}  {}", row.id, clock(row.date), row.event.as_str(), row.title);
    if !row.preview.is_empty() {
        line.push_str(" — ");
        line.push_str(&row.preview);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_in_json_is_what_scripts_are_promised() {
        let row = Row {
            id: MessageId("42".into()),
            event: Event::Shoutout,
            title: "Title".into(),
            preview: String::new(),
            date: "2026-01-02T03:04:05Z".parse().unwrap(),
            read: false,
            link: None,
            problem: Some(Problem::new(Code::MarkRefused, "m", "h")),
        };
        assert_eq!(
            serde_json::to_string(&Listed::from(&row)).unwrap(),
            r#"{"id":"42","event":"shoutout","title":"Title","preview":"","date":"2026-01-02T03:04:05Z","read":false,"link":null}"#
        );
    }

    #[test]
    fn a_day_is_whole_and_a_moment_is_itself() {
        let moment: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        assert_eq!(first_moment("2026-01-31T13:00:00+01:00").unwrap(), moment);
        assert_eq!(moment_after("2026-01-31T12:00:00Z").unwrap(), moment);
        let (first, after) = (first_moment("2026-01-31").unwrap(), moment_after("2026-01-31").unwrap());
        assert_eq!(first_moment("2026-02-01").unwrap(), after);
        assert!(first < after);
        for text in ["", "today", "2026-01-31T12:00:00", "31.01.2026"] {
            assert!(first_moment(text).is_err(), "{text}");
        }
    }
}
