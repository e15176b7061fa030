//! TLS by the relay itself, as clients meet it.

use std::{path::Path, sync::Arc, time::Duration};

use relay::{ServerOptions, TlsFiles};
use reqwest::Certificate;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::world::{LIMIT, SID, World, answer, http};

/// A certificate for this machine and its key, written where the relay reads them; answers the certificate.
pub fn renew(folder: &Path) -> rcgen::Certificate {
    let names = ["127.0.0.1", "localhost"].map(String::from);
    let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(names).unwrap();
    write(&folder.join("fullchain.pem"), &cert.pem());
    write(&folder.join("privkey.pem"), &signing_key.serialize_pem());
    cert
}

fn write(path: &Path, text: &str) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    std::io::Write::write_all(&mut options.open(path).unwrap(), text.as_bytes()).unwrap();
}

async fn world(folder: &Path, change: impl FnOnce(&mut ServerOptions)) -> World {
    World::start_with(|options| {
        let mut files = TlsFiles::new(folder.join("fullchain.pem"), folder.join("privkey.pem"));
        files.reload_every = Duration::from_millis(20);
        options.tls = Some(files);
        change(options);
    })
    .await
}

/// A client that trusts this certificate and no other.
fn trusting(certificate: &rcgen::Certificate) -> reqwest::Client {
    http();
    let certificate = Certificate::from_der(certificate.der()).unwrap();
    reqwest::Client::builder().no_proxy().timeout(LIMIT).tls_certs_only([certificate]).build().unwrap()
}

async fn connect(world: &World, certificate: &rcgen::Certificate) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(world.server.address()).await?;
    let name = ServerName::from(std::net::IpAddr::from([127, 0, 0, 1]));
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

#[tokio::test]
async fn the_api_and_the_channels_are_served_encrypted() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = renew(folder.path());
    let world = world(folder.path(), |_| {}).await;
    assert!(world.server.url().starts_with("https://127.0.0.1:"), "{}", world.server.url());
    let log_in = format!("{}/integration-api/Platform/LoginAuthToken", world.server.url());
    let (status, _) = answer(trusting(&certificate).post(log_in).header("authtoken", SID).json(&json!({}))).await;
    assert_eq!(status, 200);

    let stream = connect(&world, &certificate).await.unwrap();
    let url = format!("wss://127.0.0.1/app/{}?protocol=7", world.server.pusher_key());
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    let greeting = futures_util::StreamExt::next(&mut socket).await.unwrap().unwrap();
    assert!(greeting.to_text().unwrap().contains("pusher:connection_established"), "{greeting}");
}

#[tokio::test]
async fn a_handshake_that_does_not_come_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = renew(folder.path());
    let world = world(folder.path(), |_| {}).await;
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(TcpStream::connect(world.server.address()).await.unwrap());
    }
    let mut plain = TcpStream::connect(world.server.address()).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: relay\r\n\r\n").await.unwrap();
    let live = format!("{}/health/live", world.server.url());
    assert_eq!(answer(trusting(&certificate).get(live)).await.0, 200);
    let mut rest = Vec::new();
    // An alert, or a reset: in either case the end, and no answer in plain text.
    let _ = tokio::time::timeout(LIMIT, plain.read_to_end(&mut rest)).await.expect("it is hung up on");
    assert!(!rest.starts_with(b"HTTP"), "{rest:?}");
}

#[tokio::test]
async fn a_silent_connection_ends_before_long() {
    let folder = tempfile::tempdir().unwrap();
    renew(folder.path());
    let world = world(folder.path(), |options| {
        // The limit of a handshake is no longer than that of any silence.
        options.activity_timeout = Duration::ZERO;
        options.pong_timeout = Duration::ZERO;
    })
    .await;
    let mut silent = TcpStream::connect(world.server.address()).await.unwrap();
    let ended = tokio::time::timeout(LIMIT, silent.read(&mut [0; 1])).await.expect("it is hung up on");
    assert!(matches!(ended, Ok(0) | Err(_)));
}

#[tokio::test]
async fn a_renewed_certificate_is_served_and_open_connections_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let first = renew(folder.path());
    let world = world(folder.path(), |_| {}).await;
    let mut open = connect(&world, &first).await.unwrap();
    let renewed = renew(folder.path());
    tokio::time::timeout(LIMIT, async {
        while connect(&world, &renewed).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the renewed certificate should be served");
    assert!(connect(&world, &first).await.is_err(), "the old one is not served any more");
    open.write_all(b"GET /health/live HTTP/1.1\r\nHost: relay\r\n\r\n").await.unwrap();
    let mut start = [0; 12];
    tokio::time::timeout(LIMIT, open.read_exact(&mut start)).await.expect("an answer").unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
}
