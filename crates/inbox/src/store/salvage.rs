//! Taking over everything of a file in which the search index alone is damaged. It must never take over anything from a
//! file whose messages or marks are damaged themselves: half a list that looks whole is worse than one fetched again.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::{Sql, Store, StoreError, error, search};

/// What is copied, column by column; the numbers of `tally` follow by themselves.
const TABLES: [(&str, &str); 4] = [
    (
        "message",
        "id, event, title, preview, body_html, footer_html, buttons, image_url, silent, date, expires, incomplete, \
         server_read, local_read, alert, problem",
    ),
    ("outbox", "id, queued_at, next_at, attempts"),
    ("tombstone", "id, until, date"),
    ("meta", "key, value"),
];
/// Read marks and counts hang on it.
const CHECKED: [&str; 5] = ["message", "outbox", "tombstone", "meta", "tally"];

impl Store {
    /// Takes over what the damaged file at `from` holds, into this new store, if all but its search index is sound.
    /// Answers whether it did; what it did not is left as it is. A disk that is full, say, is no answer but an error.
    pub(super) fn salvage(&mut self, from: &Path) -> Result<bool, StoreError> {
        match self.take_over(from) {
            Err(error) if error::means_damage(&error) => {
                tracing::info!(%error, "nothing of the damaged message store is taken over");
                Ok(false)
            }
            done => done.map_err(|error| StoreError::of(error, &self.path)),
        }
    }

    fn take_over(&mut self, from: &Path) -> Sql<bool> {
        // Read only: whoever looks into a damaged file later finds it as it was.
        let damaged =
            Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        let version =
            |connection: &Connection| connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
        if version(&damaged)? != version(&self.connection)? {
            return Ok(false);
        }
        for table in CHECKED {
            let verdict: String = damaged.query_row(&format!("PRAGMA quick_check({table})"), [], |row| row.get(0))?;
            if verdict != "ok" {
                tracing::info!(table, verdict, "more than the search index of the message store is damaged");
                return Ok(false);
            }
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (table, columns) in TABLES {
            let count = columns.split(',').count();
            let marks = vec!["?"; count].join(", ");
            let mut insert = transaction.prepare(&format!("INSERT INTO {table} ({columns}) VALUES ({marks})"))?;
            let mut select = damaged.prepare(&format!("SELECT {columns} FROM {table}"))?;
            let mut rows = select.query(params![])?;
            while let Some(row) = rows.next()? {
                let values = (0..count).map(|column| row.get::<_, rusqlite::types::Value>(column));
                insert.execute(rusqlite::params_from_iter(values.collect::<Sql<Vec<_>>>()?))?;
            }
        }
        search::index_all(&transaction)?;
        transaction.commit()?;
        Ok(true)
    }
}
