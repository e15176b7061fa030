//! The live half of a session: one task that carries what the Pusher client reports to the controller. It must never
//! judge what it carries.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use pusher_client::{Authorizer, Client, Options, Subscription};
use tokio::sync::mpsc;

use super::news::{News, Scope, What};

/// Where what happens live is reported, and what for.
pub(super) struct Reports {
    pub(super) scope: Scope,
    pub(super) news: mpsc::Sender<News>,
}

/// The way to the live channel.
pub(super) trait Live: Send + Sync {
    /// Connects, subscribes `channel` and reports until the client is shut down or the controller is gone.
    fn connect<'a>(
        &'a self,
        options: Options,
        authorizer: Arc<dyn Authorizer>,
        channel: &'a str,
        reports: Reports,
    ) -> BoxFuture<'a, Result<Client, pusher_client::Error>>;
}

/// The Pusher client on a socket of its own.
pub(super) struct Pusher;

impl Live for Pusher {
    fn connect<'a>(
        &'a self,
        options: Options,
        authorizer: Arc<dyn Authorizer>,
        channel: &'a str,
        Reports { scope, news }: Reports,
    ) -> BoxFuture<'a, Result<Client, pusher_client::Error>> {
        Box::pin(async move {
            let client = Client::connect(options, authorizer);
            let subscription = client.subscribe(channel).await?;
            tokio::spawn(carry(client.clone(), subscription, scope, news));
            Ok(client)
        })
    }
}

async fn carry(client: Client, mut subscription: Subscription, scope: Scope, news: mpsc::Sender<News>) {
    let mut state = client.state();
    let mut events = client.events();
    // The client must end when the controller lets go of its own: this task keeps none.
    drop(client);
    loop {
        let what = tokio::select! {
            // A controller that panicked could not shut the client down; without this the socket would live on.
            () = news.closed() => return,
            changed = state.changed() => match changed {
                Ok(()) => What::Socket(state.borrow_and_update().clone()),
                Err(_) => return,
            },
            event = events.next() => match event {
                Some(event) => What::Client(event),
                None => return,
            },
            event = subscription.next() => match event {
                Some(event) => What::Channel(event),
                None => return,
            },
        };
        if news.send(News { scope, what }).await.is_err() {
            return;
        }
    }
}
