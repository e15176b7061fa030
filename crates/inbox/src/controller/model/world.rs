//! [`World`]: one account on a machine whose program runs, crashes and starts again, and how each step is carried out.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::SignedDuration;
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{
    channel::Channel,
    clock::Clocks,
    desktop::{Desktop, Memory},
    server::{BRAND, ENVIRONMENT, Server, USER, numbers},
    step::{Service, Step},
};
use crate::{
    AccountId, Code, Handle, Keep, LastAccount, MemorySecrets, Options, Problem, Query, Row, Secrets, SessionView,
    SignIn, Store, Tab, View,
    controller::{network::Network, start_on},
};

/// What the person decided about a message last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Read, when so many refusals had been given.
    Read { refusals: u32 },
    /// Unread on this device.
    Unread,
    /// Deleted from this device. `read`: it was marked before.
    Deleted { read: Option<u32> },
}

/// One sequence's world.
pub(super) struct World {
    pub(super) clocks: Clocks,
    pub(super) server: Arc<Server>,
    pub(super) memory: Arc<Mutex<Memory>>,
    pub(super) decisions: HashMap<usize, Decision>,
    network: Network,
    secrets: Arc<MemorySecrets>,
    elapsed: SignedDuration,
    run: Option<Run>,
    /// Removed last, when nothing in it is open any more.
    folder: TempDir,
}

/// One run of the program.
pub(super) struct Run {
    pub(super) handle: Handle,
    pub(super) desktop: Arc<Desktop>,
    runtime: Runtime,
}

impl World {
    /// A world in which the program was signed in before and now starts.
    pub(super) fn new(network: &Network, template: &Template, seed: u64) -> Self {
        let clocks = Clocks::of_this_thread();
        clocks.reset();
        super::jitter::begin(seed);
        let server = Server::new(clocks);
        let folder = folder();
        template.copy_to(folder.path());
        let network = Network {
            http: network.http.clone().carried_by(Arc::clone(&server) as Arc<dyn fasttrack_client::Carrier>),
            live: Arc::new(Channel(Arc::clone(&server))),
        };
        let mut world = Self {
            clocks,
            server,
            memory: Arc::default(),
            decisions: HashMap::new(),
            network,
            secrets: Arc::default(),
            elapsed: SignedDuration::ZERO,
            run: None,
            folder,
        };
        world.start(true);
        world
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn run(&self) -> &Run {
        self.run.as_ref().unwrap()
    }

    fn start(&mut self, first: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let secrets: Arc<dyn Secrets> = self.secrets.clone();
        let options = Options {
            now: self.clocks.wall(),
            jitter: super::jitter::next,
            ..Options::new(self.folder.path().to_owned(), secrets)
        };
        let store = rusqlite::Connection::open(Template::store(self.folder.path())).unwrap();
        let desktop = Desktop::new(self.clocks, Arc::clone(&self.server), Arc::clone(&self.memory), store);
        let desktop = Arc::new(desktop);
        let handle = runtime.block_on(async {
            self.clocks.begin(self.elapsed);
            if first {
                self.secrets.set(&account(), &SecretString::from(self.server.sid())).await.unwrap();
            }
            start_on(self.network.clone(), options, Arc::clone(&desktop)).unwrap()
        });
        self.run = Some(Run { handle, desktop, runtime });
    }

    /// The program is gone, whatever it was about to do.
    fn end(&mut self) {
        let run = self.run.take().unwrap();
        self.elapsed = run.runtime.block_on(async { self.clocks.elapsed() });
        drop(run);
        self.server.hang_up();
    }

    /// Lets time pass.
    pub(super) fn sleep(&self, time: Duration) {
        self.run().runtime.block_on(async { tokio::time::sleep(time).await });
    }

    /// Asks the program, within a time that no person waits for longer.
    pub(super) fn ask<T>(&self, ask: impl Future<Output = T>) -> Result<T, String> {
        let limit = Duration::from_mins(3);
        let answer = self.run().runtime.block_on(async { tokio::time::timeout(limit, ask).await });
        answer.map_err(|_| "a request was not answered".to_owned())
    }

    pub(super) fn view(&self) -> View {
        self.run().handle.view().borrow().clone()
    }

    /// Everything that the list shows.
    pub(super) fn rows(&self, tab: Tab) -> Result<Vec<Row>, String> {
        let page = self.ask(self.run().handle.page(Query { tab, ..Query::default() }, None, 200))?;
        page.map(|page| page.rows).map_err(|problem| format!("the list cannot be shown: {problem:?}"))
    }

    /// The list, what of it is unread, and the view, all of one moment: news may come between two questions.
    pub(super) fn shown(&self) -> Result<(Vec<Row>, Vec<Row>, View), String> {
        loop {
            let before = self.view().revision;
            let (rows, unread) = (self.rows(Tab::All)?, self.rows(Tab::Unread)?);
            let view = self.view();
            if view.revision == before {
                return Ok((rows, unread, view));
            }
        }
    }

    fn row(&self, which: usize) -> Result<Option<(usize, Row)>, String> {
        let mut rows = self.rows(Tab::All)?;
        if rows.is_empty() {
            return Ok(None);
        }
        let row = rows.swap_remove(which % rows.len());
        Ok(numbers(&row.title).map(|(n, _)| (n, row)))
    }

    fn decide(&mut self, n: usize, decision: Decision) {
        self.memory().dealt_with.insert(n);
        self.decisions.insert(n, decision);
    }

    /// Does what a step says.
    pub(super) fn take(&mut self, step: &Step) -> Result<(), String> {
        let handle = self.run().handle.clone();
        match step {
            Step::Settle { asks } => return super::rules::settle(self, *asks),
            Step::Crash { after } => {
                self.sleep(Duration::from_millis((*after).into()));
                self.end();
                self.start(false);
            }
            Step::Restart => {
                self.ask(handle.shutdown())?;
                drop(handle);
                self.end();
                self.start(false);
            }
            Step::Sleep(seconds) => self.sleep(Duration::from_secs((*seconds).into())),
            Step::Notifications(service) => self.run().desktop.set_service(*service),
            Step::MarkRead(_) | Step::MarkUnread(_) | Step::Delete(_) | Step::Open(_) => self.act_on_row(step)?,
            Step::MarkAllRead => self.mark_all_read()?,
            // Refused where the person has to sign in first.
            Step::Refresh => drop(self.ask(handle.refresh())?),
            Step::OpenWindow => drop(self.ask(handle.window_opened())?),
            Step::SignIn => drop(self.sign_in()?),
            of_the_world => self.change(of_the_world),
        }
        // What was sent at this moment arrives.
        self.sleep(Duration::from_millis(1));
        super::rules::always(self)
    }

    fn mark_all_read(&mut self) -> Result<(), String> {
        let (before, messages) = (self.rows(Tab::All)?, self.server.messages());
        let of = |read: bool| before.iter().filter(move |row| row.read == read).map(known).collect::<Result<_, _>>();
        let (was_read, was_unread): (HashSet<usize>, HashSet<usize>) = (of(true)?, of(false)?);
        let handle = self.run().handle.clone();
        let marked = self.ask(handle.mark_all_read())?;
        marked.map_err(|problem| format!("all rows: {problem:?}"))?;
        for row in self.rows(Tab::All)? {
            let n = known(&row)?;
            // What came behind it is not read, and what the server refused at once is not read any more.
            if was_unread.contains(&n) || (row.read && !was_read.contains(&n)) {
                self.decide(n, Decision::Read { refusals: messages[n].refusals });
            }
        }
        Ok(())
    }

    fn change(&self, step: &Step) {
        match step {
            Step::Send(send) => self.run().runtime.block_on(async { self.server.send(send) }),
            Step::Resend { which, live, cut } => self.server.resend(*which, *live, *cut),
            Step::Repeat { which } => self.server.repeat(*which),
            Step::Expire { which, live } => {
                self.run().runtime.block_on(async { self.server.expire(*which, *live) });
            }
            Step::ReadElsewhere { which } => {
                if let Some(n) = self.server.read_elsewhere(*which) {
                    self.memory().dealt_with.insert(n);
                }
            }
            Step::Unlist { which } => self.server.unlist(*which),
            Step::Fault { part, fault, calls } => self.server.break_with(*part, *fault, *calls),
            Step::ExpireTokens => self.server.expire_tokens(),
            Step::RejectSid => self.server.reject_sid(),
            Step::Socket(up) => self.server.set_socket(*up),
            Step::Latency(millis) => self.server.set_latency(Duration::from_millis((*millis).into())),
            Step::Clock(minutes) => self.clocks.set_wrong_by(SignedDuration::from_mins((*minutes).into())),
            other => unreachable!("{other:?} is carried out elsewhere"),
        }
    }

    fn act_on_row(&mut self, step: &Step) -> Result<(), String> {
        let (Step::MarkRead(which) | Step::MarkUnread(which) | Step::Delete(which) | Step::Open(which)) = step else {
            unreachable!("{step:?} is about no row");
        };
        let Some((n, row)) = self.row(*which)? else { return Ok(()) };
        let handle = self.run().handle.clone();
        let before = self.decisions.get(&n).copied();
        let answered = match step {
            Step::MarkRead(_) => {
                let refusals = self.server.messages()[n].refusals;
                let marked = self.ask(handle.mark_read(row.id))?;
                // What was read already, and is so on this device alone, stays what it was.
                if marked.is_ok() && !(row.read && before.is_some()) {
                    self.decide(n, Decision::Read { refusals });
                }
                marked
            }
            Step::MarkUnread(_) => {
                let marked = self.ask(handle.mark_unread(row.id))?;
                let stored = self.run().desktop.stored();
                if stored.get(&n).is_some_and(|row| row.local_read == Some(false)) {
                    self.decide(n, Decision::Unread);
                }
                marked
            }
            Step::Delete(_) => {
                let deleted = self.ask(handle.delete(row.id))?;
                if deleted.is_ok() {
                    let read = match before {
                        Some(Decision::Read { refusals }) => Some(refusals),
                        _ => None,
                    };
                    self.decide(n, Decision::Deleted { read });
                }
                deleted
            }
            _ => self.ask(handle.detail(row.id))?.map(drop),
        };
        match answered {
            Err(problem) if !matches!(problem.code, Code::NotFound) => Err(format!("{step:?}: {problem:?}")),
            _ => Ok(()),
        }
    }

    /// The person signs in with the sid that is accepted; fails where nobody has to.
    pub(super) fn sign_in(&self) -> Result<Result<(), Problem>, String> {
        if matches!(self.view().session, SessionView::Rejected { .. }) {
            self.server.expects_sign_in();
        }
        let sign_in = SignIn {
            environment: ENVIRONMENT.to_owned(),
            brand: BRAND.to_owned(),
            sid: SecretString::from(self.server.sid()),
            keep: Keep::Keyring,
            insecure_confirmed: false,
        };
        self.ask(self.run().handle.sign_in(sign_in))
    }

    /// All faults end.
    pub(super) fn mend(&self) {
        self.server.mend();
        self.run().desktop.set_service(Service::Takes);
    }

    /// How long this has been going on.
    pub(super) fn now(&self) -> jiff::Timestamp {
        self.run().runtime.block_on(async { self.clocks.server() })
    }
}

/// Which message a row is of.
pub(super) fn known(row: &Row) -> Result<usize, String> {
    numbers(&row.title).map(|(n, _)| n).ok_or_else(|| format!("{:?} was never sent", row.title))
}

fn account() -> AccountId {
    // As a sign-in spells it.
    let environment = ENVIRONMENT.parse::<fasttrack_client::Environment>().unwrap().to_string();
    AccountId { environment, brand: BRAND.to_owned(), user: USER.to_owned() }
}

/// In memory where there is such a folder: thousands of stores are made.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A data folder of somebody who was signed in, to be copied: making a store's tables takes longer than most sequences.
pub(super) struct Template(TempDir);

impl Template {
    pub(super) fn new() -> Self {
        let folder = folder();
        drop(Store::open(folder.path(), &account()).unwrap());
        let name = "Darth Vader".to_owned();
        let last = LastAccount { id: account(), name, keep: Keep::Keyring, insecure_confirmed: false };
        last.write(folder.path()).unwrap();
        Self(folder)
    }

    fn copy_to(&self, folder: &std::path::Path) {
        for entry in std::fs::read_dir(self.0.path()).unwrap() {
            let from = entry.unwrap().path();
            std::fs::copy(&from, folder.join(from.file_name().unwrap())).unwrap();
        }
    }

    fn store(folder: &std::path::Path) -> PathBuf {
        let mut files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files.find(|path| path.extension().is_some_and(|it| it == "sqlite")).unwrap()
    }
}
