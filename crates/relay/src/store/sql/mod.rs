//! One way to talk to both databases: statements in the SQL that they share, with parameters `?1`, `?2` …, each of which may
//! stand more than once. What they do not share is kept to the schema and to this folder.
//!
//! Everything here blocks, and may be called where that is allowed only.

mod postgres;
mod sqlite;
mod value;

use std::ops::{Deref, DerefMut};

pub(crate) use postgres::{Link, Pool};
pub(crate) use sqlite::open as open_sqlite;
pub(crate) use value::{Row, Value, params};

use crate::Error;

/// A connection to either database.
pub(crate) enum Connection {
    Sqlite(rusqlite::Connection),
    PostgreSql(Link),
}

impl Connection {
    /// Runs a statement; answers how many rows it concerned.
    pub(crate) fn execute(&mut self, statement: &str, parameters: &[Value]) -> Result<u64, Error> {
        debug_assert!(holds_no_value(statement), "{statement}");
        match self {
            Self::Sqlite(connection) => sqlite::execute(connection, statement, parameters),
            Self::PostgreSql(link) => link.execute(statement, parameters),
        }
    }

    /// Hands each row over, one after another: a long answer is never in memory as a whole.
    pub(crate) fn each(
        &mut self,
        statement: &str,
        parameters: &[Value],
        mut take: impl FnMut(&Row) -> Result<(), Error>,
    ) -> Result<(), Error> {
        debug_assert!(holds_no_value(statement), "{statement}");
        match self {
            Self::Sqlite(connection) => sqlite::each(connection, statement, parameters, &mut take),
            Self::PostgreSql(link) => link.each(statement, parameters, &mut take),
        }
    }

    /// What `read` makes of each row.
    pub(crate) fn query<T>(
        &mut self,
        statement: &str,
        parameters: &[Value],
        mut read: impl FnMut(&Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        self.each(statement, parameters, |row| {
            all.push(read(row)?);
            Ok(())
        })?;
        Ok(all)
    }

    /// What `read` makes of the one row there is, if there is one.
    pub(crate) fn query_one<T>(
        &mut self,
        statement: &str,
        parameters: &[Value],
        read: impl FnMut(&Row) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        Ok(self.query(statement, parameters, read)?.into_iter().next())
    }

    /// Whether the answer of `SELECT EXISTS …` is yes.
    pub(crate) fn exists(&mut self, statement: &str, parameters: &[Value]) -> Result<bool, Error> {
        Ok(self.query_one(statement, parameters, |row| row.get(0))?.unwrap_or(false))
    }

    /// Begins a transaction; it is rolled back unless it is committed.
    ///
    /// In `SQLite` it begins as a writing one: the command line writes to the same file, and a transaction that began with
    /// reading could not become a writing one once the other has written.
    pub(crate) fn transaction(&mut self) -> Result<Transaction<'_>, Error> {
        self.begin(match self {
            Self::Sqlite(_) => "BEGIN IMMEDIATE",
            Self::PostgreSql(_) => "BEGIN",
        })
    }

    fn begin(&mut self, statements: &str) -> Result<Transaction<'_>, Error> {
        let begun = self.batch(statements);
        // Where a later one of the statements failed it is open, and has to be rolled back.
        let transaction =
            Transaction { is_open: begun.is_ok() || matches!(self, Self::PostgreSql(_)), connection: self };
        begun.map(|()| transaction)
    }

    /// The same, where until its end nobody else passes with one of these numbers. With `SQLite` nobody does anyway.
    pub(crate) fn transaction_with(&mut self, numbers: &[i64]) -> Result<Transaction<'_>, Error> {
        if matches!(self, Self::Sqlite(_)) || numbers.is_empty() {
            return self.transaction();
        }
        self.begin(&format!("BEGIN; {}", locks(numbers)))
    }

    /// The same, for what may be lost when PostgreSQL's machine dies, since it is done anew then: it waits for no disk.
    pub(crate) fn passing_transaction(&mut self) -> Result<Transaction<'_>, Error> {
        if matches!(self, Self::Sqlite(_)) {
            return self.transaction();
        }
        self.begin("BEGIN; SET LOCAL synchronous_commit = off")
    }

    /// Runs statements without parameters.
    pub(crate) fn batch(&mut self, statements: &str) -> Result<(), Error> {
        match self {
            Self::Sqlite(connection) => Ok(connection.execute_batch(statements)?),
            Self::PostgreSql(link) => link.batch(statements),
        }
    }

    /// What is added to a `SELECT` of one row of a queue, so that several relays share the work: a row that another one has
    /// in hand is passed over. With `SQLite` one transaction writes at a time anyway.
    pub(crate) fn skip_locked(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::PostgreSql(_) => "FOR UPDATE SKIP LOCKED",
        }
    }

    /// What is added to a `SELECT` of rows that nobody may change until the transaction ends: those who change them, or hold
    /// them alone, are waited for. With `SQLite` one transaction writes at a time anyway.
    pub(crate) fn hold(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::PostgreSql(_) => "FOR SHARE",
        }
    }

    /// The same, where nobody else may hold them either.
    pub(crate) fn hold_alone(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::PostgreSql(_) => "FOR UPDATE",
        }
    }

    /// In the transaction that is open a statement may take as long as it needs; a connection that is used thus is to be
    /// dropped after it. With `SQLite` each may anyway.
    pub(crate) fn be_patient(&mut self) -> Result<(), Error> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::PostgreSql(link) => link.be_patient(),
        }
    }

    /// Until the transaction's end nobody else passes here with one of these numbers. With `SQLite` nobody does anyway.
    pub(crate) fn lock(&mut self, numbers: &[i64]) -> Result<(), Error> {
        if matches!(self, Self::Sqlite(_)) || numbers.is_empty() {
            return Ok(());
        }
        self.batch(&locks(numbers))
    }

    /// What bytes are called.
    pub(crate) fn bytes(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "BLOB",
            Self::PostgreSql(_) => "BYTEA",
        }
    }
}

/// Each statement is prepared and kept: one with a time or an id in its text would be another each time, without an end.
fn holds_no_value(statement: &str) -> bool {
    !statement.split(|letter: char| !letter.is_ascii_digit()).any(|digits| digits.len() > 8)
}

/// Always in one order, so that no two wait for each other.
fn locks(numbers: &[i64]) -> String {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    let locks: Vec<String> = numbers.iter().map(|number| format!("pg_advisory_xact_lock({number})")).collect();
    format!("SELECT {}", locks.join(", "))
}

/// Values of one list that go into one statement.
pub(crate) const LIST: usize = 512;

/// `?4, ?5 …` for these, at most [`LIST`], which are added to the parameters. The last one is repeated up to a power of two, so
/// that there are few different statements to prepare.
pub(crate) fn list(parameters: &mut Vec<Value>, values: &[i64]) -> String {
    let first = parameters.len() + 1;
    let last = values.last().copied().unwrap_or_default();
    let all = values.iter().copied().chain(std::iter::repeat(last)).take(values.len().next_power_of_two());
    parameters.extend(all.map(Value::from));
    let places: Vec<String> = (first..=parameters.len()).map(|place| format!("?{place}")).collect();
    places.join(", ")
}

/// An open transaction, used as its connection is.
pub(crate) struct Transaction<'a> {
    connection: &'a mut Connection,
    is_open: bool,
}

impl Transaction<'_> {
    pub(crate) fn commit(mut self) -> Result<(), Error> {
        self.is_open = false;
        let committed = self.connection.batch("COMMIT");
        if committed.is_err() {
            self.roll_back();
        }
        committed
    }

    fn roll_back(&mut self) {
        if let Err(error) = self.connection.batch("ROLLBACK") {
            // A connection that is gone has rolled back by itself.
            tracing::debug!(%error, "a transaction was not rolled back");
        }
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.is_open {
            self.roll_back();
        }
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl DerefMut for Transaction<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_one_of_few_lengths() {
        let of = |values: &[i64]| {
            let mut parameters = vec![Value::Null];
            (list(&mut parameters, values), parameters[1..].to_vec())
        };
        let numbers = |numbers: &[i64]| numbers.iter().copied().map(Value::from).collect::<Vec<_>>();
        assert_eq!(of(&[7]), ("?2".into(), numbers(&[7])));
        assert_eq!(of(&[7, 8, 9]), ("?2, ?3, ?4, ?5".into(), numbers(&[7, 8, 9, 9])));
    }
}
