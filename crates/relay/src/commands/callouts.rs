//! `traybell-relay callouts …`: what TrackTik has to be told about a subscription, and the change of its secret.
//!
//! The secrets are printed here and nowhere else, because whoever sets up the subscription must have them.

use anyhow::bail;
use clap::{Args, Subcommand};
use relay::{CallOutSecrets, Configuration};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{ConfigurationArgument, print};

#[derive(Debug, Subcommand)]
pub enum CallOutsCommand {
    /// List the subscriptions of relay.toml, and whether each has its secret.
    List(ListArguments),
    /// Print the address, header and secret that the subscription at TrackTik is given.
    Show(OneArguments),
    /// Make a new secret, and the address with the first one; the secret before it goes on verifying until `finish`.
    ///
    /// A running relay knows it within seconds. Give TrackTik the new secret, by `tracktik apply` or by hand, then `finish`.
    NewSecret(OneArguments),
    /// Send the running relay a call-out, signed as TrackTik would: to see that it arrives, and what the desktops show.
    Try(TryArguments),
    /// Void the older secret of a rotation.
    Finish(OneArguments),
}

#[derive(Debug, Args)]
pub struct ListArguments {
    #[command(flatten)]
    configuration: ConfigurationArgument,
    // Not a doc comment, as in `demo`.
    #[arg(long, help = "Print JSON: [{custom_id, header, secrets}]")]
    json: bool,
}

#[derive(Debug, Args)]
pub struct OneArguments {
    #[arg(help = "The subscription's custom_id in relay.toml")]
    custom_id: String,
    #[command(flatten)]
    configuration: ConfigurationArgument,
}

#[derive(Debug, Args)]
pub struct TryArguments {
    #[command(flatten)]
    one: OneArguments,
    #[arg(long, value_name = "JSON", help = r#"The entity, such as '{"firstName": "Ada", "lastName": "Lovelace"}'"#)]
    entity: String,
}

pub async fn callouts(command: CallOutsCommand) -> anyhow::Result<()> {
    match command {
        CallOutsCommand::Try(TryArguments { one: OneArguments { custom_id, configuration }, entity }) => {
            let configuration = configuration.read()?;
            header(&configuration, &custom_id)?;
            match relay::tracktik::call_out(&configuration, &custom_id, entity.as_bytes()).await? {
                Some(200) => print(
                    "The relay has taken it. `traybell-relay events list` says what became of it. The same entity within \
                     callout_window_seconds (5, when not given) is taken once: try it with another.\n",
                ),
                Some(400) => bail!("the relay does not take it: the entity is one JSON object"),
                Some(status) => bail!("the relay answers {status}; does it run with this relay.toml?"),
                None => bail!("{custom_id:?} has no secret yet; `tracktik apply` or `callouts new-secret` makes it"),
            }
        }
        CallOutsCommand::List(arguments) => list(&arguments),
        CallOutsCommand::Show(OneArguments { custom_id, configuration }) => {
            let configuration = configuration.read()?;
            show(&configuration, &configuration.secrets().read()?, &custom_id)
        }
        CallOutsCommand::NewSecret(OneArguments { custom_id, configuration }) => {
            let configuration = configuration.read()?;
            header(&configuration, &custom_id)?;
            configuration.secrets().change(|secrets| secrets.renew(&custom_id))?;
            let secrets = configuration.secrets().read()?;
            if !configuration.manages_tracktik() {
                return show(&configuration, &secrets, &custom_id);
            }
            let has_older = secrets.of(&custom_id).is_some_and(|(_, of_it)| of_it.len() > 1);
            print(if has_older {
                "Both secrets verify now. `tracktik apply` gives TrackTik the new one, `finish` voids the older.\n"
            } else {
                "It has a key and a secret now. `tracktik apply` gives them to TrackTik, `callouts show` prints them.\n"
            })
        }
        CallOutsCommand::Finish(OneArguments { custom_id, configuration }) => {
            let configuration = configuration.read()?;
            header(&configuration, &custom_id)?;
            if configuration.manages_tracktik() && configuration.secrets().read()?.is_unsent(&custom_id) {
                bail!(
                    "TrackTik has not been told the new secret of {custom_id:?} yet; `traybell-relay tracktik apply` does"
                );
            }
            if !configuration.secrets().change(|secrets| Ok(secrets.finish(&custom_id)))? {
                bail!("{custom_id:?} has no older secret; there is nothing to finish");
            }
            print("The older secret is void, for a running relay within seconds.\n")
        }
    }
}

fn header<'a>(configuration: &'a Configuration, custom_id: &str) -> anyhow::Result<&'a str> {
    let Some(header) = configuration.header(custom_id) else {
        let known: Vec<_> = configuration.custom_ids().collect();
        bail!("relay.toml has no subscription {custom_id:?}; it has: {}", known.join(", "));
    };
    Ok(header)
}

fn show(configuration: &Configuration, secrets: &CallOutSecrets, custom_id: &str) -> anyhow::Result<()> {
    let header = header(configuration, custom_id)?;
    let address = secrets.address(custom_id, &configuration.own_url());
    let (Some(address), Some((_, secrets))) = (address, secrets.of(custom_id)) else {
        bail!("{custom_id:?} has no secret yet; `traybell-relay callouts new-secret {custom_id}` makes it");
    };
    let newest = secrets.first().map_or("", |secret| secret.expose_secret());
    let mut text = format!(
        "URL                 {}\nSecret header name  {header}\nSecret              {newest}\n",
        address.expose_secret()
    );
    if secrets.len() > 1 {
        text += "The secret before this one verifies too, until `callouts finish`.\n";
    }
    print(&text)
}

fn list(arguments: &ListArguments) -> anyhow::Result<()> {
    let configuration = arguments.configuration.read()?;
    let secrets = configuration.secrets().read()?;
    let counted = configuration.custom_ids().map(|custom_id| {
        let count = secrets.of(custom_id).map_or(0, |(_, secrets)| secrets.len());
        (custom_id, configuration.header(custom_id).unwrap_or_default(), count)
    });
    if arguments.json {
        let listed: Vec<_> = counted
            .map(|(custom_id, header, secrets)| json!({ "custom_id": custom_id, "header": header, "secrets": secrets }))
            .collect();
        return print(&format!("{}\n", json!(listed)));
    }
    let lines: Vec<_> = counted
        .map(|(custom_id, header, secrets)| {
            let state = match secrets {
                0 => "no secret yet",
                1 => "ready",
                _ => "ready, rotating",
            };
            format!("{custom_id:<32}  {header:<32}  {state}\n")
        })
        .collect();
    let header = format!("{:<32}  {:<32}  STATE\n", "CUSTOM ID", "HEADER");
    print(&(header + &lines.concat()))
}
