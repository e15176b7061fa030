//! [`Backend`]: the server of an application, made with Pusher's own npm package, which knows nothing of our code: it signs
//! channels and users, and publishes.

use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use pusher_client::{Answer, Authentication, Authenticator, Authorization, AuthorizeError, Authorizer};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

use crate::programs;
use crate::sockudo::{APP_ID, Sockudo};

/// A running application server. Cheap to clone.
#[derive(Clone)]
pub struct Backend {
    pipes: Arc<Mutex<Pipes>>,
    /// Who is on presence channels and signs in, where [`Backend::as_user`] said so.
    user: Option<Value>,
}

struct Pipes {
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Backend {
    /// Starts one for the app of `server`.
    pub fn start(server: &Sockudo) -> Self {
        let options = json!({
            "appId": APP_ID, "key": server.app.key, "secret": server.app.secret,
            "host": "127.0.0.1", "port": server.port.to_string(), "useTLS": false,
            "encryptionMasterKeyBase64": master_key(1),
        });
        let script = programs::repository().join("tests/src/backend.mjs");
        assert!(programs::node_modules().join("pusher").is_dir(), "`npm ci` installs the npm package `pusher`");
        let mut child = Command::new("node")
            .arg(script)
            .arg(options.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node is installed");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Self { pipes: Arc::new(Mutex::new(Pipes { _child: child, input, output })), user: None }
    }

    /// The same, which signs for `user` (`{"id":…,"info":{…}}`).
    #[must_use]
    pub fn as_user(&self, user: Value) -> Arc<Self> {
        Arc::new(Self { user: Some(user), ..self.clone() })
    }

    /// Publishes.
    pub async fn trigger(&self, channel: &str, name: &str, data: &Value) {
        let request = json!({"task": "trigger", "channel": channel, "name": name, "data": data});
        self.ask(&request).await.expect("the server takes it");
    }

    /// Sends to all connections of a signed-in user.
    pub async fn send_to_user(&self, user: &str, name: &str, data: &Value) {
        let request = json!({"task": "sendToUser", "user": user, "name": name, "data": data});
        self.ask(&request).await.expect("the server takes it");
    }

    /// Changes the key of every encrypted channel.
    pub async fn rekey(&self, number: u8) {
        let request = json!({"task": "rekey", "encryptionMasterKeyBase64": master_key(number)});
        self.ask(&request).await.expect("it takes any key");
    }

    async fn ask(&self, request: &Value) -> anyhow::Result<Value> {
        let mut pipes = self.pipes.lock().await;
        pipes.input.write_all(format!("{request}\n").as_bytes()).await?;
        let line = pipes.output.next_line().await?.context("the application's server has ended")?;
        let mut answer: Value = serde_json::from_str(&line)?;
        match answer.get("error") {
            Some(error) => bail!("{error}"),
            None => Ok(answer["ok"].take()),
        }
    }
}

impl Authorizer for Backend {
    fn authorize<'a>(&'a self, socket_id: &'a str, channel: &'a str) -> Answer<'a, Authorization> {
        Box::pin(async move {
            let user = self.user.as_ref().filter(|_| channel.starts_with("presence-"));
            let presence = user.map(|user| json!({"user_id": user["id"], "user_info": user["info"]}));
            let request = json!({"task": "authorize", "socketId": socket_id, "channel": channel, "presence": presence});
            let answer = self.ask(&request).await.map_err(|error| failed(&error))?;
            serde_json::from_value(answer).map_err(|error| failed(&error.into()))
        })
    }
}

impl Authenticator for Backend {
    fn authenticate<'a>(&'a self, socket_id: &'a str) -> Answer<'a, Authentication> {
        Box::pin(async move {
            let request = json!({"task": "authenticate", "socketId": socket_id, "user": self.user});
            let answer = self.ask(&request).await.map_err(|error| failed(&error))?;
            serde_json::from_value(answer).map_err(|error| failed(&error.into()))
        })
    }
}

fn failed(error: &anyhow::Error) -> AuthorizeError {
    AuthorizeError::Temporary { retry_after: None, message: format!("{error:#}") }
}

/// 32 bytes in base64, one for each number.
fn master_key(number: u8) -> String {
    base64::engine::general_purpose::STANDARD.encode([number; 32])
}
