//! Where the session stands: news of it, the resume with its retries, and the end of a session that was refused.

use std::{sync::Arc, time::Duration};

use fasttrack_client::{LoginError, Session};
use pusher_client::{ChannelEvent, ClientEvent, State};
use tokio::time::Instant;

use super::{
    Controller,
    live::Reports,
    news::{News, ResumeError, Resumed, Scope, What},
    problems, session,
};
use crate::{AlertTarget, Code, Host, Problem, Step};

/// The list call waits this long for the subscription, so that one call answers both.
const SUBSCRIBE_FIRST: Duration = Duration::from_secs(2);
/// The list calls of a fleet that lost the server at once are spread over this long.
pub(super) const SPREAD: Duration = Duration::from_secs(2);

impl<H: Host> Controller<H> {
    pub(super) async fn on_news(&mut self, news: News) {
        let stale = match news.scope {
            Scope::Session(epoch) => epoch != self.epoch,
            Scope::Account(generation) => generation != self.generation,
        };
        if stale {
            return;
        }
        match news.what {
            What::SignInStep(step) => self.signing_in_at(step),
            What::SignedIn(outcome) => self.signed_in(outcome).await,
            What::Resumed(Ok(resumed)) => {
                let Resumed { session, sid } = *resumed;
                if let Some(active) = &mut self.active {
                    active.session_only_sid = active.is_session_only().then_some(sid);
                }
                self.session_stands(session).await;
            }
            What::Resumed(Err(error)) => self.resume_failed(&error),
            What::Socket(socket) => self.socket_changed(&socket),
            What::Client(event) => self.client_reported(event),
            What::Channel(ChannelEvent::Event(event)) => self.live_event(&event),
            What::Channel(ChannelEvent::Lagged(missed)) => self.lagged(missed),
            What::Channel(_) => {}
            What::Config(config) => self.config_read(config),
            What::Listed(outcome) => self.listed(outcome),
            What::Marked(id, outcome) => self.marked(&id, outcome),
            What::Completed(completed) => self.completed(*completed),
            What::Alerted(ids, handover) => self.alerted(&ids, handover),
            What::Panicked => panic!("a background task panicked"),
        }
    }

    fn signing_in_at(&mut self, step: Step) {
        if let Some(signing_in) = &mut self.signing_in {
            signing_in.step = step;
        }
    }

    /// Tries to resume when it is time.
    pub(super) fn resume_if_due(&mut self, now: Instant) {
        let Some(active) = &mut self.active else { return };
        if self.signing_in.is_some() || active.resume_at.is_none_or(|at| at > now) {
            return;
        }
        active.resume_at = None;
        let resume = session::resume(
            self.network.http.clone(),
            self.keeper.clone(),
            active.account.clone(),
            active.session_only_sid.clone(),
        );
        self.spawn_for_session(async move { What::Resumed(resume.await.map(Box::new)) });
    }

    fn resume_failed(&mut self, error: &ResumeError) {
        let (now, jitter) = (self.wall(), self.jitter());
        let Some(active) = &mut self.active else { return };
        let brand = active.account.id.brand.clone();
        let problem = match error {
            ResumeError::Keyring(problem) => problem.clone(),
            ResumeError::NoSid => {
                let problem = problems::no_sid(active.is_session_only());
                return self.reject(&problem);
            }
            ResumeError::LogIn(LoginError::Rejected { message }) => {
                return self.reject(&problems::rejected(&brand, message));
            }
            ResumeError::LogIn(error @ LoginError::NotASid { .. }) => {
                let problem = problems::log_in(error, &brand);
                return self.reject(&problem);
            }
            ResumeError::LogIn(error) => problems::log_in(error, &brand),
            ResumeError::Config(error) => problems::config(error, &brand),
        };
        self.counters.retries += 1;
        active.resume_failed(problem.clone(), now, jitter, error.retry_after());
        if problem.code == Code::NoKeyring {
            self.set_notice(problem);
        }
    }

    /// A session stands: connect its socket and call the list.
    pub(super) async fn session_stands(&mut self, session: Session) {
        self.end_session();
        self.clear_notice(Code::NoKeyring);
        let (now, jitter, reconfigure_after) = (self.wall(), self.jitter(), self.reconfigure_after());
        let Some(active) = &mut self.active else { return };
        let endpoint = &session.config().pusher;
        let options = pusher_client::Options::host(&endpoint.key, &endpoint.host, endpoint.port, endpoint.tls)
            .client_name("traybell");
        let scope = Scope::Session(self.epoch);
        let reports = Reports { scope, news: self.news.clone() };
        let connected = self.network.live.connect(options, session.authorizer(), &session.channel(), reports).await;
        let was_rejected = active.link.rejected.take().is_some();
        active.alerts.tell_rejected = false;
        active.resume_at = None;
        match connected {
            Ok(client) => active.live = Some(client),
            Err(error) => {
                let problem = Problem::new(Code::BadAnswer, format!("The live channel cannot be used: {error}."), "");
                return active.resume_failed(problem, now, jitter, None);
            }
        }
        active.link.failing = None;
        active.resume_failures = 0;
        active.person_refused = false;
        active.session = Some(Arc::new(session));
        active.socket_down(now, None, reconfigure_after);
        active.list.trigger(Instant::now(), SUBSCRIBE_FIRST);
        if was_rejected {
            self.withdraw_targets(vec![AlertTarget::SignIn]);
        }
        self.reread_config_later();
        self.retry_marks_now();
    }

    /// Ends the session, not the account: what its tasks still report is dropped.
    pub(super) fn end_session(&mut self) {
        self.epoch += 1;
        let now = self.wall();
        if let Some(client) = self.active.as_mut().and_then(|active| active.drop_session(now)) {
            tokio::spawn(async move { client.shutdown().await });
        }
    }

    /// The sid was refused: everything is kept, the person is told once and asked for a new one.
    pub(super) fn reject(&mut self, problem: &Problem) {
        self.end_session();
        let now = self.wall();
        let Some(active) = &mut self.active else { return };
        active.resume_at = None;
        active.link.failing = None;
        active.link.rejected = Some((problem.clone(), now));
        active.end_flush(&Err(problem.clone()));
        active.alerts.tell_rejected = true;
        tracing::info!("the session id was refused; a new one is needed");
        self.alerts_possible();
    }

    fn socket_changed(&mut self, state: &State) {
        let (now, reconfigure_after) = (self.wall(), self.reconfigure_after());
        let Some(active) = &mut self.active else { return };
        match state {
            State::Waiting { .. } => active.socket_down(now, None, reconfigure_after),
            State::Failed { code, reason } => {
                active.socket_down(now, Some(problems::socket_lost(&format!("{reason} ({code})"))), reconfigure_after);
            }
            State::Connected { .. } => active.reconfigure_at = None,
            // Whether messages arrive is known by the subscription alone.
            _ => {}
        }
    }

    fn client_reported(&mut self, event: ClientEvent) {
        let (now, jitter, reconfigure_after) = (self.wall(), self.jitter(), self.reconfigure_after());
        let Some(active) = &mut self.active else { return };
        match event {
            ClientEvent::Lost { code, reason, .. } => {
                tracing::info!(?code, %reason, "the live connection was lost");
                active.socket_down(now, Some(problems::socket_lost(&reason)), reconfigure_after);
            }
            // Told here, in one order with what was lost, and not by the channel's own stream.
            ClientEvent::Subscribed { .. } => self.subscribed(),
            ClientEvent::Gap(gap) => {
                // The channel's name holds the user's.
                tracing::info!(since = ?gap.since, until = ?gap.until, "messages may have been missed; the list is called");
                self.counters.gaps += 1;
                active.currency.missed();
                active.list.trigger(Instant::now(), SPREAD.mul_f64(jitter));
            }
            ClientEvent::AuthorizationFailed { status, message, .. } => {
                tracing::warn!(?status, "the server refused the live channel");
                // The socket itself stands, so host and key are right; and the server may have asked for patience.
                active.link.socket_down(now, None);
                active.reconfigure_at = None;
                active.link.refused_channel = Some(problems::channel_refused(&message));
                // The list call tells whether it is the sid that is no longer accepted.
                active.list.trigger(Instant::now(), Duration::ZERO);
            }
            ClientEvent::SubscriptionDelayed { reason, retry_in, .. } => {
                tracing::info!(%reason, ?retry_in, "the live channel is not there yet");
                // The socket itself stands, so host and key are right.
                active.link.socket_down(now, Some(problems::channel_delayed(&reason)));
            }
            // Its words may repeat the channel's name, or what the channel was authorized with.
            ClientEvent::ServerError { code, .. } => {
                tracing::warn!(?code, "the channel server complains");
            }
            ClientEvent::Malformed { .. } => self.unreadable(),
            // Among them may have been a gap.
            ClientEvent::Lagged(missed) => self.lagged(missed),
            _ => {}
        }
    }

    fn subscribed(&mut self) {
        let now = self.wall();
        let Some(active) = &mut self.active else { return };
        active.link.socket_live(now);
        active.reconfigure_at = None;
        // After a gap its own report has called for the list, spread; this is for the first subscription.
        if !active.subscribed_before {
            active.subscribed_before = true;
            active.currency.missed();
            active.list.trigger(Instant::now(), Duration::ZERO);
        }
    }

    fn lagged(&mut self, missed: u64) {
        tracing::warn!(missed, "live messages or reports of the socket were missed; the list is called");
        if let Some(active) = &mut self.active {
            active.currency.missed();
            active.list.trigger(Instant::now(), Duration::ZERO);
        }
    }
}
