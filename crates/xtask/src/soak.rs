//! `cargo xtask soak`: a day's worth of faults in minutes against the built app, in a private desktop. It must never be
//! part of a test run: the short form of it is, among the black-box tests.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};

use crate::command::Call;
use crate::packages::{self, Consent, Group};
use crate::{programs, tools, workspace};

/// Goes on for `minutes`; an error when anything was lost or told twice. Without a seed, one is made and printed.
pub fn run(minutes: u64, seed: Option<u64>, consent: Consent) -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("the soak runs on Linux");
    }
    packages::ensure(&[Group::Build, Group::Desktop, Group::Sockudo], consent)?;
    let server = tools::sockudo(consent)?;
    // As the tests have it built, so that nothing is compiled anew for another set of features.
    programs::build_workspace()?;
    let seed = seed.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs()));
    Call::new(workspace::built("soak"))
        .args([minutes.to_string(), seed.to_string()])
        .env("SOCKUDO_BIN", server)
        .env("TRAYBELL_BIN", workspace::built("traybell"))
        .run()
}
