//! Questions about the store itself, from inside and from outside: which one it is, and whether it is sound.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

use super::{
    Database, copies, keyed, params, recipients, schema,
    sql::{self, Pool},
};
use crate::{DatabaseAddress, Error, PostgreSql, Recipients};

/// A database as it is found, without being changed.
pub(crate) struct Probe {
    /// The form it is in, and the one this version works on.
    pub(crate) version: usize,
    pub(crate) known_version: usize,
    /// See [`Database::instance`].
    pub(crate) instance: String,
    /// The public key of the channels; nothing before the first start.
    pub(crate) app_key: Option<String>,
}

/// Looks at the database beside a relay that may be running on it.
pub(crate) fn probe(path: &Path) -> Result<Probe, Error> {
    let connection = beside(path)?;
    let setting = |name: &str| -> rusqlite::Result<Vec<u8>> {
        connection.query_row("SELECT value FROM settings WHERE name = ?1", [name], |row| row.get(0))
    };
    Ok(Probe {
        version: copies::version(&connection)?,
        known_version: schema::version(),
        instance: instance(keyed(&setting("digest_key")?)),
        app_key: setting("app_key").ok().map(hex::encode),
    })
}

/// Beside the relay that may have it open; nothing can be changed.
fn beside(path: &Path) -> Result<Connection, Error> {
    // SQLite reads what another process has not yet put into the main file only where it may write beside it.
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "query_only", "ON")?;
    Ok(connection)
}

/// The same of a server's database, if it lets us in; nothing before the first start.
pub(crate) async fn probe_server(address: &PostgreSql) -> Result<Option<Probe>, Error> {
    let mut connection = sql::Connection::PostgreSql(Pool::new(address)?.link().await?);
    let ask = move || {
        let is_there = "SELECT to_regclass('schema_steps') IS NOT NULL AND to_regclass('settings') IS NOT NULL";
        if !connection.exists(is_there, &[])? {
            return Ok(None);
        }
        let steps = "SELECT count(*) FROM schema_steps";
        let steps = connection.query_one(steps, &[], |row| row.get::<i64>(0))?.unwrap_or_default();
        let mut setting = |name: &str| {
            let query = "SELECT value FROM settings WHERE name = ?1";
            connection.query_one(query, params![name], |row| row.get::<Vec<u8>>(0))
        };
        let Some(digest_key) = setting("digest_key")? else { return Ok(None) };
        Ok(Some(Probe {
            version: usize::try_from(steps).unwrap_or(usize::MAX),
            known_version: schema::server_version(),
            instance: instance(keyed(&digest_key)),
            app_key: setting("app_key")?.map(hex::encode),
        }))
    };
    tokio::task::spawn_blocking(ask).await.map_err(|_| Error::Interrupted)?
}

/// Which of these recipients there are not, in a database of the form that this version works on. It is not changed.
pub(crate) async fn missing_recipients(
    address: &DatabaseAddress,
    recipients: Recipients,
) -> Result<Vec<String>, Error> {
    let mut connection = match address {
        DatabaseAddress::File(path) => sql::Connection::Sqlite(beside(path)?),
        DatabaseAddress::PostgreSql(address) => sql::Connection::PostgreSql(Pool::new(address)?.link().await?),
    };
    let asked = tokio::task::spawn_blocking(move || recipients::missing(&mut connection, &recipients));
    asked.await.map_err(|_| Error::Interrupted)?
}

fn instance(mut digest: hmac::Hmac<sha2::Sha256>) -> String {
    hmac::Mac::update(&mut digest, b"the instance");
    hex::encode(&hmac::Mac::finalize(digest).into_bytes()[..8])
}

impl Database {
    /// The same for every relay on this database and for no other; it says nothing about what is in it.
    pub(crate) fn instance(&self) -> String {
        instance(self.digest_key.clone())
    }
}
