//! The live channel, played: what the Pusher client reports of a socket that comes and goes. That client has tests of its
//! own; here its reports are all there is of it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::future::BoxFuture;
use pusher_client::{AuthorizeError, Authorizer, Client, ClientEvent, Error, Gap, Options, PublicOnly, State};

use super::server::{Server, on_the_way};
use crate::controller::{
    live::{Live, Reports},
    news::What,
};

/// The way to the channel of a played server.
pub(super) struct Channel(pub(super) Arc<Server>);

impl Live for Channel {
    fn connect<'a>(
        &'a self,
        _: Options,
        authorizer: Arc<dyn Authorizer>,
        channel: &'a str,
        reports: Reports,
    ) -> BoxFuture<'a, Result<Client, Error>> {
        // A client that has nowhere to connect to does nothing but know when it was shut down.
        let client = Client::connect(Options::host("", "", 0, false), Arc::new(PublicOnly));
        let mut state = client.state();
        let (server, channel) = (Arc::clone(&self.0), channel.to_owned());
        let line = server.connected(reports);
        tokio::spawn(async move {
            tokio::select! {
                () = server.keep_line(line, &channel, authorizer) => {}
                // Over as well when the last of its handles is gone.
                _ = state.wait_for(|state| *state == State::Closed) => server.disconnected(line),
            }
        });
        Box::pin(async { Ok(client) })
    }
}

impl Server {
    /// The program connects; what it had before counts no more.
    fn connected(&self, reports: Reports) -> u64 {
        let mut state = self.state();
        state.line += 1;
        state.subscribed = false;
        state.reports = Some(reports);
        state.line
    }

    /// The program lets its connection go.
    fn disconnected(&self, line: u64) {
        let mut state = self.state();
        if state.line == line {
            state.subscribed = false;
            state.reports = None;
        }
    }

    /// One connection of the program, from its first attempt to the next connection's.
    pub(super) async fn keep_line(&self, line: u64, channel: &str, authorizer: Arc<dyn Authorizer>) {
        let mut socket = self.socket.subscribe();
        let mut before = false;
        let tell = |what| self.tell(line, what);
        loop {
            if socket.wait_for(|up| *up).await.is_err() {
                return;
            }
            let latency = self.state().latency;
            on_the_way(latency).await;
            let socket_id = "1.1".to_owned();
            tell(What::Socket(State::Connected { socket_id }));
            let mut lost = self.socket.subscribe();
            let answer = tokio::select! {
                answer = authorizer.authorize("1.1", channel) => Some(answer),
                _ = lost.wait_for(|up| !up) => None,
            };
            match answer {
                Some(Ok(_)) => {
                    if !self.subscribe(line, channel, before) {
                        return;
                    }
                    before = true;
                }
                Some(Err(AuthorizeError::Refused { status, message })) => {
                    let channel = channel.to_owned();
                    tell(What::Client(ClientEvent::AuthorizationFailed { channel, status, message }));
                }
                Some(Err(error)) => {
                    let (channel, retry_in) = (channel.to_owned(), Duration::from_secs(1));
                    let reason = error.to_string();
                    tell(What::Client(ClientEvent::SubscriptionDelayed { channel, reason, retry_in }));
                    tokio::time::sleep(retry_in).await;
                    if *self.socket.borrow() {
                        continue;
                    }
                }
                None => {}
            }
            if self.socket.subscribe().wait_for(|up| !up).await.is_err() || !self.lose(line) {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    fn tell(&self, line: u64, what: What) {
        self.state().tell(line, what);
    }

    /// The channel is there; false where this line is not the program's any more.
    fn subscribe(&self, line: u64, channel: &str, again: bool) -> bool {
        let mut state = self.state();
        if state.line != line {
            return false;
        }
        let channel = channel.to_owned();
        state.subscribed = true;
        if again {
            let (since, until) = (SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH);
            state.tell(line, What::Client(ClientEvent::Gap(Gap::new(&channel, since, until))));
        }
        state.tell(line, What::Client(ClientEvent::Subscribed { channel }));
        true
    }

    fn lose(&self, line: u64) -> bool {
        let mut state = self.state();
        if state.line != line {
            return false;
        }
        state.subscribed = false;
        let retry_in = Duration::from_secs(1);
        let (code, reason) = (Some(1006), "cut".to_owned());
        state.tell(line, What::Client(ClientEvent::Lost { code, reason, retry_in: Some(retry_in) }));
        state.tell(line, What::Socket(State::Waiting { retry_in }));
        true
    }
}
