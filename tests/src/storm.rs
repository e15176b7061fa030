//! Call-outs in a storm of kills: relays, Pusher server and database are killed with SIGKILL again and again while
//! call-outs come in, and in the end every call-out that was acknowledged is in a desktop's list once. One whose answer was
//! lost is not repeated, so that it may be there or not, but never twice. (A sender that repeats it gets it twice when the first
//! was stored: TrackTik numbers nothing.) The end is looked at when nothing waits any more at the relays, and once more behind a
//! last call-out to each desktop.
//!
//! The desktops are real controllers without a screen. Everything random comes from one seed; the moments of the machine
//! itself do not.

mod desktop;
mod relays;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use tokio::sync::Mutex;

use self::{desktop::Desktop, relays::Relays};
use crate::{killing::dice::Dice, postgres::Cluster, sockudo::Sockudo};

/// Call-outs that wait for their answer at the same time.
const SENDERS: usize = 16;
/// Who gets them: each call-out reaches one of these.
const DESKTOPS: usize = 10;
/// What was killed stays away for no longer.
const LONGEST_ABSENCE: Duration = Duration::from_millis(1500);
/// Between two kills.
const LONGEST_PEACE: Duration = Duration::from_secs(4);
/// In the end the lists grow until all is there; that nothing was added for so long means that nothing will be.
const REST: Duration = Duration::from_mins(2);

/// What the relays keep their messages in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// One relay on a file.
    Sqlite,
    /// Two relays on one server.
    PostgreSql,
}

/// What is to be done.
pub struct Plan {
    /// Where the relays keep their messages.
    pub keeping: Keeping,
    /// How many call-outs are sent.
    pub call_outs: u64,
    /// What everything random comes from.
    pub seed: u64,
    /// `traybell-relay`.
    pub relay: PathBuf,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Summary {
    /// Call-outs sent.
    pub sent: u64,
    /// Those that were acknowledged.
    pub acknowledged: u64,
    /// Those that were refused or whose answer was lost.
    pub unknown: u64,
    /// The unknown ones that came all the same.
    pub unknown_but_there: u64,
    /// How often each was killed.
    pub kills: BTreeMap<&'static str, u32>,
    /// From the first call-out to the last answer.
    pub took: Duration,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, acknowledged, unknown, unknown_but_there, kills, took } = self;
        let kills: Vec<_> = kills.iter().map(|(what, times)| format!("{what} {times} times")).collect();
        write!(
            f,
            "{sent} call-outs in {:.0} s, killed meanwhile: {}. {acknowledged} were acknowledged: 0 lost, 0 twice. Of {unknown} \
             without an answer {unknown_but_there} came: 0 twice",
            took.as_secs_f64(),
            kills.join(", "),
        )
    }
}

/// What happened to one call-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Acknowledged,
    Unknown,
}

/// Lets the storm rage. Fails with the first rule that is broken.
pub async fn run(plan: &Plan, mut sockudo: Sockudo, cluster: Option<Cluster>) -> anyhow::Result<Summary> {
    let folder = tempfile::tempdir()?;
    let database = match (&cluster, plan.keeping) {
        (Some(cluster), Keeping::PostgreSql) => Some(cluster.new_database("storm")),
        _ => None,
    };
    let mut relays = Relays::start(plan, folder.path(), &sockudo, database.as_deref(), DESKTOPS).await?;
    let mut desktops = Vec::new();
    for (number, sid) in relays.sids().iter().enumerate() {
        desktops.push(Desktop::start(&folder.path().join(format!("desktop-{number}")), &relays.address(), sid).await?);
    }
    let fates: Arc<Mutex<HashMap<u64, Fate>>> = Arc::default();
    let next = Arc::new(AtomicU64::new(0));
    let begin = Instant::now();
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| tokio::spawn(send(relays.target(sender), Arc::clone(&next), plan.call_outs, Arc::clone(&fates))))
        .collect();

    let mut summary = Summary::default();
    let mut dice = Dice::new(plan.seed);
    let mut cluster = cluster;
    while senders.iter().any(|sender| !sender.is_finished()) {
        let (peace, absence) = (dice.moment(LONGEST_PEACE), dice.moment(LONGEST_ABSENCE));
        tokio::time::sleep(peace).await;
        let what = match (dice.below(4), &mut cluster) {
            (0, _) => {
                sockudo.kill();
                tokio::time::sleep(absence).await;
                sockudo.restart().await;
                "the Pusher server"
            }
            (1, Some(cluster)) => {
                cluster.kill();
                tokio::time::sleep(absence).await;
                cluster.restart().await;
                "PostgreSQL"
            }
            (number, _) => {
                relays.kill(number);
                tokio::time::sleep(absence).await;
                relays.restart(number).await?;
                "a relay"
            }
        };
        *summary.kills.entry(what).or_default() += 1;
    }
    for sender in senders {
        sender.await??;
    }
    summary.took = begin.elapsed();

    let fates = std::mem::take(&mut *fates.lock().await);
    summary.sent = plan.call_outs;
    summary.acknowledged = fates.values().filter(|fate| **fate == Fate::Acknowledged).count() as u64;
    summary.unknown = summary.sent - summary.acknowledged;
    // Nothing is added to the relays' own lists any more once nothing waits there.
    let (mut resting, mut before) = (Instant::now(), u64::MAX);
    loop {
        // A machine under such load may leave a question unanswered.
        let waiting = relays.waiting().await.unwrap_or(u64::MAX);
        if waiting == 0 {
            break;
        }
        if waiting < before {
            (resting, before) = (Instant::now(), waiting);
        }
        ensure!(resting.elapsed() < REST, "{waiting} wait at the relays for ever; their log: {}", relays.log());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let kept = relays.listed().await?;
    check(&kept, &fates, "the relays' lists")?;
    let came = |(number, fate): &(&u64, &Fate)| **fate == Fate::Unknown && kept.contains_key(*number);
    summary.unknown_but_there = fates.iter().filter(came).count() as u64;

    // The desktops have all of it, and nothing else; behind a last call-out to each nothing is on its way any more.
    await_listed(&desktops, &kept, &relays).await?;
    let last: Vec<u64> =
        (0..DESKTOPS as u64).map(|number| plan.call_outs.next_multiple_of(DESKTOPS as u64) + number).collect();
    let client = crate::sockudo::plain_client();
    for &number in &last {
        let fate = relays.target(0).call_out(&client, number, DESKTOPS as u64).await?;
        ensure!(fate == Fate::Acknowledged, "nothing is killed any more");
    }
    let all = kept.into_iter().chain(last.into_iter().map(|number| (number, 1))).collect();
    await_listed(&desktops, &all, &relays).await?;
    Ok(summary)
}

/// Every call-out that was acknowledged is there, and none twice.
fn check(listed: &Listed, fates: &HashMap<u64, Fate>, place: &str) -> anyhow::Result<()> {
    let lost: Vec<_> = fates
        .iter()
        .filter(|(number, fate)| **fate == Fate::Acknowledged && !listed.contains_key(number))
        .map(|(number, _)| number)
        .collect();
    ensure!(lost.is_empty(), "acknowledged and not in {place}: {lost:?}");
    let twice: Vec<_> = listed.iter().filter(|(_, times)| **times > 1).collect();
    ensure!(twice.is_empty(), "twice in {place}: {twice:?}");
    Ok(())
}

/// Waits until the desktops list what they should.
async fn await_listed(desktops: &[Desktop], expected: &Listed, relays: &Relays) -> anyhow::Result<()> {
    let (mut resting, mut before) = (Instant::now(), 0);
    loop {
        let mut listed = Listed::new();
        for (number, desktop) in desktops.iter().enumerate() {
            count(&mut listed, number, desktop.titles().await?)?;
        }
        let twice: Vec<_> = listed.iter().filter(|(_, times)| **times > 1).collect();
        ensure!(twice.is_empty(), "twice in a desktop's list: {twice:?}");
        if listed == *expected {
            return Ok(());
        }
        if listed.len() > before {
            (resting, before) = (Instant::now(), listed.len());
        }
        ensure!(
            resting.elapsed() < REST,
            "the desktops list {} call-outs, and the relays have {}; the relays' log: {}",
            listed.len(),
            expected.len(),
            relays.log(),
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// How often each call-out is in its desktop's list.
type Listed = HashMap<u64, u32>;

fn count(listed: &mut Listed, desktop: usize, titles: Vec<String>) -> anyhow::Result<()> {
    for title in titles {
        let call_out: u64 = title.strip_prefix("Call-out ").and_then(|rest| rest.parse().ok()).context(title)?;
        ensure!(call_out % DESKTOPS as u64 == desktop as u64, "call-out {call_out} is on the wrong desktop");
        *listed.entry(call_out).or_default() += 1;
    }
    Ok(())
}

/// Sends the next call-outs until there are none left. None is sent twice.
async fn send(
    target: relays::Target,
    next: Arc<AtomicU64>,
    all: u64,
    fates: Arc<Mutex<HashMap<u64, Fate>>>,
) -> anyhow::Result<()> {
    let client = crate::sockudo::plain_client();
    loop {
        let number = next.fetch_add(1, Ordering::SeqCst);
        if number >= all {
            return Ok(());
        }
        let fate = target.call_out(&client, number, DESKTOPS as u64).await?;
        if fate == Fate::Unknown {
            // Whoever is away is not asked by all at once.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        fates.lock().await.insert(number, fate);
    }
}
