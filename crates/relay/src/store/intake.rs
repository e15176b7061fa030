//! The way in for call-outs. Those that arrive while the last ones are being stored are stored together: a commit waits for
//! the disk, and one commit for many is what makes a flood bearable. Each is answered after the commit, never before.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::{Store, events::Arrived};
use crate::Error;

/// Call-outs of one commit.
const TOGETHER: usize = 64;
/// A call-out that is not stored by then is answered that it is not: whoever sends it comes again.
const STORED_WITHIN: Duration = Duration::from_secs(15);
/// Call-outs that wait; beyond them whoever sends waits.
const WAITING: usize = 1024;

/// The way in. It ends when the last handle is gone.
#[derive(Clone)]
pub(crate) struct Intake(mpsc::Sender<(Arrived, oneshot::Sender<Result<bool, Error>>)>);

impl Intake {
    pub(crate) fn new(store: Store, window: Duration) -> Self {
        let (sender, mut receiver) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let mut waiting = Vec::new();
            while receiver.recv_many(&mut waiting, TOGETHER).await > 0 {
                // Whoever does not wait any more was told nothing, or that it is not stored.
                waiting.retain(|(_, answer): &(_, oneshot::Sender<_>)| !answer.is_closed());
                if waiting.is_empty() {
                    continue;
                }
                let (arrived, answers): (Vec<Arrived>, Vec<oneshot::Sender<_>>) = waiting.drain(..).unzip();
                match store.call(move |database| database.add_events(&arrived, window)).await {
                    Ok(are_new) => {
                        for (answer, is_new) in answers.into_iter().zip(are_new) {
                            // Who has hung up is told nothing.
                            let _ = answer.send(Ok(is_new));
                        }
                    }
                    Err(error) => {
                        tracing::error!(%error, call_outs = answers.len(), "call-outs could not be stored");
                        for answer in answers {
                            let _ = answer.send(Err(Error::Interrupted));
                        }
                    }
                }
            }
        });
        Self(sender)
    }

    /// Stores a call-out; answers whether it is new. That it could not be stored in time does not say that it was not: an
    /// answer of the database's may have been lost on its way.
    pub(crate) async fn add(&self, one: Arrived) -> Result<bool, Error> {
        let stored = async {
            let (answer, answered) = oneshot::channel();
            self.0.send((one, answer)).await.map_err(|_| Error::Interrupted)?;
            answered.await.map_err(|_| Error::Interrupted)?
        };
        tokio::time::timeout(STORED_WITHIN, stored).await.map_err(|_| Error::Interrupted)?
    }
}
