//! The client on real sockets, against a scripted server that misbehaves as it is told. The tests whose names begin with
//! `item_` are the conformance checklist in the README, by number.

#![allow(clippy::unwrap_used, reason = "a test that can not go on may panic")]

mod channels;
mod checklist;
mod client_events;
mod connection;
mod encrypted;
mod fake;
mod network;
mod presence;
mod protocol;
mod proxies;
mod signature;
mod tls;
mod user;
