//! [`Listing`]: the notifications the server keeps, and what of them could not be read.
//!
//! One bad item never blanks the list: it is skipped, counted, and its reason kept for diagnostics.

use std::panic::catch_unwind;

use jiff::Timestamp;

use crate::envelope::Envelope;
use crate::error::Error;
use crate::notification::Notification;
use crate::reply::Reply;

/// The answer to the list call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    /// In the server's order.
    pub notifications: Vec<Notification>,
    /// The items that could not be read.
    pub skipped: Vec<Skipped>,
    /// The server's clock when it answered (HTTP `Date`).
    pub server_time: Option<Timestamp>,
}

/// An item of the list that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its place in the server's list, from 0.
    pub index: usize,
    /// Why, without anything of its content.
    pub reason: String,
}

impl Listing {
    /// Reads an accepted answer, behind what was read before.
    pub(crate) fn read(&mut self, reply: &Reply) -> Result<(), Error> {
        self.server_time = reply.date;
        let (before, skipped_before) = (self.notifications.len() + self.skipped.len(), self.skipped.len());
        for (place, item) in Envelope::read(reply)?.items()?.iter().enumerate() {
            let item = item.as_ref().ok_or_else(|| "it is not readable as JSON".to_owned());
            // Fenced: a defect in reading one must not cost the others.
            let fenced =
                |item| catch_unwind(|| Notification::read(item)).unwrap_or_else(|_| Err("a defect of ours".to_owned()));
            let read = item.and_then(fenced);
            match read {
                Ok(notification) => self.notifications.push(notification),
                Err(reason) => self.skipped.push(Skipped { index: before + place, reason }),
            }
        }
        if let [first, ..] = &self.skipped[skipped_before..] {
            let skipped = self.skipped.len() - skipped_before;
            tracing::warn!(skipped, first = %first.reason, "unreadable notifications");
        }
        Ok(())
    }
}

/// Reads an accepted answer to the call for one notification; `None` where the server has none.
pub(crate) fn read_one(reply: &Reply) -> Result<Option<Notification>, Error> {
    let found = match Envelope::read(reply)?.one()? {
        // Some servers answer every call with a list.
        Some(serde_json::Value::Array(items)) => items.into_iter().next(),
        other => other,
    };
    found.map(|value| Notification::read(&value).map_err(Error::shape)).transpose()
}
