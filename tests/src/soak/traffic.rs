//! What goes on while things go wrong: messages are sent, changed, read here and elsewhere, and taken back; and the
//! [`Ledger`] in which the soak keeps what the app has to show for it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Soak;
use crate::app;
use crate::message::Message;

/// What was sent, and what became of it.
#[derive(Default)]
pub(super) struct Ledger {
    /// By id, in the order of sending.
    pub(super) sent: BTreeMap<u64, Sent>,
    /// Marks that the app has acknowledged: on the server already, or kept until they are.
    pub(super) marks: BTreeSet<u64>,
    pub(super) published: u64,
    pub(super) changed: u64,
    pub(super) read_elsewhere: u64,
    pub(super) removed: u64,
    pub(super) marks_not_taken: u64,
}

/// One message.
pub(super) struct Sent {
    /// Unlike any other.
    pub(super) title: String,
    /// Whether somebody must be told of it: not one that is silent, expires, or was read or taken back.
    pub(super) must_be_announced: bool,
}

/// How a message is sent.
#[derive(Clone, Copy)]
enum Way {
    Plain,
    Silent,
    Expiring,
    Cut,
}

impl Soak {
    /// One thing that somebody does.
    pub(super) async fn act(&mut self) {
        match self.dice.below(16) {
            0..=5 => self.send(Way::Plain).await,
            6 => self.send(Way::Silent).await,
            7 => self.send(Way::Expiring).await,
            8 => self.send(Way::Cut).await,
            9 => {
                for _ in 0..5 {
                    self.send(Way::Plain).await;
                }
            }
            10 => self.send_again().await,
            11 => self.read_elsewhere(),
            12 => self.take_back(),
            _ => self.mark().await,
        }
        self.clear_screen().await;
    }

    async fn send(&mut self, way: Way) {
        let title = format!("Soak message {}", self.ledger.sent.len() + 1);
        let message = Message::new("message", &title);
        let message = match way {
            Way::Plain | Way::Cut => message,
            Way::Silent => message.silent(),
            Way::Expiring => message.expires_in(i64::try_from(2 + self.dice.below(5)).unwrap_or(2)),
        };
        let id = self.scene.fasttrack.add(&message);
        let must_be_announced = matches!(way, Way::Plain | Way::Cut);
        self.ledger.sent.insert(id, Sent { title, must_be_announced });
        self.publish(id, matches!(way, Way::Cut)).await;
    }

    /// Publishes what the list has of this message. Where the socket server does not answer, the list alone has it.
    async fn publish(&mut self, id: u64, without_body: bool) {
        let Some(mut value) = self.on_server(id) else { return };
        if !self.socket_server_answers {
            return;
        }
        if without_body && let Some(fields) = value.as_object_mut() {
            fields.remove("Message");
        }
        let channel = self.scene.fasttrack.channel();
        // The server limits how much is published in a minute: the list has it all the same.
        if self.scene.sockudo.publish(&channel, "message", &value).await.is_ok() {
            self.ledger.published += 1;
        }
    }

    /// The same id comes once more, with other words.
    async fn send_again(&mut self) {
        let Some(id) = self.any_on_server(|_| true) else { return };
        self.ledger.changed += 1;
        let preview = format!("Changed for the {}. time", self.ledger.changed);
        self.scene.fasttrack.change(id, "PreviewText", preview);
        self.publish(id, false).await;
    }

    /// The person reads one on another device.
    fn read_elsewhere(&mut self) {
        let Some(id) = self.any_on_server(|message| message["IsRead"] == false) else { return };
        self.ledger.read_elsewhere += 1;
        self.scene.fasttrack.change(id, "IsRead", true);
        self.needs_no_announcement(id);
    }

    /// The list shrinks.
    fn take_back(&mut self) {
        let Some(id) = self.any_on_server(|_| true) else { return };
        if !self.ledger.marks.contains(&id) {
            self.ledger.removed += 1;
            self.scene.fasttrack.remove(id);
            self.needs_no_announcement(id);
        }
    }

    /// The person marks one as read by the command line.
    async fn mark(&mut self) {
        let unread = self.any_on_server(|message| message["IsRead"] == false && message["Expires"].is_null());
        let Some(id) = unread else { return };
        // Who reads it has seen it, told or not.
        self.needs_no_announcement(id);
        let answer = app::run(&self.scene.desktop, &["read", &id.to_string()]).await;
        if answer.code == Some(0) || answer.err.contains("Marked here") {
            self.ledger.marks.insert(id);
        } else {
            self.ledger.marks_not_taken += 1;
        }
    }

    fn needs_no_announcement(&mut self, id: u64) {
        if let Some(sent) = self.ledger.sent.get_mut(&id) {
            sent.must_be_announced = false;
        }
    }

    fn on_server(&self, id: u64) -> Option<Value> {
        self.scene.fasttrack.messages().into_iter().find(|message| message["MessageId"] == id)
    }

    fn any_on_server(&mut self, wanted: impl Fn(&Value) -> bool) -> Option<u64> {
        let messages = self.scene.fasttrack.messages();
        let ids: Vec<u64> = messages
            .iter()
            .filter(|message| wanted(message))
            .filter_map(|message| message["MessageId"].as_u64())
            .collect();
        self.dice.one_of(&ids)
    }

    /// Takes bubbles off the screen once there are many, as a person would.
    async fn clear_screen(&mut self) {
        let calls = self.scene.notifications().all();
        if calls.len() >= self.cleared + 20 {
            self.scene.notifications().close(&calls[self.cleared..]).await;
            self.cleared = calls.len();
        }
    }
}
