//! Users as the one who runs the relay names them: by brand and name, with their groups.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{
    Connection, Database, User, params,
    recipients::join_groups,
    users::{SELECT, check_brand, check_sid, hold_user_alone, read_user, void},
};
use crate::{Error, Listed, NewUser, UserUpdate};

/// Where neither name is given, the desktop shows the user name.
fn show_somebody(connection: &mut Connection, id: i64) -> Result<(), Error> {
    let show = "UPDATE users SET first_name = name WHERE id = ?1 AND first_name = '' AND last_name = ''";
    connection.execute(show, params![id]).map(drop)
}

impl Database {
    /// Adds a user whose name is new in the brand, and the brand when it is new.
    pub(crate) fn add_named_user(&mut self, new: &NewUser, sid: &str) -> Result<User, Error> {
        check_brand(&new.brand)?;
        check_sid(sid)?;
        let digest = self.digest(sid);
        let mut transaction = self.connection.transaction()?;
        let insert = "INSERT INTO brands (name) VALUES (?1) ON CONFLICT DO NOTHING";
        transaction.execute(insert, params![&new.brand])?;
        let brand_id = "SELECT id FROM brands WHERE name = ?1";
        let brand_id = transaction.query_one(brand_id, params![&new.brand], |row| row.get::<i64>(0))?;
        let brand_id = brand_id.ok_or(Error::Interrupted)?;
        let added = transaction.query_one(
            "INSERT INTO users (brand_id, sid_digest, first_name, last_name, name) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO NOTHING RETURNING id",
            params![brand_id, digest, &new.first_name, &new.last_name, &new.name],
            |row| row.get::<i64>(0),
        )?;
        let id = added.ok_or_else(|| {
            Error::Input(format!(
                "brand {:?} has a user {:?} already; `user rotate` gives that one a new session id",
                new.brand, new.name
            ))
        })?;
        join_groups(&mut transaction, id, &new.groups)?;
        show_somebody(&mut transaction, id)?;
        let user = transaction.query_one(&format!("{SELECT} WHERE users.id = ?1"), params![id], read_user)?;
        transaction.commit()?;
        user.ok_or(Error::UnknownUser)
    }

    /// Changes what is given.
    pub(crate) fn update_user(&mut self, brand: &str, name: &str, update: &UserUpdate) -> Result<(), Error> {
        let id = self.user_named(brand, name)?;
        let mut transaction = self.connection.transaction()?;
        hold_user_alone(&mut transaction, id)?;
        if let Some(first_name) = &update.first_name {
            transaction.execute("UPDATE users SET first_name = ?2 WHERE id = ?1", params![id, first_name])?;
        }
        if let Some(last_name) = &update.last_name {
            transaction.execute("UPDATE users SET last_name = ?2 WHERE id = ?1", params![id, last_name])?;
        }
        show_somebody(&mut transaction, id)?;
        if let Some(groups) = &update.groups {
            transaction.execute("DELETE FROM memberships WHERE user_id = ?1", params![id])?;
            join_groups(&mut transaction, id, groups)?;
        }
        transaction.commit()
    }

    /// The user's id.
    pub(crate) fn user_named(&mut self, brand: &str, name: &str) -> Result<i64, Error> {
        let found = self.connection.query_one(
            "SELECT users.id FROM users JOIN brands ON brands.id = brand_id WHERE brands.name = ?1 AND users.name = ?2",
            params![brand, name],
            |row| row.get(0),
        );
        found?.ok_or_else(|| {
            Error::Input(format!("brand {brand:?} has no user {name:?}; `user list` shows the ones there are"))
        })
    }

    /// Removes the user, whose messages, tokens and memberships go along.
    pub(crate) fn remove_user(&mut self, brand: &str, name: &str, now: Timestamp) -> Result<(), Error> {
        let id = self.user_named(brand, name)?;
        self.again_if_deadlocked(|database| database.remove_user_of(id, now))
    }

    fn remove_user_of(&mut self, id: i64, now: Timestamp) -> Result<(), Error> {
        let mut transaction = self.connection.transaction()?;
        hold_user_alone(&mut transaction, id)?;
        void(&mut transaction, id, now)?;
        for statement in [
            "DELETE FROM messages WHERE user_id = ?1",
            "DELETE FROM tokens WHERE user_id = ?1",
            "DELETE FROM memberships WHERE user_id = ?1",
            "DELETE FROM users WHERE id = ?1",
        ] {
            transaction.execute(statement, params![id])?;
        }
        transaction.commit()
    }

    /// All users, by brand and name.
    pub(crate) fn list_users(&mut self) -> Result<Vec<Listed>, Error> {
        let mut groups: HashMap<i64, Vec<String>> = HashMap::new();
        self.connection.each("SELECT user_id, group_name FROM memberships ORDER BY group_name", &[], |row| {
            groups.entry(row.get(0)?).or_default().push(row.get(1)?);
            Ok(())
        })?;
        self.connection.query(
            "SELECT users.id, brand_id, brands.name, first_name, last_name, users.name, sid_digest IS NOT NULL,
                (SELECT count(*) FROM messages WHERE user_id = users.id AND read_at IS NULL)
             FROM users JOIN brands ON brands.id = brand_id ORDER BY brands.name, users.name, users.id",
            &[],
            |row| {
                let user = read_user(row)?;
                Ok(Listed {
                    name: row.get(5)?,
                    groups: groups.remove(&user.id).unwrap_or_default(),
                    can_sign_in: row.get(6)?,
                    unread: row.get::<i64>(7)?.unsigned_abs(),
                    user,
                })
            },
        )
    }
}
