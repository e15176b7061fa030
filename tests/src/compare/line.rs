//! [`Line`]: the wire between clients and a server, which can be cut, go silent, or end in a server that sends everybody
//! away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// A wire to a server on loopback.
pub struct Line {
    /// Where clients connect.
    pub port: u16,
    shared: Arc<Shared>,
    cuts: watch::Sender<u64>,
    silences: watch::Sender<u64>,
}

struct Shared {
    server: u16,
    sends_away: AtomicBool,
    sent_away: AtomicU64,
}

impl Line {
    /// A wire to the server at `server`.
    pub async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared { server, sends_away: AtomicBool::new(false), sent_away: AtomicU64::new(0) });
        let (cuts, silences) = (watch::Sender::new(0), watch::Sender::new(0));
        tokio::spawn(accept(listener, shared.clone(), cuts.subscribe(), silences.subscribe()));
        Self { port, shared, cuts, silences }
    }

    /// Cuts every connection there is.
    pub fn cut(&self) {
        self.cuts.send_modify(|count| *count += 1);
    }

    /// From now on nothing passes over the connections there are, and nobody is told.
    pub fn silence(&self) {
        self.silences.send_modify(|count| *count += 1);
    }

    /// From now on whoever connects is greeted and sent away with 4200 at once, or no longer. Gives how many were.
    pub fn send_away(&self, does: bool) -> u64 {
        self.shared.sends_away.store(does, Ordering::SeqCst);
        self.shared.sent_away.swap(0, Ordering::SeqCst)
    }
}

async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    cuts: watch::Receiver<u64>,
    silences: watch::Receiver<u64>,
) {
    while let Ok((client, _)) = listener.accept().await {
        let (shared, mut cuts, mut silences) = (shared.clone(), cuts.clone(), silences.clone());
        cuts.mark_unchanged();
        silences.mark_unchanged();
        tokio::spawn(async move {
            if shared.sends_away.load(Ordering::SeqCst) {
                shared.sent_away.fetch_add(1, Ordering::SeqCst);
                return send_away(client).await;
            }
            let Ok(mut server) = TcpStream::connect(("127.0.0.1", shared.server)).await else { return };
            let mut client = client;
            let silent = tokio::select! {
                _ = copy_bidirectional(&mut client, &mut server) => false,
                _ = cuts.changed() => false,
                _ = silences.changed() => true,
            };
            if silent {
                // Both ends stay open, and nothing is passed on, until somebody cuts them.
                let _ = cuts.changed().await;
            }
        });
    }
}

async fn send_away(client: TcpStream) {
    let Ok(mut socket) = accept_async(client).await else { return };
    let greeting =
        r#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.1\",\"activity_timeout\":120}"}"#;
    let close = CloseFrame { code: 4200.into(), reason: "Please reconnect".into() };
    // A client that has gone already needs not be sent away.
    let _ = socket.send(Message::text(greeting)).await;
    let _ = socket.close(Some(close)).await;
    while let Some(Ok(_)) = socket.next().await {}
}
