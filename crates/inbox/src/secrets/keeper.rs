//! [`Keeper`]: no sid stays in the keyring that nobody is signed in with, wherever the program ends, as long as the data
//! folder is there. Before a sid is put
//! there or taken out, a note of the account, without the sid, is put into the data folder; a note that is still there at
//! the next start is acted on. It must never take out the sid of the account that is signed in.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use secrecy::SecretString;
use tokio::sync::Mutex;

use super::Secrets;
use crate::{
    AccountId, Problem,
    store::{StoreError, private_files},
};

/// What the notes end with.
const ENDING: &str = "unclaimed";
/// Far more than a note ever needs; a larger file is not ours.
const MAX_BYTES: u64 = 64 * 1024;

/// The keyring, with notes of what is not settled in it.
#[derive(Clone)]
pub(crate) struct Keeper {
    secrets: Arc<dyn Secrets>,
    data_dir: PathBuf,
    /// One change after the other, in the order they were asked for.
    turn: Arc<Mutex<()>>,
}

impl Keeper {
    pub(crate) fn new(secrets: Arc<dyn Secrets>, data_dir: PathBuf) -> Self {
        Self { secrets, data_dir, turn: Arc::default() }
    }

    /// The account's sid.
    pub(crate) async fn get(&self, account: &AccountId) -> Result<Option<SecretString>, Problem> {
        self.secrets.get(account).await
    }

    /// Keeps a sid. The account is to be claimed once it is signed in, or forgotten.
    pub(crate) async fn keep(&self, account: &AccountId, sid: &SecretString) -> Result<(), Problem> {
        let _turn = self.turn.lock().await;
        // What was noted before is about an earlier sid, which may still be there.
        let was_noted = self.file(account).exists();
        self.note(account)?;
        let kept = self.secrets.set(account, sid).await;
        if !was_noted && kept.as_ref().is_err_and(|problem| problem.asks_person) {
            // Nothing was written, and nobody is to be asked again for its removal. After other failures something may yet be.
            self.claim(account)?;
        }
        kept
    }

    /// The account is signed in and on disk as such: its sid is to stay.
    pub(crate) fn claim(&self, account: &AccountId) -> Result<(), StoreError> {
        private_files::remove(&self.file(account))
    }

    /// The account is about to be signed out: its sid goes, now or at a later start.
    pub(crate) fn note(&self, account: &AccountId) -> Result<(), StoreError> {
        let path = self.file(account);
        let bytes = serde_json::to_vec(account)
            .map_err(|error| StoreError::Unwritable { path: path.clone(), source: error.into() })?;
        private_files::write_whole(&path, &bytes)
    }

    /// Removes the account's sid.
    pub(crate) async fn forget(&self, account: &AccountId) -> Result<(), Problem> {
        let _turn = self.turn.lock().await;
        self.secrets.delete(account).await?;
        Ok(self.claim(account)?)
    }

    /// Removes what an earlier run left behind, in the background, but for what `is_claimed`, whatever became of its note.
    /// To be called before anything else is kept.
    pub(crate) fn forget_unclaimed(&self, is_claimed: impl Fn(&AccountId) -> bool) {
        // Whatever is kept from now on waits for the end of this.
        let Ok(turn) = Arc::clone(&self.turn).try_lock_owned() else { return };
        let unclaimed = self.unclaimed(is_claimed).unwrap_or_else(|error| {
            tracing::warn!(%error, "what an earlier run left in the keyring is not looked for");
            Vec::new()
        });
        if unclaimed.is_empty() {
            return;
        }
        let keeper = self.clone();
        tokio::spawn(async move {
            for (note, account) in unclaimed {
                let removed = match keeper.secrets.delete(&account).await {
                    Ok(()) => private_files::remove(&note).map_err(Problem::from),
                    Err(problem) => Err(problem),
                };
                match removed {
                    Ok(()) => tracing::info!("a session id that nobody is signed in with was removed from the keyring"),
                    Err(problem) => tracing::warn!(%problem, "a session id that nobody is signed in with stays"),
                }
            }
            drop(turn);
        });
    }

    fn unclaimed(&self, is_claimed: impl Fn(&AccountId) -> bool) -> Result<Vec<(PathBuf, AccountId)>, StoreError> {
        let mut unclaimed = Vec::new();
        for path in private_files::ending_in(&self.data_dir, ENDING)? {
            let settled = match read(&path) {
                Ok(Some(account)) if !is_claimed(&account) => {
                    unclaimed.push((path, account));
                    continue;
                }
                // The note of what is settled, or no note.
                Ok(_) => private_files::remove(&path),
                Err(error) => Err(error),
            };
            if let Err(error) = settled {
                tracing::warn!(%error, "a note stays");
            }
        }
        Ok(unclaimed)
    }

    fn file(&self, account: &AccountId) -> PathBuf {
        self.data_dir.join(format!("{}.{ENDING}", account.file_stem()))
    }
}

fn read(path: &Path) -> Result<Option<AccountId>, StoreError> {
    let bytes = private_files::read(path, MAX_BYTES)?.unwrap_or_default();
    Ok(serde_json::from_slice(&bytes)
        .inspect_err(|error| tracing::warn!(%error, path = %path.display(), "a note cannot be read"))
        .ok())
}
