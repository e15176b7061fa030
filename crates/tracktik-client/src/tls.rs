//! How encrypted connections are made: rustls with ring, named explicitly, and the system's own trust.
//!
//! No process-wide default is set or relied on, and no certificate check is ever switched off.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;

use crate::error::Error;

/// The settings for reqwest, HTTP/2 offered.
pub(crate) fn tls_config() -> Result<ClientConfig, Error> {
    let setup = |error: rustls::Error| Error::Setup { message: error.to_string() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(setup)?
        .with_platform_verifier()
        .map_err(setup)?
        .with_no_client_auth();
    // reqwest leaves these to us when it is handed a finished configuration.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
