//! `compare`: the fault comparison of pusher-client with pusher-js, printed as a table. `cargo xtask bench faults` builds
//! what it needs and runs it.

#![allow(clippy::print_stdout, reason = "the table is what it is for")]

#[cfg(target_os = "linux")]
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let seed = std::env::args().nth(1).map_or(Ok(1), |seed| seed.parse())?;
    let table = traybell_tests::compare::run(seed, |scenario| eprintln!("… {scenario}")).await?;
    println!("{table}");
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("the comparison runs on Linux");
}
