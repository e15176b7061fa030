//! `traybell-relay`: the command line of the relay. It reads options, starts what they ask for, and ends it in good
//! order; everything else is in the library. Results go to stdout, the log to stderr.

use std::{io::Write as _, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use relay::demo::{BRAND, Demo, DemoOptions};
use secrecy::ExposeSecret as _;
use tracing_subscriber::{EnvFilter, Layer as _, filter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

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
}

#[derive(Debug, Args)]
struct DemoArguments {
    /// Port to listen on [default: the one used before with the same --data, else any free one]
    #[arg(long, value_name = "N")]
    port: Option<u16>,

    /// Seconds between two messages, such as 5 or 0.5
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    every: Duration,

    /// Send this many messages, then go on serving without new ones [default: no end]
    #[arg(long, value_name = "N")]
    count: Option<u64>,

    /// Folder to keep messages and session id in, so that they are there the next time [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    // The text stands in an attribute: in a doc comment its braces would want marks that `--help` prints as they are.
    #[arg(long, help = r#"Print one line of JSON when ready, {"url","brand","sid","pusher_key"}, and nothing else"#)]
    json: bool,
}

fn main() -> ExitCode {
    let CommandLine { command: Command::Demo(arguments) } = CommandLine::parse();
    start_log();
    let ran = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the asynchronous runtime could not be started")
        .and_then(|runtime| runtime.block_on(demo(arguments)));
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With stderr gone there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "traybell-relay: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn demo(arguments: DemoArguments) -> anyhow::Result<()> {
    let DemoArguments { port, every, count, data, json } = arguments;
    // From before the first line is out: who reads it may end us at once.
    let mut stop = Stop::new()?;
    let demo = Demo::start(DemoOptions { port, every, count, data }).await?;
    let ready = if json { demo.ready_line() + "\n" } else { welcome(&demo, every, count) };
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(ready.as_bytes()).and_then(|()| stdout.flush()).context("cannot write to stdout")?;
    drop(stdout);
    let ran = tokio::select! {
        ran = demo.run() => ran.context("the demo's messages have come to an end"),
        () = stop.wanted() => Ok(()),
    };
    demo.shutdown().await;
    ran
}

fn welcome(demo: &Demo, every: Duration, count: Option<u64>) -> String {
    let (url, sid, user) = (demo.server().url(), demo.sid().expose_secret(), demo.user());
    let (first, last) = (&user.first_name, &user.last_name);
    let seconds = every.as_secs_f64();
    let messages = count.map_or(String::from("A new message"), |count| format!("{count} messages, one"));
    format!(
        "The Traybell Relay demo is ready for {first} {last}.

  Environment  {url}
  Brand        {BRAND}
  Session id   {sid}

Give these three to Traybell's sign-in window, or type:

  echo {sid} | traybell sign-in --environment {url} --brand {BRAND}

{messages} every {seconds} s. Ctrl-C ends the demo.
"
    )
}

fn seconds(text: &str) -> Result<Duration, String> {
    let expected = "a number of seconds from 0.001 to 86400";
    let seconds: f64 = text.parse().map_err(|_| expected.to_owned())?;
    if !(0.001..=86_400.0).contains(&seconds) {
        return Err(expected.to_owned());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| expected.to_owned())
}

/// Other crates are held at warnings whatever `RUST_LOG` says: at trace the WebSocket library prints frames.
fn start_log() {
    let level = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let own_or_warning = filter::filter_fn(|metadata| {
        *metadata.level() <= tracing::Level::WARN || metadata.target().split("::").next() == Some("relay")
    });
    let output = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(own_or_warning);
    tracing_subscriber::registry().with(level).with(output).init();
}

/// The user, or the system, wants the program to end.
struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
    #[cfg(windows)]
    closed: tokio::signal::windows::CtrlClose,
}

impl Stop {
    #[cfg(unix)]
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(windows)]
    fn new() -> std::io::Result<Self> {
        use tokio::signal::windows::{ctrl_c, ctrl_close};
        Ok(Self { interrupt: ctrl_c()?, closed: ctrl_close()? })
    }

    #[cfg(unix)]
    async fn wanted(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(windows)]
    async fn wanted(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.closed.recv() => {}
        }
    }
}
