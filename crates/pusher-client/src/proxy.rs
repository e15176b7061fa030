//! The way to the server when it leads through a proxy: HTTP CONNECT or SOCKS 5. It must never show a proxy's password.

use std::{fmt, future::Future, pin::Pin, sync::Arc, task};

use http::Uri;
use hyper_util::{
    client::{
        legacy::connect::proxy::{SocksV5, Tunnel},
        proxy::matcher::{Intercept, Matcher},
    },
    rt::TokioIo,
};
use tower_service::Service;

use crate::{
    Error,
    dial::Wire,
    options::Address,
    tcp,
    tls::{self, Trust},
};

/// What a proxy may be asked in.
const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

/// Which proxy to use for which server.
///
/// A proxy is `http://`, `https://` (TLS to the proxy itself) or `socks5://`, with `user:password@` where it wants
/// them. HTTP proxies are asked to CONNECT, for `ws` too; SOCKS proxies resolve the server's name themselves.
#[derive(Clone)]
pub struct Proxy(Option<Arc<Matcher>>);

impl Proxy {
    /// What the environment says (`HTTPS_PROXY` for `wss`, `HTTP_PROXY` for `ws`, `ALL_PROXY`, `NO_PROXY`, as curl reads
    /// them), then what the operating system's settings say (Windows and macOS). It is read now.
    pub fn system() -> Self {
        Self(Some(Arc::new(Matcher::from_system())))
    }

    /// No proxy, whatever the environment says.
    pub fn none() -> Self {
        Self(None)
    }

    /// This proxy for every server but those that `except` names, as `NO_PROXY` does: `localhost,.example.org`.
    ///
    /// Fails with [`Error::InvalidProxy`] when `proxy` is no address of one.
    pub fn all(proxy: &str, except: &str) -> Result<Self, Error> {
        let everywhere = Matcher::builder().all(proxy).build();
        let found = everywhere.intercept(&Uri::from_static("https://example.invalid:443"));
        let Some(found) = found.filter(|found| is_place(found.uri())) else {
            return Err(Error::InvalidProxy { reason: "it is no address" });
        };
        if !found.uri().scheme_str().is_some_and(|scheme| SCHEMES.contains(&scheme)) {
            return Err(Error::InvalidProxy { reason: "only http, https and socks5 proxies are known" });
        }
        Ok(Self(Some(Arc::new(Matcher::builder().all(proxy).no(except).build()))))
    }

    /// The proxy for `address`.
    fn of(&self, address: &Address) -> Option<Intercept> {
        self.0.as_ref()?.intercept(&destination(address)?)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").finish_non_exhaustive()
    }
}

/// A connection to `address`, by way of its proxy if it has one; the error never holds a secret.
pub(crate) async fn connect(address: &Address, proxy: &Proxy, trust: &Trust) -> Result<Box<dyn Wire>, String> {
    let Some(proxy) = proxy.of(address) else {
        let tcp = tcp::connect(&address.host, address.port).await;
        return Ok(Box::new(tcp.map_err(|error| format!("no connection: {error}"))?));
    };
    let destination = destination(address).ok_or("the address can not be told to a proxy")?;
    let (server, dialer) = (proxy.uri().clone(), ToProxy { trust: trust.clone() });
    let failed = |why: &str| format!("no connection through the proxy {}: {why}", place(&server));
    match server.scheme_str() {
        Some("socks5" | "socks5h") => {
            let mut socks = SocksV5::new(server.clone(), dialer);
            if let Some((user, password)) = proxy.raw_auth() {
                socks = socks.with_auth(user.into(), password.into());
            }
            socks.call(destination).await.map(into_wire).map_err(|error| failed(&with_causes(&error)))
        }
        Some("http" | "https") => {
            let mut tunnel = Tunnel::new(server.clone(), dialer);
            if let Some(auth) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(auth.clone());
            }
            tunnel.call(destination).await.map(into_wire).map_err(|error| failed(&with_causes(&error)))
        }
        _ => Err(failed("only http, https and socks5 proxies are known")),
    }
}

/// An error's text, and those of what caused it: which are what an administrator needs.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

/// Whether there is a host, and a port where one is given.
fn is_place(uri: &Uri) -> bool {
    uri.authority().is_some_and(|place| {
        let (host, whole) = (place.host(), place.as_str());
        !host.is_empty() && (whole.ends_with(host) || place.port_u16().is_some())
    })
}

/// The server as proxies know it. The scheme chooses the variable; the port is always told.
fn destination(address: &Address) -> Option<Uri> {
    let scheme = if address.tls { "https" } else { "http" };
    format!("{scheme}://{}:{}", address.host, address.port).parse().ok()
}

/// Where a proxy is, without what its address may hold besides.
fn place(proxy: &Uri) -> String {
    format!("{}:{}", proxy.host().unwrap_or_default(), port(proxy))
}

fn port(proxy: &Uri) -> u16 {
    proxy.port_u16().unwrap_or(match proxy.scheme_str() {
        Some("http") => 80,
        Some("https") => 443,
        _ => 1080,
    })
}

fn into_wire(io: TokioIo<Box<dyn Wire>>) -> Box<dyn Wire> {
    io.into_inner()
}

/// Connects to a proxy, with TLS where its address says so.
#[derive(Clone)]
struct ToProxy {
    trust: Trust,
}

impl Service<Uri> for ToProxy {
    type Response = TokioIo<Box<dyn Wire>>;
    type Error = String;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), Self::Error>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, proxy: Uri) -> Self::Future {
        let trust = self.trust.clone();
        Box::pin(async move {
            let host = proxy.host().unwrap_or_default();
            let host = url::Host::parse(host).map_err(|error| error.to_string())?;
            let tcp = tcp::connect(&host, port(&proxy)).await.map_err(|error| error.to_string())?;
            let wire: Box<dyn Wire> = match proxy.scheme_str() {
                Some("https") => Box::new(tls::encrypt(tcp, &host, &trust).await?),
                _ => Box::new(tcp),
            };
            Ok(TokioIo::new(wire))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    fn of(proxy: &Proxy, host: &str, tls: bool) -> Option<String> {
        let address = Options::host("k", host, 6001, tls).address().unwrap();
        proxy.of(&address).map(|proxy| place(proxy.uri()))
    }

    #[test]
    fn a_proxy_is_for_all_but_the_excepted() {
        let proxy = Proxy::all("http://user:hush@proxy.example:3128", "localhost,.internal,10.0.0.0/8").unwrap();
        let there = Some("proxy.example:3128".to_owned());
        for host in ["example.org", "::1"] {
            assert_eq!((of(&proxy, host, true), of(&proxy, host, false)), (there.clone(), there.clone()), "{host}");
        }
        for host in ["localhost", "a.internal", "10.1.2.3"] {
            assert_eq!(of(&proxy, host, true), None, "{host}");
        }
        assert_eq!(of(&Proxy::none(), "example.org", true), None);
        assert!(!format!("{proxy:?}").contains("hush"));
    }

    #[test]
    fn what_is_no_proxy_is_refused_and_not_gone_around() {
        for wrong in ["", "http://", "http://a b:1", "ftp://proxy.example:21", "socks5://", "http://proxy.example:hush"]
        {
            let Err(error) = Proxy::all(wrong, "") else { panic!("{wrong:?} is taken") };
            assert!(!error.to_string().contains("hush"), "an address may hold a password");
        }
        for right in ["proxy.example:3128", "https://proxy.example", "socks5h://u:p@[::1]:1080"] {
            assert!(Proxy::all(right, "").is_ok(), "{right}");
        }
    }
}
