//! Which links may be opened. A message comes from the network: what it links to is judged when it is shown and again
//! when it is opened, and nothing but the web is ever opened.

use url::Url;

/// Longer addresses than this are no links of a campaign.
const MAX_LENGTH: usize = 8 * 1024;

/// What may be done with a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// `https`: opens in the browser.
    Open(Url),
    /// Plain `http`: opens after the person confirmed it.
    Confirm(Url),
    /// Any other scheme, a relative path, an address with a user name or password in it, or no address at all.
    Never,
}

/// Judges a link as the wire said it.
pub fn judge(link: &str) -> Judgement {
    let link = link.trim();
    if link.len() > MAX_LENGTH || link.chars().any(char::is_control) {
        return Judgement::Never;
    }
    let Ok(url) = Url::parse(link) else { return Judgement::Never };
    // `https://bank.example@evil.example/` reads as the bank and leads elsewhere.
    let has_credentials = !url.username().is_empty() || url.password().is_some();
    if has_credentials || url.host_str().is_none_or(str::is_empty) {
        return Judgement::Never;
    }
    match url.scheme() {
        "https" => Judgement::Open(url),
        "http" => Judgement::Confirm(url),
        _ => Judgement::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_opens_and_http_asks_first() {
        assert!(matches!(judge("https://example.com/offer?x=1#top"), Judgement::Open(_)));
        assert!(matches!(judge("  HTTPS://example.com "), Judgement::Open(_)));
        assert!(matches!(judge("http://example.com"), Judgement::Confirm(_)));
    }

    #[test]
    fn anything_else_is_never_opened() {
        for link in [
            "",
            "javascript:alert(1)",
            "java\nscript:alert(1)",
            "JAVASCRIPT:alert(1)",
            "file:///etc/passwd",
            "data:text/html,<script>",
            "vbscript:x",
            "smb://host/share",
            "traybell://sign-in",
            "/relative",
            "relative",
            "//example.com/x",
            "https://",
            "https://user:password@example.com/",
            "https://bank.example@evil.example/",
            "https://exam\u{0}ple.com",
        ] {
            assert_eq!(judge(link), Judgement::Never, "{link:?}");
        }
    }
}
