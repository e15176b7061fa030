//! Channel names and what their prefixes mean. It must never decide who may have a channel: servers do.

use std::fmt;

use crate::Error;

/// The longest name a Pusher-compatible server is known to take.
const LONGEST_NAME: usize = 200;

/// What a channel's prefix says it is (Pusher: *Channel types*). Each of them can be a cache channel besides, see
/// [`ChannelKind::is_cache`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelKind {
    /// Anyone with the key may subscribe.
    Public,
    /// `private-`: each subscription is signed by the application's server.
    Private,
    /// `private-encrypted-`: what it carries is encrypted end to end.
    Encrypted,
    /// `presence-`: subscribers see each other.
    Presence,
}

impl ChannelKind {
    /// What the prefix of `channel` says.
    pub fn of(channel: &str) -> Self {
        if channel.starts_with("private-encrypted-") {
            Self::Encrypted
        } else if channel.starts_with("private-") {
            Self::Private
        } else if channel.starts_with("presence-") {
            Self::Presence
        } else {
            Self::Public
        }
    }

    /// Whether the server keeps the last event of `channel` and sends it on subscription (`cache-`, `private-cache-`,
    /// `private-encrypted-cache-`, `presence-cache-`).
    pub fn is_cache(channel: &str) -> bool {
        const PREFIXES: [&str; 4] = ["cache-", "private-cache-", "private-encrypted-cache-", "presence-cache-"];
        PREFIXES.iter().any(|prefix| channel.starts_with(prefix))
    }

    /// Whether each subscription has to be signed by the application's server.
    pub fn needs_authorization(self) -> bool {
        self != Self::Public
    }
}

impl fmt::Display for ChannelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Encrypted => "private encrypted",
            Self::Presence => "presence",
        })
    }
}

/// Whether a server would take `channel`, and as what.
pub(crate) fn check(channel: &str) -> Result<ChannelKind, Error> {
    let invalid = |reason| Err(Error::InvalidChannel { channel: channel.into(), reason });
    if channel.is_empty() {
        return invalid("it is empty");
    }
    if channel.len() > LONGEST_NAME {
        return invalid("it is longer than 200 bytes");
    }
    if channel.starts_with('#') {
        return invalid("names with '#' belong to the server");
    }
    if channel.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return invalid("it has spaces or control characters");
    }
    Ok(ChannelKind::of(channel))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_says_the_kind_and_whether_the_last_event_is_kept() {
        let table = [
            ("news", ChannelKind::Public, false),
            ("privateer", ChannelKind::Public, false),
            ("private-a", ChannelKind::Private, false),
            ("private-encrypted-a", ChannelKind::Encrypted, false),
            ("presence-a", ChannelKind::Presence, false),
            ("cache-a", ChannelKind::Public, true),
            ("private-cache-a", ChannelKind::Private, true),
            ("presence-cache-a", ChannelKind::Presence, true),
            ("private-encrypted-cache-a", ChannelKind::Encrypted, true),
            ("my-cache-a", ChannelKind::Public, false),
        ];
        for (name, kind, cache) in table {
            assert_eq!((ChannelKind::of(name), ChannelKind::is_cache(name)), (kind, cache), "{name}");
        }
    }

    #[test]
    fn names_no_server_takes_are_refused() {
        for name in ["", "#server-to-user-1", "with space", "line\nbreak", &"x".repeat(201)] {
            assert!(matches!(check(name), Err(Error::InvalidChannel { .. })), "{name:?}");
        }
    }
}
