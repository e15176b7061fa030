//! `SQLite`, by rusqlite.

use std::{fs, io, path::Path, time::Duration};

use rusqlite::{
    Connection,
    types::{ToSql, ToSqlOutput, ValueRef},
};

use super::{Row, Value};
use crate::Error;

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Opens the file, and makes it when it is not there.
pub(crate) fn open(path: &Path) -> Result<Connection, Error> {
    make_private_file(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Statements for many rows are there in as many forms as rows can go together.
    connection.set_prepared_statement_cache_capacity(256);
    // What was acknowledged must survive a power cut too.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    Ok(connection)
}

pub(super) fn execute(connection: &Connection, statement: &str, parameters: &[Value]) -> Result<u64, Error> {
    let mut prepared = connection.prepare_cached(statement)?;
    Ok(prepared.execute(rusqlite::params_from_iter(parameters))? as u64)
}

pub(super) fn each(
    connection: &Connection,
    statement: &str,
    parameters: &[Value],
    take: &mut dyn FnMut(&Row) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut prepared = connection.prepare_cached(statement)?;
    let columns = prepared.column_count();
    let mut rows = prepared.query(rusqlite::params_from_iter(parameters))?;
    while let Some(row) = rows.next()? {
        let values = (0..columns).map(|column| {
            Ok(match row.get_ref(column)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => Value::Integer(number),
                ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
                ValueRef::Real(_) => return Err(Error::Stored(format!("column {column} holds a fraction"))),
            })
        });
        take(&Row(values.collect::<Result<_, Error>>()?))?;
    }
    Ok(())
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
