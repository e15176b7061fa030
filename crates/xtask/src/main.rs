//! `cargo xtask …`: every developer task of this project, from a bare machine to the bundles. What a task needs of the
//! system it finds and offers to install; it must never install anything unasked, nor end a process it did not start.

#![allow(clippy::print_stdout, reason = "a task speaks to the person who started it")]

mod api;
mod bench;
mod bundle;
mod command;
mod cross;
mod fuzz;
mod icons;
mod kill;
mod levels;
mod packages;
mod programs;
mod run;
mod soak;
mod test;
mod tools;
mod windows;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::levels::Level;
use crate::packages::{Consent, Group};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Every developer task of Traybell", version)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

/// Whether missing system packages may be installed without asking.
#[derive(Args, Clone, Copy)]
struct Yes {
    /// Install missing system packages without asking (as when `CI` is set)
    #[arg(long, short)]
    yes: bool,
}

impl From<Yes> for Consent {
    fn from(answer: Yes) -> Self {
        Self::from_flag(answer.yes)
    }
}

#[derive(Subcommand)]
enum Task {
    /// Install the system packages that the other tasks need
    Setup {
        #[command(flatten)]
        yes: Yes,
        /// Only these groups; without any: all that `run` and `test` use
        groups: Vec<Group>,
    },
    /// Build and start the app, signed in to a demo server on loopback; without a display, save a picture of it
    Run {
        #[command(flatten)]
        yes: Yes,
        /// Take the picture on a virtual display although there is a real one
        #[arg(long)]
        headless: bool,
        /// Where pictures go [default: target/demo/pictures]
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Run every check and test, or one level of them
    Test {
        #[command(flatten)]
        yes: Yes,
        /// Go on after a step has failed
        #[arg(long)]
        keep_going: bool,
        /// Remove what only one level uses as soon as it has passed, for a machine with little disk
        #[arg(long)]
        tidy: bool,
        /// One level alone; without it, all of them
        level: Option<Level>,
        /// Part of the names of the tests to run (levels unit, black-box, page and check-windows)
        filter: Option<String>,
    },
    /// Measure something beside what it is measured against, and print a table
    Bench {
        #[command(flatten)]
        yes: Yes,
        /// What to measure
        bench: bench::Bench,
    },
    /// Feed a fuzz target, from the committed seeds
    Fuzz {
        #[command(flatten)]
        yes: Yes,
        /// What to fuzz
        target: fuzz::Target,
        /// For how long
        #[arg(long, default_value_t = 600)]
        seconds: u32,
    },
    /// Let everything around the app go wrong by the dice for a while, and look for what was lost or told twice
    Soak {
        #[command(flatten)]
        yes: Yes,
        /// For how long
        #[arg(long, default_value_t = 10)]
        minutes: u64,
        /// The same run again [default: another each time, printed]
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Kill the controller with SIGKILL at random moments, and look whether anything was lost or alerted twice
    Kill {
        #[command(flatten)]
        yes: Yes,
        /// How often
        #[arg(long, default_value_t = 1_000)]
        runs: u32,
        /// What everything random comes from [default: another each time, printed]
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Kill relays, Pusher server and database while call-outs come in, and look whether one was lost or came twice
    Storm {
        #[command(flatten)]
        yes: Yes,
        /// How many call-outs
        #[arg(long, default_value_t = 100_000)]
        call_outs: u64,
        /// What everything random comes from [default: another each time, printed]
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Build the Windows program and run the crates' tests as Windows programs under wine
    CheckWindows {
        #[command(flatten)]
        yes: Yes,
        /// Part of the names of the tests to run
        filter: Option<String>,
    },
    /// Type-check everything for macOS
    CheckMacos {
        #[command(flatten)]
        yes: Yes,
    },
    /// Make the .deb and the .rpm, and tell their sizes
    Bundle {
        #[command(flatten)]
        yes: Yes,
    },
    /// Save pictures of the app, light and dark, as the README shows them
    Screenshot {
        #[command(flatten)]
        yes: Yes,
        /// Where the pictures go [default: target/screenshots]
        #[arg(long)]
        out: Option<PathBuf>,
        /// Draw at twice the size, for dense screens
        #[arg(long)]
        scale: Option<u8>,
    },
    /// Make every icon anew from icons/traybell.svg
    Icons {
        #[command(flatten)]
        yes: Yes,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Setup { yes, groups } => packages::set_up(&groups, yes.into()),
        Task::Run { yes, headless, out } => run::run(yes.into(), headless, out),
        Task::Test { yes, keep_going, tidy, level, filter } => {
            test::run(&test::Plan { consent: yes.into(), keep_going, tidy, level, filter })
        }
        Task::Bench { yes, bench } => bench::run(bench, yes.into()),
        Task::Fuzz { yes, target, seconds } => fuzz::run(target, seconds, yes.into()),
        Task::Soak { yes, minutes, seed } => soak::run(minutes, seed, yes.into()),
        Task::Kill { yes, runs, seed } => kill::run(runs, seed, yes.into()),
        Task::Storm { yes, call_outs, seed } => kill::storm(call_outs, seed, yes.into()),
        Task::CheckWindows { yes, filter } => windows::check(yes.into(), filter.as_deref()),
        Task::CheckMacos { yes } => cross::check_macos(yes.into()),
        Task::Bundle { yes } => bundle::make(yes.into()).map(|_| ()),
        Task::Screenshot { yes, out, scale } => run::screenshot(yes.into(), out, scale.unwrap_or(1)),
        Task::Icons { yes } => icons::generate(yes.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
