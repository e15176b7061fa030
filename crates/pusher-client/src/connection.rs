//! The one task that owns the socket: it dials, lives on the line, waits, and dials again, while it takes the caller's
//! commands in each of these. It must never end but on request or with its last handle.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc::UnboundedReceiver, oneshot, watch},
    time::{Instant, sleep},
};
use tracing::{debug, info};

use crate::{
    Error,
    authorizer::Authorizer,
    channel::ChannelKind,
    close::Departure,
    dial::{Line, dial},
    event::{ChannelEvent, ClientEvent, State},
    options::{Address, Options},
    queue::Queue,
    roster::Roster,
    subscription::Audience,
};

/// A connection that lived this long forgives the failures before it. One that is closed sooner counts as one more.
const HELD: Duration = Duration::from_secs(10);
/// An attempt older than this is begun anew when the caller says that the network has changed.
const STALE_ATTEMPT: Duration = Duration::from_secs(1);

/// What handles ask of the task.
pub(crate) enum Command {
    Subscribe { channel: String, kind: ChannelKind, queue: Arc<Queue<ChannelEvent>>, accepted: oneshot::Sender<()> },
    Unsubscribe { channel: String, queue: Arc<Queue<ChannelEvent>> },
    Resubscribe { channel: String, reply: oneshot::Sender<Result<(), Error>> },
    RetryNow,
    Shutdown,
}

/// What is left to do after a command was applied to the roster.
pub(crate) enum Effect {
    /// Something may be due.
    Look,
    /// The server is to be told that we left this channel.
    Left(String),
    Retry,
}

/// The task is to end: on request, or because nobody is left to talk to.
pub(crate) struct Goodbye;

pub(crate) struct Connection {
    pub(crate) options: Options,
    pub(crate) authorizer: Arc<dyn Authorizer>,
    pub(crate) commands: UnboundedReceiver<Command>,
    pub(crate) roster: Roster,
    state: watch::Sender<State>,
    audience: Arc<Audience>,
    /// Since the last connection that held.
    failures: u32,
}

impl Connection {
    pub(crate) fn new(
        options: Options,
        authorizer: Arc<dyn Authorizer>,
        commands: UnboundedReceiver<Command>,
        state: watch::Sender<State>,
        audience: Arc<Audience>,
    ) -> Self {
        let roster = Roster::new(options.authorize_backoff.clone(), options.subscribe_timeout);
        Self { options, authorizer, commands, roster, state, audience, failures: 0 }
    }

    pub(crate) async fn run(mut self) {
        let Goodbye = match self.options.address() {
            Ok(address) => self.keep_up(&address).await,
            Err(reason) => self.give_up(0, reason).await,
        };
    }

    /// Connects again and again.
    async fn keep_up(&mut self, address: &Address) -> Goodbye {
        loop {
            self.set_state(State::Connecting);
            let departure = match self.dial(address).await {
                Ok(Ok(line)) => {
                    let begun = Instant::now();
                    let ended = self.live(line).await;
                    if begun.elapsed() >= HELD {
                        self.failures = 0;
                    }
                    ended
                }
                Ok(Err(departure)) => Ok(departure),
                Err(goodbye) => Err(goodbye),
            };
            let Ok(departure) = departure else { return Goodbye };
            info!(code = departure.code, reason = departure.reason, failures = self.failures, "the connection is lost");
            let pause = departure.pause(self.failures, &self.options.backoff, self.options.random());
            self.failures = self.failures.saturating_add(1);
            let Departure { code, reason } = departure;
            let Some(pause) = pause else { return self.give_up(code.unwrap_or_default(), reason).await };
            self.set_state(State::Waiting { retry_in: pause });
            self.tell(&ClientEvent::Lost { code, reason });
            if let Err(goodbye) = self.wait(pause).await {
                return goodbye;
            }
        }
    }

    /// One attempt, which any command may interrupt.
    async fn dial(&mut self, address: &Address) -> Result<Result<Line, Departure>, Goodbye> {
        let options = self.options.clone();
        let mut begun = Instant::now();
        let attempt = dial(address, &options);
        tokio::pin!(attempt);
        loop {
            tokio::select! {
                outcome = &mut attempt => return Ok(outcome),
                command = self.commands.recv() => {
                    // A packet sent into the network that was is not worth waiting for.
                    if let Effect::Retry = self.apply(command)? && begun.elapsed() > STALE_ATTEMPT {
                        debug!("the attempt is begun anew");
                        attempt.set(dial(address, &options));
                        begun = Instant::now();
                    }
                }
            }
        }
    }

    async fn wait(&mut self, pause: Duration) -> Result<(), Goodbye> {
        let over = sleep(pause);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return Ok(()),
                command = self.commands.recv() => {
                    if let Effect::Retry = self.apply(command)? {
                        // A network that is only just coming back may fail the next attempt too.
                        self.failures = 0;
                        return Ok(());
                    }
                }
            }
        }
    }

    /// The server does not want us: reports it, and stays for the handles' sake.
    async fn give_up(&mut self, code: u16, reason: String) -> Goodbye {
        self.set_state(State::Failed { code, reason: reason.clone() });
        self.tell(&ClientEvent::Lost { code: Some(code).filter(|code| *code != 0), reason });
        loop {
            let command = self.commands.recv().await;
            if let Err(goodbye) = self.apply(command) {
                return goodbye;
            }
        }
    }

    /// Does what a command asks of the roster.
    pub(crate) fn apply(&mut self, command: Option<Command>) -> Result<Effect, Goodbye> {
        let now = Instant::now();
        match command {
            Some(Command::Subscribe { channel, kind, queue, accepted }) => {
                self.roster.join(channel, kind, queue, now);
                // Whoever stopped waiting has dropped the subscription, which says so itself.
                let _ = accepted.send(());
                Ok(Effect::Look)
            }
            Some(Command::Unsubscribe { channel, queue }) => {
                Ok(if self.roster.leave(&channel, &queue) { Effect::Left(channel) } else { Effect::Look })
            }
            Some(Command::Resubscribe { channel, reply }) => {
                let known = self.roster.renew(&channel, now);
                let _ = reply.send(if known { Ok(()) } else { Err(Error::NotSubscribed { channel }) });
                Ok(Effect::Look)
            }
            Some(Command::RetryNow) => {
                self.roster.hurry(now);
                Ok(Effect::Retry)
            }
            Some(Command::Shutdown) | None => Err(Goodbye),
        }
    }

    pub(crate) fn set_state(&self, state: State) {
        debug!(?state, "the connection's state");
        self.state.send_replace(state);
    }

    pub(crate) fn tell(&self, event: &ClientEvent) {
        self.audience.tell(event);
    }

    /// Nothing is delivered from here on.
    pub(crate) fn silence(&mut self) {
        self.roster.close();
        self.audience.close();
    }
}

impl Drop for Connection {
    /// However the task ends, a runtime that shuts down included: nobody waits for it in vain.
    fn drop(&mut self) {
        self.silence();
        self.set_state(State::Closed);
    }
}
