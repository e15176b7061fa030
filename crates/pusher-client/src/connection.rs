//! The one task that owns the socket: it dials, lives on the line, waits, and dials again, while it takes the caller's
//! commands in each of these. It must never end but on request or with its last handle.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc::UnboundedReceiver, oneshot, watch},
    time::{Instant, sleep, sleep_until},
};
use tracing::{debug, info};

use crate::{
    Error,
    authorizer::{Authenticator, Authorizer},
    close::{self, Departure, TLS_ONLY},
    dial::{Line, dial},
    entry::Kind,
    event::{ChannelEvent, ClientEvent, State},
    options::{Address, Options},
    presence::Members,
    queue::Queue,
    roster::Roster,
    sleep::Sleep,
    subscription::Audience,
};

/// A connection that lived this long forgives the failures before it. One that is closed sooner counts as one more.
const HELD: Duration = Duration::from_secs(10);
/// An attempt older than this is begun anew when the caller says that the network has changed.
const STALE_ATTEMPT: Duration = Duration::from_secs(1);

/// What handles ask of the task.
pub(crate) enum Command {
    Subscribe {
        channel: String,
        kind: Kind,
        queue: Arc<Queue<ChannelEvent>>,
        accepted: oneshot::Sender<watch::Receiver<Members>>,
    },
    SignIn(Arc<dyn Authenticator>),
    Unsubscribe {
        channel: String,
        queue: Arc<Queue<ChannelEvent>>,
    },
    Resubscribe {
        channel: String,
        reply: oneshot::Sender<Result<(), Error>>,
    },
    /// A client's event, ready to be sent.
    Trigger {
        channel: String,
        frame: String,
        reply: oneshot::Sender<Result<(), Error>>,
    },
    RetryNow,
    Shutdown,
}

/// The task is to end: on request, or because nobody is left to talk to.
pub(crate) struct Goodbye;

pub(crate) struct Connection {
    pub(crate) options: Options,
    pub(crate) authorizer: Arc<dyn Authorizer>,
    pub(crate) authenticator: Option<Arc<dyn Authenticator>>,
    pub(crate) commands: UnboundedReceiver<Command>,
    pub(crate) roster: Roster,
    pub(crate) sleep: Sleep,
    /// More waits to be sent than a caller may add to.
    pub(crate) congested: bool,
    state: watch::Sender<State>,
    audience: Arc<Audience>,
    /// Attempts since the last that the server greeted.
    failures: u32,
    /// Connections since the last that held.
    short: u32,
    /// When there will have been no connection for too long; `None` once that was said.
    unavailable_at: Option<Instant>,
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
        let sleep = Sleep::new(&options);
        let unavailable_at = Instant::now().checked_add(options.unavailable_timeout);
        Self {
            options,
            authorizer,
            authenticator: None,
            commands,
            roster,
            sleep,
            congested: false,
            state,
            audience,
            failures: 0,
            short: 0,
            unavailable_at,
        }
    }

    /// Connects again and again, until the task is to end.
    pub(crate) async fn run(mut self) {
        let Goodbye = loop {
            self.set_down_state(State::Connecting);
            let address = match self.options.address() {
                Ok(address) => address,
                Err(reason) => break self.give_up(0, reason).await,
            };
            let departure = match self.dial(&address).await {
                Ok(Ok(line)) => {
                    let begun = Instant::now();
                    let ended = self.live(line).await;
                    self.unavailable_at = Instant::now().checked_add(self.options.unavailable_timeout);
                    // A server that has been away for long and is back owes nothing for it.
                    self.failures = 0;
                    let was_of_use = self.roster.was_of_use();
                    if begun.elapsed() >= HELD {
                        self.short = 0;
                    } else if was_of_use {
                        self.short = self.options.backoff.of_use(self.short);
                    }
                    ended.map(|departure| (departure, &mut self.short))
                }
                Ok(Err(departure)) => Ok((departure, &mut self.failures)),
                Err(goodbye) => Err(goodbye),
            };
            let (Departure { code, reason }, count) = match departure {
                Ok(departure) => departure,
                Err(goodbye) => break goodbye,
            };
            *count = count.saturating_add(1);
            let before = self.failures.saturating_add(self.short).saturating_sub(1);
            info!(code, reason, before, "the connection is lost");
            let pause = match self.options.over_tls().filter(|_| code == Some(TLS_ONLY)) {
                Some(over_tls) => {
                    self.options = over_tls;
                    Some(Duration::ZERO)
                }
                None => close::pause(code, before, &self.options.backoff, self.options.random()),
            };
            let Some(pause) = pause else { break self.give_up(code.unwrap_or_default(), reason).await };
            self.set_down_state(State::Waiting { retry_in: pause });
            self.tell(&ClientEvent::Lost { code, reason, retry_in: Some(pause) });
            if let Err(goodbye) = self.wait(pause).await {
                break goodbye;
            }
        };
    }

    /// One attempt, which any command may interrupt.
    async fn dial(&mut self, address: &Address) -> Result<Result<Line, Departure>, Goodbye> {
        let options = self.options.clone();
        let mut begun = Instant::now();
        let attempt = dial(address, &options);
        tokio::pin!(attempt);
        loop {
            let hint = tokio::select! {
                outcome = &mut attempt => return Ok(outcome),
                hint = self.hint() => hint?,
            };
            // A packet sent into the network that was is not worth waiting for.
            if hint && begun.elapsed() > STALE_ATTEMPT {
                debug!("the attempt is begun anew");
                attempt.set(dial(address, &options));
                begun = Instant::now();
            }
        }
    }

    async fn wait(&mut self, pause: Duration) -> Result<(), Goodbye> {
        let over = sleep(pause);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return Ok(()),
                hint = self.hint() => if hint? {
                    // A network that is only just coming back may fail the next attempt too.
                    (self.failures, self.short) = (0, 0);
                    return Ok(());
                },
            }
        }
    }

    /// Does the next thing that can be done without a connection: `true` when a new attempt may succeed where the last
    /// one did not. Cancel-safe.
    async fn hint(&mut self) -> Result<bool, Goodbye> {
        let unavailable_at = self.unavailable_at;
        let unavailable = async {
            match unavailable_at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            command = self.commands.recv() => self.apply(command),
            about = self.sleep.over(&self.options) => {
                self.slept(about);
                Ok(true)
            }
            () = unavailable => {
                self.unavailable_at = None;
                self.set_state(State::Unavailable);
                Ok(false)
            }
        }
    }

    /// The machine was asleep: tells so, and ends the waits that are our own doing.
    pub(crate) fn slept(&mut self, about: Duration) {
        info!(?about, "the machine was asleep, or its clock was set");
        self.tell(&ClientEvent::Slept { about });
        self.roster.hurry(Instant::now());
    }

    /// The server does not want us: reports it, and stays for the handles' sake.
    async fn give_up(&mut self, code: u16, reason: String) -> Goodbye {
        self.set_state(State::Failed { code, reason: reason.clone() });
        self.roster.give_up(&reason, Instant::now());
        self.tell(&ClientEvent::Lost { code: Some(code).filter(|code| *code != 0), reason, retry_in: None });
        loop {
            let command = self.commands.recv().await;
            if let Err(goodbye) = self.apply(command) {
                return goodbye;
            }
        }
    }

    /// Does what a command asks of the roster: `true` when the caller has reason to doubt the network.
    pub(crate) fn apply(&mut self, command: Option<Command>) -> Result<bool, Goodbye> {
        let now = Instant::now();
        match command {
            Some(Command::Subscribe { channel, kind, queue, accepted }) => {
                let members = self.roster.join(channel, kind, queue, now);
                // Whoever stopped waiting has dropped the subscription, which says so itself.
                let _ = accepted.send(members);
            }
            Some(Command::SignIn(authenticator)) => self.authenticator = Some(authenticator),
            Some(Command::Unsubscribe { channel, queue }) => self.roster.leave(&channel, &queue, now),
            Some(Command::Resubscribe { channel, reply }) => {
                let known = self.roster.renew(&channel, now);
                let _ = reply.send(if known { Ok(()) } else { Err(Error::NotSubscribed { channel }) });
            }
            Some(Command::Trigger { channel, frame, reply }) => {
                let sent = if self.congested { Err(Error::Congested) } else { self.roster.trigger(&channel, frame) };
                let _ = reply.send(sent);
            }
            Some(Command::RetryNow) => {
                self.roster.hurry(now);
                return Ok(true);
            }
            Some(Command::Shutdown) | None => return Err(Goodbye),
        }
        Ok(false)
    }

    pub(crate) fn set_state(&self, state: State) {
        debug!(?state, "the connection's state");
        self.state.send_replace(state);
    }

    /// Sets the state while there is no connection: it stays `Unavailable` until there is one.
    fn set_down_state(&self, state: State) {
        if self.unavailable_at.is_some() {
            self.set_state(state);
        }
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
