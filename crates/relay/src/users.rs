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

/// What is to change; what is not given stays.
#[derive(Debug, Clone, Default)]
pub struct UserUpdate {
    /// As [`NewUser::first_name`].
    pub first_name: Option<String>,
    /// As [`NewUser::last_name`].
    pub last_name: Option<String>,
    /// In the place of all groups before.
    pub groups: Option<Vec<String>>,
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
        check_person(Some(&new.first_name), Some(&new.last_name), &new.groups)?;
        let sid = new_sid()?;
        let digested = sid.clone();
        let user = self.0.call(move |database| database.add_named_user(&new, digested.expose_secret())).await?;
        Ok((user, sid))
    }

    /// All users, by brand and name.
    pub async fn list(&self) -> Result<Vec<Listed>, Error> {
        self.0.call(Database::list_users).await
    }

    /// Changes names or groups. The groups are those of the next message, the names those of the next log-in.
    pub async fn update(&self, brand: &str, name: &str, update: UserUpdate) -> Result<(), Error> {
        let groups = update.groups.as_deref().unwrap_or_default();
        check_person(update.first_name.as_deref(), update.last_name.as_deref(), groups)?;
        let [brand, name] = [brand, name].map(str::to_owned);
        self.0.call(move |database| database.update_user(&brand, &name, &update)).await
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

fn check_person(first_name: Option<&str>, last_name: Option<&str>, groups: &[String]) -> Result<(), Error> {
    groups.iter().try_for_each(|group| check_name("group", group))?;
    for (what, text) in [("first name", first_name), ("last name", last_name)] {
        if text.is_some_and(|text| text.chars().count() > 100 || text.chars().any(char::is_control)) {
            return Err(Error::Input(format!("the {what} is one line of at most 100 characters")));
        }
    }
    Ok(())
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
