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
//! # use std::{future::Future, pin::Pin, sync::Arc};
//! # use pusher_client::*;
//! struct NoPrivateChannels;
//!
//! impl Authorizer for NoPrivateChannels {
//!     fn authorize<'a>(
//!         &'a self,
//!         _socket_id: &'a str,
//!         _channel: &'a str,
//!     ) -> Pin<Box<dyn Future<Output = Result<Authorization, AuthorizeError>> + Send + 'a>> {
//!         Box::pin(async { Err(AuthorizeError::Refused { status: None, message: "public channels only".into() }) })
//!     }
//! }
//!
//! # async fn example() -> Result<(), Error> {
//! let client = Client::connect(Options::cluster("app-key", "eu"), Arc::new(NoPrivateChannels));
//! let mut news = client.subscribe("news").await?;
//! while let Some(event) = news.next().await {
//!     if let ChannelEvent::Event(event) = event {
//!         println!("{}: {}", event.name, event.value());
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
mod error;
mod event;
pub mod frame;
mod live;
mod liveness;
mod options;
mod outgoing;
mod queue;
mod roster;
mod subscription;
mod tcp;
mod tls;

pub use authorizer::{Authorization, AuthorizeError, Authorizer};
pub use backoff::Backoff;
pub use channel::ChannelKind;
pub use client::Client;
pub use error::Error;
pub use event::{ChannelEvent, ClientEvent, Event, Gap, State};
pub use options::Options;
pub use subscription::{ClientEvents, Subscription};
