-- A file of schema version 1 as version 0.1 wrote it. It is never edited.
PRAGMA journal_mode = WAL;

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

INSERT INTO message (id, event, title, preview, body_html, footer_html, buttons, image_url, silent, date, expires,
                     incomplete, server_read, local_read, alert, problem) VALUES
    ('new', 'message', 'Weekend bonus', 'A reload', '<p>A <b>reload</b> of café money</p>', '', '[{"text":"Go","link":"https://example.com"}]', NULL, 0, 1785580000000000, NULL, 0, 0, NULL, 0, NULL),
    ('alerted', 'shoutout', 'Race', '', '<p>Win a car</p>', '', '[]', 'https://example.com/a.png', 0, 1785570000000000, 1900000000000000, 0, 0, NULL, 2, NULL),
    ('alerting', 'inbox', 'Killed', '', '<p>while being alerted</p>', '', '[]', NULL, 0, 1785560000000000, NULL, 0, 0, NULL, 1, NULL),
    ('waiting', 'message', 'Read offline', '', '<p>x</p>', '', '[]', NULL, 0, 1785550000000000, NULL, 0, 0, 1, 2, NULL),
    ('deferred', 'message', 'Read offline too', '', '<p>x</p>', '', '[]', NULL, 0, 1785550000000000, NULL, 0, 0, 1, 2, NULL),
    ('read', 'message', 'Old news', '', '<p>x</p>', '', '[{"text":"No","link":"javascript:alert(1)"}]', NULL, 0, 1785540000000000, NULL, 0, 1, NULL, 2, NULL),
    ('unread-here', 'message', 'Kept for later', '', '<p>x</p>', '', '[]', NULL, 0, 1785530000000000, NULL, 0, 1, 0, 2, NULL),
    ('refused', 'message', 'Refused', '', '<p>x</p>', '', '[]', NULL, 0, 1785520000000000, NULL, 0, 0, NULL, 2, '{"code":"mark_refused","message":"The server refused it.","hint":""}'),
    ('cut', 'Raffle', 'Cut', '', '', '', '[]', NULL, 1, 1785510000000000, NULL, 1, 0, NULL, 0, NULL);
INSERT INTO outbox (id, queued_at, next_at, attempts) VALUES
    ('waiting', 1785550000000000, 1785550000000000, 0), ('deferred', 1785550000000001, 1785590000000000, 3),
    ('deleted', 1785500000000000, 1785560000000000, 1);
INSERT INTO tombstone (id, until) VALUES ('deleted', 1900000000000000);
INSERT INTO meta (key, value) VALUES ('last_synced', '2026-08-01T10:00:00Z');
PRAGMA user_version = 1;
