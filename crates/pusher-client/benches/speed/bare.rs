//! The least that a client can do: read a frame, take it apart, decode what it carries. No liveness, no channels, no queue.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::{
    Order,
    server::{CHANNEL, Server},
};

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    channel: Cow<'a, str>,
    #[serde(borrow)]
    data: Cow<'a, str>,
}

type Socket = WebSocketStream<TcpStream>;

pub async fn throughput(server: &Server, events: u32) -> Duration {
    let mut socket = subscribed(server).await;
    let begun = Instant::now();
    ask(&mut socket, events.into()).await;
    for n in 0..u64::from(events) {
        assert_eq!(next(&mut socket).await, n);
    }
    begun.elapsed()
}

pub async fn latency(server: &Server, count: u64) -> Duration {
    let mut socket = subscribed(server).await;
    let begun = Instant::now();
    for _ in 0..count {
        ask(&mut socket, 1).await;
        next(&mut socket).await;
    }
    begun.elapsed()
}

async fn subscribed(server: &Server) -> Socket {
    let tcp = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    let (mut socket, _) = client_async(server.url(), tcp).await.unwrap();
    socket.next().await.unwrap().unwrap();
    let subscribe = json!({ "event": "pusher:subscribe", "data": { "channel": CHANNEL } });
    socket.send(Message::text(subscribe.to_string())).await.unwrap();
    socket.next().await.unwrap().unwrap();
    socket
}

async fn ask(socket: &mut Socket, events: u64) {
    let frame = json!({ "event": "client-send", "channel": CHANNEL, "data": events });
    socket.send(Message::text(frame.to_string())).await.unwrap();
}

async fn next(socket: &mut Socket) -> u64 {
    let Message::Text(text) = socket.next().await.unwrap().unwrap() else { panic!("a text frame was expected") };
    let frame: Frame<'_> = serde_json::from_str(&text).unwrap();
    assert!(frame.event == "shipped" && frame.channel == CHANNEL);
    let order: Order = serde_json::from_str(&frame.data).unwrap();
    assert!(!order.text.is_empty());
    order.n
}
