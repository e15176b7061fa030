//! [`Lock`]: this program alone uses the data folder. The operating system lets go of it when the program ends, however
//! it ends. It must never be taken twice in a program, or be deleted: a deleted lock file can be held by two.

use std::fs::{File, TryLockError};

use inbox::Problem;

use crate::folder::{Folder, private_file};

/// Held for as long as this lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
    folder: Folder,
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
            Ok(()) => Ok(Some(Self { file, folder: folder.clone() })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(folder.unwritable(&error)),
        }
    }

    /// The folder is still this program's. It is not once somebody has removed it: another program can then make it
    /// anew, with a lock of its own.
    #[cfg(unix)]
    pub fn is_ours(&self) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        let identity = |data: &std::fs::Metadata| (data.dev(), data.ino());
        let Ok(held) = self.file.metadata() else { return false };
        std::fs::metadata(self.folder.lock()).is_ok_and(|found| identity(&found) == identity(&held))
    }

    /// The folder is still this program's: the system lets nobody remove a file that is open.
    #[cfg(not(unix))]
    pub fn is_ours(&self) -> bool {
        self.file.metadata().is_ok() && self.folder.lock().exists()
    }
}
