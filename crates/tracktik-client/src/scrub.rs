//! Takes the client's secrets out of what a server said: one that echoes a header must not get it into a log.
//!
//! It must never leave the beginning of a secret at a cut end.

use secrecy::{ExposeSecret, SecretString};

use crate::error::Error;

/// Shorter ones are no secrets, and removing them would garble every text.
const SHORTEST: usize = 4;
/// What stands in its place.
const HIDDEN: &str = "[hidden]";

/// The text with every occurrence of a secret replaced, in the spellings an address has for it too.
pub(crate) fn text_without(text: String, secrets: &[&SecretString]) -> String {
    secrets.iter().filter(|secret| secret.expose_secret().len() >= SHORTEST).fold(text, |text, secret| {
        let secret = secret.expose_secret();
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let text = [secret, encoded.as_str(), secret.to_ascii_lowercase().as_str()]
            .into_iter()
            .fold(text, |text, spelling| text.replace(spelling, HIDDEN));
        without_cut_end(text, secret)
    })
}

/// Texts are bounded before they get here: the cut may have left the beginning of a secret at the end.
fn without_cut_end(text: String, secret: &str) -> String {
    let Some(stem) = text.strip_suffix('…') else { return text };
    let cut =
        (SHORTEST..secret.len()).rev().filter_map(|length| secret.get(..length)).find(|start| stem.ends_with(start));
    match cut {
        Some(start) => format!("{}{HIDDEN}…", &stem[..stem.len() - start.len()]),
        None => text,
    }
}

/// The error with every occurrence of a secret in what the server said replaced.
pub(crate) fn error_without(error: Error, secrets: &[&SecretString]) -> Error {
    let clean = |text| text_without(text, secrets);
    match error {
        Error::Rejected { message } => Error::Rejected { message: clean(message) },
        Error::Unauthorized { message } => Error::Unauthorized { message: clean(message) },
        Error::Forbidden { message } => Error::Forbidden { message: clean(message) },
        Error::NotFound { message } => Error::NotFound { message: clean(message) },
        Error::Refused { message } => Error::Refused { message: clean(message) },
        Error::Unreachable { message } => Error::Unreachable { message: clean(message) },
        Error::Status { status, message } => Error::Status { status, message: clean(message) },
        Error::Redirected { to_host } => Error::Redirected { to_host: clean(to_host) },
        // These hold our own words alone.
        Error::Input { .. }
        | Error::RateLimited { .. }
        | Error::Shape { .. }
        | Error::TooLarge { .. }
        | Error::Setup { .. } => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_of_a_secret_is_left() {
        let secret = SecretString::from("Tok/en+123");
        for (said, expected) in [
            ("nothing here", "nothing here"),
            ("sid Tok/en+123 is unknown", "sid [hidden] is unknown"),
            ("?authToken=Tok%2Fen%2B123", "?authToken=[hidden]"),
            ("tok/en+123.evil.example", "[hidden].evil.example"),
            ("cut at the end: Tok/en…", "cut at the end: [hidden]…"),
            ("Tok/", "Tok/"),
        ] {
            assert_eq!(text_without(said.to_owned(), &[&secret]), expected);
        }
        let short = SecretString::from("a");
        assert_eq!(text_without("a cat".to_owned(), &[&short]), "a cat", "a single letter is no secret");
    }

    #[test]
    fn every_error_that_repeats_a_server_is_scrubbed() {
        let secret = SecretString::from("s3cret-token");
        let said = || "x s3cret-token y".to_owned();
        for error in [
            Error::Rejected { message: said() },
            Error::Unauthorized { message: said() },
            Error::Forbidden { message: said() },
            Error::NotFound { message: said() },
            Error::Refused { message: said() },
            Error::Unreachable { message: said() },
            Error::Status { status: 418, message: said() },
            Error::Redirected { to_host: said() },
        ] {
            let scrubbed = error_without(error, &[&secret]);
            assert!(!format!("{scrubbed} {scrubbed:?}").contains("s3cret"), "{scrubbed:?}");
        }
    }
}
