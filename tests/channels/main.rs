//! pusher-client against real servers: sockudo 5.2.0 and 2.9.2, with Pusher's own npm package as the application's server.
//! The numbers are those of the conformance checklist in the crate's README.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that can not go on may panic")]

mod events;
mod faults;
mod killing;
mod kinds;
mod stage;
mod storm;
