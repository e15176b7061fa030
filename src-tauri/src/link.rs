//! `traybell://sign-in?environment=…&brand=…`: a link on a page or in a mail that fills in the sign-in form, after asking.
//!
//! Anybody can write one, so it is bounded and never acts by itself. It must never carry a session id: links stand in
//! process lists and histories, and another's id would sign the person in as somebody else. A relay's pairing code may
//! stand in it: it is good once, for ten minutes.

use std::ffi::OsStr;

use inbox::{Code, Problem};
use serde::{Deserialize, Serialize};
use tauri::Url;

use crate::control::Sid;

const SCHEME: &str = "traybell:";
/// Longer ones are none, in bytes.
const LONGEST: usize = 2048;
/// Longer brands and codes are none, in characters.
const LONGEST_VALUE: usize = 100;
const EXPECTED: &str = "A link reads traybell://sign-in?environment=production&brand=NAME, where the environment may be staging or \
                        a server's address.";

/// What the form is filled in with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SignInLink {
    /// `production`, `staging` or a base URL.
    pub environment: String,
    /// The brand's name.
    pub brand: String,
    /// A relay's pairing code.
    pub code: Option<Sid>,
}

impl SignInLink {
    /// Whether an argument of the program is a link, well made or not.
    pub fn is_one(argument: &OsStr) -> bool {
        let beginning = argument.as_encoded_bytes().get(..SCHEME.len());
        beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(SCHEME.as_bytes()))
    }

    /// Reads a link. Errors repeat nothing of it but the names of parameters.
    pub fn read(link: &str) -> Result<Self, Problem> {
        if link.len() > LONGEST {
            return Err(refused(format!("It is longer than {LONGEST} characters.")));
        }
        let url = Url::parse(link).map_err(|_| refused("It is no address."))?;
        let does = (url.host_str().unwrap_or_default(), url.path().trim_end_matches('/'));
        if url.scheme() != "traybell" || !matches!(does, ("sign-in", "") | ("", "sign-in")) {
            return Err(refused("It does not say sign-in, which is all that links can do."));
        }
        let (mut environment, mut brand, mut code) = (None, None, None);
        for (name, value) in url.query_pairs() {
            let place = match &*name {
                "environment" => &mut environment,
                "brand" => &mut brand,
                "code" => &mut code,
                "sid" => return Err(refused("It holds a session id, which does not belong into a link.")),
                other => {
                    let other: String = other.chars().filter(char::is_ascii_graphic).take(30).collect();
                    return Err(refused(format!("It holds {other:?}, which is not known.")));
                }
            };
            if place.replace(value.trim().to_owned()).is_some() {
                return Err(refused(format!("It holds {name} twice.")));
            }
        }
        let environment = self::environment(&environment.unwrap_or_default())?;
        let brand = brand.filter(|brand| is_short(brand)).ok_or_else(|| refused("It names no brand."))?;
        let code = match code {
            None => None,
            Some(code) if is_short(&code) => Some(Sid(code.into())),
            Some(_) => return Err(refused("What it holds is no pairing code.")),
        };
        Ok(Self { environment, brand, code })
    }
}

/// In the form in which it can be compared by eye: another alphabet's letters that look like ours are not.
fn environment(written: &str) -> Result<String, Problem> {
    if matches!(written, "production" | "staging") {
        return Ok(written.to_owned());
    }
    let url = Url::parse(written).ok().filter(|url| {
        let plain = url.username().is_empty() && url.password().is_none();
        let base = url.query().is_none() && url.fragment().is_none();
        matches!(url.scheme(), "https" | "http") && url.has_host() && plain && base
    });
    let url =
        url.ok_or_else(|| refused("Its environment is neither production nor staging nor a server's address."))?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn is_short(value: &str) -> bool {
    !value.is_empty() && value.chars().count() <= LONGEST_VALUE && !value.chars().any(char::is_control)
}

fn refused(why: impl std::fmt::Display) -> Problem {
    Problem::new(Code::BadInput, format!("This link cannot be used. {why}"), EXPECTED)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(link: &str) -> (String, String, Option<String>) {
        let SignInLink { environment, brand, code } = SignInLink::read(link).unwrap();
        (environment, brand, code.map(|code| code.0.expose_secret().to_owned()))
    }

    fn strings(environment: &str, brand: &str, code: Option<&str>) -> (String, String, Option<String>) {
        (environment.into(), brand.into(), code.map(str::to_owned))
    }

    #[test]
    fn a_link_names_environment_brand_and_perhaps_a_code() {
        for (link, expected) in [
            ("traybell://sign-in?environment=production&brand=acme", strings("production", "acme", None)),
            ("TRAYBELL://sign-in/?brand=Acme%20Ltd&environment=staging", strings("staging", "Acme Ltd", None)),
            (
                "traybell://sign-in?environment=https%3A%2F%2Frelay.example.com%2F&brand=acme&code=ABCD-EFGH",
                strings("https://relay.example.com", "acme", Some("ABCD-EFGH")),
            ),
            (
                "traybell:sign-in?environment=http://127.0.0.1:8080&brand=acme",
                strings("http://127.0.0.1:8080", "acme", None),
            ),
            (
                "traybell://sign-in?environment=https://r\u{435}lay.example&brand=acme",
                strings("https://xn--rlay-v4d.example", "acme", None),
            ),
        ] {
            assert_eq!(read(link), expected, "{link}");
        }
    }

    #[test]
    fn what_is_no_such_link_is_refused_with_what_is_wrong_and_nothing_else_of_it() {
        let long = format!("traybell://sign-in?environment=production&brand={}", "x".repeat(3000));
        let brand = format!("traybell://sign-in?environment=production&brand={}", "x".repeat(101));
        for (link, why) in [
            ("traybell://sign-in?environment=production&brand=acme&sid=s3cret", "session id"),
            ("traybell://sign-in?environment=production&brand=acme&s3cret%0a=x", "not known"),
            ("traybell://sign-in?environment=production&brand=acme&brand=s3cret", "twice"),
            ("traybell://sign-in?environment=production", "no brand"),
            ("traybell://sign-in?environment=production&brand=%20", "no brand"),
            ("traybell://sign-in?brand=acme", "environment"),
            ("traybell://sign-in?environment=ftp://s3cret.example&brand=acme", "environment"),
            ("traybell://sign-in?environment=https://me:s3cret@h.example&brand=acme", "environment"),
            ("traybell://sign-in?environment=https://h.example/?a=s3cret&brand=acme", "environment"),
            ("traybell://sign-in?environment=javascript:s3cret&brand=acme", "environment"),
            ("traybell://sign-in?environment=production&brand=acme&code=", "pairing code"),
            ("traybell://sign-in?environment=production&brand=acme&code=s3cret%00", "pairing code"),
            ("traybell://sign-out", "all that links can do"),
            ("traybell://sign-in/s3cret?environment=production&brand=acme", "all that links can do"),
            ("traybell:", "all that links can do"),
            (&brand, "no brand"),
            (&long, "longer than"),
        ] {
            let problem = SignInLink::read(link).unwrap_err();
            assert!(problem.message.contains(why), "{link}: {}", problem.message);
            assert!(
                !problem.message.contains("s3cret@") && !problem.message.contains("=s3cret"),
                "{}",
                problem.message
            );
            assert!(problem.hint.contains("traybell://sign-in?"), "{}", problem.hint);
        }
    }

    #[test]
    fn a_link_is_known_by_its_scheme_alone() {
        for (argument, is_one) in
            [("traybell:x", true), ("TrayBell://", true), ("traybell", false), ("--hidden", false), ("", false)]
        {
            assert_eq!(SignInLink::is_one(OsStr::new(argument)), is_one, "{argument}");
        }
    }

    #[test]
    fn a_code_is_never_printed() {
        let link = SignInLink::read("traybell://sign-in?environment=staging&brand=acme&code=s3cret").unwrap();
        assert!(!format!("{link:?}").contains("s3cret"));
    }
}
