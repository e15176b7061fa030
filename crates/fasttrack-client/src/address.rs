//! Which addresses may be contacted unencrypted, and how addresses are extended.
//!
//! The rule in one place: plain `http` and `ws` reach loopback alone, unless the user confirmed an insecure server; and
//! what came over `https` never leads to anything less.

use http_guard::is_loopback;
use url::Url;

use crate::error::Error;

/// What a source of addresses may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Floor {
    /// The source came encrypted: encrypted addresses only.
    Encrypted,
    /// Unencrypted ones on loopback.
    PlainOnLoopback,
    /// Unencrypted ones anywhere: the user confirmed it.
    PlainAnywhere,
}

impl Floor {
    /// The floor that what came from `source` sets for what follows.
    pub(crate) fn set_by(source: &Url, insecure_confirmed: bool) -> Self {
        match (source.scheme(), insecure_confirmed) {
            ("http", true) => Self::PlainAnywhere,
            ("http", false) => Self::PlainOnLoopback,
            _ => Self::Encrypted,
        }
    }

    /// Whether something unencrypted may be contacted, on loopback or not.
    pub(crate) fn allows_plain(self, on_loopback: bool) -> bool {
        match self {
            Self::Encrypted => false,
            Self::PlainOnLoopback => on_loopback,
            Self::PlainAnywhere => true,
        }
    }

    /// Refuses an address below the floor; `role` names it in the error.
    pub(crate) fn check(self, url: &Url, role: &str) -> Result<(), Error> {
        match url.scheme() {
            "https" => Ok(()),
            "http" if self.allows_plain(is_loopback(url)) => Ok(()),
            "http" => Err(self.refusal(role, url.host_str().unwrap_or_default())),
            _ => Err(Error::shape(format!("{role} is no https address"))),
        }
    }

    /// Why something unencrypted was refused.
    pub(crate) fn refusal(self, role: &str, host: &str) -> Error {
        let what = match self {
            Self::Encrypted => format!("{role} ({host}) is unencrypted, although the configuration came encrypted"),
            Self::PlainOnLoopback | Self::PlainAnywhere => format!(
                "{role} ({host}) is unencrypted: anybody on the way could read the session; an insecure server has to be confirmed"
            ),
        };
        Error::Insecure { what }
    }
}

/// The address with segments added, each percent-encoded. A segment can neither be empty nor lead upwards.
pub(crate) fn extended(base: &Url, segments: &[&str]) -> Result<Url, Error> {
    if segments.iter().any(|segment| matches!(*segment, "" | "." | ".." | "%2e" | "%2E" | "%2e%2e" | "%2E%2E")) {
        return Err(Error::input("an id or a name in an address is empty or stands for a folder"));
    }
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.path_segments_mut()
        .map_err(|()| Error::shape("an address in the configuration has no path"))?
        .pop_if_empty()
        .extend(segments);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("an address")
    }

    #[test]
    fn what_came_encrypted_never_leads_to_less_even_when_confirmed() {
        let plain_loopback = url("http://127.0.0.1/");
        let plain = url("http://example.com/");
        let encrypted = url("https://example.com/");
        for (source, confirmed, on_loopback, elsewhere) in [
            ("https://config.example/", false, false, false),
            ("https://config.example/", true, false, false),
            ("http://127.0.0.1/", false, true, false),
            ("http://config.example/", true, true, true),
        ] {
            let floor = Floor::set_by(&url(source), confirmed);
            assert_eq!(floor.check(&plain_loopback, "it").is_ok(), on_loopback, "{source} {confirmed}");
            assert_eq!(floor.check(&plain, "it").is_ok(), elsewhere, "{source} {confirmed}");
            assert!(floor.check(&encrypted, "it").is_ok(), "{source} {confirmed}");
            assert!(floor.check(&url("ftp://example.com/"), "it").is_err(), "{source} {confirmed}");
        }
    }

    #[test]
    fn segments_are_encoded_and_never_lead_upwards() {
        let base = url("https://h.example/integration-api/?x=1#y");
        let extended_url = extended(&base, &["Notifications", "a/../b?c#d é"]).expect("extends");
        assert_eq!(
            extended_url.as_str(),
            "https://h.example/integration-api/Notifications/a%2F..%2Fb%3Fc%23d%20%C3%A9"
        );
        for segment in ["", ".", "..", "%2e%2e"] {
            assert!(extended(&base, &["a", segment]).is_err(), "{segment}");
        }
    }
}
