//! The programs that are measured: the handler, and the relay as an operator sets it up.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::load::{SECRET, Target};

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
    _program: Program,
}

impl Relay {
    /// `more` stands in its relay.toml.
    pub fn start(folder: &Path, database: &str, more: &str, users: usize) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let text = format!(
            r#"
            listen = "127.0.0.1:{port}"
            database = "{database}"
            single_relay = true
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
        let (program, _) = Program::start(command(&["serve"]).env("RUST_LOG", "warn"));
        Self { target, channels, _program: program }
    }
}
