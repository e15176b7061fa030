//! Whom a call-out's recipients are: users by their names and by the groups they are in.

use super::{
    Connection, Database, User, params,
    users::{SELECT, read_user},
};
use crate::{Error, Recipients};

impl Database {
    /// Replaces the user's name and groups.
    pub(crate) fn name_user(&mut self, user_id: i64, name: &str, groups: &[String]) -> Result<(), Error> {
        if name.trim().is_empty() {
            return Err(Error::Input("the user's name is empty".into()));
        }
        let mut transaction = self.connection.transaction()?;
        let taken = "SELECT EXISTS (SELECT 1 FROM users AS other JOIN users ON users.brand_id = other.brand_id
            WHERE users.id = ?1 AND other.id <> ?1 AND other.name = ?2)";
        if transaction.exists(taken, params![user_id, name])? {
            return Err(Error::Input(format!("another user of the brand has the name `{name}`")));
        }
        if transaction.execute("UPDATE users SET name = ?2 WHERE id = ?1", params![user_id, name])? == 0 {
            return Err(Error::UnknownUser);
        }
        transaction.execute("DELETE FROM memberships WHERE user_id = ?1", params![user_id])?;
        join_groups(&mut transaction, user_id, groups)?;
        transaction.commit()
    }
}

/// Puts the user into these groups too.
pub(super) fn join_groups(connection: &mut Connection, user_id: i64, groups: &[String]) -> Result<(), Error> {
    let insert = "INSERT INTO memberships (user_id, group_name) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    groups.iter().try_for_each(|group| connection.execute(insert, params![user_id, group]).map(drop))
}

/// Each user once, however many of the names and groups are theirs, in the order of their ids.
pub(super) fn find(connection: &mut Connection, recipients: &Recipients) -> Result<Vec<User>, Error> {
    let mut found = Vec::new();
    let conditions = [
        (&recipients.users, "users.name = ?1"),
        (&recipients.groups, "users.id IN (SELECT user_id FROM memberships WHERE group_name = ?1)"),
    ];
    for (names, condition) in conditions {
        let statement = format!("{SELECT} WHERE {condition}");
        for name in names {
            found.extend(connection.query(&statement, params![name], read_user)?);
        }
    }
    found.sort_by_key(|user| user.id);
    found.dedup_by_key(|user| user.id);
    Ok(found)
}

/// The same, each with the name recipients are given by.
pub(super) fn find_named(connection: &mut Connection, recipients: &Recipients) -> Result<Vec<(User, String)>, Error> {
    let mut named = Vec::new();
    for user in find(connection, recipients)? {
        let name = "SELECT name FROM users WHERE id = ?1";
        let name = connection.query_one(name, params![user.id], |row| row.get::<Option<String>>(0))?;
        named.push((user, name.flatten().unwrap_or_default()));
    }
    Ok(named)
}

/// Users that are not there, and groups that nobody is in.
pub(super) fn missing(connection: &mut Connection, recipients: &Recipients) -> Result<Vec<String>, Error> {
    let mut missing = Vec::new();
    let questions = [
        (&recipients.users, "user", "SELECT EXISTS (SELECT 1 FROM users WHERE name = ?1)"),
        (&recipients.groups, "group", "SELECT EXISTS (SELECT 1 FROM memberships WHERE group_name = ?1)"),
    ];
    for (names, what, question) in questions {
        for name in names {
            if !connection.exists(question, params![name])? {
                missing.push(format!("{what} {name:?}"));
            }
        }
    }
    Ok(missing)
}
