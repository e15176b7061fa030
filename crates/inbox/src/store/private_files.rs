//! Files that only this user can read, whatever the umask says: folders 0700, files 0600. On Windows the user's profile
//! has that by itself.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
};

use super::StoreError;

fn unwritable(path: &Path, source: io::Error) -> StoreError {
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full { path: path.to_path_buf() },
        _ => StoreError::Unwritable { path: path.to_path_buf(), source },
    }
}

/// Narrows what is there to `mode`; on Windows there is nothing to do.
#[cfg(unix)]
fn narrow(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if fs::metadata(path)?.permissions().mode() & 0o777 == mode {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same shape as on Unix")]
fn narrow(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// How a new private file is opened: never wider than 0600, not even for a moment.
fn options() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there is no mode to set"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes sure of a folder that only this user can enter.
pub(crate) fn make_dir(dir: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).and_then(|()| narrow(dir, 0o700)).map_err(|source| unwritable(dir, source))
}

/// Makes sure of a file that only this user can read, empty when it was not there; answers its length.
pub(crate) fn make_file(path: &Path) -> Result<u64, StoreError> {
    options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
        .and_then(|file| {
            narrow(path, 0o600)?;
            Ok(file.metadata()?.len())
        })
        .map_err(|source| unwritable(path, source))
}

/// Narrows a file that may be there.
pub(crate) fn narrow_file(path: &Path) -> Result<(), StoreError> {
    match narrow(path, 0o600) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done.map_err(|source| unwritable(path, source)),
    }
}

/// Reads a whole file; `None` when there is none. One longer than `limit` is cut there.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(unwritable(path, source)),
    };
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(|source| unwritable(path, source))?;
    Ok(Some(bytes))
}

/// Writes a file whole or not at all: beside it first, then in its place.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    if let Some(dir) = path.parent() {
        make_dir(dir)?;
    }
    let beside = path.with_extension("new");
    // What an earlier try left behind may have other rights.
    remove(&beside)?;
    options()
        .create_new(true)
        .write(true)
        .open(&beside)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&beside, path))
        .map_err(|source| unwritable(path, source))
}

/// The files of a folder whose names end in `.{ending}`.
pub(crate) fn ending_in(dir: &Path, ending: &str) -> Result<Vec<PathBuf>, StoreError> {
    let entries = fs::read_dir(dir).map_err(|source| unwritable(dir, source))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    Ok(paths.filter(|path| path.extension().is_some_and(|it| it == ending)).collect())
}

/// Removes a file; fine when there is none.
pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(unwritable(path, error)),
        _ => Ok(()),
    }
}
