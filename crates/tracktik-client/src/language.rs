//! [`Language`]: the languages TrackTik answers in.
//!
//! It must never send one that TrackTik does not list.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// As `TTC-Language` spells them (TrackTik support: API).
const KNOWN: [&str; 10] = ["en_us", "fr", "ro", "es", "de", "nl", "pt", "sv", "zh-hans", "th"];

/// A language of TrackTik's texts. Without one TrackTik uses `en_us`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language(&'static str);

impl FromStr for Language {
    type Err = Error;

    /// Letter case and `-` for `_` are forgiven: `EN-US` is `en_us`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let plain = |text: &str| text.to_ascii_lowercase().replace('_', "-");
        let known = KNOWN.into_iter().find(|known| plain(known) == plain(text));
        known.map(Self).ok_or_else(|| Error::input(format!("TrackTik's languages are {}", KNOWN.join(", "))))
    }
}

impl Language {
    /// As TrackTik spells it.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_known_in_any_letter_case() {
        for (text, expected) in [("fr", "fr"), ("EN-US", "en_us"), ("zh_Hans", "zh-hans")] {
            assert_eq!(text.parse::<Language>().expect("known").as_str(), expected);
        }
        assert!("tlh".parse::<Language>().is_err());
    }
}
