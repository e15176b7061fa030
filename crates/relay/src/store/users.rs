//! Brands, users, and the two secrets that stand for a user: the session id and the tokens a log-in hands out.

use std::time::Duration;

use jiff::Timestamp;

use super::{Connection, Database, Row, params};
use crate::Error;

/// Someone whose messages the relay keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// `UserId` on the wire.
    pub id: i64,
    /// `BrandId` on the wire.
    pub brand_id: i64,
    /// The brand's name, as in addresses.
    pub brand: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
}

impl User {
    /// The one channel this user may subscribe to (`Fast Track: Front-end notifications`).
    pub fn channel(&self) -> String {
        format!("private-prisma-{}-{}", self.brand_id, self.id)
    }
}

/// Tokens beyond this many make the user's oldest ones invalid.
const MAX_TOKENS_OF_A_USER: u32 = 20;

pub(super) const SELECT: &str = "SELECT users.id, brands.id, brands.name, users.first_name, users.last_name
    FROM users JOIN brands ON brands.id = users.brand_id";

/// Whose session id has this digest: the user's own, or a device's.
const BY_SID: &str = "users.sid_digest = ?1 OR users.id = (SELECT user_id FROM device_sids WHERE digest = ?1)";

pub(super) fn read_user(row: &Row) -> Result<User, Error> {
    read_user_at(row, 0)
}

/// A user whose columns begin at this one.
pub(super) fn read_user_at(row: &Row, first: usize) -> Result<User, Error> {
    Ok(User {
        id: row.get(first)?,
        brand_id: row.get(first + 1)?,
        brand: row.get(first + 2)?,
        first_name: row.get(first + 3)?,
        last_name: row.get(first + 4)?,
    })
}

impl Database {
    /// Adds a user, and the brand when it is new. The same session id again means the same user, with new names: a
    /// server can be set up the same way at each start.
    pub(crate) fn add_user(&mut self, brand: &str, sid: &str, first: &str, last: &str) -> Result<User, Error> {
        check_brand(brand)?;
        check_sid(sid)?;
        let digest = self.digest(sid);
        let mut transaction = self.connection.transaction()?;
        transaction.execute("INSERT INTO brands (name) VALUES (?1) ON CONFLICT DO NOTHING", params![brand])?;
        transaction.execute(
            "INSERT INTO users (brand_id, sid_digest, first_name, last_name)
             VALUES ((SELECT id FROM brands WHERE name = ?1), ?2, ?3, ?4)
             ON CONFLICT (sid_digest) DO UPDATE SET first_name = excluded.first_name, last_name = excluded.last_name",
            params![brand, &digest[..], first, last],
        )?;
        let by_digest = format!("{SELECT} WHERE users.sid_digest = ?1");
        let user = transaction.query_one(&by_digest, params![&digest[..]], read_user)?.ok_or(Error::UnknownUser)?;
        if user.brand != brand {
            return Err(Error::Input("this session id already stands for a user of another brand".into()));
        }
        transaction.commit()?;
        Ok(user)
    }

    /// Gives the user a new session id; the old one and its tokens are void, and whoever listens on the user's channel is to
    /// sign in anew.
    pub(crate) fn set_sid(&mut self, user_id: i64, sid: &str, now: Timestamp) -> Result<(), Error> {
        check_sid(sid)?;
        let digest = self.digest(sid);
        let mut transaction = self.connection.transaction()?;
        replace_sid(&mut transaction, user_id, Some(&digest))?;
        void(&mut transaction, user_id, now)?;
        transaction.commit()
    }

    /// The channels of users whose sessions were voided lately, each with a number of its own. The numbers do
    /// not become visible in their order, and clocks differ: whoever looks remembers which it has seen.
    pub(crate) fn voided(&mut self) -> Result<Vec<(i64, String)>, Error> {
        self.connection.query("SELECT id, channel FROM voided", &[], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// Every relay knows those who were voided long ago.
    pub(crate) fn forget_voided(&mut self, now: Timestamp) -> Result<(), Error> {
        let old = now.checked_sub(KNOWN_VOIDED).unwrap_or(Timestamp::UNIX_EPOCH);
        self.connection.execute("DELETE FROM voided WHERE at < ?1", params![old.as_millisecond()]).map(drop)
    }

    /// Voids session id and tokens: from now on the user is asked to sign in anew.
    pub(crate) fn expire_session(&mut self, user_id: i64) -> Result<(), Error> {
        let mut transaction = self.connection.transaction()?;
        replace_sid(&mut transaction, user_id, None)?;
        transaction.commit()
    }

    /// Voids the user's tokens; the session id still logs in.
    pub(crate) fn expire_tokens(&mut self, user_id: i64) -> Result<(), Error> {
        self.connection.execute("DELETE FROM tokens WHERE user_id = ?1", params![user_id])?;
        Ok(())
    }

    pub(crate) fn brand_exists(&mut self, brand: &str) -> Result<bool, Error> {
        if check_brand(brand).is_err() {
            return Ok(false);
        }
        self.connection.exists("SELECT EXISTS (SELECT 1 FROM brands WHERE name = ?1)", params![brand])
    }

    /// The user the session id stands for and a new token, or nothing when it stands for nobody.
    pub(crate) fn log_in(
        &mut self,
        sid: &str,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<Option<(User, String)>, Error> {
        let sid_digest = self.digest(sid);
        let mut random = [0; 32];
        getrandom::fill(&mut random)?;
        let token = hex::encode(random);
        let digest = self.digest(&token);
        let expires = now.as_second().saturating_add_unsigned(lifetime.as_secs());
        let mut transaction = self.connection.transaction()?;
        let Some(user) = held_user(&mut transaction, BY_SID, sid_digest)? else { return Ok(None) };
        let delete_old = "DELETE FROM tokens WHERE user_id = ?1 AND expires <= ?2";
        transaction.execute(delete_old, params![user.id, now.as_second()])?;
        transaction.execute(
            "INSERT INTO tokens (digest, user_id, expires) VALUES (?1, ?2, ?3)",
            params![&digest[..], user.id, expires],
        )?;
        transaction.execute(
            "DELETE FROM tokens WHERE user_id = ?1 AND digest NOT IN
                (SELECT digest FROM tokens WHERE user_id = ?1 ORDER BY expires DESC LIMIT ?2) AND digest <> ?3",
            params![user.id, MAX_TOKENS_OF_A_USER, &digest[..]],
        )?;
        transaction.commit()?;
        Ok(Some((user, token)))
    }

    /// Whom a token stands for. The vendor's page has clients send the session id itself, integrations send the
    /// log-in's token: both are taken.
    pub(crate) fn user_by_token(&mut self, token: &str, now: Timestamp) -> Result<Option<User>, Error> {
        let query = format!(
            "{SELECT} WHERE users.id = (SELECT user_id FROM tokens WHERE digest = ?1 AND expires > ?2) OR {BY_SID}"
        );
        let digest = self.digest(token);
        self.connection.query_one(&query, params![digest, now.as_second()], read_user)
    }
}

/// The user whom a secret stands for, whose sessions nobody voids until the open transaction ends.
pub(super) fn held_user(connection: &mut Connection, condition: &str, digest: Vec<u8>) -> Result<Option<User>, Error> {
    let parameters = params![digest];
    let hold = format!("SELECT users.id FROM users WHERE {condition} {}", connection.hold());
    connection.query(&hold, parameters, |_| Ok(()))?;
    // Whoever was waited for may have voided it.
    connection.query_one(&format!("{SELECT} WHERE {condition}"), parameters, read_user)
}

/// Until the open transaction ends, nobody else does anything with the user's sessions.
pub(super) fn hold_user_alone(connection: &mut Connection, user_id: i64) -> Result<(), Error> {
    let hold = format!("SELECT id FROM users WHERE id = ?1 {}", connection.hold_alone());
    connection.query_one(&hold, params![user_id], |_| Ok(()))?.ok_or(Error::UnknownUser)
}

/// In a transaction that is open.
fn replace_sid(connection: &mut Connection, user_id: i64, digest: Option<&[u8]>) -> Result<(), Error> {
    let update = "UPDATE users SET sid_digest = ?2 WHERE id = ?1";
    if connection.execute(update, params![user_id, digest])? == 0 {
        return Err(Error::UnknownUser);
    }
    for statement in [
        "DELETE FROM tokens WHERE user_id = ?1",
        "DELETE FROM device_sids WHERE user_id = ?1",
        "DELETE FROM pairing_codes WHERE user_id = ?1",
    ] {
        connection.execute(statement, params![user_id])?;
    }
    Ok(())
}

/// For so long it is known whose sessions were voided; every relay looks far more often.
const KNOWN_VOIDED: Duration = Duration::from_hours(1);

/// Whoever listens on the user's channel has no right to any more.
pub(super) fn void(connection: &mut Connection, user_id: i64, now: Timestamp) -> Result<(), Error> {
    let Some(user) = connection.query_one(&format!("{SELECT} WHERE users.id = ?1"), params![user_id], read_user)?
    else {
        return Err(Error::UnknownUser);
    };
    let insert = "INSERT INTO voided (channel, at) VALUES (?1, ?2)";
    connection.execute(insert, params![user.channel(), now.as_millisecond()]).map(drop)
}

/// The brand stands in addresses, so it is kept to what needs no escaping there.
pub(super) fn check_brand(brand: &str) -> Result<(), Error> {
    let fits = (1..=64).contains(&brand.len())
        && brand.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && !brand.starts_with('.');
    if fits {
        return Ok(());
    }
    Err(Error::Input("a brand is 1 to 64 letters, digits, dots, dashes or underscores, and begins with no dot".into()))
}

/// The session id is a header's value.
pub(super) fn check_sid(sid: &str) -> Result<(), Error> {
    if (1..=512).contains(&sid.len()) && sid.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Error::Input("a session id is 1 to 512 visible ASCII characters without spaces".into()))
}
