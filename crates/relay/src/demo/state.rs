//! What a demo with a folder of its own keeps beside the database: the session id, of which the database has only a
//! digest, and the port. It is one small JSON file, for the owner's eyes only.

use std::{fs, io, io::Write as _, path::Path};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::Error;

const FILE: &str = "demo.json";

pub(super) struct State {
    pub(super) sid: SecretString,
    pub(super) port: Option<u16>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    sid: String,
    port: Option<u16>,
}

impl State {
    /// What was kept in the folder, or a new session id. A file that makes no sense is an error and stays as it is:
    /// someone may have put another one there.
    pub(super) fn read_or_new(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(FILE);
        match fs::read(&path) {
            Ok(bytes) => {
                let written: Written = serde_json::from_slice(&bytes)
                    .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "this is not the demo's own file"))
                    .map_err(|source| Error::File { path, source })?;
                Ok(Self { sid: written.sid.into(), port: written.port })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut random = [0; 16];
                getrandom::fill(&mut random)?;
                Ok(Self { sid: format!("demo-{}", hex::encode(random)).into(), port: None })
            }
            Err(source) => Err(Error::File { path, source }),
        }
    }

    /// Written beside and renamed, so that the file is whole at any time.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        let write = || {
            let written = Written { sid: self.sid.expose_secret().to_owned(), port: self.port };
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer(&mut file, &written)?;
            file.flush()?;
            file.persist(folder.join(FILE)).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|source| Error::File { path: folder.join(FILE), source })
    }
}
