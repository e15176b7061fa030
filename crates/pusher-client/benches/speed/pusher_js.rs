//! pusher-js on Node, which tells itself how long it took.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::server::{CHANNEL, Server};

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/speed/pusher-js.mjs")
}

pub fn is_installed() -> bool {
    Command::new("node").arg(script()).arg("--check").output().is_ok_and(|output| output.status.success())
}

pub fn throughput(server: &Server, events: u32) -> Duration {
    run(server, events.into(), "at-once")
}

pub fn latency(server: &Server, count: u64) -> Duration {
    run(server, count, "one-by-one")
}

fn run(server: &Server, events: u64, way: &str) -> Duration {
    let (port, events) = (server.port.to_string(), events.to_string());
    let output = Command::new("node").arg(script()).args([&port, CHANNEL, &events, way]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let millis: f64 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    Duration::from_secs_f64(millis / 1_000.0)
}
