//! One channel connection from its handshake to its end: answers the client's frames, passes events on, and notices
//! when the other side is no longer there. It must never hold up the hub: whatever takes long here ends this
//! connection alone.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use tokio::{sync::mpsc, time::Instant};

use super::{
    Seat,
    frame::{self, Request},
};

/// A frame that is not taken within this time is not wanted.
const SEND_LIMIT: Duration = Duration::from_secs(10);
/// How long the other side has to answer our close frame.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);
/// Unauthorized subscriptions before the connection is closed with 4009. One or two can be an honest race: a
/// signature made for the socket before.
const MAX_UNAUTHORIZED: u8 = 5;
/// Frames that make no sense before the connection is closed.
const MAX_FAULTS: u8 = 20;

/// The connection is over; what could be said was said.
struct Ended;

enum Next {
    Stop,
    Voided,
    Publish(Utf8Bytes),
    Incoming(Message),
    Silence,
}

struct Conversation {
    socket: WebSocket,
    seat: Seat,
    last_heard: Instant,
    asked: Option<Instant>,
    unauthorized: u8,
    faults: u8,
}

/// Serves the connection until one side ends it.
pub(super) async fn converse(socket: WebSocket, seat: Seat, queue: mpsc::Receiver<Utf8Bytes>) {
    let mut conversation =
        Conversation { socket, seat, last_heard: Instant::now(), asked: None, unauthorized: 0, faults: 0 };
    let killed = conversation.seat.hub.killed.clone();
    let overrun = conversation.seat.outlet.overrun.clone();
    tokio::select! {
        _ = conversation.run(queue) => {}
        () = killed.cancelled() => {}
        () = overrun.cancelled() => tracing::info!("a channel connection was dropped: it did not read what it was sent"),
    }
}

impl Conversation {
    async fn run(&mut self, mut queue: mpsc::Receiver<Utf8Bytes>) -> Result<(), Ended> {
        let activity_timeout = self.seat.hub.limits.activity_timeout.as_secs().max(1);
        self.say(frame::connection_established(&self.seat.socket_id, activity_timeout)).await?;
        loop {
            match self.next(&mut queue).await? {
                Next::Stop => return self.close(4200, "The server is restarting, come back at once").await,
                Next::Voided => return self.close(4200, "The session has ended, sign in anew").await,
                Next::Publish(frame) => self.say(frame).await?,
                Next::Incoming(message) => self.heard(message).await?,
                Next::Silence if self.asked.is_some() => return self.close(4201, "No answer to a ping").await,
                Next::Silence => {
                    self.say(frame::ping()).await?;
                    self.asked = Some(Instant::now());
                }
            }
        }
    }

    async fn next(&mut self, queue: &mut mpsc::Receiver<Utf8Bytes>) -> Result<Next, Ended> {
        let limits = self.seat.hub.limits;
        let deadline = match self.asked {
            Some(asked) => asked + limits.pong_timeout,
            None => self.last_heard + limits.activity_timeout,
        };
        tokio::select! {
            () = self.seat.hub.stopping.cancelled() => Ok(Next::Stop),
            () = self.seat.outlet.voided.cancelled() => Ok(Next::Voided),
            frame = queue.recv() => frame.map(Next::Publish).ok_or(Ended),
            incoming = self.socket.recv() => match incoming {
                Some(Ok(message)) => Ok(Next::Incoming(message)),
                // Too large a frame or no WebSocket any more: the socket is of no use after either.
                Some(Err(_)) | None => Err(Ended),
            },
            () = tokio::time::sleep_until(deadline) => Ok(Next::Silence),
        }
    }

    async fn heard(&mut self, message: Message) -> Result<(), Ended> {
        self.last_heard = Instant::now();
        self.asked = None;
        match message {
            Message::Text(text) => match frame::read(&text) {
                Ok(request) => self.answer(request).await,
                Err(reason) => self.fault(reason).await,
            },
            Message::Binary(_) => self.fault("Frames are text").await,
            // The library answers pings and closes by itself.
            Message::Ping(_) | Message::Pong(_) => Ok(()),
            Message::Close(_) => Err(Ended),
        }
    }

    async fn answer(&mut self, request: Request) -> Result<(), Ended> {
        match request {
            Request::Ping => self.say(frame::pong()).await,
            Request::Pong | Request::Other => Ok(()),
            Request::Subscribe { channel, auth, channel_data } => self.subscribe(&channel, auth, channel_data).await,
            Request::Unsubscribe { channel } => {
                self.seat.unsubscribe(&channel);
                Ok(())
            }
            Request::ClientEvent => self.fault("Client events are not enabled").await,
        }
    }

    async fn subscribe(&mut self, channel: &str, auth: Option<String>, data: Option<String>) -> Result<(), Ended> {
        if let Err(reason) = frame::check_channel(channel) {
            return self.fault(reason).await;
        }
        let auth = auth.unwrap_or_default();
        if !self.seat.hub.signer.verify(&auth, &self.seat.socket_id, channel, data.as_deref()) {
            return self.unauthorized(channel).await;
        }
        if !self.seat.subscribe(channel) {
            return self.fault("Too many channels on one connection").await;
        }
        self.say(frame::subscription_succeeded(channel)).await
    }

    async fn unauthorized(&mut self, channel: &str) -> Result<(), Ended> {
        self.unauthorized += 1;
        self.say(frame::error(Some(4009), &format!("Not authorized to subscribe to {channel}"))).await?;
        if self.unauthorized < MAX_UNAUTHORIZED {
            return Ok(());
        }
        self.close(4009, "Too many unauthorized subscriptions").await
    }

    async fn fault(&mut self, reason: &'static str) -> Result<(), Ended> {
        self.faults += 1;
        self.say(frame::error(None, reason)).await?;
        if self.faults < MAX_FAULTS {
            return Ok(());
        }
        // 1008 "policy violation": a client in this state should back off, not stop for ever as 40xx says.
        self.close(1008, "Too many frames that make no sense").await
    }

    async fn say(&mut self, frame: Utf8Bytes) -> Result<(), Ended> {
        match tokio::time::timeout(SEND_LIMIT, self.socket.send(Message::Text(frame))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Ended),
        }
    }

    async fn close(&mut self, code: u16, reason: &'static str) -> Result<(), Ended> {
        let farewell = async {
            let frame = CloseFrame { code, reason: reason.into() };
            if self.socket.send(Message::Close(Some(frame))).await.is_ok() {
                // Until the answer: closing earlier could take the close frame down with the connection.
                while self.socket.recv().await.is_some_and(|incoming| incoming.is_ok()) {}
            }
        };
        // A client that does not answer is as gone as one that does.
        let _ = tokio::time::timeout(CLOSE_LIMIT, farewell).await;
        Err(Ended)
    }
}
