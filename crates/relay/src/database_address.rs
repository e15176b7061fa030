//! Where a relay's database is: a `SQLite` file, or a PostgreSQL that several relays may share.

use std::{
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
};

use secrecy::SecretString;
use tokio_postgres::config::{Host, SslMode};

use crate::Error;

/// Where it is.
#[derive(Debug, Clone)]
pub enum DatabaseAddress {
    /// A file; made when missing, for the owner's eyes only (mode 0600).
    File(PathBuf),
    /// A database of a server.
    PostgreSql(PostgreSql),
}

/// A database of a PostgreSQL server.
#[derive(Clone)]
pub struct PostgreSql {
    /// `postgres://user@host:port/name`, with parameters as libpq has them; without a password.
    url: String,
    pub(crate) password: Option<SecretString>,
}

impl DatabaseAddress {
    /// A file's name, in `folder` unless it says where, or `postgres://user@host:port/name` with parameters as libpq has
    /// them; a password stands beside it, never in it.
    pub fn read(text: &str, folder: &Path, password: Option<SecretString>) -> Result<Self, Error> {
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            if password.is_some() {
                return Err(Error::Input("database_password_file goes with database = \"postgres://…\"".into()));
            }
            let name = Path::new(text).file_name();
            if name.is_none() || text.contains("://") || text.contains("dbname=") || text.starts_with("sqlite:") {
                return Err(expected());
            }
            return Ok(Self::File(folder.join(text)));
        }
        let address = PostgreSql { url: text.to_owned(), password };
        if address.config()?.get_password().is_some() {
            let expected =
                "database: the password does not belong into this file; name its file as database_password_file";
            return Err(Error::Input(expected.into()));
        }
        Ok(Self::PostgreSql(address))
    }
}

fn expected() -> Error {
    Error::Input(
        "database is a file's name, or postgres://user@host:port/name with parameters as libpq has them".into(),
    )
}

impl PostgreSql {
    pub(crate) fn config(&self) -> Result<tokio_postgres::Config, Error> {
        // Its own text could quote what stands there, a password too.
        self.url.parse().map_err(|_| expected())
    }

    /// To another machine always, unless the address says `sslmode=disable`; to this one when it says `sslmode=require`.
    pub(crate) fn is_encrypted(&self) -> Result<bool, Error> {
        let config = self.config()?;
        let is_local = |host: &Host| match host {
            Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback()),
            #[cfg(unix)]
            Host::Unix(_) => true,
        };
        Ok(match config.get_ssl_mode() {
            SslMode::Disable => false,
            SslMode::Prefer => !config.get_hosts().iter().all(is_local),
            _ => true,
        })
    }
}

impl fmt::Debug for PostgreSql {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PostgreSql").finish_non_exhaustive()
    }
}

impl From<PathBuf> for DatabaseAddress {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<&PathBuf> for DatabaseAddress {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}

impl From<&Self> for DatabaseAddress {
    fn from(address: &Self) -> Self {
        address.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<DatabaseAddress, Error> {
        DatabaseAddress::read(text, Path::new("/etc/relay"), None)
    }

    #[test]
    fn a_name_is_a_file_and_a_url_a_server() {
        assert!(
            matches!(read("relay.sqlite"), Ok(DatabaseAddress::File(path)) if path == Path::new("/etc/relay/relay.sqlite"))
        );
        let encrypted = |text: &str| match read(text) {
            Ok(DatabaseAddress::PostgreSql(address)) => address.is_encrypted().unwrap(),
            other => panic!("{other:?}"),
        };
        assert!(encrypted("postgres://relay@db.example/relay"));
        assert!(encrypted("postgresql://relay@127.0.0.1/relay?sslmode=require"));
        assert!(!encrypted("postgres://relay@db.example/relay?sslmode=disable"));
        assert!(!encrypted("postgres://relay@127.0.0.1:5433/relay") && !encrypted("postgres://relay@localhost/relay"));
    }

    #[test]
    fn what_is_meant_for_another_server_is_no_file() {
        for text in
            ["mysql://x/y", "Postgres://relay@db/relay", "sqlite:relay.sqlite", "host=db dbname=relay", "", "..", "/"]
        {
            let refused = read(text).unwrap_err().to_string();
            assert!(refused.contains("database is a file's name, or postgres://"), "{text}: {refused}");
        }
    }

    #[test]
    fn a_password_in_the_address_is_refused_and_not_repeated() {
        for text in ["postgres://relay:hunter22@db.example/relay", "postgres://relay:hunter22@db.example:port/relay"] {
            let refused = read(text).unwrap_err().to_string();
            assert!(refused.contains("database") && !refused.contains("hunter22"), "{refused}");
        }
        let password = Some(SecretString::from("x"));
        assert!(DatabaseAddress::read("relay.sqlite", Path::new(""), password).is_err());
    }
}
