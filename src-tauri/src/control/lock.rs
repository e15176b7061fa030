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
        let mut options = private_file();
        #[cfg(windows)]
        {
            // To read and to write, and not to delete.
            std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 3);
        }
        let file = options
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
    /// anew, with a lock of its own. What cannot be told counts as yes.
    #[cfg(unix)]
    pub fn is_ours(&self) -> bool {
        use std::{io::ErrorKind, os::unix::fs::MetadataExt as _};
        let identity = |data: &std::fs::Metadata| (data.dev(), data.ino());
        match (self.file.metadata(), std::fs::metadata(self.folder.lock())) {
            (Ok(held), Ok(found)) => identity(&held) == identity(&found),
            (_, Err(error)) => error.kind() != ErrorKind::NotFound,
            (Err(_), Ok(_)) => true,
        }
    }

    /// The folder is still this program's: nobody can remove the lock's file while it is held, see [`Lock::take`].
    #[cfg(not(unix))]
    pub fn is_ours(&self) -> bool {
        let _held = &self.file;
        self.folder.lock().exists()
    }
}
