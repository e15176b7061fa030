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
#[derive(Debug, Clone, PartialEq)]
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
    /// Reads an accepted answer.
    pub(crate) fn read(reply: &Reply) -> Result<Self, Error> {
        let mut listing = Self { notifications: Vec::new(), skipped: Vec::new(), server_time: reply.date };
        for (index, item) in Envelope::read(reply)?.items()?.iter().enumerate() {
            let item = item.as_ref().ok_or_else(|| "it is not readable as JSON".to_owned());
            // Fenced: a defect in reading one must not cost the others.
            let fenced =
                |item| catch_unwind(|| Notification::read(item)).unwrap_or_else(|_| Err("a defect of ours".to_owned()));
            let read = item.and_then(fenced);
            match read {
                Ok(notification) => listing.notifications.push(notification),
                Err(reason) => listing.skipped.push(Skipped { index, reason }),
            }
        }
        if !listing.skipped.is_empty() {
            tracing::warn!(skipped = listing.skipped.len(), first = %listing.skipped[0].reason, "unreadable notifications");
        }
        Ok(listing)
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
