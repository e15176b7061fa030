//! The embedded channel server: Pusher protocol 7 for one application and private channels only. [`Hub`] knows who is
//! connected and who subscribed to what, and hands events out.
//!
//! It must never wait for a client: each connection has a bounded queue, and one that does not read is dropped, so
//! that it costs neither memory nor the others' time. It learns of the gap by reconnecting.

mod api;
mod connection;
mod frame;
mod place;
mod signature;
mod upgrade;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

pub(crate) use api::PusherApi;
pub(crate) use place::{Channels, Publication};
pub(crate) use signature::{Signer, is_socket_id};
pub(crate) use upgrade::router;

use crate::Error;

/// Events that may wait for one client; at 10 KB each this is what one slow client can cost.
const QUEUE: usize = 64;
/// Channels one connection may be subscribed to. A user has one.
const MAX_SUBSCRIPTIONS: usize = 100;

/// What the connections keep to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) activity_timeout: Duration,
    pub(crate) pong_timeout: Duration,
    pub(crate) max_connections: usize,
}

/// All channel connections of the server.
pub(crate) struct Hub {
    pub(crate) signer: Signer,
    limits: Limits,
    channels: Mutex<HashMap<String, HashMap<String, Outlet>>>,
    open: watch::Sender<usize>,
    /// Connections are closed with 4200: come back at once.
    stopping: CancellationToken,
    /// Connections are dropped without a word.
    killed: CancellationToken,
}

/// The way to one connection.
#[derive(Clone)]
struct Outlet {
    queue: mpsc::Sender<Utf8Bytes>,
    /// The connection did not keep up and is to end.
    overrun: CancellationToken,
    /// Its user has to sign in anew.
    voided: CancellationToken,
}

impl Hub {
    pub(crate) fn new(signer: Signer, limits: Limits) -> Self {
        Self {
            signer,
            limits,
            channels: Mutex::default(),
            open: watch::Sender::new(0),
            stopping: CancellationToken::new(),
            killed: CancellationToken::new(),
        }
    }

    /// Hands the event to every subscriber there is right now; there is no replay. Answers how many those were.
    pub(crate) fn publish(&self, channel: &str, event: &str, payload: &str) -> usize {
        let frame = frame::event(channel, event, payload);
        let channels = self.channels();
        let Some(outlets) = channels.get(channel) else { return 0 };
        for outlet in outlets.values() {
            if let Err(mpsc::error::TrySendError::Full(_)) = outlet.queue.try_send(frame.clone()) {
                outlet.overrun.cancel();
            }
        }
        outlets.len()
    }

    pub(crate) fn subscribers(&self, channel: &str) -> usize {
        self.channels().get(channel).map_or(0, HashMap::len)
    }

    /// Ends every connection that is subscribed to the channel: come back, with a signature that is good.
    pub(crate) fn end(&self, channel: &str) {
        if let Some(outlets) = self.channels().get(channel) {
            for outlet in outlets.values() {
                outlet.voided.cancel();
            }
        }
    }

    /// The number of open connections, to be watched.
    pub(crate) fn open(&self) -> watch::Receiver<usize> {
        self.open.subscribe()
    }

    /// Asks every connection to close, and waits for them no longer than `limit`; who has not gone then is dropped.
    pub(crate) async fn close(&self, limit: Duration) {
        self.stopping.cancel();
        let mut open = self.open();
        let all_gone = open.wait_for(|open| *open == 0);
        // Either way nothing is left to wait for.
        let _ = tokio::time::timeout(limit, all_gone).await;
        self.kill();
    }

    pub(crate) fn kill(&self) {
        self.killed.cancel();
    }

    /// A place for one more connection, unless there are too many.
    fn enter(self: &Arc<Self>) -> Result<Option<(Seat, mpsc::Receiver<Utf8Bytes>)>, Error> {
        let entered = self.open.send_if_modified(|open| {
            let free = *open < self.limits.max_connections;
            *open += usize::from(free);
            free
        });
        if !entered {
            return Ok(None);
        }
        let (queue, receiver) = mpsc::channel(QUEUE);
        let outlet = Outlet { queue, overrun: CancellationToken::new(), voided: CancellationToken::new() };
        // From here on leaving is the seat's affair, also when no socket id can be made.
        let mut seat = Seat { hub: Arc::clone(self), socket_id: String::new(), outlet, subscriptions: HashSet::new() };
        // Two halves of 64 random bits, as Pusher has it. Nobody guesses another's, and two never meet.
        let random = getrandom::u64()?;
        seat.socket_id = format!("{}.{}", random >> 32, random & u64::from(u32::MAX));
        Ok(Some((seat, receiver)))
    }

    fn channels(&self) -> MutexGuard<'_, HashMap<String, HashMap<String, Outlet>>> {
        // Every change under this lock is a single map operation: a panic elsewhere leaves nothing half done.
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection's place in the hub; dropping it takes the connection off every channel.
struct Seat {
    hub: Arc<Hub>,
    socket_id: String,
    outlet: Outlet,
    subscriptions: HashSet<String>,
}

impl Seat {
    /// Subscribes; `false` when the connection has too many channels already. A second time changes nothing.
    fn subscribe(&mut self, channel: &str) -> bool {
        if self.subscriptions.contains(channel) {
            return true;
        }
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return false;
        }
        self.subscriptions.insert(channel.to_owned());
        let mut channels = self.hub.channels();
        channels.entry(channel.to_owned()).or_default().insert(self.socket_id.clone(), self.outlet.clone());
        true
    }

    fn unsubscribe(&mut self, channel: &str) {
        if self.subscriptions.remove(channel) {
            self.leave(channel);
        }
    }

    fn leave(&self, channel: &str) {
        let mut channels = self.hub.channels();
        if let Some(outlets) = channels.get_mut(channel) {
            outlets.remove(&self.socket_id);
            if outlets.is_empty() {
                channels.remove(channel);
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        for channel in &self.subscriptions {
            self.leave(channel);
        }
        self.hub.open.send_modify(|open| *open = open.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(max_connections: usize) -> Arc<Hub> {
        let limits =
            Limits { activity_timeout: Duration::from_mins(2), pong_timeout: Duration::from_secs(30), max_connections };
        Arc::new(Hub::new(Signer::new("key".into(), b"secret"), limits))
    }

    #[test]
    fn a_client_that_does_not_read_is_marked_and_the_others_get_everything() {
        let hub = hub(2);
        let (mut slow, _never_read) = hub.enter().unwrap().expect("there is room");
        let (mut quick, mut queue) = hub.enter().unwrap().expect("there is room");
        assert!(slow.subscribe("private-a") && quick.subscribe("private-a"));
        for _ in 0..=QUEUE {
            assert_eq!(hub.publish("private-a", "message", "{}"), 2);
            queue.try_recv().expect("the quick one should have got it");
        }
        assert!(slow.outlet.overrun.is_cancelled());
        assert!(!quick.outlet.overrun.is_cancelled());
    }

    #[test]
    fn a_connection_that_ends_is_forgotten_altogether() {
        let hub = hub(1);
        let (mut seat, _queue) = hub.enter().unwrap().expect("there is room");
        assert!(seat.subscribe("private-a"));
        assert!(hub.enter().unwrap().is_none(), "the only place is taken");
        drop(seat);
        assert_eq!((hub.publish("private-a", "message", "{}"), *hub.open().borrow()), (0, 0));
        assert!(hub.channels().is_empty());
        assert!(hub.enter().unwrap().is_some());
    }

    #[test]
    fn subscriptions_of_one_connection_are_bounded() {
        let hub = hub(1);
        let (mut seat, _queue) = hub.enter().unwrap().expect("there is room");
        assert!((0..MAX_SUBSCRIPTIONS).all(|number| seat.subscribe(&format!("private-{number}"))));
        assert!(!seat.subscribe("private-one-more"));
        assert!(seat.subscribe("private-0"), "what it has stays");
        seat.unsubscribe("private-0");
        assert!(seat.subscribe("private-one-more"));
    }
}
