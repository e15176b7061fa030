//! `traybell-relay`: the command line of the relay. It reads options, starts what they ask for, and ends it in good
//! order; everything else is in the library. Results go to stdout, the log to stderr.

mod commands;

use std::{
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use commands::{
    BackupArguments, CallOutsCommand, DemoArguments, Differs, DoctorArguments, EventsCommand, LogFormat,
    RestoreArguments, SendArguments, ServeArguments, SubscriptionsCommand, TokenCommand, TracktikCommand, UserCommand,
};
use tracing_subscriber::{EnvFilter, Layer as _, filter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// For threads that block, when all is done.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Serves messages to Traybell desktops over the Fast Track API and Pusher channels.
#[derive(Debug, Parser)]
#[command(name = "traybell-relay", version, arg_required_else_help = true)]
#[command(after_help = "The log goes to stderr; RUST_LOG=debug says more. Exit status: 0 done, 1 failed, 2 usage.")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a relay to try Traybell with: a ready-made user, and a new message every few seconds.
    ///
    /// It listens on this machine only (127.0.0.1) and prints what to sign in with. End it with Ctrl-C.
    Demo(DemoArguments),
    /// Run the relay that relay.toml describes, until Ctrl-C or the system ends it.
    Serve(ServeArguments),
    /// The people the relay keeps messages for.
    #[command(subcommand)]
    User(UserCommand),
    /// Copy the database into a file, also while the relay runs. Secrets in files of their own are not in it.
    Backup(BackupArguments),
    /// Put a backup in the database's place. The relay must not be running.
    Restore(RestoreArguments),
    /// Check from outside everything the relay needs, each with what was found and what to do.
    Doctor(DoctorArguments),
    /// The tokens by which other programs send messages.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Send a message to users and groups, by a running relay.
    Send(SendArguments),
    /// Bring the subscriptions of the TrackTik account to what relay.toml says.
    #[command(subcommand)]
    Tracktik(TracktikCommand),
    /// The subscriptions of the TrackTik account as they are.
    #[command(subcommand)]
    Subscriptions(SubscriptionsCommand),
    /// The call-outs TrackTik sends: their addresses and secrets.
    #[command(subcommand, name = "callouts")]
    CallOuts(CallOutsCommand),
    /// The call-outs that were taken: what has become of each, and another try for one that failed.
    #[command(subcommand)]
    Events(EventsCommand),
}

fn main() -> ExitCode {
    let CommandLine { command } = CommandLine::parse();
    let (usual_level, format) = match &command {
        Command::Serve(arguments) => ("info", arguments.log_format()),
        // That a new database was made is to be seen where its path was mistyped.
        _ => ("warn,relay::store=info", LogFormat::default()),
    };
    start_log(usual_level, format);
    let ran = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the asynchronous runtime could not be started")
        .and_then(|runtime| {
            let ran = runtime.block_on(run(command));
            // A keyring that waits for a person must not hold up the end; what has to be finished was waited for.
            runtime.shutdown_timeout(LAST_WAIT);
            ran
        });
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With stderr gone there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "traybell-relay: {}", whole(&error));
            if error.is::<Differs>() { Differs::STATUS.into() } else { ExitCode::FAILURE }
        }
    }
}

/// The error with its causes, each said once: some repeat theirs.
fn whole(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match text.as_str() {
        "" => cause,
        said if said.contains(&cause) => text,
        said => format!("{said}: {cause}"),
    })
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Demo(arguments) => commands::demo(arguments).await,
        Command::Serve(arguments) => commands::serve(arguments).await,
        Command::User(command) => commands::user(command).await,
        Command::Events(command) => commands::events(command).await,
        Command::Backup(arguments) => commands::backup(&arguments),
        Command::Restore(arguments) => commands::restore(&arguments),
        Command::Doctor(arguments) => commands::doctor(arguments).await,
        Command::Token(command) => commands::token(command).await,
        Command::Send(arguments) => commands::send(arguments).await,
        Command::Tracktik(command) => commands::tracktik(command).await,
        Command::Subscriptions(command) => commands::subscriptions(command).await,
        Command::CallOuts(command) => commands::callouts(command).await,
    }
}

/// Other crates are held at warnings whatever `RUST_LOG` says: at trace the WebSocket library prints frames.
///
/// A server says by itself that it has started and ended; the other commands speak on stdout.
fn start_log(usual_level: &str, format: LogFormat) {
    let level = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual_level));
    let own_or_warning = filter::filter_fn(|metadata| {
        *metadata.level() <= tracing::Level::WARN || metadata.target().split("::").next() == Some("relay")
    });
    let output = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let output = match format {
        LogFormat::Text => output.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => output.json().flatten_event(true).with_current_span(false).boxed(),
    };
    let output = output.with_filter(own_or_warning);
    tracing_subscriber::registry().with(level).with(output).init();
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    #[test]
    fn an_error_says_each_cause_once() {
        let inner = std::io::Error::other("the disk is full");
        let repeats = relay::Error::File { path: "relay.toml".into(), source: inner };
        let error = Err::<(), _>(repeats).context("nothing was done").expect_err("it is one");
        assert_eq!(super::whole(&error), "nothing was done: cannot use relay.toml: the disk is full");
    }
}
