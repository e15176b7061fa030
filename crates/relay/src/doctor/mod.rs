//! `doctor`: checks everything a relay needs, from outside, each with what was found and what to do. The checks run
//! beside each other, each within a limit. It must never change anything, or tell a secret.

mod local;
mod outside;

use std::{future::Future, path::Path, time::Duration};

use serde::Serialize;

use crate::{Configuration, DatabaseAddress};

pub use outside::is_live;

/// One check takes no longer.
const LIMIT: Duration = Duration::from_secs(20);

/// What a check found: a contract with scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check's name.
    pub check: &'static str,
    /// Whether all is well.
    pub ok: bool,
    /// What was found.
    pub detail: String,
    /// What to do; empty when there is nothing to do.
    pub hint: String,
}

impl Finding {
    fn good(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, ok: true, detail: detail.into(), hint: String::new() }
    }

    fn bad(check: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { check, ok: false, detail: detail.into(), hint: hint.into() }
    }

    /// For people: a line, and another for the hint.
    pub fn text(&self) -> String {
        let state = if self.ok { "ok" } else { "FAIL" };
        let line = format!("{state:<4} {:<13} {}\n", self.check, self.detail);
        if self.hint.is_empty() { line } else { format!("{line}{:18} → {}\n", "", self.hint) }
    }
}

/// Runs every check that the configuration has a subject for.
pub async fn examine(path: &Path) -> Vec<Finding> {
    let configuration = match Configuration::read(path) {
        Ok(configuration) => configuration,
        Err(error) => {
            return vec![Finding::bad("configuration", error.to_string(), "Nothing else can be checked without it.")];
        }
    };
    let mut findings = vec![Finding::good("configuration", format!("{} can be read.", path.display()))];
    findings.push(local::secrets(&configuration));
    findings.extend(local::certificate(&configuration));
    let probed = match configuration.database() {
        DatabaseAddress::File(path) => {
            let (database, probed) = local::database(path);
            findings.extend([database, local::disk(path)]);
            probed
        }
        DatabaseAddress::PostgreSql(address) => {
            let asked = tokio::time::timeout(LIMIT, outside::database(address)).await;
            let (database, probed) = asked.unwrap_or_else(|_| (no_answer("database", LIMIT), None));
            findings.push(database);
            probed
        }
    };

    // Where not, that has been said.
    if probed.as_ref().is_some_and(|probe| probe.version == probe.known_version) {
        findings.extend(local::recipients(&configuration).await);
    }

    let client = match outside::client() {
        Ok(client) => client,
        Err(error) => {
            findings.push(Finding::bad(
                "address",
                error.to_string(),
                "The system's trusted certificates cannot be read.",
            ));
            return findings;
        }
    };
    let url = configuration.own_url();
    let (instance, app_key) = probed.map_or((None, None), |probe| (Some(probe.instance), probe.app_key));
    // What is wrong with the file of secrets has been said.
    let secrets = configuration.secrets().read().unwrap_or_default();
    let server = configuration.server_options(&secrets).ok().and_then(|options| options.channels);
    let (address, ready, clock, channels, callouts, tracktik) = tokio::join!(
        within("address", LIMIT, outside::address(&client, &url, instance)),
        within("ready", LIMIT, outside::ready(&client, &url)),
        within("clock", LIMIT, outside::clock(&client, &url)),
        within("channels", LIMIT, async {
            match server {
                Some(server) => outside::channel_server(&server).await,
                None => outside::channels(&client, &url, app_key).await,
            }
        }),
        outside::callouts(&client, &url, &configuration, &secrets),
        outside::tracktik(&configuration),
    );
    findings.extend([address, ready, clock, channels]);
    findings.extend(callouts);
    findings.extend(tracktik);
    findings
}

async fn within(check: &'static str, limit: Duration, run: impl Future<Output = Finding>) -> Finding {
    tokio::time::timeout(limit, run).await.unwrap_or_else(|_| no_answer(check, limit))
}

fn no_answer(check: &'static str, limit: Duration) -> Finding {
    Finding::bad(check, format!("No answer within {} seconds.", limit.as_secs()), "Look at the relay's log.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_as_a_line_and_its_hint_as_another() {
        assert_eq!(Finding::good("clock", "Right.").text(), "ok   clock         Right.\n");
        assert_eq!(
            Finding::bad("disk", "Full.", "Free some.").text(),
            "FAIL disk          Full.\n                   → Free some.\n"
        );
    }

    #[test]
    fn the_json_is_what_scripts_are_promised() {
        let json = serde_json::to_string(&Finding::bad("disk", "d", "h")).unwrap();
        assert_eq!(json, r#"{"check":"disk","ok":false,"detail":"d","hint":"h"}"#);
    }

    #[tokio::test]
    async fn a_check_that_hangs_is_given_up() {
        let finding = within("clock", Duration::from_millis(10), std::future::pending()).await;
        assert!(!finding.ok && finding.detail.contains("No answer within"), "{finding:?}");
    }
}
