//! The real controller, really killed: SIGKILL at random moments, again and again, against a real Pusher server and a
//! Fast Track server that remembers. Whatever was answered before the kill must still be so after it, and no message is
//! lost or alerted twice. Everything random comes from one seed; the moments of the machine itself do not.

pub mod dice;
mod episode;
pub mod program;
mod victim;

use std::fmt;
use std::path::PathBuf;

use anyhow::Context as _;

use self::dice::Dice;
use self::episode::Episode;
use crate::sockudo::Sockudo;

/// Kills on one data folder; then another begins, or the list would grow without end.
const KILLS_AN_EPISODE: u32 = 20;

/// What is to be done.
pub struct Plan {
    /// How often it is killed.
    pub runs: u32,
    /// What everything random comes from.
    pub seed: u64,
    /// The program that is killed: `killing`.
    pub program: PathBuf,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Summary {
    /// Kills.
    pub runs: u32,
    /// See [`Plan::seed`].
    pub seed: u64,
    /// Messages sent.
    pub messages: u64,
    /// Read marks that the program had answered for.
    pub marks: u64,
    /// Alerts of one message.
    pub alerts: u64,
    /// Alerts of several.
    pub summaries: u64,
    /// How often everything was let come to rest, and looked at.
    pub checks: u32,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, seed, messages, marks, alerts, summaries, checks } = self;
        write!(
            f,
            "{runs} runs, seed {seed}: {messages} messages, {marks} marks answered for, {alerts} alerts, {summaries} \
             summaries, looked at {checks} times: 0 lost, 0 alerted twice, 0 unreadable"
        )
    }
}

/// Kills the program as often as planned. Fails with the first rule that is broken, which names seed and run.
pub async fn run(plan: &Plan, sockudo: &Sockudo, mut progress: impl FnMut(&Summary)) -> anyhow::Result<Summary> {
    let mut summary = Summary { seed: plan.seed, ..Summary::default() };
    let mut dice = Dice::new(plan.seed);
    while summary.runs < plan.runs {
        let kills = KILLS_AN_EPISODE.min(plan.runs - summary.runs);
        let mut episode = Episode::new(plan.program.clone(), sockudo, dice.fork())?;
        for _ in 0..kills {
            summary.runs += 1;
            let at = || format!("seed {}, run {}, files in {}", plan.seed, summary.runs, episode.folder());
            let told = at();
            if let Err(broken) = episode.run(&mut summary).await {
                episode.keep();
                return Err(broken).context(told);
            }
            if summary.runs.is_multiple_of(50) {
                progress(&summary);
            }
        }
        if let Err(broken) = episode.end(&mut summary).await {
            let told = format!("seed {}, after run {}, files in {}", plan.seed, summary.runs, episode.folder());
            episode.keep();
            return Err(broken).context(told);
        }
    }
    Ok(summary)
}
