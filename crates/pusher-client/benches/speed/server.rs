//! A server that greets, accepts every subscription, and sends what it is asked for as fast as the socket takes it. It runs
//! on a thread of its own, so that its work is not measured.

use std::{
    net::{TcpListener, TcpStream},
    sync::OnceLock,
    thread,
};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept};

pub const CHANNEL: &str = "private-orders";

/// A running server.
pub struct Server {
    pub port: u16,
}

impl Server {
    pub fn start() -> Self {
        frames();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            let (tcp, _) = listener.accept().unwrap();
            tcp.set_nodelay(true).unwrap();
            serve(accept(tcp).unwrap());
        });
        Self { port }
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/app/key?protocol=7", self.port)
    }
}

/// Answers `pusher:subscribe`, and `client-send` with as many events as it says, until the client hangs up.
fn serve(mut socket: WebSocket<TcpStream>) {
    let greeting = json!({ "socket_id": "1.1", "activity_timeout": 120 }).to_string();
    send(&mut socket, &json!({ "event": "pusher:connection_established", "data": greeting }));
    while let Ok(message) = socket.read() {
        let Message::Text(text) = message else { continue };
        let frame: Value = serde_json::from_str(&text).unwrap();
        match frame["event"].as_str().unwrap() {
            "pusher:subscribe" => {
                let channel = &frame["data"]["channel"];
                let accepted =
                    json!({ "event": "pusher_internal:subscription_succeeded", "channel": channel, "data": "{}" });
                send(&mut socket, &accepted);
            }
            "client-send" => blast(&mut socket, frame["data"].as_u64().unwrap()),
            _ => {}
        }
    }
}

fn blast(socket: &mut WebSocket<TcpStream>, count: u64) {
    for frame in frames().iter().take(usize::try_from(count).unwrap()) {
        if socket.write(frame.clone()).is_err() {
            return;
        }
    }
    // A client that has what it wants may be gone already.
    let _ = socket.flush();
}

/// What is sent, made once: otherwise it would be the server's speed that is measured.
fn frames() -> &'static [Message] {
    static FRAMES: OnceLock<Vec<Message>> = OnceLock::new();
    FRAMES.get_or_init(|| {
        let frame = |n| {
            let text = "Your order has been shipped, and will be with you \"tomorrow\"";
            let order = json!({ "n": n, "text": text }).to_string();
            Message::text(json!({ "event": "shipped", "channel": CHANNEL, "data": order }).to_string())
        };
        (0..crate::EVENTS).map(frame).collect()
    })
}

fn send(socket: &mut WebSocket<TcpStream>, frame: &Value) {
    // A client that is gone is noticed by the next read.
    let _ = socket.send(Message::text(frame.to_string()));
}
