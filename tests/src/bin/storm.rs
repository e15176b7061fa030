//! `storm sqlite|postgresql CALL-OUTS [SEED]`: call-outs while relays, Pusher server and database are killed; `cargo xtask
//! storm` builds what it needs and runs it.

#![allow(clippy::print_stdout, reason = "what came of it is what it is for")]

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    use anyhow::{Context as _, bail};
    use traybell_tests::postgres::Cluster;
    use traybell_tests::sockudo::{Release, Sockudo};
    use traybell_tests::storm::{self, Keeping, Plan};

    let mut arguments = std::env::args().skip(1);
    let keeping = match arguments.next().as_deref() {
        Some("sqlite") => Keeping::Sqlite,
        Some("postgresql") => Keeping::PostgreSql,
        _ => bail!("sqlite or postgresql?"),
    };
    let call_outs = arguments.next().context("how many call-outs?")?.parse()?;
    let now = jiff::Timestamp::now().as_nanosecond().unsigned_abs();
    let seed =
        arguments.next().map_or_else(|| Ok(u64::try_from(now % 1_000_000_007)?), |seed| anyhow::Ok(seed.parse()?))?;
    let plan = Plan { keeping, call_outs, seed, relay: traybell_tests::programs::relay() };
    println!("{call_outs} call-outs, {keeping:?}, seed {seed}");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let summary = runtime.block_on(async {
        let folder = tempfile::tempdir()?;
        let sockudo = Sockudo::alone(Release::V5, folder.path()).await;
        let cluster = if keeping == Keeping::PostgreSql { Some(Cluster::start().await) } else { None };
        storm::run(&plan, sockudo, cluster).await
    })?;
    println!("{summary}");
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("the storm rages on Linux");
}
