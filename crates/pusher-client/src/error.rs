//! What a caller can do wrong, one variant for each thing it can act on. It must never carry what came over the wire.

use crate::channel::ChannelKind;

/// Why a call on the client was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No server would accept this name.
    #[error("{channel:?} is not a channel name: {reason}")]
    InvalidChannel {
        /// The name as it was given.
        channel: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Nobody holds a subscription to this channel.
    #[error("there is no subscription to {channel:?}")]
    NotSubscribed {
        /// The name as it was given.
        channel: String,
    },
    /// The server has not accepted the subscription on the present connection, so nothing can be sent on it now.
    #[error("{channel:?} is not subscribed at the moment")]
    NotReady {
        /// The name as it was given.
        channel: String,
    },
    /// Clients may send events on private and presence channels only.
    #[error("{channel:?} is a {kind} channel: clients may send events on private and presence channels only")]
    NoClientEvents {
        /// The name as it was given.
        channel: String,
        /// What its prefix says it is.
        kind: ChannelKind,
    },
    /// The server would not take this event.
    #[error("the event {name:?} can not be sent: {reason}")]
    InvalidEvent {
        /// The name as it was given.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// This is no proxy that could be used.
    #[error("the proxy can not be used: {reason}")]
    InvalidProxy {
        /// What is wrong with it; the address itself may hold a password.
        reason: &'static str,
    },
    /// So much waits to be sent that no more is taken; the server does not read fast enough.
    #[error("too much waits to be sent")]
    Congested,
    /// The client was shut down.
    #[error("the client is shut down")]
    Closed,
}
