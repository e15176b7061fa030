//! Traybell: the program. Without a command it is the app in the tray; with one it is the command line.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on may panic"))]
#![cfg_attr(windows, windows_subsystem = "windows")]

mod alert;
mod app;
mod cli;
mod commands;
mod control;
mod desktop;
mod diagnostics;
mod doctor;
mod folder;
mod link;
mod log;
mod platform;
mod system;
mod tray;
mod window;

use std::process::ExitCode;

use clap::Parser as _;

use crate::link::SignInLink;

/// The app's identifier, the same as in `tauri.conf.json`: names the data folder and the app to notification services.
pub(crate) const IDENTIFIER: &str = "io.github.traybell.Traybell";

fn main() -> ExitCode {
    platform::attach_console();
    let mut given = std::env::args_os().skip(1);
    if let (Some(link), None) = (given.next().filter(|given| SignInLink::is_one(given)), given.next()) {
        return app::run_link(&link.to_string_lossy());
    }
    let arguments = cli::Arguments::parse();
    match arguments.command {
        None => app::run(arguments.hidden, None),
        Some(command) => cli::run(command),
    }
}
