//! Whom to trust, and TLS itself. The provider is named here and never taken from the process, which may have another
//! or none.

use std::{net::IpAddr, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use rustls_platform_verifier::Verifier;
use tokio::{sync::OnceCell, task::spawn_blocking};
use tokio_rustls::{TlsConnector, client::TlsStream};
use url::Host;

use crate::dial::Wire;

/// A TLS configuration, made when it is first needed and kept.
#[derive(Clone)]
pub(crate) struct Trust {
    made: Arc<OnceCell<Arc<ClientConfig>>>,
    roots: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// Trusts who the operating system trusts.
    pub(crate) fn platform() -> Self {
        Self { made: Arc::default(), roots: Vec::new() }
    }

    /// Trusts these too.
    pub(crate) fn and(mut self, roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        self.roots.extend(roots);
        Self { made: Arc::default(), roots: self.roots }
    }

    pub(crate) fn given(config: Arc<ClientConfig>) -> Self {
        Self { made: Arc::new(OnceCell::new_with(Some(config))), roots: Vec::new() }
    }

    /// The configuration. A trust store that can not be read now is read again at the next call, also where others are
    /// trusted beside it.
    async fn config(&self) -> Result<Arc<ClientConfig>, String> {
        if let Some(made) = self.made.get() {
            return Ok(made.clone());
        }
        let roots = self.roots.clone();
        // Reading the trust store touches files, or worse.
        let made = spawn_blocking(|| config(roots)).await.map_err(|error| error.to_string())?;
        let Made { config, whole } = made.map_err(|error| format!("the trust store can not be read: {error}"))?;
        let config = Arc::new(config);
        if whole {
            // Another attempt may have been quicker: its is as good.
            let _ = self.made.set(config.clone());
        }
        Ok(config)
    }
}

/// A configuration, and whether it holds all that it is meant to.
struct Made {
    config: ClientConfig,
    whole: bool,
}

fn config(roots: Vec<CertificateDer<'static>>) -> Result<Made, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let system = Verifier::new(provider.clone());
    let whole = system.is_ok();
    let verifier: Arc<dyn ServerCertVerifier> = if roots.is_empty() {
        Arc::new(system?)
    } else {
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(root)?;
        }
        let own = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone());
        let own = own.build().map_err(|error| rustls::Error::General(error.to_string()))?;
        // A machine without any authority of its own, as a container may be, still has the given ones.
        let system =
            system.inspect_err(|error| tracing::warn!(%error, "the system's trust store can not be read")).ok();
        Arc::new(Beside { system, own })
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Made { config, whole })
}

/// Trusts whom the system trusts, and certain authorities beside. The system's verifier can do that itself, but not alike on
/// every system; here a server that it refuses is simply judged once more, by rustls with the given authorities alone.
#[derive(Debug)]
struct Beside {
    system: Option<Verifier>,
    own: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for Beside {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let own = || self.own.verify_server_cert(end_entity, intermediates, name, ocsp, now);
        match &self.system {
            // Where both refuse, the system's reason is the one an administrator can look into.
            Some(system) => system
                .verify_server_cert(end_entity, intermediates, name, ocsp, now)
                .or_else(|refusal| own().map_err(|_| refusal)),
            None => own(),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.own.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.own.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.own.supported_verify_schemes()
    }
}

/// TLS with `host` over `wire`.
pub(crate) async fn encrypt<W: Wire>(wire: W, host: &Host, trust: &Trust) -> Result<TlsStream<W>, String> {
    let name = match host {
        Host::Domain(name) => {
            ServerName::try_from(name.clone()).map_err(|_| "the host's name can not stand in a certificate")?
        }
        Host::Ipv4(ip) => ServerName::IpAddress(IpAddr::V4(*ip).into()),
        Host::Ipv6(ip) => ServerName::IpAddress(IpAddr::V6(*ip).into()),
    };
    let connector = TlsConnector::from(trust.config().await?);
    connector.connect(name, wire).await.map_err(|error| format!("TLS: {error}"))
}
