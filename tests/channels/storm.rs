//! Call-outs in a storm of kills: the short form of `cargo xtask storm`.

use traybell_tests::postgres::Cluster;
use traybell_tests::programs;
use traybell_tests::sockudo::{Release, Sockudo};
use traybell_tests::storm::{Keeping, Plan, run};

const CALL_OUTS: u64 = 3_000;

async fn rages(keeping: Keeping, cluster: Option<Cluster>) {
    let folder = tempfile::tempdir().unwrap();
    let sockudo = Sockudo::alone(Release::V5, folder.path()).await;
    let plan = Plan { keeping, call_outs: CALL_OUTS, seed: std::process::id().into(), relay: programs::relay() };
    let summary = run(&plan, sockudo, cluster).await.unwrap_or_else(|broken| panic!("seed {}: {broken:?}", plan.seed));
    assert!(summary.acknowledged > 0 && !summary.kills.is_empty(), "{summary}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_out_is_lost_or_twice_whatever_is_killed_with_sqlite() {
    rages(Keeping::Sqlite, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_out_is_lost_or_twice_whatever_is_killed_with_two_relays_on_postgresql() {
    rages(Keeping::PostgreSql, Some(Cluster::start().await)).await;
}
