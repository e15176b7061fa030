//! [`Error`]: why a call did not give what was asked, in variants a caller can act on.
//!
//! No variant may ever hold an address or a secret: what a server said is cleaned, bounded and rid of the client's
//! secrets before it gets here.

use std::time::Duration;

/// Why a call failed. The texts are written for the person who operates the relay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What was configured cannot be used; nothing was sent.
    #[error("{what}")]
    Input {
        /// What is wrong with it and what is expected.
        what: String,
    },
    /// TrackTik refused the log-in. This client never tries again: 40 failed log-ins in two minutes block the address
    /// for two hours (TrackTik support: API). Check client id, client secret, user name and password, then start anew.
    #[error("TrackTik refused the log-in: {message}; it is not tried again before a restart")]
    Rejected {
        /// What TrackTik said about it.
        message: String,
    },
    /// A call was refused although the token had just been renewed.
    #[error("TrackTik does not accept its own new token: {message}")]
    Unauthorized {
        /// What TrackTik said about it.
        message: String,
    },
    /// The user of the log-in may not do this: it lacks a role or the region.
    #[error("the TrackTik user may not do this: {message}")]
    Forbidden {
        /// What TrackTik said about it.
        message: String,
    },
    /// There is no such subscription, or the user cannot see it.
    #[error("TrackTik does not know it: {message}")]
    NotFound {
        /// What TrackTik said about it.
        message: String,
    },
    /// TrackTik found fault with what was sent (400, 409, 422): the subscription's definition has to change.
    #[error("TrackTik does not accept the request: {message}")]
    Refused {
        /// What TrackTik said about it.
        message: String,
    },
    /// Too many calls in this minute, even after waiting.
    #[error("TrackTik asks for fewer calls")]
    RateLimited {
        /// How long it asks to be left alone, where it said so.
        retry_after: Option<Duration>,
    },
    /// No usable answer: no network, certificate not trusted, time limit, or an error of the server (5xx). Later may do.
    #[error("TrackTik cannot be reached: {message}")]
    Unreachable {
        /// What the system or the server said.
        message: String,
    },
    /// Any other status.
    #[error("TrackTik answered with status {status}: {message}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// What TrackTik said about it.
        message: String,
    },
    /// The server wants the call to go elsewhere. It was not followed: the token would have gone along.
    #[error("the server redirects to {to_host}; this was refused, because the token would be sent there too")]
    Redirected {
        /// The host it points to.
        to_host: String,
    },
    /// An answer that is not JSON, or lacks what the call needs.
    #[error("TrackTik's answer cannot be used: {what}")]
    Shape {
        /// What is missing or of the wrong kind.
        what: String,
    },
    /// An answer larger than is read. The call may have had its effect.
    #[error("TrackTik's answer is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The HTTP client could not be set up on this computer.
    #[error("secure connections cannot be set up: {message}")]
    Setup {
        /// What is missing.
        message: String,
    },
}

impl Error {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::RateLimited { .. } | Self::Unreachable { .. } => true,
            Self::Input { .. }
            | Self::Rejected { .. }
            | Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::Refused { .. }
            | Self::Status { .. }
            | Self::Redirected { .. }
            | Self::Shape { .. }
            | Self::TooLarge { .. }
            | Self::Setup { .. } => false,
        }
    }

    /// What is wrong with something that was configured.
    pub(crate) fn input(what: impl Into<String>) -> Self {
        Self::Input { what: what.into() }
    }

    /// What is wrong with an answer.
    pub(crate) fn shape(what: impl Into<String>) -> Self {
        Self::Shape { what: what.into() }
    }
}
