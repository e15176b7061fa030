//! The client against a Fast Track server of our own on loopback, with every fault a server or a network can have.
//!
//! Nothing here waits for a fixed time: each wait is for a condition, bounded by the client's own limits.

mod authorizing;
mod config;
mod fake;
mod faults;
mod happy;
mod kept;
mod login;
mod raw;
mod redirects;
mod renewal;
mod secrets;
mod trust;
