//! The programs that are measured: the handler, and the relay as an operator sets it up.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::load::{SECRET, Target, body};

/// A program that is killed when it is dropped.
pub struct Program(Child);

impl Program {
    /// Starts one, and answers the first line that it prints.
    pub fn start(command: &mut Command) -> (Self, String) {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        (Self(child), line.trim().to_owned())
    }

    /// Starts one that says nothing.
    pub fn silent(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The handler that only verifies and inserts.
pub struct Handler {
    pub target: Target,
    _program: Program,
}

impl Handler {
    pub fn start((name, value): (&str, String)) -> Self {
        let (program, address) = Program::start(Command::new(std::env::current_exe().unwrap()).env(name, value));
        Self { target: Target { url: format!("{address}/callout"), secret: SECRET.into() }, _program: program }
    }
}

/// The relay, with one subscription whose messages go to every user.
pub struct Relay {
    pub target: Target,
    /// The channels of its users.
    pub channels: Vec<String>,
    // Ended first.
    _scraper: Scraper,
    _program: Program,
}

/// Asks for the metrics every second, as Prometheus does every fifteen.
struct Scraper(tokio::task::JoinHandle<()>);

impl Scraper {
    fn start(port: u16) -> Self {
        Self(tokio::spawn(async move {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let page = client.get(format!("http://127.0.0.1:{port}/metrics")).send().await.unwrap();
                assert_eq!(page.status().as_u16(), 200);
            }
        }))
    }
}

impl Drop for Scraper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Call-outs of the last four weeks that were delivered.
async fn fill(folder: &Path, database: &str, events: u32) {
    let columns = "INSERT INTO events (custom_id, body, body_digest, received, state)";
    let body = body("long ago");
    if let Some(path) = (!database.starts_with("postgres")).then(|| folder.join(database)) {
        let connection = rusqlite::Connection::open(path).unwrap();
        let insert = format!(
            "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?1)
             {columns} SELECT 'employees', CAST(?2 || number AS BLOB), randomblob(32),
                (unixepoch() - number % 2419200) * 1000, 'delivered' FROM numbers"
        );
        connection.execute(&insert, rusqlite::params![events, body]).unwrap();
        return;
    }
    let (client, connection) = tokio_postgres::connect(database, tokio_postgres::NoTls).await.unwrap();
    let connected = tokio::spawn(connection);
    let insert = format!(
        "{columns} SELECT 'employees', convert_to('{body}' || number, 'UTF8'), sha256(convert_to(number::text, 'UTF8')),
            (extract(epoch FROM now())::bigint - number % 2419200) * 1000, 'delivered'
         FROM generate_series(1, {events}) AS number; ANALYZE events"
    );
    client.batch_execute(&insert).await.unwrap();
    drop(client);
    connected.await.unwrap().unwrap();
}

impl Relay {
    /// `more` stands in its relay.toml; so many call-outs have come before.
    pub async fn start(folder: &Path, database: &str, more: &str, users: usize, events: u32) -> Self {
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (port, metrics) = (free(), free());
        let text = format!(
            r#"
            listen = "127.0.0.1:{port}"
            database = "{database}"
            single_relay = true
            metrics_listen = "127.0.0.1:{metrics}"
            callouts_per_minute = 0
            {more}
            [[subscriptions]]
            custom_id = "employees"
            events = ["entity:employees:created"]
            regions = "all"
            [subscriptions.message]
            title = "New employee: {{{{ entity.firstName }}}} {{{{ entity.lastName }}}}"
            body = "<p>{{{{ entity.notes }}}}</p>"
            [subscriptions.recipients]
            groups = ["everybody"]
            "#
        );
        let configuration = folder.join("relay.toml");
        fs::write(&configuration, text).unwrap();
        let command = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_traybell-relay"));
            command.args(arguments).arg("--config").arg(&configuration);
            command
        };
        let says = |arguments: &[&str]| {
            let output = command(arguments).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        let after = |label: &str, text: &str| {
            text.lines().find_map(|line| line.strip_prefix(label)).unwrap_or_else(|| panic!("{text}")).trim().to_owned()
        };
        for number in 0..users {
            says(&["user", "add", &format!("user-{number}"), "--brand", "acme", "--group", "everybody"]);
        }
        let listed: Vec<Value> = serde_json::from_str(&says(&["user", "list", "--json"])).unwrap();
        let channels = listed.iter().map(|user| user["channel"].as_str().unwrap().to_owned()).collect();
        let subscription = says(&["callouts", "new-secret", "employees"]);
        let target = Target { url: after("URL", &subscription), secret: after("Secret  ", &subscription) };
        fill(folder, database, events).await;
        // It logs as it does by default, a line for each request.
        let log = fs::File::create(folder.join("relay.log")).unwrap();
        let (program, _) = Program::start(command(&["serve"]).stderr(log).env_remove("RUST_LOG"));
        Self { target, channels, _scraper: Scraper::start(metrics), _program: program }
    }
}
