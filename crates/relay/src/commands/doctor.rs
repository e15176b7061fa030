//! `traybell-relay doctor`: what the checks found, as lines or as JSON.

use anyhow::bail;
use clap::Args;
use relay::doctor::{Finding, examine, is_live};
use serde_json::json;

use super::{ConfigurationArgument, print};

#[derive(Debug, Args)]
pub struct DoctorArguments {
    // Not a doc comment, as in `demo`.
    #[arg(long, help = "Print JSON: [{check, ok, detail, hint}]")]
    json: bool,
    /// Only whether the relay of this machine answers, for a container's health check
    #[arg(long, conflicts_with = "json")]
    live: bool,
    #[command(flatten)]
    configuration: ConfigurationArgument,
}

pub async fn doctor(arguments: DoctorArguments) -> anyhow::Result<()> {
    let DoctorArguments { json, live, configuration } = arguments;
    if live {
        is_live(&configuration.read()?).await?;
        return print("live\n");
    }
    let findings = examine(&configuration.path).await;
    if json {
        print(&format!("{}\n", json!(findings)))?;
    } else {
        print(&findings.iter().map(Finding::text).collect::<String>())?;
    }
    match findings.iter().filter(|finding| !finding.ok).count() {
        0 => Ok(()),
        1 => bail!("1 check failed"),
        failed => bail!("{failed} checks failed"),
    }
}
