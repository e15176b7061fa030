//! Who is calling, when reverse proxies stand before the relay. Only proxies that the operator trusts are believed: anybody
//! can write `X-Forwarded-For`.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::Error;

/// Addresses that are looked at in one header; a real chain is short.
const MOST: usize = 16;
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies that are believed.
#[derive(Debug, Default)]
pub(crate) struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// From addresses and networks as `10.0.0.0/8`.
    pub(crate) fn read(texts: &[String]) -> Result<Self, Error> {
        let network = |text: &String| {
            let parsed = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
            parsed.ok_or_else(|| {
                Error::Input(format!("trusted_proxies: {text:?} is no address or network, as 10.0.0.7 or 10.0.0.0/8"))
            })
        };
        Ok(Self(texts.iter().map(network).collect::<Result<_, _>>()?))
    }

    /// The client's own address: the last one of `X-Forwarded-For` that is no trusted proxy, when the connection comes from
    /// one. What stands further left was said by the client itself.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let values = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
        let said: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
        for text in said.iter().rev().take(MOST) {
            if !self.0.iter().any(|network| network.contains(&client)) {
                break;
            }
            // A proxy that writes what is no address is as far as can be seen.
            let Ok(address) = text.parse::<IpAddr>() else { break };
            client = address.to_canonical();
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed_and_only_what_they_saw_themselves() {
        let proxies = TrustedProxies::read(&["10.0.0.0/8".into(), "::1".into()]).unwrap();
        for (peer, said, expected) in [
            ("198.51.100.7", &["203.0.113.1"][..], "198.51.100.7"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.1"], "203.0.113.1"),
            ("::ffff:10.0.0.1", &["203.0.113.1"], "203.0.113.1"),
            ("10.0.0.1", &["1.2.3.4, 203.0.113.1"], "203.0.113.1"),
            ("10.0.0.1", &["1.2.3.4", "203.0.113.1, 10.0.0.2"], "203.0.113.1"),
            ("::1", &["2001:db8::7"], "2001:db8::7"),
            ("10.0.0.1", &["203.0.113.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.9"], "10.0.0.9"),
        ] {
            let mut headers = HeaderMap::new();
            for value in said {
                headers.append(FORWARDED_FOR, HeaderValue::from_static(value));
            }
            assert_eq!(
                proxies.client(peer.parse().unwrap(), &headers),
                expected.parse::<IpAddr>().unwrap(),
                "{said:?}"
            );
        }
        let error = TrustedProxies::read(&["proxy.example".into()]).unwrap_err().to_string();
        assert!(error.contains("no address or network"), "{error}");
    }
}
