//! [`Server`]: answers on the local socket for as long as it lives. It must never wait on one asker in the other's time,
//! or hold more than a few connections.

use std::{io, sync::Arc, time::Duration};

use inbox::{Code, Handle, Keep, Problem, SessionView, SignIn, SignOut, Socket, View};
use interprocess::local_socket::tokio::{Listener, Stream, prelude::*};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinHandle,
    time::timeout,
};

use super::{
    address::Address,
    lock::Lock,
    protocol::{self, Greeting, MAX_REQUEST, Outcome, Request},
};
use crate::{folder::Folder, link::SignInLink};

/// Askers at a time; more wait.
const CONNECTIONS: usize = 16;
/// Those who follow the view at a time; they take no place of the askers'.
const WATCHERS: usize = 64;
/// A connection that asks nothing at all for so long is closed.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// One that asked before and may ask again, such as a `list` whose reader pages through it.
const IDLE: Duration = Duration::from_mins(10);
/// A program that does not read its answer for so long is gone.
const WRITE_LIMIT: Duration = Duration::from_secs(30);
/// How long `status` and the like wait for a first connection before they answer "connecting".
const SETTLE: Duration = Duration::from_secs(15);

/// What a second start of the app leads to: the window is shown, or why not.
pub type OnShow = Arc<dyn Fn(Option<SignInLink>) -> Result<(), Problem> + Send + Sync>;

/// Listening; stops and removes the socket when dropped.
#[derive(Debug)]
pub struct Server {
    task: JoinHandle<()>,
    places: Places,
}

/// The socket, removed at the end unless it is somebody else's by then.
struct Listening {
    listener: Listener,
    address: Address,
    lock: Arc<Lock>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        if !self.lock.is_ours() {
            return;
        }
        if let Err(error) = self.address.remove() {
            tracing::info!(%error, "the control socket stays behind");
        }
    }
}

/// How many more are taken in.
#[derive(Debug, Clone)]
struct Places {
    askers: Arc<Semaphore>,
    watchers: Arc<Semaphore>,
}

impl Server {
    /// Starts to listen in `folder`. Runs on the current tokio runtime.
    pub fn start(folder: &Folder, lock: Arc<Lock>, handle: Handle, on_show: OnShow) -> Result<Self, Problem> {
        let address = Address::to_listen(folder).map_err(|error| folder.unwritable(&error))?;
        let listener = address
            .options()
            .and_then(|options| options.reclaim_name(false).create_tokio())
            .map_err(|error| folder.unwritable(&error))?;
        let listening = Listening { listener, address, lock };
        let places =
            Places { askers: Arc::new(Semaphore::new(CONNECTIONS)), watchers: Arc::new(Semaphore::new(WATCHERS)) };
        let taken = places.clone();
        let task = tokio::spawn(async move {
            accept(&listening.listener, &taken, &handle, &on_show).await;
        });
        Ok(Self { task, places })
    }

    /// Takes no more askers, and lets those that are there finish within `limit`.
    pub async fn drain(mut self, limit: Duration) {
        self.stop().await;
        let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
        // Those that have not finished by then are cut off with the program.
        let _ = timeout(limit, self.places.askers.acquire_many(all)).await;
    }

    /// Stops listening and removes the socket.
    pub async fn close(mut self) {
        self.stop().await;
    }

    async fn stop(&mut self) {
        self.task.abort();
        // An error says that it was aborted, as asked.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: &Listener, places: &Places, handle: &Handle, on_show: &OnShow) {
    loop {
        let Ok(place) = Arc::clone(&places.askers).acquire_owned().await else { return };
        match listener.accept().await {
            Ok(stream) => {
                let (handle, on_show, watchers) = (handle.clone(), Arc::clone(on_show), Arc::clone(&places.watchers));
                tokio::spawn(async move {
                    if let Err(error) = converse(BufReader::new(stream), &handle, &on_show, place, watchers).await {
                        tracing::debug!(%error, "a control connection ended");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a control connection could not be taken");
                // Out of file handles, most likely: not a reason to spin.
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

async fn converse(
    mut stream: BufReader<Stream>,
    handle: &Handle,
    on_show: &OnShow,
    place: OwnedSemaphorePermit,
    watchers: Arc<Semaphore>,
) -> io::Result<()> {
    send(&mut stream, Greeting { ready: true }).await?;
    let mut idle = FIRST_REQUEST;
    loop {
        let Ok(read) = timeout(idle, protocol::read(&mut stream, MAX_REQUEST)).await else { return Ok(()) };
        idle = IDLE;
        let outcome = match read {
            Ok(None) => return Ok(()),
            Ok(Some(Request::Watch)) => match watchers.try_acquire_owned() {
                Ok(_watching) => {
                    drop(place);
                    return watch(stream, handle.view()).await;
                }
                Err(_) => return send(&mut stream, Outcome::Failed(too_many())).await,
            },
            Ok(Some(Request::Show { link })) => on_show(link).map(|()| Value::Null),
            Ok(Some(request)) => tokio::select! {
                outcome = answer(handle, request) => outcome,
                // A sign-out that waits is none that anybody waits for any more.
                () = hung_up(&mut stream) => return Ok(()),
            },
            Err(problem) => {
                // What follows a line that cannot be read cannot be trusted to begin where a line does.
                return send(&mut stream, Outcome::Failed(problem)).await;
            }
        };
        send(&mut stream, outcome.map_or_else(Outcome::Failed, Outcome::Done)).await?;
    }
}

/// The view now and at each change, until the asker hangs up or the controller ends.
async fn watch(mut stream: BufReader<Stream>, mut view: watch::Receiver<View>) -> io::Result<()> {
    loop {
        let now = view.borrow_and_update().clone();
        let outcome = json(&now).map_or_else(Outcome::Failed, Outcome::Done);
        send(&mut stream, outcome).await?;
        tokio::select! {
            changed = view.changed() => if changed.is_err() { return Ok(()) },
            // Nothing more is asked on this connection: whatever can be read is that it was closed.
            _ = stream.fill_buf() => return Ok(()),
        }
    }
}

/// Answers when the asker has hung up; what is asked meanwhile waits its turn.
async fn hung_up(stream: &mut BufReader<Stream>) {
    match stream.fill_buf().await {
        Ok(more) if !more.is_empty() => std::future::pending().await,
        Ok(_) | Err(_) => {}
    }
}

fn too_many() -> Problem {
    Problem::new(Code::Internal, format!("{WATCHERS} programs follow Traybell's status already."), "End some of them.")
}

async fn send(stream: &mut BufReader<Stream>, line: impl serde::Serialize) -> io::Result<()> {
    let line = protocol::write(line).map_err(io::Error::other)?;
    timeout(WRITE_LIMIT, stream.get_mut().write_all(&line)).await?
}

/// Answers one request from the controller. The command line without a running app asks its own controller by this.
pub async fn answer(handle: &Handle, request: Request) -> Result<Value, Problem> {
    match request {
        Request::View => json(&settled(handle).await),
        Request::Page { query, cursor, limit } => json(&handle.page(query, cursor, limit).await?),
        Request::MarkRead { id } => json(&handle.mark_read(id).await?),
        Request::MarkAllRead => json(&handle.mark_all_read().await?),
        Request::Flush => json(&handle.flush().await?),
        Request::SignIn { environment, brand, sid, session_only, insecure_confirmed } => {
            let keep = if session_only { Keep::SessionOnly } else { Keep::Keyring };
            json(&handle.sign_in(SignIn { environment, brand, sid: sid.0, keep, insecure_confirmed }).await?)
        }
        Request::SignOut { discard, purge } => json(&handle.sign_out(SignOut { discard, purge }).await?),
        Request::Pause { length: Some(length) } => json(&handle.pause(length).await?),
        Request::Pause { length: None } => json(&handle.resume().await?),
        Request::Settings => json(&handle.settings().await?),
        Request::Show { .. } | Request::Watch => {
            Err(Problem::new(Code::Internal, "Only a running Traybell can do this.", "Start Traybell."))
        }
    }
}

/// The view once it says where the session stands, or as it is after a while.
async fn settled(handle: &Handle) -> View {
    let mut view = handle.view();
    // Neither the limit nor a controller that ended is an error: the view says how far it came.
    let _ = timeout(SETTLE, view.wait_for(is_settled)).await;
    view.borrow().clone()
}

fn is_settled(view: &View) -> bool {
    match &view.session {
        SessionView::SigningIn { .. } | SessionView::Online { socket: Socket::Connecting, .. } => false,
        // What was sent meanwhile is there after the list. It is called by a session whose socket alone is down, too.
        SessionView::Online { socket: Socket::Live, .. } => view.up_to_date,
        SessionView::Offline { problem, .. } if problem.code == Code::NoLiveConnection => view.up_to_date,
        SessionView::SignedOut { .. } | SessionView::Offline { .. } | SessionView::Rejected { .. } => true,
    }
}

fn json<T: serde::Serialize>(value: &T) -> Result<Value, Problem> {
    serde_json::to_value(value)
        .map_err(|error| Problem::new(Code::Internal, format!("An answer could not be written: {error}."), ""))
}
