//! Whom an encrypted connection trusts: whom the system trusts, and nobody else.
//!
//! The certificates in `tests/certificates/` are made for this test, valid for `localhost` and `127.0.0.1` until 2125.
//! Nobody trusts their authority, whose key is gone.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fasttrack_client::{Environment, Error, read_config};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::fake::http;

const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/certificates/authority.pem");
const CERTIFICATE: &[u8] = include_bytes!("../certificates/server.der");
const KEY: &[u8] = include_bytes!("../certificates/server.key.der");
/// Tells the process whose trust store holds the authority where the server is.
const ADDRESS: &str = "TRAYBELL_TEST_HTTPS_SERVER";

/// Answers the config to whoever trusts it, on a thread of its own; counts those it answered.
fn serve() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let url = format!("https://{}", listener.local_addr().expect("an address"));
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(KEY));
    let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder.with_no_client_auth().with_single_cert(vec![CertificateDer::from(CERTIFICATE)], key)
        })
        .expect("the server's certificate");
    let (tls, answered) = (Arc::new(tls), Arc::new(AtomicUsize::new(0)));
    let (api, count) = (format!("{url}/api"), Arc::clone(&answered));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if answer(stream, &tls, &api).is_ok() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    (url, answered)
}

fn answer(stream: TcpStream, tls: &Arc<ServerConfig>, api: &str) -> std::io::Result<()> {
    let connection = ServerConnection::new(Arc::clone(tls)).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    let _ = stream.read(&mut [0; 4096])?;
    let config =
        format!(r#"{{"fusionUrl":"{api}","crmUrl":"{api}","prismaUrl":"{api}","pusherKey":"k","pusherRegion":"eu"}}"#);
    let head = format!("content-type: application/json\r\ncontent-length: {}\r\nconnection: close", config.len());
    write!(stream, "HTTP/1.1 200 OK\r\n{head}\r\n\r\n{config}")?;
    stream.conn.send_close_notify();
    stream.flush()
}

async fn config_of(url: &str) -> Result<(), Error> {
    let environment: Environment = url.parse().expect("an environment");
    read_config(&http(), &environment, "demo", false).await.map(drop)
}

/// Runs in two processes: it starts itself again with a trust store that holds the authority.
#[tokio::test]
async fn a_private_authority_is_refused_until_the_system_trusts_it() {
    if let Ok(url) = std::env::var(ADDRESS) {
        assert_eq!(config_of(&url).await, Ok(()), "the trust store holds the authority");
        return;
    }
    let (url, answered) = serve();
    let outcome = config_of(&url).await;
    assert!(matches!(outcome, Err(Error::Network { .. })), "{outcome:?}");
    assert_eq!(answered.load(Ordering::SeqCst), 0, "nothing was sent to a server that is not trusted");

    // The trust store is read from the environment, which a process cannot safely change for itself. Elsewhere than on
    // Linux it is the system's own, which no test should change.
    if cfg!(target_os = "linux") {
        let trusting = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "trust::a_private_authority_is_refused_until_the_system_trusts_it"])
            .env("SSL_CERT_FILE", AUTHORITY)
            .env(ADDRESS, &url)
            .output()
            .expect("this test runs again");
        assert!(trusting.status.success(), "{}", String::from_utf8_lossy(&trusting.stdout));
        assert_eq!(answered.load(Ordering::SeqCst), 1);
    }
}
