//! Item 47 of the checklist: HTTP CONNECT and SOCKS 5, against proxies that check what they are asked.

use std::{env, net::Ipv6Addr, process::Stdio};

use pusher_client::{Client, Options, Proxy, State};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::fake::{Server, Signer, lost, state, within};

/// A proxy that speaks as `greet` does with one client and then passes everything on. It tells whom it was asked for.
async fn proxy<F>(greet: impl Fn(TcpStream, mpsc::UnboundedSender<String>) -> F + Send + 'static) -> (u16, Asked)
where
    F: Future<Output = Option<(TcpStream, String)>> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Some((mut client, target)) = greet(client, tell.clone()).await else { continue };
            // The name is the proxy's to resolve: the server is on loopback, whatever it is called.
            let port = target.rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
            let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    });
    (port, Asked(told))
}

struct Asked(mpsc::UnboundedReceiver<String>);

impl Asked {
    async fn next(&mut self) -> String {
        within("a request to the proxy", self.0.recv()).await.unwrap()
    }
}

async fn http(mut client: TcpStream, tell: mpsc::UnboundedSender<String>) -> Option<(TcpStream, String)> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(client.read_u8().await.ok()?);
    }
    let request = String::from_utf8(request).unwrap();
    tell.send(request.clone()).ok()?;
    let allowed = request.lines().any(|line| line == "Proxy-Authorization: Basic dXNlcjpodXNo");
    if !allowed {
        client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await.ok()?;
        return None;
    }
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.ok()?;
    let target = request.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
    Some((client, target))
}

/// RFC 1928 and RFC 1929, as far as a server needs it.
async fn socks(mut client: TcpStream, tell: mpsc::UnboundedSender<String>) -> Option<(TcpStream, String)> {
    let mut head = [0; 2];
    client.read_exact(&mut head).await.ok()?;
    assert_eq!(head[0], 5);
    let mut methods = vec![0; head[1].into()];
    client.read_exact(&mut methods).await.ok()?;
    let method = if methods.contains(&2) { 2 } else { 0 };
    client.write_all(&[5, method]).await.ok()?;
    if method == 2 {
        assert_eq!(client.read_u8().await.ok()?, 1);
        let (user, password) = (text(&mut client).await?, text(&mut client).await?);
        tell.send(format!("{user}:{password}")).ok()?;
        client.write_all(&[1, 0]).await.ok()?;
    }
    let mut request = [0; 4];
    client.read_exact(&mut request).await.ok()?;
    assert_eq!(request[..3], [5, 1, 0]);
    let host = match request[3] {
        3 => text(&mut client).await?,
        4 => {
            let mut address = [0; 16];
            client.read_exact(&mut address).await.ok()?;
            format!("[{}]", Ipv6Addr::from(address))
        }
        kind => panic!("the name goes to the proxy unresolved, not as an address of kind {kind}"),
    };
    let target = format!("{host}:{}", client.read_u16().await.ok()?);
    tell.send(target.clone()).ok()?;
    client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).await.ok()?;
    Some((client, target))
}

async fn text(client: &mut TcpStream) -> Option<String> {
    let mut bytes = vec![0; client.read_u8().await.ok()?.into()];
    client.read_exact(&mut bytes).await.ok()?;
    String::from_utf8(bytes).ok()
}

/// The fake server under a name that only a proxy can resolve.
fn options(server: &Server, proxy: Proxy) -> Options {
    server.options_for("pusher.invalid").proxy(proxy)
}

#[tokio::test]
async fn item_47_an_http_proxy_is_asked_to_connect() {
    let server = Server::start().await;
    let (port, mut asked) = proxy(http).await;
    let proxy = Proxy::all(&format!("http://user:hush@127.0.0.1:{port}"), "").unwrap();
    let client = Client::connect(options(&server, proxy), Signer::granting());
    let request = asked.next().await;
    let target = format!("pusher.invalid:{}", server.address.port());
    assert!(request.starts_with(&format!("CONNECT {target} HTTP/1.1\r\n")), "{request}");
    let _peer = server.greet("1.2").await;
    state(&client, "the greeting", |state| matches!(state, State::Connected { .. })).await;
}

#[tokio::test]
async fn item_47_a_socks_proxy_resolves_the_name_and_takes_a_password() {
    let server = Server::start().await;
    let (port, mut asked) = proxy(socks).await;
    let proxy = Proxy::all(&format!("socks5h://user:hush@127.0.0.1:{port}"), "").unwrap();
    let client = Client::connect(options(&server, proxy), Signer::granting());
    assert_eq!(asked.next().await, "user:hush");
    assert_eq!(asked.next().await, format!("pusher.invalid:{}", server.address.port()));
    let _peer = server.greet("1.2").await;
    state(&client, "the greeting", |state| matches!(state, State::Connected { .. })).await;
}

#[tokio::test]
async fn item_47_a_proxy_that_refuses_or_is_away_is_named_and_its_password_is_not() {
    let server = Server::start().await;
    let (port, _asked) = proxy(http).await;
    let away = {
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
        gone.local_addr().unwrap().port()
    };
    for address in [
        format!("http://user:wrong@127.0.0.1:{port}"),
        format!("http://user:wrong@127.0.0.1:{away}"),
        format!("socks5://user:wrong@127.0.0.1:{away}"),
    ] {
        let client = Client::connect(options(&server, Proxy::all(&address, "").unwrap()), Signer::granting());
        let (_, reason) = lost(&mut client.events()).await;
        assert!(reason.contains("through the proxy 127.0.0.1:") && !reason.contains("wrong"), "{reason}");
    }
}

#[tokio::test]
async fn item_47_a_server_that_is_excepted_is_reached_directly() {
    let server = Server::start().await;
    let proxy = Proxy::all("http://127.0.0.1:1", "127.0.0.0/8").unwrap();
    let _client = Client::connect(server.options().proxy(proxy), Signer::granting());
    server.greet("1.2").await;
}

#[tokio::test]
async fn item_47_a_socks_proxy_is_given_an_ipv6_address_as_one() {
    let server = Server::start().await;
    let (port, mut asked) = proxy(socks).await;
    let proxy = Proxy::all(&format!("socks5://127.0.0.1:{port}"), "").unwrap();
    let client = Client::connect(server.options_for("2001:db8::7").proxy(proxy), Signer::granting());
    assert_eq!(asked.next().await, format!("[2001:db8::7]:{}", server.address.port()));
    let _peer = server.greet("1.2").await;
    state(&client, "the greeting", |state| matches!(state, State::Connected { .. })).await;
}

/// What tells this test, run anew in a process with another environment, to be the client.
const CHILD: &str = "PUSHER_CLIENT_TEST_PORT";

#[tokio::test]
async fn item_47_the_environment_names_the_proxy() {
    if let Ok(port) = env::var(CHILD) {
        let options = Options::host("app-key", "pusher.invalid", port.parse().unwrap(), false);
        let client = Client::connect(options, Signer::granting());
        state(&client, "the greeting", |state| matches!(state, State::Connected { .. })).await;
        return;
    }
    for (variable, scheme) in [("HTTP_PROXY", "http"), ("all_proxy", "socks5")] {
        let server = Server::start().await;
        let (port, mut asked) = if scheme == "http" { proxy(http).await } else { proxy(socks).await };
        let mut child = tokio::process::Command::new(env::current_exe().unwrap());
        for inherited in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"] {
            child.env_remove(inherited);
        }
        child
            .args(["--exact", "proxies::item_47_the_environment_names_the_proxy"])
            .env(CHILD, server.address.port().to_string())
            .env(variable, format!("{scheme}://user:hush@127.0.0.1:{port}"))
            // The variable's other spelling counts only where there is no web server's request (`REQUEST_METHOD`).
            .env_remove("REQUEST_METHOD")
            .stdout(Stdio::null())
            .kill_on_drop(true);
        let mut child = child.spawn().unwrap();
        asked.next().await;
        let _peer = server.greet("1.2").await;
        assert!(within("the end of the client", child.wait()).await.unwrap().success(), "{variable}");
    }
}
