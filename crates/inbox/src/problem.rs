//! [`Problem`]: the one shape in which something that went wrong reaches a person: in the window, in the tray and on
//! the command line. It must never hold a secret or a URL with one.

use serde::{Deserialize, Serialize};

/// What went wrong, for a program (`code`) and for a person (`message`, `hint`).
///
/// The window switches on `code`, never on text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// A stable name for what went wrong.
    pub code: Code,
    /// What went wrong, in one plain sentence.
    pub message: String,
    /// What the person can do about it; empty when there is nothing.
    #[serde(default)]
    pub hint: String,
    /// Each try asks the person again, by a dialog to unlock the keyring: it must never be repeated by a timer.
    #[serde(skip)]
    pub asks_person: bool,
}

/// The stable names of problems. One exists only where a consumer tells it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// The input was refused before anything was sent (empty brand, an address that is none, …).
    BadInput,
    /// The server does not know this brand.
    UnknownBrand,
    /// The server refused the session id: wrong or expired. Only a new sid helps.
    Rejected,
    /// The server could not be reached or did not answer in time.
    Unreachable,
    /// Signed in, and the live connection alone is down or refused.
    NoLiveConnection,
    /// The server answered with something that cannot be understood.
    BadAnswer,
    /// The address is plain `http` outside this machine and was not confirmed.
    InsecureServer,
    /// The OS keyring is missing, locked or refused.
    NoKeyring,
    /// No notification service answers.
    NoNotifications,
    /// No tray host: the icon cannot be shown.
    NoTray,
    /// The store was damaged, set aside and started anew.
    StoreReset,
    /// The store cannot be written (read-only, full).
    StoreFailed,
    /// The settings could not be used: the defaults hold.
    SettingsReset,
    /// Nobody is signed in.
    NotSignedIn,
    /// Somebody is signed in already.
    AlreadySignedIn,
    /// No message with this id.
    NotFound,
    /// The message has no id of the server, so it cannot be marked read there.
    NoServerId,
    /// The server refused the read mark for this message.
    MarkRefused,
    /// Sign-out waits: read marks have not reached the server yet.
    OutboxNotEmpty,
    /// The settings ask before a picture is fetched, or forbid it.
    ImageHeld,
    /// This link must be confirmed by the person first (plain `http`).
    ConfirmLink,
    /// This link may never be opened (scheme, relative without a site).
    BadLink,
    /// A defect of ours.
    Internal,
}

impl Problem {
    /// A problem with a hint.
    pub fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: hint.into(), asks_person: false }
    }
}
