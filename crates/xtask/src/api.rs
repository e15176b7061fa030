//! The level `api`: what the relay says of `POST /api/messages` in its OpenAPI description, held against what it does, by
//! schemathesis.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::command::Call;
use crate::packages::Consent;
use crate::{tools, workspace};

/// The dice are the same each time: a run that fails can be repeated.
const SEED: &str = "1";
const EXAMPLES: &str = "100";

/// Starts a relay on loopback, and has its description tried.
pub fn check(consent: Consent) -> Result<()> {
    let schemathesis = tools::schemathesis(consent)?;
    let folder = tempfile::tempdir()?;
    // The listener is closed again: another program may take the port, and then the relay says so.
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    fs::write(folder.path().join("relay.toml"), format!("listen = \"127.0.0.1:{port}\"\n"))?;
    let relay = || Call::new(workspace::built("traybell-relay")).dir(folder.path());
    relay().args(["user", "add", "darth", "--brand", "acme", "--group", "dispatch"]).read()?;
    let token = relay().args(["token", "add", "schemathesis"]).read()?;
    let mut serving = relay().arg("serve").env("RUST_LOG", "error").start(Stdio::null(), Stdio::piped())?;
    let mut line = String::new();
    let output = serving.0.stdout.take().context("its output was asked for")?;
    BufReader::new(output).read_line(&mut line)?;
    if !line.starts_with("Serving") {
        bail!("the relay does not start: {line:?}");
    }
    tried(&schemathesis, folder.path(), &format!("http://127.0.0.1:{port}"), token.trim())
}

/// What makes a link or a date good cannot be said in a schema: that everything the schema allows is taken is not asked.
fn tried(schemathesis: &Path, folder: &Path, url: &str, token: &str) -> Result<()> {
    Call::new(schemathesis)
        // What it notes of a run goes with the folder.
        .dir(folder)
        .args(["run", &format!("{url}/api/openapi.json"), "--url", url])
        .args(["--checks", "all", "--exclude-checks", "positive_data_acceptance"])
        .args(["--seed", SEED, "--max-examples", EXAMPLES, "--rate-limit", "500/m", "--no-color"])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .run()
}
