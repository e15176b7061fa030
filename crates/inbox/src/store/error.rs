//! [`StoreError`]: why the store could not do what it was asked, and what a person can do about it.

use std::{io, path::PathBuf};

use rusqlite::{Error as Sqlite, ErrorCode, ffi};

use crate::{Code, Problem};

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The data folder or a file in it cannot be created, read or written.
    #[error("{} cannot be written: {source}", path.display())]
    Unwritable {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk is full.
    #[error("there is no space left on the disk for {}", path.display())]
    Full {
        /// The file that could not grow.
        path: PathBuf,
    },
    /// The file is damaged: [`super::Store::set_aside`] starts anew.
    #[error("{} is damaged", path.display())]
    Corrupt {
        /// The damaged file.
        path: PathBuf,
    },
    /// A newer Traybell wrote the file.
    #[error("{} was written by a newer version of Traybell", path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
    },
    /// The cursor of a page is none that a page ever gave.
    #[error("this is no place in the list")]
    BadCursor,
    /// Anything else `SQLite` said.
    #[error("the message store failed: {0}")]
    Sqlite(#[source] Sqlite),
}

impl StoreError {
    /// What `SQLite`'s error means for the file at `path`.
    pub(super) fn of(error: Sqlite, path: &std::path::Path) -> Self {
        let path = path.to_path_buf();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt { path },
            Some(
                ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked,
            ) => Self::Unwritable { path, source: io::Error::other(error) },
            _ => Self::Sqlite(error),
        }
    }
}

/// Whether an error means that what is in the file is not as we left it: content, tables or structure. Anything else, such
/// as a full disk or too little memory, says nothing about the file.
pub(super) fn means_damage(error: &Sqlite) -> bool {
    match error.sqlite_error() {
        // SQLITE_ERROR: tables or columns that are not there.
        Some(failure) => matches!(
            failure.extended_code & 0xff,
            ffi::SQLITE_ERROR
                | ffi::SQLITE_CORRUPT
                | ffi::SQLITE_NOTADB
                | ffi::SQLITE_CONSTRAINT
                | ffi::SQLITE_MISMATCH
        ),
        // Values of another kind than we write.
        None => true,
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let (code, hint) = match &error {
            StoreError::Unwritable { path, .. } => (
                Code::StoreFailed,
                format!(
                    "Check that {} exists on a disk that can be written and belongs to you, then try again.",
                    path.parent().unwrap_or(path).display()
                ),
            ),
            StoreError::Full { .. } => (Code::StoreFailed, "Free some disk space, then try again.".to_owned()),
            StoreError::Corrupt { .. } => (
                Code::StoreFailed,
                "Restart Traybell: it sets the file aside and fetches the messages again.".to_owned(),
            ),
            StoreError::TooNew { .. } => (Code::StoreFailed, "Install the newest version of Traybell.".to_owned()),
            StoreError::BadCursor => (Code::BadInput, "Load the list from its beginning.".to_owned()),
            StoreError::Sqlite(_) => {
                (Code::StoreFailed, "Restart Traybell. If it happens again, report it with the log file.".to_owned())
            }
        };
        let mut message = error.to_string();
        if let Some(first) = message.get(..1).map(str::to_ascii_uppercase) {
            message.replace_range(..1, &first);
        }
        message.push('.');
        Self::new(code, message, hint)
    }
}
