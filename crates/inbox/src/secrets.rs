//! [`Secrets`]: where the sid is kept between starts. [`KeyringSecrets`] is the OS keyring; [`MemorySecrets`] forgets at
//! the end, for "this session only" and for tests. A secret must never be written anywhere else.

use std::{collections::HashMap, future::Future, pin::Pin, sync::Mutex};

use secrecy::SecretString;

use crate::{AccountId, Problem};

mod keeper;
mod keyring;

pub(crate) use keeper::Keeper;
pub use keyring::KeyringSecrets;

/// What every call of [`Secrets`] answers with, once it is done.
pub type Kept<'a, T> = Pin<Box<dyn Future<Output = Result<T, Problem>> + Send + 'a>>;

/// Keeps one secret, the sid, for each account. Every call ends within a limit of its own.
///
/// Fails with [`crate::Code::NoKeyring`] and a hint that a person can act on. What a person refused is marked
/// [`Problem::asks_person`], since another try would ask again.
pub trait Secrets: Send + Sync + 'static {
    /// The account's secret; `None` when there is none.
    fn get<'a>(&'a self, account: &'a AccountId) -> Kept<'a, Option<SecretString>>;
    /// Keeps the account's secret in place of an earlier one.
    fn set<'a>(&'a self, account: &'a AccountId, secret: &'a SecretString) -> Kept<'a, ()>;
    /// Forgets the account's secret. Fine when there is none.
    fn delete<'a>(&'a self, account: &'a AccountId) -> Kept<'a, ()>;
}

/// Secrets that end with the program.
#[derive(Debug, Default)]
pub struct MemorySecrets {
    // `SecretString` hides itself from `Debug`.
    kept: Mutex<HashMap<AccountId, SecretString>>,
}

impl MemorySecrets {
    fn with<T>(&self, act: impl FnOnce(&mut HashMap<AccountId, SecretString>) -> T) -> T {
        // A panic while it was held leaves a map that is whole: each change is one call.
        act(&mut self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl Secrets for MemorySecrets {
    fn get<'a>(&'a self, account: &'a AccountId) -> Kept<'a, Option<SecretString>> {
        let found = self.with(|kept| kept.get(account).cloned());
        Box::pin(async move { Ok(found) })
    }

    fn set<'a>(&'a self, account: &'a AccountId, secret: &'a SecretString) -> Kept<'a, ()> {
        self.with(|kept| kept.insert(account.clone(), secret.clone()));
        Box::pin(async { Ok(()) })
    }

    fn delete<'a>(&'a self, account: &'a AccountId) -> Kept<'a, ()> {
        self.with(|kept| kept.remove(account));
        Box::pin(async { Ok(()) })
    }
}
