//! A running server's configuration, looked at again and again: a changed secret or subscription is taken in, without a
//! start anew and without a gap. A configuration that makes no sense changes nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use crate::{Configuration, Error, SecretsPlace, Server, ServerOptions};

/// A keyring has to be asked, which is not done as often as looking at a file.
const KEYRING_EVERY: Duration = Duration::from_secs(10);

/// A `relay.toml` and the secrets beside it, as they were read last.
pub struct Watched {
    path: PathBuf,
    secrets: SecretsPlace,
    seen: Stamp,
    keyring_asked: Instant,
}

/// By what a change of the files is noticed.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    configuration: Option<File>,
    secrets: Option<File>,
}

#[derive(Debug, PartialEq, Eq)]
struct File {
    modified: Option<SystemTime>,
    length: u64,
    #[cfg(unix)]
    inode: u64,
}

impl Watched {
    /// Reads the configuration, and answers what a server is started with.
    pub fn read(path: &Path) -> Result<(Self, ServerOptions), Error> {
        let configuration = Configuration::read(path)?;
        let secrets = configuration.secrets().clone();
        // Stamped before it is read: what changes in between is read again.
        let seen = Stamp::of(path, &secrets);
        let options = configuration.server_options(&secrets.read()?)?;
        Ok((Self { path: path.to_owned(), secrets, seen, keyring_asked: Instant::now() }, options))
    }

    /// Takes in what has changed since the last look.
    pub async fn renew(&mut self, server: &Server) {
        let seen = Stamp::of(&self.path, &self.secrets);
        let asks = matches!(self.secrets, SecretsPlace::Keyring { .. }) && self.keyring_asked.elapsed() > KEYRING_EVERY;
        if seen == self.seen && !asks {
            return;
        }
        let changed = seen != self.seen;
        (self.seen, self.keyring_asked) = (seen, Instant::now());
        let path = self.path.clone();
        // A keyring may block, for as long as it asks a person.
        tracing::debug!("the configuration and the secrets are looked at");
        let read = tokio::task::spawn_blocking(move || {
            let configuration = Configuration::read(&path)?;
            let secrets = configuration.secrets().read()?;
            Ok((configuration.secrets().clone(), configuration.server_options(&secrets)?))
        });
        let renewed = match read.await {
            Ok(Ok((secrets, options))) => {
                self.secrets = secrets;
                server.renew_callouts(&options.callouts)
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::Interrupted),
        };
        match renewed {
            Ok(()) if changed => tracing::info!("the subscriptions and their secrets were read anew"),
            Ok(()) => {}
            Err(error) => tracing::error!(%error, "the changed configuration is not taken in; the one before it holds"),
        }
    }
}

impl Stamp {
    fn of(configuration: &Path, secrets: &SecretsPlace) -> Self {
        let secrets = match secrets {
            SecretsPlace::File(path) => File::of(path),
            SecretsPlace::Keyring { .. } => None,
        };
        Self { configuration: File::of(configuration), secrets }
    }
}

impl File {
    /// Nothing for one that cannot be looked at; whoever reads it then says why.
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(&metadata),
        })
    }
}
