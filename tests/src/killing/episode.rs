//! [`Episode`]: one data folder and its server, through a number of kills. It keeps what the program has answered for, and
//! what is true on the server; the journal is what the person was told.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Summary;
use super::dice::Dice;
use super::program::{JOURNAL, SINGLY};
use super::victim::Victim;
use crate::fasttrack_fake::Fasttrack;
use crate::message::Message;
use crate::sockudo::Sockudo;

/// After its last action the program lives this long at most.
const LAST_MOMENT: Duration = Duration::from_millis(400);
/// Everything is at rest within this time, on the most loaded machine.
const REST: Duration = Duration::from_mins(1);

/// One data folder and its server.
pub(super) struct Episode<'a> {
    program: PathBuf,
    sockudo: &'a Sockudo,
    fake: Fasttrack,
    folder: TempDir,
    dice: Dice,
    messages: BTreeMap<u64, Truth>,
    /// The program answered that somebody is signed in.
    signed_in: bool,
    /// The commands of this run that were not answered yet, and the message each is about.
    waiting: HashMap<u64, u64>,
}

/// What is true of a message.
#[derive(Default, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Truth {
    version: u32,
    read_elsewhere: bool,
    /// The person asked for it to be read, whether or not that was answered.
    asked: bool,
    /// The program answered that it is read.
    answered: bool,
    /// The program has shown it.
    shown: bool,
}

impl<'a> Episode<'a> {
    pub(super) fn new(program: PathBuf, sockudo: &'a Sockudo, dice: Dice) -> anyhow::Result<Self> {
        Ok(Self {
            program,
            sockudo,
            fake: Fasttrack::pointing_at(sockudo.app.clone(), sockudo.port),
            folder: tempfile::tempdir()?,
            dice,
            messages: BTreeMap::new(),
            signed_in: false,
            waiting: HashMap::new(),
        })
    }

    pub(super) fn folder(&self) -> String {
        self.folder.path().display().to_string()
    }

    /// The folder stays, for whoever looks into it.
    pub(super) fn keep(&mut self) {
        self.folder.disable_cleanup(true);
    }

    async fn start(&mut self) -> anyhow::Result<Victim> {
        self.waiting.clear();
        Victim::start(&self.program, self.folder.path(), &self.fake.url()).await
    }

    /// One life of the program, and its end.
    pub(super) async fn run(&mut self, summary: &mut Summary) -> anyhow::Result<()> {
        // What came while it was away is another way in.
        for _ in 0..self.dice.below(4) {
            self.on_the_server(summary).await;
        }
        let mut victim = self.start().await?;
        if !self.dice.once_in(5) {
            self.heard(&victim.hear().await?)?;
            if !self.signed_in && !self.dice.once_in(4) {
                self.heard(&victim.hear().await?)?;
            }
            for _ in 0..self.dice.below(8) {
                self.act(&mut victim, summary).await?;
            }
        }
        tokio::time::sleep(self.dice.moment(LAST_MOMENT)).await;
        for line in victim.kill().await? {
            self.heard(&line)?;
        }
        self.journal()?;
        if self.dice.once_in(4) { self.look(summary).await } else { Ok(()) }
    }

    /// The last look at this folder.
    pub(super) async fn end(&mut self, summary: &mut Summary) -> anyhow::Result<()> {
        self.look(summary).await?;
        summary.marks += self.messages.values().filter(|message| message.answered).count() as u64;
        for (kind, _) in self.journal()? {
            *(if kind == SINGLY { &mut summary.alerts } else { &mut summary.summaries }) += 1;
        }
        Ok(())
    }

    /// Something the server does.
    async fn on_the_server(&mut self, summary: &mut Summary) {
        let some = self.some_message();
        match (self.dice.below(6), some) {
            (0, Some(id)) => {
                self.fake.read_elsewhere(id);
                self.truth(id).read_elsewhere = true;
            }
            (1, Some(id)) => {
                let truth = self.truth(id);
                truth.version += 1;
                let title = title(truth.version);
                self.fake.resend(self.sockudo, id, &title).await;
            }
            (2, _) => {
                let id = self.fake.add(&Message::new("message", &title(0)));
                self.messages.insert(id, Truth::default());
                summary.messages += 1;
            }
            (3, _) => {
                let id = self.fake.send_cut(self.sockudo, &Message::new("message", &title(0))).await;
                self.messages.insert(id, Truth::default());
                summary.messages += 1;
            }
            _ => {
                let id = self.fake.send(self.sockudo, &Message::new("message", &title(0))).await;
                self.messages.insert(id, Truth::default());
                summary.messages += 1;
            }
        }
    }

    /// Something happens while the program runs.
    async fn act(&mut self, victim: &mut Victim, summary: &mut Summary) -> anyhow::Result<()> {
        let some = self.some_message();
        match (self.dice.below(10), some) {
            (0..4, Some(id)) => {
                self.truth(id).asked = true;
                let read = json!({"do": "read", "id": id.to_string()});
                let seq = victim.tell(read).await?;
                self.waiting.insert(seq, id);
            }
            (4, _) if self.signed_in => self.read_all(victim).await?,
            (5, _) if self.signed_in => drop(self.list(victim).await?),
            (6, _) => tokio::time::sleep(self.dice.moment(LAST_MOMENT)).await,
            (7, _) if self.signed_in => drop(victim.tell(json!({"do": "refresh"})).await?),
            _ => self.on_the_server(summary).await,
        }
        Ok(())
    }

    async fn read_all(&mut self, victim: &mut Victim) -> anyhow::Result<()> {
        self.messages.values_mut().for_each(|message| message.asked = true);
        self.ask(victim, json!({"do": "read_all"})).await?;
        for (id, _, read) in self.list(victim).await? {
            // What came behind the command is not read.
            let truth = self.truth(id);
            truth.answered |= read && !truth.read_elsewhere;
        }
        Ok(())
    }

    /// The list as it is shown: of what was shown or answered before, nothing may be gone from it.
    async fn list(&mut self, victim: &mut Victim) -> anyhow::Result<Vec<(u64, String, bool)>> {
        // Commands overtake each other: what is answered only while this one waits may not be in it yet.
        let answered: HashSet<u64> = self.messages.iter().filter(|(_, it)| it.answered).map(|(id, _)| *id).collect();
        let rows = self.ask(victim, json!({"do": "list"})).await?;
        let rows = rows.as_array().context("a list is an array")?.iter().map(|row| {
            let id = row["id"].as_str().and_then(|id| id.parse().ok()).context("an id is a number")?;
            Ok((id, row["title"].as_str().unwrap_or_default().to_owned(), row["read"] == true))
        });
        let rows: Vec<(u64, String, bool)> = rows.collect::<anyhow::Result<_>>()?;
        let shown: HashMap<u64, bool> = rows.iter().map(|(id, _, read)| (*id, *read)).collect();
        for (id, truth) in &mut self.messages {
            let Some(read) = shown.get(id) else {
                ensure!(!truth.shown, "message {id} was shown and is gone: {truth:?}");
                continue;
            };
            truth.shown = true;
            ensure!(*read || !answered.contains(id), "message {id} was marked read and is shown unread: {truth:?}");
        }
        Ok(rows)
    }

    async fn ask(&mut self, victim: &mut Victim, command: Value) -> anyhow::Result<Value> {
        let mut heard = Vec::new();
        let answer = victim.ask(command, &mut heard).await;
        for line in heard {
            self.heard(&line)?;
        }
        answer
    }

    /// Takes in what the program said.
    fn heard(&mut self, line: &Value) -> anyhow::Result<()> {
        ensure!(line["failed"].is_null(), "the program failed: {line}");
        if line["started"] == true {
            let notices = line["notices"].to_string();
            ensure!(!notices.contains("store"), "the store was not readable: {notices}");
            ensure!(!self.signed_in || line["signed_in"] == true, "the sid is asked for again");
        } else if !line["signed_in"].is_null() {
            ensure!(line["signed_in"] == true, "the sign-in failed: {line}");
        }
        self.signed_in |= line["signed_in"] == true;
        let Some(id) = line["seq"].as_u64().and_then(|seq| self.waiting.remove(&seq)) else { return Ok(()) };
        if line["answer"] == true {
            self.truth(id).answered = true;
        } else {
            let code = line["problem"]["code"].as_str().unwrap_or_default();
            ensure!(matches!(code, "not_found" | "not_signed_in"), "a read mark was not taken: {line}");
        }
        Ok(())
    }

    /// Lets everything come to rest, and looks whether it is as it should be.
    async fn look(&mut self, summary: &mut Summary) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut victim = self.start().await?;
        self.heard(&victim.hear().await?)?;
        if !self.signed_in {
            self.heard(&victim.hear().await?)?;
        }
        while let Some(wrong) = self.unrest(&mut victim).await? {
            if begun.elapsed() > REST {
                bail!("{wrong}");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        for line in victim.kill().await? {
            self.heard(&line)?;
        }
        self.journal()?;
        summary.checks += 1;
        Ok(())
    }

    /// What is not as it has to be in the end.
    async fn unrest(&mut self, victim: &mut Victim) -> anyhow::Result<Option<String>> {
        let view = self.ask(victim, json!({"do": "view"})).await?;
        if view["up_to_date"] != true || view["outbox"] != 0 {
            return Ok(Some(format!("it does not come to rest: {view}")));
        }
        let rows: HashMap<u64, (String, bool)> =
            self.list(victim).await?.into_iter().map(|(id, title, read)| (id, (title, read))).collect();
        let told: HashSet<u64> = self.journal()?.into_iter().flat_map(|(_, ids)| ids).collect();
        let wrong = |(id, truth): (&u64, &Truth)| {
            let wrong = match rows.get(id) {
                None => "is lost",
                Some((shown, _)) if *shown != title(truth.version) => "has not its newest text",
                Some((_, false)) if truth.read_elsewhere => "was read elsewhere and is unread here",
                _ if truth.answered && !self.fake.is_read(*id) => "was marked read, and the server does not know it",
                _ if !truth.asked && !truth.read_elsewhere && !told.contains(id) => "came in silence",
                _ => return None,
            };
            Some(format!("message {id} {wrong}: {truth:?}, shown as {:?}", rows.get(id)))
        };
        Ok(self.messages.iter().find_map(wrong))
    }

    /// What the person was told, in order; of no message singly what was told before.
    fn journal(&self) -> anyhow::Result<Vec<(String, Vec<u64>)>> {
        let text = read_if_there(&self.folder.path().join(JOURNAL))?;
        // Half a line is what a killed program leaves: nothing was told by it.
        let lines = text.lines().filter_map(|line| serde_json::from_str::<(String, Vec<String>)>(line).ok());
        let told: Vec<(String, Vec<u64>)> =
            lines.map(|(kind, ids)| (kind, ids.iter().filter_map(|id| id.parse().ok()).collect())).collect();
        let mut before = HashSet::new();
        for (kind, ids) in &told {
            for id in ids {
                ensure!(before.insert(*id) || kind != SINGLY, "message {id} is alerted twice: {told:?}");
            }
        }
        Ok(told)
    }

    fn some_message(&mut self) -> Option<u64> {
        let many = self.messages.len();
        // The newest are what things happen to.
        let back = self.dice.below(many.min(8));
        self.messages.keys().rev().nth(back).copied()
    }

    fn truth(&mut self, id: u64) -> &mut Truth {
        self.messages.entry(id).or_default()
    }
}

fn title(version: u32) -> String {
    format!("Version {version}")
}

fn read_if_there(path: &Path) -> anyhow::Result<String> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        read => Ok(read?),
    }
}
