//! The faults, one function each, and the table of what came of them.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::arena::{Arena, NEVER, back};
use super::contestant::{CHANNEL, Contestant, Told, Who};

/// How often everything is cut, and how many events are published meanwhile at least.
const CUTS: u32 = 100;
const EVENTS: u64 = 10_000;

/// What became of one fault: who met it, and what was measured beside the events.
struct Met {
    contestants: Vec<Contestant>,
    measured: Vec<(&'static str, Vec<String>)>,
}

impl Met {
    fn new(contestants: Vec<Contestant>, measured: &'static str, values: Vec<String>) -> Self {
        Self { contestants, measured: vec![(measured, values)] }
    }
}

/// Runs every scenario and gives the table, in Markdown. `seed` makes the moments of the cuts the same again.
pub async fn run(seed: u64, tell: impl Fn(&str)) -> anyhow::Result<String> {
    let mut table = String::from("| fault | measured | pusher-client | pusher-js 8.6 |\n|---|---|---|---|\n");
    let mut arena = Arena::open().await?;
    let cuts = format!("{CUTS} random cuts while {EVENTS} events are published");
    for (number, fault) in [
        "the server is gone for 2.5 s",
        "503 from the authorization, once, after a reconnect",
        "403 from the authorization, for 5 s",
        "a half-open socket (ping after 2 s, 1 s for the answer)",
        "4200 at each connection, for 10 s",
        cuts.as_str(),
    ]
    .into_iter()
    .enumerate()
    {
        tell(fault);
        let met = match number {
            0 => restart(&mut arena).await?,
            1 => authorization_fails_once(&arena).await?,
            2 => refused(&arena).await?,
            3 => silence(&arena).await?,
            4 => sent_away(&arena).await?,
            _ => cut(&arena, seed).await?,
        };
        write(&mut table, fault, met);
    }
    Ok(table)
}

fn write(table: &mut String, fault: &str, met: Met) {
    let Met { contestants, mut measured } = met;
    let outcomes: Vec<Outcome> = contestants.iter().map(Outcome::of).collect();
    let each = |value: &dyn Fn(&Outcome) -> String| outcomes.iter().map(value).collect();
    measured.extend([
        ("events received", each(&|outcome| format!("{} of {}", outcome.received, outcome.published))),
        ("received twice", each(&|outcome| outcome.twice.to_string())),
        ("gaps and refusals reported", each(&|outcome| outcome.reports.to_string())),
        ("missed without a report", each(&|outcome| outcome.unreported.to_string())),
    ]);
    for (measured, values) in measured {
        row(table, fault, measured, &values);
    }
}

/// Numbered events, published until it is stopped. What the server does not take is published again, so that no number is
/// left out.
struct Publisher {
    published: Arc<AtomicU64>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Publisher {
    fn start(arena: &Arena) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let api = arena.server.api();
        let published = Arc::new(AtomicU64::new(0));
        let count = published.clone();
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(5));
            loop {
                tokio::select! {
                    _ = &mut stopped => return,
                    _ = ticks.tick() => {}
                }
                let number = count.load(Ordering::Relaxed);
                if api.publish(CHANNEL, "numbered", &json!({ "n": number })).await.is_ok() {
                    count.store(number + 1, Ordering::Relaxed);
                }
            }
        });
        Self { published, stop, task }
    }

    /// Goes on for a while, so that whoever is back by then shows it, stops, and lets what is under way arrive.
    async fn stop(self, contestants: &mut [Contestant]) -> anyhow::Result<()> {
        tokio::time::sleep(Duration::from_secs(3)).await;
        // An error means that it has ended by itself, which the next line says.
        let _ = self.stop.send(());
        self.task.await?;
        let published = self.published.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(1)).await;
        for contestant in contestants {
            contestant.finish(published);
        }
        Ok(())
    }
}

fn row(table: &mut String, fault: &str, measured: &str, values: &[String]) {
    // Writing to a text can not fail.
    let _ = writeln!(table, "| {fault} | {measured} | {} |", values.join(" | "));
}

fn times(times: &[Option<Duration>]) -> Vec<String> {
    times
        .iter()
        .map(|time| match time {
            Some(time) => format!("{:.2} s", time.as_secs_f64()),
            None => format!("never (in {} s)", NEVER.as_secs()),
        })
        .collect()
}

async fn restart(arena: &mut Arena) -> anyhow::Result<Met> {
    // Straight to the server, so that its port is really closed.
    let mut terms = arena.terms();
    terms.port = arena.server.port;
    let mut contestants = arena.contestants(&terms).await?;
    let publisher = Publisher::start(arena);
    arena.server.kill();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let port = arena.server.port;
    let (returned, ()) = tokio::join!(first_connection(port), arena.server.restart());
    let times = times(&back(&mut contestants, returned, NEVER).await);
    publisher.stop(&mut contestants).await?;
    Ok(Met::new(contestants, "subscribed again after its port is open", times))
}

/// When the port took its first connection.
async fn first_connection(port: u16) -> Instant {
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Instant::now()
}

async fn authorization_fails_once(arena: &Arena) -> anyhow::Result<Met> {
    let mut contestants = arena.contestants(&arena.terms()).await?;
    let publisher = Publisher::start(arena);
    arena.authority.fail_once(&Who::ALL.map(Who::name), 503);
    arena.line.cut();
    let times = times(&back(&mut contestants, Instant::now(), NEVER).await);
    publisher.stop(&mut contestants).await?;
    Ok(Met::new(contestants, "subscribed again", times))
}

async fn refused(arena: &Arena) -> anyhow::Result<Met> {
    let mut contestants = arena.contestants(&arena.terms()).await?;
    let publisher = Publisher::start(arena);
    arena.authority.refuse(&Who::ALL.map(Who::name), Some(403));
    arena.line.cut();
    tokio::time::sleep(Duration::from_secs(5)).await;
    publisher.stop(&mut contestants).await?;
    let asked = contestants.iter().map(|contestant| arena.authority.asked(contestant.who.name()).to_string()).collect();
    arena.authority.refuse(&Who::ALL.map(Who::name), None);
    Ok(Met::new(contestants, "questions asked", asked))
}

async fn silence(arena: &Arena) -> anyhow::Result<Met> {
    let mut terms = arena.terms();
    terms.activity_timeout = Duration::from_secs(2);
    terms.pong_timeout = Duration::from_secs(1);
    let mut contestants = arena.contestants(&terms).await?;
    let publisher = Publisher::start(arena);
    arena.line.silence();
    let times = times(&back(&mut contestants, Instant::now(), NEVER).await);
    publisher.stop(&mut contestants).await?;
    arena.line.cut();
    Ok(Met::new(contestants, "subscribed again", times))
}

async fn sent_away(arena: &Arena) -> anyhow::Result<Met> {
    let (mut attempts, mut after, mut all) = (Vec::new(), Vec::new(), Vec::new());
    // One after the other, so that it is known whose attempts they are.
    for who in Who::ALL {
        let mut contestants = vec![Contestant::start(who, &arena.terms())?];
        contestants[0].subscribed(NEVER).await;
        let publisher = Publisher::start(arena);
        arena.line.send_away(true);
        arena.line.cut();
        tokio::time::sleep(Duration::from_secs(10)).await;
        attempts.push(arena.line.send_away(false).to_string());
        after.extend(times(&back(&mut contestants, Instant::now(), NEVER).await));
        publisher.stop(&mut contestants).await?;
        all.extend(contestants);
    }
    Ok(Met { contestants: all, measured: vec![("attempts", attempts), ("subscribed again afterwards", after)] })
}

async fn cut(arena: &Arena, seed: u64) -> anyhow::Result<Met> {
    let mut contestants = arena.contestants(&arena.terms()).await?;
    let publisher = Publisher::start(arena);
    let mut random = seed | 1;
    for _ in 0..CUTS {
        // xorshift: between 0.1 s and 0.9 s from one cut to the next.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        tokio::time::sleep(Duration::from_millis(100 + random % 800)).await;
        arena.line.cut();
    }
    while publisher.published.load(Ordering::Relaxed) < EVENTS {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (cut, mut times) = (Instant::now(), Vec::new());
    for contestant in &mut contestants {
        let there = contestant.is_back(NEVER).await;
        times.push(if there { format!("in {:.1} s", cut.elapsed().as_secs_f64()) } else { "no".to_owned() });
    }
    publisher.stop(&mut contestants).await?;
    Ok(Met::new(contestants, "there at the end", times))
}

/// What a contestant made of a fault.
struct Outcome {
    published: u64,
    received: usize,
    twice: u64,
    reports: u64,
    unreported: u64,
}

impl Outcome {
    fn of(contestant: &Contestant) -> Self {
        Self::judge(contestant.history(), contestant.published)
    }

    /// An event is missed with a report when a gap or a refusal is told between the last one before it and the first one
    /// behind it.
    fn judge(history: &[Told], published: u64) -> Self {
        let mut outcome = Self { published, received: 0, twice: 0, reports: 0, unreported: 0 };
        let (mut seen, mut next, mut told) = (HashSet::new(), 0, false);
        for &event in history {
            match event {
                Told::Event(number) if !seen.insert(number) => outcome.twice += 1,
                Told::Event(number) => {
                    outcome.unreported += if told { 0 } else { number.saturating_sub(next) };
                    (next, told) = (number + 1, false);
                }
                Told::Gap | Told::Refused => {
                    told = true;
                    outcome.reports += 1;
                }
                Told::Subscribed | Told::Lost => {}
            }
        }
        outcome.unreported += if told { 0 } else { published.saturating_sub(next) };
        outcome.received = seen.len();
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missed_counts_as_reported_where_a_gap_was_told_in_its_place() {
        let told = [&[0, 1, 1, 5].map(Told::Event)[..], &[Told::Gap, Told::Event(9), Told::Event(11)]].concat();
        let outcome = Outcome::judge(&told, 20);
        let counts = (outcome.received, outcome.twice, outcome.reports, outcome.unreported);
        assert_eq!(counts, (5, 1, 1, 3 + 1 + 8));
        let outcome = Outcome::judge(&[Told::Event(0), Told::Refused], 20);
        assert_eq!((outcome.received, outcome.unreported), (1, 0), "whoever was told no waits for nothing");
    }
}
