//! A Pusher Channels client (protocol 7) for tokio, for programs that must know what they missed.
//!
//! One task owns the socket: it connects, keeps the connection alive, authorizes private channels through the
//! caller's [`Authorizer`], subscribes, reconnects with jittered backoff, subscribes again and reports every [`Gap`].
//! [`Client`] and [`Subscription`] are handles to it; when the last of them is gone, the task says goodbye and ends.
//!
//! Pusher replays nothing: what was published while a client was away is gone from the wire. Whoever must not miss
//! anything asks the server's own API after each [`ChannelEvent::Subscribed`].
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use pusher_client::{ChannelEvent, Client, Error, Options, PublicOnly};
//!
//! # async fn example() -> Result<(), Error> {
//! let client = Client::connect(Options::cluster("app-key", "eu"), Arc::new(PublicOnly));
//! let mut news = client.subscribe("news").await?;
//! while let Some(event) = news.next().await {
//!     match event {
//!         ChannelEvent::Event(event) => println!("{}: {}", event.name(), event.value()),
//!         ChannelEvent::Subscribed => println!("from here on nothing is missed until the connection is lost"),
//!         ChannelEvent::Lagged(missed) => println!("too slow: {missed} events are gone"),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! It must never know what its channels carry: no product's names, no product's rules.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that can not go on may panic"))]

mod authorizer;
mod authorizing;
pub mod backoff;
mod channel;
mod client;
mod close;
mod connection;
mod dial;
mod encryption;
mod entry;
mod error;
mod event;
pub mod frame;
mod live;
mod liveness;
mod options;
mod presence;
mod proxy;
mod queue;
mod roster;
mod seal;
mod sleep;
mod subscription;
mod tcp;
mod tls;
mod traffic;
mod trigger;

pub use authorizer::{Answer, Authentication, Authenticator, Authorization, AuthorizeError, Authorizer, PublicOnly};
pub use backoff::Backoff;
pub use channel::ChannelKind;
pub use client::Client;
pub use error::Error;
pub use event::{ChannelEvent, ClientEvent, Event, Gap, State};
pub use options::Options;
pub use presence::{Member, Members};
pub use proxy::Proxy;
/// The TLS library, for [`Options::tls_config`] and [`Options::trust_also`].
pub use rustls;
pub use subscription::{ClientEvents, Subscription};

/// What the channel of the signed-in user is called here ([`Client::sign_in`]). The server adds the user's id.
pub const USER: &str = "#server-to-user";

/// The README's example is compiled with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
