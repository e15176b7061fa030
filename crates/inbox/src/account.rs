//! [`AccountId`]: whose messages, and [`LastAccount`]: who was signed in when the program ended, in a small file of its
//! own. It must never hold a secret: the sid is in the keyring alone.

use std::{fmt, path::Path};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    Keep,
    store::{StoreError, private_files},
};

/// The file in the data folder that says who was signed in last.
const FILE: &str = "account.json";
/// Far more than the file ever needs; a larger one is not ours.
const MAX_BYTES: u64 = 64 * 1024;

/// One account: a user of a brand on a server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AccountId {
    /// `production`, `staging` or the custom base URL.
    pub environment: String,
    /// The brand's name as entered.
    pub brand: String,
    /// The user's id on that brand.
    pub user: String,
}

impl AccountId {
    /// The account as one stable string: the user name of its entry in the OS keyring.
    pub fn key(&self) -> String {
        // A `|` inside a part is escaped, so that two accounts never share a key.
        let part = |text: &str| text.replace('%', "%25").replace('|', "%7C");
        format!("{}|{}|{}", part(&self.environment), part(&self.brand), part(&self.user))
    }

    /// The account as part of a file name: parts may hold any character, so it is a hash.
    pub(crate) fn file_stem(&self) -> String {
        let digest = Sha256::digest(self.key().as_bytes());
        hex::encode(digest.iter().take(12).copied().collect::<Vec<_>>())
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} ({})", self.user, self.brand, self.environment)
    }
}

/// Who was signed in when the program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastAccount {
    /// Whose messages.
    pub id: AccountId,
    /// First and last name, shown before the first log-in of this start.
    pub name: String,
    /// Where the sid is kept.
    pub keep: Keep,
    /// Plain `http`/`ws` to another machine was confirmed by the person.
    pub insecure_confirmed: bool,
}

/// The file's contents: versioned, since it outlives the program that wrote it.
#[derive(Serialize, Deserialize)]
struct OnDisk {
    version: u32,
    #[serde(flatten)]
    id: AccountId,
    #[serde(default)]
    name: String,
    #[serde(default)]
    session_only: bool,
    #[serde(default)]
    insecure_confirmed: bool,
}

impl LastAccount {
    /// Reads it from `data_dir`. `None` when nobody was signed in, or when the file cannot be understood: then only a
    /// sign-in is lost, and the messages are found again by it.
    pub fn read(data_dir: &Path) -> Result<Option<Self>, StoreError> {
        let path = data_dir.join(FILE);
        let Some(bytes) = private_files::read(&path, MAX_BYTES)? else { return Ok(None) };
        match serde_json::from_slice::<OnDisk>(&bytes) {
            Ok(found) => Ok(Some(Self {
                id: found.id,
                name: found.name,
                keep: if found.session_only { Keep::SessionOnly } else { Keep::Keyring },
                insecure_confirmed: found.insecure_confirmed,
            })),
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "the last account cannot be read; a sign-in is needed");
                Ok(None)
            }
        }
    }

    /// Whether the sid of `id` belongs in the keyring while this account is signed in.
    pub(crate) fn keeps_sid_of(&self, id: &AccountId) -> bool {
        self.keep == Keep::Keyring && self.id == *id
    }

    /// Writes it to `data_dir`, whole or not at all.
    pub fn write(&self, data_dir: &Path) -> Result<(), StoreError> {
        let on_disk = OnDisk {
            version: 1,
            id: self.id.clone(),
            name: self.name.clone(),
            session_only: self.keep == Keep::SessionOnly,
            insecure_confirmed: self.insecure_confirmed,
        };
        let path = data_dir.join(FILE);
        let bytes = serde_json::to_vec_pretty(&on_disk)
            .map_err(|error| StoreError::Unwritable { path: path.clone(), source: error.into() })?;
        private_files::write_whole(&path, &bytes)
    }

    /// Forgets it: nobody is signed in. Fine when there is none.
    pub fn forget(data_dir: &Path) -> Result<(), StoreError> {
        private_files::remove(&data_dir.join(FILE))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn last() -> LastAccount {
        LastAccount {
            id: AccountId {
                environment: "https://relay.example".to_owned(),
                brand: "demo".to_owned(),
                user: "7".to_owned(),
            },
            name: "Darth Vader".to_owned(),
            keep: Keep::Keyring,
            insecure_confirmed: true,
        }
    }

    #[test]
    fn the_last_account_is_read_as_it_was_written_until_it_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("new").join("data");
        assert_eq!(LastAccount::read(&data).unwrap(), None);
        LastAccount::forget(&data).unwrap();
        for account in [last(), LastAccount { keep: Keep::SessionOnly, insecure_confirmed: false, ..last() }] {
            account.write(&data).unwrap();
            assert_eq!(LastAccount::read(&data).unwrap(), Some(account));
        }
        LastAccount::forget(&data).unwrap();
        assert_eq!(LastAccount::read(&data).unwrap(), None);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 0, "nothing is left beside it");
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_this_user_alone() {
        use std::os::unix::fs::PermissionsExt as _;

        let dir = tempfile::tempdir().unwrap();
        last().write(dir.path()).unwrap();
        let mode = fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_cannot_be_understood_only_asks_for_a_sign_in() {
        let dir = tempfile::tempdir().unwrap();
        let half = fs::read_to_string({
            last().write(dir.path()).unwrap();
            dir.path().join(FILE)
        })
        .unwrap();
        for contents in ["", "{}", "null", "[1]", &half[..half.len() / 2], &"x".repeat(1_000_000)] {
            fs::write(dir.path().join(FILE), contents).unwrap();
            assert_eq!(LastAccount::read(dir.path()).unwrap(), None, "{contents:.20}");
        }
    }

    #[test]
    fn no_two_accounts_share_a_key_or_a_file() {
        let of = |environment: &str, brand: &str, user: &str| AccountId {
            environment: environment.to_owned(),
            brand: brand.to_owned(),
            user: user.to_owned(),
        };
        assert_eq!(of("staging", "demo", "7").key(), "staging|demo|7");
        let pairs = [
            (of("a", "b|c", "d"), of("a|b", "c", "d")),
            (of("a", "b", "7"), of("a", "b", "8")),
            (of("a", "b%7Cc", "d"), of("a", "b|c", "d")),
        ];
        for (one, other) in pairs {
            assert_ne!(one.key(), other.key());
            assert_ne!(one.file_stem(), other.file_stem());
        }
    }
}
