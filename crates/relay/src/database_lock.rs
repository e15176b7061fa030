//! Who serves a database file. Two servers on one would each deliver the same call-outs and know half of the channel
//! connections; a restore under a running server would lose what it knows. The lock ends with the process that holds it.

use std::{
    ffi::OsString,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use crate::Error;

/// Held as long as the database is served or replaced.
pub(crate) struct DatabaseLock {
    _held: File,
}

impl DatabaseLock {
    /// The lock, or who to look for when another process has it. The file beside the database stays: whether it is
    /// there says nothing.
    pub(crate) fn take(database: &Path) -> Result<Self, Error> {
        let path = path(database);
        let failed = |source| Error::File { path: path.clone(), source };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _held: file }),
            Err(TryLockError::WouldBlock) => Err(Error::DatabaseInUse { path: database.to_owned() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

fn path(database: &Path) -> PathBuf {
    let mut path = OsString::from(database);
    path.push(".lock");
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_has_one_holder_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("new").join("relay.sqlite");
        let held = DatabaseLock::take(&database).unwrap();
        let refused = DatabaseLock::take(&database).err().expect("it is held").to_string();
        assert!(refused.contains("another relay") && refused.contains("relay.sqlite"), "{refused}");
        DatabaseLock::take(&folder.path().join("other.sqlite")).unwrap();
        drop(held);
        DatabaseLock::take(&database).unwrap();
    }
}
