//! `[tracktik]`: the account whose subscriptions the relay manages.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use tracktik_client::{Client, Credentials, Language, Limits};

use crate::{Error, secret_file::read_secret_of};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenTracktik {
    domain: String,
    client_id: String,
    client_secret_file: PathBuf,
    username: String,
    password_file: PathBuf,
    language: Option<String>,
    #[serde(default)]
    send_language: bool,
}

impl WrittenTracktik {
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.send_language && self.language.is_none() {
            return Err(Error::Input("tracktik: send_language sends `language`, which is not given".into()));
        }
        self.language().map(drop)
    }

    fn language(&self) -> Result<Option<Language>, Error> {
        let language = self.language.as_ref().map(|language| language.parse()).transpose();
        language.map_err(|error| Error::Input(format!("tracktik: language: {error}")))
    }

    /// The language that is sent as a part of each subscription.
    pub(super) fn sent_language(&self) -> Result<Option<Language>, Error> {
        if self.send_language { self.language() } else { Ok(None) }
    }

    /// As in tests alone.
    pub(super) fn is_on_this_machine(&self) -> bool {
        url::Url::parse(&self.domain).is_ok_and(|url| http_guard::is_loopback(&url))
    }

    /// A client of the account; nothing is sent yet.
    pub(super) fn client(&self, folder: &Path) -> Result<Client, Error> {
        let credentials = Credentials {
            client_id: self.client_id.clone(),
            client_secret: read_secret_of("tracktik.client_secret_file", &folder.join(&self.client_secret_file))?,
            username: self.username.clone(),
            password: read_secret_of("tracktik.password_file", &folder.join(&self.password_file))?,
        };
        let client = Client::new(&self.domain, credentials, Limits::default())?;
        Ok(match self.language()? {
            Some(language) => client.in_language(language),
            None => client,
        })
    }
}
