//! Life on a connection whose server has greeted us: frames in, frames out, authorizations, signs of life. It must
//! never block: whatever takes time is one more branch of the one `select!`.

use std::time::{Duration, SystemTime};

use tokio::{
    task::yield_now,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::tungstenite::{self, Message, error::CapacityError};
use tracing::{debug, warn};

use crate::{
    USER,
    authorizing::{Answer, Authorizing},
    close::Departure,
    connection::{Connection, Goodbye},
    dial::{Line, broken, closed},
    event::{ClientEvent, State},
    frame::{self, Frame, bounded, complaint},
    liveness::{Due, Liveness},
    roster::Action,
    traffic::{Received, Traffic, Turn},
};

/// The code of an error that is about a signature.
const UNAUTHORIZED: u16 = 4009;
/// How long a goodbye may take, both ways.
const FAREWELL: Duration = Duration::from_secs(1);

/// How many frames are taken before commands, authorizations and the alarm have their turn.
const BURST: u32 = 128;
/// How many frames may have arrived unseen; a server that sends faster than they are taken is alive.
const MOST_ARRIVED: u32 = 10_000;

/// What belongs to one connection and ends with it.
struct Call {
    traffic: Traffic,
    authorizing: Authorizing,
    liveness: Liveness,
    /// The wall clock at the last frame.
    seen: SystemTime,
    /// The moment of the last burst.
    now: Instant,
    /// When the roster is to be looked at again; `None` when only a frame or a command can change it.
    look_at: Option<Instant>,
    /// The roster has changed.
    look: bool,
}

impl Connection {
    /// Lives on `line` until it breaks or the task is to end.
    pub(crate) async fn live(&mut self, line: Line) -> Result<Departure, Goodbye> {
        let Line { socket, greeting } = line;
        let options = &self.options;
        let mut call = Call {
            traffic: Traffic::new(socket),
            authorizing: Authorizing::new(&greeting.socket_id, options.authorize_timeout),
            liveness: Liveness::new(
                options.activity_timeout,
                greeting.activity_timeout,
                options.pong_timeout,
                Instant::now(),
            ),
            seen: options.now(),
            now: Instant::now(),
            look_at: None,
            look: true,
        };
        let socket_id = greeting.socket_id;
        self.set_state(State::Connected { socket_id: socket_id.clone() });
        self.tell(&ClientEvent::Connected { socket_id });

        let ended = self.serve(&mut call).await;
        // What came in the last burst is still to be told.
        self.act(&mut call);
        self.congested = false;
        self.roster.disconnected(call.seen, Instant::now());
        if ended.is_err() {
            self.silence();
            farewell(&mut call.traffic).await;
        }
        ended
    }

    async fn serve(&mut self, call: &mut Call) -> Result<Departure, Goodbye> {
        let alarm = sleep_until(Instant::now());
        tokio::pin!(alarm);
        loop {
            if self.roster.wants_look() || std::mem::take(&mut call.look) {
                let slots = self.options.authorizations_at_once.saturating_sub(call.authorizing.len());
                call.look_at = self.roster.due(Instant::now(), call.seen, slots, self.options.random());
            }
            self.act(call);
            // Each frame moves the deadline on; an alarm that rings early is cheaper than one set anew each time.
            let deadline = call.deadline(self.options.pong_timeout);
            if alarm.is_elapsed() || deadline < alarm.deadline() {
                alarm.as_mut().reset(deadline);
            }
            tokio::select! {
                turn = call.traffic.turn() => match turn {
                    Turn::Received(message) => {
                        if let Some(departure) = self.receive_all(call, message) {
                            // Answers the server's close frame, if the line takes it at once.
                            let _ = timeout(Duration::from_millis(50), call.traffic.flush()).await;
                            return Ok(departure);
                        }
                    }
                    // What the server said before it hung up says more than that we can not write.
                    Turn::Unsent(error) => return Ok(self.last_words(call).await.unwrap_or_else(|| broken(&error))),
                },
                command = self.commands.recv() => if self.apply(command)?
                    && let Some(departure) = self.doubt(call).await
                {
                    return Ok(departure);
                },
                answer = call.authorizing.next() => self.answered(answer),
                () = &mut alarm => {
                    if let Some(departure) = self.rung(call) {
                        return Ok(departure);
                    }
                }
                about = self.sleep.over(&self.options) => {
                    self.slept(about);
                    if let Some(departure) = self.doubt(call).await {
                        return Ok(departure);
                    }
                }
            }
        }
    }

    /// Does what the roster says is to be done.
    fn act(&mut self, call: &mut Call) {
        for action in self.roster.actions() {
            match action {
                Action::Authorize { channel, ticket } => {
                    call.authorizing.authorize(self.authorizer.clone(), channel, ticket);
                }
                Action::Authenticate { ticket } => {
                    // Whoever joined the user's channel has said how to sign in.
                    if let Some(authenticator) = &self.authenticator {
                        call.authorizing.authenticate(authenticator.clone(), USER.into(), ticket);
                    }
                }
                Action::Send(frame) => call.traffic.push(frame),
                Action::Tell(event) => self.tell(&event),
            }
        }
        self.congested = call.traffic.is_congested();
    }

    fn answered(&mut self, answer: Answer) {
        let Answer { channel, ticket, outcome } = answer;
        let now = Instant::now();
        match outcome {
            Ok(grant) => self.roster.granted(&channel, ticket, grant, now),
            Err(error) => {
                warn!(channel, error = bounded(&error.to_string()), "the authorization failed");
                self.roster.denied(&channel, ticket, &error, now, self.options.random());
            }
        }
    }

    /// The alarm rang: the departure when the server is dead.
    fn rung(&mut self, call: &mut Call) -> Option<Departure> {
        let now = Instant::now();
        if call.traffic.deadline(self.options.pong_timeout).is_some_and(|deadline| now >= deadline) {
            return Some(Departure::because("the server takes no more frames"));
        }
        if call.look_at.is_some_and(|at| now >= at) {
            call.look = true;
        }
        match call.liveness.check(now) {
            Due::Dead => Some(Departure::because("the server has not answered a ping")),
            due => {
                call.ping_if(due);
                None
            }
        }
    }

    /// Takes `message` and what has arrived behind it, which in a burst is much cheaper than one turn of the loop each: the
    /// departure when the connection ends.
    fn receive_all(&mut self, call: &mut Call, mut message: Received) -> Option<Departure> {
        self.heard(call);
        for _ in 0..BURST {
            if let Some(departure) = self.receive(call, message) {
                return Some(departure);
            }
            message = call.traffic.next_now()?;
        }
        // What is in hand is not put back.
        self.receive(call, message)
    }

    /// Something has arrived.
    fn heard(&self, call: &mut Call) {
        call.now = Instant::now();
        call.liveness.seen(call.now);
        call.seen = self.options.now();
    }

    /// There is reason to doubt the connection: pings, once all that has arrived is taken. It says nothing of what is there
    /// now, and would otherwise pass for an answer.
    async fn doubt(&mut self, call: &mut Call) -> Option<Departure> {
        // The runtime looks at its sockets meanwhile.
        yield_now().await;
        for _ in 0..MOST_ARRIVED {
            let Some(message) = call.traffic.next_now() else { break };
            self.heard(call);
            if let Some(departure) = self.receive(call, message) {
                return Some(departure);
            }
        }
        let due = call.liveness.doubt(Instant::now());
        call.ping_if(due);
        None
    }

    /// Takes what the socket brings: the departure when it ends.
    fn receive(&mut self, call: &mut Call, message: Received) -> Option<Departure> {
        let message = match message {
            Some(Ok(message)) => message,
            Some(Err(error)) => {
                if let tungstenite::Error::Capacity(CapacityError::MessageTooLong { .. }) = error {
                    let reason = format!("a frame of more than {} bytes", self.options.max_frame);
                    self.tell(&ClientEvent::Malformed { reason, bytes: None });
                }
                return Some(broken(&error));
            }
            None => return Some(Departure::because("the server hung up")),
        };
        match message {
            Message::Text(text) => match Frame::decode(&text) {
                Ok(frame) => self.obey(call, frame),
                Err(reason) => self.tell(&ClientEvent::Malformed { reason, bytes: Some(text.len()) }),
            },
            Message::Close(close) => return Some(closed(close)),
            // The protocol has no binary frames, and the library answers WebSocket pings.
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
        None
    }

    fn obey(&mut self, call: &mut Call, frame: Frame<'_>) {
        if !frame.is_internal() {
            return self.roster.deliver(frame, call.now);
        }
        match (frame.name.as_ref(), frame.channel.as_deref()) {
            ("pusher:ping", _) => call.traffic.push_pong(),
            ("pusher:error", channel) => {
                let (code, message) = complaint(&frame);
                if code == Some(UNAUTHORIZED) {
                    self.roster.unauthorized(channel, &message, (call.seen, call.now));
                }
                self.tell(&ClientEvent::ServerError { code, message, channel: channel.map(bounded) });
            }
            ("pusher:signin_success", _) => self.roster.signed_in(&frame.value(), call.now),
            ("pusher_internal:watchlist_events", _) => self.roster.watchlist(&frame.value()),
            ("pusher_internal:subscription_succeeded", Some(channel)) => {
                self.roster.accepted(channel, &frame.value(), call.seen);
            }
            ("pusher:subscription_error", Some(channel)) => {
                let (status, message) = complaint(&frame);
                self.roster.rejected(channel, status, &message, (call.seen, call.now));
            }
            (name, Some(channel)) => self.roster.remark(channel, name, &frame.value()),
            (name, None) => debug!(name = bounded(name), "a frame of the protocol is ignored"),
        }
    }

    /// Reads what the server sent before the line broke.
    async fn last_words(&mut self, call: &mut Call) -> Option<Departure> {
        let words = async {
            loop {
                match call.traffic.next().await {
                    Some(Ok(message)) => {
                        if let Some(departure) = self.receive(call, Some(Ok(message))) {
                            return Some(departure);
                        }
                    }
                    Some(Err(_)) | None => return None,
                }
            }
        };
        timeout(Duration::from_millis(50), words).await.ok().flatten()
    }
}

impl Call {
    fn ping_if(&mut self, due: Due) {
        if due == Due::Ping {
            self.traffic.push(frame::ping());
        }
    }

    /// When the alarm is to ring.
    fn deadline(&self, write_limit: Duration) -> Instant {
        let others = [self.look_at, self.traffic.deadline(write_limit)];
        others.into_iter().flatten().fold(self.liveness.deadline(), Instant::min)
    }
}

/// Says goodbye and waits for the server's, so that the close frame is not lost to a reset.
async fn farewell(traffic: &mut Traffic) {
    let goodbye = async {
        traffic.push_goodbye();
        if traffic.flush().await.is_ok() {
            while let Some(Ok(_)) = traffic.next().await {}
        }
    };
    // A server that does not answer is left all the same.
    let _ = timeout(FAREWELL, goodbye).await;
}
