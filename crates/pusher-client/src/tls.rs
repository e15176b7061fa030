//! Whom to trust, and TLS itself. The provider is named here and never taken from the process, which may have another
//! or none.

use std::{net::IpAddr, sync::Arc};

use rustls::{
    ClientConfig,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
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

    /// The configuration. A trust store that can not be read now is read again at the next call.
    async fn config(&self) -> Result<Arc<ClientConfig>, String> {
        let read = || async {
            let roots = self.roots.clone();
            // Reading the trust store touches files, or worse.
            let config = spawn_blocking(|| config(roots)).await.map_err(|error| error.to_string())?;
            config.map(Arc::new).map_err(|error| error.to_string())
        };
        let made = self.made.get_or_try_init(read).await.cloned();
        made.map_err(|error| format!("the trust store can not be read: {error}"))
    }
}

fn config(roots: Vec<CertificateDer<'static>>) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = if roots.is_empty() {
        Verifier::new(provider.clone())?
    } else {
        Verifier::new_with_extra_roots(roots, provider.clone())?
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
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
