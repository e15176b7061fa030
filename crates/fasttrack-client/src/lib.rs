//! The Fast Track front-end notifications API: config, log-in, list, one, mark as read, channel authorization.
//!
//! The order of use is the order of the wire: [`Environment`] → [`read_config`] → [`Session::log_in`] →
//! [`Session::channel`] and [`Session::authorizer`] for Pusher → [`Session::list`], [`Session::one`],
//! [`Session::mark_read`].
//!
//! This crate is lenient in what it reads and strict in what it sends. It never stores anything, never repeats what a
//! server has answered (but once, after renewing a token that ran out), never follows a redirect with a secret in hand,
//! and never lets a secret or an address into an error, a log line or a `Debug` output. A request whose connection was
//! closed before any answer is sent anew, at most twice and within the call's time limit.

mod address;
#[cfg(test)]
mod arbitrary;
mod authorization;
mod brand;
mod config;
mod date;
mod envelope;
mod environment;
mod error;
mod http;
mod lenient;
mod listing;
mod login;
mod mark;
mod notification;
mod reply;
mod scrub;
mod session;
mod token;

pub use brand::brand_name;
pub use config::{BrandConfig, PusherEndpoint, read_config};
pub use date::read_date;
pub use environment::Environment;
pub use error::Error;
pub use http::{Carrier, Http, Limits};
pub use listing::{Listing, Skipped};
pub use login::{LoginError, User};
pub use mark::MarkError;
pub use notification::{Button, Notification};
pub use session::Session;
