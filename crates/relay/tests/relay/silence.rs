//! A way to a server that can fall silent: connections stay open, and nothing passes any more, as when a machine is lost.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// The way.
pub struct Way {
    pub port: u16,
    generation: watch::Sender<(u64, bool)>,
}

impl Way {
    /// A way to that port of this machine.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let (generation, at) = watch::channel((0, true));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, SocketAddr::from(([127, 0, 0, 1], port)), at.clone()));
            }
        });
        Self { port: own, generation }
    }

    /// From now on nothing passes, on no connection.
    pub fn fall_silent(&self) {
        self.generation.send_modify(|(number, open)| (*number, *open) = (*number + 1, false));
    }

    /// New connections pass again; those of before never do.
    pub fn open_again(&self) {
        self.generation.send_modify(|(_, open)| *open = true);
    }
}

async fn pass(mut client: TcpStream, server: SocketAddr, mut at: watch::Receiver<(u64, bool)>) {
    let born = *at.borrow();
    let both_ways = async {
        let mut server = TcpStream::connect(server).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    };
    tokio::select! {
        // Closed by one of them.
        () = both_ways, if born.1 => return,
        // One that was born in silence stays in it.
        _ = at.wait_for(|(number, _)| !born.1 || *number != born.0) => {}
    }
    // Whatever is sent is taken by this machine and goes nowhere, until whoever sends it gives up.
    let mut lost = [0; 4096];
    while matches!(client.read(&mut lost).await, Ok(read) if read > 0) {}
    let _ = client.shutdown().await;
}
