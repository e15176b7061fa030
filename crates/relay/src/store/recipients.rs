//! Whom a call-out's recipients are: users by their names and by the groups they are in.

use rusqlite::Connection;

use super::{
    Database, User,
    users::{SELECT, read_user},
};
use crate::{Error, Recipients};

impl Database {
    /// Replaces the user's name and groups.
    pub(crate) fn name_user(&mut self, user_id: i64, name: &str, groups: &[String]) -> Result<(), Error> {
        if name.trim().is_empty() {
            return Err(Error::Input("the user's name is empty".into()));
        }
        let transaction = self.connection.transaction()?;
        let taken = "SELECT EXISTS (SELECT 1 FROM users AS other JOIN users ON users.brand_id = other.brand_id
            WHERE users.id = ?1 AND other.id <> ?1 AND other.name = ?2)";
        if transaction.query_row(taken, (user_id, name), |row| row.get(0))? {
            return Err(Error::Input(format!("another user of the brand has the name `{name}`")));
        }
        if transaction.execute("UPDATE users SET name = ?2 WHERE id = ?1", (user_id, name))? == 0 {
            return Err(Error::UnknownUser);
        }
        transaction.execute("DELETE FROM memberships WHERE user_id = ?1", [user_id])?;
        join_groups(&transaction, user_id, groups)?;
        Ok(transaction.commit()?)
    }
}

/// Puts the user into these groups too.
pub(super) fn join_groups(connection: &Connection, user_id: i64, groups: &[String]) -> rusqlite::Result<()> {
    let insert = "INSERT INTO memberships (user_id, group_name) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    groups.iter().try_for_each(|group| connection.execute(insert, (user_id, group)).map(drop))
}

/// Each user once, however many of the names and groups are theirs, in the order of their ids.
pub(super) fn find(connection: &Connection, recipients: &Recipients) -> rusqlite::Result<Vec<User>> {
    let mut found = Vec::new();
    let conditions = [
        (&recipients.users, "users.name = ?1"),
        (&recipients.groups, "users.id IN (SELECT user_id FROM memberships WHERE group_name = ?1)"),
    ];
    for (names, condition) in conditions {
        let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE {condition}"))?;
        for name in names {
            for user in statement.query_map([name], read_user)? {
                found.push(user?);
            }
        }
    }
    found.sort_by_key(|user| user.id);
    found.dedup_by_key(|user| user.id);
    Ok(found)
}
