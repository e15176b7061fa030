//! Whom a call-out's recipients are: users by their names and by the groups they are in.

use rusqlite::{Connection, Row};

use super::{Database, User};
use crate::{Error, Recipients};

const SELECT: &str = "SELECT users.id, brands.id, brands.name, users.first_name, users.last_name
    FROM users JOIN brands ON brands.id = users.brand_id";

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
        for group in groups {
            let insert = "INSERT INTO memberships (user_id, group_name) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
            transaction.execute(insert, (user_id, group))?;
        }
        Ok(transaction.commit()?)
    }
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

fn read_user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: row.get(0)?,
        brand_id: row.get(1)?,
        brand: row.get(2)?,
        first_name: row.get(3)?,
        last_name: row.get(4)?,
    })
}
