//! The whole controller on a real Pusher server, killed for real: the short form of `cargo xtask kill`.

use std::path::PathBuf;

use traybell_tests::killing::{Plan, run};
use traybell_tests::sockudo::{Release, Sockudo};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_killed_at_any_moment_loses_nothing_and_alerts_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let sockudo = Sockudo::alone(Release::V5, folder.path()).await;
    let seed = u64::from(std::process::id());
    let plan = Plan { runs: 20, seed, program: PathBuf::from(env!("CARGO_BIN_EXE_killing")) };
    let summary = run(&plan, &sockudo, |_| {}).await.unwrap_or_else(|broken| panic!("{broken:?}"));
    assert!(summary.checks > 0 && summary.messages > 0, "{summary}");
}
