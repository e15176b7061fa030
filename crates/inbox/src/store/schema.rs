//! The tables and their migrations. A migration that was released is never edited: the next change is a new one.
//!
//! Times are microseconds since 1970. `server_read` is what the server is known to have; `local_read` is what was
//! decided on this device and the server does not know: 1 read, 0 unread, NULL nothing. What is shown is `read`.

use std::sync::LazyLock;

use rusqlite_migration::{HookError, M, Migrations};

/// `application_id` of our files: "TRBL".
pub(super) const APPLICATION_ID: i32 = 0x5452_424C;

/// All migrations, oldest first.
pub(super) static MIGRATIONS: LazyLock<Migrations<'static>> = LazyLock::new(|| {
    Migrations::new(vec![
        M::up(FIRST),
        M::up_with_hook(SECOND, |transaction| super::search::index_all(transaction).map_err(HookError::from)),
    ])
});

const FIRST: &str = "
PRAGMA application_id = 0x5452424C;

CREATE TABLE message (
    id          TEXT PRIMARY KEY NOT NULL,
    event       TEXT NOT NULL,
    title       TEXT NOT NULL,
    preview     TEXT NOT NULL,
    body_html   TEXT NOT NULL,
    footer_html TEXT NOT NULL,
    buttons     TEXT NOT NULL,
    image_url   TEXT,
    silent      INTEGER NOT NULL,
    date        INTEGER NOT NULL,
    expires     INTEGER,
    incomplete  INTEGER NOT NULL,
    server_read INTEGER NOT NULL,
    local_read  INTEGER,
    read        INTEGER NOT NULL GENERATED ALWAYS AS (coalesce(local_read, server_read)) VIRTUAL,
    alert       INTEGER NOT NULL DEFAULT 0,
    problem     TEXT
) STRICT;

CREATE INDEX message_by_date   ON message (date, id);
CREATE INDEX message_unread    ON message (date, id) WHERE read = 0;
CREATE INDEX message_by_event  ON message (event, date, id);
CREATE INDEX message_expires   ON message (expires) WHERE expires IS NOT NULL;
CREATE INDEX message_to_alert  ON message (date, id) WHERE alert = 0 AND read = 0 AND silent = 0;
CREATE INDEX message_alerting  ON message (date, id) WHERE alert = 1;

CREATE TABLE outbox (
    id        TEXT PRIMARY KEY NOT NULL,
    queued_at INTEGER NOT NULL,
    next_at   INTEGER NOT NULL,
    attempts  INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_by_next ON outbox (next_at, queued_at);

CREATE TABLE tombstone (
    id    TEXT PRIMARY KEY NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstone_by_until ON tombstone (until);

CREATE TABLE meta (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Kept by triggers, so that the number on the badge costs the same in any inbox.
CREATE TABLE tally (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    total  INTEGER NOT NULL,
    unread INTEGER NOT NULL
) STRICT;
INSERT INTO tally (one, total, unread) VALUES (1, 0, 0);

CREATE TRIGGER message_added AFTER INSERT ON message BEGIN
    UPDATE tally SET total = total + 1,
                     unread = unread + (coalesce(NEW.local_read, NEW.server_read) = 0);
END;
CREATE TRIGGER message_removed AFTER DELETE ON message BEGIN
    UPDATE tally SET total = total - 1,
                     unread = unread - (coalesce(OLD.local_read, OLD.server_read) = 0);
END;
CREATE TRIGGER message_marked AFTER UPDATE OF server_read, local_read ON message BEGIN
    UPDATE tally SET unread = unread + (coalesce(NEW.local_read, NEW.server_read) = 0)
                                     - (coalesce(OLD.local_read, OLD.server_read) = 0);
END;
";

/// Search, retention, and a number of waiting marks that is kept.
///
/// `place` stands for the date in the search index, so that it finds the newest first by itself; see `search.rs`.
/// `tombstone.date` is there when the retention setting removed the message, and not the person.
const SECOND: &str = r#"
ALTER TABLE message ADD COLUMN place INTEGER;
ALTER TABLE message ADD COLUMN has_link INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tombstone ADD COLUMN date INTEGER;

-- Each holds what a filter asks for, so that a message is only looked up to be shown.
DROP INDEX message_unread;
DROP INDEX message_by_event;
DROP INDEX message_expires;
CREATE INDEX message_unread          ON message (date, id, event, has_link, expires) WHERE read = 0;
CREATE INDEX message_by_event        ON message (event, date, id, has_link, expires);
CREATE INDEX message_expires         ON message (expires, server_read, local_read) WHERE expires IS NOT NULL;
CREATE INDEX message_with_link       ON message (date, id, event, expires) WHERE has_link = 1;
CREATE INDEX message_read            ON message (date, id) WHERE read = 1;
CREATE INDEX message_by_place        ON message (place, date, event, has_link, expires);
CREATE INDEX message_unread_by_place ON message (place, date, event, has_link, expires) WHERE read = 0;

CREATE VIRTUAL TABLE search USING fts5(
    text, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3'
);
-- Collected before it is written: a long list is merged fewer times.
INSERT INTO search (search, rank) VALUES ('hashsize', 4194304);
-- What was deleted leaves the index in slices, by Store::compact: by itself it would rewrite all of it at once.
INSERT INTO search (search, rank) VALUES ('deletemerge', 0);
CREATE TRIGGER message_unsearchable AFTER DELETE ON message BEGIN
    DELETE FROM search WHERE rowid = OLD.place;
END;

ALTER TABLE tally ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;
UPDATE tally SET waiting = (SELECT count(*) FROM outbox);
CREATE TRIGGER outbox_added AFTER INSERT ON outbox BEGIN
    UPDATE tally SET waiting = waiting + 1;
END;
CREATE TRIGGER outbox_removed AFTER DELETE ON outbox BEGIN
    UPDATE tally SET waiting = waiting - 1;
END;
"#;
