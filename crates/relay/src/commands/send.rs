//! `traybell-relay send`: a message by the API, from a script or by hand. The relay has to be running, here or elsewhere.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use relay::MessagesApi;
use serde_json::{Map, Value, json};

use super::{ConfigurationArgument, print};

#[derive(Debug, Args)]
pub struct SendArguments {
    /// A user who gets it; may be given several times
    #[arg(long = "to", value_name = "USER")]
    users: Vec<String>,
    /// A group that gets it; may be given several times
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<String>,
    /// One line of plain text
    #[arg(long, value_name = "TEXT")]
    title: String,
    /// One line of plain text below the title
    #[arg(long, value_name = "TEXT")]
    preview: Option<String>,
    /// HTML
    #[arg(long, value_name = "HTML", conflicts_with = "body_file")]
    body: Option<String>,
    /// A file of HTML; - is standard input
    #[arg(long, value_name = "FILE")]
    body_file: Option<PathBuf>,
    /// A button's web address
    #[arg(long, value_name = "URL")]
    link: Option<String>,
    /// What stands on the button
    #[arg(long, value_name = "TEXT", default_value = "Open", requires = "link")]
    link_text: String,
    /// The message's type
    #[arg(long, value_enum, default_value = "message")]
    event: Event,
    /// Listed only, no notification
    #[arg(long)]
    silent: bool,
    /// After this long the message is gone
    #[arg(long, value_name = "N")]
    expires_after_hours: Option<u32>,
    /// A name for this request: repeated within a day, it sends nothing twice
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// The file of a token made by `token add`, for its owner's eyes only
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// The relay's address [default: the public address in relay.toml]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    configuration: ConfigurationArgument,
    // Not a doc comment, as in `demo`.
    #[arg(long, help = "Print JSON: {messages: [{user, id}]}")]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Event {
    Message,
    Shoutout,
    Inbox,
}

pub async fn send(arguments: SendArguments) -> anyhow::Result<()> {
    let url = match &arguments.url {
        Some(url) => url.clone(),
        None => arguments.configuration.read().context("--url is not given, so relay.toml is read")?.own_url(),
    };
    let api = MessagesApi::new(&url, &arguments.token_file)?;
    let sent = api.send(&arguments.message()?, arguments.idempotency_key.as_deref()).await?;
    if arguments.json {
        return print(&format!("{sent}\n"));
    }
    let Some(messages) = sent["messages"].as_array() else { bail!("the relay's answer says nothing of messages") };
    let line = |one: &Value| format!("{:>8}  {}\n", one["id"], one["user"].as_str().unwrap_or_default());
    print(&messages.iter().map(line).collect::<String>())
}

impl SendArguments {
    /// As `POST /api/messages` takes it.
    fn message(&self) -> anyhow::Result<Value> {
        let body = match &self.body_file {
            Some(path) if path.as_os_str() == "-" => std::io::read_to_string(std::io::stdin()).context("no body")?,
            Some(path) => std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?,
            None => self.body.clone().unwrap_or_default(),
        };
        let event = match self.event {
            Event::Message => "message",
            Event::Shoutout => "shoutout",
            Event::Inbox => "inbox",
        };
        let mut message = Map::new();
        message.insert("recipients".into(), json!({"users": self.users, "groups": self.groups}));
        message.insert("title".into(), self.title.as_str().into());
        message.insert("preview".into(), self.preview.clone().unwrap_or_default().into());
        message.insert("body".into(), body.into());
        message.insert("event".into(), event.into());
        message.insert("silent".into(), self.silent.into());
        if let Some(link) = &self.link {
            message.insert("buttons".into(), json!([{"text": self.link_text, "link": link}]));
        }
        if let Some(hours) = self.expires_after_hours {
            message.insert("expires_after_hours".into(), hours.into());
        }
        Ok(message.into())
    }
}
