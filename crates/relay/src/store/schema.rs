//! The shape of the database, step by step. A step that has been released is never edited: a new one is added.

use std::path::Path;

use rusqlite_migration::{M, Migrations};

use super::sql::{Connection, params};
use crate::Error;

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

/// Until when a relay has a message in hand to publish it; another one passes it over.
const CLAIMS: &str = "
ALTER TABLE messages ADD COLUMN publish_after INTEGER NOT NULL DEFAULT 0;
";

/// How often a message was written anew, so that what is published meanwhile is told from what it says now; and an index of
/// the unread, whose list goes on beyond one answer.
const RENEWALS: &str = "
ALTER TABLE messages ADD COLUMN renewals INTEGER NOT NULL DEFAULT 0;
CREATE INDEX messages_unread ON messages (user_id, date DESC, id DESC) WHERE read_at IS NULL;
";

/// What is counted at each scrape and what is deleted for its age, each without reading the others; and a number for each
/// time that a user's sessions were voided, since clocks differ.
const FATES: &str = "
DROP INDEX events_by_age;
CREATE INDEX events_delivered ON events (received) WHERE state = 'delivered' AND flagged = 0;
CREATE INDEX events_failed ON events (received) WHERE state = 'failed';
CREATE INDEX events_flagged ON events (received) WHERE flagged <> 0;
CREATE INDEX messages_read ON messages (read_at) WHERE read_at IS NOT NULL;
DROP TABLE voided;
CREATE TABLE voided (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    channel TEXT NOT NULL,
    at      INTEGER NOT NULL -- milliseconds since 1970
) STRICT;
CREATE INDEX voided_by_time ON voided (at);
";

/// Messages that wait for the channels, in a table of their own: the message itself, with all its indexes, is not written anew
/// for what becomes of it there. One whose message is gone is found when its turn comes.
const QUEUE: &str = "
CREATE TABLE outbox (
    message_id    INTEGER PRIMARY KEY,
    since         INTEGER NOT NULL, -- seconds since 1970
    publish_after INTEGER NOT NULL DEFAULT 0,
    renewals      INTEGER NOT NULL -- as the message's
) STRICT;
INSERT INTO outbox (message_id, since, renewals) SELECT id, unpublished, renewals FROM messages WHERE unpublished IS NOT NULL;
DROP INDEX messages_unpublished;
ALTER TABLE messages DROP COLUMN unpublished;
ALTER TABLE messages DROP COLUMN publish_after;
";

/// Events that wait go by when they are due: those that were not tried yet first, and none before one that has waited longer.
const DUE: &str = "
DROP INDEX events_waiting;
CREATE INDEX events_waiting ON events (retry_at, id) WHERE state = 'waiting';
";

/// When an event that could not be delivered is tried again.
const RETRIES: &str = "
ALTER TABLE events ADD COLUMN retry_at INTEGER NOT NULL DEFAULT 0; -- milliseconds since 1970
";

/// Who may ask for messages, and what was answered to repeated requests.
const REQUESTS: &str = "
CREATE TABLE api_tokens (
    name    TEXT PRIMARY KEY,
    digest  BLOB NOT NULL UNIQUE,
    created INTEGER NOT NULL
) STRICT;
CREATE TABLE requests (
    token       TEXT NOT NULL,
    key         TEXT NOT NULL,
    body_digest BLOB NOT NULL,
    answer      TEXT NOT NULL, -- JSON
    created     INTEGER NOT NULL,
    PRIMARY KEY (token, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_age ON requests (created);
";

/// Codes that are good for one log-in, and the session ids beside the user's own.
const PAIRING: &str = "
CREATE TABLE pairing_codes (
    digest  BLOB PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE device_sids (
    digest  BLOB PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX device_sids_by_user ON device_sids (user_id);
";

/// Whose sessions were voided lately, by the channel: whoever listens there has no right to any more.
const VOIDED: &str = "
CREATE TABLE voided (
    channel TEXT NOT NULL,
    at      INTEGER NOT NULL -- milliseconds since 1970
) STRICT;
CREATE INDEX voided_by_time ON voided (at);
";

const STEPS: &[M<'static>] = &[
    M::up(FIRST),
    M::up(EXPIRY),
    M::up(NAMES),
    M::up(EVENTS),
    M::up(OUTBOX),
    M::up(RETRIES),
    M::up(REQUESTS),
    M::up(PAIRING),
    M::up(CLAIMS),
    M::up(VOIDED),
    M::up(RENEWALS),
    M::up(FATES),
    M::up(QUEUE),
    M::up(DUE),
];

const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

/// The same in PostgreSQL, where all of it began with one step.
const SERVER_FIRST: &str = "
CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value BYTEA NOT NULL
);
CREATE TABLE brands (
    id   BIGINT GENERATED BY DEFAULT AS IDENTITY (START WITH 41) PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
CREATE TABLE users (
    id         BIGINT GENERATED BY DEFAULT AS IDENTITY (START WITH 1001) PRIMARY KEY,
    brand_id   BIGINT NOT NULL REFERENCES brands (id),
    sid_digest BYTEA UNIQUE,
    first_name TEXT NOT NULL,
    last_name  TEXT NOT NULL,
    name       TEXT
);
CREATE UNIQUE INDEX users_by_name ON users (brand_id, name) WHERE name IS NOT NULL;
CREATE TABLE memberships (
    user_id    BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    group_name TEXT NOT NULL,
    PRIMARY KEY (user_id, group_name)
);
CREATE INDEX memberships_by_group ON memberships (group_name);
CREATE TABLE tokens (
    digest  BYTEA PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id),
    expires BIGINT NOT NULL
);
CREATE INDEX tokens_by_user ON tokens (user_id, expires);
CREATE TABLE events (
    id          BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    custom_id   TEXT NOT NULL,
    body        BYTEA NOT NULL,
    body_digest BYTEA NOT NULL,
    received    BIGINT NOT NULL,
    state       TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts    BIGINT NOT NULL DEFAULT 0,
    error       TEXT,
    flagged     BIGINT NOT NULL DEFAULT 0,
    retry_at    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX events_waiting ON events (id) WHERE state = 'waiting';
CREATE INDEX events_by_body ON events (custom_id, body_digest, received);
CREATE INDEX events_by_age ON events (received);
CREATE TABLE messages (
    id      BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id),
    kind    TEXT NOT NULL,
    title   TEXT NOT NULL,
    body    TEXT NOT NULL,
    preview TEXT NOT NULL,
    footer  TEXT NOT NULL,
    data    TEXT NOT NULL,
    silent  BIGINT NOT NULL,
    first_button_text  TEXT,
    first_button_link  TEXT,
    second_button_text TEXT,
    second_button_link TEXT,
    image   TEXT,
    date    BIGINT NOT NULL,
    expires BIGINT,
    read_at BIGINT,
    event_id BIGINT REFERENCES events (id) ON DELETE SET NULL,
    unpublished BIGINT
);
CREATE INDEX messages_newest_first ON messages (user_id, date DESC, id DESC);
CREATE INDEX messages_by_expiry ON messages (expires) WHERE expires IS NOT NULL;
CREATE UNIQUE INDEX messages_by_event ON messages (event_id, user_id) WHERE event_id IS NOT NULL;
CREATE INDEX messages_unpublished ON messages (id) WHERE unpublished IS NOT NULL;
";

const SERVER_REQUESTS: &str = "
CREATE TABLE api_tokens (
    name    TEXT PRIMARY KEY,
    digest  BYTEA NOT NULL UNIQUE,
    created BIGINT NOT NULL
);
CREATE TABLE requests (
    token       TEXT NOT NULL,
    key         TEXT NOT NULL,
    body_digest BYTEA NOT NULL,
    answer      TEXT NOT NULL,
    created     BIGINT NOT NULL,
    PRIMARY KEY (token, key)
);
CREATE INDEX requests_by_age ON requests (created);
";

const SERVER_PAIRING: &str = "
CREATE TABLE pairing_codes (
    digest  BYTEA PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires BIGINT NOT NULL
);
CREATE TABLE device_sids (
    digest  BYTEA PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created BIGINT NOT NULL
);
CREATE INDEX device_sids_by_user ON device_sids (user_id);
";

const SERVER_CLAIMS: &str = "ALTER TABLE messages ADD COLUMN publish_after BIGINT NOT NULL DEFAULT 0;";

const SERVER_RENEWALS: &str = "
ALTER TABLE messages ADD COLUMN renewals BIGINT NOT NULL DEFAULT 0;
CREATE INDEX messages_unread ON messages (user_id, date DESC, id DESC) WHERE read_at IS NULL;
";

const SERVER_VOIDED: &str = "
CREATE TABLE voided (
    channel TEXT NOT NULL,
    at      BIGINT NOT NULL
);
CREATE INDEX voided_by_time ON voided (at);
";

const SERVER_FATES: &str = "
DROP INDEX events_by_age;
CREATE INDEX events_delivered ON events (received) WHERE state = 'delivered' AND flagged = 0;
CREATE INDEX events_failed ON events (received) WHERE state = 'failed';
CREATE INDEX events_flagged ON events (received) WHERE flagged <> 0;
CREATE INDEX messages_read ON messages (read_at) WHERE read_at IS NOT NULL;
DROP TABLE voided;
CREATE TABLE voided (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel TEXT NOT NULL,
    at      BIGINT NOT NULL
);
CREATE INDEX voided_by_time ON voided (at);
";

const SERVER_QUEUE: &str = "
CREATE TABLE outbox (
    message_id    BIGINT PRIMARY KEY,
    since         BIGINT NOT NULL,
    publish_after BIGINT NOT NULL DEFAULT 0,
    renewals      BIGINT NOT NULL
);
INSERT INTO outbox (message_id, since, renewals) SELECT id, unpublished, renewals FROM messages WHERE unpublished IS NOT NULL;
DROP INDEX messages_unpublished;
ALTER TABLE messages DROP COLUMN unpublished;
ALTER TABLE messages DROP COLUMN publish_after;
";

const SERVER_STEPS: &[&str] = &[
    SERVER_FIRST,
    SERVER_REQUESTS,
    SERVER_PAIRING,
    SERVER_CLAIMS,
    SERVER_VOIDED,
    SERVER_RENEWALS,
    SERVER_FATES,
    SERVER_QUEUE,
    DUE,
];

/// Nobody else locks by this number: "traybell" as bytes.
const SERVER_LOCK: i64 = 0x7472_6179_6265_6c6c;

/// The form the last step brings a file into.
pub(super) fn version() -> usize {
    STEPS.len()
}

/// The form the last step brings a server's database into.
pub(super) fn server_version() -> usize {
    SERVER_STEPS.len()
}

/// Brings a `SQLite` file to the shape that this version knows.
pub(super) fn bring_file_up_to_date(connection: &mut rusqlite::Connection, path: &Path) -> Result<(), Error> {
    MIGRATIONS.to_latest(connection).map_err(|source| Error::Migration { path: path.to_owned(), source })
}

/// Brings a PostgreSQL database to the shape that this version knows. Several relays may start at once.
pub(super) fn bring_server_up_to_date(connection: &mut Connection) -> Result<(), Error> {
    let mut transaction = connection.transaction()?;
    transaction.be_patient()?;
    transaction.lock(&[SERVER_LOCK])?;
    transaction.batch("CREATE TABLE IF NOT EXISTS schema_steps (step BIGINT PRIMARY KEY)")?;
    let taken = transaction.query_one("SELECT count(*) FROM schema_steps", &[], |row| row.get::<i64>(0))?;
    let taken = usize::try_from(taken.unwrap_or(0)).unwrap_or(usize::MAX);
    if taken > SERVER_STEPS.len() {
        return Err(Error::Stored("a newer version of the relay has brought this database further".into()));
    }
    for (place, step) in SERVER_STEPS.iter().enumerate().skip(taken) {
        transaction.batch(step)?;
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        transaction.execute("INSERT INTO schema_steps (step) VALUES (?1)", params![place])?;
    }
    transaction.commit()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_steps_build_an_empty_database() {
        super::MIGRATIONS.validate().expect("every step should be valid SQL");
    }

    #[test]
    fn what_waited_to_be_published_waits_in_the_newer_form_too() {
        let mut connection = rusqlite::Connection::open_in_memory().unwrap();
        let before = super::STEPS.len() - 2;
        super::MIGRATIONS.to_version(&mut connection, before).unwrap();
        let old = "INSERT INTO brands (id, name) VALUES (1, 'a');
            INSERT INTO users (id, brand_id, first_name, last_name) VALUES (1, 1, 'A', 'B');
            INSERT INTO messages (id, user_id, kind, title, body, preview, footer, data, silent, date, unpublished, renewals)
            VALUES (7, 1, 'message', 't', '', '', '', '{}', 0, 5, 6, 2), (8, 1, 'message', 't', '', '', '', '{}', 0, 5, NULL, 0);";
        connection.execute_batch(old).unwrap();
        super::MIGRATIONS.to_latest(&mut connection).unwrap();
        let waiting = "SELECT count(*), sum(message_id), sum(since), sum(renewals) FROM outbox";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        assert_eq!(connection.query_row(waiting, [], read), Ok((1, 7, 6, 2)));
    }
}
