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
mod log;
mod platform;
mod system;
mod tray;
mod window;

use std::process::ExitCode;

use clap::Parser as _;

/// The app's identifier, the same as in `tauri.conf.json`: names the data folder and the app to notification services.
pub(crate) const IDENTIFIER: &str = "io.github.traybell.Traybell";

fn main() -> ExitCode {
    platform::attach_console();
    let arguments = cli::Arguments::parse();
    match arguments.command {
        None => app::run(arguments.hidden),
        Some(command) => cli::run(command),
    }
}
