//! The readers' ends: events of one channel, and events of the connection. They must never hold up the socket's task.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak},
    task::{Context, Poll},
};

use futures_util::Stream;
use serde::Serialize;
use tokio::sync::{mpsc::UnboundedSender, watch};

use crate::{
    Error,
    connection::Command,
    event::{ChannelEvent, ClientEvent},
    presence::Members,
    queue::{Next, Queue},
    trigger::trigger,
};

/// The most that waits for one slow reader, in bytes.
pub(crate) const MOST_BYTES: usize = 16 << 20;

/// A channel's events, in the order the server sent them: a [`Stream`] that ends when the client is shut down. Dropping
/// it unsubscribes.
///
/// Several subscriptions to one channel share what goes over the wire; each gets every event.
pub struct Subscription {
    channel: String,
    queue: Arc<Queue<ChannelEvent>>,
    commands: UnboundedSender<Command>,
    members: watch::Receiver<Members>,
}

impl Subscription {
    pub(crate) fn new(
        channel: &str,
        queue: Arc<Queue<ChannelEvent>>,
        commands: UnboundedSender<Command>,
        members: watch::Receiver<Members>,
    ) -> Self {
        Self { channel: channel.into(), queue, commands, members }
    }

    /// The next event; `None` once the client was shut down. Cancel-safe.
    pub async fn next(&mut self) -> Option<ChannelEvent> {
        poll_fn(|context| self.poll(context)).await
    }

    /// The channel's name; [`crate::USER`] for the signed-in user's.
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// Who is on the presence channel, always the latest. On other channels that is nobody, ever.
    pub fn members(&self) -> watch::Receiver<Members> {
        self.members.clone()
    }

    /// Sends an event to the channel's other subscribers, see [`crate::Client::trigger`].
    pub async fn trigger(&self, name: &str, data: &impl Serialize) -> Result<(), Error> {
        trigger(&self.commands, &self.channel, name, data)?.await
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Option<ChannelEvent>> {
        self.queue.poll_next(context).map(|next| {
            next.map(|next| match next {
                Next::Item(event) => event,
                Next::Missed(count) => ChannelEvent::Lagged(count),
            })
        })
    }
}

impl Stream for Subscription {
    type Item = ChannelEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<ChannelEvent>> {
        self.poll(context)
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

/// The events of a connection: a [`Stream`] that ends when the client is shut down. It does not keep the client alive.
pub struct ClientEvents(Arc<Queue<ClientEvent>>);

impl ClientEvents {
    /// The next event; `None` once the client was shut down. Cancel-safe.
    pub async fn next(&mut self) -> Option<ClientEvent> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Option<ClientEvent>> {
        self.0.poll_next(context).map(|next| {
            next.map(|next| match next {
                Next::Item(event) => event,
                Next::Missed(count) => ClientEvent::Lagged(count),
            })
        })
    }
}

impl Stream for ClientEvents {
    type Item = ClientEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<ClientEvent>> {
        self.poll(context)
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
        let weight = event.weight();
        self.with(|seats| {
            seats.readers.retain(|reader| reader.upgrade().map(|queue| queue.push(event.clone(), weight)).is_some());
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
