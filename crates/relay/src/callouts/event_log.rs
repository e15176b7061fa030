//! The stored call-outs as an operator sees them, from outside a running relay: the database lets both work on it.

use jiff::Timestamp;

use crate::{
    DatabaseAddress, Error,
    store::{Event, EventSummary, Store},
};

/// A handle on a database's events. Opening brings the database up to date, as a server's start does.
#[derive(Clone)]
pub struct EventLog {
    store: Store,
}

impl EventLog {
    /// Opens the relay's database, which must be there.
    pub async fn open(database: impl Into<DatabaseAddress>) -> Result<Self, Error> {
        Ok(Self { store: Store::open_existing(database).await? })
    }

    /// The newest events first; only those that failed or are flagged when asked for.
    pub async fn list(&self, failed_or_flagged_only: bool, limit: u32) -> Result<Vec<EventSummary>, Error> {
        self.store.call(move |database| database.events(failed_or_flagged_only, limit)).await
    }

    /// One event with its body as it came; nothing when there is none of this id.
    pub async fn show(&self, id: i64) -> Result<Option<Event>, Error> {
        self.store.call(move |database| database.event(id)).await
    }

    /// Has the event delivered once more, by the running relay within some seconds or by the next that is started. Who
    /// has its message already gets no second one; that of a flagged event is written anew.
    pub async fn replay(&self, id: i64) -> Result<(), Error> {
        if self.store.call(move |database| database.replay_event(id, Timestamp::now())).await? {
            return Ok(());
        }
        Err(Error::Input(format!("there is no event {id}")))
    }
}
