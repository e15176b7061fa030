//! Copies of the relay's database for bad days, and their way back. A copy is complete or not there; what it replaces is
//! replaced in one step. A copy holds everybody's messages, so it is for its owner's eyes only, as the database is.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::NamedTempFile;

use crate::{
    DatabaseAddress, Error,
    database_lock::DatabaseLock,
    store::{check_copy, copy_into, put_together},
};

/// Copies the database into a new file, also while a relay runs on it, and checks the copy. Answers its size in bytes.
pub fn backup(database: &DatabaseAddress, to: &Path) -> Result<u64, Error> {
    let database = file(database, "pg_dump")?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::File { path, source }
    };
    fs::metadata(database).map_err(failed(database))?;
    if fs::symlink_metadata(to).is_ok() {
        return Err(Error::Input(format!("{} is there already, and no backup replaces a file", to.display())));
    }
    // Closed from here on: on Windows an open file can be neither written by SQLite nor renamed.
    let copy = new_copy(to).map_err(failed(to))?.into_temp_path();
    copy_into(database, &copy)?;
    check_copy(&copy)?;
    sync(&copy).map_err(failed(to))?;
    copy.persist_noclobber(to).map_err(|error| failed(to)(error.error))?;
    sync_folder(to).map_err(failed(to))?;
    Ok(fs::metadata(to).map_err(failed(to))?.len())
}

/// Puts a backup in the database's place, after all of it has been checked. Refused while a relay runs on the database,
/// and, unless it is forced, where there is one already.
pub fn restore(from: &Path, database: &DatabaseAddress, force: bool) -> Result<(), Error> {
    let database = file(database, "pg_restore")?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::File { path, source }
    };
    let mut source = fs::File::open(from).map_err(failed(from))?;
    if beside(from, "-wal").exists() {
        return Err(Error::Input(format!(
            "{} is a database in use, of which the newest part is in another file; `traybell-relay backup` copies all of it",
            from.display()
        )));
    }
    let _lock = DatabaseLock::take(database)?;
    if database.exists() && !force {
        return Err(Error::Input(format!(
            "there is a database in {} already; --force replaces it, and what is in it is lost",
            database.display()
        )));
    }
    let mut copy = new_copy(database).map_err(failed(database))?;
    io::copy(&mut source, &mut copy).map_err(failed(database))?;
    let copy = copy.into_temp_path();
    // The copy that is going to be used is the one that is checked.
    check_copy(&copy).map_err(|error| match error {
        Error::Input(text) => {
            let text = text.split_once(": ").map_or(text.as_str(), |(_, what)| what);
            Error::Input(format!("{} cannot be restored: {text}", from.display()))
        }
        other => other,
    })?;
    sync(&copy).map_err(failed(database))?;
    // Before the renaming: SQLite would take what is in them for changes to the new file. Should this end in between, the old
    // one is whole; one that is damaged has nothing to lose.
    if let Err(error) = put_together(database) {
        tracing::debug!(%error, "the database that is replaced could not be put together");
    }
    for ending in ["-wal", "-shm"] {
        let path = beside(database, ending);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&path)(error)),
            _ => {}
        }
    }
    copy.persist(database).map_err(|error| failed(database)(error.error))?;
    sync_folder(database).map_err(failed(database))
}

/// PostgreSQL's databases are no files.
fn file<'a>(database: &'a DatabaseAddress, tool: &str) -> Result<&'a Path, Error> {
    match database {
        DatabaseAddress::File(path) => Ok(path),
        DatabaseAddress::PostgreSql(_) => {
            Err(Error::Input(format!("a PostgreSQL database is copied by its own tools: use {tool}")))
        }
    }
}

const UNFINISHED: (&str, &str) = (".traybell-relay-", ".unfinished");
/// No copy takes so long.
const LEFT_BEHIND: Duration = Duration::from_hours(24);

/// An empty file beside this one. Those that were left behind when a process was killed go.
fn new_copy(beside: &Path) -> io::Result<NamedTempFile> {
    let (prefix, suffix) = UNFINISHED;
    for entry in fs::read_dir(folder(beside))? {
        let entry = entry?;
        let name = entry.file_name();
        let is_copy = name.to_str().is_some_and(|name| name.starts_with(prefix) && name.ends_with(suffix));
        let age = || entry.metadata().and_then(|metadata| metadata.modified()).ok()?.elapsed().ok();
        if is_copy && age().is_some_and(|age| age > LEFT_BEHIND) {
            fs::remove_file(entry.path())?;
        }
    }
    tempfile::Builder::new().prefix(prefix).suffix(suffix).tempfile_in(folder(beside))
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut path = OsString::from(file);
    path.push(ending);
    path.into()
}

/// Windows wants a handle that could write for this.
fn sync(file: &Path) -> io::Result<()> {
    fs::OpenOptions::new().write(true).open(file)?.sync_all()
}

/// That the file has its name is in the folder.
#[cfg(unix)]
fn sync_folder(file: &Path) -> io::Result<()> {
    fs::File::open(folder(file))?.sync_all()
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "the other systems can fail")]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_is_left_to_its_own_tools() {
        let server = DatabaseAddress::read("postgres://relay@db/relay", Path::new(""), None).unwrap();
        let refused = backup(&server, Path::new("/none")).unwrap_err().to_string();
        assert!(refused.contains("pg_dump"), "{refused}");
        let refused = restore(Path::new("/none"), &server, true).unwrap_err().to_string();
        assert!(refused.contains("pg_restore"), "{refused}");
    }

    #[test]
    fn copies_that_were_left_behind_go_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let old = std::time::SystemTime::now() - 2 * LEFT_BEHIND;
        let make = |name: &str, at| fs::File::create(folder.path().join(name)).unwrap().set_modified(at).unwrap();
        make(".traybell-relay-1.unfinished", old);
        make(".traybell-relay-2.unfinished", std::time::SystemTime::now());
        make("relay.sqlite", old);
        make(".tmpabc", old);
        drop(new_copy(&folder.path().join("backup.sqlite")).unwrap());
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".tmpabc", ".traybell-relay-2.unfinished", "relay.sqlite"]);
    }
}
