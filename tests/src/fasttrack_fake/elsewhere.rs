//! What happens to messages on the server without the app: another device, another sending.

use serde_json::{Value, json};

use super::Fasttrack;
use crate::sockudo::Sockudo;

impl Fasttrack {
    /// Another device marks it read.
    pub fn read_elsewhere(&self, id: u64) {
        if let Some(message) = self.state().messages.iter_mut().find(|message| message["MessageId"] == id) {
            message["IsRead"] = json!(true);
        }
    }

    /// Whether the server has it as read.
    pub fn is_read(&self, id: u64) -> bool {
        self.state().messages.iter().any(|message| message["MessageId"] == id && message["IsRead"] == true)
    }

    /// Sends a message again with another title, in the list and on the socket.
    pub async fn resend(&self, pusher: &Sockudo, id: u64, title: &str) {
        let changed: Option<Value> = {
            let mut state = self.state();
            let found = state.messages.iter_mut().find(|message| message["MessageId"] == id);
            found.map(|message| {
                message["Title"] = json!(title);
                message.clone()
            })
        };
        let Some(value) = changed else { return };
        pusher.publish(&self.channel(), "message", &value).await.expect("sockudo takes what is published");
    }
}
