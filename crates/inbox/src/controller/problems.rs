//! From what the clients report to what a person reads: each error becomes a [`Problem`] with the next step in it.

use fasttrack_client::{Error, LoginError, MarkError};

use crate::{Code, Problem};

const TRIES_AGAIN: &str = "Traybell tries again by itself.";

/// The config of `brand` could not be read.
pub(super) fn config(error: &Error, brand: &str) -> Problem {
    match error {
        Error::UnknownBrand { .. } => Problem::new(
            Code::UnknownBrand,
            format!("The server does not know a brand called \u{201c}{brand}\u{201d}."),
            "Check the spelling with whoever gave you the name, and the environment above it.",
        ),
        other => call(other),
    }
}

/// The log-in with the sid did not succeed.
pub(super) fn log_in(error: &LoginError, brand: &str) -> Problem {
    match error {
        LoginError::Rejected { message } => rejected(brand, message),
        LoginError::NotASid { .. } => Problem::new(
            Code::Rejected,
            sentence(error),
            format!("Copy it again from the {brand} site, whole and without anything around it."),
        ),
        LoginError::Unreachable { error, .. } => call(error),
    }
}

/// What nothing repeats by itself: a person's sign-in that failed.
pub(super) fn not_repeated(problem: Problem) -> Problem {
    if problem.hint != TRIES_AGAIN {
        return problem;
    }
    Problem { hint: "Check the address and the network connection, and try again.".to_owned(), ..problem }
}

/// The server refused the sid; `said` is what it said, if anything.
pub(super) fn rejected(brand: &str, said: &str) -> Problem {
    let said = said.trim();
    let message = if said.is_empty() {
        format!("{brand} did not accept this session id or pairing code.")
    } else {
        full_stop(format!(
            "{brand} did not accept this session id or pairing code. The server said: {}",
            crate::text::bound(said, 200)
        ))
    };
    Problem::new(
        Code::Rejected,
        message,
        format!(
            "It may have expired: sign in on the {brand} site again and paste the new one. A pairing code is good once, for ten \
             minutes."
        ),
    )
}

/// The keyring holds no sid for the account that was signed in.
pub(super) fn no_sid(session_only: bool) -> Problem {
    let message = if session_only {
        "The session id was kept only until Traybell was closed."
    } else {
        "The session id is no longer in the keyring."
    };
    Problem::new(Code::Rejected, message, "Paste it again to go on; your messages are still here.")
}

/// A call of a signed-in session failed.
pub(super) fn call(error: &Error) -> Problem {
    let hint = match error {
        Error::Input { .. } => return Problem::new(Code::BadInput, sentence(error), "Correct it and try again."),
        Error::Insecure { .. } => {
            return Problem::new(
                Code::InsecureServer,
                sentence(error),
                "Use an https address, or confirm that you trust this network and server.",
            );
        }
        Error::UnknownBrand { .. } => {
            return Problem::new(
                Code::UnknownBrand,
                sentence(error),
                "Check the brand's spelling and the environment.",
            );
        }
        Error::SessionRejected { .. } => {
            return Problem::new(
                Code::Rejected,
                sentence(error),
                "Sign in on the site again and paste the new session id.",
            );
        }
        Error::Redirected { .. } => {
            "The session id was not sent on. Ask your IT whether a proxy or sign-in page stands between."
        }
        Error::NotJson { .. } | Error::Shape { .. } | Error::TooLarge { .. } => {
            "The address may not be a Fast Track server, or something between changes its answers."
        }
        _ => return Problem::new(Code::Unreachable, sentence(error), TRIES_AGAIN),
    };
    Problem::new(Code::BadAnswer, sentence(error), hint)
}

/// The server refused the read mark of one message.
pub(super) fn mark_refused(error: &MarkError) -> Problem {
    let message = full_stop(format!("Could not mark as read: {error}"));
    Problem::new(Code::MarkRefused, message, "Retry, or leave it unread.")
}

/// The channel was refused although the session stands.
pub(super) fn channel_refused(message: &str) -> Problem {
    Problem::new(
        Code::NoLiveConnection,
        full_stop(format!("The server refused the live channel: {}", crate::text::bound(message, 200))),
        "New messages are fetched about every ten minutes until it accepts.",
    )
}

/// The channel is not there yet, for a reason that may pass.
pub(super) fn channel_delayed(reason: &str) -> Problem {
    Problem::new(
        Code::NoLiveConnection,
        full_stop(format!("The live channel is not there yet: {}", crate::text::bound(reason, 200))),
        TRIES_AGAIN,
    )
}

/// The socket is down and gave no reason.
pub(super) fn no_live_connection() -> Problem {
    Problem::new(Code::NoLiveConnection, "The live connection is not up.", TRIES_AGAIN)
}

/// The socket was lost.
pub(super) fn socket_lost(reason: &str) -> Problem {
    let reason = reason.trim();
    let message = if reason.is_empty() {
        "The live connection was lost.".to_owned()
    } else {
        full_stop(format!("The live connection was lost: {}", crate::text::bound(reason, 200)))
    };
    Problem::new(Code::NoLiveConnection, message, TRIES_AGAIN)
}

/// Nobody is signed in.
pub(super) fn not_signed_in() -> Problem {
    Problem::new(Code::NotSignedIn, "Nobody is signed in.", "Sign in first.")
}

/// No such message.
pub(super) fn not_found() -> Problem {
    Problem::new(
        Code::NotFound,
        "This message is no longer here.",
        "It may have expired or been deleted on this device.",
    )
}

/// An error's text as a sentence: capital at the start, full stop at the end.
fn sentence(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    full_stop(chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default())
}

/// What ends in the words of a server, which may or may not end like a sentence.
fn full_stop(mut text: String) -> String {
    if !text.ends_with(['.', '!', '?', '…']) {
        text.push('.');
    }
    text
}

/// Pictures are off in the settings.
pub(super) fn images_off() -> Problem {
    Problem::new(Code::ImageHeld, "Pictures are off.", "They can be turned on in the settings.")
}

/// A sign-out would lose read marks, since they cannot be sent.
pub(super) fn marks_wait(waiting: u64, why: &Problem) -> Problem {
    let many = match waiting {
        1 => "1 read mark has not reached the server yet.".to_owned(),
        n => format!("{n} read marks have not reached the server yet."),
    };
    let hint = "Try again once the server can be reached, or sign out and discard them.";
    Problem::new(Code::OutboxNotEmpty, format!("{many} {}", why.message), hint)
}
