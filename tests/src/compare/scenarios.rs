//! The faults, one function each, and the table of what came of them.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::json;

use super::arena::{Arena, NEVER, back};
use super::contestant::{CHANNEL, Contestant, Told, Who};

/// How many numbered events are published, and how often everything is cut meanwhile.
const EVENTS: u64 = 10_000;
const CUTS: u32 = 100;

/// Runs every scenario and gives the table, in Markdown. `seed` makes the moments of the cuts the same again.
pub async fn run(seed: u64, tell: impl Fn(&str)) -> anyhow::Result<String> {
    let mut table = String::from("| fault | measured | pusher-client | pusher-js 8.6 |\n|---|---|---|---|\n");
    let mut arena = Arena::open().await?;
    tell("the server restarts after 2.5 s");
    row(&mut table, "the server is gone for 2.5 s", "subscribed again after its return", &restart(&mut arena).await?);
    tell("the authorization answers 503 once");
    let times = authorization_fails_once(&arena).await?;
    row(&mut table, "503 from the authorization, once, after a reconnect", "subscribed again", &times);
    tell("the authorization answers 403");
    let asked = refused(&arena).await?;
    row(&mut table, "403 from the authorization, for 5 s", "questions asked", &asked);
    tell("the connection goes silent");
    let times = silence(&arena).await?;
    row(&mut table, "a half-open socket (ping after 2 s, 1 s for the answer)", "subscribed again", &times);
    tell("the server sends everybody away");
    for (measured, values) in sent_away(&arena).await? {
        row(&mut table, "4200 at each connection, for 10 s", measured, &values);
    }
    tell("cuts while numbered events are published");
    for (measured, values) in cuts(&arena, seed).await? {
        row(&mut table, &format!("{CUTS} random cuts while {EVENTS} events are published"), measured, &values);
    }
    Ok(table)
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

async fn restart(arena: &mut Arena) -> anyhow::Result<Vec<String>> {
    // Straight to the server, so that its port is really closed.
    let mut terms = arena.terms();
    terms.port = arena.server.port;
    let mut contestants = arena.contestants(&terms).await?;
    arena.server.kill();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    arena.server.restart().await;
    Ok(times(&back(&mut contestants, Instant::now(), NEVER).await))
}

async fn authorization_fails_once(arena: &Arena) -> anyhow::Result<Vec<String>> {
    let mut contestants = arena.contestants(&arena.terms()).await?;
    arena.authority.fail_once(&Who::ALL.map(Who::name), 503);
    arena.line.cut();
    Ok(times(&back(&mut contestants, Instant::now(), NEVER).await))
}

async fn refused(arena: &Arena) -> anyhow::Result<Vec<String>> {
    let contestants = arena.contestants(&arena.terms()).await?;
    arena.authority.refuse(&Who::ALL.map(Who::name), Some(403));
    arena.line.cut();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let asked = contestants.iter().map(|contestant| arena.authority.asked(contestant.who.name()).to_string()).collect();
    arena.authority.refuse(&Who::ALL.map(Who::name), None);
    Ok(asked)
}

async fn silence(arena: &Arena) -> anyhow::Result<Vec<String>> {
    let mut terms = arena.terms();
    terms.activity_timeout = Duration::from_secs(2);
    terms.pong_timeout = Duration::from_secs(1);
    let mut contestants = arena.contestants(&terms).await?;
    arena.line.silence();
    let times = times(&back(&mut contestants, Instant::now(), NEVER).await);
    arena.line.cut();
    Ok(times)
}

async fn sent_away(arena: &Arena) -> anyhow::Result<Vec<(&'static str, Vec<String>)>> {
    let (mut attempts, mut after) = (Vec::new(), Vec::new());
    // One after the other, so that it is known whose attempts they are.
    for who in Who::ALL {
        let mut contestants = vec![Contestant::start(who, &arena.terms())?];
        contestants[0].subscribed(NEVER).await;
        arena.line.send_away(true);
        arena.line.cut();
        tokio::time::sleep(Duration::from_secs(10)).await;
        attempts.push(arena.line.send_away(false).to_string());
        after.extend(times(&back(&mut contestants, Instant::now(), NEVER).await));
    }
    Ok(vec![("attempts", attempts), ("subscribed again afterwards", after)])
}

async fn cuts(arena: &Arena, seed: u64) -> anyhow::Result<Vec<(&'static str, Vec<String>)>> {
    let mut contestants = arena.contestants(&arena.terms()).await?;
    let cutter = async {
        let mut random = seed | 1;
        for _ in 0..CUTS {
            // xorshift: between 0.1 s and 0.9 s from one cut to the next.
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            tokio::time::sleep(Duration::from_millis(100 + random % 800)).await;
            arena.line.cut();
        }
    };
    let calls = async {
        let begun = Instant::now();
        for number in 0..EVENTS {
            // Spread over as long as the cuts take on average.
            let due = begun + Duration::from_millis(5) * u32::try_from(number).unwrap_or(u32::MAX);
            tokio::time::sleep_until(due.into()).await;
            arena.server.publish(CHANNEL, "numbered", &json!({ "n": number })).await?;
        }
        anyhow::Ok(())
    };
    let ((), published) = tokio::join!(cutter, calls);
    published?;
    // The last cut may have been the last thing that happened.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let outcomes: Vec<Outcome> = contestants.iter_mut().map(Outcome::of).collect();
    let each = |value: &dyn Fn(&Outcome) -> String| outcomes.iter().map(value).collect();
    Ok(vec![
        ("events received", each(&|outcome| outcome.received.to_string())),
        ("received twice", each(&|outcome| outcome.twice.to_string())),
        ("gaps reported", each(&|outcome| outcome.gaps.to_string())),
        ("missed without a report", each(&|outcome| outcome.unreported.to_string())),
    ])
}

/// What a contestant made of the cuts.
struct Outcome {
    received: usize,
    twice: u64,
    gaps: u64,
    unreported: u64,
}

impl Outcome {
    fn of(contestant: &mut Contestant) -> Self {
        let told = contestant.told().into_iter().map(|(_, told)| told);
        Self::judge(told)
    }

    /// An event is missed with a report when a gap is told between the last one before it and the first one behind it.
    fn judge(told: impl Iterator<Item = Told>) -> Self {
        let mut outcome = Self { received: 0, twice: 0, gaps: 0, unreported: 0 };
        let (mut seen, mut next, mut gap) = (HashSet::new(), 0, false);
        for told in told {
            match told {
                Told::Event(number) if !seen.insert(number) => outcome.twice += 1,
                Told::Event(number) => {
                    outcome.unreported += if gap { 0 } else { number.saturating_sub(next) };
                    (next, gap) = (number + 1, false);
                }
                Told::Gap => {
                    gap = true;
                    outcome.gaps += 1;
                }
                Told::Subscribed | Told::Lost | Told::Refused => {}
            }
        }
        outcome.unreported += if gap { 0 } else { EVENTS.saturating_sub(next) };
        outcome.received = seen.len();
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missed_counts_as_reported_where_a_gap_was_told_in_its_place() {
        let told = [0, 1, 1, 5].map(Told::Event).into_iter().chain([Told::Gap, Told::Event(9), Told::Event(11)]);
        let outcome = Outcome::judge(told);
        let counts = (outcome.received, outcome.twice, outcome.gaps, outcome.unreported);
        assert_eq!(counts, (5, 1, 1, 3 + 1 + (EVENTS - 12)));
    }
}
