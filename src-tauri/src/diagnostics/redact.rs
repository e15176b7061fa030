//! Takes out of a line what is nobody's business. The log holds none of it to begin with; this is for what a later defect, or a
//! server's own words, might bring in.

/// Words before `=` or `:` whose value is left out.
const SECRET_KEYS: [&str; 8] = ["authtoken", "auth", "token", "jwttoken", "sid", "authorization", "password", "secret"];
/// A word of this length that mixes letters and digits is a token, or might be.
const LONG: usize = 32;

/// A line without secrets: values of telling keys, queries of addresses, long tokens, and where the home folder is.
pub fn redacted(line: &str) -> String {
    let mut bearer = false;
    let words = line
        .split(' ')
        .map(|word| if std::mem::replace(&mut bearer, is_scheme(word)) { "…".to_owned() } else { redact_word(word) });
    let text = words.collect::<Vec<_>>().join(" ");
    match dirs::home_dir().and_then(|home| home.to_str().map(str::to_owned)).filter(|home| home.len() > 1) {
        Some(home) => text.replace(&home, "~"),
        None => text,
    }
}

/// Whether the next word is the secret.
fn is_scheme(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase();
    matches!(bare.as_str(), "bearer" | "basic") || (word.ends_with(':') && SECRET_KEYS.contains(&bare.as_str()))
}

fn redact_word(word: &str) -> String {
    if let Some((address, _)) =
        word.split_once('?').filter(|(address, _)| address.contains("://") || address.contains('/'))
    {
        return format!("{address}?…");
    }
    if let Some(at) = word.find(['=', ':'])
        && SECRET_KEYS
            .contains(&word[..at].trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase().as_str())
        && word.len() > at + 1
    {
        return format!("{}…", &word[..=at]);
    }
    if is_token(word) { "…".to_owned() } else { word.to_owned() }
}

fn is_token(word: &str) -> bool {
    let core = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    core.len() >= LONG
        && core.chars().all(|c| c.is_ascii_alphanumeric() || "+/=_-.".contains(c))
        && !core.starts_with('/')
        && core.chars().any(|c| c.is_ascii_digit())
        && core.chars().any(|c| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_what_is_taken_out_and_what_stays() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc123";
        for (line, expected) in [
            ("the list call failed: HTTP 503", "the list call failed: HTTP 503"),
            (
                "GET https://h/external/pusher/acme?authToken=abc&x=1 failed",
                "GET https://h/external/pusher/acme?… failed",
            ),
            ("authtoken: abc", "authtoken: …"),
            ("the sid of a sign-in", "the sid of a sign-in"),
            ("authToken=abc", "authToken=…"),
            ("sid=abc, and more", "sid=… and more"),
            ("Authorization: Bearer abc def", "Authorization: … … def"),
            ("Bearer abc def", "Bearer … def"),
            (
                "2026-11-25T10:00:00.123456Z  WARN inbox: retry_in=3s",
                "2026-11-25T10:00:00.123456Z  WARN inbox: retry_in=3s",
            ),
            (&format!("said {token} here"), "said … here"),
            ("what? yes", "what? yes"),
        ] {
            assert_eq!(redacted(line), expected);
        }
    }
}
