//! What the relay remembers, in one `SQLite` file or one PostgreSQL database: users, their tokens, messages, read marks and
//! call-outs. Secrets are stored as keyed digests only, but for the relay's own two keys. Time comes in as a parameter.
//!
//! Databases block here, so [`Store`] runs each operation on a thread that may; nothing here may be called from async code
//! directly.

mod copies;
mod deliveries;
mod events;
mod file;
mod intake;
mod messages;
mod named_users;
mod outbox;
mod pairing;
mod probe;
mod recipients;
mod requests;
mod retention;
mod schema;
mod sql;
mod users;

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub(crate) use copies::{check_copy, copy_into, put_together};
pub(crate) use deliveries::{Delivery, Fault, Next, Turn, WaitingEvent};
pub(crate) use events::Arrived;
pub use events::{Event, EventState, EventSummary};
pub(crate) use intake::Intake;
pub(crate) use messages::{Marked, StoredMessage, Wanted};
pub(crate) use outbox::Backlog;
pub use pairing::Device;
pub(crate) use probe::{Probe, missing_recipients, probe, probe_server};
pub(crate) use requests::{Request, Sent};
pub(crate) use retention::TooOld;
pub use users::User;

use self::file::{OpenedFile, damaged};
use self::sql::{Connection, LIST, Pool, Row, Value, list, params};
use crate::{DatabaseAddress, Error};

/// A cheap handle on the one database.
#[derive(Clone)]
pub(crate) struct Store(Arc<Kind>);

enum Kind {
    /// One connection: `SQLite` has one writer at a time anyway.
    Sqlite {
        database: Box<Mutex<Database>>,
        file: OpenedFile,
    },
    PostgreSql {
        pool: Pool,
        digest_key: Hmac<Sha256>,
    },
}

impl Store {
    /// Opens one that must be there: a path that was mistyped is no reason to make a database at it.
    pub(crate) async fn open_existing(address: impl Into<DatabaseAddress>) -> Result<Self, Error> {
        let address = address.into();
        if let DatabaseAddress::File(path) = &address {
            tokio::fs::metadata(path).await.map_err(|source| Error::File { path: path.clone(), source })?;
        }
        Self::open(address).await
    }

    /// Opens one, and makes it when it is not there.
    pub(crate) async fn open(address: impl Into<DatabaseAddress>) -> Result<Self, Error> {
        let kind = match address.into() {
            DatabaseAddress::File(path) => {
                let opened = tokio::task::spawn_blocking(move || {
                    if !path.exists() {
                        tracing::info!(path = %path.display(), "a new database is made");
                    }
                    let open = || {
                        let mut connection = sql::open_sqlite(&path)?;
                        schema::bring_file_up_to_date(&mut connection, &path)?;
                        Database::new(Connection::Sqlite(connection))
                    };
                    let database = open().map_err(|error| damaged(error, &path))?;
                    Ok::<_, Error>(Kind::Sqlite {
                        database: Box::new(Mutex::new(database)),
                        file: OpenedFile::new(path)?,
                    })
                });
                opened.await.map_err(|_| Error::Interrupted)??
            }
            DatabaseAddress::PostgreSql(address) => {
                let pool = Pool::new(&address)?;
                let mut connection = Connection::PostgreSql(pool.link().await?);
                let open = move || {
                    schema::bring_server_up_to_date(&mut connection)?;
                    Ok::<_, Error>(Database::new(connection)?.digest_key)
                };
                let digest_key = tokio::task::spawn_blocking(open).await.map_err(|_| Error::Interrupted)??;
                Kind::PostgreSql { pool, digest_key }
            }
        };
        Ok(Self(Arc::new(kind)))
    }

    /// Runs one operation where blocking is allowed. It runs to its end even when the caller stops waiting, so a
    /// client that hangs up never leaves half a change.
    pub(crate) async fn call<T, F>(&self, operation: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Database) -> Result<T, Error> + Send + 'static,
    {
        let blocking = match &*self.0 {
            Kind::Sqlite { .. } => {
                let shared = Arc::clone(&self.0);
                tokio::task::spawn_blocking(move || {
                    let Kind::Sqlite { database, file } = &*shared else { return Err(Error::Interrupted) };
                    file.check()?;
                    // A panic rolls its transaction back, so the connection is still sound afterwards.
                    operation(&mut database.lock().unwrap_or_else(PoisonError::into_inner))
                })
            }
            Kind::PostgreSql { pool, digest_key } => {
                let connection = Connection::PostgreSql(pool.link().await?);
                let mut database = Database { connection, digest_key: digest_key.clone() };
                tokio::task::spawn_blocking(move || operation(&mut database))
            }
        };
        blocking.await.map_err(|_| Error::Interrupted)?
    }

    /// Whether other relays may be at work on the same database.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(*self.0, Kind::PostgreSql { .. })
    }
}

/// An open database and the key its digests are made with.
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
    fn new(mut connection: Connection) -> Result<Self, Error> {
        let digest_key = keyed(&setting_or_random::<32>(&mut connection, "digest_key")?);
        Ok(Self { connection, digest_key })
    }

    #[cfg(test)]
    fn open(path: &std::path::Path) -> Result<Self, Error> {
        let mut connection = sql::open_sqlite(path)?;
        schema::bring_file_up_to_date(&mut connection, path)?;
        Self::new(Connection::Sqlite(connection))
    }

    /// Whether anything can be stored: a full disk can be read from, and so can a copy of a server that only follows it.
    pub(crate) fn can_store(&mut self) -> Result<(), Error> {
        let nothing_new = "UPDATE settings SET value = value WHERE name = 'digest_key'";
        self.connection.execute(nothing_new, &[]).map(drop)
    }

    /// The keys of the embedded channel server, made on first use and kept: a client's connection settings stay good
    /// over a restart.
    pub(crate) fn app_keys(&mut self) -> Result<AppKeys, Error> {
        Ok(AppKeys {
            key: hex::encode(setting_or_random::<10>(&mut self.connection, "app_key")?),
            secret: setting_or_random::<32>(&mut self.connection, "app_secret")?,
        })
    }

    /// Does it again, a few times, when PostgreSQL ended it since it and another transaction waited for each other.
    fn again_if_deadlocked<T>(&mut self, mut operation: impl FnMut(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        for wait in AFTER_DEADLOCK {
            match operation(self) {
                // The other one is to be through first.
                Err(Error::PostgreSql { code, .. }) if code == DEADLOCK => thread::sleep(wait),
                done => return done,
            }
        }
        operation(self)
    }

    /// The form in which a session id or token is stored and looked up. Keyed per database, so that a stolen table
    /// cannot be looked up in a prepared one.
    fn digest(&self, secret: &str) -> Vec<u8> {
        let mut digest = self.digest_key.clone();
        digest.update(secret.as_bytes());
        digest.finalize().into_bytes().to_vec()
    }
}

/// PostgreSQL's `deadlock_detected`.
const DEADLOCK: &str = "40P01";
const AFTER_DEADLOCK: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(500)];

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    // Invariant: HMAC takes a key of any length.
    Hmac::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"))
}

fn setting_or_random<const BYTES: usize>(connection: &mut Connection, name: &str) -> Result<Vec<u8>, Error> {
    let read = |connection: &mut Connection| {
        connection.query_one("SELECT value FROM settings WHERE name = ?1", params![name], |row| row.get(0))
    };
    if let Some(value) = read(connection)? {
        return Ok(value);
    }
    let mut value = [0; BYTES];
    getrandom::fill(&mut value)?;
    // Another process may have been quicker: then its value is the one.
    let insert = "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    connection.execute(insert, params![name, &value[..]])?;
    read(connection)?.ok_or(Error::Interrupted)
}
