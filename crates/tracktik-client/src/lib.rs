//! The TrackTik events-subscriptions API (version `2020-01-01`): log-in, subscriptions, and the check of a call-out.
//!
//! The order of use: [`Client::new`] with [`Credentials`] → [`Client::list`], [`Client::create`], [`Client::update`],
//! [`Client::suspend`], [`Client::enable`], [`Client::archive`]; and, where TrackTik's call-outs arrive,
//! [`callout::verify`] before [`callout::entity`].
//!
//! This crate is lenient in what it reads and strict in what it sends. It never stores anything, never logs in again
//! after a log-in was rejected, never sends a call twice but after a 401 (once, with a renewed token) or a 429 (after
//! the wait asked for), never follows a redirect, and never lets a secret or an address into an error, a log line or a
//! `Debug` output.

pub mod callout;
mod client;
mod definition;
mod difference;
mod error;
mod event;
mod filter;
mod http;
mod id;
mod language;
mod new_subscription;
mod page;
mod regions;
mod reply;
mod scrub;
mod send;
mod subscription;
mod token;

pub use client::Client;
pub use definition::DefinitionError;
pub use difference::{Difference, without_key};
pub use error::Error;
pub use event::Event;
pub use filter::Filter;
pub use http::Limits;
pub use id::Id;
pub use language::Language;
pub use new_subscription::{Essentials, Inclusions, NewSubscription, SecretInUpdate};
pub use regions::{IncludedRegion, RegionPart, Regions};
pub use subscription::{LogRow, Subscription};
pub use token::Credentials;
