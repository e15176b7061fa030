//! `traybell-relay backup` and `restore`: the database into a file, and back.

use std::path::PathBuf;

use clap::Args;

use super::{ConfigurationArgument, print};

#[derive(Debug, Args)]
pub struct BackupArguments {
    /// The file to write; it must not be there yet
    file: PathBuf,
    #[command(flatten)]
    configuration: ConfigurationArgument,
}

#[derive(Debug, Args)]
pub struct RestoreArguments {
    /// The file that `backup` has written
    file: PathBuf,
    /// Replace the database there is; what is in it is lost
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    configuration: ConfigurationArgument,
}

pub fn backup(arguments: &BackupArguments) -> anyhow::Result<()> {
    let configuration = arguments.configuration.read()?;
    let bytes = relay::backup(configuration.database(), &arguments.file)?;
    let tls = configuration
        .tls()
        .map_or_else(String::new, |tls| format!("  {} and {} (TLS)\n", tls.certificate.display(), tls.key.display()));
    print(&format!(
        "{} holds the database: users, messages, call-outs and the relay's own keys ({bytes} bytes). Keep it as safe as \
         the relay.\nNot in it, to be kept apart:\n  {}\n  {} (keys and secrets of the call-outs)\n{tls}",
        arguments.file.display(),
        arguments.configuration.path.display(),
        configuration.secrets().name(),
    ))
}

pub fn restore(arguments: &RestoreArguments) -> anyhow::Result<()> {
    let configuration = arguments.configuration.read()?;
    relay::restore(&arguments.file, configuration.database(), arguments.force)?;
    print(&format!("{} is the database again. Session ids are those of the backup.\n", arguments.file.display()))
}
