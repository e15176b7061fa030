//! How encrypted connections are made: rustls with ring, named explicitly, and the system's own trust.
//!
//! No process-wide default is set or relied on, and no certificate check is ever switched off.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;

/// The settings for reqwest, HTTP/2 offered.
///
/// # Errors
/// When the system's trust store cannot be used.
pub fn tls_config() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    // reqwest leaves these to us when it is handed a finished configuration.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
