//! Hands stored messages to the channels. A message stays marked as unpublished until that was done, so that neither a
//! channel server that is away nor the end of this process costs a desktop its notification. It may be published twice;
//! desktops know it by its id.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{
    Error,
    api::Shared,
    channels::Publication,
    notification::Notification,
    store::{StoredMessage, User},
};

/// What another process has stored is seen at the latest after this.
const POLL: Duration = Duration::from_secs(2);
/// Messages that are published in one go.
const BATCH: u32 = 100;
/// What could not be published for this long is left to the desktops, which list by themselves.
const STALE: SignedDuration = SignedDuration::from_mins(15);
/// From one publication to the next, as with deliveries.
const PACE: Duration = Duration::from_millis(20);
const FIRST_RETRY: Duration = Duration::from_millis(250);
const MAX_RETRY: Duration = Duration::from_secs(15);

/// The one task that publishes.
pub(crate) struct Publisher {
    shared: Shared,
    stop: CancellationToken,
}

impl Publisher {
    pub(crate) fn new(shared: Shared, stop: CancellationToken) -> Self {
        Self { shared, stop }
    }

    /// Runs until it is told to stop; what is stored by then is published first, when that works at once.
    pub(crate) async fn run(self) {
        let stored = Arc::clone(&self.shared.stored);
        let (mut failures, mut last) = (0_u32, Instant::now());
        loop {
            self.stop.run_until_cancelled(sleep_until(last + PACE)).await;
            last = Instant::now();
            let stopping = self.stop.is_cancelled();
            let wait = match self.publish_all().await {
                Ok(()) => {
                    failures = 0;
                    POLL
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    tracing::error!(%error, failures, "messages are stored, but not published yet");
                    retry_after(failures)
                }
            };
            if stopping {
                return;
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                // While it fails, more messages are no reason to try sooner.
                () = stored.notified(), if failures == 0 => {}
                () = sleep(wait) => {}
            }
        }
    }

    async fn publish_all(&self) -> Result<(), Error> {
        loop {
            let now = Timestamp::now();
            let since = now.checked_sub(STALE).unwrap_or(Timestamp::UNIX_EPOCH);
            let found = self.shared.store.call(move |database| database.unpublished(since, BATCH, now)).await?;
            let is_last = found.len() < BATCH as usize;
            let found: Vec<_> = found.into_iter().flatten().collect();
            if found.is_empty() && is_last {
                return Ok(());
            }
            let taken: Vec<_> = found.iter().map(|(_, message)| (message.id, message.renewals)).collect();
            let publications: Vec<_> =
                found.into_iter().filter_map(|(user, message)| publication(&self.shared, &user, message)).collect();
            let published = self.shared.channels.publish(&publications).await;
            self.shared.metrics.published(taken.len(), published.is_ok());
            if let Err(error) = published {
                let ids: Vec<i64> = taken.into_iter().map(|(id, _)| id).collect();
                self.shared.store.call(move |database| database.not_published(&ids)).await?;
                return Err(error);
            }
            tracing::debug!(messages = taken.len(), "published");
            self.shared.store.call(move |database| database.published(&taken)).await?;
            if is_last {
                return Ok(());
            }
        }
    }
}

/// Over 10 KB the published form comes without its body, for the client to fetch by the id.
fn publication(shared: &Shared, user: &User, stored: StoredMessage) -> Option<Publication> {
    let (id, event) = (stored.id, stored.message.kind.name().to_owned());
    match Notification::new(stored, &shared.own_url).published() {
        Ok(payload) => Some(Publication { channel: user.channel(), event, payload }),
        Err(error) => {
            // It is in the list, which every client reads again.
            tracing::error!(message = id, %error, "stored, but it cannot be published");
            None
        }
    }
}

fn retry_after(failures: u32) -> Duration {
    FIRST_RETRY.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(MAX_RETRY)
}
