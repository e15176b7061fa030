//! `traybell-relay token …`: what other programs send messages with. A token is printed once, where it is made.

use clap::{Args, Subcommand};
use relay::ApiTokens;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{ConfigurationArgument, print};

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it, alone on a line. It is shown this once: only a digest of it is kept.
    Add(OneArguments),
    /// List the tokens by name.
    List(ListArguments),
    /// Void a token.
    Remove(OneArguments),
}

#[derive(Debug, Args)]
pub struct OneArguments {
    /// What the token is called
    name: String,
    #[command(flatten)]
    configuration: ConfigurationArgument,
}

#[derive(Debug, Args)]
pub struct ListArguments {
    #[command(flatten)]
    configuration: ConfigurationArgument,
    // Not a doc comment, as in `demo`.
    #[arg(long, help = "Print JSON: [{name, created}]")]
    json: bool,
}

pub async fn token(command: TokenCommand) -> anyhow::Result<()> {
    let open = async |argument: &ConfigurationArgument| {
        anyhow::Ok(ApiTokens::open_existing(argument.read()?.database()).await?)
    };
    match command {
        TokenCommand::Add(OneArguments { name, configuration }) => {
            let token = ApiTokens::open(configuration.read()?.database()).await?.add(&name).await?;
            print(&format!("{}\n", token.expose_secret()))
        }
        TokenCommand::List(ListArguments { configuration, json }) => {
            let listed = open(&configuration).await?.list().await?;
            if json {
                let listed: Vec<_> = listed.iter().map(|(name, made)| json!({"name": name, "created": made})).collect();
                return print(&format!("{}\n", json!(listed)));
            }
            let line = |(name, made): &(String, jiff::Timestamp)| {
                format!("{name:<32}  {}\n", made.strftime("%Y-%m-%d %H:%M:%SZ"))
            };
            print(&(format!("{:<32}  CREATED\n", "NAME") + &listed.iter().map(line).collect::<String>()))
        }
        TokenCommand::Remove(OneArguments { name, configuration }) => {
            open(&configuration).await?.remove(&name).await?;
            print(&format!("The token {name} is void.\n"))
        }
    }
}
