//! The rest of messages that the channel had to cut: fetched one by one, a few at a time. A burst of them must never
//! become a burst of calls, and whoever opens one must never wait behind it.

use std::sync::Arc;

use fasttrack_client::Error;
use tokio::sync::Semaphore;

use super::{
    Controller,
    listing::read_message,
    news::{Completed, What},
    problems,
    requests::give,
};
use crate::{Detail, Host, Message, handle::Answer};

/// Fetches under way at once.
const AT_ONCE: usize = 4;
/// Fetches under way or waiting for their turn. What comes beyond is fetched by the list call, all in one.
const MOST: usize = 64;

/// The turns of fetches that nobody waits for.
pub(super) struct Turns {
    places: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(MOST)), running: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl<H: Host> Controller<H> {
    /// Starts to fetch what a live event had not. False when it cannot be done now: it is merged as it is, and the
    /// list call brings the rest.
    pub(super) fn complete_live(&mut self, cut: &Message) -> bool {
        let Some(active) = &mut self.active else { return false };
        let Some(session) = active.session.clone() else { return false };
        let Ok(place) = Arc::clone(&active.completing.places).try_acquire_owned() else {
            active.list.trigger(tokio::time::Instant::now(), std::time::Duration::ZERO);
            return false;
        };
        let running = Arc::clone(&active.completing.running);
        let (cut, epoch) = (cut.clone(), self.epoch);
        self.spawn_for_account(async move {
            let _place = place;
            // Never closed, so always had in the end.
            let _turn = running.acquire().await;
            let whole = session.one(&cut.id.0).await;
            What::Completed(Box::new(Completed { cut, whole, epoch, answer: None }))
        });
        true
    }

    /// Fetches the rest of a message that was opened. Without a session it is shown as it is, with the reason on it.
    pub(super) fn complete_opened(&mut self, cut: Message, answer: Answer<Detail>) {
        let Some(session) = self.active.as_ref().and_then(|active| active.session.clone()) else {
            let detail = self.compose_detail(&cut);
            return give(answer, detail.map(|detail| Detail { cut: Some(problems::no_live_connection()), ..detail }));
        };
        let epoch = self.epoch;
        self.spawn_for_account(async move {
            let whole = session.one(&cut.id.0).await;
            What::Completed(Box::new(Completed { cut, whole, epoch, answer: Some(answer) }))
        });
    }

    /// A fetch ended.
    pub(super) fn completed(&mut self, Completed { cut, whole, epoch, answer }: Completed) {
        let (mut problem, mut refused) = (None, None);
        let message = match whole {
            Ok(Some(notification)) => {
                let whole = read_message(&notification, self.now(), Message::from_fetched);
                whole.filter(|whole| whole.id == cut.id).unwrap_or_else(|| cut.clone())
            }
            Ok(None) => Message { incomplete: false, ..cut.clone() },
            Err(error) => {
                tracing::warn!(%error, "the rest of a message could not be fetched");
                problem = Some(problems::call(&error));
                if let Error::SessionRejected { message } = error {
                    // Of the session that stands, or of one before it.
                    refused = Some(message).filter(|_| epoch == self.epoch);
                }
                cut.clone()
            }
        };
        if let Some(answer) = answer {
            // It was only opened again: no new event.
            self.merge(std::slice::from_ref(&message));
            let detail = self.compose_detail(&message);
            give(answer, detail.map(|detail| Detail { cut: problem, ..detail }));
        } else {
            self.merge_live(&message);
            if let (Some(_), Some(active)) = (&problem, &mut self.active) {
                // The list has the rest, and whatever became of it meanwhile.
                active.list.trigger(tokio::time::Instant::now(), std::time::Duration::ZERO);
            }
        }
        if let Some(said) = refused {
            let brand = self.brand();
            self.reject(&problems::rejected(&brand, &said));
        }
    }
}
