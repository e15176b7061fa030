//! Takes the client's secrets out of what a server said: one that echoes a header must not get it into a log.
//!
//! It must never leave the beginning of a secret at a cut end.

use http_guard::without_secrets;
use secrecy::SecretString;

use crate::error::Error;

/// The error with every occurrence of a secret in what the server said replaced.
pub(crate) fn error_without(error: Error, secrets: &[&SecretString]) -> Error {
    let clean = |text| without_secrets(text, secrets);
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
