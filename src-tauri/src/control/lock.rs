//! [`Lock`]: this program alone uses the data folder. The operating system lets go of it when the program ends, however
//! it ends. It must never be taken twice in a program, or be deleted: a deleted lock file can be held by two.

use std::fs::{File, TryLockError};

use inbox::Problem;

use crate::folder::{Folder, private_file};

/// Held for as long as this lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock; `None` while another program has it.
    pub fn take(folder: &Folder) -> Result<Option<Self>, Problem> {
        let file = private_file()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.lock())
            .map_err(|error| folder.unwritable(&error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(folder.unwritable(&error)),
        }
    }
}
