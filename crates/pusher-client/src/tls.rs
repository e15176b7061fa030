//! Whom to trust. The provider is named here and never taken from the process, which may have another or none.

use std::sync::Arc;

use rustls::{ClientConfig, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::{sync::OnceCell, task::spawn_blocking};

/// A TLS configuration, made when it is first needed and kept.
#[derive(Clone)]
pub(crate) struct Trust(Arc<OnceCell<Arc<ClientConfig>>>);

impl Trust {
    /// Trusts who the operating system trusts.
    pub(crate) fn platform() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn given(config: Arc<ClientConfig>) -> Self {
        Self(Arc::new(OnceCell::new_with(Some(config))))
    }

    /// The configuration. A trust store that can not be read now is read again at the next call.
    pub(crate) async fn config(&self) -> Result<Arc<ClientConfig>, String> {
        let read = || async {
            // Reading the trust store touches files, or worse.
            let config = spawn_blocking(platform_config).await.map_err(|error| error.to_string())?;
            config.map(Arc::new).map_err(|error| error.to_string())
        };
        self.0.get_or_try_init(read).await.cloned().map_err(|error| format!("the trust store can not be read: {error}"))
    }
}

fn platform_config() -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
