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
    /// The name asks for a kind of channel this client does not speak.
    #[error("{channel:?} is a {kind} channel: only public and private channels are supported")]
    UnsupportedChannel {
        /// The name as it was given.
        channel: String,
        /// What its prefix says it is.
        kind: ChannelKind,
    },
    /// Nobody holds a subscription to this channel.
    #[error("there is no subscription to {channel:?}")]
    NotSubscribed {
        /// The name as it was given.
        channel: String,
    },
    /// The client was shut down.
    #[error("the client is shut down")]
    Closed,
}
