//! *Nothing lost, nothing twice*, as a property of random sequences: a played server, channel and notification service
//! around the real controller and its real store, in paused time. What is sent, read elsewhere, faults, wrong clocks,
//! crashes and what the person does come in any order; [`rules`] says what must hold all the same.
//!
//! A sequence that breaks a rule is shrunk and printed with its seed: `TRAYBELL_SEED=N` runs that one alone.
//! `TRAYBELL_SEQUENCES=N` sets how many are run.

mod channel;
mod clock;
mod desktop;
mod found;
mod jitter;
mod rules;
mod server;
mod step;
mod world;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use self::{
    step::{Step, sequences},
    world::{Template, World},
};
use super::network::Network;

/// Steps of a sequence at most.
const STEPS: usize = 24;
/// Sequences of the quick form.
const SEQUENCES: u64 = 10_000;
/// The same ones each time, so that what fails is what was changed.
const FIRST_SEED: u64 = 3_019_528_841;

/// Runs a sequence to its end, where everything must be in order; whether a person asks for that is in the seed.
fn run(network: &Network, template: &Template, seed: u64, steps: &[Step]) -> Result<(), String> {
    let mut world = World::new(network, template, seed);
    for (n, step) in steps.iter().enumerate() {
        world.take(step).map_err(|broken| format!("at step {n}, {step:?}: {broken}"))?;
    }
    rules::settle(&mut world, !seed.is_multiple_of(4)).map_err(|broken| format!("at the end: {broken}"))
}

/// Makes the sequence of a seed and runs it; one that fails is shrunk.
fn check(network: &Network, template: &Template, seed: u64) -> Result<(), String> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config { cases: 1, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let outcome =
        runner.run(&sequences(STEPS), |steps| run(network, template, seed, &steps).map_err(TestCaseError::fail));
    outcome.map_err(|error| match error {
        TestError::Fail(broken, steps) => format!("seed {seed}: {broken}\n{steps:#?}"),
        TestError::Abort(reason) => format!("seed {seed}: {reason}"),
    })
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn whatever_happens_nothing_is_lost_and_nothing_is_alerted_twice() {
    let (network, template) = (Network::new().unwrap(), Template::new());
    let seed = std::env::var("TRAYBELL_SEED").ok();
    let only = seed.as_deref().filter(|seed| *seed != "random").map(|text| text.parse::<u64>().expect("a number"));
    let random = || u64::from(rand::random::<u32>());
    let first = only.unwrap_or_else(|| if seed.is_some() { random() } else { FIRST_SEED });
    let many = if only.is_some() { 1 } else { number("TRAYBELL_SEQUENCES").unwrap_or(SEQUENCES) };
    eprintln!("{many} sequences from seed {first}");
    let (begun, next) = (Instant::now(), AtomicU64::new(0));
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(4);
    let work = || {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= many {
                return None;
            }
            if let Err(broken) = check(&network, &template, first + n) {
                // The others need not go on.
                next.store(many, Ordering::Relaxed);
                return Some(broken);
            }
        }
    };
    let broken: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    eprintln!("{many} sequences in {:?}", begun.elapsed());
}
