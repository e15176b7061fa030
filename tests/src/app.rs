//! The app under test: started into the tray, or run as a command.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use crate::desktop::Desktop;
use crate::process::Program;
use crate::{programs, wait};

/// What a command answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its exit status; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Answer {
    /// Its output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {:?}; on standard error: {}", self.out, self.err))
    }

    /// Panics unless it ended with 0.
    pub fn succeeded(&self) -> &Self {
        assert_eq!(self.code, Some(0), "out: {}\nerr: {}", self.out, self.err);
        self
    }
}

/// Starts the app into the tray. It ends with the value.
pub fn hidden(desktop: &Desktop) -> Program {
    with_arguments(desktop, &["--hidden"])
}

/// Starts the app.
pub fn with_arguments(desktop: &Desktop, arguments: &[&str]) -> Program {
    let mut command = desktop.command(programs::traybell());
    command.args(arguments);
    desktop.run("traybell", command)
}

/// Runs `traybell {arguments}` with `input` on its standard input, until it ends.
pub async fn run_with(desktop: &Desktop, arguments: &[&str], input: &str) -> Answer {
    let mut command = desktop.command(programs::traybell());
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    finish(command, input, &format!("traybell {arguments:?}")).await
}

/// Runs `traybell {arguments}` until it ends.
pub async fn run(desktop: &Desktop, arguments: &[&str]) -> Answer {
    run_with(desktop, arguments, "").await
}

/// Runs a prepared command until it ends.
pub async fn finish(command: std::process::Command, input: &str, what: &str) -> Answer {
    let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn().expect("the program starts");
    if let Some(mut pipe) = child.stdin.take() {
        // A program that refuses before it reads has closed the pipe.
        let _ = pipe.write_all(input.as_bytes()).await;
    }
    let limit = Duration::from_mins(1);
    let output = tokio::time::timeout(limit, child.wait_with_output())
        .await
        .unwrap_or_else(|_| panic!("{what} did not end within {limit:?}"))
        .expect("the program's output can be read");
    Answer {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Signs in by the command line.
pub async fn sign_in(desktop: &Desktop, environment: &str, brand: &str, sid: &str) -> Answer {
    let arguments = ["sign-in", "--environment", environment, "--brand", brand];
    run_with(desktop, &arguments, &format!("{sid}\n")).await
}

/// `traybell status --json`.
pub async fn status(desktop: &Desktop) -> Result<Value, String> {
    let answer = run(desktop, &["status", "--json"]).await;
    serde_json::from_str(&answer.out).map_err(|error| format!("{error}: {answer:?}"))
}

/// Waits until `traybell status --json` is as `wanted` says.
pub async fn await_status(desktop: &Desktop, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    wait::until(&format!("a status that is {what}"), || async {
        let status = status(desktop).await?;
        if wanted(&status) { Ok(status) } else { Err(status.to_string()) }
    })
    .await
}

/// `traybell list --json`.
pub async fn list(desktop: &Desktop) -> Result<Vec<Value>, String> {
    let answer = run(desktop, &["list", "--json"]).await;
    serde_json::from_str(&answer.out).map_err(|error| format!("{error}: {answer:?}"))
}

/// Waits until `traybell list --json` has exactly these titles, whatever their order.
pub async fn await_listed(desktop: &Desktop, titles: &[&str]) -> Vec<Value> {
    let mut wanted: Vec<&str> = titles.to_vec();
    wanted.sort_unstable();
    wait::until(&format!("a list of {wanted:?}"), || async {
        let rows = list(desktop).await?;
        let mut seen: Vec<&str> = rows.iter().filter_map(|row| row["title"].as_str()).collect();
        seen.sort_unstable();
        if seen == wanted { Ok(rows.clone()) } else { Err(format!("{seen:?}")) }
    })
    .await
}

/// Everything the app has logged.
pub fn log(desktop: &Desktop) -> String {
    let folder = desktop.folders.data.join("logs");
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|file| String::from_utf8_lossy(&std::fs::read(file.path()).unwrap_or_default()).into_owned())
        .collect()
}
