//! [`Environment`]: which server to ask for a brand's configuration.
//!
//! It only judges and builds addresses; it never contacts them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::brand::brand_name;
use crate::error::Error;

/// The vendor's production config server (Fast Track: front-end integration).
const PRODUCTION: &str = "https://am-events.fasttrack-solutions.com";
/// The vendor's staging config server (Fast Track: front-end integration).
const STAGING: &str = "https://am-events-staging.fasttrack-solutions.com";

/// Where the configuration of a brand is asked for. Written and read as `production`, `staging` or an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Environment {
    /// The vendor's production servers.
    Production,
    /// The vendor's staging servers.
    Staging,
    /// Any server that answers `{address}/api/v1/config/{brand}`.
    Custom(Url),
}

impl Environment {
    /// The address of the configuration of `brand`, the name percent-encoded.
    ///
    /// # Errors
    /// [`Error::Input`] for a name or an address that cannot be used.
    pub fn config_url(&self, brand: &str) -> Result<Url, Error> {
        let brand = brand_name(brand)?;
        let mut url = match self {
            Self::Production => fixed(PRODUCTION)?,
            Self::Staging => fixed(STAGING)?,
            Self::Custom(url) => usable(url.clone())?,
        };
        url.path_segments_mut()
            .map_err(|()| Error::input("the server's address has no path"))?
            .pop_if_empty()
            .extend(["api", "v1", "config", brand.as_str()]);
        Ok(url)
    }

    /// Whether it is a server of one's own, whose configuration may name a Pusher server of its own.
    pub fn is_custom(&self) -> bool {
        matches!(self, Self::Custom(_))
    }
}

impl FromStr for Environment {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("production") {
            return Ok(Self::Production);
        }
        if text.eq_ignore_ascii_case("staging") {
            return Ok(Self::Staging);
        }
        let url = Url::parse(text).map_err(|_| no_address())?;
        let url = usable(url)?;
        // The vendor's own servers by their address are the vendor's environments, with the stricter rules of those.
        let written = trimmed(&url);
        match written.as_str() {
            PRODUCTION => Ok(Self::Production),
            STAGING => Ok(Self::Staging),
            _ => Ok(Self::Custom(Url::parse(&written).map_err(|_| no_address())?)),
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Production => f.write_str("production"),
            Self::Staging => f.write_str("staging"),
            Self::Custom(url) => f.write_str(&trimmed(url)),
        }
    }
}

impl TryFrom<String> for Environment {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Environment> for String {
    fn from(environment: Environment) -> Self {
        environment.to_string()
    }
}

fn fixed(address: &str) -> Result<Url, Error> {
    Url::parse(address).map_err(|_| no_address())
}

fn no_address() -> Error {
    Error::input("the environment is “production”, “staging” or an address that starts with https://")
}

/// Refuses what is no base address of a server: other schemes, a name and password inside, a query.
fn usable(url: Url) -> Result<Url, Error> {
    if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
        return Err(no_address());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::input("the server's address must not hold a user name or a password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::input("the server's address must not hold a “?” or a “#”"));
    }
    Ok(url)
}

/// The one spelling of an address: without the slash at its end.
fn trimmed(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_read_and_written_in_one_spelling() {
        for (typed, written) in [
            ("production", "production"),
            (" Staging ", "staging"),
            ("https://relay.example.com", "https://relay.example.com"),
            ("https://relay.example.com/", "https://relay.example.com"),
            ("HTTPS://Relay.Example.com:443/base//", "https://relay.example.com/base"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://am-events.fasttrack-solutions.com/", "production"),
            ("https://am-events-staging.fasttrack-solutions.com", "staging"),
        ] {
            let environment: Environment = typed.parse().unwrap_or_else(|error| panic!("{typed}: {error}"));
            assert_eq!(environment.to_string(), written, "{typed}");
            let again: Environment = written.parse().unwrap_or_else(|error| panic!("{written}: {error}"));
            assert_eq!(again, environment, "{typed} is the same after it was stored");
        }
    }

    #[test]
    fn what_is_no_environment_is_refused_with_what_is_expected() {
        for typed in [
            "",
            "prod",
            "relay.example.com",
            "relay.example.com:8080",
            "ftp://relay.example.com",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "https://",
            "https://user:secret@relay.example.com",
            "https://relay.example.com/?a=b",
            "https://relay.example.com/#x",
        ] {
            let error = typed.parse::<Environment>().expect_err(typed);
            assert!(matches!(error, Error::Input { .. }), "{typed}: {error:?}");
            assert!(!error.to_string().contains("secret"), "the error does not repeat a password: {error}");
        }
    }

    #[test]
    fn the_config_address_holds_the_brand_percent_encoded() {
        let custom: Environment = "https://relay.example.com/base/".parse().expect("an address");
        for (environment, brand, address) in [
            (Environment::Production, "demo", "https://am-events.fasttrack-solutions.com/api/v1/config/demo"),
            (Environment::Staging, " demo ", "https://am-events-staging.fasttrack-solutions.com/api/v1/config/demo"),
            (custom.clone(), "demo", "https://relay.example.com/base/api/v1/config/demo"),
            (custom, "bränd&co", "https://relay.example.com/base/api/v1/config/br%C3%A4nd&co"),
        ] {
            assert_eq!(environment.config_url(brand).expect(brand).as_str(), address);
        }
    }

    #[test]
    fn an_environment_is_a_string_in_json() {
        let environment: Environment = serde_json::from_str("\"https://relay.example.com/\"").expect("an address");
        assert_eq!(serde_json::to_string(&environment).expect("writes"), "\"https://relay.example.com\"");
        assert!(serde_json::from_str::<Environment>("\"nowhere\"").is_err());
    }
}
