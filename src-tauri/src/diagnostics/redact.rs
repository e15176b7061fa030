//! Takes out of a line what is nobody's business. The log holds none of it to begin with; this is for what a later defect, or a
//! server's own words, might bring in.

/// Whatever stands behind one of these and `=` or `:` is left out, however the key itself is spelt around it.
const SECRET_KEYS: [&str; 10] = [
    "authtoken",
    "auth_token",
    "auth-token",
    "accesstoken",
    "token",
    "session_id",
    "sid",
    "authorization",
    "password",
    "cookie",
];
/// Words after which the next one is the secret.
const SCHEMES: [&str; 2] = ["bearer", "basic"];
/// A word of this length that mixes letters and digits is a token, or might be.
const LONG: usize = 32;

/// A line without secrets: values of telling keys, queries of addresses, long tokens, and where the home folder is.
pub fn redacted(line: &str) -> String {
    let line = match dirs::home_dir().and_then(|home| home.to_str().map(str::to_owned)).filter(|home| home.len() > 1) {
        Some(home) => line.replace(&home, "~"),
        None => line.to_owned(),
    };
    without_tokens(&without_values(&line))
}

/// Leaves out what stands behind a telling key.
fn without_values(line: &str) -> String {
    // Of one length with the line: only ASCII letters change.
    let lower = line.to_ascii_lowercase();
    let mut kept = String::new();
    let mut at = 0;
    while at < line.len() {
        let behind = value_at(&lower, at);
        if let Some((start, end)) = behind {
            kept.push_str(&line[at..start]);
            kept.push('…');
            at = end;
        } else {
            let next = line[at..].chars().next().map_or(1, char::len_utf8);
            kept.push_str(&line[at..at + next]);
            at += next;
        }
    }
    kept
}

/// Where the value begins and ends when a telling key begins at `at`.
fn value_at(lower: &str, at: usize) -> Option<(usize, usize)> {
    let rest = &lower[at..];
    let key = SECRET_KEYS.iter().find(|key| rest.starts_with(**key))?;
    let is_inside_a_word = lower[..at].ends_with(|c: char| c.is_ascii_alphanumeric()) && *key == "sid";
    if is_inside_a_word {
        return None;
    }
    let quote = |text: &str| text.len() - text.trim_start_matches(['"', '\'', '\\', ' ']).len();
    let mut start = at + key.len();
    start += quote(&lower[start..]);
    if !lower[start..].starts_with(['=', ':']) {
        return None;
    }
    start += 1;
    start += quote(&lower[start..]);
    for scheme in SCHEMES {
        if lower[start..].starts_with(scheme) {
            start += scheme.len();
            start += quote(&lower[start..]);
        }
    }
    let ends = |c: char| c.is_whitespace() || "\"'&,;)}]\\".contains(c);
    let end = lower[start..].find(ends).map_or(lower.len(), |length| start + length);
    (end > start).then_some((start, end))
}

/// Leaves out queries of addresses, what follows a scheme, and long tokens.
fn without_tokens(line: &str) -> String {
    let mut hide = false;
    let words = line.split(' ').map(|word| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase();
        if std::mem::replace(&mut hide, SCHEMES.contains(&bare.as_str())) {
            "…".to_owned()
        } else {
            without_token(word)
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn without_token(word: &str) -> String {
    match word.split_once('?') {
        Some((address, query)) if address.contains('/') && !query.is_empty() => format!("{address}?…"),
        _ if is_token(word) => "…".to_owned(),
        _ => word.to_owned(),
    }
}

fn is_token(word: &str) -> bool {
    let core = word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '/');
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
            ("x=1&authToken=abc&y=2", "x=1&authToken=…&y=2"),
            (r#"{"a":1,"authToken":"x","b":2}"#, r#"{"a":1,"authToken":"…","b":2}"#),
            (r#"headers={"x-auth-token": "abc"}"#, r#"headers={"x-auth-token": "…"}"#),
            ("sid=abc, and more", "sid=…, and more"),
            ("the sid of a sign-in", "the sid of a sign-in"),
            ("outside: it rains", "outside: it rains"),
            ("Authorization: Bearer abc def", "Authorization: Bearer … def"),
            ("Bearer abc def", "Bearer … def"),
            ("Cookie: a=b; c", "Cookie: …; c"),
            (
                "2026-11-25T10:00:00.123456Z  WARN inbox: retry_in=3s",
                "2026-11-25T10:00:00.123456Z  WARN inbox: retry_in=3s",
            ),
            (&format!("said {token} here"), "said … here"),
            ("/srv/traybell/data/of/many/people/42", "/srv/traybell/data/of/many/people/42"),
            ("what? yes", "what? yes"),
            ("ünïcödé sid=ä b", "ünïcödé sid=… b"),
        ] {
            assert_eq!(redacted(line), expected);
        }
    }
}
