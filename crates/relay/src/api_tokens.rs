//! The tokens by which other programs send messages: made and shown once, listed by name, removed. It works on the database
//! itself, so the server may be running or not; a running one notices at once.

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    DatabaseAddress, Error,
    store::{Database, Store},
};

/// The tokens of one database.
#[derive(Clone)]
pub struct ApiTokens(Store);

impl ApiTokens {
    /// Opens the database, and makes it when it is not there.
    pub async fn open(database: impl Into<DatabaseAddress>) -> Result<Self, Error> {
        Ok(Self(Store::open(database).await?))
    }

    /// Opens the database, which must be there.
    pub async fn open_existing(database: impl Into<DatabaseAddress>) -> Result<Self, Error> {
        Ok(Self(Store::open_existing(database).await?))
    }

    /// Makes a token and answers it; it is not stored and cannot be asked for again.
    pub async fn add(&self, name: &str) -> Result<SecretString, Error> {
        crate::users::check_name("token's name", name)?;
        let mut random = [0; 32];
        getrandom::fill(&mut random)?;
        let token = SecretString::from(hex::encode(random));
        let (name, digested) = (name.to_owned(), token.clone());
        let add =
            move |database: &mut Database| database.add_api_token(&name, digested.expose_secret(), Timestamp::now());
        self.0.call(add).await?;
        Ok(token)
    }

    /// The names, and when each was made.
    pub async fn list(&self) -> Result<Vec<(String, Timestamp)>, Error> {
        self.0.call(Database::api_tokens).await
    }

    /// The token is void.
    pub async fn remove(&self, name: &str) -> Result<(), Error> {
        let wanted = name.to_owned();
        if self.0.call(move |database| database.remove_api_token(&wanted)).await? {
            return Ok(());
        }
        Err(Error::Input(format!("there is no token {name:?}; `token list` shows the ones there are")))
    }
}
