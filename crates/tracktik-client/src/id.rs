//! [`Id`]: what TrackTik calls a thing by.
//!
//! It must never become another place in an address.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Value;

use crate::error::Error;

/// An id: a number in the schema's bodies, a string in its addresses (TrackTik OpenAPI 2020-01-01); both are read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(String);

impl Id {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Id {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if text.is_empty() || text.len() > 64 || !text.bytes().all(is_fine) {
            return Err(Error::input("an id has letters, digits, hyphens and underscores only, at most 64"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl From<u64> for Id {
    fn from(number: u64) -> Self {
        Self(number.to_string())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => text.parse().map_err(D::Error::custom),
            Value::Number(number) => number.to_string().parse().map_err(D::Error::custom),
            _ => Err(D::Error::custom("an id is a number or a string")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_number_or_a_string_and_leads_nowhere_else() {
        for text in ["7", "\"7\""] {
            assert_eq!(serde_json::from_str::<Id>(text).expect("an id"), Id::from(7), "{text}");
        }
        for text in ["\"\"", "\"..\"", "\"a/b\"", "\"7?x\"", "null", "{}", "7.5"] {
            assert!(serde_json::from_str::<Id>(text).is_err(), "{text}");
        }
    }
}
