//! [`run`]: a day's worth of faults in minutes. The built app in a private desktop, a real socket server and the Fast
//! Track fake; things go wrong by the dice, messages are sent and read all the while, and at the end, when all is well
//! again, everything that was sent is looked for.
//!
//! It must never help the app: what it does is what servers, networks and persons do.

mod dice;
mod traffic;
mod trouble;
mod verdict;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use self::dice::Dice;
use self::traffic::Ledger;
use self::trouble::Trouble;
use self::verdict::Findings;
pub use self::verdict::Report;
use crate::process::Program;
use crate::scene::Scene;
use crate::{app, memory, wait};

/// How long the app may take to be in step after the last trouble: what failed often is tried again minutes later.
const SETTLES: Duration = Duration::from_mins(5);
/// How long a connection that is back is waited for between two troubles; some begin before that.
const CALM: Duration = Duration::from_secs(8);

/// How long to go on.
#[derive(Debug, Clone, Copy)]
pub enum Length {
    /// Every trouble once, shortly.
    OneOfEach,
    /// Until this has passed.
    For(Duration),
}

/// A soak under way.
struct Soak {
    scene: Scene,
    app: Program,
    dice: Dice,
    ledger: Ledger,
    socket_server_answers: bool,
    sids: u32,
    /// So many notifications were taken off the screen.
    cleared: usize,
    memory: (u64, u64, u64),
}

/// Runs one. `tell` hears of each trouble as it begins. Panics where the app does not come back at all.
pub async fn run(seed: u64, length: Length, tell: impl Fn(&str)) -> Report {
    let started = Instant::now();
    let scene = Scene::set().await;
    let app = scene.signed_in_app().await;
    let mut soak = Soak {
        scene,
        app,
        dice: Dice::new(seed),
        ledger: Ledger::default(),
        socket_server_answers: true,
        sids: 0,
        cleared: 0,
        memory: (0, 0, 0),
    };
    soak.measure();
    let mut injected = BTreeMap::new();
    let mut next = soak.dice.shuffled(&Trouble::ALL);
    loop {
        let trouble = match (next.pop(), length) {
            (None, Length::OneOfEach) => break,
            (_, Length::For(limit)) if started.elapsed() >= limit => break,
            (Some(trouble), _) => trouble,
            (None, Length::For(_)) => {
                next = soak.dice.shuffled(&Trouble::ALL);
                continue;
            }
        };
        tell(trouble.name());
        *injected.entry(trouble).or_insert(0) += 1;
        soak.endure(trouble, length).await;
    }
    tell("all is well again");
    let findings = soak.settle().await;
    let counters =
        app::status(&soak.scene.desktop).await.map_or_else(Into::into, |mut status| status["counters"].take());
    let Ledger { sent, marks, published, changed, read_elsewhere, removed, marks_not_taken } = soak.ledger;
    Report {
        seed,
        took: started.elapsed(),
        injected,
        sent: sent.len(),
        published,
        changed,
        read_elsewhere,
        removed,
        marks: marks.len(),
        marks_not_taken,
        memory: soak.memory,
        counters,
        findings,
    }
}

impl Soak {
    /// One trouble from its beginning to its end, with what goes on meanwhile.
    async fn endure(&mut self, trouble: Trouble, length: Length) {
        trouble.begin(self).await;
        let longest = match length {
            Length::OneOfEach => 1_000,
            Length::For(_) => 8_000,
        };
        // How long it lasts is part of what the dice decide: nothing is waited for.
        let end = Instant::now() + Duration::from_millis(200 + self.dice.below(longest));
        loop {
            self.act().await;
            if Instant::now() >= end {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50 + self.dice.below(300))).await;
        }
        trouble.end(self).await;
        self.measure();
        // Some troubles come on top of the one before.
        if self.dice.below(3) > 0 {
            self.calm().await;
            self.act().await;
        }
    }

    /// Lets the app come back, if it does so soon.
    async fn calm(&self) {
        let channel = self.scene.fasttrack.channel();
        let until = Instant::now() + CALM;
        while Instant::now() < until && !matches!(self.scene.sockudo.subscribers(&channel).await, Ok(1..)) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn measure(&mut self) {
        let now = memory::pss(&memory::of_app(&self.scene.desktop));
        let (first, most, _) = self.memory;
        self.memory = (if first == 0 { now } else { first }, most.max(now), now);
    }

    /// Waits until everything is as it should be, first without any help, then after one more crash: what was being told
    /// when nobody answered is named at the next start. Answers what is wrong after that.
    async fn settle(&mut self) -> Findings {
        // A new connection asks for the list, as the next one in ten minutes would.
        self.scene.sockudo.restart().await;
        let desktop = &self.scene.desktop;
        wait::within(SETTLES, "the app online with every mark sent and every message listed", || async {
            let status = app::status(desktop).await?;
            if status["state"] != "online" || status["outbox"] != 0 {
                return Err(status.to_string());
            }
            let Findings { lost, marks_lost, .. } = self.findings().await?;
            if lost.is_empty() && marks_lost.is_empty() {
                Ok(())
            } else {
                Err(format!("{lost:?} {marks_lost:?} {status}"))
            }
        })
        .await;
        self.measure();
        self.app.kill();
        self.app = app::hidden(&self.scene.desktop);
        self.scene.await_live().await;
        let until = Instant::now() + wait::LIMIT + wait::LIMIT;
        loop {
            match self.findings().await {
                Ok(findings) if findings.is_clean() || Instant::now() >= until => return findings,
                Err(error) if Instant::now() >= until => {
                    return Findings {
                        defects: vec![format!("the app does not answer: {error}")],
                        ..Findings::default()
                    };
                }
                _ => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    }
}
