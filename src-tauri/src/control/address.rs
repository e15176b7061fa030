//! Where the local socket of a data folder is. It must never be a place where another user can wait in our stead.

use std::io;

use interprocess::local_socket::{ListenerOptions, Name};

use crate::folder::Folder;

/// The socket's file in the data folder.
#[cfg(unix)]
const SOCKET: &str = "traybell.sock";

/// The address of a folder's socket. It lives as long as what was made from it.
#[derive(Debug)]
pub struct Address {
    #[cfg(unix)]
    path: std::path::PathBuf,
    /// Open for as long as `path` leads through it.
    #[cfg(target_os = "linux")]
    _folder: Option<std::fs::File>,
    #[cfg(windows)]
    pipe: String,
}

#[cfg(unix)]
impl Address {
    /// Where the owner of `folder` listens. A socket that an ended owner left is removed: the caller holds the lock.
    pub fn to_listen(folder: &Folder) -> io::Result<Self> {
        let address = Self::to_connect(folder)?;
        address.remove()?;
        Ok(address)
    }

    /// Removes the socket. Fine when there is none.
    pub fn remove(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Where to reach the owner of `folder`.
    #[cfg(target_os = "linux")]
    pub fn to_connect(folder: &Folder) -> io::Result<Self> {
        use std::os::fd::AsRawFd as _;
        /// The kernel takes 107 bytes and a NUL.
        const LONGEST: usize = 107;
        let path = folder.path().join(SOCKET);
        if path.as_os_str().len() <= LONGEST {
            return Ok(Self { path, _folder: None });
        }
        // A longer path is taken by way of an open handle on the folder.
        let open = std::fs::File::open(folder.path())?;
        let path = format!("/proc/self/fd/{}/{SOCKET}", open.as_raw_fd()).into();
        Ok(Self { path, _folder: Some(open) })
    }

    /// Where to reach the owner of `folder`.
    #[cfg(not(target_os = "linux"))]
    pub fn to_connect(folder: &Folder) -> io::Result<Self> {
        Ok(Self { path: folder.path().join(SOCKET) })
    }

    /// Its name, as the socket library takes it.
    pub fn name(&self) -> io::Result<Name<'_>> {
        use interprocess::local_socket::{GenericFilePath, ToFsName as _};
        self.path.as_path().to_fs_name::<GenericFilePath>()
    }

    /// How to listen there, for the user alone.
    pub fn options(&self) -> io::Result<ListenerOptions<'_>> {
        let options = ListenerOptions::new().name(self.name()?);
        #[cfg(target_os = "linux")]
        let options = {
            use interprocess::os::unix::local_socket::ListenerOptionsExt as _;
            options.mode(0o600)
        };
        // Elsewhere the folder's own mode, 0700, keeps others out.
        Ok(options)
    }
}

#[cfg(windows)]
impl Address {
    /// Where the owner of `folder` listens: a name nobody can know beforehand, written to the folder, which is the
    /// user's alone. A fixed name could be taken first by another user's program, which would be sent the sid.
    pub fn to_listen(folder: &Folder) -> io::Result<Self> {
        use std::hash::{BuildHasher as _, RandomState};
        // Each `RandomState` is keyed from the system's random numbers.
        let random = || RandomState::new().hash_one(0_u8);
        let pipe = format!("traybell-{:016x}{:016x}", random(), random());
        std::fs::write(Self::file(folder), &pipe)?;
        Ok(Self { pipe })
    }

    /// A pipe goes with the program that made it.
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "the same shape as on Unix")]
    pub fn remove(&self) -> io::Result<()> {
        Ok(())
    }

    /// Where to reach the owner of `folder`.
    pub fn to_connect(folder: &Folder) -> io::Result<Self> {
        Ok(Self { pipe: std::fs::read_to_string(Self::file(folder))? })
    }

    fn file(folder: &Folder) -> std::path::PathBuf {
        folder.path().join("traybell.pipe")
    }

    /// Its name, as the socket library takes it.
    pub fn name(&self) -> io::Result<Name<'_>> {
        use interprocess::local_socket::{GenericNamespaced, ToNsName as _};
        self.pipe.as_str().to_ns_name::<GenericNamespaced>()
    }

    /// How to listen there, for the user alone.
    pub fn options(&self) -> io::Result<ListenerOptions<'_>> {
        use interprocess::os::windows::{
            local_socket::ListenerOptionsExt as _, security_descriptor::SecurityDescriptor,
        };
        // Protected, and everything for the owner: the user who created it.
        let owner_only = SecurityDescriptor::deserialize(widestring::u16cstr!("D:P(A;;GA;;;OW)"))?;
        Ok(ListenerOptions::new().name(self.name()?).security_descriptor(owner_only))
    }
}
