//! [`Scene`]: what most tests begin with: a desktop, a Pusher server, a Fast Track server that points at it, and eyes
//! on the notification service.

use crate::desktop::{Desktop, Parts};
use crate::fasttrack_fake::{BRAND, Fasttrack, SID};
use crate::message::Message;
use crate::notifications::Notifications;
use crate::process::Program;
use crate::sockudo::Sockudo;
use crate::{app, driver};

/// A stage that is set. The fields are dropped in this order: who uses a part goes before it.
pub struct Scene {
    /// What the notification service is called with.
    pub notifications: Option<Notifications>,
    /// The Fast Track server.
    pub fasttrack: Fasttrack,
    /// The Pusher server.
    pub sockudo: Sockudo,
    /// The session.
    pub desktop: Desktop,
}

impl Scene {
    /// With a whole desktop.
    pub async fn set() -> Self {
        Self::with(Parts::default()).await
    }

    /// With these parts of a desktop.
    pub async fn with(parts: Parts) -> Self {
        let desktop = Desktop::with(parts).await;
        let sockudo = Sockudo::start(&desktop).await;
        let fasttrack = Fasttrack::start(&sockudo);
        let notifications = Some(Notifications::watch(&desktop).await);
        Self { notifications, fasttrack, sockudo, desktop }
    }

    /// The eyes on the notification service.
    pub fn notifications(&self) -> &Notifications {
        self.notifications.as_ref().expect("watched since the scene was set")
    }

    /// Puts a message into the list and publishes it. Answers its id.
    pub async fn send(&mut self, message: &Message) -> u64 {
        self.fasttrack.send(&self.sockudo, message).await
    }

    /// Starts the app into the tray, signs it in by the command line and waits until messages arrive live.
    pub async fn signed_in_app(&self) -> Program {
        let program = app::hidden(&self.desktop);
        app::await_status(&self.desktop, "answered by the running app", |status| status["state"].is_string()).await;
        app::sign_in(&self.desktop, &self.fasttrack.url(), BRAND, SID).await.succeeded();
        self.await_live().await;
        program
    }

    /// Opens the window, signs in by its form and waits until messages arrive live.
    pub async fn signed_in_window(&self) -> driver::Window {
        let window = driver::Window::open(&self.desktop).await;
        window.sign_in(&self.fasttrack.url(), BRAND, SID).await;
        window.await_pill("Online").await;
        self.sockudo.await_subscriber(&self.fasttrack.channel()).await;
        window
    }

    /// Waits until the app is subscribed to its channel.
    pub async fn await_live(&self) {
        self.sockudo.await_subscriber(&self.fasttrack.channel()).await;
        app::await_status(&self.desktop, "online", |status| status["state"] == "online").await;
    }
}
