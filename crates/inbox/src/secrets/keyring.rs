//! The OS keyring: the Secret Service on Linux (GNOME Keyring, `KWallet`), Keychain on macOS, Credential Manager on Windows.
//! [`write`] is the one function of the whole product that puts something there.
//!
//! On Linux the entry carries the attributes `service` = `Traybell` and `username` = the account's key, so that
//! `secret-tool search service Traybell` finds it, and a label that a person can read in the keyring's own window.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use keyring_core::{CredentialStore, Entry, Error};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Mutex, oneshot};

use super::{Kept, Secrets};
use crate::{AccountId, Code, Problem};

/// What the entries are filed under.
const SERVICE: &str = "Traybell";
/// Reading and deleting answer at once, or ask the person to unlock the keyring first.
const READ_LIMIT: Duration = Duration::from_secs(20);
/// Writing may ask for a password to be chosen for a new keyring.
const WRITE_LIMIT: Duration = Duration::from_mins(1);

/// The OS keyring.
///
/// A connection that failed is dropped, and the next call makes another: the service may start late.
#[derive(Debug, Default, Clone)]
pub struct KeyringSecrets {
    /// The connection to the keyring, kept once it worked. Held over a whole call, also by one that nobody waits for any
    /// more: its prompt may still be on the screen, and two at a time confuse people.
    store: Arc<Mutex<Option<Arc<CredentialStore>>>>,
    /// How often a person refused. Who waited behind a prompt that was refused does not ask the same again.
    refusals: Arc<AtomicU64>,
    /// The last refusal came when its caller had given up: the next one is told.
    unheard: Arc<AtomicBool>,
}

impl KeyringSecrets {
    /// A keyring that is connected to by the first call.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `act` on the account's entry, on a thread that may block, within `limit`.
    async fn on_entry<T: Send + 'static>(
        &self,
        account: &AccountId,
        limit: Duration,
        act: impl FnOnce(&Entry) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Problem> {
        let slot = Arc::clone(&self.store);
        let (refusals, unheard) = (Arc::clone(&self.refusals), Arc::clone(&self.unheard));
        let refused = refusals.load(Ordering::SeqCst);
        let account = account.clone();
        let work = async move {
            let mut slot = slot.lock_owned().await;
            if unheard.swap(false, Ordering::SeqCst) || refusals.load(Ordering::SeqCst) != refused {
                return Err(locked());
            }
            let (tell, done) = oneshot::channel();
            let blocking = move || {
                let worked = (|| {
                    let store = match slot.take() {
                        Some(store) => store,
                        None => platform_store()?,
                    };
                    let label = format!("Traybell: {} at {}", account.user, account.brand);
                    let entry = store.build(SERVICE, &account.key(), modifiers(&label).as_ref())?;
                    let answer = act(&entry)?;
                    // Whatever was wrong with one that failed, the next call starts from nothing.
                    *slot = Some(store);
                    Ok::<_, Error>(answer)
                })();
                if matches!(worked, Err(Error::NoStorageAccess(_))) {
                    refusals.fetch_add(1, Ordering::SeqCst);
                    unheard.store(tell.is_closed(), Ordering::SeqCst);
                }
                drop(slot);
                // Nobody waits any more when the limit was over first.
                let _ = tell.send(worked);
            };
            // A thread of its own, not one of tokio's: a prompt that nobody answers would hold up the end of the
            // runtime, and with it the end of the program.
            std::thread::Builder::new().name("keyring".to_owned()).spawn(blocking).map_err(|error| {
                tracing::error!(%error, "no thread for the keyring");
                no_keyring("The keyring could not be used.", HINT_MISSING)
            })?;
            match done.await {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(error)) => Err(problem(&error)),
                Err(_) => Err(no_keyring("The keyring could not be used.", HINT_MISSING)),
            }
        };
        match tokio::time::timeout(limit, work).await {
            Ok(done) => done,
            // To be tried again: the next call waits behind this one's prompt, and raises none of its own.
            Err(_) => Err(no_keyring("The keyring did not answer in time.", HINT_LOCKED)),
        }
    }
}

impl Secrets for KeyringSecrets {
    fn get<'a>(&'a self, account: &'a AccountId) -> Kept<'a, Option<SecretString>> {
        Box::pin(self.on_entry(account, READ_LIMIT, |entry| match entry.get_password() {
            Ok(secret) => Ok(Some(SecretString::from(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        }))
    }

    fn set<'a>(&'a self, account: &'a AccountId, secret: &'a SecretString) -> Kept<'a, ()> {
        let secret = secret.clone();
        Box::pin(self.on_entry(account, WRITE_LIMIT, move |entry| write(entry, &secret)))
    }

    fn delete<'a>(&'a self, account: &'a AccountId) -> Kept<'a, ()> {
        Box::pin(self.on_entry(account, READ_LIMIT, |entry| match entry.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(Error::Ambiguous(entries)) => entries.iter().try_for_each(Entry::delete_credential),
            Err(error) => Err(error),
        }))
    }
}

/// Writes the secret: the one place where the keyring is written.
fn write(entry: &Entry, secret: &SecretString) -> Result<(), Error> {
    match entry.set_password(secret.expose_secret()) {
        // Two entries of one account can only come from outside. Only the account's own one may stay.
        Err(Error::Ambiguous(entries)) => {
            entries.iter().try_for_each(Entry::delete_credential)?;
            entry.set_password(secret.expose_secret())
        }
        done => done,
    }
}

/// The keyring of this system, chosen and connected to by `keyring`. That keeps the answer of its first try for ever: a
/// Secret Service that starts late, or was started anew, needs a connection of its own.
fn platform_store() -> Result<Arc<CredentialStore>, Error> {
    static ASKED: AtomicBool = AtomicBool::new(false);
    let first = !ASKED.swap(true, Ordering::SeqCst);
    if (first || cfg!(not(all(unix, not(target_os = "macos"))))) && keyring::Entry::store_status().is_ok() {
        return keyring_core::get_default_store().ok_or(Error::NoDefaultStore);
    }
    reconnect()
}

#[cfg(all(unix, not(target_os = "macos")))]
fn reconnect() -> Result<Arc<CredentialStore>, Error> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn reconnect() -> Result<Arc<CredentialStore>, Error> {
    Err(Error::NoDefaultStore)
}

/// What an entry is made with beyond service and user. Only the Secret Service shows a label of our own.
fn modifiers(label: &str) -> Option<HashMap<&str, &str>> {
    cfg!(all(unix, not(target_os = "macos"))).then(|| HashMap::from([("label", label)]))
}

#[cfg(all(unix, not(target_os = "macos")))]
const HINT_MISSING: &str = "Install and start a keyring: gnome-keyring (GNOME, Xfce and most others) or KWallet (KDE), \
    then log in to the desktop again. Or sign in for this session only.";
#[cfg(all(unix, not(target_os = "macos")))]
const HINT_LOCKED: &str = "Unlock the keyring in Passwords and Keys (or KWalletManager), or create a default one \
    there, then try again. Or sign in for this session only.";
#[cfg(target_os = "macos")]
const HINT_MISSING: &str = "Open Keychain Access, check that the login keychain exists, then try again. \
    Or sign in for this session only.";
#[cfg(target_os = "macos")]
const HINT_LOCKED: &str = "Unlock the login keychain and allow Traybell to use it, then try again.";
#[cfg(windows)]
const HINT_MISSING: &str = "Check that the service \"Credential Manager\" is running, then try again. \
    Or sign in for this session only.";
#[cfg(windows)]
const HINT_LOCKED: &str = "Log in to Windows again, then try again. Or sign in for this session only.";

fn no_keyring(message: &str, hint: &str) -> Problem {
    Problem::new(Code::NoKeyring, message, hint)
}

/// A person has to unlock it, and did not want to when asked.
fn locked() -> Problem {
    Problem { asks_person: true, ..no_keyring("The keyring is locked, or its access was refused.", HINT_LOCKED) }
}

/// What the keyring's error means for a person. The error's own text goes to the log alone, and only where it cannot
/// hold what was stored: two of the variants carry the secret's bytes.
fn problem(error: &Error) -> Problem {
    match error {
        Error::NoStorageAccess(why) => {
            tracing::warn!(%why, "the keyring is locked");
            locked()
        }
        Error::PlatformFailure(why) => {
            tracing::warn!(%why, "the keyring is missing");
            no_keyring("No keyring answers on this computer.", HINT_MISSING)
        }
        Error::BadEncoding(_) | Error::BadDataFormat(..) => {
            no_keyring("What the keyring holds for Traybell cannot be read.", "Sign in again to replace it.")
        }
        Error::TooLong(what, limit) => no_keyring(
            &format!("The keyring takes at most {limit} characters as {what}."),
            "Sign in for this session only.",
        ),
        other => {
            tracing::warn!(%other, "the keyring failed");
            no_keyring("The keyring failed.", HINT_MISSING)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_never_shows_what_the_keyring_held() {
        let held = b"the-sid\xff".to_vec();
        let shown = format!("{:?}", problem(&Error::BadEncoding(held.clone())));
        assert!(!shown.contains("the-sid"), "{shown}");
        let shown = format!("{:?}", problem(&Error::BadDataFormat(held, "odd".into())));
        assert!(!shown.contains("the-sid"), "{shown}");
    }

    #[test]
    fn a_missing_and_a_locked_keyring_say_different_things_to_do() {
        let missing = problem(&Error::PlatformFailure("org.freedesktop.secrets was not provided".into()));
        let locked = problem(&Error::NoStorageAccess("dismissed".into()));
        assert_eq!((missing.code, locked.code), (Code::NoKeyring, Code::NoKeyring));
        assert_ne!(missing.hint, locked.hint);
        assert!(locked.asks_person && !missing.asks_person, "a keyring that is missing may start by itself");
    }
}
