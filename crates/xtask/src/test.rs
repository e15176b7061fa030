//! `cargo xtask test`: the levels one after another, each with a heading and its time, and a summary at the end.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::levels::{Bench, Level};
use crate::packages::{self, Consent, Group};
use crate::workspace;

/// What to run, and how.
pub struct Plan {
    /// Whether system packages may be installed
    pub consent: Consent,
    /// Whether later levels are run after one has failed
    pub keep_going: bool,
    /// Whether what only one level uses is removed when it has passed
    pub tidy: bool,
    /// One level alone
    pub level: Option<Level>,
    /// Part of the names of the tests
    pub filter: Option<String>,
}

/// How one level ended.
struct Done {
    level: Level,
    took: Duration,
    error: Option<String>,
}

/// Runs the plan; an error when any level failed.
pub fn run(plan: &Plan) -> Result<()> {
    let levels = plan.level.map_or_else(|| Level::value_variants().to_vec(), |level| vec![level]);
    // All at once: a person is asked once, at the start, and not half an hour later.
    packages::ensure(&wanted(&levels), plan.consent)?;

    let bench = Bench::new(plan.consent, plan.filter.clone());
    let mut done: Vec<Done> = Vec::new();
    for (number, level) in levels.iter().copied().enumerate() {
        println!("\n━━ {}/{} {}: {}", number + 1, levels.len(), level.name(), level.about());
        let start = Instant::now();
        let error = bench.run(level).err().map(|error| format!("{error:#}"));
        let took = start.elapsed();
        println!("━━ {}: {} in {}", level.name(), if error.is_none() { "ok" } else { "FAILED" }, clock(took));
        if let Some(free) = workspace::free_disk() {
            println!("   {}.{} GB of disk left", free / 1_000_000_000, free % 1_000_000_000 / 100_000_000);
        }
        if plan.tidy && error.is_none() {
            level.tidy()?;
        }
        let stop = error.is_some() && !plan.keep_going;
        done.push(Done { level, took, error });
        if stop {
            break;
        }
    }
    summarise(&levels, &done)
}

fn wanted(levels: &[Level]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for group in levels.iter().flat_map(|level| level.packages()) {
        if !groups.contains(group) {
            groups.push(*group);
        }
    }
    groups
}

fn summarise(levels: &[Level], done: &[Done]) -> Result<()> {
    println!("\n━━ Summary");
    for Done { level, took, error } in done {
        let outcome = if error.is_none() { "ok" } else { "FAILED" };
        println!("  {:<14} {outcome:<7} {:>8}", level.name(), clock(*took));
    }
    for level in &levels[done.len()..] {
        println!("  {:<14} not run", level.name());
    }
    println!("  {:<22} {:>8}", "in all", clock(done.iter().map(|level| level.took).sum()));
    let failed: Vec<_> = done
        .iter()
        .filter_map(|Done { level, error, .. }| Some(format!("{}: {}", level.name(), error.as_ref()?)))
        .collect();
    if failed.is_empty() { Ok(()) } else { bail!("{}", failed.join("\n")) }
}

/// Minutes and seconds.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{seconds}.{} s", time.subsec_millis() / 100)
    } else {
        format!("{}:{:02} min", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_seconds_under_a_minute_and_as_minutes_above() {
        assert_eq!(clock(Duration::from_millis(4_321)), "4.3 s");
        assert_eq!(clock(Duration::from_mins(1)), "1:00 min");
        assert_eq!(clock(Duration::from_secs(754)), "12:34 min");
    }

    #[test]
    fn packages_of_several_levels_are_asked_for_once() {
        let groups = wanted(&[Level::Lint, Level::Package, Level::Unit]);
        assert_eq!(groups, [Group::Build, Group::Desktop, Group::Database]);
    }

    #[test]
    fn a_failed_level_fails_the_run_and_is_named() {
        let done = [
            Done { level: Level::Format, took: Duration::ZERO, error: None },
            Done { level: Level::Lint, took: Duration::ZERO, error: Some("two warnings".into()) },
        ];
        let error = summarise(&[Level::Format, Level::Lint, Level::Unit], &done).expect_err("lint failed");
        assert_eq!(error.to_string(), "lint: two warnings");
    }
}
