//! A scripted Pusher server on a real loopback socket: each test says frame by frame what it does. It never waits
//! longer than [`LIMIT`], and never sleeps.

use std::{
    collections::VecDeque,
    future::Future,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use pusher_client::{
    Authentication, Authenticator, Authorization, AuthorizeError, Authorizer, Backoff, ChannelEvent, Client,
    ClientEvent, ClientEvents, Event, Options, Proxy, State, Subscription,
};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
        protocol::{
            CloseFrame,
            frame::{
                Frame,
                coding::{Data, OpCode},
            },
        },
    },
};

pub const LIMIT: Duration = Duration::from_secs(10);

/// Waits for `what`, for so long and no longer.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(LIMIT, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

pub struct Server {
    listener: TcpListener,
    pub address: SocketAddr,
}

impl Server {
    pub async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap()).await
    }

    /// A server at an address where another one was.
    pub async fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    /// Options for this server, with short waits and no randomness.
    pub fn options(&self) -> Options {
        self.options_for("127.0.0.1").proxy(Proxy::none())
    }

    /// The same under another name.
    pub fn options_for(&self, host: &str) -> Options {
        let quick =
            Backoff::new(Duration::from_millis(10), Duration::from_millis(50), 1_000, Duration::from_millis(50));
        Options::host("app-key", host, self.address.port(), false)
            .backoff(quick.clone())
            .authorize_backoff(quick)
            .jitter(|| 1.0)
    }

    pub async fn tcp(&self) -> TcpStream {
        within("a connection", self.listener.accept()).await.unwrap().0
    }

    /// The next connection, upgraded but not greeted.
    pub async fn accept(&self) -> Peer {
        let mut uri = String::new();
        #[expect(clippy::result_large_err, reason = "the library's callback")]
        let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            uri = request.uri().to_string();
            Ok(response)
        };
        let socket = within("an upgrade", accept_hdr_async(self.tcp().await, look)).await.unwrap();
        Peer { socket, uri }
    }

    /// The next connection, greeted as `socket_id`.
    pub async fn greet(&self, socket_id: &str) -> Peer {
        let mut peer = self.accept().await;
        peer.greet(socket_id, Some(120)).await;
        peer
    }

    /// Whether nobody has connected unnoticed: our own connection, made now, is the next one to be accepted.
    pub async fn is_quiet(&self) -> bool {
        let own = within("our own connection", TcpStream::connect(self.address)).await.unwrap();
        own.local_addr().unwrap() == self.tcp().await.peer_addr().unwrap()
    }
}

/// One client as the server sees it.
pub struct Peer {
    socket: WebSocketStream<TcpStream>,
    pub uri: String,
}

impl Peer {
    pub async fn greet(&mut self, socket_id: &str, activity_timeout: Option<u64>) {
        let mut data = json!({ "socket_id": socket_id });
        if let Some(seconds) = activity_timeout {
            data["activity_timeout"] = json!(seconds);
        }
        self.send(json!({ "event": "pusher:connection_established", "data": data.to_string() })).await;
    }

    pub async fn send(&mut self, frame: Value) {
        self.send_text(frame.to_string()).await;
    }

    pub async fn send_text(&mut self, text: impl Into<String>) {
        self.send_message(Message::text(text.into())).await;
    }

    pub async fn send_message(&mut self, message: Message) {
        within("a frame to be sent", self.socket.send(message)).await.unwrap();
    }

    /// Publishes `data`, encoded as Pusher does.
    pub async fn publish(&mut self, channel: &str, name: &str, data: &Value) {
        self.send(json!({ "event": name, "channel": channel, "data": data.to_string() })).await;
    }

    /// Sends what the protocol itself has to say, to no channel.
    pub async fn publish_protocol(&mut self, name: &str, data: &Value) {
        self.send(json!({ "event": name, "data": data.to_string() })).await;
    }

    /// Sends `text` in frames of `size` bytes.
    pub async fn send_in_fragments(&mut self, text: &str, size: usize) {
        let parts: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
        for (number, part) in parts.iter().enumerate() {
            let code = if number == 0 { OpCode::Data(Data::Text) } else { OpCode::Data(Data::Continue) };
            let frame = Frame::message(part.to_vec(), code, number + 1 == parts.len());
            self.send_message(Message::Frame(frame)).await;
        }
    }

    pub async fn accept_subscription(&mut self, channel: &str) {
        self.send(json!({ "event": "pusher_internal:subscription_succeeded", "channel": channel, "data": "{}" })).await;
    }

    /// Waits for the subscription of `channel` and accepts it.
    pub async fn subscribe(&mut self, channel: &str) -> Value {
        let frame = self.expect("pusher:subscribe").await;
        assert_eq!(frame["data"]["channel"], channel);
        self.accept_subscription(channel).await;
        frame
    }

    /// The next text frame, which must be `event`.
    pub async fn expect(&mut self, event: &str) -> Value {
        let frame = self.frame().await;
        assert_eq!(frame["event"], event, "{frame}");
        frame
    }

    pub async fn frame(&mut self) -> Value {
        loop {
            match self.message().await {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("a text frame was expected: {other:?}"),
            }
        }
    }

    pub async fn message(&mut self) -> Message {
        within("a message", self.socket.next()).await.unwrap().unwrap()
    }

    /// The close code the client sends.
    pub async fn goodbye(&mut self) -> u16 {
        loop {
            match self.message().await {
                Message::Close(Some(close)) => return close.code.into(),
                Message::Close(None) => panic!("a close code was expected"),
                _ => {}
            }
        }
    }

    /// Waits until the client is gone, one way or another.
    pub async fn gone(&mut self) {
        while let Some(Ok(_)) = within("the client to go", self.socket.next()).await {}
    }

    pub async fn close(mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame { code: code.into(), reason: reason.into() };
        within("a close", self.socket.close(Some(frame))).await.unwrap();
        // Until the client has answered: a reset would swallow the close frame.
        self.gone().await;
    }

    /// Accepts the subscription of `channel` and closes, both in one packet.
    pub async fn accept_and_close(mut self, channel: &str, code: u16) {
        let accepted = json!({ "event": "pusher_internal:subscription_succeeded", "channel": channel, "data": "{}" });
        let close = CloseFrame { code: code.into(), reason: "".into() };
        for message in [Message::text(accepted.to_string()), Message::Close(Some(close))] {
            self.socket.feed(message).await.unwrap();
        }
        within("a packet", self.socket.flush()).await.unwrap();
        self.gone().await;
    }

    /// Closes with a frame that holds no code.
    pub async fn close_without_code(mut self) {
        within("a close", self.socket.close(None)).await.unwrap();
        self.gone().await;
    }

    /// Asks and is answered, so whatever was sent before has been taken in.
    pub async fn settle(&mut self) {
        self.send(json!({ "event": "pusher:ping", "data": {} })).await;
        self.expect("pusher:pong").await;
    }
}

/// What the scripted authorizer answers.
pub type Answer = Result<Authorization, AuthorizeError>;

pub fn granted() -> Authorization {
    Authorization::new("granted")
}

pub fn refused() -> Answer {
    Err(AuthorizeError::Refused { status: Some(403), message: "not yours".into() })
}

pub fn unavailable() -> Answer {
    Err(AuthorizeError::Temporary { retry_after: None, message: "503".into() })
}

/// Signs `key:signature-of-{socket_id}-{channel}` unless told to answer otherwise, and tells who asked.
pub struct Signer {
    answers: Mutex<VecDeque<Answer>>,
    asked: mpsc::UnboundedSender<(String, String)>,
    gate: Semaphore,
}

pub struct Asked(mpsc::UnboundedReceiver<(String, String)>);

impl Asked {
    /// Who asked next: socket id and channel.
    pub async fn next(&mut self) -> (String, String) {
        within("an authorization", self.0.recv()).await.unwrap()
    }

    pub fn is_quiet(&mut self) -> bool {
        self.0.try_recv().is_err()
    }
}

impl Signer {
    /// Answers `answers` in turn, then grants.
    pub fn answering(answers: impl IntoIterator<Item = Answer>) -> (Arc<Self>, Asked) {
        let (asked, read) = mpsc::unbounded_channel();
        let answers = Mutex::new(answers.into_iter().collect());
        (Arc::new(Self { answers, asked, gate: Semaphore::new(Semaphore::MAX_PERMITS) }), Asked(read))
    }

    pub fn granting() -> Arc<Self> {
        Self::answering([]).0
    }

    /// Grants each one only once [`Signer::let_one_pass`] is called.
    pub fn gated() -> (Arc<Self>, Asked) {
        let (asked, read) = mpsc::unbounded_channel();
        (Arc::new(Self { answers: Mutex::default(), asked, gate: Semaphore::new(0) }), Asked(read))
    }

    pub fn let_one_pass(&self) {
        self.gate.add_permits(1);
    }
}

impl Authorizer for Signer {
    fn authorize<'a>(&'a self, socket_id: &'a str, channel: &'a str) -> pusher_client::Answer<'a, Authorization> {
        let _ = self.asked.send((socket_id.into(), channel.into()));
        Box::pin(async move {
            self.gate.acquire().await.unwrap().forget();
            let answer = self.answers.lock().unwrap().pop_front();
            answer.unwrap_or(Ok(Authorization::new(format!("app-key:signature-of-{socket_id}-{channel}"))))
        })
    }
}

/// Signs in whoever it was made for, unless told to fail first.
pub struct Guard {
    user_data: String,
    failures: Mutex<VecDeque<AuthorizeError>>,
    gate: Arc<Semaphore>,
}

impl Guard {
    pub fn granting(user_data: &str) -> Arc<Self> {
        Self::answering(user_data, [])
    }

    /// Fails with `failures` in turn, then grants.
    pub fn answering(user_data: &str, failures: impl IntoIterator<Item = AuthorizeError>) -> Arc<Self> {
        let gate = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        Arc::new(Self { user_data: user_data.into(), failures: Mutex::new(failures.into_iter().collect()), gate })
    }

    /// Grants each time only once there is a permit.
    pub fn gated(user_data: &str) -> (Arc<Self>, Arc<Semaphore>) {
        let gate = Arc::new(Semaphore::new(0));
        (Arc::new(Self { user_data: user_data.into(), failures: Mutex::default(), gate: gate.clone() }), gate)
    }
}

impl Authenticator for Guard {
    fn authenticate<'a>(&'a self, socket_id: &'a str) -> pusher_client::Answer<'a, Authentication> {
        Box::pin(async move {
            self.gate.acquire().await.unwrap().forget();
            let failure = self.failures.lock().unwrap().pop_front();
            let granted = Authentication::new(format!("app-key:signature-of-{socket_id}"), self.user_data.as_str());
            failure.map_or(Ok(granted), Err)
        })
    }
}

/// The next event of the connection that `wanted` takes.
pub async fn event<T>(events: &mut ClientEvents, what: &str, wanted: impl Fn(ClientEvent) -> Option<T>) -> T {
    within(what, async {
        loop {
            let event = events.next().await.expect("the client is still there");
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    })
    .await
}

pub async fn wait(events: &mut ClientEvents) -> Duration {
    let lost = event(events, "a loss with a wait", |event| match event {
        ClientEvent::Lost { retry_in, .. } => Some(retry_in),
        _ => None,
    });
    lost.await.expect("another attempt follows")
}

pub async fn lost(events: &mut ClientEvents) -> (Option<u16>, String) {
    event(events, "a loss", |event| match event {
        ClientEvent::Lost { code, reason, .. } => Some((code, reason)),
        _ => None,
    })
    .await
}

/// The next that happens on the channel.
pub async fn next(subscription: &mut Subscription) -> ChannelEvent {
    within("an event", subscription.next()).await.expect("the client is still there")
}

/// The next that happens on the channel, which must be that it is there again after a gap.
pub async fn back(subscription: &mut Subscription) {
    assert!(matches!(next(subscription).await, ChannelEvent::Gap(_)), "the gap is told in its place");
    assert_eq!(next(subscription).await, ChannelEvent::Subscribed);
}

/// The next that happens on the channel, which must be an event.
pub async fn published(subscription: &mut Subscription) -> Event {
    match next(subscription).await {
        ChannelEvent::Event(event) => event,
        other => panic!("an event was expected: {other:?}"),
    }
}

pub async fn state(client: &Client, what: &str, wanted: impl Fn(&State) -> bool) -> State {
    within(what, client.state().wait_for(wanted)).await.unwrap().clone()
}
