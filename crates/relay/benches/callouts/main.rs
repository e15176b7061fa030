//! How many call-outs a second the relay takes with 99 of 100 answered within 50 ms, beside a handler that only verifies
//! and inserts one row; and how long a call-out takes to the last of 1 000 desktops. `cargo xtask bench callouts`. It must
//! never be a test: a figure is read by a person, and no limit is checked.
//!
//! The relay, the handler and the databases are programs of their own; the load comes from this one. The relay has 200 000
//! call-outs in its database, logs as it does by default, and is asked for its metrics every second; the handler has and does
//! nothing of it.

#![allow(clippy::print_stdout, reason = "it is there to print")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on may panic")]

#[cfg(target_os = "linux")]
mod fan_out;
#[cfg(target_os = "linux")]
mod limit;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
#[path = "../../../../tests/src/postgres.rs"]
mod postgres;
#[cfg(target_os = "linux")]
mod programs;

#[cfg(target_os = "linux")]
fn main() {
    // Only `cargo bench` says so. Whatever else runs it asks whether it still works.
    let short = !std::env::args().any(|argument| argument == "--bench");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        if limit::is_asked_for() {
            return limit::serve().await;
        }
        // An error means that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        load::run(short).await;
        fan_out::run(short).await;
    });
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("It measures on Linux.");
}
