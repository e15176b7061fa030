//! `traybell-relay subscriptions …`: the subscriptions of the TrackTik account as they are, and one of them suspended,
//! enabled or archived by hand.

use anyhow::bail;
use clap::{Args, Subcommand};
use relay::tracktik::{Account, Listed};
use serde_json::{Value, json};

use super::{ConfigurationArgument, print, tracktik::confirm};

#[derive(Debug, Subcommand)]
pub enum SubscriptionsCommand {
    /// List the subscriptions that the account's user sees.
    List(ListArguments),
    /// Print one with all its parts.
    Show(OneArguments),
    /// Print the call-outs that TrackTik has logged of one, those first that came last.
    Logs(OneArguments),
    /// Let one call out nothing until it is enabled. The next `tracktik apply` enables it, unless relay.toml says otherwise.
    Suspend(SuspendArguments),
    /// Let one call out again.
    Enable(ChangeArguments),
    /// End one for good: TrackTik has no way back.
    Archive(ArchiveArguments),
}

#[derive(Debug, Args)]
pub struct ListArguments {
    #[command(flatten)]
    configuration: ConfigurationArgument,
    // Not a doc comment, as in `demo`.
    #[arg(long, help = "Print JSON: [{id, custom_id, name, events, ours, suspended, archived, last_triggered}]")]
    json: bool,
}

#[derive(Debug, Args)]
pub struct OneArguments {
    /// The subscription's custom id, or TrackTik's id
    name: String,
    #[command(flatten)]
    configuration: ConfigurationArgument,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct ChangeArguments {
    /// The subscription's custom id, or TrackTik's id
    name: String,
    #[command(flatten)]
    configuration: ConfigurationArgument,
    /// Also one that is not this relay's own
    #[arg(long)]
    any: bool,
}

#[derive(Debug, Args)]
pub struct SuspendArguments {
    #[command(flatten)]
    change: ChangeArguments,
    /// Why; TrackTik requires it
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, Args)]
pub struct ArchiveArguments {
    #[command(flatten)]
    change: ChangeArguments,
    /// Do not ask; needed where there is no terminal
    #[arg(long)]
    yes: bool,
}

pub async fn subscriptions(command: SubscriptionsCommand) -> anyhow::Result<()> {
    match command {
        SubscriptionsCommand::List(ListArguments { configuration, json }) => {
            let listed = Account::new(configuration.read()?)?.list().await?;
            let text = if json {
                format!("{}\n", json!(listed.iter().map(as_json).collect::<Vec<_>>()))
            } else {
                let header = format!(
                    "{:<10}  {:<32}  {:<5}  {:<9}  {:<20}  EVENTS\n",
                    "ID", "CUSTOM ID", "OURS", "STATE", "LAST"
                );
                header + &listed.iter().map(as_row).collect::<String>()
            };
            print(&text)
        }
        SubscriptionsCommand::Show(OneArguments { name, configuration, json }) => {
            let one = Account::new(configuration.read()?)?.find(&name).await?;
            print(&if json { format!("{}\n", whole(&one)) } else { format!("{:#}\n", whole(&one)) })
        }
        SubscriptionsCommand::Logs(OneArguments { name, configuration, json }) => {
            let one = Account::new(configuration.read()?)?.find(&name).await?;
            print(&logs(&one, json))
        }
        SubscriptionsCommand::Suspend(SuspendArguments { change, reason }) => {
            let (account, one) = change.find().await?;
            account.suspend(one.ours.as_deref(), &one.subscription.id, &reason).await?;
            print(&format!("{} is suspended.\n", change.name))
        }
        SubscriptionsCommand::Enable(change) => {
            let (account, one) = change.find().await?;
            account.enable(one.ours.as_deref(), &one.subscription.id).await?;
            print(&format!("{} is enabled.\n", change.name))
        }
        SubscriptionsCommand::Archive(ArchiveArguments { change, yes }) => {
            let (account, one) = change.find().await?;
            if !yes {
                confirm(&format!("Archive {} ({}) for good?", change.name, one.subscription.id))?;
            }
            account.archive(one.ours.as_deref(), &one.subscription.id).await?;
            print(&format!("{} is archived.\n", change.name))
        }
    }
}

impl ChangeArguments {
    /// The account and the subscription.
    async fn find(&self) -> anyhow::Result<(Account, Listed)> {
        let account = Account::new(self.configuration.read()?)?;
        let one = account.find(&self.name).await?;
        if one.ours.is_none() && !self.any {
            bail!("{:?} is not this relay's own; `--any` changes it all the same", self.name);
        }
        Ok((account, one))
    }
}

fn as_json(one: &Listed) -> Value {
    let Listed { subscription, ours, suspended, archived } = one;
    json!({
        "id": subscription.id.as_str(), "custom_id": subscription.custom_id, "name": subscription.name,
        "events": subscription.events, "ours": ours.is_some(), "suspended": suspended,
        "archived": archived,
        "last_triggered": subscription.last_triggered_on,
    })
}

fn as_row(one: &Listed) -> String {
    let Listed { subscription, ours, suspended, archived } = one;
    let shown = |text: &Option<String>| text.as_deref().map_or("-".to_owned(), tracktik_text);
    let (id, custom_id) = (&subscription.id, shown(&subscription.custom_id));
    let state = match suspended {
        _ if *archived => "archived",
        Some(true) => "suspended",
        Some(false) => "enabled",
        None => "-",
    };
    let (ours, last) = (if ours.is_some() { "yes" } else { "no" }, shown(&subscription.last_triggered_on));
    let events = tracktik_text(&subscription.events.join(", "));
    format!("{:<10}  {custom_id:<32}  {ours:<5}  {state:<9}  {last:<20}  {events}\n", id.as_str())
}

/// All parts; the address without what may be a secret in it.
fn whole(one: &Listed) -> Value {
    let subscription = &one.subscription;
    let mut value = as_json(one);
    let url = subscription.url.as_deref().map(relay::tracktik::without_key);
    value["url"] = json!(url);
    value["filter"] = json!(subscription.user_defined_filters);
    value["inclusions"] = json!(subscription.entity_response);
    value["regions"] = json!(subscription.context_filters);
    value["failure_email"] = json!(subscription.failure_email);
    value
}

fn logs(one: &Listed, json: bool) -> String {
    let mut rows: Vec<_> = one.subscription.logs.iter().collect();
    rows.reverse();
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                let id = row.id.as_ref().map(tracktik_id);
                json!({"id": id, "created": row.created_on, "event_data": row.event_data})
            })
            .collect();
        return format!("{}\n", json!(rows));
    }
    let line = |row: &&relay::tracktik::LogRow| {
        let id = row.id.as_ref().map_or("-".to_owned(), tracktik_id);
        let data = row.event_data.as_ref().map(Value::to_string).unwrap_or_default();
        format!("{id:<10}  {:<20}  {data}\n", row.created_on.as_deref().map_or("-".to_owned(), tracktik_text))
    };
    rows.iter().map(line).collect()
}

fn tracktik_id(id: &relay::tracktik::Id) -> String {
    id.to_string()
}

/// What other programs have written at TrackTik must not move the terminal's cursor.
fn tracktik_text(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}
