//! The socket, and the frames waiting to be sent over it. It must never make the reader wait: a server that does not read
//! is noticed by the clock, while its frames are still read.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{FutureExt, Sink, StreamExt};
use tokio::{task::coop::unconstrained, time::Instant};
use tokio_tungstenite::tungstenite::{
    self, Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::{dial::Socket, frame};

/// A caller whose events wait behind this much, in bytes, is told to wait with more.
const CONGESTED: usize = 1 << 20;

/// What a look into the socket gives.
pub(crate) type Received = Option<Result<Message, tungstenite::Error>>;

/// What happened on the socket.
pub(crate) enum Turn {
    Received(Received),
    /// Nothing can be sent any more.
    Unsent(tungstenite::Error),
}

pub(crate) struct Traffic {
    socket: Socket,
    waiting: VecDeque<Message>,
    waiting_bytes: usize,
    pong_waiting: bool,
    /// Since when something waits or is not flushed.
    busy_since: Option<Instant>,
}

impl Traffic {
    pub(crate) fn new(socket: Socket) -> Self {
        Self { socket, waiting: VecDeque::new(), waiting_bytes: 0, pong_waiting: false, busy_since: None }
    }

    /// Sends what waits, as far as the socket takes it, and waits for the next message. Cancel-safe.
    pub(crate) async fn turn(&mut self) -> Turn {
        poll_fn(|context| {
            if self.busy_since.is_some()
                && let Poll::Ready(Err(error)) = self.poll_flush(context)
            {
                return Poll::Ready(Turn::Unsent(error));
            }
            self.socket.poll_next_unpin(context).map(Turn::Received)
        })
        .await
    }

    /// The next message. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Received {
        self.socket.next().await
    }

    /// The next message, if it has arrived already.
    pub(crate) fn next_now(&mut self) -> Option<Received> {
        // Out of budget, the runtime would say that nothing is there.
        unconstrained(self.socket.next()).now_or_never()
    }

    pub(crate) fn push(&mut self, text: String) {
        self.waiting_bytes += text.len();
        self.waiting.push_back(Message::text(text));
        self.busy_since.get_or_insert_with(Instant::now);
    }

    /// One pong answers any number of pings: a server that pings and does not read fills nothing here.
    pub(crate) fn push_pong(&mut self) {
        if !std::mem::replace(&mut self.pong_waiting, true) {
            self.push(frame::pong());
        }
    }

    /// Drops what waits and says goodbye.
    pub(crate) fn push_goodbye(&mut self) {
        self.waiting.clear();
        self.waiting_bytes = 0;
        let goodbye = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        self.waiting.push_back(Message::Close(Some(goodbye)));
        self.busy_since.get_or_insert_with(Instant::now);
    }

    /// Whether so much waits that callers must not add to it.
    pub(crate) fn is_congested(&self) -> bool {
        self.waiting_bytes > CONGESTED
    }

    /// When a server that has not read since is given up.
    pub(crate) fn deadline(&self, limit: Duration) -> Option<Instant> {
        self.busy_since.map(|since| since + limit)
    }

    /// Sends all that waits. Cancel-safe: a frame is taken from the queue only when the socket takes it.
    pub(crate) async fn flush(&mut self) -> Result<(), tungstenite::Error> {
        poll_fn(|context| self.poll_flush(context)).await
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), tungstenite::Error>> {
        while !self.waiting.is_empty() {
            ready!(Pin::new(&mut self.socket).poll_ready(context))?;
            if let Some(message) = self.waiting.pop_front() {
                self.waiting_bytes = self.waiting_bytes.saturating_sub(message.len());
                Pin::new(&mut self.socket).start_send(message)?;
                // It takes one only when those before are gone: slowly is not never.
                self.busy_since = Some(Instant::now());
            }
        }
        self.pong_waiting = false;
        ready!(Pin::new(&mut self.socket).poll_flush(context))?;
        self.busy_since = None;
        Poll::Ready(Ok(()))
    }
}
