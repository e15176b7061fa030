//! `cargo xtask bench`: what is measured, side by side with what it is measured against, in one run. It must never be a
//! test: the machine is noisy, and a ratio is read by a person.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde_json::Value;

use crate::command::Call;
use crate::packages::{self, Consent, Group};
use crate::{levels, tools, workspace};

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Bench {
    /// pusher-client and pusher-js under the same faults on the same server (three minutes)
    Faults,
    /// pusher-client beside a bare loop of tokio-tungstenite and `serde_json` and beside pusher-js, and what an idle client
    /// takes in memory
    Speed,
    /// The relay beside a handler that only verifies and inserts a row, on SQLite and PostgreSQL; and a call-out on its way
    /// to 1 000 desktops (four minutes)
    Callouts,
    /// The message store at 1 000, 10 000 and 100 000 messages: paging, search, marks, opening, memory
    Inbox,
}

/// Measures, and prints a table.
pub fn run(bench: Bench, consent: Consent) -> Result<()> {
    match bench {
        Bench::Faults => {
            packages::ensure(&[Group::Build, Group::Sockudo], consent)?;
            let server = tools::sockudo(consent)?;
            tools::require_node()?;
            levels::node_modules()?;
            Call::cargo("build").args(["--locked", "--workspace", "--bins"]).run()?;
            Call::new(workspace::built("compare")).env("SOCKUDO_BIN", server).run()
        }
        Bench::Speed => {
            packages::ensure(&[Group::Build], consent)?;
            tools::require_node()?;
            levels::node_modules()?;
            let bench = |name| Call::cargo("bench").args(["--locked", "--package", "pusher-client", "--bench", name]);
            bench("speed").run()?;
            bench("idle").run()?;
            print!("\n{}", ratios(&workspace::target().join("criterion"))?);
            Ok(())
        }
        Bench::Callouts => {
            packages::ensure(&[Group::Build, Group::Sockudo, Group::Database], consent)?;
            let bench = Call::cargo("bench").args(["--locked", "--package", "relay", "--bench", "callouts"]);
            bench.env("SOCKUDO_BIN", tools::sockudo(consent)?).run()
        }
        Bench::Inbox => {
            packages::ensure(&[Group::Build], consent)?;
            Call::cargo("bench").args(["--locked", "--package", "inbox", "--bench", "store"]).run()
        }
    }
}

/// What criterion has measured, as ratios to pusher-client: above 1 where that is faster.
fn ratios(criterion: &Path) -> Result<String> {
    let mut table = String::from("| measured | pusher-client beside | ratio |\n|---|---|---|\n");
    for (measured, beside) in
        [("throughput", "bare"), ("throughput", "pusher-js"), ("latency", "bare"), ("latency", "pusher-js")]
    {
        let median = |who: &str| {
            let path = criterion.join(measured).join(who).join("new/estimates.json");
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let estimates: Value = serde_json::from_str(&text)?;
            let median = estimates.pointer("/median/point_estimate").and_then(Value::as_f64);
            median.with_context(|| format!("{} holds no median", path.display()))
        };
        let ratio = median(beside)? / median("pusher-client")?;
        writeln!(table, "| {measured} | {beside} | {ratio:.2} |")?;
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_above_one_says_that_ours_is_faster() -> Result<()> {
        let criterion = tempfile::tempdir()?;
        for (path, median) in [
            ("throughput/bare", 90.0),
            ("throughput/pusher-client", 100.0),
            ("throughput/pusher-js", 350.0),
            ("latency/bare", 2.0),
            ("latency/pusher-client", 2.5),
            ("latency/pusher-js", 10.0),
        ] {
            let folder = criterion.path().join(path).join("new");
            fs::create_dir_all(&folder)?;
            let estimates = serde_json::json!({ "median": { "point_estimate": median } });
            fs::write(folder.join("estimates.json"), estimates.to_string())?;
        }
        let table = ratios(criterion.path())?;
        for row in [
            "| throughput | bare | 0.90 |",
            "| throughput | pusher-js | 3.50 |",
            "| latency | bare | 0.80 |",
            "| latency | pusher-js | 4.00 |",
        ] {
            assert!(table.contains(row), "{table}");
        }
        Ok(())
    }
}
