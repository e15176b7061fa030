//! The file an `SQLite` database is in: whether it is one, and is still there.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rusqlite::ErrorCode;

use crate::Error;

/// A database file that was opened. `SQLite` goes on writing into one that was deleted, and all of that is gone with the
/// process: nothing may be acknowledged then.
pub(super) struct OpenedFile {
    path: PathBuf,
    identity: Identity,
}

/// Device and inode. Where there are none, an open file cannot be deleted either.
type Identity = Option<(u64, u64)>;

impl OpenedFile {
    pub(super) fn new(path: PathBuf) -> Result<Self, Error> {
        match identity(&path) {
            Ok(identity) => Ok(Self { path, identity }),
            Err(source) => Err(Error::File { path, source }),
        }
    }

    /// An error where the file is not the one that was opened.
    pub(super) fn check(&self) -> Result<(), Error> {
        match identity(&self.path) {
            Ok(now) if now == self.identity => Ok(()),
            _ => Err(Error::DatabaseMoved { path: self.path.clone() }),
        }
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = fs::metadata(path)?;
    Ok(Some((metadata.dev(), metadata.ino())))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Identity> {
    fs::metadata(path).map(|_| None)
}

/// Says what to do about a file that is no database any more.
pub(super) fn damaged(error: Error, path: &Path) -> Error {
    let from_sqlite = match &error {
        Error::Database(error)
        | Error::Migration { source: rusqlite_migration::Error::RusqliteError { err: error, .. }, .. } => {
            error.sqlite_error_code()
        }
        _ => None,
    };
    match from_sqlite {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::DatabaseDamaged { path: path.to_owned() },
        _ => error,
    }
}
