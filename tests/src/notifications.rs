//! [`Notifications`]: sees every call to the session's notification service by monitoring the private bus, so that what
//! is asserted is what the real daemon was called with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt as _;
use zbus::message::Type;
use zbus::{MessageStream, OwnedVariant};

use crate::desktop::Desktop;
use crate::wait;

/// One call of `Notify`.
#[derive(Debug, Clone)]
pub struct Notified {
    /// What the daemon answered; `None` until it did.
    pub id: Option<u32>,
    /// Who says so.
    pub app: String,
    /// The notification it replaces, or 0.
    pub replaces: u32,
    /// A name or path.
    pub icon: String,
    /// The title.
    pub title: String,
    /// The body, as sent: markup where the daemon reads it.
    pub body: String,
    /// Pairs of key and label.
    pub actions: Vec<String>,
}

#[derive(Default)]
struct Seen {
    calls: Vec<Notified>,
    waiting: HashMap<(String, u32), usize>,
    closed: Vec<u32>,
}

/// Eyes on the session's notification service.
pub struct Notifications {
    seen: Arc<Mutex<Seen>>,
    bus: zbus::Connection,
    task: tokio::task::JoinHandle<()>,
}

impl Notifications {
    /// Watches from now on.
    pub async fn watch(desktop: &Desktop) -> Self {
        let monitor = desktop.bus().await;
        let messages = MessageStream::from(&monitor);
        let proxy = zbus::fdo::MonitoringProxy::new(&monitor).await.expect("the bus can be monitored");
        proxy.become_monitor(&[], 0).await.expect("the private bus lets itself be monitored");
        let seen = Arc::new(Mutex::new(Seen::default()));
        let task = tokio::spawn(record(messages, Arc::clone(&seen)));
        Self { seen, bus: desktop.bus().await, task }
    }

    /// Every call of `Notify` so far, in order.
    pub fn all(&self) -> Vec<Notified> {
        self.seen.lock().expect("nobody panics here").calls.clone()
    }

    /// The calls with this title.
    pub fn titled(&self, title: &str) -> Vec<Notified> {
        self.all().into_iter().filter(|call| call.title == title).collect()
    }

    /// The ids that were taken back by `CloseNotification`.
    pub fn closed(&self) -> Vec<u32> {
        self.seen.lock().expect("nobody panics here").closed.clone()
    }

    /// Waits for a notification with this title that the daemon has taken.
    pub async fn await_titled(&self, title: &str) -> Notified {
        self.await_one(&format!("a notification titled {title:?}"), |call| call.title == title).await
    }

    /// Waits for a notification that `wanted` knows, and that the daemon has taken.
    pub async fn await_one(&self, what: &str, wanted: impl Fn(&Notified) -> bool) -> Notified {
        wait::until(what, || async {
            let all = self.all();
            all.iter()
                .find(|call| call.id.is_some() && wanted(call))
                .cloned()
                .ok_or_else(|| format!("{:?}", all.iter().map(|call| (&call.title, &call.body)).collect::<Vec<_>>()))
        })
        .await
    }

    /// What the service says it can do.
    pub async fn capabilities(&self) -> Vec<String> {
        self.service().await.call("GetCapabilities", &()).await.expect("the notification service answers")
    }

    /// Takes every notification but this one off the screen.
    pub async fn close_all_but(&self, keep: u32) {
        let service = self.service().await;
        for id in self.all().iter().filter_map(|call| call.id).filter(|id| *id != keep) {
            // One that is gone already is answered with an error.
            let _: zbus::Result<()> = service.call("CloseNotification", &id).await;
        }
    }

    /// Takes the notifications of these calls off the screen.
    pub async fn close(&self, calls: &[Notified]) {
        let service = self.service().await;
        for id in calls.iter().filter_map(|call| call.id) {
            // One that is gone already is answered with an error, and so is every one while the service is away.
            let _: zbus::Result<()> = service.call("CloseNotification", &id).await;
        }
    }

    async fn service(&self) -> zbus::Proxy<'_> {
        zbus::Proxy::new(
            &self.bus,
            "org.freedesktop.Notifications",
            "/org/freedesktop/Notifications",
            "org.freedesktop.Notifications",
        )
        .await
        .expect("constant names")
    }
}

impl Drop for Notifications {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn record(mut messages: MessageStream, seen: Arc<Mutex<Seen>>) {
    while let Some(Ok(message)) = messages.next().await {
        let header = message.header();
        let mut seen = seen.lock().expect("nobody panics here");
        match message.message_type() {
            Type::MethodCall
                if header.interface().is_some_and(|name| name.as_str() == "org.freedesktop.Notifications") =>
            {
                let member = header.member().map(|name| name.as_str().to_owned()).unwrap_or_default();
                let caller = header.sender().map(ToString::to_string).unwrap_or_default();
                let serial = header.primary().serial_num().get();
                match member.as_str() {
                    "Notify" => {
                        if let Some(call) = read_call(&message) {
                            let at = seen.calls.len();
                            seen.waiting.insert((caller, serial), at);
                            seen.calls.push(call);
                        }
                    }
                    "CloseNotification" => seen.closed.extend(message.body().deserialize::<u32>().ok()),
                    _ => {}
                }
            }
            Type::MethodReturn => {
                let key = header.destination().zip(header.reply_serial());
                let key = key.map(|(caller, serial)| (caller.to_string(), serial.get()));
                if let Some(at) = key.and_then(|key| seen.waiting.remove(&key)) {
                    seen.calls[at].id = message.body().deserialize::<u32>().ok();
                }
            }
            _ => {}
        }
    }
}

fn read_call(message: &zbus::Message) -> Option<Notified> {
    type Arguments = (String, u32, String, String, String, Vec<String>, HashMap<String, OwnedVariant>, i32);
    let body = message.body();
    let (app, replaces, icon, title, text, actions, _hints, _timeout): Arguments = body.deserialize().ok()?;
    Some(Notified { id: None, app, replaces, icon, title, body: text, actions })
}

/// The text that a service shows for `body`, when it reads markup: tags dropped, entities decoded. What a test sent as
/// text must come out of this unchanged.
pub fn shown_text(body: &str) -> String {
    let mut text = String::new();
    let mut rest = body;
    while let Some(at) = rest.find(['<', '&']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = if rest.starts_with('<') { '>' } else { ';' };
        let Some(length) = rest.find(end) else { break };
        let (token, after) = rest.split_at(length + 1);
        match token {
            "&lt;" => text.push('<'),
            "&gt;" => text.push('>'),
            "&amp;" => text.push('&'),
            "&quot;" => text.push('"'),
            "&apos;" | "&#39;" | "&#x27;" => text.push('\''),
            _ => {}
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::shown_text;

    #[test]
    fn escaped_text_is_shown_as_it_was_and_tags_are_not_shown() {
        assert_eq!(shown_text("a &lt;b&gt; &amp;lt; c"), "a <b> &lt; c", "entities are decoded once");
        assert_eq!(shown_text("a <b>x</b>"), "a x", "an unescaped tag would be lost");
    }
}
