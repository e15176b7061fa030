//! [`Active`]: the account that is signed in, with all that belongs to it, and where its session stands.

use std::{collections::HashSet, sync::Arc, time::Duration};

use fasttrack_client::Session;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::time::Instant;

use super::{
    clock::Clock,
    completing::Turns,
    nudge::Nudges,
    policy::Recent,
    problems,
    schedule::{Currency, Pause, Schedule, bounded, retry_delay},
    sign_out::Leaving,
};
use crate::{
    AccountView, Code, Keep, LastAccount, Message, MessageId, Problem, SessionView, Socket, handle::Answer,
    images::Pictures, store::Store,
};

/// A socket that is down this long is called offline; before, it is connecting.
const OFFLINE_AFTER: Duration = Duration::from_secs(5);

/// A start has better things to do than to look for what is not kept.
const RETAIN_AFTER_START: Duration = Duration::from_mins(1);

/// The signed-in account.
pub(super) struct Active {
    pub(super) account: LastAccount,
    pub(super) store: Store,
    /// Where the sid is kept in this program only.
    pub(super) session_only_sid: Option<SecretString>,
    pub(super) session: Option<Arc<Session>>,
    pub(super) live: Option<pusher_client::Client>,
    pub(super) link: Link,
    pub(super) list: Schedule,
    pub(super) currency: Currency,
    pub(super) clock: Clock,
    /// When to try to resume; none while a try is under way, the session stands, or a person is waited for.
    pub(super) resume_at: Option<Instant>,
    /// The server asked not to be tried before then.
    pub(super) resume_not_before: Option<Instant>,
    /// The person did not unlock the keyring: it is asked for again once they turn to us.
    pub(super) person_refused: bool,
    pub(super) resume_failures: u32,
    /// What the system told and has not been acted on.
    pub(super) nudges: Nudges,
    /// Fetches of messages that the channel had to cut.
    pub(super) completing: Turns,
    /// What expired until then has left the list.
    pub(super) expiry_seen: Timestamp,
    pub(super) alerts: Alerting,
    /// Pictures that the person asked for, where the settings ask first.
    pub(super) images_asked: HashSet<MessageId>,
    /// Fetches this account's pictures, once one was asked for.
    pub(super) pictures: Option<Pictures>,
    /// Read marks on their way to the server.
    pub(super) marking: HashSet<MessageId>,
    /// No mark at all is sent before its end: one that does not get through holds the others too.
    pub(super) marks_not_before: Pause,
    /// Why the last read mark did not get through.
    pub(super) mark_problem: Option<Problem>,
    /// Marks that the server took or refused since the last time that none waited.
    pub(super) marks_done: u64,
    /// When the config is read again because the socket stays down.
    pub(super) reconfigure_at: Option<Instant>,
    /// When what the settings do not keep is looked for.
    pub(super) retain_at: Instant,
    /// When the config is read again although all is well.
    pub(super) reread_config_at: Option<Instant>,
    /// This session was subscribed before: the next time is after a gap.
    pub(super) subscribed_before: bool,
    /// The last mark that the server refused, for whoever waits for the outbox.
    pub(super) refused: Option<(Problem, Instant)>,
    /// Who waits for the outbox to be empty.
    pub(super) flushing: Vec<Answer<()>>,
    /// A sign-out that waits for the outbox to be empty.
    pub(super) leaving: Option<Leaving>,
}

/// Where the alerts of the account stand.
#[derive(Default)]
pub(super) struct Alerting {
    /// Messages that were being alerted when the program ended.
    pub(super) interrupted: Vec<Message>,
    /// One is with the notification service.
    pub(super) under_way: bool,
    /// The next waits until then: the service did not answer, or they are held.
    pub(super) not_before: Option<Instant>,
    /// They were held since the last one: what waits is told together.
    pub(super) together: bool,
    /// When the last ones were raised.
    pub(super) recent: Recent,
    /// The person is yet to be told that the sid was refused.
    pub(super) tell_rejected: bool,
}

/// Where the connection stands. Rejected wins over a failing API, that over the socket.
pub(super) struct Link {
    /// The server refused the sid.
    pub(super) rejected: Option<(Problem, Timestamp)>,
    /// The last call failed.
    pub(super) failing: Option<(Problem, Timestamp)>,
    /// The server refuses the channel.
    pub(super) refused_channel: Option<Problem>,
    /// Subscribed since; or down since.
    pub(super) socket: SocketLink,
}

/// The socket's half of [`Link`].
pub(super) enum SocketLink {
    /// Subscribed.
    Live { since: Timestamp },
    /// Connecting or waiting.
    Down { since: Timestamp, from: Instant, problem: Option<Problem> },
}

impl Active {
    /// An account whose store was just opened and whose session is yet to come.
    pub(super) fn new(account: LastAccount, store: Store, interrupted: Vec<Message>, now: Timestamp) -> Self {
        Self {
            account,
            store,
            session_only_sid: None,
            session: None,
            live: None,
            link: Link {
                rejected: None,
                failing: None,
                refused_channel: None,
                socket: SocketLink::Down { since: now, from: Instant::now(), problem: None },
            },
            list: Schedule::default(),
            currency: Currency::default(),
            clock: Clock::default(),
            resume_at: Some(Instant::now()),
            resume_not_before: None,
            person_refused: false,
            resume_failures: 0,
            nudges: Nudges::default(),
            completing: Turns::default(),
            expiry_seen: Timestamp::UNIX_EPOCH,
            alerts: Alerting { interrupted, ..Alerting::default() },
            images_asked: HashSet::new(),
            pictures: None,
            marking: HashSet::new(),
            marks_not_before: Pause::default(),
            mark_problem: None,
            marks_done: 0,
            reconfigure_at: None,
            retain_at: Instant::now() + RETAIN_AFTER_START,
            reread_config_at: None,
            subscribed_before: false,
            refused: None,
            flushing: Vec::new(),
            leaving: None,
        }
    }

    /// Who this is, for the view.
    pub(super) fn account_view(&self) -> AccountView {
        let id = &self.account.id;
        AccountView {
            environment: id.environment.clone(),
            brand: id.brand.clone(),
            user: id.user.clone(),
            name: self.account.name.clone(),
        }
    }

    /// The socket is down: unless it comes back in time, host and key may have changed.
    pub(super) fn socket_down(&mut self, now: Timestamp, problem: Option<Problem>, reconfigure_after: Duration) {
        self.link.socket_down(now, problem);
        if self.session.is_some() && self.reconfigure_at.is_none() {
            self.reconfigure_at = Some(Instant::now() + reconfigure_after);
        }
    }

    /// Tells everybody who waits for the outbox.
    pub(super) fn end_flush(&mut self, outcome: &Result<(), Problem>) {
        for answer in self.flushing.drain(..) {
            // Whoever waited may be gone.
            let _ = answer.send(outcome.clone());
        }
    }

    /// Whether the sid is kept in memory only.
    pub(super) fn is_session_only(&self) -> bool {
        self.account.keep == Keep::SessionOnly
    }

    /// The session dropped: socket and session go, the account stays.
    pub(super) fn drop_session(&mut self, now: Timestamp) -> Option<pusher_client::Client> {
        self.session = None;
        self.list.clear();
        self.currency.missed();
        self.marking.clear();
        self.reconfigure_at = None;
        self.reread_config_at = None;
        self.subscribed_before = false;
        self.link.socket_down(now, None);
        self.live.take()
    }

    /// The session could not be resumed: say so and try again later, unless that would ask the person again.
    pub(super) fn resume_failed(&mut self, problem: Problem, now: Timestamp, jitter: f64, after: Option<Duration>) {
        self.person_refused = problem.asks_person;
        self.link.fails(problem, now);
        self.resume_not_before = after.map(|wait| Instant::now() + bounded(wait));
        self.resume_at =
            (!self.person_refused).then(|| Instant::now() + retry_delay(self.resume_failures, jitter, after));
        self.resume_failures = self.resume_failures.saturating_add(1);
    }

    /// A resume that waits is tried as soon as the server allows. One that waits for the person goes on waiting.
    pub(super) fn resume_sooner(&mut self, now: Instant) {
        self.resume_at = self.resume_at.map(|_| self.resume_not_before.unwrap_or(now).max(now));
    }

    /// The person turned to us: what waits for them is tried again.
    pub(super) fn person_is_here(&mut self) {
        if std::mem::take(&mut self.person_refused) {
            self.resume_at = Some(Instant::now());
        }
    }
}

impl Link {
    /// The socket is down; the first moment of it counts.
    pub(super) fn socket_down(&mut self, now: Timestamp, problem: Option<Problem>) {
        match &mut self.socket {
            SocketLink::Live { .. } => {
                self.socket = SocketLink::Down { since: now, from: Instant::now(), problem };
            }
            SocketLink::Down { problem: known, .. } => {
                if problem.is_some() {
                    *known = problem;
                }
            }
        }
    }

    /// Subscribed.
    pub(super) fn socket_live(&mut self, now: Timestamp) {
        self.refused_channel = None;
        if !self.is_live() {
            self.socket = SocketLink::Live { since: now };
        }
    }

    /// Whether only a person can go on: the sid was refused, or the keyring that holds it cannot be asked.
    pub(super) fn needs_person(&self) -> bool {
        self.rejected.is_some() || self.failing.as_ref().is_some_and(|(problem, _)| problem.code == Code::NoKeyring)
    }

    /// Whether messages arrive live.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.socket, SocketLink::Live { .. })
    }

    /// A call failed; the first moment of it counts, the last reason.
    pub(super) fn fails(&mut self, problem: Problem, now: Timestamp) {
        let since = self.failing.as_ref().map_or(now, |(_, since)| *since);
        self.failing = Some((problem, since));
    }

    /// The moment at which *connecting* becomes *offline*; none once it has passed.
    pub(super) fn offline_at(&self, now: Instant) -> Option<Instant> {
        match &self.socket {
            SocketLink::Live { .. } => None,
            SocketLink::Down { from, .. } => Some(*from + OFFLINE_AFTER).filter(|at| *at > now),
        }
    }

    /// Where this stands, for the view.
    pub(super) fn view(&self, now: Instant) -> SessionView {
        if let Some((problem, since)) = &self.rejected {
            return SessionView::Rejected { problem: problem.clone(), since: *since };
        }
        if let Some((problem, since)) = &self.failing {
            return SessionView::Offline { problem: problem.clone(), since: *since };
        }
        match &self.socket {
            SocketLink::Live { since } => SessionView::Online { socket: Socket::Live, since: *since },
            SocketLink::Down { since, from, problem } => {
                if let Some(problem) = &self.refused_channel {
                    return SessionView::Offline { problem: problem.clone(), since: *since };
                }
                if now.duration_since(*from) < OFFLINE_AFTER {
                    return SessionView::Online { socket: Socket::Connecting, since: *since };
                }
                let problem = problem.clone().unwrap_or_else(problems::no_live_connection);
                SessionView::Offline { problem, since: *since }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(code: Code) -> Problem {
        Problem::new(code, "", "")
    }

    #[test]
    fn a_refused_sid_is_shown_before_a_failing_call_and_that_before_the_socket() {
        let (at, from) = (Timestamp::UNIX_EPOCH, Instant::now());
        let down = |problem| SocketLink::Down { since: at, from, problem };
        let live = || SocketLink::Live { since: at };
        let connecting = SessionView::Online { socket: Socket::Connecting, since: at };
        let offline = |code| SessionView::Offline { problem: problem(code), since: at };
        let rejected = || Some((problem(Code::Rejected), at));
        let failing = || Some((problem(Code::Unreachable), at));
        let refused = || Some(problem(Code::BadAnswer));
        let cases = [
            (
                rejected(),
                failing(),
                refused(),
                live(),
                0,
                SessionView::Rejected { problem: problem(Code::Rejected), since: at },
            ),
            (None, failing(), refused(), live(), 0, offline(Code::Unreachable)),
            (None, None, None, live(), 60, SessionView::Online { socket: Socket::Live, since: at }),
            (None, None, refused(), down(None), 0, offline(Code::BadAnswer)),
            (None, None, None, down(Some(problem(Code::Internal))), 4, connecting),
            (None, None, None, down(Some(problem(Code::Internal))), 5, offline(Code::Internal)),
        ];
        for (n, (rejected, failing, refused_channel, socket, seconds, expected)) in cases.into_iter().enumerate() {
            let link = Link { rejected, failing, refused_channel, socket };
            assert_eq!(link.view(from + Duration::from_secs(seconds)), expected, "case {n}");
        }
        let link = Link { rejected: None, failing: None, refused_channel: None, socket: down(None) };
        let without_reason = link.view(from + OFFLINE_AFTER);
        assert!(
            matches!(&without_reason, SessionView::Offline { problem, .. } if problem.code == Code::NoLiveConnection),
            "{without_reason:?}"
        );
        assert_eq!(link.offline_at(from), Some(from + OFFLINE_AFTER));
        assert_eq!(link.offline_at(from + OFFLINE_AFTER), None);
    }
}
