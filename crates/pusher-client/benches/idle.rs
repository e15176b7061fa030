//! What an idle client costs in memory: many of them in one process, connected and subscribed to a server in another.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark speaks, and may panic when it can not go on")]

use std::{
    env, fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::Arc,
};

use futures_util::{SinkExt, StreamExt};
use pusher_client::{ChannelEvent, Client, Options, Proxy, PublicOnly};
use tokio::net::TcpListener;
use tokio_tungstenite::{accept_async, tungstenite::Message};

const CLIENTS: usize = 500;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if env::args().any(|argument| argument == "--server") {
        runtime.block_on(serve());
        return;
    }
    let Some(empty) = memory() else { return println!("the memory of a process is read from /proc: left out") };
    let own = env::current_exe().unwrap();
    let mut server = Command::new(own).arg("--server").stdout(Stdio::piped()).stdin(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port: u16 = line.trim().parse().unwrap();
    let clients = runtime.block_on(async {
        let mut all = Vec::new();
        for _ in 0..CLIENTS {
            let options = Options::host("key", "127.0.0.1", port, false).proxy(Proxy::none());
            let client = Client::connect(options, Arc::new(PublicOnly));
            let mut news = client.subscribe("news").await.unwrap();
            assert_eq!(news.next().await, Some(ChannelEvent::Subscribed));
            all.push((client, news));
        }
        all
    });
    let full = memory().unwrap();
    drop(clients);
    server.kill().unwrap();
    server.wait().unwrap();
    println!("{CLIENTS} idle clients without TLS: {} KiB each", (full - empty) / CLIENTS);
}

/// The private memory of this process, in KiB.
fn memory() -> Option<usize> {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.split_whitespace().next()?.parse().ok())
}

/// Greets everybody and accepts every subscription, as long as whoever started it is there.
async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    loop {
        let (tcp, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let mut socket = accept_async(tcp).await.unwrap();
            let greeting = r#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.1\"}"}"#;
            let accepted = r#"{"event":"pusher_internal:subscription_succeeded","channel":"news","data":"{}"}"#;
            socket.send(Message::text(greeting)).await.unwrap();
            // The subscription.
            socket.next().await.unwrap().unwrap();
            socket.send(Message::text(accepted)).await.unwrap();
            while let Some(Ok(_)) = socket.next().await {}
        });
    }
}
