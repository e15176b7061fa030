//! Traybell Relay: the self-hosted other half of Traybell. It keeps messages for its own users and serves them over the
//! Fast Track front-end notifications API and the Pusher Channels protocol, so that the desktop needs one client only.
//!
//! [`Server`] is the whole of it, startable in a test or a program; [`demo`] is a server with a ready-made user and
//! messages that keep arriving.
//!
//! It must never write a session id, a token or a signing secret to a log, an error or, unhashed, to its database. The
//! one exception is the demo, whose session id is worth nothing and is printed on purpose.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on may panic"))]

mod access;
mod api;
mod api_tokens;
mod backup;
mod callout_secrets;
mod callouts;
mod channels;
mod cleaner;
mod configuration;
mod database_address;
mod database_lock;
pub mod demo;
pub mod doctor;
mod error;
mod listen;
mod message;
mod messages_api;
mod metrics;
mod notification;
mod options;
mod proxies;
mod publisher;
mod rate;
mod read_marks;
mod secret_file;
mod secrets_place;
mod server;
mod store;
mod tls;
pub mod tracktik;
mod users;
mod watched;

pub use api_tokens::ApiTokens;
pub use backup::{backup, restore};
pub use callout_secrets::CallOutSecrets;
pub use callouts::{CallOutCounters, CallOuts, EventLog, MessageTemplate, RecipientRule, Recipients, Signature};
pub use configuration::Configuration;
pub use database_address::{DatabaseAddress, PostgreSql};
pub use error::Error;
pub use message::{Button, Kind, NewMessage};
pub use messages_api::MessagesApi;
pub use options::{ChannelServer, ChannelServerPlace, Retention, ServedFile, ServerOptions};
pub use secrets_place::SecretsPlace;
pub use server::Server;
pub use store::{Device, Event, EventState, EventSummary, User};
pub use tls::TlsFiles;
pub use users::{Listed, NewUser, UserUpdate, Users};
pub use watched::Watched;
