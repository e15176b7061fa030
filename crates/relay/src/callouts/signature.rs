//! What shows that a call-out comes from `TrackTik`: HMAC-SHA512 of the raw body, in lowercase hex (`TrackTik:
//! events-subscriptions, secretHeaderName`). Comparisons take the same time wherever two values differ.

use secrecy::SecretString;
use tracktik_client::callout;

/// What the subscription's header holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signature {
    /// The hexadecimal HMAC-SHA512 of the body, made with the secret.
    #[default]
    HmacSha512,
    /// The secret itself. It covers nothing of the body; only for a deployment that sends no other.
    PlainSecret,
}

impl Signature {
    /// Whether the header's value was made with one of the secrets, for this body. All of them are tried.
    pub(super) fn verify(self, value: &[u8], body: &[u8], secrets: &[SecretString]) -> bool {
        let mode = match self {
            Self::HmacSha512 => callout::Mode::Hmac,
            Self::PlainSecret => callout::Mode::Plain,
        };
        callout::verify(secrets, value, body, mode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(all: &[&str]) -> Vec<SecretString> {
        all.iter().map(|secret| (*secret).into()).collect()
    }

    /// RFC 4231, test case 2.
    #[test]
    fn the_published_vector_is_accepted_for_its_own_body_and_secret_alone() {
        let value = "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd\
                     caeab1a34d4a6b4b636e070a38bce737";
        let body = b"what do ya want for nothing?";
        let verify = |value: &str, body: &[u8], all: &[&str]| {
            Signature::HmacSha512.verify(value.as_bytes(), body, &secrets(all))
        };
        assert!(verify(value, body, &["Jefe"]));
        assert!(verify(value, body, &["new", "Jefe"]) && verify(value, body, &["Jefe", "new"]), "rotation");
        assert!(!verify(value, body, &["jefe"]) && !verify(value, body, &[]));
        assert!(!verify(value, b"what do ya want for nothing? ", &["Jefe"]));
        for wrong in ["", "Jefe", "zz", &value[2..], &value[..126], &format!("{value}00")] {
            assert!(!verify(wrong, body, &["Jefe"]), "{wrong}");
        }
    }

    #[test]
    fn the_plain_secret_is_accepted_only_where_it_was_asked_for() {
        let secrets = secrets(&["old", "new"]);
        for value in ["old", "new"] {
            assert!(Signature::PlainSecret.verify(value.as_bytes(), b"{}", &secrets));
            assert!(!Signature::HmacSha512.verify(value.as_bytes(), b"{}", &secrets));
        }
        for value in ["", "ol", "older", "OLD"] {
            assert!(!Signature::PlainSecret.verify(value.as_bytes(), b"{}", &secrets), "{value}");
        }
    }
}
