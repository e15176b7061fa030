//! Where the keys and secrets of the call-outs are kept: a JSON file for the owner's eyes only (mode 0600; one that others
//! can read is refused), or the OS keyring.
//!
//! Changes are made under a lock, so that two commands at once lose nothing, and are whole at any time: a secret that
//! TrackTik has been given must not be gone after a power cut. A keyring may ask a person and blocks: nothing here may be
//! called where that must not be.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use secrecy::ExposeSecret as _;

use crate::{CallOutSecrets, Error, secret_file::check_private};

/// What the keyring's entries are filed under.
const SERVICE: &str = "Traybell Relay";

/// Where they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretsPlace {
    /// A file.
    File(PathBuf),
    /// The OS keyring of the user that runs the relay.
    Keyring {
        /// The entry's user name: the relay's public address.
        account: String,
        /// A folder for the lock.
        folder: PathBuf,
    },
}

impl SecretsPlace {
    /// What is kept there: nothing, when nothing was yet.
    pub fn read(&self) -> Result<CallOutSecrets, Error> {
        let document = match self {
            Self::File(path) => read_file(path).map_err(|error| self.failed(error))?,
            Self::Keyring { account, .. } => match entry(account)?.get_password() {
                Ok(document) => Some(document.into_bytes()),
                Err(keyring::Error::NoEntry) => None,
                Err(error) => return Err(keyring_failed(&error)),
            },
        };
        let Some(document) = document else { return Ok(CallOutSecrets::default()) };
        if let Self::File(path) = self {
            check_private(path)?;
        }
        CallOutSecrets::from_json(&document).map_err(|error| Error::Input(format!("{}: {error}", self.name())))
    }

    /// Reads them, changes them, and keeps what came of it; when `change` fails, all stays as it was.
    pub fn change<T>(&self, change: impl FnOnce(&mut CallOutSecrets) -> Result<T, Error>) -> Result<T, Error> {
        // Held until it is dropped.
        let _lock = self.lock().map_err(|error| self.failed(error))?;
        let mut secrets = self.read()?;
        let changed = change(&mut secrets)?;
        let document = secrets.to_json()?;
        match self {
            Self::File(path) => write_file(path, document.expose_secret()).map_err(|error| self.failed(error))?,
            Self::Keyring { account, .. } => {
                entry(account)?.set_password(document.expose_secret()).map_err(|error| keyring_failed(&error))?;
            }
        }
        Ok(changed)
    }

    fn lock(&self) -> io::Result<fs::File> {
        let path = match self {
            Self::File(path) => {
                let mut path = path.clone().into_os_string();
                path.push(".lock");
                PathBuf::from(path)
            }
            Self::Keyring { folder, .. } => folder.join("relay-secrets.lock"),
        };
        let file = fs::File::options().create(true).truncate(false).write(true).open(path)?;
        file.lock()?;
        Ok(file)
    }

    /// As a person calls it.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Keyring { .. } => "the keyring".into(),
        }
    }

    fn failed(&self, source: io::Error) -> Error {
        let path = match self {
            Self::File(path) => path,
            Self::Keyring { folder, .. } => folder,
        };
        Error::File { path: path.clone(), source }
    }
}

fn entry(account: &str) -> Result<keyring::Entry, Error> {
    keyring::Entry::new(SERVICE, account).map_err(|error| keyring_failed(&error))
}

/// The keyring's own texts hold no secret.
fn keyring_failed(error: &keyring::Error) -> Error {
    Error::Input(format!(
        "the keyring cannot be used: {error}. A server without a session of a desktop has none as a rule: keep the secrets in a \
         file there (`secrets = \"relay-secrets.json\"`)"
    ))
}

fn read_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::metadata(path).and_then(|metadata| if metadata.is_file() { fs::read(path) } else { Err(no_file()) }) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reading a pipe would wait for whoever writes to it.
fn no_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is no file")
}

/// Written beside and renamed, and synced.
fn write_file(path: &Path, document: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Made with mode 0600 by `tempfile`.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(document.as_bytes())?;
    file.as_file().sync_all()?;
    // Windows replaces no file that somebody reads just now.
    let mut waits = if cfg!(windows) { 0..100 } else { 0..0 };
    loop {
        match file.persist(path) {
            Ok(_) => return Ok(()),
            Err(failed) if failed.error.kind() == io::ErrorKind::PermissionDenied && waits.next().is_some() => {
                file = failed.file;
                thread::sleep(Duration::from_millis(20));
            }
            Err(failed) => return Err(failed.error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_read_again_and_prints_nothing_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.json");
        let place = SecretsPlace::File(path.clone());
        assert!(place.read().unwrap().of("a").is_none());
        let key = place.change(|secrets| {
            secrets.renew("a")?;
            Ok(secrets.of("a").unwrap().0)
        });
        let read = place.read().unwrap();
        assert_eq!(read.of("a").unwrap().0.expose_secret(), key.unwrap().expose_secret());
        assert_eq!(format!("{read:?}"), "{\"a\"}");
        fs::write(&path, r#"{"subscriptions":{"a":{"key":"very-secret-key","secrets":5}}}"#).unwrap();
        let error = place.read().unwrap_err();
        assert!(!format!("{error:?} {error}").contains("very-secret"), "{error:?}");
    }

    #[test]
    fn what_somebody_reads_just_now_is_changed_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.json");
        let place = SecretsPlace::File(path.clone());
        let renew = |name: &str| place.change(|secrets| secrets.renew(name)).unwrap();
        renew("a");
        let read = fs::File::open(&path).unwrap();
        let files = || fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files(), 2, "the file and its lock");
        thread::scope(|scope| {
            let change = scope.spawn(|| renew("b"));
            // The new one lies beside it until it takes its place.
            while files() < 3 && !change.is_finished() {
                thread::yield_now();
            }
            drop(read);
        });
        let names = ["a", "b"].map(|name| place.read().unwrap().of(name).is_some());
        assert_eq!(names, [true, true]);
    }

    #[test]
    fn a_change_that_fails_changes_nothing_and_two_at_once_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let place = SecretsPlace::File(folder.path().join("secrets.json"));
        let failed: Result<(), _> = place.change(|secrets| {
            secrets.renew("a")?;
            Err(Error::UnknownUser)
        });
        assert!(failed.is_err() && place.read().unwrap().of("a").is_none());
        let change = |name: String| {
            let place = place.clone();
            std::thread::spawn(move || place.change(|secrets| secrets.renew(&name)).unwrap())
        };
        let changes: Vec<_> = (0..8).map(|number| change(format!("a-{number}"))).collect();
        for change in changes {
            change.join().unwrap();
        }
        let read = place.read().unwrap();
        assert!((0..8).all(|number| read.of(&format!("a-{number}")).is_some()));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.json");
        let place = SecretsPlace::File(path.clone());
        place.change(|secrets| secrets.renew("a")).unwrap();
        assert!(place.read().is_ok());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let text = place.read().unwrap_err().to_string();
        assert!(text.contains("mode 640") && text.contains("chmod 600"), "{text}");
    }
}
