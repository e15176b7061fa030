//! [`Authority`]: the application's endpoint that signs channels, for each client by name, and that fails as it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Form, Json, Router};
use serde_json::{Value, json};

use crate::sockudo::AppKey;

/// A running endpoint: `POST /{client}` with `socket_id` and `channel_name`.
pub struct Authority {
    /// Where it answers.
    pub port: u16,
    desk: Desk,
}

#[derive(Clone)]
struct Desk {
    app: AppKey,
    clients: Arc<Mutex<HashMap<String, Client>>>,
}

/// What is known of one client.
#[derive(Default)]
struct Client {
    /// Answers to give instead of a signature, the next one last.
    failures: Vec<u16>,
    /// The answer to give instead of a signature for as long as it stands.
    refusal: Option<u16>,
    asked: u64,
}

impl Authority {
    /// Starts one that signs for `app`.
    pub async fn start(app: AppKey) -> Self {
        let desk = Desk { app, clients: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let router = Router::new().route("/{client}", post(sign)).with_state(desk.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { port, desk }
    }

    /// Answers `status` once to the next question of each client.
    pub fn fail_once(&self, clients: &[&str], status: u16) {
        for client in clients {
            self.desk.clients().entry((*client).to_owned()).or_default().failures.push(status);
        }
    }

    /// Answers `status` to everybody, or signs again.
    pub fn refuse(&self, clients: &[&str], status: Option<u16>) {
        for client in clients {
            self.desk.clients().entry((*client).to_owned()).or_default().refusal = status;
        }
    }

    /// How often `client` has asked since this was last asked.
    pub fn asked(&self, client: &str) -> u64 {
        self.desk.clients().get_mut(client).map_or(0, |client| std::mem::take(&mut client.asked))
    }
}

impl Desk {
    fn clients(&self) -> MutexGuard<'_, HashMap<String, Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sign(
    State(desk): State<Desk>,
    Path(client): Path<String>,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Json<Value>, StatusCode> {
    let failure = {
        let mut clients = desk.clients();
        let client = clients.entry(client).or_default();
        client.asked += 1;
        client.failures.pop().or(client.refusal)
    };
    if let Some(status) = failure {
        return Err(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    }
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    Ok(Json(json!({ "auth": desk.app.authorization(field("socket_id"), field("channel_name")) })))
}
