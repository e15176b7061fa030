//! A server, an application and a client, and waiting for what they tell each other.

use std::sync::Arc;
use std::time::Duration;

use pusher_client::{Authorizer, ChannelEvent, Client, ClientEvent, ClientEvents, Event, Options, Proxy, Subscription};
use serde_json::json;
use tempfile::TempDir;
use traybell_tests::backend::Backend;
use traybell_tests::sockudo::{Release, Sockudo};

/// On a loaded machine with two cores.
const LIMIT: Duration = Duration::from_secs(30);

/// Both releases.
pub const BOTH: [Release; 2] = [Release::V5, Release::V2];

/// A server with its application.
pub struct Stage {
    pub server: Sockudo,
    pub backend: Backend,
    _folder: TempDir,
}

impl Stage {
    pub async fn set(release: Release) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Sockudo::alone(release, folder.path()).await;
        let backend = Backend::start(&server);
        Self { server, backend, _folder: folder }
    }

    pub fn options(&self) -> Options {
        Options::host(self.server.app.key.as_str(), "127.0.0.1", self.server.port, false).proxy(Proxy::none())
    }

    /// A client that the application signs for.
    pub fn client(&self) -> Client {
        Client::connect(self.options(), Arc::new(self.backend.clone()))
    }

    /// A client that the application signs for as this user.
    pub fn client_of(&self, id: &str) -> Client {
        Client::connect(self.options(), self.user(id))
    }

    pub fn user(&self, id: &str) -> Arc<Backend> {
        self.backend.as_user(json!({ "id": id, "info": { "name": format!("Name of {id}") } }))
    }

    /// A client that is signed for by somebody else.
    pub fn client_with(&self, authorizer: Arc<dyn Authorizer>) -> Client {
        Client::connect(self.options(), authorizer)
    }
}

pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// The next that happens on the channel but for the number of its subscriptions.
pub async fn next(subscription: &mut Subscription) -> ChannelEvent {
    within("an event of the channel", async {
        loop {
            match subscription.next().await.expect("the client is still there") {
                ChannelEvent::SubscriptionCount(_) => {}
                event => return event,
            }
        }
    })
    .await
}

/// Subscribes and waits until the channel is there.
pub async fn subscribed(client: &Client, channel: &str) -> Subscription {
    let mut subscription = client.subscribe(channel).await.unwrap();
    assert_eq!(next(&mut subscription).await, ChannelEvent::Subscribed, "{channel}");
    subscription
}

/// The next that happens, which must be an event.
pub async fn published(subscription: &mut Subscription) -> Event {
    match next(subscription).await {
        ChannelEvent::Event(event) => event,
        other => panic!("an event was expected: {other:?}"),
    }
}

/// The next event of the connection that `wanted` takes.
pub async fn event<T>(events: &mut ClientEvents, what: &str, wanted: impl Fn(ClientEvent) -> Option<T>) -> T {
    within(what, async {
        loop {
            if let Some(found) = wanted(events.next().await.expect("the client is still there")) {
                return found;
            }
        }
    })
    .await
}
