//! The commands of the command line, each in a file: what it takes, and what it prints.

mod backup;
mod callouts;
mod demo;
mod doctor;
mod events;
mod send;
mod serve;
mod stop;
mod subscriptions;
mod token;
mod tracktik;
mod user;

use std::{io::Write as _, path::PathBuf};

use anyhow::Context as _;
use clap::Args;
use relay::Configuration;

pub use backup::{BackupArguments, RestoreArguments, backup, restore};
pub use callouts::{CallOutsCommand, callouts};
pub use demo::{DemoArguments, demo};
pub use doctor::{DoctorArguments, doctor};
pub use events::{EventsCommand, events};
pub use send::{SendArguments, send};
pub use serve::{LogFormat, ServeArguments, serve};
pub use subscriptions::{SubscriptionsCommand, subscriptions};
pub use token::{TokenCommand, token};
pub use tracktik::{Differs, TracktikCommand, tracktik};
pub use user::{UserCommand, user};

/// Which relay is meant.
#[derive(Debug, Args)]
pub struct ConfigurationArgument {
    /// The relay's configuration
    #[arg(long = "config", value_name = "FILE", default_value = "relay.toml")]
    path: PathBuf,
}

impl ConfigurationArgument {
    fn read(&self) -> anyhow::Result<Configuration> {
        Ok(Configuration::read(&self.path)?)
    }
}

/// Writes a command's result; a reader that is gone is an error, as everywhere.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).context("cannot write to stdout")
}
