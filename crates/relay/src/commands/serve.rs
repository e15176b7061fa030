//! `traybell-relay serve`: the relay itself. It takes in changes of the subscriptions in `relay.toml` and of their secrets
//! while it runs; what else stands there needs a start anew.

use std::time::Duration;

use clap::{Args, ValueEnum};
use relay::{Server, Watched};
use tokio::time::{MissedTickBehavior, interval};

use super::{ConfigurationArgument, print, stop::Stop};

/// How often is looked whether something has changed.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub struct ServeArguments {
    #[command(flatten)]
    configuration: ConfigurationArgument,
    /// How the log is written
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object a line, for programs
    Json,
}

impl ServeArguments {
    pub fn log_format(&self) -> LogFormat {
        self.log_format
    }
}

pub async fn serve(arguments: ServeArguments) -> anyhow::Result<()> {
    let (mut watched, options) = Watched::read(&arguments.configuration.path)?;
    // From before the first line is out: who reads it may end us at once.
    let mut stop = Stop::new()?;
    let server = tokio::select! {
        server = Server::start(options) => server?,
        // A large database may be brought up to date for long: what is not committed by then is done anew.
        () = stop.wanted() => return Ok(()),
    };
    print(&format!("Serving on {} as {}\n", server.address(), server.url()))?;
    tell_system(Moment::Ready);
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.wanted() => break,
            _ = looks.tick() => tokio::select! {
                () = stop.wanted() => break,
                () = watched.renew(&server) => {}
            },
        }
    }
    tell_system(Moment::Stopping);
    server.shutdown().await;
    Ok(())
}

/// What systemd wants to be told (`Type=notify`).
#[derive(Debug, Clone, Copy)]
enum Moment {
    Ready,
    Stopping,
}

/// Does nothing where nobody asked to be told.
#[cfg(target_os = "linux")]
fn tell_system(moment: Moment) {
    let state = match moment {
        Moment::Ready => sd_notify::NotifyState::Ready,
        Moment::Stopping => sd_notify::NotifyState::Stopping,
    };
    if let Err(error) = sd_notify::notify(false, &[state]) {
        tracing::warn!(%error, ?moment, "systemd could not be told");
    }
}

#[cfg(not(target_os = "linux"))]
fn tell_system(_: Moment) {}
