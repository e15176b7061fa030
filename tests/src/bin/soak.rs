//! `soak`: a day's worth of faults in minutes against the built app. `cargo xtask soak` builds what it needs and runs it.

#![allow(clippy::print_stdout, reason = "the report is what it is for")]

#[cfg(target_os = "linux")]
#[tokio::main]
async fn main() -> anyhow::Result<std::process::ExitCode> {
    use std::process::ExitCode;
    use std::time::{Duration, Instant};

    use anyhow::Context as _;
    use traybell_tests::soak::{self, Length};

    let mut arguments = std::env::args().skip(1);
    let mut number = |what: &str| -> anyhow::Result<u64> {
        let text = arguments.next().with_context(|| format!("usage: soak MINUTES SEED ({what} is missing)"))?;
        text.parse().with_context(|| format!("{what} is a number, not {text:?}"))
    };
    let (minutes, seed) = (number("MINUTES")?, number("SEED")?);
    println!("seed {seed}");
    let started = Instant::now();
    let tell = |trouble: &str| eprintln!("{:>5} s  {trouble}", started.elapsed().as_secs());
    let report = soak::run(seed, Length::For(Duration::from_secs(minutes * 60)), tell).await;
    println!("{report}");
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("the soak runs on Linux");
}
