//! The program that is killed: the real controller without a screen. Its notification service is a journal on disk that
//! is written before the service answers; its keyring is the pipe from its driver, so that no file ever holds the sid.
//!
//! The first line on its standard input says who signs in; each further line is a command, answered by a line once the
//! controller has answered.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use inbox::{
    AccountId, Alert, AlertTarget, Code, Handle, Handover, Host, Keep, Kept, LastAccount, MessageId, Options, Problem,
    Secrets, SignIn, Store, Tab, TrayView, Withdrawal,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// Where alerts are noted, in the program's folder: one JSON array of ids a line, the first entry says how.
pub const JOURNAL: &str = "alerts.journal";
/// An entry of the journal: alerted alone.
pub const SINGLY: &str = "singly";
/// An entry of the journal: named with others.
pub const SUMMARY: &str = "summary";

/// Runs until its standard input ends.
pub async fn run(folder: &Path) -> anyhow::Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let first = lines.next_line().await?.context("the first line says who signs in")?;
    let first: Value = serde_json::from_str(&first)?;
    let text = |name: &str| first[name].as_str().map(str::to_owned).with_context(|| format!("{name} is missing"));
    let (sid, environment, brand) = (text("sid")?, text("environment")?, text("brand")?);
    let data = folder.join("data");
    let desktop = Arc::new(Desktop::new(folder, &data)?);
    let secrets = Arc::new(Piped(SecretString::from(sid.clone())));
    let app = inbox::start(Options::new(data, secrets), desktop).await?;
    let view = app.view().borrow().clone();
    say(&json!({"started": true, "signed_in": view.account.is_some(), "notices": view.notices}));
    if view.account.is_none() {
        let sid = SecretString::from(sid);
        let sign_in = SignIn { environment, brand, sid, keep: Keep::Keyring, insecure_confirmed: false };
        let outcome = app.sign_in(sign_in).await;
        say(&json!({"signed_in": outcome.is_ok(), "problem": outcome.err()}));
    }
    while let Some(line) = lines.next_line().await? {
        let command: Value = serde_json::from_str(&line)?;
        let app = app.clone();
        tokio::spawn(async move {
            let outcome = carry_out(&app, &command).await;
            let (answer, problem) = (outcome.as_ref().ok(), outcome.as_ref().err());
            say(&json!({"seq": command["seq"], "answer": answer, "problem": problem}));
        });
    }
    app.shutdown().await;
    Ok(())
}

async fn carry_out(app: &Handle, command: &Value) -> Result<Value, Problem> {
    let id = || MessageId(command["id"].as_str().unwrap_or_default().to_owned());
    match command["do"].as_str().unwrap_or_default() {
        "read" => app.mark_read(id()).await.map(|()| json!(true)),
        "read_all" => app.mark_all_read().await.map(|many| json!(many)),
        "refresh" => app.refresh().await.map(|()| json!(true)),
        "view" => Ok(json!(*app.view().borrow())),
        "list" => {
            let mut rows = Vec::new();
            let mut cursor = None;
            loop {
                let page = app.page(Tab::All.into(), cursor, 200).await?;
                rows.extend(page.rows);
                cursor = page.next;
                if cursor.is_none() {
                    return Ok(json!(rows));
                }
            }
        }
        other => Err(Problem::new(Code::BadInput, format!("{other:?} is no command"), "")),
    }
}

/// One line to the driver.
fn say(line: &Value) {
    let mut out = std::io::stdout().lock();
    // A driver that is gone needs no answer.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// The sid, as long as the program runs.
struct Piped(SecretString);

impl Secrets for Piped {
    fn get<'a>(&'a self, _: &'a AccountId) -> Kept<'a, Option<SecretString>> {
        Box::pin(async { Ok(Some(self.0.clone())) })
    }

    fn set<'a>(&'a self, _: &'a AccountId, _: &'a SecretString) -> Kept<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn delete<'a>(&'a self, _: &'a AccountId) -> Kept<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// A notification service whose memory is the journal.
struct Desktop {
    journal: Mutex<File>,
    data: PathBuf,
}

impl Desktop {
    fn new(folder: &Path, data: &Path) -> anyhow::Result<Self> {
        let journal = File::options().create(true).append(true).open(folder.join(JOURNAL))?;
        Ok(Self { journal: Mutex::new(journal), data: data.to_owned() })
    }

    /// Which messages a summary is about: those that the store has as being alerted. No more than that is told by the text.
    fn summarized(&self) -> anyhow::Result<Vec<String>> {
        let account = LastAccount::read(&self.data)?.context("nobody is signed in, and there is an alert")?;
        let store = Store::open(&self.data, &account.id)?.store;
        Ok(store.interrupted(jiff::Timestamp::now())?.into_iter().map(|message| message.id.0).collect())
    }

    fn note(&self, alert: &Alert) -> anyhow::Result<()> {
        let (kind, ids) = match &alert.target {
            AlertTarget::Message(id) => (SINGLY, vec![id.0.clone()]),
            AlertTarget::Summary => (SUMMARY, self.summarized()?),
            AlertTarget::SignIn => return Ok(()),
        };
        let mut line = json!([kind, ids]).to_string();
        line.push('\n');
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.write_all(line.as_bytes())?;
        Ok(journal.sync_data()?)
    }
}

impl Host for Desktop {
    async fn alert(&self, alert: Alert) -> Handover {
        match self.note(&alert) {
            Ok(()) => Handover::Taken,
            Err(error) => {
                say(&json!({"failed": format!("{error:#}")}));
                Handover::NotTaken(Problem::new(Code::NoNotifications, error.to_string(), ""))
            }
        }
    }

    async fn withdraw_alert(&self, _: AlertTarget) -> Withdrawal {
        Withdrawal::Withdrawn
    }

    fn set_tray(&self, _: TrayView) {}

    fn show_window(&self, _: Option<MessageId>) {}

    fn open_url(&self, _: url::Url) -> Result<(), Problem> {
        Ok(())
    }
}
