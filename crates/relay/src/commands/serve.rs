//! `traybell-relay serve`: the relay itself.

use clap::Args;
use relay::{CallOutSecrets, Server};

use super::{ConfigurationArgument, print, stop::Stop};

#[derive(Debug, Args)]
pub struct ServeArguments {
    #[command(flatten)]
    configuration: ConfigurationArgument,
}

pub async fn serve(arguments: ServeArguments) -> anyhow::Result<()> {
    let configuration = arguments.configuration.read()?;
    let secrets = CallOutSecrets::read(configuration.secrets())?;
    // From before the first line is out: who reads it may end us at once.
    let mut stop = Stop::new()?;
    let server = Server::start(configuration.server_options(&secrets)?).await?;
    print(&format!("Serving on {} as {}\n", server.address(), server.url()))?;
    stop.wanted().await;
    server.shutdown().await;
    Ok(())
}
