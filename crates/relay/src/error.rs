//! What can go wrong in the relay, said so that the one who runs it can act. No variant ever holds a secret.

use std::{io, net::SocketAddr, path::PathBuf};

use rusqlite::ErrorCode;

/// An error of the relay's own functions. What a *client* of the relay did wrong is answered to that client instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address cannot be listened on: taken by another program, or not of this machine.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Clients are told where to connect, and `0.0.0.0` is no place to connect to.
    #[error("listening on {address}, the address clients reach the relay under must be given (`public_url`)")]
    PublicUrlMissing {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// `public_url` is not `http://host[:port]` or `https://host[:port]`.
    #[error("`public_url` must be http:// or https:// with a host and without a path")]
    PublicUrlUnusable,
    /// A file or folder of the relay cannot be read or written.
    #[error("cannot use {path}: {source}", path = path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database file holds what this version cannot bring up to date (written by a newer one, or no database).
    #[error("cannot open the database {path}: {source}", path = path.display())]
    Migration {
        /// The database file.
        path: PathBuf,
        /// What the migration said.
        source: rusqlite_migration::Error,
    },
    /// The database refused an operation: disk full, file damaged, locked for too long.
    #[error("database: {0}")]
    Database(#[from] rusqlite::Error),
    /// Another process serves the database file, or is replacing it.
    #[error("another relay runs on the database {path}; stop it first", path = path.display())]
    DatabaseInUse {
        /// The database file.
        path: PathBuf,
    },
    /// The database file is damaged, or none.
    #[error("the database {path} is damaged; `traybell-relay restore` puts a backup in its place", path = path.display())]
    DatabaseDamaged {
        /// The database file.
        path: PathBuf,
    },
    /// The database file is not where it was opened: what is written to it would be gone with the relay.
    #[error("the database {path} was moved or deleted under the relay; put it back, or restart the relay", path = path.display())]
    DatabaseMoved {
        /// Where it was.
        path: PathBuf,
    },
    /// PostgreSQL refused an operation.
    #[error("database: {message} ({code})")]
    PostgreSql {
        /// The SQLSTATE.
        code: String,
        /// What the server said.
        message: String,
    },
    /// PostgreSQL could not be reached, or the connection was lost.
    #[error("the database cannot be reached: {0}")]
    NoDatabase(String),
    /// PostgreSQL has not answered for so many seconds: it, or the way to it, is gone without a word.
    #[error("the database has not answered for {0} s; the connection is given up")]
    SilentDatabase(u64),
    /// The database holds what this version does not understand.
    #[error("database: {0}")]
    Stored(String),
    /// What the caller gave is not acceptable; the text says what is.
    #[error("{0}")]
    Input(String),
    /// The channel server elsewhere was not reached, or refused.
    #[error("{0}")]
    Channels(String),
    /// The relay itself is not reached under its own address.
    #[error("no relay answers at {url} yet ({message})")]
    NotRunning {
        /// Where it should be.
        url: String,
        /// What the system said.
        message: String,
    },
    /// TrackTik could not be asked, or refused.
    #[error(transparent)]
    TrackTik(#[from] tracktik_client::Error),
    /// The user is not (or no longer) known to this relay.
    #[error("there is no such user on this relay")]
    UnknownUser,
    /// The operating system gave no random numbers, without which no token is safe.
    #[error("the system's random number generator failed: {0}")]
    Random(getrandom::Error),
    /// The runtime is being shut down, or an operation of the database panicked.
    #[error("the operation was interrupted")]
    Interrupted,
}

impl Error {
    /// Whether the same may work a moment later, with nothing done about it: the database or the way to it is gone, or it is busy.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::NoDatabase(_) | Self::SilentDatabase(_) | Self::Interrupted => true,
            // Lost, given up for another transaction, out of disk or memory, stopped by an operator or a limit; a server that
            // only follows another now, and a lock that was not given.
            Self::PostgreSql { code, .. } => {
                ["08", "40", "53", "57", "58", "25006", "55P03"].iter().any(|class| code.starts_with(class))
            }
            Self::Database(error) => {
                use ErrorCode::{CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, ReadOnly, SystemIoFailure};
                let passing = [CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, ReadOnly, SystemIoFailure];
                error.sqlite_error_code().is_some_and(|code| passing.contains(&code))
            }
            _ => false,
        }
    }
}

impl From<getrandom::Error> for Error {
    fn from(error: getrandom::Error) -> Self {
        Self::Random(error)
    }
}

/// A moment beyond all calendars.
impl From<jiff::Error> for Error {
    fn from(error: jiff::Error) -> Self {
        Self::Stored(error.to_string())
    }
}
