//! The store as its callers see it.

mod alerting;
mod files;
mod listing;
mod marking;
mod migrating;
mod model;
mod retaining;
mod searching;

use jiff::{Timestamp, ToSpan as _};
use tempfile::TempDir;

use super::*;
use crate::{AccountId, Button, Event, Message, MessageId, Problem, Query, Retention, Tab};

/// A store in a folder of its own.
struct Inbox {
    store: Store,
    dir: TempDir,
}

impl Inbox {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { store: Store::open(dir.path(), &account()).unwrap().store, dir }
    }

    /// What a restart of the program sees.
    fn reopened(self) -> Self {
        let Self { store, dir } = self;
        drop(store);
        let opened = Store::open(dir.path(), &account()).unwrap();
        assert_eq!(opened.reset, None);
        Self { store: opened.store, dir }
    }

    /// More than the search index is damaged: nothing can be taken over.
    fn damage_marks(&self) {
        self.store.connection.execute_batch("DROP TABLE outbox").unwrap();
    }

    fn take(&mut self, message: &Message) -> Merged {
        self.store.merge(message, now()).unwrap()
    }

    fn is_read(&self, id: &str) -> bool {
        let read = self.store.get(&of(id)).unwrap().unwrap().read;
        assert_eq!(self.store.row(&of(id)).unwrap().unwrap().read, read, "row and message agree");
        read
    }

    fn queued(&self) -> Vec<String> {
        self.store.outbox_due(Timestamp::MAX, 100).unwrap().into_iter().map(|entry| entry.id.0).collect()
    }

    fn counts(&self) -> (u64, u64) {
        let counts = self.store.counts(now()).unwrap();
        (counts.unread, counts.total)
    }
}

fn account() -> AccountId {
    AccountId { environment: "staging".to_owned(), brand: "demo".to_owned(), user: "7".to_owned() }
}

fn now() -> Timestamp {
    "2026-08-01T12:00:00Z".parse().unwrap()
}

fn hours(from_now: i64) -> Timestamp {
    now().checked_add(from_now.hours()).unwrap()
}

fn of(id: &str) -> MessageId {
    MessageId(id.to_owned())
}

/// An unread message of an hour ago.
fn message(id: &str) -> Message {
    Message {
        id: of(id),
        event: Event::Message,
        title: format!("title {id}"),
        preview: "preview".to_owned(),
        body_html: "<p>body</p>".to_owned(),
        footer_html: String::new(),
        buttons: vec![Button { text: "Go".to_owned(), link: "https://example.com".to_owned() }],
        image_url: None,
        silent: false,
        read: false,
        date: hours(-1),
        expires: None,
        incomplete: false,
    }
}

fn read(id: &str) -> Message {
    Message { read: true, ..message(id) }
}

fn problem() -> Problem {
    Problem::new(crate::Code::MarkRefused, "The server refused it.", "")
}
