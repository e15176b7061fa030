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
    dial::Wire,
    options::Address,
    tcp,
    tls::{self, Trust},
};

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
    pub fn all(proxy: &str, except: &str) -> Self {
        Self(Some(Arc::new(Matcher::builder().all(proxy).no(except).build())))
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
    let failed = |error: &dyn fmt::Display| format!("no connection through the proxy {}: {error}", place(&server));
    match server.scheme_str() {
        Some("socks5" | "socks5h") => {
            let mut socks = SocksV5::new(server.clone(), dialer);
            if let Some((user, password)) = proxy.raw_auth() {
                socks = socks.with_auth(user.into(), password.into());
            }
            socks.call(destination).await.map(into_wire).map_err(|error| failed(&error))
        }
        Some("http" | "https") => {
            let mut tunnel = Tunnel::new(server.clone(), dialer);
            if let Some(auth) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(auth.clone());
            }
            tunnel.call(destination).await.map(into_wire).map_err(|error| failed(&error))
        }
        _ => Err(failed(&"only http, https and socks5 proxies are known")),
    }
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
        let proxy = Proxy::all("http://user:hush@proxy.example:3128", "localhost,.internal,10.0.0.0/8");
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
}
