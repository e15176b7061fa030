//! `traybell-relay events …`: the call-outs that were taken, what has become of each, and another try.

use anyhow::bail;
use clap::{Args, Subcommand};
use relay::{EventLog, EventSummary};
use serde_json::{Value, json};

use super::{ConfigurationArgument, print};

#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// List the newest events, those first that came last.
    List(ListArguments),
    /// Print an event with its body, as it came.
    Show(ShowArguments),
    /// Deliver an event once more. Nobody gets a second message; one that came plain is written anew.
    Replay(OneArguments),
}

#[derive(Debug, Args)]
pub struct ListArguments {
    /// Only those that failed, or were delivered otherwise than they should have been
    #[arg(long)]
    failed: bool,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    // Not a doc comment, as in `demo`.
    #[arg(long, help = "Print JSON: [{id, custom_id, received, state, attempts, flagged, error}]")]
    json: bool,
    #[command(flatten)]
    configuration: ConfigurationArgument,
}

#[derive(Debug, Args)]
pub struct ShowArguments {
    #[command(flatten)]
    one: OneArguments,
    // Not a doc comment, as in `demo`.
    #[arg(long, help = "Print JSON: that of `list`, and {body}")]
    json: bool,
}

#[derive(Debug, Args)]
pub struct OneArguments {
    /// The event's number, from `events list`
    id: i64,
    #[command(flatten)]
    configuration: ConfigurationArgument,
}

pub async fn events(command: EventsCommand) -> anyhow::Result<()> {
    match command {
        EventsCommand::List(ListArguments { failed, limit, json, configuration }) => {
            let listed = open(&configuration).await?.list(failed, limit).await?;
            if json {
                let listed: Vec<_> = listed.iter().map(as_json).collect();
                return print(&format!("{}\n", json!(listed)));
            }
            let header =
                format!("{:>8}  {:<20}  {:<32}  {:<9}  {:<7}  ERROR\n", "ID", "RECEIVED", "CUSTOM ID", "STATE", "FLAG");
            print(&(header + &listed.iter().map(as_line).collect::<Vec<_>>().concat()))
        }
        EventsCommand::Show(ShowArguments { one: OneArguments { id, configuration }, json }) => {
            let Some(event) = open(&configuration).await?.show(id).await? else { bail!("there is no event {id}") };
            let body = String::from_utf8_lossy(&event.body);
            if !json {
                return print(&format!("{}{body}\n", as_line(&event.summary)));
            }
            let mut shown = as_json(&event.summary);
            shown["body"] = body.into();
            print(&format!("{shown}\n"))
        }
        EventsCommand::Replay(OneArguments { id, configuration }) => {
            open(&configuration).await?.replay(id).await?;
            print(&format!("Event {id} is delivered once more, by the running relay within seconds.\n"))
        }
    }
}

async fn open(argument: &ConfigurationArgument) -> anyhow::Result<EventLog> {
    Ok(EventLog::open(argument.read()?.database()).await?)
}

fn as_json(event: &EventSummary) -> Value {
    let EventSummary { id, custom_id, received, state, attempts, error, flagged } = event;
    json!({
        "id": id, "custom_id": custom_id, "received": received, "state": state.name(), "attempts": attempts,
        "flagged": flagged, "error": error,
    })
}

fn as_line(event: &EventSummary) -> String {
    let EventSummary { id, custom_id, received, state, error, flagged, .. } = event;
    let received = received.strftime("%Y-%m-%d %H:%M:%SZ");
    let (flag, error) = (if *flagged { "flagged" } else { "" }, error.as_deref().unwrap_or_default());
    format!("{id:>8}  {received}  {custom_id:<32}  {:<9}  {flag:<7}  {error}\n", state.name())
}
