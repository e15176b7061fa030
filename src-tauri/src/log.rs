//! The log: files in the data folder, bounded in size and number, and stderr when a person is looking. It must never
//! hold a secret: other crates are held at `warn` whatever `RUST_LOG` says, since at trace some print frames and headers.

mod rotating;

use std::io::IsTerminal as _;

use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::filter_fn, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::folder::Folder;

/// The crates whose log is ours to answer for.
const OURS: [&str; 4] = ["traybell", "inbox", "fasttrack_client", "pusher_client"];
/// What is logged unless `RUST_LOG` says otherwise.
const DEFAULT: &str = "warn,traybell=info,inbox=info,fasttrack_client=info,pusher_client=info";

/// Starts the log of the app. Panics are logged too. A log that cannot be written is said once and does without.
pub fn start(folder: &Folder) {
    let file = match rotating::Rotating::open(folder.logs()) {
        Ok(file) => Some(tracing_subscriber::fmt::layer().with_ansi(false).with_writer(std::sync::Mutex::new(file))),
        Err(error) => {
            eprintln!("traybell: no log file: {error}");
            None
        }
    };
    let stderr = std::io::stderr();
    let stderr = stderr.is_terminal().then(|| tracing_subscriber::fmt::layer().with_writer(std::io::stderr));
    tracing_subscriber::registry()
        .with(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT)))
        .with(file.map(|layer| layer.with_filter(filter_fn(may_be_written))))
        .with(stderr.map(|layer| layer.with_filter(filter_fn(may_be_written))))
        .init();
    log_panics();
}

/// Starts the log of the command line: stderr alone, and silent unless `RUST_LOG` asks.
pub fn start_on_stderr() {
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(filter_fn(may_be_written));
    tracing_subscriber::registry()
        .with(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off")))
        .with(layer)
        .init();
}

/// Whether an event may be written at all, before `RUST_LOG` is asked.
fn may_be_written(metadata: &Metadata<'_>) -> bool {
    is_allowed(metadata.target(), *metadata.level())
}

fn is_allowed(target: &str, level: Level) -> bool {
    let root = target.split("::").next().unwrap_or_default();
    level <= Level::WARN || OURS.contains(&root)
}

fn log_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        // What it says may hold a piece of whatever text was worked on.
        tracing::error!(place, "a defect: something panicked");
        before(panic);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_crates_are_never_written_below_warn() {
        assert!(is_allowed("hyper::client", Level::WARN));
        assert!(!is_allowed("hyper::client", Level::INFO));
        for target in ["tungstenite::protocol", "reqwest::connect", "log", "inboxes"] {
            assert!(!is_allowed(target, Level::DEBUG), "{target} at debug");
            assert!(!is_allowed(target, Level::TRACE), "{target} at trace");
        }
    }

    #[test]
    fn our_own_crates_may_be_written_at_any_level() {
        assert!(is_allowed("inbox::controller", Level::TRACE));
        assert!(is_allowed("traybell", Level::DEBUG));
    }
}
