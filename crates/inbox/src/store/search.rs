//! Full-text search over title, preview and text.
//!
//! `FTS5` finds in the order of its row numbers, at no cost, and in any other by sorting all that it found. So the number
//! of a message there is its *place*: its date in 64ths of a second, or the next free number. It must never give what a
//! person types to `FTS5` as syntax, and the index holds nothing that the messages do not: it can be made again from them.

use std::borrow::Cow;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Sql, row};
use crate::{
    Button,
    link::{self, Judgement},
    text,
};

/// Microseconds that share a place.
const STEP: i64 = 15_625;
/// By how much a place may be past its date: more messages than this never share a moment.
const MOST_SHARED: i64 = 1 << 22;
/// Messages indexed at a time when all are.
const CHUNK: u32 = 500;
/// More is no search that a person types.
const MAX_CHARS: usize = 200;
const MAX_WORDS: usize = 16;

/// What a text asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Blank: anything.
    Anything,
    /// There is no word in it: nothing holds it.
    Nothing,
    /// An expression of `FTS5`.
    Match(String),
}

/// Each word quoted, all of them wanted, the last by its beginning: it may not be typed to its end.
pub(super) fn asked(text: &str) -> Asked {
    let text: String = text.chars().take(MAX_CHARS).collect();
    if text.trim().is_empty() {
        return Asked::Anything;
    }
    let words: Vec<String> = text
        .split(|c: char| c.is_whitespace() || c.is_control() || c == '"')
        .filter(|word| word.contains(char::is_alphanumeric))
        .take(MAX_WORDS)
        .map(|word| format!("\"{}\"", apart(word)))
        .collect();
    if words.is_empty() { Asked::Nothing } else { Asked::Match(words.join(" ") + " *") }
}

/// The first place that a date (in microseconds) can have.
pub(super) fn first_place(date: i64) -> i64 {
    date.div_euclid(STEP)
}

/// Every message before this date is at a lower place.
pub(super) fn beyond(date: i64) -> i64 {
    first_place(date) + MOST_SHARED
}

/// A place for a message of this date that no other has.
pub(super) fn free_place(connection: &Connection, date: i64) -> Sql<i64> {
    let mut from = first_place(date);
    let taken = connection.prepare_cached("SELECT 1 FROM message WHERE place = ?1")?.exists([from])?;
    if !taken {
        return Ok(from);
    }
    // Each window is twice as wide as the one before: many messages of one moment cost no more each than a few.
    let mut last_in = connection.prepare_cached("SELECT max(place) FROM message WHERE place >= ?1 AND place < ?2")?;
    let mut width = 64;
    loop {
        let end = from + width;
        match last_in.query_row([from, end], |row| row.get::<_, Option<i64>>(0))? {
            None => return Ok(from),
            Some(last) if last + 1 < end => return Ok(last + 1),
            Some(_) => from = end,
        }
        width *= 2;
    }
}

/// Whether a button may be opened.
pub(super) fn has_link(buttons: &[Button]) -> bool {
    buttons.iter().any(|button| !matches!(link::judge(&button.link), Judgement::Never))
}

/// The places whose text is to be written into the index by the end of the transaction: `FTS5` is quick only when they
/// come in their order.
#[derive(Debug, Default)]
pub(super) struct Unindexed(Vec<i64>);

impl Unindexed {
    /// The message at this place is new or says something else.
    pub(super) fn add(&mut self, place: i64) {
        self.0.push(place);
    }

    /// Writes the texts.
    pub(super) fn write(mut self, connection: &Connection) -> Sql<()> {
        self.0.sort_unstable();
        self.0.dedup();
        for place in self.0 {
            let text = connection
                .prepare_cached("SELECT title, preview, body_html FROM message WHERE place = ?1")?
                .query_row([place], |row| {
                    Ok(words(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?, row.get_ref(2)?.as_str()?))
                })
                .optional()?;
            // One that moved on within the transaction is in the list at its last place.
            if let Some(text) = text {
                write(connection, place, &text)?;
            }
        }
        Ok(())
    }
}

/// Takes a text out of the index.
pub(super) fn forget(connection: &Connection, place: i64) -> Sql<()> {
    connection.prepare_cached("DELETE FROM search WHERE rowid = ?1")?.execute([place]).map(|_| ())
}

/// Gives every message its place, and indexes it.
pub(super) fn index_all(connection: &Connection) -> Sql<()> {
    let mut next = i64::MIN;
    let mut after = (i64::MIN, String::new());
    loop {
        let chunk = connection
            .prepare_cached(
                "SELECT id, date, buttons, title, preview, body_html FROM message WHERE (date, id) > (?1, ?2) \
                 ORDER BY date, id LIMIT ?3",
            )?
            .query_map(params![after.0, after.1, CHUNK], |row| {
                let buttons: String = row.get(2)?;
                let text = words(&row.get::<_, String>(3)?, &row.get::<_, String>(4)?, row.get_ref(5)?.as_str()?);
                Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, has_link(&row::buttons_of(&buttons)), text))
            })?
            .collect::<Sql<Vec<_>>>()?;
        let Some((last, date, ..)) = chunk.last() else { return Ok(()) };
        after = (*date, last.clone());
        for (id, date, has_link, text) in chunk {
            let place = first_place(date).max(next);
            next = place + 1;
            connection
                .prepare_cached("UPDATE message SET place = ?2, has_link = ?3 WHERE id = ?1")?
                .execute(params![id, place, has_link])?;
            write(connection, place, &text)?;
        }
    }
}

fn write(connection: &Connection, place: i64, text: &str) -> Sql<()> {
    connection
        .prepare_cached("INSERT INTO search (rowid, text) VALUES (?1, ?2)")?
        .execute(params![place, text])
        .map(|_| ())
}

/// What a message is found by. A preview that is the beginning of the body adds nothing.
fn words(title: &str, preview: &str, body_html: &str) -> String {
    let body = text::text_of_clean(body_html);
    let beginning = preview.trim_end_matches('…');
    let all =
        if body.starts_with(beginning) { format!("{title}\n{body}") } else { format!("{title}\n{preview}\n{body}") };
    if let Cow::Owned(apart) = apart(&all) { apart } else { all }
}

/// Puts blanks around each character of a script that has none between its words, so that any part of such a text is
/// found: each is a word of its own, and what is asked for is their sequence.
fn apart(text: &str) -> Cow<'_, str> {
    if !text.contains(is_of_a_script_without_blanks) {
        return Cow::Borrowed(text);
    }
    let mut apart = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if is_of_a_script_without_blanks(c) {
            apart.extend([' ', c, ' ']);
        } else {
            apart.push(c);
        }
    }
    Cow::Owned(apart)
}

fn is_of_a_script_without_blanks(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Myanmar
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3005}'..='\u{3007}' // marks that stand for ideographs
        | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ff66}'..='\u{ff9f}' // Hiragana, Katakana
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'
    )
}
