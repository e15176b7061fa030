//! Step one of the wire: what a brand's configuration says about where everything is.
//!
//! No secret is sent here, so redirects are followed, by hand and never below the floor of [`crate::address`].
//! What is read here never lowers a later address: see [`BrandConfig`].

use http_guard::is_loopback_host;
use serde_json::{Map, Value};
use url::Url;

use crate::address::Floor;
use crate::brand::brand_name;
use crate::environment::Environment;
use crate::error::Error;
use crate::http::Http;
use crate::lenient;
use crate::reply::Reply;

/// More redirects than any sensible set-up has.
const MOST_REDIRECTS: usize = 5;

/// Where a brand's servers are (Fast Track: front-end integration, config). Every address in it keeps the promise of the
/// transport the configuration came by: after `https` nothing is `http` or `ws`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrandConfig {
    /// `crmUrl`; not used by this client, `None` where it is missing or not to be trusted.
    pub crm_url: Option<Url>,
    /// `fusionUrl`: the base of every later call.
    pub fusion_url: Url,
    /// `prismaUrl`; not used by this client, `None` where it is missing or not to be trusted.
    pub prisma_url: Option<Url>,
    /// Where live events come from.
    pub pusher: PusherEndpoint,
    /// `tokenInHeader`, which a server of one's own may say: it takes the token of a channel authorization as a header, so
    /// that it does not stand in the address and in the logs of proxies.
    pub token_in_header: bool,
}

/// A Pusher Channels server and the application on it. The key is public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PusherEndpoint {
    /// `pusherKey`: the application.
    pub key: String,
    /// Host name or address, without port; an IPv6 address in brackets.
    pub host: String,
    /// Usually 443.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub tls: bool,
}

/// Asks the environment's server for the configuration of a brand.
///
/// `insecure_confirmed` says that the user accepted an unencrypted server beyond this computer; it never lets a
/// configuration that came encrypted lead to anything unencrypted.
///
/// # Errors
/// [`Error::Input`], [`Error::UnknownBrand`], [`Error::Insecure`], [`Error::Shape`] and everything a call can meet.
pub async fn read_config(
    http: &Http,
    environment: &Environment,
    brand: &str,
    insecure_confirmed: bool,
) -> Result<BrandConfig, Error> {
    let brand = brand_name(brand)?;
    let mut url = environment.config_url(&brand)?;
    Floor::set_by(&url, insecure_confirmed).check(&url, "the server's address")?;

    let mut followed = 0;
    let reply = loop {
        let reply = http.send(http.request(reqwest::Method::GET, url.clone())).await?;
        let Some(target) = reply.redirect_target() else { break reply };
        followed += 1;
        if followed > MOST_REDIRECTS {
            return Err(Error::shape("the server redirects without end"));
        }
        Floor::set_by(&url, insecure_confirmed).check(&target, "the address the server redirects to")?;
        url = target;
    };
    if matches!(reply.status, 404 | 410) {
        return Err(Error::UnknownBrand { brand });
    }
    config_from(&reply, environment, Floor::set_by(&url, insecure_confirmed))
}

fn config_from(reply: &Reply, environment: &Environment, floor: Floor) -> Result<BrandConfig, Error> {
    let Value::Object(fields) = reply.accepted()?.json()? else {
        return Err(Error::shape("the configuration is not a JSON object"));
    };
    let fusion_url =
        address(&fields, "fusionUrl")?.ok_or_else(|| Error::shape("the configuration has no fusionUrl"))?;
    floor.check(&fusion_url, "the fusionUrl of the configuration")?;
    // Not called, so an unsuitable one is dropped rather than refused.
    let unused = |name: &str| address(&fields, name).ok().flatten().filter(|url| floor.check(url, name).is_ok());

    Ok(BrandConfig {
        crm_url: unused("crmUrl"),
        prisma_url: unused("prismaUrl"),
        pusher: pusher_from(&fields, environment, floor)?,
        token_in_header: environment.is_custom() && lenient::flag(fields.get("tokenInHeader")) == Some(true),
        fusion_url,
    })
}

/// An address of the configuration, without what does not belong to a base address. `None` where there is none.
fn address(fields: &Map<String, Value>, name: &str) -> Result<Option<Url>, Error> {
    let Some(text) = lenient::filled(fields.get(name)) else { return Ok(None) };
    let mut url = Url::parse(&text).map_err(|_| Error::shape(format!("the configuration's {name} is no address")))?;
    if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
        return Err(Error::shape(format!("the configuration's {name} is no https address")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::shape(format!("the configuration's {name} holds a user name or a password")));
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(Some(url))
}

fn pusher_from(fields: &Map<String, Value>, environment: &Environment, floor: Floor) -> Result<PusherEndpoint, Error> {
    let key =
        lenient::filled(fields.get("pusherKey")).ok_or_else(|| Error::shape("the configuration has no pusherKey"))?;
    if !key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) || key.len() > 256 {
        return Err(Error::shape("the configuration's pusherKey holds characters that no key has"));
    }
    // Only a server of one's own may name a Pusher server of its own (our extension of the wire).
    if let Some(host) = lenient::filled(fields.get("pusherHost")).filter(|_| environment.is_custom()) {
        return own_pusher(fields, key, &host, floor);
    }
    let region = lenient::filled(fields.get("pusherRegion"))
        .ok_or_else(|| Error::shape("the configuration has no pusherRegion"))?;
    if !region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') || region.len() > 40 {
        return Err(Error::shape("the configuration's pusherRegion is no name of a Pusher cluster"));
    }
    let host = format!("ws-{}.pusher.com", region.to_ascii_lowercase());
    Ok(PusherEndpoint { key, host, port: 443, tls: true })
}

fn own_pusher(fields: &Map<String, Value>, key: String, host: &str, floor: Floor) -> Result<PusherEndpoint, Error> {
    // The same parser that later makes the address judges the host, so that both mean the same place.
    let unusable = || Error::shape("the configuration's pusherHost is no host name");
    let bracketed = if host.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.to_owned() };
    let host = url::Host::parse(&bracketed).map_err(|_| unusable())?.to_string();

    let tls = lenient::flag(fields.get("pusherForceTls")).unwrap_or(true);
    if !tls && !floor.allows_plain(is_loopback_host(&host)) {
        return Err(floor.refusal("the Pusher server of the configuration", &host));
    }
    let port = match lenient::filled(fields.get("pusherPort")) {
        None if tls => 443,
        None => 80,
        Some(text) => text
            .parse::<u16>()
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| Error::shape("the configuration's pusherPort is no port"))?,
    };
    Ok(PusherEndpoint { key, host, port, tls })
}

#[cfg(test)]
mod tests;
