//! Which addresses a picture may come from: the public web, and where the account's own server is. A name is judged by
//! what it resolves to at the moment of connecting, so that no answer can change in between.

use std::{
    collections::HashMap,
    error::Error,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// What one account's pictures may reach.
#[derive(Debug, Clone, Default)]
pub(super) struct Reach {
    /// The account's own server: host and port.
    server: Option<(String, u16)>,
    /// The server is on loopback.
    loopback: bool,
    /// The person confirmed that the server is spoken to unencrypted.
    plain: bool,
}

impl Reach {
    pub(super) fn new(server: Option<&Url>, insecure_confirmed: bool) -> Self {
        Self {
            server: server.and_then(authority),
            loopback: server.is_some_and(is_loopback),
            plain: insecure_confirmed,
        }
    }

    /// Judges an address before it is asked; names are judged again by what they resolve to.
    pub(super) fn judge(&self, url: &Url) -> Result<(), &'static str> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err("The picture's address holds a user name or password.");
        }
        let own = self.is_own(url);
        match url.scheme() {
            "https" => {}
            "http" if self.loopback && is_loopback(url) => {}
            "http" if self.plain && own => {}
            _ => return Err("The picture's address is not https."),
        }
        let reachable = match url.host() {
            None => false,
            Some(Host::Domain(_)) => self.loopback || !is_loopback(url),
            Some(Host::Ipv4(address)) => self.may_reach(address.into(), own),
            Some(Host::Ipv6(address)) => self.may_reach(address.into(), own),
        };
        if reachable { Ok(()) } else { Err("The picture's address leads into a private network.") }
    }

    fn is_own(&self, url: &Url) -> bool {
        self.server.is_some() && self.server == authority(url)
    }

    fn may_reach(&self, address: IpAddr, own: bool) -> bool {
        let address = address.to_canonical();
        own || is_public(address) || (self.loopback && address.is_loopback())
    }
}

fn authority(url: &Url) -> Option<(String, u16)> {
    Some((url.host_str()?.to_ascii_lowercase(), url.port_or_known_default()?))
}

/// Whether the address is this computer itself.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

/// Whether an address belongs to the public internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        // Carriers' own (RFC 6598), protocol assignments (RFC 6890), benchmarks (RFC 2544).
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b));
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let [.., high, low] = parts;
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    let embedded = Ipv4Addr::new(a, b, c, d);
    match parts {
        // An IPv4 address in the clothes of IPv6: NAT64, 6to4.
        [0x64, 0xFF9B, 0, 0, 0, 0, _, _] => is_public_v4(embedded),
        [0x2002, high, low, ..] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // IPv4-compatible (::1 and :: are of them), NAT64 of a network's own, Teredo, documentation.
        [0, 0, 0, 0, 0, 0, _, _] | [0x64, 0xFF9B, 1, ..] | [0x2001, 0 | 0xDB8, ..] => false,
        // Only 2000::/3 is given out; the rest is local, multicast or nobody's.
        [first, ..] => first & 0xE000 == 0x2000,
    }
}

/// Resolves names, and refuses those asked for by a picture that lead where it may not.
///
/// Other names come by here as well, those of proxies: they are the system's choice and often on a private network.
pub(super) struct GuardedNames {
    reach: Reach,
    /// The hosts of pictures being fetched: how many fetches, and whether it is the account's own server.
    targets: Mutex<HashMap<String, (usize, bool)>>,
}

impl GuardedNames {
    pub(super) fn new(reach: Reach) -> Self {
        Self { reach, targets: Mutex::default() }
    }

    /// Guards the name of this address for as long as the answer lives.
    pub(super) fn guard(self: &Arc<Self>, url: &Url) -> Guard {
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let own = self.reach.is_own(url);
        self.with(|targets| {
            let target = targets.entry(host.clone()).or_insert((0, own));
            target.0 += 1;
            // The stricter judgement holds for all who fetch from the host at this moment.
            target.1 &= own;
        });
        Guard { names: Arc::clone(self), host }
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<String, (usize, bool)>) -> T) -> T {
        act(&mut self.targets.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What may be connected to for `name`, of what it resolves to.
    fn check(&self, name: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Refused> {
        let target = self.with(|targets| targets.get(&name.to_ascii_lowercase()).copied());
        match target {
            Some((_, own)) if !found.iter().all(|address| self.reach.may_reach(address.ip(), own)) => Err(Refused),
            _ => Ok(found),
        }
    }
}

impl fmt::Debug for GuardedNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedNames").field("reach", &self.reach).finish_non_exhaustive()
    }
}

/// Guards one name until it is dropped.
pub(super) struct Guard {
    names: Arc<GuardedNames>,
    host: String,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.names.with(|targets| {
            if let Some(target) = targets.get_mut(&self.host) {
                target.0 -= 1;
                if target.0 == 0 {
                    targets.remove(&self.host);
                }
            }
        });
    }
}

/// How reqwest is handed the resolver.
impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        let checker = Self { reach: self.reach.clone(), targets: Mutex::new(self.with(|targets| targets.clone())) };
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed = checker.check(&name, found)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// A name led where a picture may not come from.
#[derive(Debug, thiserror::Error)]
#[error("the name leads into a private network")]
struct Refused;

/// Whether a request failed because [`GuardedNames`] refused its name.
pub(super) fn was_refused(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<Refused>() {
            return true;
        }
        cause = inner.source();
    }
    false
}

#[cfg(test)]
mod tests;
