//! How fast frames go from the socket to the reader, beside a bare loop of tokio-tungstenite and `serde_json`, and beside
//! pusher-js on Node where it is installed. Each reads the same frames from the same kind of server, and decodes what is in
//! them. `cargo xtask bench speed` runs it and prints the ratios.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark speaks, and may panic when it can not go on")]

#[path = "speed/bare.rs"]
mod bare;
#[path = "speed/ours.rs"]
mod ours;
#[path = "speed/pusher_js.rs"]
mod pusher_js;
#[path = "speed/server.rs"]
mod server;

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde::Deserialize;
use server::Server;

/// Events in one measurement of throughput.
const EVENTS: u32 = 50_000;

/// What an event carries.
#[derive(Deserialize)]
pub struct Order {
    /// Its number.
    pub n: u64,
    /// What a person reads.
    pub text: String,
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn throughput(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("throughput");
    group.throughput(Throughput::Elements(EVENTS.into())).sample_size(10).warm_up_time(Duration::from_secs(1));
    let each = |count: u64, time: &dyn Fn() -> Duration| (0..count).map(|_| time()).sum();
    group.bench_function("bare", |bencher| {
        bencher.iter_custom(|count| each(count, &|| runtime().block_on(bare::throughput(&Server::start(), EVENTS))));
    });
    group.bench_function("pusher-client", |bencher| {
        bencher.iter_custom(|count| each(count, &|| runtime().block_on(ours::throughput(&Server::start(), EVENTS))));
    });
    if pusher_js::is_installed() {
        group.bench_function("pusher-js", |bencher| {
            bencher.iter_custom(|count| each(count, &|| pusher_js::throughput(&Server::start(), EVENTS)));
        });
    } else {
        println!("pusher-js is not installed (npm ci at the root of the repository): left out");
    }
    group.finish();
}

fn latency(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("latency");
    group.sample_size(20).warm_up_time(Duration::from_secs(1));
    group.bench_function("bare", |bencher| {
        bencher.iter_custom(|count| runtime().block_on(bare::latency(&Server::start(), count)));
    });
    group.bench_function("pusher-client", |bencher| {
        bencher.iter_custom(|count| runtime().block_on(ours::latency(&Server::start(), count)));
    });
    if pusher_js::is_installed() {
        group.bench_function("pusher-js", |bencher| {
            bencher.iter_custom(|count| pusher_js::latency(&Server::start(), count));
        });
    }
    group.finish();
}

criterion_group!(benches, throughput, latency);
criterion_main!(benches);
