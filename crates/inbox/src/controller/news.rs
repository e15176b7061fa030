//! [`News`]: what the controller's background tasks report to it. Each carries what it was started for, so that
//! a late answer can never touch another session or account.

use std::time::Duration;

use fasttrack_client::{BrandConfig, Error, LoginError, MarkError, Notification, Session};
use pusher_client::{ChannelEvent, ClientEvent, State};
use secrecy::SecretString;

use super::listing::Listed;
use crate::{Detail, Handover, Message, MessageId, Problem, SignIn, Step, handle::Answer};

/// A report of a background task.
pub(super) struct News {
    /// What it was started for.
    pub(super) scope: Scope,
    /// What happened.
    pub(super) what: What,
}

/// What a background task was started for: once that is over, its report is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// One session of one account, or one sign-in.
    Session(u64),
    /// One account, whatever happens to its session.
    Account(u64),
}

/// What happened.
pub(super) enum What {
    /// A sign-in by the person is this far.
    SignInStep(Step),
    /// A sign-in by the person logged in and kept the sid, or did not.
    SignedIn(Result<Box<SignedIn>, Problem>),
    /// A resume ended.
    Resumed(Result<Box<Resumed>, ResumeError>),
    /// The socket changed its state.
    Socket(State),
    /// The client reports something beside the channel.
    Client(ClientEvent),
    /// The channel brings something.
    Channel(ChannelEvent),
    /// The config was read again.
    Config(Result<Box<BrandConfig>, Error>),
    /// A list call ended.
    Listed(Result<Listed, Error>),
    /// A read mark was sent.
    Marked(MessageId, Result<(), MarkError>),
    /// A message whose body was cut or missing was asked for.
    Completed(Box<Completed>),
    /// The notification service took these, or did not.
    Alerted(Vec<MessageId>, Handover),
    /// A background task panicked: what it was to report will never come.
    Panicked,
}

/// The answer about a message whose body was cut or missing.
pub(super) struct Completed {
    /// The message as it stood.
    pub(super) cut: Message,
    /// What the server has of it.
    pub(super) whole: Result<Option<Notification>, Error>,
    /// Of which session it was asked.
    pub(super) epoch: u64,
    /// Who opened it, if anybody did.
    pub(super) answer: Option<Answer<Detail>>,
}

/// A person's sign-in that succeeded.
pub(super) struct SignedIn {
    pub(super) session: Session,
    pub(super) sign_in: SignIn,
    /// The keyring had no sid of this account before.
    pub(super) newly_kept: bool,
}

/// A resume that succeeded.
pub(super) struct Resumed {
    pub(super) session: Session,
    pub(super) sid: SecretString,
}

/// Why a resume did not succeed.
pub(super) enum ResumeError {
    /// The keyring cannot be asked now; it may start later.
    Keyring(Problem),
    /// The keyring has no sid for this account.
    NoSid,
    /// The config could not be read.
    Config(Error),
    /// The log-in did not succeed.
    LogIn(LoginError),
}

impl ResumeError {
    /// What the server asked for with `Retry-After`.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Config(error) => error.retry_after(),
            Self::LogIn(LoginError::Unreachable { retry_after, .. }) => *retry_after,
            _ => None,
        }
    }
}
