//! What the relay remembers, in one `SQLite` file: users, their tokens, messages and read marks. Secrets are stored as
//! keyed digests only, but for the relay's own two keys. Time comes in as a parameter.
//!
//! `SQLite` blocks, so [`Store`] runs each operation on a thread that may; nothing here may be called from async code
//! directly.

mod events;
mod messages;
mod named_users;
mod outbox;
mod recipients;
mod schema;
mod users;

use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use sha2::Sha256;

pub(crate) use events::{Delivery, WaitingEvent};
pub use events::{Event, EventState, EventSummary};
pub(crate) use messages::{Marked, StoredMessage, Wanted};
pub use users::User;

use crate::Error;

/// A cheap handle on the one [`Database`].
#[derive(Clone)]
pub(crate) struct Store(Arc<Mutex<Database>>);

impl Store {
    pub(crate) async fn open(path: &Path) -> Result<Self, Error> {
        let path = path.to_owned();
        let opened = tokio::task::spawn_blocking(move || Database::open(&path));
        let database = opened.await.map_err(|_| Error::Interrupted)??;
        Ok(Self(Arc::new(Mutex::new(database))))
    }

    /// Runs one operation where blocking is allowed. It runs to its end even when the caller stops waiting, so a
    /// client that hangs up never leaves half a change.
    pub(crate) async fn call<T, F>(&self, operation: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Database) -> Result<T, Error> + Send + 'static,
    {
        let shared = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || {
            // A panic rolls its transaction back, so the connection is still sound afterwards.
            let mut database = shared.lock().unwrap_or_else(PoisonError::into_inner);
            operation(&mut database)
        })
        .await
        .map_err(|_| Error::Interrupted)?
    }
}

/// The open database and the key its digests are made with.
pub(crate) struct Database {
    connection: Connection,
    digest_key: Hmac<Sha256>,
}

/// The channel server's application key (public) and secret.
pub(crate) struct AppKeys {
    pub(crate) key: String,
    pub(crate) secret: Vec<u8>,
}

impl Database {
    fn open(path: &Path) -> Result<Self, Error> {
        make_private_file(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        let mut connection = Connection::open(path)?;
        // The command line writes to the same file: a transaction that began with reading could not become a writing one
        // once the other has written, and would fail without waiting.
        connection.set_transaction_behavior(TransactionBehavior::Immediate);
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // What was acknowledged must survive a power cut too.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        schema::MIGRATIONS
            .to_latest(&mut connection)
            .map_err(|source| Error::Migration { path: path.to_owned(), source })?;
        let digest_key = keyed(&setting_or_random::<32>(&connection, "digest_key")?);
        Ok(Self { connection, digest_key })
    }

    /// The keys of the embedded channel server, made on first use and kept: a client's connection settings stay good
    /// over a restart.
    pub(crate) fn app_keys(&mut self) -> Result<AppKeys, Error> {
        Ok(AppKeys {
            key: hex::encode(setting_or_random::<10>(&self.connection, "app_key")?),
            secret: setting_or_random::<32>(&self.connection, "app_secret")?,
        })
    }

    /// The form in which a session id or token is stored and looked up. Keyed per database, so that a stolen table
    /// cannot be looked up in a prepared one.
    fn digest(&self, secret: &str) -> Vec<u8> {
        let mut digest = self.digest_key.clone();
        digest.update(secret.as_bytes());
        digest.finalize().into_bytes().to_vec()
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    // Invariant: HMAC takes a key of any length.
    Hmac::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"))
}

fn setting_or_random<const BYTES: usize>(connection: &Connection, name: &str) -> Result<Vec<u8>, Error> {
    let read =
        || connection.query_row("SELECT value FROM settings WHERE name = ?1", [name], |row| row.get(0)).optional();
    if let Some(value) = read()? {
        return Ok(value);
    }
    let mut value = [0; BYTES];
    getrandom::fill(&mut value)?;
    // Another process may have been quicker: then its value is the one.
    connection
        .execute("INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING", (name, &value[..]))?;
    read()?.ok_or(Error::Interrupted)
}

/// Makes the file before `SQLite` does, which gives its own files beside it the same mode.
fn make_private_file(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
