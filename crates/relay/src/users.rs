//! The people a relay keeps messages for, as the one who runs it sees them: added, listed, removed and given a new
//! session id. It works on the database itself, so the server may be running or not; a running one notices at once.

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    DatabaseAddress, Error, User,
    store::{Database, Device, Store},
};

/// A user as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Who it is.
    pub user: User,
    /// What recipients are named by in `relay.toml`; the demo's users have none.
    pub name: Option<String>,
    /// The groups the user is in, in alphabetical order.
    pub groups: Vec<String>,
    /// Whether a session id would log in; after it has expired, `rotate` makes a new one.
    pub can_sign_in: bool,
    /// Messages not read yet.
    pub unread: u64,
}

/// Who is to be added.
#[derive(Debug, Clone, Default)]
pub struct NewUser {
    /// The brand signed in to.
    pub brand: String,
    /// 1 to 64 letters, digits, dots, dashes, underscores or `@`; unique in the brand.
    pub name: String,
    /// First name, at most 100 characters; where neither is given, the desktop shows the user name.
    pub first_name: String,
    /// Last name, at most 100 characters.
    pub last_name: String,
    /// Groups, named as `name` is.
    pub groups: Vec<String>,
}

/// The users of one database.
#[derive(Clone)]
pub struct Users(Store);

impl Users {
    /// Opens the database, and makes it when it is not there.
    pub async fn open(database: impl Into<DatabaseAddress>) -> Result<Self, Error> {
        Ok(Self(Store::open(database).await?))
    }

    /// Opens the database, which must be there.
    pub async fn open_existing(database: impl Into<DatabaseAddress>) -> Result<Self, Error> {
        Ok(Self(Store::open_existing(database).await?))
    }

    /// Adds the user and answers the session id, which is not stored and cannot be asked for again.
    pub async fn add(&self, new: NewUser) -> Result<(User, SecretString), Error> {
        check_name("user name", &new.name)?;
        for group in &new.groups {
            check_name("group", group)?;
        }
        for (what, text) in [("first name", &new.first_name), ("last name", &new.last_name)] {
            if text.chars().count() > 100 || text.chars().any(char::is_control) {
                return Err(Error::Input(format!("the {what} is one line of at most 100 characters")));
            }
        }
        let mut new = new;
        if new.first_name.is_empty() && new.last_name.is_empty() {
            new.first_name.clone_from(&new.name);
        }
        let sid = new_sid()?;
        let digested = sid.clone();
        let user = self.0.call(move |database| database.add_named_user(&new, digested.expose_secret())).await?;
        Ok((user, sid))
    }

    /// All users, by brand and name.
    pub async fn list(&self) -> Result<Vec<Listed>, Error> {
        self.0.call(Database::list_users).await
    }

    /// Removes the user with all messages.
    pub async fn remove(&self, brand: &str, name: &str) -> Result<(), Error> {
        let [brand, name] = [brand, name].map(str::to_owned);
        self.0.call(move |database| database.remove_user(&brand, &name, Timestamp::now())).await
    }

    /// Makes a code that is good for one log-in within ten minutes, in the place of a session id; an earlier one is void.
    pub async fn pair(&self, brand: &str, name: &str) -> Result<SecretString, Error> {
        let [brand, name] = [brand, name].map(str::to_owned);
        let code = self.0.call(move |database| {
            let id = database.user_named(&brand, &name)?;
            database.add_pairing_code(id, Timestamp::now())
        });
        code.await.map(SecretString::from)
    }

    /// The devices that signed in with a code, the latest first.
    pub async fn devices(&self, brand: &str, name: &str) -> Result<Vec<Device>, Error> {
        let [brand, name] = [brand, name].map(str::to_owned);
        self.0
            .call(move |database| {
                let id = database.user_named(&brand, &name)?;
                database.devices(id)
            })
            .await
    }

    /// Voids the session id of one device, by [`Device::id`].
    pub async fn remove_device(&self, brand: &str, name: &str, device: &str) -> Result<(), Error> {
        let [brand, name, device] = [brand, name, device].map(str::to_owned);
        self.0
            .call(move |database| {
                let id = database.user_named(&brand, &name)?;
                database.remove_device(id, &device, Timestamp::now())
            })
            .await
    }

    /// Gives the user a new session id; the old one and its tokens are void, and so are those of all devices.
    pub async fn rotate(&self, brand: &str, name: &str) -> Result<SecretString, Error> {
        let sid = new_sid()?;
        let ([brand, name], digested) = ([brand, name].map(str::to_owned), sid.clone());
        self.0
            .call(move |database| {
                let id = database.user_named(&brand, &name)?;
                database.set_sid(id, digested.expose_secret(), Timestamp::now())
            })
            .await?;
        Ok(sid)
    }
}

fn new_sid() -> Result<SecretString, Error> {
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    Ok(hex::encode(random).into())
}

/// Names stand on command lines and in `relay.toml`.
pub(crate) fn check_name(what: &str, name: &str) -> Result<(), Error> {
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@'))
        && !name.starts_with('-');
    if fits {
        return Ok(());
    }
    Err(Error::Input(format!(
        "{name:?} is no {what}: 1 to 64 letters, digits, dots, dashes, underscores or @, and no dash first"
    )))
}
