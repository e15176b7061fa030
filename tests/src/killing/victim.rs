//! [`Victim`]: one run of the program, from its start to its SIGKILL, and what it had answered until then.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::fasttrack_fake::{BRAND, SID};
use crate::process::tied;

/// An answer takes no longer, on the most loaded machine.
const LIMIT: Duration = Duration::from_secs(30);

/// A run of the program.
pub struct Victim {
    child: Child,
    input: ChildStdin,
    said: mpsc::UnboundedReceiver<Value>,
    next: u64,
}

impl Victim {
    /// Starts it in `folder`; it may not even have begun when this returns.
    pub async fn start(program: &Path, folder: &Path, environment: &str) -> anyhow::Result<Self> {
        let mut child = Command::from(tied(program))
            .arg("program")
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut input = child.stdin.take().context("its input is a pipe")?;
        let mut lines = BufReader::new(child.stdout.take().context("its output is a pipe")?).lines();
        let first = json!({"sid": SID, "brand": BRAND, "environment": environment});
        input.write_all(format!("{first}\n").as_bytes()).await?;
        let (said, hear) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                // Half a line is what a killed program leaves.
                if let Ok(value) = serde_json::from_str(&line)
                    && said.send(value).is_err()
                {
                    return;
                }
            }
        });
        Ok(Self { child, input, said: hear, next: 0 })
    }

    /// Gives it a command without waiting for the answer, whose number this returns.
    pub async fn tell(&mut self, mut command: Value) -> anyhow::Result<u64> {
        self.next += 1;
        command["seq"] = json!(self.next);
        self.input.write_all(format!("{command}\n").as_bytes()).await?;
        Ok(self.next)
    }

    /// Gives it a command and waits for the answer; what else it says meanwhile goes to `heard`.
    pub async fn ask(&mut self, command: Value, heard: &mut Vec<Value>) -> anyhow::Result<Value> {
        let seq = self.tell(command.clone()).await?;
        loop {
            let line = self.hear().await.with_context(|| format!("no answer to {command}"))?;
            let is_it = line["seq"] == seq;
            heard.push(line.clone());
            if is_it {
                if !line["problem"].is_null() {
                    bail!("{command}: {}", line["problem"]);
                }
                return Ok(line["answer"].clone());
            }
        }
    }

    /// The next thing it says.
    pub async fn hear(&mut self) -> anyhow::Result<Value> {
        timeout(LIMIT, self.said.recv()).await.context("it says nothing")?.context("it has ended")
    }

    /// Kills it, and answers with everything it had said and was not heard yet.
    pub async fn kill(mut self) -> anyhow::Result<Vec<Value>> {
        self.child.start_kill()?;
        self.child.wait().await?;
        let mut heard = Vec::new();
        while let Some(line) = self.said.recv().await {
            heard.push(line);
        }
        Ok(heard)
    }
}
