//! Which addresses are this computer itself: the one place that may be spoken to unencrypted.

use std::net::IpAddr;

use url::{Host, Url};

/// Whether the address is this computer itself.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_local_name(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

/// The same for a host that stands alone, as a Pusher host does.
pub fn is_loopback_host(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.parse::<IpAddr>().map_or_else(|_| is_local_name(host), |address| address.to_canonical().is_loopback())
}

fn is_local_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_by_its_names_and_numbers() {
        for (address, expected) in [
            ("http://127.0.0.1:80/", true),
            ("http://127.9.9.9/", true),
            ("http://[::1]:8080/", true),
            ("http://[::ffff:127.0.0.1]/", true),
            ("http://localhost/", true),
            ("http://LOCALHOST:1/", true),
            ("http://a.localhost/", true),
            ("http://localhost.example.com/", false),
            ("http://127.0.0.1.example.com/", false),
            ("http://10.0.0.1/", false),
            ("http://0.0.0.0/", false),
            ("http://[::]/", false),
            ("http://example.com/", false),
        ] {
            let url = Url::parse(address).expect("an address");
            assert_eq!(is_loopback(&url), expected, "{address}");
            assert_eq!(is_loopback_host(url.host_str().expect("a host")), expected, "{address}");
        }
        assert!(is_loopback_host("::1"));
    }
}
