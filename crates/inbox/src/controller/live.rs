//! The live half of a session: one task that carries what the Pusher client reports to the controller. It must never
//! judge what it carries.

use std::sync::Arc;

use pusher_client::{Authorizer, Client, Options, Subscription};
use tokio::sync::mpsc;

use super::news::{News, Scope, What};

/// Connects, subscribes `channel` and reports until the client is shut down or the controller is gone.
pub(super) async fn connect(
    options: Options,
    authorizer: Arc<dyn Authorizer>,
    channel: &str,
    scope: Scope,
    news: mpsc::Sender<News>,
) -> Result<Client, pusher_client::Error> {
    let client = Client::connect(options, authorizer);
    let subscription = client.subscribe(channel).await?;
    tokio::spawn(carry(client.clone(), subscription, scope, news));
    Ok(client)
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
