//! A channel server elsewhere, as the relay's HTTP API calls see it: it takes them, refuses them, or is away.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::{OriginalUri, State},
    http::StatusCode,
    routing::post,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use relay::{ChannelServer, ChannelServerPlace, NewMessage, ServerOptions};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::world::{World, eventually, titled};

const SECRET: &str = "the-secret-of-the-app";

/// What it has taken, and how it answers the next requests.
#[derive(Default)]
pub struct Taken {
    pub events: Vec<Value>,
    pub requests: usize,
    answers: Vec<u16>,
}

/// A channel server that remembers.
#[derive(Clone, Default)]
pub struct ChannelFake(Arc<Mutex<Taken>>);

impl ChannelFake {
    pub async fn start() -> (Self, SocketAddr) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (fake, address) = (Self::default(), listener.local_addr().unwrap());
        let router = Router::new().route("/apps/7/batch_events", post(take)).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (fake, address)
    }

    pub fn taken<T>(&self, look: impl FnOnce(&mut Taken) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    fn titles(&self) -> Vec<String> {
        let title = |event: &Value| {
            let data: Value = serde_json::from_str(event["data"].as_str().unwrap()).unwrap();
            data["Title"].as_str().unwrap_or_default().to_owned()
        };
        self.taken(|taken| taken.events.iter().map(title).collect())
    }
}

pub fn server_at(address: SocketAddr) -> ChannelServer {
    let url: url::Url = format!("http://{address}").parse().unwrap();
    let place = ChannelServerPlace::Address { api: url.clone(), desktops: url };
    ChannelServer { app_id: "7".into(), key: "the-key".into(), secret: SECRET.into(), place }
}

/// Checks the signature as Pusher documents it, by itself.
async fn take(State(fake): State<ChannelFake>, OriginalUri(uri): OriginalUri, body: Bytes) -> StatusCode {
    let query = uri.query().unwrap();
    let all: HashMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let mut signed: Vec<_> = all.iter().filter(|(name, _)| *name != "auth_signature").collect();
    signed.sort();
    let signed: Vec<_> = signed.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let mac = mac.chain_update(format!("POST\n{}\n{}", uri.path(), signed.join("&")));
    assert_eq!(all["auth_signature"], hex::encode(mac.finalize().into_bytes()));
    assert_eq!(all["body_md5"], hex::encode(Md5::digest(&body)));
    let batch: Value = serde_json::from_slice(&body).unwrap();
    let batch = batch["batch"].as_array().unwrap().clone();
    assert!(batch.len() <= 10 && batch.iter().all(|event| event["data"].as_str().unwrap().len() <= 10 * 1024));
    fake.taken(|taken| {
        taken.requests += 1;
        // The first in the list is the next.
        let status = if taken.answers.is_empty() { 200 } else { taken.answers.remove(0) };
        if status == 200 {
            taken.events.extend(batch);
        }
        StatusCode::from_u16(status).unwrap()
    })
}

async fn world() -> (World, ChannelFake) {
    let (fake, address) = ChannelFake::start().await;
    let world = World::start_with(|options: &mut ServerOptions| options.channels = Some(server_at(address))).await;
    (world, fake)
}

#[tokio::test]
async fn messages_and_read_marks_are_published_and_desktops_are_sent_there() {
    let (world, fake) = world().await;
    let id = world.send("Hello").await;
    eventually("it is published", || fake.titles() == ["Hello"]).await;
    let event = fake.taken(|taken| taken.events[0].clone());
    assert_eq!((&event["channel"], &event["name"]), (&json!(world.user.channel()), &json!("message")));
    let token = world.token().await;
    let path = "/integration-api/Notifications/MarkNotificationAsRead";
    for _ in 0..2 {
        assert_eq!(world.call(reqwest::Method::POST, path, &token, Some(json!({ "MessageId": id }))).await.0, 200);
    }
    eventually("the mark is told", || fake.taken(|taken| taken.events.len() == 2)).await;
    let event = fake.taken(|taken| taken.events[1].clone());
    assert_eq!((&event["name"], &event["data"]), (&json!("read"), &json!(format!("{{\"MessageId\":{id}}}"))));

    let (_, config) = world.call(reqwest::Method::GET, "/api/v1/config/acme", "", None).await;
    assert_eq!((&config["pusherKey"], &config["pusherHost"]), (&json!("the-key"), &json!("127.0.0.1")));
    let (status, _) = world.call(reqwest::Method::GET, "/app/the-key", "", None).await;
    assert_eq!(status, 404, "it is no channel server itself");
    assert!(world.authorize("1.2", &world.user.channel()).await.1["auth"].as_str().unwrap().starts_with("the-key:"));
    world.send("Last").await;
    eventually("the mark was told once", || fake.taken(|taken| taken.events.len() == 3)).await;
}

#[tokio::test]
async fn what_is_away_or_refuses_gets_everything_later_and_in_order() {
    let (world, fake) = world().await;
    fake.taken(|taken| taken.answers = vec![500, 401, 503]);
    for number in 0..25 {
        world.send(&number.to_string()).await;
    }
    let expected: Vec<String> = (0..25).map(|number| number.to_string()).collect();
    eventually("all of them", || fake.titles() == expected).await;
}

#[tokio::test]
async fn what_the_server_does_not_take_holds_up_nothing_else() {
    let (world, fake) = world().await;
    // The batch, and then the first alone.
    fake.taken(|taken| taken.answers = vec![500, 413, 413]);
    for title in ["Too large", "Fits"] {
        world.server.send(&world.user, NewMessage { ..titled(title) }).await.unwrap();
    }
    eventually("the other one", || fake.titles().contains(&"Fits".to_owned())).await;
    let sent = world.send("Afterwards").await;
    eventually("the next", || fake.titles().contains(&"Afterwards".to_owned())).await;
    assert!(sent > 0 && world.listed("").await.len() == 3, "all are in the list");
}

#[tokio::test]
async fn read_marks_go_out_together_and_again_when_the_channels_were_away() {
    let (fake, address) = ChannelFake::start().await;
    let world = World::start_with(|options| options.channels = Some(server_at(address))).await;
    let mut ids = Vec::new();
    for number in 0..60 {
        ids.push(world.send(&number.to_string()).await);
    }
    eventually("all are published", || fake.taken(|taken| taken.events.len() == 60)).await;
    let before = fake.taken(|taken| {
        taken.answers = vec![503];
        taken.requests
    });
    let token = world.token().await;
    let mark = |id: &i64| {
        let path = "/integration-api/Notifications/MarkNotificationAsRead";
        world.call(reqwest::Method::POST, path, &token, Some(json!({ "MessageId": id })))
    };
    let marked = futures_util::future::join_all(ids.iter().map(mark)).await;
    assert!(marked.iter().all(|(status, _)| *status == 200));
    let told = || fake.taken(|taken| taken.events.iter().filter(|event| event["name"] == "read").count());
    eventually("all are told", || told() == 60).await;
    let requests = fake.taken(|taken| taken.requests) - before;
    assert!(requests < 30, "{requests} requests for 60 marks");
    // What is marked when it stops is told too.
    let last = world.send("last").await;
    mark(&last).await;
    world.server.shutdown().await;
    assert_eq!(told(), 61);
}
