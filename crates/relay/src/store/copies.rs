//! Copies of the whole database: how one is made while others write, and whether a file is one.

use std::{io, path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

use super::schema;
use crate::Error;

/// Writes the database as it is at this moment into a file that is empty. Whoever writes meanwhile is not held up, and is
/// in the copy altogether or not at all.
pub(crate) fn copy_into(database: &Path, copy: &Path) -> Result<(), Error> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    let Some(copy) = copy.to_str() else {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "the file's name is no text");
        return Err(Error::File { path: copy.to_owned(), source });
    };
    connection.execute("VACUUM INTO ?1", [copy])?;
    Ok(())
}

/// Refuses what is no sound database of a relay of this version or an older one. Reads all of it.
pub(crate) fn check_copy(path: &Path) -> Result<(), Error> {
    let refused = |what: String| Err(Error::Input(format!("{}: {what}", path.display())));
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let integrity: Result<String, _> = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0));
    match integrity.as_deref() {
        Ok("ok") => {}
        Ok(damage) => return refused(format!("it is damaged: {damage}")),
        Err(_) => return refused("it is no database, or is damaged".into()),
    }
    let (found, known) = (version(&connection)?, schema::version());
    if found == 0 {
        return refused("it is no database of a relay".into());
    }
    if found > known {
        return refused(format!("a newer relay has written it (its form is {found}, this one knows {known})"));
    }
    let has_keys = "SELECT EXISTS (SELECT 1 FROM settings WHERE name = 'digest_key')";
    if !connection.query_row(has_keys, [], |row| row.get::<_, bool>(0)).unwrap_or(false) {
        return refused("it is no database of a relay".into());
    }
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    if statement.exists([])? {
        return refused("it is damaged: rows refer to others that are gone".into());
    }
    Ok(())
}

/// The form the database is in; a number that no relay writes counts as a newer one's.
pub(super) fn version(connection: &Connection) -> Result<usize, Error> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// Puts all of a database that nobody has open into its main file.
pub(crate) fn put_together(database: &Path) -> Result<(), Error> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_together_is_whole_without_the_files_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let [database, killed] = ["relay.sqlite", "killed.sqlite"].map(|name| folder.path().join(name));
        let connection = Connection::open(&database).unwrap();
        connection.pragma_update(None, "journal_mode", "wal").unwrap();
        connection.execute_batch("CREATE TABLE one (a INTEGER); INSERT INTO one VALUES (7)").unwrap();
        // As a process that was killed leaves them.
        let wal = folder.path().join("killed.sqlite-wal");
        std::fs::copy(&database, &killed).unwrap();
        std::fs::copy(folder.path().join("relay.sqlite-wal"), &wal).unwrap();
        put_together(&killed).unwrap();
        assert!(std::fs::metadata(&wal).map_or(0, |wal| wal.len()) == 0, "nothing is left beside it");
        let read = Connection::open(&killed).unwrap().query_row("SELECT a FROM one", [], |row| row.get::<_, i64>(0));
        assert_eq!(read, Ok(7));
    }
}
