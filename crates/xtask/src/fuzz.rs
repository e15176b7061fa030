//! `cargo xtask fuzz`: the targets in `fuzz/`, for a while, from the seeds that are committed. What libFuzzer finds on the
//! way stays in `target`; only what breaks is told.

use std::fs;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::command::Call;
use crate::packages::{self, Consent, Group};
use crate::{tools, workspace};

/// What can be fuzzed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// A text frame of the Pusher protocol
    Frame,
}

/// Fuzzes `target` for `seconds`; an error when anything broke.
pub fn run(target: Target, seconds: u32, consent: Consent) -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("fuzzing is set up for Linux");
    }
    packages::ensure(&[Group::Build, Group::Fuzz], consent)?;
    let fuzzer = tools::cargo_fuzz()?;
    let value = target.to_possible_value().context("every target has a name")?;
    let name = value.get_name();
    let found = workspace::target().join("fuzz/corpus").join(name);
    fs::create_dir_all(&found).with_context(|| format!("cannot create {}", found.display()))?;
    Call::new(fuzzer)
        .args(["run", name])
        .arg(&found)
        .arg(workspace::root().join("fuzz/corpus").join(name))
        .args(["--", "-timeout=10", "-rss_limit_mb=2048"])
        .arg(format!("-max_total_time={seconds}"))
        .env("CARGO_TARGET_DIR", workspace::target().join("fuzz"))
        // The sanitizer is an unstable option, and this toolchain a stable one.
        .env("RUSTC_BOOTSTRAP", "1")
        .run()
}
