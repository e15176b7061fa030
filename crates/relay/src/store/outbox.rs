//! Which messages have not been handed to the channels yet.

use jiff::Timestamp;

use super::{
    Database, StoredMessage, User,
    messages::{COLUMNS, read_message},
    params,
    users::read_user_at,
};
use crate::Error;

impl Database {
    /// The first messages that are to be published, with whose they are. What waits since before `since`, is read or has
    /// expired is not published any more.
    pub(crate) fn unpublished(
        &mut self,
        since: Timestamp,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<(User, StoredMessage)>, Error> {
        let stale = "UPDATE messages SET unpublished = NULL WHERE unpublished IS NOT NULL
            AND (unpublished < ?1 OR read_at IS NOT NULL OR expires <= ?2)";
        self.connection.execute(stale, params![since.as_second(), now.as_second()])?;
        let query = format!(
            "SELECT {COLUMNS}, users.id, brands.id, brands.name, users.first_name, users.last_name FROM messages
             JOIN users ON users.id = messages.user_id JOIN brands ON brands.id = users.brand_id
             WHERE unpublished IS NOT NULL ORDER BY messages.id LIMIT ?1"
        );
        self.connection.query(&query, params![limit], |row| Ok((read_user_at(row, 17)?, read_message(row)?)))
    }

    /// They were handed over.
    pub(crate) fn published(&mut self, ids: &[i64]) -> Result<(), Error> {
        let mut transaction = self.connection.transaction()?;
        for id in ids {
            transaction.execute("UPDATE messages SET unpublished = NULL WHERE id = ?1", params![*id])?;
        }
        transaction.commit()
    }
}
