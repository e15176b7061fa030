//! The relays of the storm: the real program, one on a file or two that share a PostgreSQL.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail, ensure};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha512;

use super::{Fate, Listed, Plan, count};
use crate::process::{Program, free_port, tied};
use crate::sockudo::{self, Sockudo};
use crate::wait;

/// The running relays.
pub(super) struct Relays {
    program: PathBuf,
    folder: PathBuf,
    all: Vec<Relay>,
    sids: Vec<String>,
    keys: Vec<(String, String)>,
}

struct Relay {
    port: u16,
    metrics: u16,
    program: Option<Program>,
}

/// Where the call-outs of one sender go.
pub(super) struct Target {
    port: u16,
    /// Path and secret of each desktop's subscription.
    keys: Vec<(String, String)>,
}

impl Relays {
    pub(super) async fn start(
        plan: &Plan,
        folder: &Path,
        sockudo: &Sockudo,
        database: Option<&str>,
        desktops: usize,
    ) -> anyhow::Result<Self> {
        let secret = folder.join("channels.secret");
        std::fs::write(&secret, &sockudo.app.secret)?;
        std::fs::set_permissions(secret, std::fs::Permissions::from_mode(0o600))?;
        let new = |_| Relay { port: free_port(), metrics: free_port(), program: None };
        let relays: Vec<_> = (0..if database.is_some() { 2 } else { 1 }).map(new).collect();
        for (number, relay) in relays.iter().enumerate() {
            let text = configuration(relay.port, relays[0].port, sockudo, database.unwrap_or("relay.sqlite"), desktops);
            let text = format!("metrics_listen = \"127.0.0.1:{}\"\n{text}", relay.metrics);
            std::fs::write(folder.join(format!("relay-{number}.toml")), text)?;
        }
        let (program, folder) = (plan.relay.clone(), folder.to_owned());
        let mut started = Self { program, folder, all: relays, sids: Vec::new(), keys: Vec::new() };
        for number in 0..desktops {
            let (name, group) = (format!("user-{number}"), format!("group-{number}"));
            let added = started.says(&["user", "add", &name, "--brand", "acme", "--group", &group])?;
            started.sids.push(after("Session id", &added)?);
            let subscription = started.says(&["callouts", "new-secret", &format!("subscription-{number}")])?;
            let url: url::Url = after("URL", &subscription)?.parse()?;
            started.keys.push((url.path().to_owned(), after("Secret  ", &subscription)?));
        }
        for number in 0..started.all.len() {
            started.restart(number).await?;
        }
        Ok(started)
    }

    fn says(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = tied(&self.program);
        command.args(arguments).arg("--config").arg(self.folder.join("relay-0.toml")).stdin(Stdio::null());
        let output = command.output()?;
        ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    pub(super) fn sids(&self) -> &[String] {
        &self.sids
    }

    /// Where the desktops find the first one.
    pub(super) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.all[0].port)
    }

    pub(super) fn target(&self, sender: usize) -> Target {
        Target { port: self.all[sender % self.all.len()].port, keys: self.keys.clone() }
    }

    /// Kills one with SIGKILL.
    pub(super) fn kill(&mut self, number: usize) {
        let number = number % self.all.len();
        self.all[number].program = None;
    }

    /// Starts it again; returns when it answers.
    pub(super) async fn restart(&mut self, number: usize) -> anyhow::Result<()> {
        let number = number % self.all.len();
        let mut command = tied(&self.program);
        command.arg("serve").arg("--config").arg(self.folder.join(format!("relay-{number}.toml")));
        command.stdin(Stdio::null()).env("RUST_LOG", "warn");
        let relay = &mut self.all[number];
        relay.program = Some(Program::start(&format!("relay-{number}"), command, &self.folder));
        let (address, client) =
            (format!("http://127.0.0.1:{}/api/v1/config/acme", relay.port), sockudo::plain_client());
        wait::until("the relay", || async {
            client.get(&address).send().await.map(drop).map_err(|error| error.to_string())
        })
        .await;
        Ok(())
    }

    /// How many call-outs and messages wait.
    pub(super) async fn waiting(&self) -> anyhow::Result<u64> {
        let (client, mut waiting) = (sockudo::plain_client(), 0);
        for relay in &self.all {
            let page = client.get(format!("http://127.0.0.1:{}/metrics", relay.metrics)).send().await?.text().await?;
            for name in ["traybell_events_waiting ", "traybell_messages_unpublished "] {
                let value = page.lines().find_map(|line| line.strip_prefix(name)).context("it is in the metrics")?;
                waiting += value.trim().parse::<u64>()?;
            }
        }
        Ok(waiting)
    }

    /// What the relays list themselves, of all users.
    pub(super) async fn listed(&self) -> anyhow::Result<Listed> {
        let (client, mut listed) = (sockudo::plain_client(), Listed::new());
        let url = format!("{}/integration-api/Notifications/v2/user-notifications", self.address());
        for (number, sid) in self.sids.iter().enumerate() {
            let mut cursor = String::new();
            loop {
                let answer = client.get(format!("{url}{cursor}")).header("authtoken", sid).send().await?;
                let next =
                    answer.headers().get("next-cursor").map(|next| next.to_str().map(str::to_owned)).transpose()?;
                let list: serde_json::Value = serde_json::from_slice(&answer.bytes().await?)?;
                let all = list["Data"].as_array().context("a list")?;
                let titles = all.iter().map(|one| one["Title"].as_str().unwrap_or_default().to_owned()).collect();
                count(&mut listed, number, titles)?;
                let Some(next) = next else { break };
                cursor = format!("?cursor={next}");
            }
        }
        Ok(listed)
    }

    /// The end of what they have logged.
    pub(super) fn log(&self) -> String {
        let logs = self.all.iter().filter_map(|relay| relay.program.as_ref()).map(Program::output);
        logs.map(|log| log.lines().rev().take(5).collect::<Vec<_>>().join("\n")).collect::<Vec<_>>().join("\n")
    }
}

impl Target {
    /// Sends one call-out, once.
    pub(super) async fn call_out(&self, client: &reqwest::Client, number: u64, desktops: u64) -> anyhow::Result<Fate> {
        let (path, secret) = &self.keys[usize::try_from(number % desktops)?];
        let body = format!(r#"{{"id":{number},"firstName":"Ada","lastName":"Lovelace"}}"#);
        let signature = Hmac::<Sha512>::new_from_slice(secret.as_bytes())?.chain_update(&body).finalize().into_bytes();
        let request = client
            .post(format!("http://127.0.0.1:{}{path}", self.port))
            .header("content-type", "application/json")
            .header("TrackTik-Subscription-Secret", hex::encode(signature))
            .body(body);
        match request.send().await.map(|answer| answer.status().as_u16()) {
            Ok(200) => Ok(Fate::Acknowledged),
            // Not stored, it says; what it does not say is never held against it.
            Ok(500..) | Err(_) => Ok(Fate::Unknown),
            Ok(status) => bail!("call-out {number} was answered with {status}"),
        }
    }
}

fn configuration(port: u16, first: u16, sockudo: &Sockudo, database: &str, desktops: usize) -> String {
    let (channels, key, app_id) = (sockudo.port, &sockudo.app.key, sockudo::APP_ID);
    let mut text = format!(
        r#"
        listen = "127.0.0.1:{port}"
        public_url = "http://127.0.0.1:{first}"
        database = "{database}"
        callout_window_seconds = 0
        callouts_per_minute = 0
        [channels]
        url = "http://127.0.0.1:{channels}"
        app_id = "{app_id}"
        key = "{key}"
        secret_file = "channels.secret"
        "#
    );
    for number in 0..desktops {
        // Writing into a string does not fail.
        let _ = write!(
            text,
            r#"
            [[subscriptions]]
            custom_id = "subscription-{number}"
            events = ["entity:employees:created"]
            regions = "all"
            [subscriptions.message]
            title = "Call-out {{{{ entity.id }}}}"
            [subscriptions.recipients]
            groups = ["group-{number}"]
            "#
        );
    }
    text
}

fn after(label: &str, text: &str) -> anyhow::Result<String> {
    let line = text.lines().find_map(|line| line.strip_prefix(label)).map(|rest| rest.trim().to_owned());
    line.with_context(|| format!("{label:?} is not in what was printed"))
}
