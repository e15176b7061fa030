//! Takes secrets out of what a server said: one that echoes a header must not get it into a log.

use secrecy::{ExposeSecret, SecretString};

/// Shorter ones are no secrets, and removing them would garble every text.
const SHORTEST: usize = 4;
/// What stands in its place.
const HIDDEN: &str = "[hidden]";

/// The text with every occurrence of a secret replaced, in the spellings an address has for it too.
pub fn without_secrets(text: String, secrets: &[&SecretString]) -> String {
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
            assert_eq!(without_secrets(said.to_owned(), &[&secret]), expected);
        }
        let short = SecretString::from("a");
        assert_eq!(without_secrets("a cat".to_owned(), &[&short]), "a cat", "a single letter is no secret");
    }
}
