//! Users as the one who runs the relay names them: by brand and name, with their groups.

use rusqlite::{ErrorCode, OptionalExtension as _};

use super::{
    Database, User,
    recipients::join_groups,
    users::{check_brand, check_sid},
};
use crate::{Error, Listed, NewUser};

impl Database {
    /// Adds a user whose name is new in the brand, and the brand when it is new.
    pub(crate) fn add_named_user(&mut self, new: &NewUser, sid: &str) -> Result<User, Error> {
        check_brand(&new.brand)?;
        check_sid(sid)?;
        let digest = self.digest(sid);
        let transaction = self.connection.transaction()?;
        transaction.execute("INSERT INTO brands (name) VALUES (?1) ON CONFLICT DO NOTHING", [&new.brand])?;
        let brand_id =
            transaction.query_row("SELECT id FROM brands WHERE name = ?1", [&new.brand], |row| row.get(0))?;
        let added = transaction.execute(
            "INSERT INTO users (brand_id, sid_digest, first_name, last_name, name) VALUES (?1, ?2, ?3, ?4, ?5)",
            (brand_id, &digest, &new.first_name, &new.last_name, &new.name),
        );
        match added {
            Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == ErrorCode::ConstraintViolation => {
                return Err(Error::Input(format!(
                    "brand {:?} has a user {:?} already; `user rotate` gives that one a new session id",
                    new.brand, new.name
                )));
            }
            added => added?,
        };
        let id = transaction.last_insert_rowid();
        join_groups(&transaction, id, &new.groups)?;
        transaction.commit()?;
        Ok(User {
            id,
            brand_id,
            brand: new.brand.clone(),
            first_name: new.first_name.clone(),
            last_name: new.last_name.clone(),
        })
    }

    /// The user's id.
    pub(crate) fn user_named(&mut self, brand: &str, name: &str) -> Result<i64, Error> {
        let found = self.connection.query_row(
            "SELECT users.id FROM users JOIN brands ON brands.id = brand_id WHERE brands.name = ?1 AND users.name = ?2",
            (brand, name),
            |row| row.get(0),
        );
        found.optional()?.ok_or_else(|| {
            Error::Input(format!("brand {brand:?} has no user {name:?}; `user list` shows the ones there are"))
        })
    }

    /// Removes the user, whose messages, tokens and memberships go along.
    pub(crate) fn remove_user(&mut self, brand: &str, name: &str) -> Result<(), Error> {
        let id = self.user_named(brand, name)?;
        let transaction = self.connection.transaction()?;
        for statement in [
            "DELETE FROM messages WHERE user_id = ?1",
            "DELETE FROM tokens WHERE user_id = ?1",
            "DELETE FROM memberships WHERE user_id = ?1",
            "DELETE FROM users WHERE id = ?1",
        ] {
            transaction.execute(statement, [id])?;
        }
        Ok(transaction.commit()?)
    }

    /// All users, by brand and name.
    pub(crate) fn list_users(&mut self) -> Result<Vec<Listed>, Error> {
        let mut groups =
            self.connection.prepare("SELECT group_name FROM memberships WHERE user_id = ?1 ORDER BY group_name")?;
        let mut users = self.connection.prepare(
            "SELECT users.id, brand_id, brands.name, first_name, last_name, users.name, sid_digest IS NOT NULL,
                (SELECT count(*) FROM messages WHERE user_id = users.id AND read_at IS NULL)
             FROM users JOIN brands ON brands.id = brand_id ORDER BY brands.name, users.name, users.id",
        )?;
        let listed = users.query_map([], |row| {
            let id: i64 = row.get(0)?;
            Ok(Listed {
                user: User {
                    id,
                    brand_id: row.get(1)?,
                    brand: row.get(2)?,
                    first_name: row.get(3)?,
                    last_name: row.get(4)?,
                },
                name: row.get(5)?,
                groups: groups.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?,
                can_sign_in: row.get(6)?,
                unread: row.get::<_, i64>(7)?.unsigned_abs(),
            })
        })?;
        Ok(listed.collect::<Result<_, _>>()?)
    }
}
