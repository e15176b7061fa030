//! `cargo xtask bench`: what is measured, side by side with what it is measured against, in one run. It must never be a
//! test: the machine is noisy, and a ratio is read by a person.

use anyhow::Result;
use clap::ValueEnum;

use crate::command::Call;
use crate::packages::{self, Consent, Group};
use crate::{levels, tools, workspace};

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Bench {
    /// pusher-client and pusher-js under the same faults on the same server (three minutes)
    Faults,
}

/// Measures, and prints a table.
pub fn run(bench: Bench, consent: Consent) -> Result<()> {
    match bench {
        Bench::Faults => {
            packages::ensure(&[Group::Build, Group::Sockudo], consent)?;
            let server = tools::sockudo(consent)?;
            tools::require_node()?;
            levels::node_modules()?;
            Call::cargo("build").args(["--locked", "--workspace", "--bins"]).run()?;
            Call::new(workspace::built("compare")).env("SOCKUDO_BIN", server).run()
        }
    }
}
