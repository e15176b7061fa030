//! A small server that does what the published schema of `TrackTik` says of events subscriptions: log-in, the calls on
//! subscriptions (checked as strictly as the schema reads), and call-outs for entities that a test creates and changes;
//! with a record of all it was asked, and faults on demand.
//!
//! It needs nothing of its neighbours, so that a crate's own tests can include it. It must never call out to anything but
//! `http` on this computer. What the schema does not say is marked as an assumption where it is made.

mod api;
pub mod check;
mod engine;
mod post;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use serde_json::{Map, Value};

/// The one OAuth client's id.
pub const CLIENT_ID: &str = "client-1";
/// The one OAuth client's secret.
pub const CLIENT_SECRET: &str = "client-secret-31415926";
/// The one user.
pub const USERNAME: &str = "darth";
/// The user's password.
pub const PASSWORD: &str = "password-27182818";
/// What the access tokens begin with.
pub const TOKEN: &str = "access-fedcba98";

/// One request, as it came.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// `GET`, `POST` …
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, without its mark.
    pub query: String,
    /// The headers, their names in lowercase.
    pub headers: HashMap<String, String>,
    /// The body, as text.
    pub body: String,
}

/// What the server does instead of its duty.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status, these headers, this body.
    Answer {
        /// The status.
        status: u16,
        /// Names and values.
        headers: Vec<(&'static str, String)>,
        /// The body.
        body: String,
    },
    /// Never answers.
    Silence,
    /// Does what it is asked, and answers 504 all the same: it took over 30 seconds.
    TooLate,
}

impl Fault {
    /// A bare status.
    pub fn status(status: u16) -> Self {
        Self::Answer { status, headers: Vec::new(), body: String::new() }
    }

    /// A status with a header.
    pub fn with(status: u16, name: &'static str, value: &str) -> Self {
        Self::Answer { status, headers: vec![(name, value.to_owned())], body: String::new() }
    }

    /// A status with a body.
    pub fn body(status: u16, body: impl Into<String>) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.into() }
    }
}

/// Whether a subscription calls out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Enabled,
    /// Not until it is enabled.
    Suspended,
    /// Never again, and lists do not show it.
    Archived,
}

/// A call-out that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallOut {
    /// The subscription's id.
    pub subscription: u64,
    /// The status of each try's answer; none: there was no answer, or it was not sent.
    pub tries: Vec<Option<u16>>,
}

/// A subscription, with its secret.
struct Stored {
    body: Map<String, Value>,
    standing: Standing,
    logs: Vec<Value>,
}

/// An entity, and the region it is of.
struct Entity {
    region: u64,
    json: Map<String, Value>,
}

/// What the server knows and was told to do.
struct Inside {
    seen: Vec<Seen>,
    tokens: HashSet<String>,
    refresh_tokens: HashSet<String>,
    given: u64,
    expires_in: Option<Value>,
    faults: Vec<(String, Fault, usize)>,
    bare: bool,
    created_status: u16,
    largest_page: usize,
    subscriptions: BTreeMap<u64, Stored>,
    parents: HashMap<u64, u64>,
    entities: HashMap<(String, u64), Entity>,
    next_id: u64,
    hidden: Option<Standing>,
    wrapped_call_outs: bool,
    plain_secret: bool,
    retries: usize,
    lost: usize,
    doubled: usize,
}

impl Default for Inside {
    fn default() -> Self {
        Self {
            seen: Vec::new(),
            tokens: HashSet::new(),
            refresh_tokens: HashSet::new(),
            given: 0,
            expires_in: Some(3600.into()),
            faults: Vec::new(),
            bare: false,
            created_status: 200,
            largest_page: 1000,
            subscriptions: BTreeMap::new(),
            parents: HashMap::new(),
            entities: HashMap::new(),
            next_id: 1000,
            hidden: Some(Standing::Archived),
            wrapped_call_outs: false,
            plain_secret: false,
            retries: 0,
            lost: 0,
            doubled: 0,
        }
    }
}

/// A running server. It ends with the test's runtime.
#[derive(Clone)]
pub struct TracktikFake {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    inside: Arc<Mutex<Inside>>,
}

impl TracktikFake {
    /// Starts one on a free port of loopback.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let fake = Self { url, inside: Arc::default() };
        let router = Router::new().fallback(answer).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    fn inside<T>(&self, action: impl FnOnce(&mut Inside) -> T) -> T {
        action(&mut self.inside.lock().expect("not poisoned"))
    }

    /// The next `times` requests whose `METHOD /path` holds `path` go wrong like this.
    pub fn fault(&self, path: &str, times: usize, fault: Fault) {
        self.inside(|inside| inside.faults.push((path.to_owned(), fault, times)));
    }

    /// No request goes wrong any more.
    pub fn heal(&self) {
        self.inside(|inside| inside.faults.clear());
    }

    /// All access tokens run out.
    pub fn expire_tokens(&self) {
        self.inside(|inside| inside.tokens.clear());
    }

    /// All refresh tokens run out.
    pub fn expire_refresh_tokens(&self) {
        self.inside(|inside| inside.refresh_tokens.clear());
    }

    /// What `expires_in` of the next tokens says; none: it is missing.
    pub fn set_expires_in(&self, value: Option<Value>) {
        self.inside(|inside| inside.expires_in = value);
    }

    /// Answers without `{meta, data}` around them.
    pub fn answer_bare(&self, bare: bool) {
        self.inside(|inside| inside.bare = bare);
    }

    /// The status of a create: 200 as the schema has it, or 201.
    pub fn set_created_status(&self, status: u16) {
        self.inside(|inside| inside.created_status = status);
    }

    /// Lists hold no more than so many, whatever is asked for.
    pub fn set_largest_page(&self, items: usize) {
        self.inside(|inside| inside.largest_page = items);
    }

    /// The requests whose `METHOD /path` holds `path`.
    pub fn seen(&self, path: &str) -> Vec<Seen> {
        let is_it = |seen: &&Seen| format!("{} {}", seen.method, seen.path).contains(path);
        self.inside(|inside| inside.seen.iter().filter(is_it).cloned().collect())
    }

    /// Requests for a token with this `grant_type`.
    pub fn log_ins(&self, grant_type: &str) -> usize {
        let wanted = format!("grant_type={grant_type}");
        self.seen("/rest/oauth2/access_token").iter().filter(|seen| seen.body.contains(&wanted)).count()
    }

    /// What a subscription was given, the secret too, and whether it calls out.
    pub fn stored(&self, id: u64) -> Option<(Value, Standing)> {
        self.inside(|inside| {
            inside.subscriptions.get(&id).map(|stored| (Value::Object(stored.body.clone()), stored.standing))
        })
    }

    /// The ids of all subscriptions, archived ones too.
    pub fn ids(&self) -> Vec<u64> {
        self.inside(|inside| inside.subscriptions.keys().copied().collect())
    }

    /// Puts a region below another.
    pub fn put_region_below(&self, region: u64, parent: u64) {
        self.inside(|inside| inside.parents.insert(region, parent));
    }

    /// Archived subscriptions are listed like all others: whether TrackTik does so is not published.
    pub fn list_archived(&self) {
        self.inside(|inside| inside.hidden = None);
    }

    /// Call-outs come as `{meta, data}`: which of the two forms is used is not published.
    pub fn wrap_call_outs(&self, wrapped: bool) {
        self.inside(|inside| inside.wrapped_call_outs = wrapped);
    }

    /// Call-outs hold the secret itself in place of the signature, as one article reads.
    pub fn send_plain_secret(&self, plain: bool) {
        self.inside(|inside| inside.plain_secret = plain);
    }

    /// How often a call-out that was not answered by 2xx is tried again, at once. No rule is published.
    pub fn set_retries(&self, retries: usize) {
        self.inside(|inside| inside.retries = retries);
    }

    /// The next `tries` of call-outs are lost before they are sent.
    pub fn lose_call_outs(&self, tries: usize) {
        self.inside(|inside| inside.lost = tries);
    }

    /// The next `call_outs` are sent twice.
    pub fn double_call_outs(&self, call_outs: usize) {
        self.inside(|inside| inside.doubled = call_outs);
    }
}

async fn answer(State(fake): State<TracktikFake>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("a small body");
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let line = format!("{} {}", seen.method, seen.path);
    let fault = fake.inside(|inside| {
        inside.seen.push(seen.clone());
        let (_, fault, times) =
            inside.faults.iter_mut().find(|(path, _, times)| *times > 0 && line.contains(path.as_str()))?;
        *times -= 1;
        Some(fault.clone())
    });
    match fault {
        Some(Fault::Silence) => std::future::pending().await,
        Some(Fault::Answer { status, headers, body }) => {
            let start = Response::builder().status(status);
            let builder = headers.into_iter().fold(start, |builder, (name, value)| builder.header(name, value));
            builder.body(Body::from(body)).expect("a response")
        }
        Some(Fault::TooLate) => {
            fake.inside(|inside| api::answer(inside, &seen));
            Response::builder().status(504).body(Body::empty()).expect("a response")
        }
        None => {
            let (status, body) = fake.inside(|inside| api::answer(inside, &seen));
            let builder = Response::builder().status(status).header("content-type", "application/json");
            builder.body(Body::from(body.to_string())).expect("a response")
        }
    }
}
