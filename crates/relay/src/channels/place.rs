//! Where the channels are: in this process, or at a server elsewhere. What signs subscriptions and takes events is the same
//! to all others.

use std::sync::Arc;

use super::{Hub, Signer, api::PusherApi};
use crate::{ChannelServerPlace, Error};

/// One event for one channel.
#[derive(Clone)]
pub(crate) struct Publication {
    pub(crate) channel: String,
    pub(crate) event: String,
    /// At most 10 KB.
    pub(crate) payload: String,
}

/// The channels of all users.
pub(crate) enum Channels {
    /// In this process.
    Embedded(Arc<Hub>),
    /// At a server elsewhere.
    Server(Box<PusherApi>),
}

impl Channels {
    pub(crate) fn signer(&self) -> &Signer {
        match self {
            Self::Embedded(hub) => &hub.signer,
            Self::Server(api) => &api.signer,
        }
    }

    /// The server elsewhere, when that is where the channels are.
    pub(crate) fn elsewhere(&self) -> Option<&ChannelServerPlace> {
        match self {
            Self::Embedded(_) => None,
            Self::Server(api) => Some(&api.place),
        }
    }

    /// The channel server in this process, when that is where the channels are.
    pub(crate) fn embedded(&self) -> Option<&Arc<Hub>> {
        match self {
            Self::Embedded(hub) => Some(hub),
            Self::Server(_) => None,
        }
    }

    /// Publishes all of them; there is no replay for whoever is not subscribed now. After an error some may have been.
    pub(crate) async fn publish(&self, all: &[Publication]) -> Result<(), Error> {
        match self {
            Self::Server(api) => api.publish(all).await,
            Self::Embedded(hub) => {
                for one in all {
                    hub.publish(&one.channel, &one.event, &one.payload);
                }
                Ok(())
            }
        }
    }
}
