//! Marking a notification as read on the server: what is sent, and what an answer means for the read mark.
//!
//! A mark made by the user is only ever given up when the server says no to this very message; everything about the
//! connection, the load or the session leaves it to be sent again.

use std::time::Duration;

use serde_json::{Value, json};

use crate::envelope::Envelope;
use crate::error::Error;
use crate::reply::{Reply, is_final_no};

/// Why the server does not have a read mark yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarkError {
    /// The server refuses this message's mark for good: show why, do not try again by itself.
    #[error("the server refused to mark it as read: {message}")]
    Refused {
        /// The HTTP status, 200 where the body alone said no, `None` where nothing could be sent for this id.
        status: Option<u16>,
        /// What the server said about it.
        message: String,
    },
    /// Not now: keep the mark and try again.
    #[error("{error}")]
    Temporary {
        /// What was in the way.
        error: Error,
        /// How long the server asks to be left alone, where it said so.
        retry_after: Option<Duration>,
    },
    /// The session is over: keep the mark until the user has signed in again.
    #[error("the session was rejected: {message}")]
    SessionRejected {
        /// What the server said about it.
        message: String,
    },
}

impl From<Error> for MarkError {
    fn from(error: Error) -> Self {
        match error {
            Error::SessionRejected { message } => Self::SessionRejected { message },
            Error::Input { what } => Self::Refused { status: None, message: what },
            // A good status with `Success: false` is the server's no as well.
            Error::Status { status, message, .. } if (200..300).contains(&status) || is_final_no(status) => {
                Self::Refused { status: Some(status), message }
            }
            error => Self::Temporary { retry_after: error.retry_after(), error },
        }
    }
}

/// The body of the call: a numeric id as a number, as the vendor's integrations send it.
pub(crate) fn body(id: &str) -> Value {
    let number = id.parse::<u64>().ok().filter(|number| number.to_string() == id);
    number.map_or_else(|| json!({ "MessageId": id }), |number| json!({ "MessageId": number }))
}

/// Whether an accepted answer says that it is done. An answer without a body can mean nothing else.
pub(crate) fn read_done(reply: &Reply) -> Result<(), Error> {
    if reply.text.trim().is_empty() {
        return Ok(());
    }
    Envelope::read(reply).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_about_the_message_refuses_a_mark() {
        for (status, refused) in [
            (200, true),
            (301, false),
            (304, false),
            (400, true),
            (401, false),
            (403, false),
            (404, true),
            (407, false),
            (408, false),
            (409, true),
            (410, true),
            (422, true),
            (425, false),
            (429, false),
            (500, false),
            (503, false),
        ] {
            let retry_after = Some(Duration::from_secs(3));
            let mark = MarkError::from(Error::Status { status, message: "m".to_owned(), retry_after });
            match mark {
                MarkError::Refused { status: Some(said), .. } => assert!(refused && said == status, "{status}"),
                MarkError::Temporary { retry_after: wait, .. } => assert!(!refused && wait == retry_after, "{status}"),
                other => panic!("{status}: {other:?}"),
            }
        }
        for error in [Error::Timeout, Error::NotJson { content_type: None }, Error::TooLarge { limit: 1 }] {
            assert!(matches!(MarkError::from(error), MarkError::Temporary { .. }));
        }
    }

    #[test]
    fn a_numeric_id_is_sent_as_a_number_and_any_other_as_it_is() {
        for (id, expected) in [
            ("123", r#"{"MessageId":123}"#),
            ("18446744073709551615", r#"{"MessageId":18446744073709551615}"#),
            ("18446744073709551616", r#"{"MessageId":"18446744073709551616"}"#),
            ("007", r#"{"MessageId":"007"}"#),
            ("+7", r#"{"MessageId":"+7"}"#),
            ("a1", r#"{"MessageId":"a1"}"#),
        ] {
            assert_eq!(body(id).to_string(), expected);
        }
    }
}
