//! The handle to a connection. It must never touch the socket: it sends commands to the one task that does.

use std::{fmt, sync::Arc};

use serde::Serialize;
use tokio::sync::{
    mpsc::{UnboundedSender, unbounded_channel},
    oneshot, watch,
};

use crate::{
    Error, USER,
    authorizer::{Authenticator, Authorizer},
    channel,
    connection::{Command, Connection},
    entry::Kind,
    event::{ChannelEvent, State},
    options::Options,
    queue::Queue,
    subscription::{Audience, ClientEvents, MOST_BYTES, Subscription},
    trigger::trigger,
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
        self.join(channel, Kind::Channel(kind)).await
    }

    /// Signs the user in, now or as soon as there is a connection, and again on each connection that follows (Pusher:
    /// *User authentication*).
    ///
    /// What it gives is the user's own channel: what the application's server sends to this user on all of their
    /// connections, and who of the user's watchlist comes and goes. Like any subscription it tells when it is there, and
    /// when it was refused. Presence channels whose authorization names no member join as this user.
    ///
    /// Dropping it leaves that channel. The protocol knows no signing out: to the server, this connection stays the
    /// user's. Signing in again replaces the authenticator from the next sign-in on.
    pub async fn sign_in(&self, authenticator: Arc<dyn Authenticator>) -> Result<Subscription, Error> {
        self.commands.send(Command::SignIn(authenticator)).map_err(|_| Error::Closed)?;
        self.join(USER, Kind::User).await
    }

    async fn join(&self, channel: &str, kind: Kind) -> Result<Subscription, Error> {
        let queue = Arc::new(Queue::new(self.buffer, MOST_BYTES));
        let leave = Leave { channel, queue: Some(queue.clone()), commands: &self.commands };
        let (accepted, answer) = oneshot::channel();
        let command = Command::Subscribe { channel: channel.into(), kind, queue: queue.clone(), accepted };
        self.commands.send(command).map_err(|_| Error::Closed)?;
        let members = answer.await.map_err(|_| Error::Closed)?;
        leave.not();
        Ok(Subscription::new(channel, queue, self.commands.clone(), members))
    }

    /// Sends an event to the other subscribers of `channel`, past the application's server (Pusher: *Client events*).
    ///
    /// Its name starts with `client-`; the channel is private or presence, and subscribed now: nothing is kept for
    /// later. It returns when the event is on its way; that it comes too fast the server says later, by
    /// [`crate::ClientEvent::ServerError`] 4301.
    pub async fn trigger(&self, channel: &str, name: &str, data: &impl Serialize) -> Result<(), Error> {
        trigger(&self.commands, channel, name, data)?.await
    }

    /// Asks again for a channel that was refused, and at once for one whose next try is waited for.
    pub async fn resubscribe(&self, channel: &str) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Resubscribe { channel: channel.into(), reply }).map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Ends a wait for the next attempt and starts the waits anew, or, when connected, pings at once and gives the server
    /// 3 s to answer. For a person who asks for it.
    pub fn retry_now(&self) {
        // When the task has ended, there is nothing to retry.
        let _ = self.commands.send(Command::RetryNow);
    }

    /// The network has changed: it may be back, or a connection over it may be dead. The same as
    /// [`Client::retry_now`], for programs that the operating system tells so.
    pub fn network_changed(&self) {
        self.retry_now();
    }

    /// The machine woke up. The same as [`Client::retry_now`], for programs that the operating system tells so; others
    /// rely on the wall clock ([`Options::sleep_check`]).
    pub fn woke(&self) {
        self.retry_now();
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

/// Takes a subscription back when its caller has stopped waiting for it.
struct Leave<'a> {
    channel: &'a str,
    queue: Option<Arc<Queue<ChannelEvent>>>,
    commands: &'a UnboundedSender<Command>,
}

impl Leave<'_> {
    fn not(mut self) {
        self.queue = None;
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.take() {
            let _ = self.commands.send(Command::Unsubscribe { channel: self.channel.into(), queue });
        }
    }
}
