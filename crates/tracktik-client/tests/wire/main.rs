//! The client over real sockets, against a server that does what the published schema says, and misbehaves on demand.

mod callouts;
mod calls;
mod limits;
mod login;
mod refusals;
mod stage;
// The black-box tests use the rest of it.
#[allow(dead_code)]
#[path = "../../../../tests/src/tracktik_fake/mod.rs"]
mod tracktik_fake;
