//! `killing RUNS [SEED]`: kills the controller and looks what is left; `cargo xtask kill` builds what it needs and runs it.
//! `killing program FOLDER` is the program that is killed.

#![allow(clippy::print_stdout, reason = "what came of it is what it is for")]

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    use anyhow::Context as _;
    use traybell_tests::killing::{self, Plan};
    use traybell_tests::sockudo::{Release, Sockudo};

    let mut arguments = std::env::args().skip(1);
    let first = arguments.next().context("how many runs, or `program`?")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if first == "program" {
        let folder = arguments.next().context("in which folder?")?;
        return runtime.block_on(killing::program::run(folder.as_ref()));
    }
    let now = jiff::Timestamp::now().as_nanosecond().unsigned_abs();
    let seed =
        arguments.next().map_or_else(|| Ok(u64::try_from(now % 1_000_000_007)?), |seed| anyhow::Ok(seed.parse()?))?;
    let plan = Plan { runs: first.parse()?, seed, program: std::env::current_exe()? };
    println!("{} runs, seed {seed}", plan.runs);
    let folder = tempfile::tempdir()?;
    let summary = runtime.block_on(async {
        let sockudo = Sockudo::alone(Release::V5, folder.path()).await;
        killing::run(&plan, &sockudo, |so_far| println!("… {so_far}")).await
    })?;
    println!("{summary}");
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("the kills run on Linux");
}
