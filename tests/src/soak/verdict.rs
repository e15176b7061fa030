//! [`Report`]: what a soak has found, and what was done to find it. Messages and marks are counted on the server and in
//! `traybell list --json`, notifications at the session's notification service.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::trouble::Trouble;
use super::{Soak, app};
use crate::notifications::Notified;

/// What was found.
#[derive(Debug, Default, Clone)]
pub(super) struct Findings {
    /// On the server, not expired, and not in the list or with other words.
    pub(super) lost: Vec<String>,
    /// Told singly more than once.
    pub(super) twice: Vec<String>,
    /// Acknowledged, and not on the server or not in the list.
    pub(super) marks_lost: Vec<String>,
    /// Neither told singly nor named in a summary, and more than the summaries count beside those they name.
    pub(super) silent: Vec<String>,
    /// Anything else that must not be.
    pub(super) defects: Vec<String>,
    pub(super) told: Told,
}

/// What the notification service was called with.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Told {
    singly: usize,
    summaries: usize,
    named_in_summaries: usize,
    counted_in_summaries: usize,
    unanswered: usize,
}

/// What a soak has done and found.
pub struct Report {
    pub(super) seed: u64,
    pub(super) took: Duration,
    pub(super) injected: BTreeMap<Trouble, u32>,
    pub(super) sent: usize,
    pub(super) published: u64,
    pub(super) changed: u64,
    pub(super) read_elsewhere: u64,
    pub(super) removed: u64,
    pub(super) marks: usize,
    pub(super) marks_not_taken: u64,
    /// KiB at first, at most, at the end.
    pub(super) memory: (u64, u64, u64),
    pub(super) counters: Value,
    pub(super) findings: Findings,
}

impl Findings {
    pub(super) fn is_clean(&self) -> bool {
        [&self.lost, &self.twice, &self.marks_lost, &self.silent, &self.defects].iter().all(|found| found.is_empty())
    }
}

impl Report {
    /// Whether nothing was lost, told twice or kept in silence.
    pub fn is_clean(&self) -> bool {
        self.findings.is_clean()
    }
}

impl Soak {
    /// Looks at everything once. `Err` where the app does not answer.
    pub(super) async fn findings(&self) -> Result<Findings, String> {
        let rows = app::list(&self.scene.desktop).await?;
        let rows: HashMap<&str, &Value> = rows.iter().filter_map(|row| Some((row["id"].as_str()?, row))).collect();
        let mut found = Findings::default();
        let now = jiff::Timestamp::now();
        let on_server = self.scene.fasttrack.messages();
        for message in &on_server {
            let (id, title) = (message["MessageId"].to_string(), &message["Title"]);
            // One that expires while this is looked at is neither.
            if !message["Expires"].is_null() && !lasts(message, now) {
                continue;
            }
            match rows.get(id.as_str()) {
                None => found.lost.push(format!("{title} is not in the list")),
                Some(row) if row["title"] != *title || row["preview"] != message["PreviewText"] => {
                    found.lost.push(format!("{title} has other words: {row}"));
                }
                Some(row) if message["IsRead"] == true && row["read"] != true => {
                    found.marks_lost.push(format!("{title} is read on the server and not in the list"));
                }
                Some(_) => {}
            }
        }
        for id in &self.ledger.marks {
            let server = on_server.iter().find(|message| message["MessageId"] == *id);
            if server.is_some_and(|message| message["IsRead"] != true) {
                found.marks_lost.push(format!("the mark of {id} is not on the server"));
            }
            if rows.get(id.to_string().as_str()).is_some_and(|row| row["read"] != true) {
                found.marks_lost.push(format!("the mark of {id} is not in the list"));
            }
        }
        self.judge_alerts(&mut found);
        self.look_for_defects(&mut found);
        Ok(found)
    }

    fn judge_alerts(&self, found: &mut Findings) {
        let calls = self.scene.notifications().all();
        let (taken, unanswered): (Vec<&Notified>, Vec<&Notified>) = calls.iter().partition(|call| call.id.is_some());
        let titles: HashMap<&str, bool> =
            self.ledger.sent.values().map(|sent| (sent.title.as_str(), sent.must_be_announced)).collect();
        let mut singly: HashMap<&str, u32> = HashMap::new();
        let mut named: HashMap<&str, u32> = HashMap::new();
        let mut told = Told { unanswered: unanswered.len(), ..Told::default() };
        for call in taken {
            if titles.contains_key(call.title.as_str()) {
                told.singly += 1;
                *singly.entry(&call.title).or_default() += 1;
                continue;
            }
            let before = named.len() + told.counted_in_summaries;
            for line in call.body.lines() {
                if titles.contains_key(line) {
                    *named.entry(line).or_default() += 1;
                } else if let Some(more) = line.strip_prefix("and ").and_then(|rest| rest.strip_suffix(" more")) {
                    told.counted_in_summaries += more.parse::<usize>().unwrap_or_default();
                }
            }
            told.summaries += usize::from(named.len() + told.counted_in_summaries > before);
        }
        told.named_in_summaries = named.len();
        found.twice.extend(
            singly.iter().filter(|(_, times)| **times > 1).map(|(title, times)| format!("{title}: {times} times")),
        );
        let unnamed: Vec<&str> = titles
            .iter()
            .filter(|(title, must)| **must && !singly.contains_key(**title) && !named.contains_key(**title))
            .map(|(title, _)| *title)
            .collect();
        if unnamed.len() > told.counted_in_summaries {
            found.silent.extend(unnamed.iter().map(|title| (*title).to_owned()));
        }
        found.told = told;
    }

    fn look_for_defects(&self, found: &mut Findings) {
        let log = app::log(&self.scene.desktop);
        found.defects.extend(log.lines().filter(|line| line.contains("a defect:")).map(str::to_owned));
        let files = crate::secrets::files_below(&self.scene.desktop.folders.data);
        let aside = files.iter().filter(|file| file.display().to_string().contains(".corrupt-"));
        found.defects.extend(aside.map(|file| format!("a store was set aside: {}", file.display())));
        let (first, most, _) = self.memory;
        if most > 3 * first + 100 * 1024 {
            found.defects.push(format!("the app's memory grew from {first} KiB to {most} KiB"));
        }
    }
}

/// Whether a message is still to be listed some time after `now`.
fn lasts(message: &Value, now: jiff::Timestamp) -> bool {
    let soon = now.saturating_add(jiff::SignedDuration::from_secs(10)).unwrap_or(now);
    let expires = message["Expires"].as_str().unwrap_or_default();
    expires > soon.strftime("%Y-%m-%d %H:%M:%S").to_string().as_str()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Findings { lost, twice, marks_lost, silent, defects, told } = &self.findings;
        writeln!(f, "seed {}, {} s", self.seed, self.took.as_secs())?;
        writeln!(f, "\n| trouble | times |\n|---|---|")?;
        for (trouble, times) in &self.injected {
            writeln!(f, "| {} | {times} |", trouble.name())?;
        }
        writeln!(f, "\n| counted | where | number |\n|---|---|---|")?;
        let rows: [(&str, &str, u64); 12] = [
            ("messages sent", "API list", as_u64(self.sent)),
            ("of them live too (with repeats)", "socket server took them", self.published),
            ("sent again with other words", "API list", self.changed),
            ("read elsewhere", "API list", self.read_elsewhere),
            ("taken back", "API list", self.removed),
            ("read marks acknowledged", "`traybell read`", as_u64(self.marks)),
            ("read marks not taken", "`traybell read`", self.marks_not_taken),
            ("told singly", "notification service", as_u64(told.singly)),
            ("summaries", "notification service", as_u64(told.summaries)),
            ("named in summaries", "notification service", as_u64(told.named_in_summaries)),
            ("counted in summaries beside those", "notification service", as_u64(told.counted_in_summaries)),
            ("calls that nobody answered", "notification service", as_u64(told.unanswered)),
        ];
        for (what, place, number) in rows {
            writeln!(f, "| {what} | {place} | {number} |")?;
        }
        let (first, most, last) = self.memory;
        writeln!(f, "\nmemory of the app: {first} KiB at first, {most} KiB at most, {last} KiB at the end")?;
        writeln!(f, "the app's own counters since its last start: {}", self.counters)?;
        for (what, found) in [
            ("lost", lost),
            ("twice", twice),
            ("mark lost", marks_lost),
            ("not announced", silent),
            ("defect", defects),
        ] {
            for each in found {
                writeln!(f, "{what}: {each}")?;
            }
        }
        write!(
            f,
            "\nlost {}, alerted twice {}, marks lost {}, not announced {}, defects {}",
            lost.len(),
            twice.len(),
            marks_lost.len(),
            silent.len(),
            defects.len()
        )
    }
}

fn as_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
