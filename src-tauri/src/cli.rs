//! The command line, for scripts, roll-out and support. With the app running it asks the app; without it, a controller
//! of its own. It must never take the sid as an argument: arguments stand in process lists and histories.

mod door;
mod list;
mod output;
mod pause;
mod read;
mod sign;
mod status;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, ValueEnum};
use inbox::PauseFor;
use jiff::Timestamp;

pub use self::{
    door::Door,
    output::{Failure, Output},
};
use crate::{diagnostics, doctor, folder::Folder, log};

/// Traybell: Fast Track notifications in the tray.
#[derive(Debug, Parser)]
#[command(name = "traybell", version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// What to do; without a command, the app is started.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Start into the tray, without a window.
    #[arg(long)]
    pub hidden: bool,
}

/// Every command. Exit status: 0 done, 1 failed, 2 wrong usage.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sign in; the session id is prompted for, or read from standard input.
    SignIn(SignIn),
    /// Sign out, and delete the session id and, as the settings say, the messages from this device.
    SignOut {
        /// Give up read marks that have not reached the server.
        #[arg(long)]
        discard: bool,
        /// Keep the messages for the next sign-in of the same user, whatever the settings say.
        #[arg(long, conflicts_with = "purge")]
        keep_messages: bool,
        /// Delete the messages, whatever the settings say.
        #[arg(long)]
        purge: bool,
    },
    /// Pause notifications; what comes meanwhile is told together at the end.
    Pause {
        /// For how long; `tomorrow` ends at 8 in the morning.
        #[arg(value_enum)]
        length: Length,
    },
    /// End a pause of notifications.
    Resume,
    /// Show connection, account and counts.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
        /// Again at each change, until interrupted.
        #[arg(long)]
        watch: bool,
    },
    /// List the messages, newest first.
    List(List),
    /// Mark messages as read, here and on the server.
    Read {
        /// Which, as `list` shows them.
        #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<String>,
        /// Every message.
        #[arg(long)]
        all: bool,
    },
    /// Check everything Traybell needs, and say what to do about what is missing.
    Doctor {
        /// As JSON.
        #[arg(long)]
        json: bool,
        /// Write what support needs into this file: the checks, the state and the log, without session ids and messages.
        #[arg(long, value_name = "FILE", conflicts_with = "json")]
        bundle: Option<PathBuf>,
    },
}

/// For how long notifications are paused.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Length {
    /// 30 minutes.
    #[value(name = "30m")]
    HalfHour,
    /// An hour.
    #[value(name = "1h")]
    Hour,
    /// Until 8 in the morning of the next day.
    Tomorrow,
}

impl From<Length> for PauseFor {
    fn from(length: Length) -> Self {
        match length {
            Length::HalfHour => Self::HalfHour,
            Length::Hour => Self::Hour,
            Length::Tomorrow => Self::Tomorrow,
        }
    }
}

/// How to sign in.
#[derive(Debug, Args)]
pub struct SignIn {
    /// `production`, `staging`, or the address of a server of your own.
    #[arg(long, value_name = "NAME|URL")]
    environment: String,
    /// The brand's name.
    #[arg(long)]
    brand: String,
    /// Keep the session id in memory until the running app ends, where there is no keyring.
    #[arg(long)]
    session_only: bool,
    /// Send the session id unencrypted to a server that has no https.
    #[arg(long)]
    insecure: bool,
}

/// What to list: all that is said must hold.
#[derive(Debug, Args)]
pub struct List {
    /// Only those not read.
    #[arg(long)]
    unread: bool,
    /// Only those whose title or text holds these words; the last may be the beginning of one.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only those of this kind.
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<Kind>,
    /// Only those sent on this day or later, or from this moment on.
    #[arg(long, value_name = "DATE|RFC 3339", value_parser = list::first_moment)]
    since: Option<Timestamp>,
    /// Only those sent on this day or earlier, or before this moment.
    #[arg(long, value_name = "DATE|RFC 3339", value_parser = list::moment_after)]
    until: Option<Timestamp>,
    /// Only those with a button that can be opened.
    #[arg(long)]
    with_link: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// The kinds of messages, by the event they come with.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Message,
    Shoutout,
    Inbox,
}

/// Runs one command.
pub fn run(command: Command) -> ExitCode {
    log::start_on_stderr();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("traybell: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(dispatch(command));
    // A call of the keyring that hangs in its thread must not hold up the end.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn dispatch(command: Command) -> Result<(), Failure> {
    let folder = Folder::locate()?;
    let mut output = Output::new();
    match command {
        Command::SignIn(arguments) => sign::sign_in(&folder, &mut output, arguments).await,
        Command::SignOut { discard, keep_messages, purge } => {
            let purge = (keep_messages || purge).then_some(purge);
            sign::sign_out(&folder, &mut output, inbox::SignOut { discard, purge }).await
        }
        Command::Pause { length } => pause::run(&folder, &mut output, Some(length.into())).await,
        Command::Resume => pause::run(&folder, &mut output, None).await,
        Command::Status { json, watch: false } => status::once(&folder, &mut output, json).await,
        Command::Status { json, watch: true } => status::watch(&folder, &mut output, json).await,
        Command::List(arguments) => list::run(&folder, &mut output, arguments).await,
        Command::Read { ids, all } => read::run(&folder, &mut output, ids, all).await,
        Command::Doctor { bundle: Some(file), .. } => diagnostics::bundle(&folder, &mut output, &file).await,
        Command::Doctor { json, bundle: None } => doctor::run(&folder, &mut output, json).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Result<Arguments, clap::error::ErrorKind> {
        Arguments::try_parse_from(line.split(' ')).map_err(|error| error.kind())
    }

    #[test]
    fn the_definition_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_is_the_app() {
        assert!(matches!(parse("traybell"), Ok(Arguments { command: None, hidden: false })));
        assert!(matches!(parse("traybell --hidden"), Ok(Arguments { command: None, hidden: true })));
        assert!(parse("traybell --hidden status").is_err(), "--hidden is the app's");
    }

    #[test]
    fn the_session_id_is_no_argument() {
        assert!(parse("traybell sign-in --environment staging --brand acme").is_ok());
        for line in ["traybell sign-in --environment staging --brand acme --sid x", "traybell sign-in --brand acme"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn read_takes_ids_or_all_and_not_both_or_neither() {
        assert!(
            matches!(parse("traybell read 1 2"), Ok(Arguments { command: Some(Command::Read { ids, .. }), .. }) if ids == ["1", "2"])
        );
        assert!(parse("traybell read --all").is_ok());
        assert!(parse("traybell read").is_err());
        assert!(parse("traybell read 1 --all").is_err());
    }

    #[test]
    fn a_list_takes_words_a_kind_and_days() {
        let line = "traybell list --unread --search bonus --type shoutout --since 2026-01-02 --with-link";
        let Ok(Arguments { command: Some(Command::List(list)), .. }) = parse(line) else { panic!("not understood") };
        assert!(list.unread && list.with_link && list.since.is_some() && list.until.is_none());
        assert_eq!(list.search.as_deref(), Some("bonus"));
        assert!(matches!(list.kind, Some(Kind::Shoutout)));
        for line in
            ["traybell list --type raffle", "traybell list --since yesterdayish", "traybell list --until 2026-13-01"]
        {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
