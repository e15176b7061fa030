//! `list`: the messages, newest first. Read page by page and written as they come, so that the size of the inbox does not
//! matter.

use inbox::{Code, Event, MessageId, Page, Problem, Row, Tab, View};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    Door, Failure, Output,
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
pub async fn run(folder: &Folder, output: &mut Output, unread: bool, json: bool) -> Result<(), Failure> {
    let mut door = Door::open(folder).await?;
    let done = write(&mut door, output, unread, json).await;
    door.close().await;
    done
}

async fn write(door: &mut Door, output: &mut Output, unread: bool, as_json: bool) -> Result<(), Failure> {
    need_account(&door.view().await?)?;
    let tab = if unread { Tab::Unread } else { Tab::All };
    let (mut cursor, mut first) = (None, true);
    loop {
        let page: Page = door.ask(Request::Page { tab, cursor, limit: PAGE }).await?;
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
}
