//! `traybell-relay tracktik plan|apply`: the account's subscriptions brought to what `relay.toml` says.

use std::io::{IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use relay::tracktik::{Account, Action, Plan, Step};
use serde_json::{Value, json};

use super::{ConfigurationArgument, print};

#[derive(Debug, Subcommand)]
pub enum TracktikCommand {
    /// Show what `apply` would do, and change nothing.
    Plan(PlanArguments),
    /// Create, update, suspend, enable and archive subscriptions until the account is as relay.toml says.
    ///
    /// Subscriptions that are not this relay's own are never touched. Secrets are made as needed, and kept before TrackTik
    /// is told.
    Apply(ApplyArguments),
}

/// What `plan --check` ends with when there is something to do: no failure, and told from one by its exit status.
#[derive(Debug)]
pub struct Differs;

impl Differs {
    pub const STATUS: u8 = 3;
}

impl std::fmt::Display for Differs {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the account is not as relay.toml says")
    }
}

impl std::error::Error for Differs {}

#[derive(Debug, Args)]
pub struct PlanArguments {
    #[command(flatten)]
    configuration: ConfigurationArgument,
    /// Exit status 3 when there is something to do
    #[arg(long)]
    check: bool,
    // Not a doc comment, as in `demo`.
    #[arg(long, help = "Print JSON: {steps: [{custom_id, id, action, …}], unchanged, conflicts}")]
    json: bool,
}

#[derive(Debug, Args)]
pub struct ApplyArguments {
    #[command(flatten)]
    configuration: ConfigurationArgument,
    /// Do not ask; needed where there is no terminal
    #[arg(long)]
    yes: bool,
    // Not a doc comment, as in `demo`.
    #[arg(long, help = "Print JSON: {done: [{custom_id, id, action, …}], failed: null or such a step, unchanged}")]
    json: bool,
}

pub async fn tracktik(command: TracktikCommand) -> anyhow::Result<()> {
    match command {
        TracktikCommand::Plan(PlanArguments { configuration, check, json }) => {
            let plan = Account::new(configuration.read()?)?.plan().await?;
            if json {
                let steps: Vec<_> = plan.steps.iter().map(step_as_json).collect();
                let (unchanged, conflicts) = (&plan.unchanged, &plan.conflicts);
                print(&format!("{}\n", json!({"steps": steps, "unchanged": unchanged, "conflicts": conflicts})))?;
            } else {
                print(&as_text(&plan))?;
            }
            settled(&plan)?;
            if check && !plan.steps.is_empty() {
                return Err(Differs.into());
            }
            Ok(())
        }
        TracktikCommand::Apply(ApplyArguments { configuration, yes, json }) => {
            let account = Account::new(configuration.read()?)?;
            let plan = account.plan().await?;
            settled(&plan)?;
            if !json {
                print(&as_text(&plan))?;
            }
            if !plan.steps.is_empty() && !yes {
                confirm("Do this at TrackTik?")?;
            }
            apply(&account, &plan, json).await
        }
    }
}

async fn apply(account: &Account, plan: &Plan, json: bool) -> anyhow::Result<()> {
    for (done, step) in plan.steps.iter().enumerate() {
        let applied = account.apply(step).await;
        if json && applied.is_err() {
            print(&applied_as_json(plan, done))?;
        }
        let note = applied.with_context(|| {
            let (all, action, custom_id) = (plan.steps.len(), step.action.name(), &step.custom_id);
            format!("{action} {custom_id} failed; {done} of {all} steps were done, the next `apply` goes on from here")
        })?;
        if let Some(note) = note {
            // With stderr gone there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "traybell-relay: {}: {note}", step.custom_id);
        }
        if !json {
            print(&format!("done: {} {}\n", step.action.name(), step.custom_id))?;
        }
    }
    if json {
        print(&applied_as_json(plan, plan.steps.len()))?;
    }
    Ok(())
}

/// The first `done` steps were; the one behind them, if there is one, failed.
fn applied_as_json(plan: &Plan, done: usize) -> String {
    let failed = plan.steps.get(done).map(step_as_json);
    let done: Vec<_> = plan.steps.iter().take(done).map(step_as_json).collect();
    format!("{}\n", json!({"done": done, "failed": failed, "unchanged": plan.unchanged}))
}

fn settled(plan: &Plan) -> anyhow::Result<()> {
    if plan.conflicts.is_empty() {
        return Ok(());
    }
    bail!("{}", plan.conflicts.join("\n"));
}

/// Asks on the terminal; anything but yes ends the command.
pub(super) fn confirm(question: &str) -> anyhow::Result<()> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        bail!("nothing was done: there is no terminal to ask on; `--yes` does it without asking");
    }
    print(&format!("{question} [y/N] "))?;
    let mut answer = String::new();
    stdin.read_line(&mut answer).context("the answer cannot be read")?;
    if !matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        bail!("nothing was done");
    }
    Ok(())
}

fn as_text(plan: &Plan) -> String {
    let mut text: String = plan.steps.iter().map(step_as_text).collect();
    if plan.steps.is_empty() && plan.conflicts.is_empty() {
        text += "Nothing to do: ";
    }
    text + &format!("{} unchanged.\n", plan.unchanged.len())
}

fn step_as_text(step: &Step) -> String {
    let Step { custom_id, id, action } = step;
    let id = id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
    let mut text = format!("{:<8} {custom_id}{id}\n", action.name());
    match action {
        Action::Update { differences, secret } => {
            text.extend(differences.iter().map(|difference| format!("           {difference}\n")));
            if *secret {
                text += "           secret and header: sent\n";
            }
        }
        Action::Suspend { reason } => text.extend(["           reason: ", reason, "\n"]),
        Action::Create | Action::Enable | Action::Archive => {}
    }
    text
}

fn step_as_json(step: &Step) -> Value {
    let Step { custom_id, id, action } = step;
    let mut value = json!({"custom_id": custom_id, "id": id, "action": action.name()});
    match action {
        Action::Update { differences, secret } => {
            let differences: Vec<_> = differences
                .iter()
                .map(|one| json!({"part": one.part, "before": one.before, "after": one.after}))
                .collect();
            value["differences"] = differences.into();
            value["secret"] = (*secret).into();
        }
        Action::Suspend { reason } => value["reason"] = reason.as_str().into(),
        Action::Create | Action::Enable | Action::Archive => {}
    }
    value
}
