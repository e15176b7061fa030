//! [`Fasttrack`]: a Fast Track server that keeps to the wire and, when told, misbehaves: endpoint by endpoint, at run
//! time. It records every call with its headers and body. A second server, the *other host*, records whoever comes
//! by: nobody ever should.
//!
//! It runs on a thread of its own, so that a test that waits for a program does not stop it.

mod elsewhere;
mod endpoints;
mod fault;

use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use serde_json::{Value, json};

pub use self::fault::Fault;
use crate::message::Message;
use crate::sockudo::{AppKey, Sockudo};
use crate::wait;

/// The brand it serves.
pub const BRAND: &str = "acme";

/// The session id it accepts at first. Long and odd, so that finding it anywhere means a leak.
pub const SID: &str = "sid-7f3c9a52e8d14b06-do-not-leak-4471";

/// The parts of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `GET /api/v1/config/{brand}`.
    Config,
    /// `POST …/Platform/LoginAuthToken`.
    Login,
    /// `POST …/external/pusher/{brand}`.
    Authorization,
    /// `GET …/user-notifications`.
    List,
    /// `GET …/user-notification/{id}`.
    One,
    /// `POST …/MarkNotificationAsRead`.
    MarkRead,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Call {
    /// Which part of the API.
    pub endpoint: Endpoint,
    /// `GET` or `POST`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    /// As it came.
    pub body: String,
}

/// What the server knows.
pub(crate) struct State {
    pub(crate) sids: HashSet<String>,
    pub(crate) tokens: HashSet<String>,
    pub(crate) tokens_given: u64,
    pub(crate) messages: Vec<Value>,
    pub(crate) faults: HashMap<Endpoint, Fault>,
    pub(crate) calls: Vec<Call>,
    pub(crate) loads: HashMap<Endpoint, Load>,
    pub(crate) pusher: (AppKey, u16),
    pub(crate) address: SocketAddr,
    pub(crate) post_authorization: bool,
}

/// How many calls to a part of the API are answered now, and were at most.
#[derive(Default)]
pub(crate) struct Load {
    pub(crate) now: usize,
    pub(crate) most: usize,
}

pub(crate) type Shared = Arc<Mutex<State>>;

/// The server's brand id and user id in every answer.
pub const BRAND_ID: u64 = 7;
/// See [`BRAND_ID`].
pub const USER_ID: u64 = 123;

/// A running (or stopped) Fast Track server.
pub struct Fasttrack {
    state: Shared,
    running: Option<tokio::runtime::Runtime>,
    address: SocketAddr,
    other: OtherHost,
    next_id: u64,
}

impl Fasttrack {
    /// Starts one that sends its users to `pusher`.
    pub fn start(pusher: &Sockudo) -> Self {
        Self::pointing_at(pusher.app.clone(), pusher.port)
    }

    /// Starts one whose config names the Pusher server at this loopback port.
    pub fn pointing_at(app: AppKey, port: u16) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = State {
            sids: HashSet::from([SID.to_owned()]),
            tokens: HashSet::new(),
            tokens_given: 0,
            messages: Vec::new(),
            faults: HashMap::new(),
            calls: Vec::new(),
            loads: HashMap::new(),
            pusher: (app, port),
            address,
            post_authorization: true,
        };
        let state = Arc::new(Mutex::new(state));
        let running = serve(listener, endpoints::router(Arc::clone(&state)));
        Self { state, running: Some(running), address, other: OtherHost::start(), next_id: 1000 }
    }

    /// What a person enters as the environment.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The channel of its one user.
    pub fn channel(&self) -> String {
        format!("private-prisma-{BRAND_ID}-{USER_ID}")
    }

    /// The host nobody should come to.
    pub fn other_host(&self) -> &OtherHost {
        &self.other
    }

    /// Lets this part of the API misbehave from now on.
    pub fn break_with(&self, endpoint: Endpoint, fault: Fault) {
        self.state().faults.insert(endpoint, fault);
    }

    /// Lets this part of the API work again.
    pub fn mend(&self, endpoint: Endpoint) {
        self.state().faults.remove(&endpoint);
    }

    /// Every token it gave runs out.
    pub fn expire_tokens(&self) {
        self.state().tokens.clear();
    }

    /// No session id is accepted any more, and every token runs out.
    pub fn reject_sids(&self) {
        let mut state = self.state();
        state.sids.clear();
        state.tokens.clear();
    }

    /// Accepts this session id.
    pub fn accept(&self, sid: &str) {
        self.state().sids.insert(sid.to_owned());
    }

    /// Only the vendor's documented `GET` authorizes channels.
    pub fn authorize_by_get_only(&self) {
        self.state().post_authorization = false;
    }

    /// Puts a message into the list, without a word on the socket. Answers its id.
    pub fn add(&mut self, message: &Message) -> u64 {
        let value = self.next(message);
        let id = value["MessageId"].as_u64().unwrap_or(self.next_id);
        self.state().messages.push(value);
        id
    }

    /// Puts a message into the list and publishes it, as the real one does. Answers its id.
    pub async fn send(&mut self, pusher: &Sockudo, message: &Message) -> u64 {
        let value = self.next(message);
        let id = value["MessageId"].as_u64().unwrap_or(self.next_id);
        self.state().messages.push(value.clone());
        pusher.publish(&self.channel(), message.event(), &value).await.expect("sockudo takes what is published");
        id
    }

    /// Puts a message into the list and publishes it without its body, as where it is too large for the channel.
    /// Answers its id.
    pub async fn send_cut(&mut self, pusher: &Sockudo, message: &Message) -> u64 {
        let whole = self.next(message);
        let id = whole["MessageId"].as_u64().unwrap_or(self.next_id);
        let mut cut = whole.clone();
        if let Some(fields) = cut.as_object_mut() {
            fields.remove("Message");
        }
        self.state().messages.push(whole);
        pusher.publish(&self.channel(), message.event(), &cut).await.expect("sockudo takes what is published");
        id
    }

    /// What the list holds now, as it stands on the wire.
    pub fn messages(&self) -> Vec<Value> {
        self.state().messages.clone()
    }

    /// Changes a field of a message in the list, without a word on the socket: read on another device, expired, rewritten.
    pub fn change(&self, id: u64, field: &str, value: impl Into<Value>) {
        if let Some(message) = self.state().messages.iter_mut().find(|message| message["MessageId"] == id) {
            message[field] = value.into();
        }
    }

    /// Takes a message out of the list.
    pub fn remove(&self, id: u64) {
        self.state().messages.retain(|message| message["MessageId"] != id);
    }

    /// How many calls to this part of the API were under way at once, at most.
    pub fn most_at_once(&self, endpoint: Endpoint) -> usize {
        self.state().loads.get(&endpoint).map_or(0, |load| load.most)
    }

    /// Every call to this part of the API so far.
    pub fn calls(&self, endpoint: Endpoint) -> Vec<Call> {
        self.state().calls.iter().filter(|call| call.endpoint == endpoint).cloned().collect()
    }

    /// Every call so far.
    pub fn all_calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// The bodies of the read marks that arrived, in order.
    pub fn read_marks(&self) -> Vec<Value> {
        self.calls(Endpoint::MarkRead)
            .iter()
            .map(|call| serde_json::from_str(&call.body).unwrap_or_else(|_| json!(call.body)))
            .collect()
    }

    /// Waits until exactly these ids were marked read, each once.
    pub async fn await_read_marks(&self, ids: &[u64]) {
        let mut wanted: Vec<u64> = ids.to_vec();
        wanted.sort_unstable();
        wait::until(&format!("one MarkNotificationAsRead for each of {wanted:?}"), || async {
            let marks = self.read_marks();
            let mut seen: Vec<u64> = marks.iter().filter_map(|mark| mark["MessageId"].as_u64()).collect();
            seen.sort_unstable();
            if seen == wanted && marks.len() == wanted.len() { Ok(()) } else { Err(format!("{marks:?}")) }
        })
        .await;
    }

    /// Waits for another call to this part of the API beyond `before`.
    pub async fn await_calls(&self, endpoint: Endpoint, more_than: usize) {
        wait::until(&format!("more than {more_than} calls of {endpoint:?}"), || async {
            let calls = self.calls(endpoint).len();
            if calls > more_than { Ok(()) } else { Err(format!("{calls} calls")) }
        })
        .await;
    }

    /// The server goes away: every connection is cut, new ones are refused.
    pub fn stop(&mut self) {
        if let Some(runtime) = self.running.take() {
            runtime.shutdown_background();
        }
    }

    /// It comes back on the same address, knowing what it knew.
    pub async fn restart(&mut self) {
        self.stop();
        let address = self.address;
        let listener = wait::until("the old address", || async {
            std::net::TcpListener::bind(address).map_err(|error| error.to_string())
        })
        .await;
        self.running = Some(serve(listener, endpoints::router(Arc::clone(&self.state))));
    }

    fn next(&mut self, message: &Message) -> Value {
        self.next_id += 1;
        message.on_the_wire(self.next_id)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the lock")
    }
}

impl Drop for Fasttrack {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A server on another loopback address (`127.0.0.2`), which records what reaches it.
pub struct OtherHost {
    seen: Arc<Mutex<Vec<String>>>,
    running: Option<tokio::runtime::Runtime>,
    address: SocketAddr,
}

impl OtherHost {
    fn start() -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.2", 0)).expect("all of 127/8 is loopback");
        let address = listener.local_addr().expect("a bound socket has an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let router = Router::new().fallback(move |request: axum::extract::Request| {
            let record = Arc::clone(&record);
            async move {
                let line = format!("{} {} {:?}", request.method(), request.uri(), request.headers());
                record.lock().expect("nobody panics here").push(line);
                axum::Json(json!({"Data": [], "Success": true, "Errors": []}))
            }
        });
        Self { seen, running: Some(serve(listener, router)), address }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What reached it: method, path, headers.
    pub fn requests(&self) -> Vec<String> {
        self.seen.lock().expect("nobody panics here").clone()
    }
}

impl Drop for OtherHost {
    fn drop(&mut self) {
        if let Some(runtime) = self.running.take() {
            runtime.shutdown_background();
        }
    }
}

/// Serves on a runtime of its own, so that stopping it cuts every connection at once.
fn serve(listener: std::net::TcpListener, router: Router) -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .thread_name("fake")
        .build()
        .expect("a thread can be started");
    listener.set_nonblocking(true).expect("a socket can be non-blocking");
    runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).expect("inside the runtime");
        // Ends with the runtime.
        let _ = axum::serve(listener, router).await;
    });
    runtime
}
