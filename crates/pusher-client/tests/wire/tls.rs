//! TLS on a real socket: a private certificate authority is honoured when given, and refused when not.
//!
//! The certificates in `certificates/` are made for these tests, valid for `localhost` and `127.0.0.1` until 2125, and
//! nobody trusts their authority. Its key is gone.

use std::sync::Arc;

use crate::fake::{Server, Signer, lost, state, within};
use futures_util::{SinkExt, StreamExt};
use pusher_client::{Backoff, Client, Options, State};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::{accept_async, tungstenite::Message};

const AUTHORITY: &[u8] = include_bytes!("certificates/ca.der");
const CERTIFICATE: &[u8] = include_bytes!("certificates/server.der");
const KEY: &[u8] = include_bytes!("certificates/server.key.der");

fn acceptor() -> TlsAcceptor {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(CERTIFICATE)], PrivateKeyDer::from(PrivatePkcs8KeyDer::from(KEY)))
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

fn trusting_the_authority() -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(AUTHORITY)).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// Greets whoever trusts us, for as long as the test runs.
async fn serve() -> u16 {
    serve_at("127.0.0.1").await
}

async fn serve_at(address: &str) -> u16 {
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let acceptor = acceptor();
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(tls) = acceptor.accept(tcp).await else { continue };
            let mut socket = accept_async(tls).await.unwrap();
            let greeting = r#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.2\"}"}"#;
            socket.send(Message::text(greeting)).await.unwrap();
            tokio::spawn(async move { while let Some(Ok(_)) = socket.next().await {} });
        }
    });
    port
}

#[tokio::test]
async fn item_48_a_private_authority_is_honoured_when_it_is_given() {
    let port = serve().await;
    for host in ["localhost", "127.0.0.1"] {
        let options = Options::host("app-key", host, port, true);
        // Beside those the system trusts, and alone.
        let also = options.clone().trust_also([CertificateDer::from(AUTHORITY)]);
        let alone = options.tls_config(trusting_the_authority());
        for options in [also, alone] {
            let client = Client::connect(options, Signer::granting());
            state(&client, "the greeting", |state| matches!(state, State::Connected { .. })).await;
            within("the end", client.shutdown()).await;
        }
    }
}

#[tokio::test]
async fn a_given_authority_vouches_for_its_own_servers_only_and_only_by_their_name() {
    // It is not the authority of this server but the server itself, which is no authority.
    let port = serve().await;
    let hour = std::time::Duration::from_hours(1);
    let patient = |host, port| Options::host("app-key", host, port, true).backoff(Backoff::new(hour, hour, 1, hour));
    let no_authority = patient("127.0.0.1", port).trust_also([CertificateDer::from(CERTIFICATE)]);
    let elsewhere = serve_at("127.0.0.2").await;
    let other_name = patient("127.0.0.2", elsewhere).trust_also([CertificateDer::from(AUTHORITY)]);
    let no_certificate = patient("127.0.0.1", port).trust_also([CertificateDer::from(b"no certificate".as_slice())]);
    for options in [no_authority, other_name, no_certificate] {
        let client = Client::connect(options, Signer::granting());
        let (_, reason) = lost(&mut client.events()).await;
        assert!(reason.contains("TLS") || reason.contains("trust store"), "{reason}");
    }
}

#[tokio::test]
async fn an_authority_the_system_does_not_trust_is_refused_and_named_as_the_reason() {
    let port = serve().await;
    let hour = std::time::Duration::from_hours(1);
    let options = Options::host("app-key", "localhost", port, true).backoff(Backoff::new(hour, hour, 1, hour));
    let client = Client::connect(options, Signer::granting());
    let (code, reason) = lost(&mut client.events()).await;
    assert_eq!(code, None);
    assert!(reason.contains("TLS") || reason.contains("trust store"), "{reason}");
    assert!(matches!(*client.state().borrow(), State::Waiting { .. }));
}

#[tokio::test]
async fn item_10_a_server_that_wants_tls_gets_it_where_the_way_is_known() {
    let plain = Server::start().await;
    let options = plain.options().trust_also([CertificateDer::from(AUTHORITY)]);
    let client = Client::connect(options.clone().tls_port(serve().await), Signer::granting());
    let mut events = client.events();
    plain.greet("1.1").await.close(4000, "TLS only").await;
    assert_eq!(lost(&mut events).await, (Some(4000), "TLS only".into()));
    let connected = State::Connected { socket_id: "1.2".into() };
    state(&client, "the greeting over TLS", |state| *state == connected).await;
    assert!(plain.is_quiet().await, "it must not come back without TLS");

    let client = Client::connect(options, Signer::granting());
    plain.greet("1.1").await.close(4000, "TLS only").await;
    let failed = State::Failed { code: 4000, reason: "TLS only".into() };
    state(&client, "the failure", |state| *state == failed).await;
}
