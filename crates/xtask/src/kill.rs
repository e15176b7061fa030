//! `cargo xtask kill` and `cargo xtask storm`. The first: the controller, killed with SIGKILL at random moments, against a real Pusher server. The short form
//! is a test of the level `channels`.

use anyhow::Result;

use crate::command::Call;
use crate::packages::{self, Consent, Group};
use crate::{programs, tools, workspace};

/// Kills it as often as asked; the seed is printed, and a given one throws the same dice again.
pub fn run(runs: u32, seed: Option<u64>, consent: Consent) -> Result<()> {
    packages::ensure(if tools::has_sockudo() { &[Group::Build] } else { &[Group::Build, Group::Sockudo] }, consent)?;
    let server = tools::sockudo(consent)?;
    // As the tests have it built, so that nothing is compiled anew for another set of features.
    programs::build_workspace()?;
    let seed = seed.map(|seed| seed.to_string());
    let arguments = [runs.to_string()].into_iter().chain(seed);
    Call::new(workspace::built("killing")).args(arguments).env("SOCKUDO_BIN", server).run()
}

/// Kills relays, Pusher server and database while call-outs come in, once on SQLite and once on PostgreSQL.
pub fn storm(call_outs: u64, seed: Option<u64>, consent: Consent) -> Result<()> {
    packages::ensure(&[Group::Build, Group::Database], consent)?;
    if !tools::has_sockudo() {
        packages::ensure(&[Group::Sockudo], consent)?;
    }
    let server = tools::sockudo(consent)?;
    programs::build_workspace()?;
    for keeping in ["sqlite", "postgresql"] {
        let arguments =
            [keeping.to_owned(), call_outs.to_string()].into_iter().chain(seed.map(|seed| seed.to_string()));
        let relay = workspace::built("traybell-relay");
        Call::new(workspace::built("storm"))
            .args(arguments)
            .env("SOCKUDO_BIN", &server)
            .env("RELAY_BIN", relay)
            .run()?;
    }
    Ok(())
}
