//! Takes a session's secrets out of what a server said: one that echoes a header must not get it into a log.

use http_guard::without_secrets;
use secrecy::SecretString;

use crate::error::Error;

/// The error with every occurrence of a secret in what the server said replaced.
pub(crate) fn error_without(error: Error, secrets: &[&SecretString]) -> Error {
    let clean = |text| without_secrets(text, secrets);
    match error {
        Error::Redirected { to_host } => Error::Redirected { to_host: clean(to_host) },
        Error::Network { message } => Error::Network { message: clean(message) },
        Error::Status { status, message, retry_after } => {
            Error::Status { status, message: clean(message), retry_after }
        }
        Error::NotJson { content_type } => Error::NotJson { content_type: content_type.map(clean) },
        Error::SessionRejected { message } => Error::SessionRejected { message: clean(message) },
        // These hold our own words alone.
        Error::Input { .. }
        | Error::UnknownBrand { .. }
        | Error::Insecure { .. }
        | Error::Timeout
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
        let secret = SecretString::from("s3cret-sid");
        let said = || "x s3cret-sid y".to_owned();
        for error in [
            Error::Redirected { to_host: said() },
            Error::Network { message: said() },
            Error::Status { status: 400, message: said(), retry_after: None },
            Error::NotJson { content_type: Some(said()) },
            Error::SessionRejected { message: said() },
        ] {
            let scrubbed = error_without(error, &[&secret]);
            assert!(!format!("{scrubbed} {scrubbed:?}").contains("s3cret"), "{scrubbed:?}");
        }
    }
}
