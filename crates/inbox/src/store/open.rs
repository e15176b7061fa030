//! Opening a store, setting a damaged one aside, and removing it for good. It must never lose what can still be read.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{Error as MigrationError, MigrationDefinitionError};

use super::{Sql, Store, StoreError, alerts::REBUILDING, error, private_files, schema};
use crate::AccountId;

/// What `SQLite` puts beside its file while it is open.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];
/// Where a store is made that takes a damaged one's place.
const NEW: &str = ".new";
/// Files up to this size are checked whole at each opening (some 50 ms at most); in larger ones damage shows when a
/// damaged page is read.
const CHECKED_WHOLE: u64 = 32 * 1024 * 1024;

/// An opened store.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// Where a damaged file was set aside, if this store had to start anew.
    pub reset: Option<PathBuf>,
}

impl Store {
    /// Opens the account's store in `dir`, which is made if needed; a damaged file is set aside and a new one started.
    pub fn open(dir: &Path, account: &AccountId) -> Result<Opened, StoreError> {
        private_files::make_dir(dir)?;
        let path = dir.join(format!("inbox-{}.sqlite", account.file_stem()));
        if !path.exists() && beside(&path, NEW).exists() {
            // Ended between the two.
            return Self::take_its_place(&path, last_aside(&path));
        }
        match Self::open_file(&path) {
            Err(StoreError::Corrupt { .. }) => Self::start_anew(&path),
            done => Ok(Opened { store: done?, reset: None }),
        }
    }

    /// Sets this store's file aside, which was found damaged in use, and starts anew.
    pub fn set_aside(self) -> Result<Opened, StoreError> {
        let path = self.path.clone();
        drop(self);
        Self::start_anew(&path)
    }

    /// Removes the store and every damaged one that was set aside: the account's messages leave this device.
    pub fn delete(self) -> Result<(), StoreError> {
        let path = self.path.clone();
        // SQLite must have let go of its files: Windows removes none that is open.
        drop(self);
        remove_whole(&beside(&path, NEW))?;
        for aside in set_aside_copies(&path) {
            private_files::remove(&aside)?;
        }
        remove_whole(&path)
    }

    /// Makes a new store beside the damaged one, which keeps its place and all it holds until the new one is whole: what
    /// fails or is cut off before is begun again by the next opening, and after that it only goes on.
    fn start_anew(path: &Path) -> Result<Opened, StoreError> {
        let new = beside(path, NEW);
        remove_whole(&new)?;
        let aside = beside(path, &format!(".corrupt-{}", Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ")));
        let made = Self::make_anew(&new, path).and_then(|()| rename(path, &aside));
        if let Err(error) = made {
            if let Err(error) = remove_whole(&new) {
                tracing::warn!(%error, "the unfinished message store is left for the next start to remove");
            }
            return Err(error);
        }
        Self::take_its_place(path, Some(aside))
    }

    /// Makes the file at `new`, with what is sound in the damaged one.
    fn make_anew(new: &Path, damaged: &Path) -> Result<(), StoreError> {
        let mut store = Self::open_file(new)?;
        if !store.salvage(damaged)? {
            store.set_meta(REBUILDING, "1")?;
        }
        // It takes the place without companions.
        store.read(|connection| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
    }

    /// The new store is whole, and the damaged one no longer in its place.
    fn take_its_place(path: &Path, aside: Option<PathBuf>) -> Result<Opened, StoreError> {
        // What was not yet in the main file stays with it, for whoever looks into it later.
        let log = beside(path, "-wal");
        if let Some(aside) = &aside
            && log.exists()
        {
            rename(&log, &beside(aside, "-wal"))?;
        }
        let new = beside(path, NEW);
        for companion in COMPANIONS {
            private_files::remove(&beside(path, companion))?;
            private_files::remove(&beside(&new, companion))?;
        }
        rename(&new, path)?;
        let store = Self::open_file(path)?;
        if store.meta(REBUILDING)?.is_some() {
            tracing::warn!(?aside, "the message store was damaged; a new one is started");
            return Ok(Opened { store, reset: aside });
        }
        tracing::warn!("the search index was damaged; it was made again");
        aside.iter().try_for_each(|aside| remove_whole(aside))?;
        Ok(Opened { store, reset: None })
    }

    fn open_file(path: &Path) -> Result<Self, StoreError> {
        // Made here and not by SQLite, so that it was never wider than 0600; SQLite gives its companions the same mode.
        let length = private_files::make_file(path)?;
        for companion in COMPANIONS {
            private_files::narrow_file(&beside(path, companion))?;
        }
        let connection = connect(path, length).map_err(|error| StoreError::of(error, path))?;
        let mut store = Self { connection, path: path.to_path_buf(), revision: 0 };
        store.migrate()?;
        Ok(store)
    }

    fn migrate(&mut self) -> Result<(), StoreError> {
        let path = self.path.clone();
        let corrupt = || StoreError::Corrupt { path: path.clone() };
        match schema::MIGRATIONS.to_latest(&mut self.connection) {
            Ok(()) => {}
            Err(MigrationError::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead)) => {
                return Err(StoreError::TooNew { path });
            }
            Err(MigrationError::RusqliteError { err, .. }) => {
                // Tables that are not as we left them: as good as damaged.
                return Err(if error::means_damage(&err) { corrupt() } else { StoreError::of(err, &path) });
            }
            Err(_) => return Err(corrupt()),
        }
        let ours = self.read(|connection| {
            let id: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
            Ok(id == schema::APPLICATION_ID && has_our_tables(connection)?)
        })?;
        if ours { Ok(()) } else { Err(corrupt()) }
    }
}

fn connect(path: &Path, length: u64) -> Sql<Connection> {
    // No URI, no creation: the file was made with the right mode before.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    if length == 0 {
        // Only a file without any table takes this up; `Store::compact` sees to an older one.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    // More than the store has: each is parsed once.
    connection.set_prepared_statement_cache_capacity(128);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // What was answered survives a power cut too: nobody but this file knows of a read mark that is still on its way.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", 4 * 1024 * 1024)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cache_size", -2048)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    if length <= CHECKED_WHOLE {
        let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if verdict != "ok" {
            tracing::warn!(verdict, "the message store did not pass its check");
            return Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT), None));
        }
    }
    Ok(connection)
}

/// Whether the tables are there, whatever the version number of the file says.
fn has_our_tables(connection: &Connection) -> Sql<bool> {
    for sql in [
        "SELECT id, date, server_read, local_read, read, alert, problem, place, has_link FROM message",
        "SELECT id, queued_at, next_at, attempts FROM outbox",
        "SELECT id, until, date FROM tombstone",
        "SELECT key, value FROM meta",
        "SELECT total, unread, waiting FROM tally WHERE one = 1",
        "SELECT rowid FROM search WHERE search MATCH 'x'",
    ] {
        match connection.prepare(sql) {
            Ok(_) => {}
            Err(error) if error::means_damage(&error) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(|source| StoreError::Unwritable { path: from.to_path_buf(), source })
}

/// Removes a file and its companions; fine when there are none.
fn remove_whole(path: &Path) -> Result<(), StoreError> {
    for companion in COMPANIONS {
        private_files::remove(&beside(path, companion))?;
    }
    private_files::remove(path)
}

/// The damaged file that was set aside last; the names are in the order of time.
fn last_aside(path: &Path) -> Option<PathBuf> {
    let is_companion = |name: &Path| COMPANIONS.iter().any(|end| name.as_os_str().to_string_lossy().ends_with(end));
    set_aside_copies(path).into_iter().filter(|aside| !is_companion(aside)).max()
}

/// The damaged files that were set aside from `path`, with their companions.
fn set_aside_copies(path: &Path) -> Vec<PathBuf> {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Vec::new();
    };
    let prefix = format!("{name}.corrupt-");
    fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(|found| found.starts_with(&prefix)))
        .map(|entry| entry.path())
        .collect()
}
