//! What cannot be beaten by much: an axum handler that verifies the signature and inserts one row.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rusqlite::Connection;
use sha2::Sha512;

use crate::load::{HEADER, SECRET};

/// Which database a process is to insert into: a file, or an address of PostgreSQL.
const DATABASE: &str = "TRAYBELL_BENCH_LIMIT";
/// As many as the relay's.
const POSTGRESQL_CONNECTIONS: usize = 8;

/// The environment of a process that is to be the handler.
pub fn environment(database: &str) -> (&'static str, String) {
    (DATABASE, database.to_owned())
}

pub fn is_asked_for() -> bool {
    std::env::var_os(DATABASE).is_some()
}

#[derive(Clone)]
enum Rows {
    Sqlite(Arc<Mutex<Connection>>),
    PostgreSql(Arc<Vec<(tokio_postgres::Client, tokio_postgres::Statement)>>),
}

/// Serves until it is killed; prints its address.
pub async fn serve() {
    let database = std::env::var(DATABASE).unwrap();
    let rows = if database.starts_with("postgres") { postgresql(&database).await } else { sqlite(&database) };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    axum::serve(listener, Router::new().route("/callout", post(take)).with_state(rows)).await.unwrap();
}

fn sqlite(path: &str) -> Rows {
    let connection = Connection::open(path).unwrap();
    // As the relay has it: what was acknowledged survives a power cut.
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    connection.execute("CREATE TABLE bodies (id INTEGER PRIMARY KEY, body BLOB NOT NULL)", []).unwrap();
    Rows::Sqlite(Arc::new(Mutex::new(connection)))
}

async fn postgresql(address: &str) -> Rows {
    let mut clients = Vec::new();
    for number in 0..POSTGRESQL_CONNECTIONS {
        let (client, connection) = tokio_postgres::connect(address, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        if number == 0 {
            let table = "CREATE TABLE IF NOT EXISTS bodies (id BIGSERIAL PRIMARY KEY, body BYTEA NOT NULL)";
            client.batch_execute(table).await.unwrap();
        }
        let statement = client.prepare("INSERT INTO bodies (body) VALUES ($1)").await.unwrap();
        clients.push((client, statement));
    }
    Rows::PostgreSql(Arc::new(clients))
}

async fn take(State(rows): State<Rows>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let given = headers.get(HEADER).and_then(|value| hex::decode(value.as_bytes()).ok()).unwrap_or_default();
    let mac = Hmac::<Sha512>::new_from_slice(SECRET.as_bytes()).unwrap();
    if mac.chain_update(&body).verify_slice(&given).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    match rows {
        Rows::Sqlite(connection) => {
            let insert = move || {
                let connection = connection.lock().unwrap();
                let mut statement = connection.prepare_cached("INSERT INTO bodies (body) VALUES (?1)").unwrap();
                statement.execute([&body[..]]).unwrap();
            };
            tokio::task::spawn_blocking(insert).await.unwrap();
        }
        Rows::PostgreSql(clients) => {
            let at = body.iter().map(|byte| usize::from(*byte)).sum::<usize>() % clients.len();
            let (client, statement) = &clients[at];
            client.execute(statement, &[&&body[..]]).await.unwrap();
        }
    }
    StatusCode::OK
}
