//! The signature that lets a socket into a private channel: HMAC-SHA256 of `socket_id:channel_name`
//! (`Pusher protocol 7: authorization signature`). The secret never leaves this file.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Signs and checks with the application's secret.
pub(crate) struct Signer {
    key: String,
    secret: Hmac<Sha256>,
}

impl Signer {
    pub(crate) fn new(key: String, secret: &[u8]) -> Self {
        // Invariant: HMAC takes a key of any length.
        let secret = Hmac::new_from_slice(secret).unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        Self { key, secret }
    }

    /// The application's public key.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The `auth` of a subscription.
    pub(crate) fn sign(&self, socket_id: &str, channel: &str) -> String {
        let signature = self.mac(socket_id, channel, None).finalize().into_bytes();
        format!("{}:{}", self.key, hex::encode(signature))
    }

    /// Whether `auth` was made by [`Signer::sign`] for just this socket and channel. The comparison takes the same
    /// time wherever the two differ.
    pub(crate) fn verify(&self, auth: &str, socket_id: &str, channel: &str, channel_data: Option<&str>) -> bool {
        let Some((key, signature)) = auth.split_once(':') else { return false };
        let Ok(signature) = hex::decode(signature) else { return false };
        key == self.key && self.mac(socket_id, channel, channel_data).verify_slice(&signature).is_ok()
    }

    fn mac(&self, socket_id: &str, channel: &str, channel_data: Option<&str>) -> Hmac<Sha256> {
        let mut mac = self.secret.clone();
        mac.update(socket_id.as_bytes());
        mac.update(b":");
        mac.update(channel.as_bytes());
        if let Some(data) = channel_data {
            mac.update(b":");
            mac.update(data.as_bytes());
        }
        mac
    }
}

/// `1234.5678`. Anything else must not be signed: with a free text in its place the bytes `a:b:c` could be read as
/// another socket's subscription, or as another kind of signature.
pub(crate) fn is_socket_id(text: &str) -> bool {
    let digits = |part: &str| (1..=20).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').is_some_and(|(first, second)| digits(first) && digits(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked examples of Pusher's page "Authorization signatures".
    #[test]
    fn the_published_vectors_come_out_and_are_accepted() {
        let signer = Signer::new("278d425bdf160c739803".into(), b"7ad3773142a6692b25b8");
        let auth = "278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4";
        assert_eq!(signer.sign("1234.1234", "private-foobar"), auth);
        assert!(signer.verify(auth, "1234.1234", "private-foobar", None));

        let data = r#"{"user_id":10,"user_info":{"name":"Mr. Channels"}}"#;
        let auth = "278d425bdf160c739803:31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80";
        assert!(signer.verify(auth, "1234.1234", "presence-foobar", Some(data)));
    }

    #[test]
    fn a_signature_is_good_for_its_own_socket_channel_and_key_alone() {
        let signer = Signer::new("key".into(), b"secret");
        let auth = signer.sign("1.2", "private-a");
        assert!(signer.verify(&auth, "1.2", "private-a", None));
        for (auth, socket_id, channel) in [
            (auth.as_str(), "1.3", "private-a"),
            (auth.as_str(), "1.2", "private-b"),
            (&auth.replace("key:", "other:"), "1.2", "private-a"),
            (&Signer::new("key".into(), b"another").sign("1.2", "private-a"), "1.2", "private-a"),
            (&auth[..auth.len() - 2], "1.2", "private-a"),
            ("key:", "1.2", "private-a"),
            ("key:zz", "1.2", "private-a"),
            ("", "1.2", "private-a"),
        ] {
            assert!(!signer.verify(auth, socket_id, channel, None), "{auth} {socket_id} {channel}");
        }
        assert!(!signer.verify(&auth, "1.2", "private-a", Some("{}")));
    }

    #[test]
    fn only_two_numbers_are_a_socket_id() {
        assert!(is_socket_id("1.2") && is_socket_id("4294967295.4294967295"));
        for text in ["", "1", "1.", ".2", "1.2.3", "1.2:private-a", "a.b", "1.2 ", "-1.2", "١.٢"] {
            assert!(!is_socket_id(text), "{text:?}");
        }
        assert!(!is_socket_id(&format!("{}.1", "9".repeat(21))));
    }
}
