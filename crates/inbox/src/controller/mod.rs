//! The controller: one task that owns all state of the product. In come requests, news of its background tasks and
//! timers; out go calls on the [`Host`] and one `watch` of the [`View`]. It must never wait for the network itself:
//! whatever takes time is a task that reports back.

mod active;
mod alerting;
mod clock;
mod completing;
mod configuration;
mod listing;
mod live;
#[cfg(test)]
mod model;
mod network;
mod news;
mod nudge;
mod outbox;
mod policy;
mod problems;
mod requests;
mod retaining;
mod schedule;
mod session;
mod settings;
mod showing;
mod sign_out;
mod standing;
mod sync;
mod wording;

use std::{panic::AssertUnwindSafe, path::PathBuf, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use jiff::{Timestamp, tz::TimeZone};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use self::{
    active::Active,
    clock::Clock,
    network::Network,
    news::{News, Scope, What},
};
use crate::{
    Code, Counters, Handle, Host, LastAccount, Problem, Secrets, Step, TrayView, View,
    handle::{Answer, Request},
    secrets::Keeper,
    settings::Kept,
    store::{Store, StoreError, private_files},
};

/// How often expired messages are cleared and the view is looked at again.
const TICK: Duration = Duration::from_secs(30);
/// After a panic the controller starts again after this long, so that a loop of panics cannot eat the machine.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// Long enough that a server's restart, or a second failed try, costs no log-in.
const RECONFIGURE_AFTER: Duration = Duration::from_mins(2);

/// One small call an hour, without a log-in.
const REREAD_CONFIG_AFTER: Duration = Duration::from_hours(1);

/// How a controller is set up.
pub struct Options {
    /// The folder of all files; created when missing.
    pub data_dir: PathBuf,
    /// Where the sid is kept.
    pub secrets: Arc<dyn Secrets>,
    /// Whether a person is here to be addressed: native notifications are raised, and the keyring may be asked to forget
    /// what an earlier run left in it. The command line without the app leaves both to the app's next start.
    pub alerts: bool,
    /// A socket that is down for this long, up to three times as long, has its config read again: host or key may have
    /// changed. Each time costs the server a log-in.
    pub reconfigure_after: Duration,
    /// While the session stands the config is read again after this long, up to half as long again: what moved is followed
    /// also where the old server still answers.
    pub reread_config_after: Duration,
    /// The clock on the wall.
    pub now: fn() -> Timestamp,
    /// Where the person is: quiet hours are by the clock there.
    pub zone: fn() -> TimeZone,
    /// Randomness in 0..1, for jitter.
    pub jitter: fn() -> f64,
}

impl Options {
    /// The usual set-up of the app.
    pub fn new(data_dir: PathBuf, secrets: Arc<dyn Secrets>) -> Self {
        Self {
            data_dir,
            secrets,
            alerts: true,
            reconfigure_after: RECONFIGURE_AFTER,
            reread_config_after: REREAD_CONFIG_AFTER,
            now: Timestamp::now,
            zone: TimeZone::system,
            jitter: rand::random::<f64>,
        }
    }
}

/// Starts the controller on the current tokio runtime: opens the store of the last account and resumes its session in
/// the background. Fails only when the data folder cannot be used.
pub async fn start<H: Host>(options: Options, host: Arc<H>) -> Result<Handle, Problem> {
    let network = Network::new().map_err(|error| problems::call(&error))?;
    start_on(network, options, host)
}

fn start_on<H: Host>(network: Network, options: Options, host: Arc<H>) -> Result<Handle, Problem> {
    private_files::make_dir(&options.data_dir)?;
    let (requests, incoming) = mpsc::channel(64);
    let (view, watched) = watch::channel(View::signed_out());
    let keeper = Keeper::new(Arc::clone(&options.secrets), options.data_dir.clone());
    let mut controller = Controller::new(Arc::new(options), network, host, keeper, Arc::new(view));
    controller.resume_last()?;
    controller.publish();
    tokio::spawn(supervise(controller, incoming));
    Ok(Handle { requests, view: watched })
}

/// Runs the controller until it is shut down; a panic restarts it with what the store holds.
async fn supervise<H: Host>(mut controller: Controller<H>, mut incoming: mpsc::Receiver<Request>) {
    loop {
        let (options, host, view) =
            (Arc::clone(&controller.options), Arc::clone(&controller.host), Arc::clone(&controller.view));
        let (network, keeper) = (controller.network.clone(), controller.keeper.clone());
        let ended = AssertUnwindSafe(controller.run(&mut incoming)).catch_unwind().await;
        if ended.is_ok() {
            return;
        }
        tracing::error!("the controller panicked and is started again");
        // The one thing that no store holds: without it a session-only account would ask for the sid again.
        let sid = controller
            .active
            .as_mut()
            .and_then(|active| Some((active.account.id.clone(), active.session_only_sid.take()?)));
        drop(controller);
        controller = loop {
            tokio::time::sleep(RESTART_AFTER).await;
            let mut fresh = Controller::new(
                Arc::clone(&options),
                network.clone(),
                Arc::clone(&host),
                keeper.clone(),
                Arc::clone(&view),
            );
            match fresh.resume_last() {
                Ok(()) => break fresh,
                Err(problem) => tracing::error!(%problem, "the controller could not be started again"),
            }
        };
        if let (Some((account, sid)), Some(active)) = (sid, &mut controller.active)
            && active.account.id == account
        {
            active.session_only_sid = Some(sid);
        }
        controller.publish();
    }
}

/// A sign-in by the person under way.
struct SigningIn {
    step: Step,
    answer: Answer<()>,
}

struct Controller<H> {
    options: Arc<Options>,
    host: Arc<H>,
    network: Network,
    keeper: Keeper,
    view: Arc<watch::Sender<View>>,
    news: mpsc::Sender<News>,
    incoming_news: mpsc::Receiver<News>,
    active: Option<Active>,
    signing_in: Option<SigningIn>,
    /// Why the last sign-in did not succeed.
    sign_in_problem: Option<Problem>,
    /// What the person decided.
    kept: Kept,
    watching: settings::Watching,
    /// The settings on the disk could not be used, and are set aside before others are written.
    settings_unusable: bool,
    notices: Vec<Problem>,
    counters: Counters,
    /// Rises with each change of account or session: older news is dropped.
    epoch: u64,
    /// Rises when another account's list, or none, is shown.
    generation: u64,
    tray: Option<TrayView>,
    next_tick: Instant,
}

/// Whether the loop goes on.
enum Flow {
    Continue,
    Stop(Option<oneshot::Sender<()>>),
}

impl<H: Host> Controller<H> {
    fn new(
        options: Arc<Options>,
        network: Network,
        host: Arc<H>,
        keeper: Keeper,
        view: Arc<watch::Sender<View>>,
    ) -> Self {
        let (news, incoming_news) = mpsc::channel(256);
        let (kept, unusable) = Kept::read(&options.data_dir);
        Self {
            options,
            keeper,
            host,
            network,
            view,
            news,
            incoming_news,
            active: None,
            signing_in: None,
            sign_in_problem: None,
            kept,
            settings_unusable: unusable.is_some(),
            watching: settings::Watching::default(),
            notices: unusable.into_iter().collect(),
            counters: Counters::default(),
            epoch: 0,
            generation: 0,
            tray: None,
            next_tick: Instant::now() + TICK,
        }
    }

    /// This machine's clock: for what the person compares with it.
    fn wall(&self) -> Timestamp {
        (self.options.now)()
    }

    /// The server's clock, as far as is known: what messages say of themselves is judged by it.
    fn now(&self) -> Timestamp {
        let wall = self.wall();
        self.active.as_ref().map_or(wall, |active| active.clock.server(wall))
    }

    fn jitter(&self) -> f64 {
        (self.options.jitter)()
    }

    /// Opens the store of the account that was signed in last, if any.
    fn resume_last(&mut self) -> Result<(), Problem> {
        let last = LastAccount::read(&self.options.data_dir)?;
        // It may raise a prompt, which a command that ends at once would leave behind.
        if self.options.alerts {
            self.keeper.forget_unclaimed(|id| last.as_ref().is_some_and(|last| last.keeps_sid_of(id)));
        }
        let Some(account) = last else { return Ok(()) };
        let active = self.open(account)?;
        self.take_on(active);
        Ok(())
    }

    /// Opens the store of an account.
    fn open(&mut self, account: LastAccount) -> Result<Active, StoreError> {
        let opened = Store::open(&self.options.data_dir, &account.id)?;
        self.store_was_reset(opened.reset);
        let store = opened.store;
        let clock = Clock::kept(store.meta(clock::KEY)?);
        let interrupted = store.interrupted(clock.server(self.wall()))?;
        let mut active = Active::new(account, store, interrupted, self.wall());
        active.clock = clock;
        Ok(active)
    }

    /// From here on this account is the one; what was begun for another is over.
    fn take_on(&mut self, active: Active) {
        self.epoch += 1;
        self.generation += 1;
        self.active = Some(active);
    }

    async fn run(&mut self, incoming: &mut mpsc::Receiver<Request>) {
        loop {
            let deadline = self.deadline();
            let flow = tokio::select! {
                request = incoming.recv() => match request {
                    Some(request) => self.on_request(request),
                    None => Flow::Stop(None),
                },
                news = self.incoming_news.recv() => {
                    // The sender is in `self`: this never ends.
                    if let Some(news) = news { self.on_news(news).await; }
                    Flow::Continue
                },
                () = tokio::time::sleep_until(deadline) => Flow::Continue,
            };
            if let Flow::Stop(done) = flow {
                self.stop().await;
                if let Some(done) = done {
                    // Whoever asked may be gone: the end is the same.
                    let _ = done.send(());
                }
                return;
            }
            self.on_time();
            self.publish();
        }
    }

    /// The next moment at which something is to be done without being asked.
    fn deadline(&self) -> Instant {
        let mut deadline = self.next_tick;
        if let Some(held) = self.held() {
            deadline = deadline.min(self.instant_of(held.until));
        }
        let Some(active) = &self.active else { return deadline };
        let mut by = |at: Option<Instant>| deadline = at.map_or(deadline, |at| deadline.min(at));
        if self.signing_in.is_none() {
            by(active.resume_at);
        }
        by(Some(active.retain_at));
        by(active.nudges.deadline(Instant::now()));
        if active.session.is_some() {
            by(active.list.deadline());
            by(active.reread_config_at);
            by(self.outbox_deadline(active));
        }
        if !active.alerts.under_way {
            by(active.alerts.not_before);
        }
        by(active.link.offline_at(Instant::now()));
        by(active.reconfigure_at);
        deadline
    }

    /// Whatever is due by now.
    fn on_time(&mut self) {
        let now = Instant::now();
        if now >= self.next_tick {
            self.next_tick = now + TICK;
            self.purge_expired();
        }
        self.act_on_nudge(now);
        self.resume_if_due(now);
        self.reread_config_if_due(now);
        self.list_if_due(now);
        self.send_due_marks();
        self.alert_pending(now);
        self.retain_if_due(now);
        self.answer_flush();
        self.leave_if_ready();
    }

    /// The socket is closed politely; everything else is in the store already.
    async fn stop(&mut self) {
        self.epoch += 1;
        if let Some(active) = &mut self.active
            && let Some(client) = active.live.take()
            && tokio::time::timeout(Duration::from_secs(2), client.shutdown()).await.is_err()
        {
            tracing::warn!("the socket did not close in time");
        }
        self.active = None;
    }

    /// Runs a task whose report counts as long as this session stands.
    fn spawn_for_session(&self, task: impl Future<Output = What> + Send + 'static) {
        self.spawn(Scope::Session(self.epoch), task);
    }

    /// Runs a task whose report counts as long as this account is signed in.
    fn spawn_for_account(&self, task: impl Future<Output = What> + Send + 'static) {
        self.spawn(Scope::Account(self.generation), task);
    }

    fn spawn(&self, scope: Scope, task: impl Future<Output = What> + Send + 'static) {
        let news = self.news.clone();
        tokio::spawn(async move {
            // Whatever waits for a report that never comes would wait for ever: the controller starts anew.
            let what = AssertUnwindSafe(task).catch_unwind().await.unwrap_or(What::Panicked);
            // A controller that is gone needs no report.
            let _ = news.send(News { scope, what }).await;
        });
    }

    /// Adds or replaces a notice.
    fn set_notice(&mut self, notice: Problem) {
        self.clear_notice(notice.code);
        self.notices.push(notice);
    }

    fn clear_notice(&mut self, code: Code) {
        self.notices.retain(|notice| notice.code != code);
    }

    /// What the store answered to a change; a failure becomes a notice, and is over once a change succeeds again.
    fn stored<T>(&mut self, result: Result<T, StoreError>) -> Option<T> {
        if result.is_ok() {
            self.clear_notice(Code::StoreFailed);
        }
        self.found(result)
    }

    /// What the store answered to a question; a failure becomes a notice. That it can be read does not mean that it can
    /// be written.
    fn found<T>(&mut self, result: Result<T, StoreError>) -> Option<T> {
        let error = match result {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        tracing::error!(%error, "the store failed");
        if matches!(error, StoreError::Corrupt { .. }) {
            self.start_store_anew();
        } else {
            self.set_notice(error.into());
        }
        None
    }

    /// The file was found damaged in use: what is sound in it is taken over, or the messages are fetched again.
    fn start_store_anew(&mut self) {
        let now = self.now();
        let Some(mut active) = self.active.take() else { return };
        match active.store.set_aside() {
            Ok(opened) => {
                active.store = opened.store;
                // What could be saved of the damaged file is here again, with what was being alerted.
                active.alerts.interrupted = active.store.interrupted(now).unwrap_or_default();
                active.marking.clear();
                // What is with the notification service reports for the file that is gone, so it is not waited for.
                active.alerts.under_way = false;
                active.alerts.not_before = None;
                active.currency.missed();
                active.list.trigger_now(Instant::now());
                self.active = Some(active);
                self.generation += 1;
                self.store_was_reset(opened.reset);
            }
            // Without a store there is no account to show; the next start tries again.
            Err(error) => self.set_notice(error.into()),
        }
    }

    fn store_was_reset(&mut self, aside: Option<PathBuf>) {
        let Some(aside) = aside else { return };
        self.set_notice(Problem::new(
            Code::StoreReset,
            "The message file was damaged and a new one was started.",
            format!("Messages are fetched again from the server. The damaged file is kept as {}.", aside.display()),
        ));
    }
}
