//! The fault comparison: pusher-client and pusher-js meet the same faults on the same server at the same time, and what each
//! makes of them is a table. Run by `cargo xtask bench faults`.

mod arena;
mod authority;
mod contestant;
pub mod line;
mod scenarios;

pub use scenarios::run;
