//! Channel names and what their prefixes mean. It must never decide who may have a channel: servers do.

use std::fmt;

use crate::Error;

/// The longest name a Pusher-compatible server is known to take.
const LONGEST_NAME: usize = 200;

/// What a channel's prefix says it is (Pusher: *Channel types*).
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
    /// `cache-`, `private-cache-`, …: the last event is sent on subscription.
    Cache,
}

impl ChannelKind {
    /// What the prefix of `channel` says.
    pub fn of(channel: &str) -> Self {
        const CACHES: [&str; 4] = ["cache-", "private-cache-", "presence-cache-", "private-encrypted-cache-"];
        if CACHES.iter().any(|prefix| channel.starts_with(prefix)) {
            Self::Cache
        } else if channel.starts_with("private-encrypted-") {
            Self::Encrypted
        } else if channel.starts_with("private-") {
            Self::Private
        } else if channel.starts_with("presence-") {
            Self::Presence
        } else {
            Self::Public
        }
    }
}

impl fmt::Display for ChannelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Encrypted => "private encrypted",
            Self::Presence => "presence",
            Self::Cache => "cache",
        })
    }
}

/// Whether this client can subscribe to `channel`, and as what.
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
    match ChannelKind::of(channel) {
        kind @ (ChannelKind::Public | ChannelKind::Private) => Ok(kind),
        kind => Err(Error::UnsupportedChannel { channel: channel.into(), kind }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_says_the_kind() {
        let table = [
            ("news", ChannelKind::Public),
            ("privateer", ChannelKind::Public),
            ("private-a", ChannelKind::Private),
            ("private-encrypted-a", ChannelKind::Encrypted),
            ("presence-a", ChannelKind::Presence),
            ("cache-a", ChannelKind::Cache),
            ("private-cache-a", ChannelKind::Cache),
            ("presence-cache-a", ChannelKind::Cache),
            ("private-encrypted-cache-a", ChannelKind::Cache),
        ];
        for (name, kind) in table {
            assert_eq!(ChannelKind::of(name), kind, "{name}");
        }
    }

    #[test]
    fn kinds_of_a_later_day_are_a_typed_error() {
        for name in ["presence-a", "private-encrypted-a", "cache-a", "private-cache-a"] {
            assert!(matches!(check(name), Err(Error::UnsupportedChannel { .. })), "{name}");
        }
    }

    #[test]
    fn names_no_server_takes_are_refused() {
        for name in ["", "#server-to-user-1", "with space", "line\nbreak", &"x".repeat(201)] {
            assert!(matches!(check(name), Err(Error::InvalidChannel { .. })), "{name:?}");
        }
    }
}
