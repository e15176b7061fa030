//! The readers' ends: events of one channel, and events of the connection. They must never hold up the socket's task.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::mpsc::UnboundedSender;

use crate::{
    connection::Command,
    event::{ChannelEvent, ClientEvent},
    queue::{Next, Queue},
};

/// The most that waits for one slow reader, in bytes.
const MOST_BYTES: usize = 8 << 20;

/// A channel's events, in the order the server sent them. Dropping it unsubscribes.
///
/// Several subscriptions to one channel share what goes over the wire; each gets every event.
pub struct Subscription {
    channel: String,
    queue: Arc<Queue<ChannelEvent>>,
    commands: UnboundedSender<Command>,
}

impl Subscription {
    pub(crate) fn new(channel: &str, buffer: usize, commands: UnboundedSender<Command>) -> Self {
        Self { channel: channel.into(), queue: Arc::new(Queue::new(buffer, MOST_BYTES)), commands }
    }

    pub(crate) fn queue(&self) -> Arc<Queue<ChannelEvent>> {
        self.queue.clone()
    }

    /// The next event; `None` once the client was shut down. Cancel-safe.
    pub async fn next(&mut self) -> Option<ChannelEvent> {
        Some(match self.queue.next().await? {
            Next::Item(event) => event,
            Next::Missed(count) => ChannelEvent::Lagged(count),
        })
    }

    /// The channel's name.
    pub fn channel(&self) -> &str {
        &self.channel
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        // When the task has ended, there is nothing to unsubscribe from.
        let _ = self.commands.send(Command::Unsubscribe { channel: self.channel.clone(), queue: self.queue.clone() });
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("channel", &self.channel).finish_non_exhaustive()
    }
}

/// The events of a connection. It does not keep the client alive.
pub struct ClientEvents(Arc<Queue<ClientEvent>>);

impl ClientEvents {
    /// The next event; `None` once the client was shut down. Cancel-safe.
    pub async fn next(&mut self) -> Option<ClientEvent> {
        Some(match self.0.next().await? {
            Next::Item(event) => event,
            Next::Missed(count) => ClientEvent::Lagged(count),
        })
    }
}

impl fmt::Debug for ClientEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientEvents").finish_non_exhaustive()
    }
}

/// Everyone who reads the events of a connection.
pub(crate) struct Audience {
    buffer: usize,
    seats: Mutex<Seats>,
}

struct Seats {
    /// What happened before the first reader came is kept for it.
    first: Option<Arc<Queue<ClientEvent>>>,
    readers: Vec<Weak<Queue<ClientEvent>>>,
    closed: bool,
}

impl Audience {
    pub(crate) fn new(buffer: usize) -> Self {
        let first = Arc::new(Queue::new(buffer, MOST_BYTES));
        let readers = vec![Arc::downgrade(&first)];
        Self { buffer, seats: Mutex::new(Seats { first: Some(first), readers, closed: false }) }
    }

    pub(crate) fn join(&self) -> ClientEvents {
        self.with(|seats| {
            if let Some(first) = seats.first.take() {
                return ClientEvents(first);
            }
            let queue = Arc::new(Queue::new(self.buffer, MOST_BYTES));
            if seats.closed {
                queue.close();
            } else {
                seats.readers.push(Arc::downgrade(&queue));
            }
            ClientEvents(queue)
        })
    }

    pub(crate) fn tell(&self, event: &ClientEvent) {
        // None of these events carries more than a bounded text.
        self.with(|seats| {
            seats.readers.retain(|reader| reader.upgrade().map(|queue| queue.push(event.clone(), 1_024)).is_some());
        });
    }

    pub(crate) fn close(&self) {
        self.with(|seats| {
            seats.closed = true;
            for queue in seats.readers.drain(..).filter_map(|reader| reader.upgrade()) {
                queue.close();
            }
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Seats) -> T) -> T {
        // No code that can panic runs under the lock.
        act(&mut self.seats.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
