//! The keys of encrypted channels and what they open (Pusher: *End-to-end encrypted channels*: `NaCl` secretbox). It
//! must never show a key, nor pass on what it could not open.

use base64::{Engine, engine::general_purpose::STANDARD};
use crypto_secretbox::{KeyInit, XSalsa20Poly1305, aead::Aead};
use serde::Deserialize;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// The key of one channel.
#[derive(Clone)]
pub(crate) struct Key(XSalsa20Poly1305);

/// What an encrypted event carries.
#[derive(Deserialize)]
struct Sealed {
    ciphertext: String,
    nonce: String,
}

impl Key {
    /// Reads the `shared_secret` of an authorization; the error says what is wrong, without quoting it.
    pub(crate) fn read(shared_secret: Option<&str>) -> Result<Self, &'static str> {
        let secret = shared_secret.ok_or("the authorization of an encrypted channel holds no shared_secret")?;
        let bytes = STANDARD.decode(secret).map_err(|_| "the shared_secret is not base64")?;
        if bytes.len() != KEY_BYTES {
            return Err("the shared_secret is not 32 bytes long");
        }
        XSalsa20Poly1305::new_from_slice(&bytes).map(Self).map_err(|_| "the shared_secret is not 32 bytes long")
    }

    /// The plain text of an event's `data`; the error says what is wrong.
    pub(crate) fn open(&self, data: &str) -> Result<String, Unopened> {
        let sealed: Sealed = serde_json::from_str(data).map_err(|_| Unopened::NotSealed)?;
        let ciphertext = STANDARD.decode(sealed.ciphertext).map_err(|_| Unopened::NotSealed)?;
        let nonce: [u8; NONCE_BYTES] =
            STANDARD.decode(sealed.nonce).ok().and_then(|nonce| nonce.try_into().ok()).ok_or(Unopened::NotSealed)?;
        let plain = self.0.decrypt(&nonce.into(), ciphertext.as_slice()).map_err(|_| Unopened::WrongKey)?;
        String::from_utf8(plain).map_err(|_| Unopened::NotText)
    }
}

/// Why an event could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unopened {
    /// No key would open it.
    #[error("it is not encrypted as the protocol says")]
    NotSealed,
    /// Another key might.
    #[error("the key does not open it")]
    WrongKey,
    /// It was opened.
    #[error("what it holds is no text")]
    NotText,
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made with npm's tweetnacl, which pusher-js uses: key 0..32, nonce 100..124.
    const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const SEALED: &str = r#"{"nonce":"ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7","ciphertext":"1U/blr4xmtELzJvMCaII13mb7axCwuzTkppRV4tHPH0c1w=="}"#;

    #[test]
    fn opens_what_another_library_has_sealed() {
        let key = Key::read(Some(SECRET)).unwrap();
        assert_eq!(key.open(SEALED).as_deref(), Ok(r#"{"text":"grüße"}"#));
    }

    #[test]
    fn a_secret_that_is_none_is_told_without_quoting_it() {
        assert!(Key::read(None).is_err_and(|reason| reason.contains("no shared_secret")));
        for secret in ["", "hush", "aHVzaA=="] {
            let reason = Key::read(Some(secret)).err().unwrap();
            assert!(!reason.contains("hush"), "{reason}");
        }
    }

    #[test]
    fn what_can_not_be_opened_says_whether_another_key_might() {
        let other = Key::read(Some("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")).unwrap();
        assert_eq!(other.open(SEALED), Err(Unopened::WrongKey));
        for data in ["", "text", "{}", r#"{"ciphertext":"AA==","nonce":"AA=="}"#, r#"{"ciphertext":"%","nonce":"%"}"#] {
            assert_eq!(other.open(data), Err(Unopened::NotSealed), "{data}");
        }
    }
}
