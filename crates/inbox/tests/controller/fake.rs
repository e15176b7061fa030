//! A Fast Track server of our own that says no, asks for patience and counts, where the relay has no such faults.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use inbox::SignIn;
use serde_json::{Value, json};

use crate::world::{SID, World};

/// The server. Nothing listens where its channels should be, unless a test says where.
pub struct Fake {
    url: String,
    pub said: Arc<Said>,
}

/// What it answers, and what it was asked.
#[derive(Default)]
pub struct Said {
    pub config: Mutex<Value>,
    pub list: Mutex<Vec<Value>>,
    /// How it answers a read mark, if not well.
    pub mark_refusal: Mutex<Option<Refusal>>,
    /// How it answers a channel authorization.
    pub authorization_refusal: Mutex<Option<Refusal>>,
    pub config_reads: AtomicUsize,
    pub log_ins: AtomicUsize,
    pub marks: AtomicUsize,
    pub authorizations: AtomicUsize,
}

/// An answer that is none.
#[derive(Clone, Copy)]
pub struct Refusal {
    pub status: u16,
    /// Seconds.
    pub retry_after: Option<u32>,
}

impl Refusal {
    fn answer(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap();
        let body = Json(json!({"Success": false, "Errors": [{"Message": "No."}]}));
        match self.retry_after {
            Some(seconds) => (status, [("retry-after", seconds.to_string())], body).into_response(),
            None => (status, body).into_response(),
        }
    }
}

impl Fake {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let said = Arc::new(Said::default());
        *said.config.lock().unwrap() = config(&url, "key", 1);
        let router = Router::new()
            .route("/api/v1/config/{brand}", get(configuration))
            .route("/api/Platform/LoginAuthToken", post(log_in))
            .route("/api/Notifications/v2/user-notifications", get(list))
            .route("/api/Notifications/MarkNotificationAsRead", post(mark))
            .route("/api/external/pusher/{brand}", post(authorize))
            .with_state(Arc::clone(&said));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, said }
    }

    pub fn sign_in(&self, world: &World) -> SignIn {
        SignIn { environment: self.url.clone(), ..world.sign_in(SID) }
    }

    /// Unread messages of these ids stand in its list.
    pub fn lists(&self, ids: impl IntoIterator<Item = u32>) {
        let messages =
            ids.into_iter().map(|id| json!({"MessageId": id, "Event": "message", "Title": "t", "Message": "m"}));
        *self.said.list.lock().unwrap() = messages.collect();
    }

    pub fn refuses_marks(&self, refusal: Option<Refusal>) {
        *self.said.mark_refusal.lock().unwrap() = refusal;
    }

    pub fn marks(&self) -> usize {
        self.said.marks.load(Ordering::SeqCst)
    }

    pub fn config_reads(&self) -> usize {
        self.said.config_reads.load(Ordering::SeqCst)
    }

    pub fn log_ins(&self) -> usize {
        self.said.log_ins.load(Ordering::SeqCst)
    }

    /// From now on its channels are where this server has them.
    pub fn has_channels_of(&self, server: &relay::Server) {
        *self.said.config.lock().unwrap() = config(&self.url, server.pusher_key(), server.address().port());
    }
}

fn config(url: &str, key: &str, port: u16) -> Value {
    let api = format!("{url}/api");
    json!({
        "crmUrl": api, "fusionUrl": api, "prismaUrl": api, "pusherKey": key, "pusherRegion": "none",
        "pusherHost": "127.0.0.1", "pusherPort": port, "pusherForceTls": false
    })
}

async fn configuration(State(said): State<Arc<Said>>) -> Json<Value> {
    said.config_reads.fetch_add(1, Ordering::SeqCst);
    Json(said.config.lock().unwrap().clone())
}

async fn log_in(State(said): State<Arc<Said>>) -> Json<Value> {
    said.log_ins.fetch_add(1, Ordering::SeqCst);
    Json(json!({"Success": true, "Errors": null, "Data": {
        "JwtToken": "jwt", "Authentication": {"IsAuthenticated": true, "AuthToken": "token-of-the-fake"},
        "User": {"UserId": 1, "BrandId": 2, "Firstname": "Darth", "Lastname": "Vader"}
    }}))
}

async fn list(State(said): State<Arc<Said>>) -> Json<Value> {
    Json(json!({"Success": true, "Errors": [], "Data": *said.list.lock().unwrap()}))
}

async fn mark(State(said): State<Arc<Said>>) -> Response {
    said.marks.fetch_add(1, Ordering::SeqCst);
    let refusal = *said.mark_refusal.lock().unwrap();
    refusal.map_or_else(|| Json(json!({"Success": true, "Data": true, "Errors": []})).into_response(), Refusal::answer)
}

async fn authorize(State(said): State<Arc<Said>>) -> Response {
    said.authorizations.fetch_add(1, Ordering::SeqCst);
    let refusal = *said.authorization_refusal.lock().unwrap();
    refusal.unwrap_or(Refusal { status: 500, retry_after: None }).answer()
}
