//! [`Network`]: every way out of this machine that the controller has. It comes in as a parameter, so that a test can play
//! the server and the channel in a time of its own.

use std::sync::Arc;

use fasttrack_client::{Error, Http};

use super::live::{Live, Pusher};

/// The ways to the servers. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub(super) struct Network {
    /// The Fast Track API.
    pub(super) http: Http,
    /// The live channel.
    pub(super) live: Arc<dyn Live>,
}

impl Network {
    /// The real one.
    pub(super) fn new() -> Result<Self, Error> {
        Ok(Self { http: Http::new()?, live: Arc::new(Pusher) })
    }
}
