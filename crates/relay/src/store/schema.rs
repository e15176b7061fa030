//! The shape of the database, step by step. A step that has been released is never edited: a new one is added.

use rusqlite_migration::{M, Migrations};

/// Ids of users and brands begin apart from each other, so that a mix-up of the two shows at once.
const FIRST: &str = "
CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE brands (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE users (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    brand_id   INTEGER NOT NULL REFERENCES brands (id),
    sid_digest BLOB UNIQUE, -- NULL: the session has expired
    first_name TEXT NOT NULL,
    last_name  TEXT NOT NULL
) STRICT;

CREATE TABLE tokens (
    digest  BLOB PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id),
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_user ON tokens (user_id, expires);

CREATE TABLE messages (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id),
    kind    TEXT NOT NULL,
    title   TEXT NOT NULL,
    body    TEXT NOT NULL,
    preview TEXT NOT NULL,
    footer  TEXT NOT NULL,
    data    TEXT NOT NULL, -- a JSON object
    silent  INTEGER NOT NULL,
    first_button_text  TEXT,
    first_button_link  TEXT,
    second_button_text TEXT,
    second_button_link TEXT,
    image   TEXT,
    date    INTEGER NOT NULL, -- seconds since 1970, as all times here
    expires INTEGER,
    read_at INTEGER -- NULL: unread
) STRICT;
CREATE INDEX messages_newest_first ON messages (user_id, date DESC, id DESC);

INSERT INTO sqlite_sequence (name, seq) VALUES ('brands', 40), ('users', 1000);
";

/// Expired messages are deleted at each new one, which must not read them all to find them.
const EXPIRY: &str = "CREATE INDEX messages_by_expiry ON messages (expires) WHERE expires IS NOT NULL;";

/// What the recipients of call-outs are given by.
const NAMES: &str = "
ALTER TABLE users ADD COLUMN name TEXT;
CREATE UNIQUE INDEX users_by_name ON users (brand_id, name) WHERE name IS NOT NULL;
CREATE TABLE memberships (
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    group_name TEXT NOT NULL,
    PRIMARY KEY (user_id, group_name)
) STRICT, WITHOUT ROWID;
";

/// Call-outs as they came, and which message came of which: at most one for each user.
const EVENTS: &str = "
CREATE TABLE events (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    custom_id   TEXT NOT NULL,
    body        BLOB NOT NULL,
    body_digest BLOB NOT NULL,
    received    INTEGER NOT NULL, -- milliseconds since 1970
    state       TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    error       TEXT,
    flagged     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX events_waiting ON events (id) WHERE state = 'waiting';
CREATE INDEX events_by_body ON events (custom_id, body_digest, received);
CREATE INDEX events_by_age ON events (received);

ALTER TABLE messages ADD COLUMN event_id INTEGER REFERENCES events (id) ON DELETE SET NULL;
CREATE UNIQUE INDEX messages_by_event ON messages (event_id, user_id) WHERE event_id IS NOT NULL;
";

/// Since when a message waits to be handed to the channels.
const OUTBOX: &str = "
ALTER TABLE messages ADD COLUMN unpublished INTEGER; -- NULL: it was
CREATE INDEX messages_unpublished ON messages (id) WHERE unpublished IS NOT NULL;
";

const STEPS: &[M<'static>] = &[M::up(FIRST), M::up(EXPIRY), M::up(NAMES), M::up(EVENTS), M::up(OUTBOX)];

pub(super) const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

#[cfg(test)]
mod tests {
    #[test]
    fn the_steps_build_an_empty_database() {
        super::MIGRATIONS.validate().expect("every step should be valid SQL");
    }
}
