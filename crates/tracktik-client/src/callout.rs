//! What TrackTik posts to us: whether it is genuine, and the entity in it.
//!
//! It must never parse a body before it was verified, never let the time of a comparison depend on a secret, and never
//! say which of several secrets fitted.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use sha2::Sha512;

use crate::error::Error;
use crate::reply::opened;
pub use crate::send::send;

/// The header a call-out's signature comes in unless the subscription names another (TrackTik OpenAPI 2020-01-01).
pub const DEFAULT_SECRET_HEADER: &str = "TrackTik-Subscription-Secret";

/// Bytes of an HMAC-SHA512 in hexadecimal.
const HEX_LENGTH: usize = 128;

/// What the secret header holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The lowercase hexadecimal HMAC-SHA512 of the raw body (TrackTik OpenAPI 2020-01-01).
    Hmac,
    /// The secret itself, as one article reads (TrackTik support: Events Subscriptions). It proves nothing about the
    /// body; only for a deployment that really sends it.
    Plain,
}

/// Whether the header's value proves that whoever sent this body knows one of the secrets. Two secrets overlap while one
/// replaces the other; each is tried, whichever fits, so that the time tells nothing. No secret: never.
pub fn verify(secrets: &[SecretString], header_value: &[u8], raw_body: &[u8], mode: Mode) -> bool {
    let mut genuine = false;
    for secret in secrets {
        let secret = secret.expose_secret();
        genuine |= !secret.is_empty()
            & match mode {
                Mode::Hmac => is_signature(secret, header_value, raw_body),
                Mode::Plain => is_same(secret.as_bytes(), header_value),
            };
    }
    genuine
}

/// The signature TrackTik sends with a body (TrackTik OpenAPI 2020-01-01).
pub fn signature(secret: &SecretString, raw_body: &[u8]) -> String {
    hex::encode(keyed(secret.expose_secret().as_bytes()).chain_update(raw_body).finalize().into_bytes())
}

/// The entity in a verified body: the JSON that a GET of it answers, shaped by `entityResponse`, in `{meta, data}` or
/// bare, which is not published (TrackTik support: Events Subscriptions).
///
/// # Errors
/// [`Error::Shape`] when it is no JSON object.
pub fn entity(raw_body: &[u8]) -> Result<Map<String, Value>, Error> {
    let body = raw_body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw_body);
    let value = serde_json::from_slice(body).map_err(|_| Error::shape("the call-out is not JSON"))?;
    match opened(value).0 {
        Value::Object(entity) => Ok(entity),
        _ => Err(Error::shape("the call-out holds no entity")),
    }
}

fn is_signature(secret: &str, header_value: &[u8], raw_body: &[u8]) -> bool {
    // What the header looks like is the sender's own knowledge: it may be judged in any time.
    let is_lowercase_hex = header_value.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if header_value.len() != HEX_LENGTH || !is_lowercase_hex {
        return false;
    }
    let Ok(given) = hex::decode(header_value) else { return false };
    keyed(secret.as_bytes()).chain_update(raw_body).verify_slice(&given).is_ok()
}

/// Compares by HMACs under the secret, so that neither length nor content shows in the time.
fn is_same(secret: &[u8], given: &[u8]) -> bool {
    let given = keyed(secret).chain_update(given).finalize().into_bytes();
    keyed(secret).chain_update(secret).verify_slice(&given).is_ok()
}

fn keyed(secret: &[u8]) -> Hmac<Sha512> {
    Hmac::new_from_slice(secret).expect("an HMAC takes a key of any length")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn secrets(texts: &[&str]) -> Vec<SecretString> {
        texts.iter().map(|text| SecretString::from(*text)).collect()
    }

    /// RFC 4231, test case 2.
    const KNOWN: &str = "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737";
    const BODY: &[u8] = b"what do ya want for nothing?";

    #[test]
    fn the_signature_is_the_one_the_standard_knows() {
        assert_eq!(signature(&SecretString::from("Jefe"), BODY), KNOWN);
        assert!(verify(&secrets(&["Jefe"]), KNOWN.as_bytes(), BODY, Mode::Hmac));
    }

    #[test]
    fn either_secret_verifies_while_one_replaces_the_other() {
        for list in [&["Jefe", "other"][..], &["other", "Jefe"]] {
            assert!(verify(&secrets(list), KNOWN.as_bytes(), BODY, Mode::Hmac), "{list:?}");
        }
        assert!(!verify(&secrets(&["other"]), KNOWN.as_bytes(), BODY, Mode::Hmac));
        assert!(!verify(&[], KNOWN.as_bytes(), BODY, Mode::Hmac), "no secret, no proof");
    }

    #[test]
    fn anything_but_the_exact_lowercase_hex_is_refused() {
        let upper = KNOWN.to_ascii_uppercase();
        let spaced = format!(" {KNOWN}");
        let longer = format!("{KNOWN}00");
        let prefixed = format!("sha512={KNOWN}");
        for value in ["", "Jefe", &KNOWN[..126], &KNOWN[..127], &upper, &spaced, &longer, &prefixed] {
            assert!(!verify(&secrets(&["Jefe"]), value.as_bytes(), BODY, Mode::Hmac), "{value:?}");
        }
        assert!(!verify(&secrets(&["Jefe"]), &[0xff; 128], BODY, Mode::Hmac));
        assert!(!verify(&secrets(&["Jefe"]), KNOWN.as_bytes(), b"another body", Mode::Hmac));
    }

    #[test]
    fn the_secret_itself_proves_something_in_plain_mode_only() {
        let list = secrets(&["other", "Jefe"]);
        assert!(verify(&list, b"Jefe", BODY, Mode::Plain));
        assert!(!verify(&list, b"Jefe", BODY, Mode::Hmac));
        assert!(!verify(&list, b"Jef", BODY, Mode::Plain));
        assert!(!verify(&list, b"Jefe ", BODY, Mode::Plain));
        assert!(!verify(&list, KNOWN.as_bytes(), BODY, Mode::Plain));
        assert!(!verify(&secrets(&[""]), b"", BODY, Mode::Plain), "an empty secret is none");
    }

    #[test]
    fn the_entity_is_read_with_and_without_an_envelope() {
        for body in [json!({"id": 7}), json!({"meta": {}, "data": {"id": 7}})] {
            let entity = entity(body.to_string().as_bytes()).expect("an entity");
            assert_eq!(Value::Object(entity), json!({"id": 7}), "{body}");
        }
        for body in [&b""[..], b"[]", b"7", b"{", b"{\"meta\":{},\"data\":[]}", b"\xff"] {
            assert!(entity(body).is_err(), "{body:?}");
        }
    }
}
