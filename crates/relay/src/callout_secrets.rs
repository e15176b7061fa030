//! The keys and secrets of the call-outs: what makes a POST TrackTik's. They are generated here, kept in one JSON file
//! for the owner's eyes only (mode 0600; a file that others can read is refused), and never in `relay.toml`.
//!
//! A new secret does not void the one before it: until `finish`, both verify, so that the subscription at TrackTik can
//! be changed without losing a call-out.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::{self, Write as _},
    path::Path,
};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::{Error, configuration::check_custom_id, secret_file::check_private};

/// The keys and secrets by custom id.
#[derive(Default)]
pub struct CallOutSecrets(BTreeMap<String, Entry>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The last part of the call-out's address.
    key: String,
    /// The newest first.
    secrets: Vec<String>,
}

impl CallOutSecrets {
    /// Reads the file; one that is not there is empty.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed(error)),
        };
        check_private(path)?;
        // serde_json's own message could quote a secret.
        let entries = serde_json::from_slice(&bytes)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "this is not the relay's file of secrets"))
            .map_err(failed)?;
        Ok(Self(entries))
    }

    /// Written beside and renamed, so that the file is whole at any time, and synced: a secret that TrackTik has been
    /// given must not be gone after a power cut.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let write = || {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            // Made with mode 0600 by `tempfile`.
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer_pretty(&mut file, &self.0)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|source| Error::File { path: path.to_owned(), source })
    }

    /// A new secret for the subscription, and a key when it has none; an older secret goes on verifying.
    pub fn renew(&mut self, custom_id: &str) -> Result<(), Error> {
        check_custom_id(custom_id)?;
        let secret = random()?;
        if let Some(entry) = self.0.get_mut(custom_id) {
            entry.secrets.insert(0, secret);
            // More than two at once would be a rotation that nobody finishes.
            entry.secrets.truncate(2);
        } else {
            let entry = Entry { key: random()?, secrets: vec![secret] };
            self.0.insert(custom_id.to_owned(), entry);
        }
        Ok(())
    }

    /// Voids the older secret. Answers whether there was one.
    pub fn finish(&mut self, custom_id: &str) -> bool {
        let Some(entry) = self.0.get_mut(custom_id) else { return false };
        let had_older = entry.secrets.len() > 1;
        entry.secrets.truncate(1);
        had_older
    }

    /// Key and secrets of the subscription, the newest secret first.
    pub fn of(&self, custom_id: &str) -> Option<(SecretString, Vec<SecretString>)> {
        let entry = self.0.get(custom_id)?;
        let secrets = entry.secrets.iter().map(|secret| secret.as_str().into()).collect();
        Some((entry.key.as_str().into(), secrets))
    }

    /// The address TrackTik is given for the subscription.
    pub fn address(&self, custom_id: &str, own_url: &str) -> Option<SecretString> {
        let (key, _) = self.of(custom_id)?;
        Some(format!("{own_url}/callouts/tracktik/{}", key.expose_secret()).into())
    }
}

impl fmt::Debug for CallOutSecrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

fn random() -> Result<String, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewed_secret_leaves_the_key_and_the_older_secret_good_until_it_is_finished() {
        let mut secrets = CallOutSecrets::default();
        secrets.renew("a").unwrap();
        let (key, first) = secrets.of("a").unwrap();
        secrets.renew("a").unwrap();
        let (same_key, both) = secrets.of("a").unwrap();
        assert_eq!(key.expose_secret(), same_key.expose_secret());
        assert_eq!(both.len(), 2);
        assert_eq!(both[1].expose_secret(), first[0].expose_secret());
        assert!(secrets.finish("a"));
        assert!(!secrets.finish("a"));
        let (_, last) = secrets.of("a").unwrap();
        assert_eq!((last.len(), last[0].expose_secret()), (1, both[0].expose_secret()));
    }

    #[test]
    fn what_was_written_is_read_again_and_prints_nothing_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.json");
        assert!(CallOutSecrets::read(&path).unwrap().of("a").is_none());
        let mut secrets = CallOutSecrets::default();
        secrets.renew("a").unwrap();
        secrets.write(&path).unwrap();
        let read = CallOutSecrets::read(&path).unwrap();
        let (key, _) = read.of("a").unwrap();
        assert_eq!(key.expose_secret(), secrets.of("a").unwrap().0.expose_secret());
        assert_eq!(format!("{read:?}"), "{\"a\"}");
        fs::write(&path, r#"{"a":{"key":"very-secret-key","secrets":5}}"#).unwrap();
        let error = CallOutSecrets::read(&path).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("very-secret"), "{error:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.json");
        CallOutSecrets::default().write(&path).unwrap();
        assert!(CallOutSecrets::read(&path).is_ok());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let text = CallOutSecrets::read(&path).unwrap_err().to_string();
        assert!(text.contains("mode 640") && text.contains("chmod 600"), "{text}");
    }
}
