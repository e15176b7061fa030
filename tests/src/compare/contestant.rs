//! [`Contestant`]: one client in the comparison, ours or pusher-js, and what it has told so far.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use pusher_client::{
    Answer, Authorization, AuthorizeError, Authorizer, ChannelEvent, Client, ClientEvent, Options, Proxy,
};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::programs;
use crate::sockudo::AppKey;

/// The channel of all contestants.
pub const CHANNEL: &str = "private-faults";

/// Who takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The crate of this repository.
    Ours,
    /// The official client.
    PusherJs,
}

impl Who {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Ours, Self::PusherJs];

    /// As the authority and the table call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "pusher-client",
            Self::PusherJs => "pusher-js",
        }
    }
}

/// What a contestant tells.
#[derive(Debug, Clone, Copy)]
pub enum Told {
    /// The channel is there, for the first time or again.
    Subscribed,
    /// The connection is not there.
    Lost,
    /// The channel was refused.
    Refused,
    /// An event with this number.
    Event(u64),
    /// Between the events before and those behind this, some may be missing.
    Gap,
}

/// Where and how to connect; the same for all.
#[derive(Clone)]
pub struct Terms {
    /// The server's port.
    pub port: u16,
    /// The server's app.
    pub app: AppKey,
    /// The authority's port.
    pub authority: u16,
    /// Silence before a ping.
    pub activity_timeout: Duration,
    /// How long a ping may go unanswered.
    pub pong_timeout: Duration,
}

/// A running client.
pub struct Contestant {
    /// Which one.
    pub who: Who,
    told: mpsc::UnboundedReceiver<(Instant, Told)>,
    history: Vec<Told>,
    /// How many numbered events there were for it.
    pub published: u64,
    // Ends with the contestant.
    _node: Option<Child>,
    _client: Option<Client>,
}

impl Contestant {
    /// Starts `who`.
    pub fn start(who: Who, terms: &Terms) -> anyhow::Result<Self> {
        let (tell, told) = mpsc::unbounded_channel();
        let (mut node, mut client) = (None, None);
        match who {
            Who::Ours => client = Some(start_ours(terms, tell)),
            Who::PusherJs => node = Some(start_pusher_js(terms, tell)?),
        }
        Ok(Self { who, told, history: Vec::new(), published: 0, _node: node, _client: client })
    }

    /// Waits until it is subscribed: when that was, or nothing when `limit` is over first.
    pub async fn subscribed(&mut self, limit: Duration) -> Option<Instant> {
        let found = tokio::time::timeout(limit, async {
            loop {
                let (at, told) = self.told.recv().await?;
                self.history.push(told);
                if matches!(told, Told::Subscribed) {
                    return Some(at);
                }
            }
        });
        found.await.ok().flatten()
    }

    /// Waits until it is there, if it is not.
    pub async fn is_back(&mut self, limit: Duration) -> bool {
        self.listen();
        let last = self.history.iter().rev().find(|told| matches!(told, Told::Subscribed | Told::Lost | Told::Refused));
        matches!(last, Some(Told::Subscribed)) || self.subscribed(limit).await.is_some()
    }

    /// It takes part no longer: all it has told until now counts, against so many events.
    pub fn finish(&mut self, published: u64) {
        self.listen();
        self.told.close();
        self.published = published;
    }

    /// All it has told.
    pub fn history(&self) -> &[Told] {
        &self.history
    }

    fn listen(&mut self) {
        self.history.extend(std::iter::from_fn(|| self.told.try_recv().ok()).map(|(_, told)| told));
    }
}

fn start_ours(terms: &Terms, tell: mpsc::UnboundedSender<(Instant, Told)>) -> Client {
    let options = Options::host(terms.app.key.as_str(), "127.0.0.1", terms.port, false)
        .proxy(Proxy::none())
        .activity_timeout(terms.activity_timeout)
        .pong_timeout(terms.pong_timeout)
        .buffer(20_000);
    let address = format!("http://127.0.0.1:{}/{}", terms.authority, Who::Ours.name());
    let client = Client::connect(options, Arc::new(Endpoint { address, http: crate::sockudo::plain_client() }));
    let handle = client.clone();
    tokio::spawn(async move {
        let mut events = handle.events();
        let Ok(mut channel) = handle.subscribe(CHANNEL).await else { return };
        drop(handle);
        loop {
            let told = tokio::select! {
                event = events.next() => match event {
                    Some(ClientEvent::Lost { .. }) => Told::Lost,
                    Some(_) => continue,
                    None => return,
                },
                event = channel.next() => match event {
                    Some(ChannelEvent::Gap(_)) => Told::Gap,
                    Some(ChannelEvent::Subscribed) => Told::Subscribed,
                    Some(ChannelEvent::Refused { .. }) => Told::Refused,
                    Some(ChannelEvent::Event(event)) => match event.value()["n"].as_u64() {
                        Some(number) => Told::Event(number),
                        None => continue,
                    },
                    Some(_) => continue,
                    None => return,
                },
            };
            if tell.send((Instant::now(), told)).is_err() {
                return;
            }
        }
    });
    client
}

fn start_pusher_js(terms: &Terms, tell: mpsc::UnboundedSender<(Instant, Told)>) -> anyhow::Result<Child> {
    let settings = json!({
        "key": terms.app.key, "port": terms.port, "channel": CHANNEL,
        "authorization": format!("http://127.0.0.1:{}/{}", terms.authority, Who::PusherJs.name()),
        "activityTimeout": terms.activity_timeout.as_millis(), "pongTimeout": terms.pong_timeout.as_millis(),
    });
    let mut node = Command::new("node")
        .arg(programs::repository().join("tests/src/compare/pusher-js.mjs"))
        .arg(settings.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start node")?;
    let mut lines = BufReader::new(node.stdout.take().context("node has no output")?).lines();
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            let Ok(said) = serde_json::from_str::<Value>(&line) else { continue };
            let told = if let Some(number) = said["event"].as_u64() {
                Told::Event(number)
            } else if said.get("subscribed").is_some() {
                Told::Subscribed
            } else if said.get("refused").is_some() {
                Told::Refused
            } else {
                Told::Lost
            };
            if tell.send((Instant::now(), told)).is_err() {
                return;
            }
        }
    });
    Ok(node)
}

/// Asks the authority over HTTP, as an application's client does.
struct Endpoint {
    address: String,
    http: reqwest::Client,
}

impl Authorizer for Endpoint {
    fn authorize<'a>(&'a self, socket_id: &'a str, channel: &'a str) -> Answer<'a, Authorization> {
        Box::pin(async move {
            let temporary = |message: String| AuthorizeError::Temporary { retry_after: None, message };
            let form = [("socket_id", socket_id), ("channel_name", channel)];
            let answer = self.http.post(&self.address).form(&form).send().await;
            let answer = answer.map_err(|error| temporary(error.to_string()))?;
            match answer.status().as_u16() {
                200 => {}
                status @ (401 | 403) => {
                    return Err(AuthorizeError::Refused { status: Some(status), message: String::new() });
                }
                status => return Err(temporary(status.to_string())),
            }
            let body = answer.text().await.map_err(|error| temporary(error.to_string()))?;
            serde_json::from_str(&body).map_err(|error| temporary(error.to_string()))
        })
    }
}
