//! [`Sockudo`]: a real Pusher server, sockudo, on a loopback port of its own, with its HTTP API for publishing. It can be
//! killed and started again on the same port.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::desktop::Desktop;
use crate::process::{Program, free_port, tied};
use crate::{programs, wait};

/// What the one app on the server is called there.
pub const APP_ID: &str = "traybell-tests";

/// Which sockudo. They differ where the protocol leaves room: 2.9.2 closes the socket on a wrong signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// 5.2.0.
    V5,
    /// 2.9.2.
    V2,
}

/// The app's key and secret on the server.
#[derive(Debug, Clone)]
pub struct AppKey {
    /// Public.
    pub key: String,
    /// Signs authorizations and API calls.
    pub secret: String,
}

/// The signed HTTP API of a server.
#[derive(Clone)]
pub struct Api {
    app: AppKey,
    port: u16,
    http: reqwest::Client,
}

/// A running (or killed) sockudo.
pub struct Sockudo {
    release: Release,
    program: Option<Program>,
    config: PathBuf,
    logs: PathBuf,
    environment: Vec<(String, String)>,
    /// Stays the same over restarts.
    pub port: u16,
    /// The one app it serves.
    pub app: AppKey,
    http: reqwest::Client,
}

impl Sockudo {
    /// Starts one in a session; returns when it answers.
    pub async fn start(desktop: &Desktop) -> Self {
        let folders = &desktop.folders;
        Self::begin(Release::V5, &folders.root, &folders.logs, desktop.environment()).await
    }

    /// Starts one without a session, its files in `folder`; returns when it answers.
    pub async fn alone(release: Release, folder: &Path) -> Self {
        Self::begin(release, folder, folder, Vec::new()).await
    }

    async fn begin(release: Release, folder: &Path, logs: &Path, environment: Vec<(String, String)>) -> Self {
        let port = free_port();
        let app = AppKey { key: "tests-key".to_owned(), secret: "tests-secret-of-the-app".to_owned() };
        let config = folder.join("sockudo.json");
        let settings = json!({
            "host": "127.0.0.1",
            "port": port,
            "debug": false,
            "metrics": {"enabled": false},
            "rate_limiter": {"enabled": false},
            "shutdown_grace_period": 1,
            "app_manager": {"driver": "memory", "array": {"apps": [{
                "id": APP_ID, "key": app.key, "secret": app.secret, "enabled": true,
                "max_connections": 1_000, "max_client_events_per_second": 10,
                "enable_client_messages": true, "enable_user_authentication": true, "enable_watchlist_events": true,
            }]}}
        });
        std::fs::write(&config, settings.to_string()).expect("the folder is ours");
        let logs = logs.to_owned();
        let mut server = Self { release, program: None, config, logs, environment, port, app, http: plain_client() };
        server.launch().await;
        server
    }

    /// Ends it as a crash would: every connection is cut.
    pub fn kill(&mut self) {
        self.program = None;
    }

    /// Stops it in its tracks: connections stay, and nothing is answered any more.
    pub fn freeze(&mut self) {
        if let Some(program) = &mut self.program {
            program.signal("STOP");
        }
    }

    /// Lets it go on.
    pub fn thaw(&mut self) {
        if let Some(program) = &mut self.program {
            program.signal("CONT");
        }
    }

    /// Starts it again on the same port.
    pub async fn restart(&mut self) {
        self.kill();
        self.launch().await;
    }

    /// The server's HTTP API, which outlives its restarts.
    pub fn api(&self) -> Api {
        Api { app: self.app.clone(), port: self.port, http: self.http.clone() }
    }

    /// See [`Api::publish`].
    pub async fn publish(&self, channel: &str, name: &str, data: &Value) -> anyhow::Result<()> {
        self.api().publish(channel, name, data).await
    }

    /// How many subscribers `channel` has.
    pub async fn subscribers(&self, channel: &str) -> anyhow::Result<u64> {
        let path = format!("channels/{channel}");
        let query = self.api().signed(&[("info", "subscription_count")], "GET", &path, b"");
        let address = format!("http://127.0.0.1:{}/apps/{APP_ID}/{path}?{query}", self.port);
        let answer = self.http.get(address).send().await?.error_for_status()?;
        let value: Value = serde_json::from_slice(&answer.bytes().await?)?;
        Ok(value["subscription_count"].as_u64().unwrap_or(u64::from(value["occupied"] == true)))
    }

    /// Waits until somebody is subscribed to `channel`: what is published from now on arrives.
    pub async fn await_subscriber(&self, channel: &str) {
        wait::until(&format!("a subscriber of {channel}"), || async {
            match self.subscribers(channel).await {
                Ok(0) => Err("nobody is subscribed".to_owned()),
                Ok(_) => Ok(()),
                Err(error) => Err(format!("{error:#}")),
            }
        })
        .await;
    }

    async fn launch(&mut self) {
        let mut command: Command = tied(programs::sockudo(self.release));
        command.env_clear().envs(self.environment.iter().cloned()).stdin(Stdio::null());
        command.arg("--config").arg(&self.config).env("RUST_LOG", "warn").env("NO_COLOR", "1");
        self.program = Some(Program::start("sockudo", command, &self.logs));
        let address = format!("http://127.0.0.1:{}/up/{APP_ID}", self.port);
        wait::until("sockudo", || async {
            match self.http.get(&address).send().await {
                Ok(answer) if answer.status().is_success() => Ok(()),
                Ok(answer) => Err(answer.status().to_string()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
    }
}

impl Api {
    /// Publishes `data` as the event `name` on `channel`, through the server's signed HTTP API.
    pub async fn publish(&self, channel: &str, name: &str, data: &Value) -> anyhow::Result<()> {
        let body = json!({"name": name, "channels": [channel], "data": data.to_string()}).to_string();
        let query = self.signed(&[], "POST", "events", body.as_bytes());
        let address = format!("http://127.0.0.1:{}/apps/{APP_ID}/events?{query}", self.port);
        let answer = self
            .http
            .post(address)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .context("sockudo's HTTP API does not answer")?;
        let status = answer.status();
        if !status.is_success() {
            bail!("sockudo refused to publish: {status}: {}", answer.text().await.unwrap_or_default());
        }
        Ok(())
    }

    /// The query of a call, signed as the Pusher HTTP API asks: sorted parameters, MD5 of the body, HMAC-SHA256.
    fn signed(&self, more: &[(&str, &str)], method: &str, path: &str, body: &[u8]) -> String {
        let now = jiff::Timestamp::now().as_second().to_string();
        let mut parameters: Vec<(String, String)> = vec![
            ("auth_key".to_owned(), self.app.key.clone()),
            ("auth_timestamp".to_owned(), now),
            ("auth_version".to_owned(), "1.0".to_owned()),
        ];
        if !body.is_empty() {
            parameters.push(("body_md5".to_owned(), hex::encode(Md5::digest(body))));
        }
        parameters.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        parameters.sort();
        let query: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let query = query.join("&");
        let signature = self.app.signature(&format!("{method}\n/apps/{APP_ID}/{path}\n{query}"));
        format!("{query}&auth_signature={signature}")
    }
}

impl AppKey {
    /// HMAC-SHA256 of `text` in hex, as every signature of the protocol is made.
    pub fn signature(&self, text: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).expect("any length is a key");
        mac.update(text.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }

    /// The answer to a channel authorization.
    pub fn authorization(&self, socket: &str, channel: &str) -> String {
        format!("{}:{}", self.key, self.signature(&format!("{socket}:{channel}")))
    }
}

/// A client without proxies, for servers on loopback.
pub fn plain_client() -> reqwest::Client {
    install_crypto();
    reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(10))
        .build()
        .expect("a plain client needs nothing of the system")
}

/// reqwest is built without a chosen crypto provider, and asks for one even when only plain HTTP is spoken.
fn install_crypto() {
    // An error means that another test was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
