//! [`Error`]: why a call did not give what was asked, in variants a caller can act on.
//!
//! No variant may ever hold an address or a secret: hosts alone are named, and what a server said is cleaned, bounded
//! and rid of the session's secrets before it gets here.

use std::time::Duration;

/// Why a call failed. The texts are written for the person at the screen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What was typed or configured cannot be used; nothing was sent.
    #[error("{what}")]
    Input {
        /// What is wrong with it and what is expected.
        what: String,
    },
    /// The server has no configuration for this brand.
    #[error("the server knows no brand named “{brand}”")]
    UnknownBrand {
        /// The name that was asked for.
        brand: String,
    },
    /// An unencrypted address where only an encrypted one is allowed.
    #[error("{what}")]
    Insecure {
        /// Which address, named by its role and host.
        what: String,
    },
    /// The server wants the call to go elsewhere. It was not followed: the session's secret would have gone along.
    #[error("the server redirects to {to_host}; the redirect was refused, because the session would be sent there too")]
    Redirected {
        /// The host it points to.
        to_host: String,
    },
    /// No answer: name not found, connection refused or broken, certificate not trusted, proxy down.
    #[error("the server cannot be reached: {message}")]
    Network {
        /// What the system said, without the address.
        message: String,
    },
    /// No complete answer within the time limit.
    #[error("the server did not answer in time")]
    Timeout,
    /// An answer that is an error, or one of `Success: false`.
    #[error("the server answered with status {status}: {message}")]
    Status {
        /// The HTTP status; 200 where the body alone said that it failed.
        status: u16,
        /// What the server said about it, cleaned and bounded.
        message: String,
        /// How long it asks to be left alone (at most an hour).
        retry_after: Option<Duration>,
    },
    /// An answer that is not JSON: a login page of a network, an error page of a gateway.
    #[error("the server's answer is not JSON{}", not_json(content_type.as_deref()))]
    NotJson {
        /// What the answer says it is.
        content_type: Option<String>,
    },
    /// JSON that lacks what the call needs.
    #[error("the server's answer cannot be used: {what}")]
    Shape {
        /// What is missing or of the wrong kind.
        what: String,
    },
    /// An answer larger than is read.
    #[error("the server's answer is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The server refused a new log-in with this session id: it is wrong or has expired. Only the user can help.
    #[error("the session was rejected: {message}")]
    SessionRejected {
        /// What the server said about it, cleaned and bounded.
        message: String,
    },
    /// The HTTP client could not be set up on this computer.
    #[error("secure connections cannot be set up: {message}")]
    Setup {
        /// What is missing.
        message: String,
    },
}

impl Error {
    /// How long the server asks to be left alone, where it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// What is wrong with something that was typed.
    pub(crate) fn input(what: impl Into<String>) -> Self {
        Self::Input { what: what.into() }
    }

    /// What is wrong with an answer.
    pub(crate) fn shape(what: impl Into<String>) -> Self {
        Self::Shape { what: what.into() }
    }
}

/// What an answer that is not JSON says it is.
fn not_json(content_type: Option<&str>) -> String {
    match content_type {
        Some(said) if said.to_ascii_lowercase().contains("json") => ", although it says so".to_owned(),
        Some(said) => format!(" but {said}"),
        None => " and does not say what it is".to_owned(),
    }
}
