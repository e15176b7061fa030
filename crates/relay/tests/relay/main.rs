//! The relay from outside: over real sockets, as clients see it. One program, so that it is linked once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod api;
mod backup;
mod callouts;
mod channels;
mod clients;
#[cfg(target_os = "linux")]
mod contended;
mod demo;
mod doctor;
mod hostile;
mod logging;
mod messages_api;
mod metrics;
#[cfg(target_os = "linux")]
mod on_postgresql;
#[cfg(target_os = "linux")]
#[path = "../../../../tests/src/postgres.rs"]
mod postgres;
mod pusher_api;
mod serving;
mod sign_in;
#[cfg(target_os = "linux")]
mod silence;
#[cfg(unix)]
mod stopping;
mod tls;
mod tracktik;
#[allow(dead_code, reason = "tracktik-client's tests use the rest")]
#[path = "../../../../tests/src/tracktik_fake/mod.rs"]
mod tracktik_fake;
mod world;
