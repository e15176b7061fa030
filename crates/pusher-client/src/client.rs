//! The handle to a connection. It must never touch the socket: it sends commands to the one task that does.

use std::{fmt, sync::Arc};

use tokio::sync::{
    mpsc::{UnboundedSender, unbounded_channel},
    oneshot, watch,
};

use crate::{
    Error,
    authorizer::Authorizer,
    channel,
    connection::{Command, Connection},
    event::State,
    options::Options,
    subscription::{Audience, ClientEvents, Subscription},
};

/// A connection that keeps itself up. Cheap to clone; when the last client and the last subscription are gone, the
/// connection is closed.
#[derive(Clone)]
pub struct Client {
    // Unbounded: it holds what the caller has asked for and the task has not yet done, and the task never waits.
    commands: UnboundedSender<Command>,
    state: watch::Receiver<State>,
    audience: Arc<Audience>,
    buffer: usize,
}

impl Client {
    /// Starts to connect, and goes on for ever: a server that is away is waited for.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn connect(options: Options, authorizer: Arc<dyn Authorizer>) -> Self {
        let (commands, received) = unbounded_channel();
        let (state, watched) = watch::channel(State::Connecting);
        let buffer = options.buffer;
        let audience = Arc::new(Audience::new(buffer));
        tokio::spawn(Connection::new(options, authorizer, received, state, audience.clone()).run());
        Self { commands, state: watched, audience, buffer }
    }

    /// The state of the connection.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// What happens to the connection: since it was begun for the first who asks, since now for all others.
    pub fn events(&self) -> ClientEvents {
        self.audience.join()
    }

    /// Subscribes to `channel`, now or as soon as there is a connection, and again on each connection that follows.
    ///
    /// It does not wait for the server: [`crate::ChannelEvent::Subscribed`] says when the channel is there.
    /// Subscribing to a channel that was refused asks for it again.
    pub async fn subscribe(&self, channel: &str) -> Result<Subscription, Error> {
        let kind = channel::check(channel)?;
        let subscription = Subscription::new(channel, self.buffer, self.commands.clone());
        let (accepted, answer) = oneshot::channel();
        let command = Command::Subscribe { channel: channel.into(), kind, queue: subscription.queue(), accepted };
        self.commands.send(command).map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?;
        Ok(subscription)
    }

    /// Asks again for a channel that was refused, and at once for one whose next try is waited for.
    pub async fn resubscribe(&self, channel: &str) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Resubscribe { channel: channel.into(), reply }).map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// The network may be back, or may be gone: ends a wait for the next attempt and starts the waits anew, or, when
    /// connected, pings at once and gives the server 4 s to answer.
    pub fn retry_now(&self) {
        // When the task has ended, there is nothing to retry.
        let _ = self.commands.send(Command::RetryNow);
    }

    /// Says goodbye to the server and ends the task. Nothing is delivered once this returns, whatever is still waiting.
    pub async fn shutdown(&self) {
        let _ = self.commands.send(Command::Shutdown);
        self.commands.closed().await;
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("state", &*self.state.borrow()).finish_non_exhaustive()
    }
}
