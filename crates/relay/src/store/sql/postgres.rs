//! PostgreSQL, by tokio-postgres from a thread that may block, with a bounded number of connections.
//!
//! It must never let the password into an error or a log.

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, RecyclingMethod, Runtime, Timeouts};
use futures_util::TryStreamExt as _;
use http_guard::tls_config;
use secrecy::ExposeSecret as _;
use tokio::runtime::Handle;
use tokio_postgres::{
    NoTls,
    types::{IsNull, ToSql, Type, to_sql_checked},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Row, Value};
use crate::{Error, PostgreSql};

/// Connections of one relay.
const CONNECTIONS: usize = 8;
/// How long a connection may take to come about, and how long one is waited for.
const CONNECT: Duration = Duration::from_secs(5);
/// No statement of ours takes long; one that does is stuck.
const STATEMENT_MILLISECONDS: u32 = 8_000;
/// A server that says nothing for so long is not there any more, whatever its sockets say: its machine was lost, or the way to
/// it was.
const SILENCE: Duration = Duration::from_secs(10);
/// A step that brings a large database up to date may take so long.
const PATIENCE: Duration = Duration::from_hours(6);
/// The system asks after a connection at rest so often.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// The connections.
#[derive(Clone)]
pub(crate) struct Pool(deadpool_postgres::Pool);

/// One of them, lent out.
pub(crate) struct Link {
    /// Nothing: the server has fallen silent.
    client: Option<Object>,
    runtime: Handle,
    patience: Duration,
}

impl Pool {
    /// Prepares the connections; the first one is made when it is needed.
    pub(crate) fn new(address: &PostgreSql) -> Result<Self, Error> {
        let mut config = address.config()?;
        if let Some(password) = &address.password {
            config.password(password.expose_secret());
        }
        config.connect_timeout(CONNECT).application_name("traybell-relay");
        config
            .tcp_user_timeout(SILENCE)
            .keepalives_idle(KEEP_ALIVE)
            .keepalives_interval(KEEP_ALIVE)
            .keepalives_retries(2);
        config.options(format!("-c statement_timeout={STATEMENT_MILLISECONDS}"));
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = if address.is_encrypted()? {
            let tls = tls_config().map_err(|error| Error::Input(format!("database: TLS cannot be used: {error}")))?;
            Manager::from_config(config, MakeRustlsConnect::new(without_http(tls)), recycling)
        } else {
            Manager::from_config(config, NoTls, recycling)
        };
        let timeouts = Timeouts { wait: Some(CONNECT), create: Some(CONNECT), recycle: Some(CONNECT) };
        let pool = deadpool_postgres::Pool::builder(manager)
            .max_size(CONNECTIONS)
            .timeouts(timeouts)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| Error::Input(format!("database: {error}")))?;
        Ok(Self(pool))
    }

    /// Lends one out; it comes back when it is dropped.
    pub(crate) async fn link(&self) -> Result<Link, Error> {
        let client = self.0.get().await.map_err(|error| Error::NoDatabase(causes(&error)))?;
        Ok(Link { client: Some(client), runtime: Handle::current(), patience: SILENCE })
    }
}

/// The settings offer HTTP/2 first, which is nothing for a database.
fn without_http(mut tls: rustls::ClientConfig) -> rustls::ClientConfig {
    tls.alpn_protocols.clear();
    tls
}

impl Link {
    pub(super) fn execute(&mut self, statement: &str, parameters: &[Value]) -> Result<u64, Error> {
        let patience = self.patience;
        self.ask(async |client| {
            let asked = async {
                let prepared = client.prepare_cached(&numbered(statement)).await?;
                client.execute_raw(&prepared, parameters).await
            };
            answered(patience, asked).await
        })
    }

    pub(super) fn each(
        &mut self,
        statement: &str,
        parameters: &[Value],
        take: &mut dyn FnMut(&Row) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let patience = self.patience;
        self.ask(async |client| {
            let asked = async {
                let prepared = client.prepare_cached(&numbered(statement)).await?;
                client.query_raw(&prepared, parameters).await
            };
            let rows = answered(patience, asked).await?;
            tokio::pin!(rows);
            while let Some(row) = answered(patience, rows.try_next()).await? {
                take(&read(&row)?)?;
            }
            Ok(())
        })
    }

    pub(super) fn batch(&mut self, statements: &str) -> Result<(), Error> {
        let patience = self.patience;
        self.ask(async |client| answered(patience, client.batch_execute(statements)).await)
    }

    /// In this transaction a statement may take as long as it needs. That the server is gone without a word is then for the
    /// system to find.
    pub(super) fn be_patient(&mut self) -> Result<(), Error> {
        self.batch("SET LOCAL statement_timeout = 0")?;
        self.patience = PATIENCE;
        Ok(())
    }

    /// A connection whose server has fallen silent is given up, and those at rest with it: whatever is asked next, a
    /// `ROLLBACK` among it, fails at once, and the next operation makes a new one.
    fn ask<T>(&mut self, question: impl AsyncFnOnce(&Object) -> Result<T, Error>) -> Result<T, Error> {
        let client = self.client.as_ref().ok_or_else(silent)?;
        let answer = self.runtime.block_on(question(client));
        if matches!(answer, Err(Error::SilentDatabase(_)))
            && let Some(client) = self.client.take()
        {
            if let Some(pool) = Object::pool(&client) {
                pool.retain(|_, _| false);
            }
            drop(Object::take(client));
        }
        answer
    }
}

async fn answered<T>(
    patience: Duration,
    question: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Error> {
    let answer = tokio::time::timeout(patience, question).await;
    answer.map_err(|_| silent())?.map_err(|error| failed(&error))
}

fn silent() -> Error {
    Error::SilentDatabase(SILENCE.as_secs())
}

/// `?1` as `$1`. No statement of ours has a question mark otherwise.
fn numbered(statement: &str) -> String {
    statement.replace('?', "$")
}

fn read(row: &tokio_postgres::Row) -> Result<Row, Error> {
    let values = row.columns().iter().enumerate().map(|(place, column)| {
        let value: Result<Value, tokio_postgres::Error> = match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(place).map(Value::from),
            Type::INT4 => row.try_get::<_, Option<i32>>(place).map(|number| number.map(i64::from).into()),
            Type::BOOL => row.try_get::<_, Option<bool>>(place).map(Value::from),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(place).map(Value::from),
            _ => row.try_get::<_, Option<String>>(place).map(Value::from),
        };
        value.map_err(|_| Error::Stored(format!("column {place} holds a value of another type")))
    });
    Ok(Row(values.collect::<Result<_, _>>()?))
}

/// What the server said of a failed statement holds no values of ours, or those of one row, which are dropped.
fn failed(error: &tokio_postgres::Error) -> Error {
    match error.as_db_error() {
        Some(said) => Error::PostgreSql { code: said.code().code().to_owned(), message: said.message().to_owned() },
        None => Error::NoDatabase(causes(error)),
    }
}

/// All causes, innermost last: "connection refused" is among them, and a password never is.
fn causes(error: &dyn std::error::Error) -> String {
    let all = std::iter::successors(Some(error), |error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl ToSql for Value {
    fn to_sql(&self, of: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match (self, of) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Integer(number), &Type::INT4) => i32::try_from(*number)?.to_sql(of, out),
            (Self::Integer(number), _) => number.to_sql(&Type::INT8, out),
            // It takes no NUL in a text; where one matters it was refused before.
            (Self::Text(text), _) if text.contains('\0') => text.replace('\0', "\u{fffd}").to_sql(&Type::TEXT, out),
            (Self::Text(text), _) => text.to_sql(&Type::TEXT, out),
            (Self::Blob(bytes), _) => bytes.to_sql(&Type::BYTEA, out),
        }
    }

    /// Each statement says what it wants where it is not plain, and the server refuses what does not fit.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
