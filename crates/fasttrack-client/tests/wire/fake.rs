//! A small Fast Track server: one brand, one user, tokens that run out, a record of all it was asked, and faults on
//! demand.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use fasttrack_client::{BrandConfig, Environment, Error, Http, Limits, LoginError, Session, read_config};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::watch;

/// The one session id the server knows.
pub const SID: &str = "sid-0123456789abcdef";
/// What the tokens it gives out begin with.
pub const TOKEN: &str = "token-fedcba98";

/// One request, as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub query: String,
    pub authtoken: Option<String>,
    pub body: String,
}

/// What the server does instead of its duty.
#[derive(Clone)]
pub enum Fault {
    /// This status, header and body.
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8> },
    /// Never answers.
    Silence,
}

impl Fault {
    pub fn status(status: u16) -> Self {
        Self::Answer { status, headers: Vec::new(), body: Vec::new() }
    }

    pub fn body(kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::Answer { status: 200, headers: vec![("content-type", kind.to_owned())], body: body.into() }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self::Answer { status, headers, body: body.to_string().into_bytes() }
    }

    pub fn redirect(to: &str) -> Self {
        Self::Answer { status: 307, headers: vec![("location", to.to_owned())], body: Vec::new() }
    }

    pub fn with(self, name: &'static str, value: &str) -> Self {
        match self {
            Self::Answer { status, mut headers, body } => {
                headers.push((name, value.to_owned()));
                Self::Answer { status, headers, body }
            }
            silence @ Self::Silence => silence,
        }
    }
}

/// What the server knows and was told to do.
#[derive(Default)]
struct Inside {
    seen: Vec<Seen>,
    tokens: HashSet<String>,
    given: usize,
    sid_expired: bool,
    list: Option<Value>,
    pages: Vec<Value>,
    read: Vec<Value>,
    faults: Vec<(String, Fault)>,
}

/// A running server. It ends with the test's runtime.
#[derive(Clone)]
pub struct Fake {
    pub url: String,
    inside: Arc<Mutex<Inside>>,
    /// Calls denied for their token; log-ins may be held until there were so many.
    denied: watch::Sender<usize>,
    hold_log_in_until: Arc<Mutex<usize>>,
}

impl Fake {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
        let fake = Self {
            url: format!("http://{}", listener.local_addr().expect("an address")),
            inside: Arc::default(),
            denied: watch::Sender::new(0),
            hold_log_in_until: Arc::default(),
        };
        let router = Router::new().fallback(answer).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    pub fn environment(&self) -> Environment {
        self.url.parse().expect("a base address")
    }

    /// From the next request on, what has `path` in it goes wrong. The last word on a path counts.
    pub fn fault(&self, path: &str, fault: Fault) {
        self.inside(|inside| inside.faults.push((path.to_owned(), fault)));
    }

    pub fn heal(&self) {
        self.inside(|inside| inside.faults.clear());
    }

    /// All tokens run out.
    pub fn expire_tokens(&self) {
        self.inside(|inside| inside.tokens.clear());
    }

    /// The session id runs out, and the tokens with it.
    pub fn expire_sid(&self) {
        self.expire_tokens();
        self.inside(|inside| inside.sid_expired = true);
    }

    pub fn hold_log_in_until_denied(&self, calls: usize) {
        *self.hold_log_in_until.lock().expect("not poisoned") = calls;
    }

    pub fn set_list(&self, list: Value) {
        self.inside(|inside| inside.list = Some(list));
    }

    /// The list goes on: each call brings one of these, the first without a cursor, and the cursor of the next.
    pub fn set_pages(&self, pages: Vec<Value>) {
        self.inside(|inside| inside.pages = pages);
    }

    /// What was marked as read.
    pub fn read(&self) -> Vec<Value> {
        self.inside(|inside| inside.read.clone())
    }

    pub fn seen(&self, path: &str) -> Vec<Seen> {
        self.inside(|inside| inside.seen.iter().filter(|seen| seen.path.contains(path)).cloned().collect())
    }

    pub fn log_ins(&self) -> usize {
        self.seen("LoginAuthToken").len()
    }

    pub async fn config(&self, http: &Http) -> Result<BrandConfig, Error> {
        read_config(http, &self.environment(), "demo", false).await
    }

    pub async fn log_in(&self, http: &Http, sid: &str) -> Result<Session, LoginError> {
        let config = self.config(http).await.expect("a configuration");
        Session::log_in(http, config, "demo", SecretString::from(sid)).await
    }

    pub async fn signed_in(&self) -> Session {
        self.log_in(&http(), SID).await.expect("signed in")
    }

    fn inside<T>(&self, action: impl FnOnce(&mut Inside) -> T) -> T {
        action(&mut self.inside.lock().expect("not poisoned"))
    }

    async fn log_in_answer(&self, seen: &Seen) -> Response<Body> {
        let until = *self.hold_log_in_until.lock().expect("not poisoned");
        let _ = self.denied.subscribe().wait_for(|denied| *denied >= until).await;
        self.inside(|inside| {
            if seen.authtoken.as_deref() != Some(SID) || inside.sid_expired {
                let errors = json!([{"Message": "Session not found", "Error": "NotFound", "ErrorCodeID": 7}]);
                return reply(401, &json!({"Data": null, "Success": false, "Errors": errors}));
            }
            inside.given += 1;
            let token = format!("{TOKEN}-{}", inside.given);
            inside.tokens.insert(token.clone());
            let user =
                json!({"UserId": 123, "BrandId": 45, "IsTestUser": false, "Firstname": "Darth", "Lastname": "Vader"});
            let authentication = json!({"IsAuthenticated:": true, "AuthToken": token});
            let data = json!({"JwtToken": "jwt-value", "Authentication": authentication, "User": user});
            reply(200, &json!({"Data": data, "Success": true, "Errors": null}))
        })
    }

    fn call(&self, seen: &Seen) -> Response<Body> {
        let by_query = seen.query.split('&').find_map(|pair| pair.strip_prefix("authToken=")).map(str::to_owned);
        let token = seen.authtoken.clone().or(by_query);
        if !token.is_some_and(|token| self.inside(|inside| inside.tokens.contains(&token))) {
            self.denied.send_modify(|denied| *denied += 1);
            return reply(401, &json!({"Success": false}));
        }
        match (seen.method.as_str(), seen.path.trim_start_matches("/integration-api")) {
            ("GET", "/Notifications/v2/user-notifications") => {
                let pages = self.inside(|inside| inside.pages.clone());
                let cursor = seen.query.split('&').find_map(|pair| pair.strip_prefix("cursor=c-"));
                let number: usize = cursor.map_or(0, |number| number.parse().expect("a cursor of ours"));
                if let Some(page) = pages.get(number) {
                    let mut answer = reply(200, &json!({"Data": page, "Success": true, "Errors": []}));
                    if number + 1 < pages.len() {
                        let next = format!("c-{}", number + 1).parse().expect("a header");
                        answer.headers_mut().insert("next-cursor", next);
                    }
                    return answer;
                }
                let list = self.inside(|inside| inside.list.clone()).unwrap_or_else(|| json!([notification(7)]));
                reply(200, &json!({"Data": list, "Success": true, "Errors": []}))
            }
            ("GET", "/Notifications/v2/user-notification/7") => {
                reply(200, &json!({"Data": notification(7), "Success": true, "Errors": []}))
            }
            ("POST", "/Notifications/MarkNotificationAsRead") => {
                let body: Value = serde_json::from_str(&seen.body).expect("a JSON body");
                self.inside(|inside| inside.read.push(body["MessageId"].clone()));
                reply(200, &json!({"Success": true, "Data": true, "Errors": []}))
            }
            ("POST" | "GET", "/external/pusher/demo") => reply(200, &json!({"auth": "app-key:c1gnature"})),
            _ => reply(404, &json!({"Success": false, "Errors": [{"Message": "Not here"}]})),
        }
    }
}

async fn answer(State(fake): State<Fake>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("a small body");
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        authtoken: parts.headers.get("authtoken").and_then(|value| value.to_str().ok()).map(str::to_owned),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let ordered = format!("{} {}", seen.method, seen.path);
    let fault = fake.inside(|inside| {
        inside.seen.push(seen.clone());
        inside.faults.iter().rev().find(|(path, _)| ordered.contains(path)).map(|(_, fault)| fault.clone())
    });
    match fault {
        Some(Fault::Silence) => std::future::pending().await,
        Some(Fault::Answer { status, headers, body }) => {
            let builder = headers
                .into_iter()
                .fold(Response::builder().status(status), |builder, (name, value)| builder.header(name, value));
            builder.body(Body::from(body)).expect("a response")
        }
        None if seen.path == "/api/v1/config/demo" => reply(200, &config(&fake.url)),
        None if seen.path.starts_with("/api/") => reply(404, &json!({"message": "unknown brand"})),
        None if seen.path.ends_with("/Platform/LoginAuthToken") => fake.log_in_answer(&seen).await,
        None => fake.call(&seen),
    }
}

/// The configuration of the brand on this server.
pub fn config(url: &str) -> Value {
    let base = format!("{url}/integration-api");
    json!({
        "crmUrl": base, "fusionUrl": base, "prismaUrl": base, "pusherKey": "app-key", "pusherRegion": "eu",
        "pusherHost": "127.0.0.1", "pusherPort": 6001, "pusherForceTls": false
    })
}

/// A notification like the vendor's.
pub fn notification(id: u64) -> Value {
    json!({
        "MessageId": id, "UserId": 123, "Event": "message", "Title": "Hello", "Message": "<p>Body</p>",
        "DisplayType": "push", "IsRead": false, "Date": "2023-02-01 23:42:35"
    })
}

fn reply(status: u16, body: &Value) -> Response<Body> {
    Response::builder()
        .status(StatusCode::from_u16(status).expect("a status"))
        .header("content-type", "application/json; charset=utf-8")
        .body(Body::from(body.to_string()))
        .expect("a response")
}

/// A client with the limits users have.
pub fn http() -> Http {
    Http::new().expect("an HTTP client")
}

/// A client that loses patience soon.
pub fn impatient() -> Http {
    let patience = std::time::Duration::from_secs(2);
    Http::with_limits(Limits { connect: patience, total: patience, ..Limits::default() }).expect("an HTTP client")
}
