//! What the tests stand on: a relay with one user, plain HTTP calls to it, and a bare WebSocket.

use std::{net::SocketAddr, path::PathBuf, sync::Once, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use relay::{DatabaseAddress, NewMessage, Server, ServerOptions, User};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

/// Far beyond what anything here takes, also on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(20);
pub const BRAND: &str = "acme";
pub const SID: &str = "the-session-id-of-darth";

/// A relay with a user.
pub struct World {
    pub server: Server,
    pub user: User,
    pub http: reqwest::Client,
    folder: TempDir,
    address: DatabaseAddress,
}

/// Names a server of PostgreSQL: then each world is a database of its own there, and not a file.
pub const SERVER: &str = "TRAYBELL_TEST_POSTGRESQL";

async fn new_database(folder: &TempDir) -> DatabaseAddress {
    let Ok(server) = std::env::var(SERVER) else { return folder.path().join("relay.sqlite").into() };
    let name = folder.path().file_name().unwrap().to_str().unwrap().to_lowercase().replace('.', "t");
    let (client, connection) =
        tokio_postgres::connect(&format!("{server}/postgres"), tokio_postgres::NoTls).await.unwrap();
    let connected = tokio::spawn(connection);
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    drop(client);
    connected.await.unwrap().unwrap();
    DatabaseAddress::read(&format!("{server}/{name}"), folder.path(), None).unwrap()
}

impl World {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = new_database(&folder).await;
        let mut options = ServerOptions { database: address.clone(), ..Default::default() };
        change(&mut options);
        let server = Server::start(options).await.unwrap();
        let user = server.add_user(BRAND, SID, "Darth", "Vader").await.unwrap();
        Self { server, user, http: http(), folder, address }
    }

    pub fn address(&self) -> DatabaseAddress {
        self.address.clone()
    }

    /// The file, where it is one.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("relay.sqlite")
    }

    /// The same address, the same database, a new server.
    pub async fn start_again(&mut self) {
        let options = ServerOptions { listen: self.server.address(), database: self.address(), ..Default::default() };
        self.server = Server::start(options).await.unwrap();
    }

    pub async fn send(&self, title: &str) -> i64 {
        self.server.send(&self.user, titled(title)).await.unwrap()
    }

    /// Status and JSON of a call with a token in its header.
    pub async fn call(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.server.url())).header("authtoken", token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        answer(request).await
    }

    pub async fn log_in(&self, sid: &str) -> (u16, Value) {
        self.call(Method::POST, "/integration-api/Platform/LoginAuthToken", sid, Some(json!({}))).await
    }

    pub async fn token(&self) -> String {
        let (status, answer) = self.log_in(SID).await;
        assert_eq!(status, 200, "{answer}");
        answer["Data"]["Authentication"]["AuthToken"].as_str().unwrap().to_owned()
    }

    /// What the list holds, in its order.
    pub async fn listed(&self, query: &str) -> Vec<Value> {
        let path = format!("/integration-api/Notifications/v2/user-notifications{query}");
        let (status, answer) = self.call(Method::GET, &path, SID, None).await;
        assert_eq!((status, &answer["Success"]), (200, &true.into()), "{answer}");
        answer["Data"].as_array().unwrap().clone()
    }

    /// The signature for a socket, as the API gives it.
    pub async fn authorize(&self, socket_id: &str, channel: &str) -> (u16, Value) {
        let url = format!("{}/integration-api/external/pusher/{BRAND}?authToken={SID}", self.server.url());
        answer(self.http.post(url).form(&[("socket_id", socket_id), ("channel_name", channel)])).await
    }

    pub fn socket_url(&self) -> String {
        let url = self.server.url().replace("http:", "ws:");
        format!("{url}/app/{}?protocol=7&client=test&version=1", self.server.pusher_key())
    }

    /// A socket that has been greeted.
    pub async fn socket(&self) -> Socket {
        Socket::greeted(&self.socket_url()).await
    }

    /// A socket subscribed to the user's channel.
    pub async fn subscribed(&self) -> Socket {
        let mut socket = self.socket().await;
        let auth = self.authorize(&socket.id, &self.user.channel()).await.1["auth"].clone();
        socket.subscribe(&self.user.channel(), auth).await;
        let frame = socket.frame().await;
        assert_eq!(frame["event"], "pusher_internal:subscription_succeeded", "{frame}");
        socket
    }
}

pub fn titled(title: &str) -> NewMessage {
    NewMessage { title: title.into(), body: "<p>Body</p>".into(), ..Default::default() }
}

pub fn http() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::ring::default_provider().install_default().expect("nobody else installs one");
    });
    reqwest::Client::builder().no_proxy().timeout(LIMIT).build().unwrap()
}

pub async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("status {status} is not JSON: {text:?}")))
}

/// Waits until the condition holds.
pub async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(LIMIT, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("still not so: {what}"));
}

/// A WebSocket client without manners of its own.
pub struct Socket {
    pub id: String,
    stream: WebSocketStream<TcpStream>,
}

impl Socket {
    pub async fn open(url: &str) -> Self {
        let address = url::Url::parse(url).unwrap().socket_addrs(|| None).unwrap()[0];
        Self::over(TcpStream::connect(address).await.unwrap(), url).await
    }

    async fn over(stream: TcpStream, url: &str) -> Self {
        let (stream, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
        Self { id: String::new(), stream }
    }

    pub async fn greeted(url: &str) -> Self {
        Self::open(url).await.after_greeting().await
    }

    /// A client whose receive buffer is as small as the system allows, so that not reading shows soon.
    pub async fn with_small_buffer(address: SocketAddr, url: &str) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self::over(socket.connect(address).await.unwrap(), url).await.after_greeting().await
    }

    async fn after_greeting(mut self) -> Self {
        let frame = self.frame().await;
        assert_eq!(frame["event"], "pusher:connection_established", "{frame}");
        let id = data(&frame)["socket_id"].as_str().unwrap().to_owned();
        Self { id, ..self }
    }

    /// The next message; nothing once the connection is gone.
    pub async fn message(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(LIMIT, self.stream.next()).await.expect("something should have come");
        next.and_then(Result::ok)
    }

    pub async fn frame(&mut self) -> Value {
        match self.message().await {
            Some(Message::Text(text)) => serde_json::from_str(&text).unwrap(),
            other => panic!("a text frame was expected, this came: {other:?}"),
        }
    }

    /// Reads to the end, and answers the close code if there was one.
    pub async fn end(&mut self) -> Option<u16> {
        loop {
            match self.message().await {
                Some(Message::Close(Some(frame))) => return Some(frame.code.into()),
                Some(Message::Close(None)) | None => return None,
                Some(_) => {}
            }
        }
    }

    pub async fn say(&mut self, text: impl Into<String>) {
        self.stream.send(Message::text(text.into())).await.unwrap();
    }

    /// As `say`, for a server that may have hung up already.
    pub async fn try_say(&mut self, text: String) -> bool {
        self.stream.send(Message::text(text)).await.is_ok()
    }

    pub async fn subscribe(&mut self, channel: &str, auth: impl Into<Value>) {
        let data = json!({ "channel": channel, "auth": auth.into() });
        self.say(json!({ "event": "pusher:subscribe", "data": data }).to_string()).await;
    }

    /// Asserts that nothing came before the answer to a ping sent now: frames are answered in order.
    pub async fn nothing_until_pong(&mut self) {
        self.say(r#"{"event":"pusher:ping","data":{}}"#).await;
        assert_eq!(self.frame().await["event"], "pusher:pong");
    }
}

/// An event's data: JSON in a string.
pub fn data(frame: &Value) -> Value {
    serde_json::from_str(frame["data"].as_str().expect("data should be text")).unwrap()
}
