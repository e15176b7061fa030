//! Tells the user's other desktops what was read on one of them. It is a courtesy: a mark that is not told is seen with the
//! next list. So marks wait in memory, as many as there is room for, and go out together.

use std::time::Duration;

use serde_json::json;
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::channels::{Channels, Publication};

/// Marks that wait; beyond them none is told.
const WAITING: usize = 1000;
/// Marks that go out together.
const TOGETHER: usize = 100;
/// A channel server that is away is asked again after these.
const RETRIES: [Duration; 3] = [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(4)];

/// Where marks are handed in.
#[derive(Clone)]
pub(crate) struct ReadMarks(mpsc::Sender<Publication>);

/// The one task behind it.
pub(crate) struct Teller(mpsc::Receiver<Publication>);

impl ReadMarks {
    pub(crate) fn new() -> (Self, Teller) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), Teller(receiver))
    }

    pub(crate) fn tell(&self, channel: String, id: i64) {
        let payload = json!({ "MessageId": id }).to_string();
        let reason = match self.0.try_send(Publication { channel, event: "read".into(), payload }) {
            Ok(()) => return,
            Err(TrySendError::Full(_)) => "too many marks wait",
            Err(TrySendError::Closed(_)) => "the relay is stopping",
        };
        tracing::warn!(message = id, reason, "the other desktops are not told that it was read");
    }
}

impl Teller {
    /// Runs until it is told to stop; what waits by then is told first, when that works at once.
    pub(crate) async fn run(mut self, channels: &Channels, stop: CancellationToken) {
        let mut marks = Vec::new();
        loop {
            let is_stopping = stop.is_cancelled();
            if is_stopping {
                self.0.close();
            }
            tokio::select! {
                received = self.0.recv_many(&mut marks, TOGETHER) => if received == 0 { return },
                () = stop.cancelled(), if !is_stopping => continue,
            }
            tell(channels, &marks, &stop).await;
            marks.clear();
        }
    }
}

async fn tell(channels: &Channels, marks: &[Publication], stop: &CancellationToken) {
    let mut retries = RETRIES.into_iter();
    while let Err(error) = channels.publish(marks).await {
        let Some(wait) = retries.next().filter(|_| !stop.is_cancelled()) else {
            tracing::warn!(%error, marks = marks.len(), "other desktops are not told what was read");
            return;
        };
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.cancelled() => {}
        }
    }
}
