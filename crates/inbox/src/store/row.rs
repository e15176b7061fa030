//! How a [`Message`] and a row of the table become each other.

use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, params};

use super::{
    Sql, micros, moment,
    search::{self, Unindexed},
};
use crate::{Button, Event, Message, MessageId};

/// The columns [`message`] reads, in its order.
pub(super) const COLUMNS: &str = "id, event, title, preview, body_html, footer_html, buttons, image_url, silent, date, \
                                  expires, incomplete, read";

/// A row as the message it keeps; `read` is what is shown.
pub(super) fn message(row: &SqlRow<'_>) -> Sql<Message> {
    let buttons: String = row.get(6)?;
    Ok(Message {
        id: MessageId(row.get(0)?),
        event: Event::from(row.get::<_, String>(1)?),
        title: row.get(2)?,
        preview: row.get(3)?,
        body_html: row.get(4)?,
        footer_html: row.get(5)?,
        buttons: buttons_of(&buttons),
        image_url: row.get(7)?,
        silent: row.get(8)?,
        date: moment(row.get(9)?),
        expires: row.get::<_, Option<i64>>(10)?.map(moment),
        incomplete: row.get(11)?,
        read: row.get(12)?,
    })
}

/// The stored buttons. Text that is none of ours reads as no buttons: one message cannot blank the list.
pub(super) fn buttons_of(stored: &str) -> Vec<Button> {
    serde_json::from_str(stored).unwrap_or_default()
}

fn stored_buttons(buttons: &[Button]) -> String {
    // Two strings a button: serialising them cannot fail.
    serde_json::to_string(buttons).unwrap_or_else(|_| "[]".to_owned())
}

/// The message with this id, with the read mark that is shown.
pub(super) fn find(connection: &Connection, id: &MessageId) -> Sql<Option<Message>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM message WHERE id = ?1"))?
        .query_row([&id.0], message)
        .optional()
}

/// Adds a message that is not there yet; `read` is what the server has.
pub(super) fn insert(connection: &Connection, new: &Message, unindexed: &mut Unindexed) -> Sql<()> {
    let place = search::free_place(connection, micros(new.date))?;
    connection
        .prepare_cached(
            "INSERT INTO message (id, event, title, preview, body_html, footer_html, buttons, image_url, silent, date, \
             expires, incomplete, has_link, place, server_read) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?
        .execute(params![
            new.id.0,
            new.event.as_str(),
            new.title,
            new.preview,
            new.body_html,
            new.footer_html,
            stored_buttons(&new.buttons),
            new.image_url,
            new.silent,
            micros(new.date),
            new.expires.map(micros),
            new.incomplete,
            search::has_link(&new.buttons),
            place,
            new.read,
        ])?;
    unindexed.add(place);
    Ok(())
}

/// Replaces what a message says, of which `old` was there; its read marks and its alert stay.
pub(super) fn replace_content(
    connection: &Connection,
    old: &Message,
    new: &Message,
    unindexed: &mut Unindexed,
) -> Sql<()> {
    let stood: i64 = connection
        .prepare_cached("SELECT place FROM message WHERE id = ?1")?
        .query_row([&new.id.0], |row| row.get(0))?;
    let place = if new.date == old.date { stood } else { search::free_place(connection, micros(new.date))? };
    connection
        .prepare_cached(
            "UPDATE message SET event = ?2, title = ?3, preview = ?4, body_html = ?5, footer_html = ?6, buttons = ?7, \
             image_url = ?8, silent = ?9, date = ?10, expires = ?11, incomplete = ?12, has_link = ?13, place = ?14 \
             WHERE id = ?1",
        )?
        .execute(params![
            new.id.0,
            new.event.as_str(),
            new.title,
            new.preview,
            new.body_html,
            new.footer_html,
            stored_buttons(&new.buttons),
            new.image_url,
            new.silent,
            micros(new.date),
            new.expires.map(micros),
            new.incomplete,
            search::has_link(&new.buttons),
            place,
        ])?;
    let same_text = old.title == new.title && old.preview == new.preview && old.body_html == new.body_html;
    if place != stood || !same_text {
        search::forget(connection, stood)?;
        unindexed.add(place);
    }
    Ok(())
}
