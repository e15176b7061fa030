//! The relay's own TLS: the certificate and key it is reached under, read again when the files change, so that a renewal
//! needs no restart. A renewal that went wrong leaves the pair before it in use. The key never shows in an error or log.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;
use x509_parser::{extensions::GeneralName, prelude::FromDer as _, prelude::X509Certificate};

use crate::{Error, secret_file::check_private};

/// A chain of certificates is some kilobytes long.
const MAX_BYTES: u64 = 256 * 1024;
const RELOAD_EVERY: Duration = Duration::from_secs(30);

/// Where certificate and key are, both in PEM form.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate and those that vouch for it, the relay's own first: certbot's `fullchain.pem`.
    pub certificate: PathBuf,
    /// Its private key, for the owner's eyes only: certbot's `privkey.pem`.
    pub key: PathBuf,
    /// How often is looked whether they have changed.
    pub reload_every: Duration,
}

impl TlsFiles {
    /// Looked at every half minute.
    pub fn new(certificate: PathBuf, key: PathBuf) -> Self {
        Self { certificate, key, reload_every: RELOAD_EVERY }
    }
}

/// What a certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertificateFacts {
    pub(crate) begins: Timestamp,
    pub(crate) ends: Timestamp,
    /// The host names and addresses it is for.
    pub(crate) names: Vec<String>,
}

/// The pair in use, and the files it came from.
#[derive(Debug)]
pub(crate) struct Certificates {
    files: TlsFiles,
    current: RwLock<Pair>,
}

/// A pair and what the files held when it was read.
#[derive(Debug)]
struct Pair {
    certified: Arc<CertifiedKey>,
    /// Also of what was refused since, so that it is refused once.
    seen: [u8; 32],
}

/// Both files as they are.
struct Written {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Certificates {
    /// Reads the files, and refuses what no client would accept.
    pub(crate) fn read(files: &TlsFiles) -> Result<Arc<Self>, Error> {
        let written = Written::read(files)?;
        let certified = Arc::new(written.check(files, Timestamp::now())?);
        let pair = Pair { certified, seen: written.digest() };
        Ok(Arc::new(Self { files: files.clone(), current: RwLock::new(pair) }))
    }

    /// How connections are answered: TLS 1.2 and 1.3, HTTP/1.1.
    pub(crate) fn config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Input(format!("TLS cannot be set up: {error}")))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Looks again and again whether the files have changed. New connections get the new certificate; those there are
    /// go on.
    pub(crate) async fn keep_fresh(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(self.files.reload_every)).await.is_some() {
            let certificates = Arc::clone(&self);
            let reloaded = tokio::task::spawn_blocking(move || certificates.reload()).await;
            match reloaded {
                Ok(Ok(false)) => {}
                Ok(Ok(true)) => tracing::info!("the renewed certificate is in use"),
                Ok(Err(error)) => tracing::error!(%error, "the certificate before it stays in use"),
                Err(error) => tracing::error!(%error, "the certificate could not be looked at"),
            }
        }
    }

    /// Whether there is another pair than before. What cannot be used is an error once.
    fn reload(&self) -> Result<bool, Error> {
        let seen = |current: &Pair| current.seen;
        let before = seen(&self.current.read().unwrap_or_else(PoisonError::into_inner));
        // Files that are missing for a moment are just being replaced; an unreadable one is said by the doctor.
        let Ok(written) = Written::read(&self.files) else { return Ok(false) };
        let digest = written.digest();
        if digest == before {
            return Ok(false);
        }
        let checked = written.check(&self.files, Timestamp::now());
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.seen = digest;
        current.certified = Arc::new(checked?);
        Ok(true)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current.certified))
    }
}

impl Written {
    fn read(files: &TlsFiles) -> Result<Self, Error> {
        check_private(&files.key)?;
        Ok(Self { certificate: read(&files.certificate)?, key: read(&files.key)? })
    }

    fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(self.certificate.len().to_le_bytes());
        digest.update(&self.certificate);
        digest.update(&self.key);
        digest.finalize().into()
    }

    fn check(&self, files: &TlsFiles, now: Timestamp) -> Result<CertifiedKey, Error> {
        let TlsFiles { certificate, key, .. } = files;
        let refused = |path: &Path, text: &str| Error::Input(format!("{}: {text}", path.display()));
        let chain = chain(&self.certificate).ok_or_else(|| refused(certificate, NO_CERTIFICATE))?;
        let facts = facts(&chain).ok_or_else(|| refused(certificate, NO_CERTIFICATE))?;
        if now >= facts.ends {
            return Err(refused(certificate, &format!("the certificate has expired, on {}; renew it", facts.ends)));
        }
        if now < facts.begins {
            let text = format!("the certificate is not valid before {}; is the clock right?", facts.begins);
            return Err(refused(certificate, &text));
        }
        // What the parser says could hold a piece of the file.
        let private = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| refused(key, "it holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)"))?;
        CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                refused(key, &format!("the key is not that of the certificate in {}", certificate.display()))
            }
            _ => refused(
                key,
                "the key is of no kind that can be used: RSA from 2048 bits, ECDSA P-256 or P-384, Ed25519",
            ),
        })
    }
}

const NO_CERTIFICATE: &str = "it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)";

/// What the certificate in the file says; for the doctor, who also wants to know of an expired one.
pub(crate) fn certificate_facts(path: &Path) -> Result<CertificateFacts, Error> {
    let found = chain(&read(path)?).and_then(|chain| facts(&chain));
    found.ok_or_else(|| Error::Input(format!("{}: {NO_CERTIFICATE}", path.display())))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    fs::File::open(path).map_err(failed)?.take(MAX_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn chain(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().ok()?;
    (!chain.is_empty()).then_some(chain)
}

fn facts(chain: &[CertificateDer<'_>]) -> Option<CertificateFacts> {
    let (_, certificate) = X509Certificate::from_der(chain.first()?).ok()?;
    let validity = certificate.validity();
    let at = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).ok();
    let names = certificate
        .subject_alternative_name()
        .ok()
        .flatten()
        .map_or_else(Vec::new, |extension| extension.value.general_names.iter().filter_map(name).collect());
    Some(CertificateFacts { begins: at(validity.not_before)?, ends: at(validity.not_after)?, names })
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let four = <[u8; 4]>::try_from(*bytes).map(std::net::IpAddr::from);
            four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(std::net::IpAddr::from)).ok().map(|it| it.to_string())
        }
        _ => None,
    }
}

impl CertificateFacts {
    /// Whether it is for this host, a wildcard standing for one label.
    pub(crate) fn is_for(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        self.names.iter().any(|name| {
            let wild = name
                .strip_prefix("*.")
                .zip(host.split_once('.'))
                .is_some_and(|(end, (_, rest))| rest.eq_ignore_ascii_case(end));
            wild || name.eq_ignore_ascii_case(host)
        })
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use tempfile::TempDir;

    use super::*;

    struct Folder(TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn files(&self) -> TlsFiles {
            TlsFiles::new(self.0.path().join("fullchain.pem"), self.0.path().join("privkey.pem"))
        }

        fn write(&self, certificate: &str, key: &str) {
            fs::write(self.files().certificate, certificate).unwrap();
            fs::write(self.files().key, key).unwrap();
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                fs::set_permissions(self.files().key, fs::Permissions::from_mode(0o600)).unwrap();
            }
        }
    }

    fn pair(years: (i32, i32)) -> (String, String) {
        let mut params =
            CertificateParams::new(["relay.example", "*.brands.example", "127.0.0.1"].map(String::from)).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn what_no_client_would_accept_is_refused_and_the_key_is_not_told() {
        let folder = Folder::new();
        let (certificate, key) = pair((2020, 2090));
        let (expired, its_key) = pair((2020, 2021));
        let (future, future_key) = pair((2080, 2090));
        let cases = [
            (&*certificate, &*its_key, "not that of the certificate"),
            (&*expired, &*its_key, "has expired, on 2021-01-01"),
            (&*future, &*future_key, "not valid before 2080-01-01"),
            ("garbage", &*key, "no certificate in PEM form"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &*key, "no certificate in PEM form"),
            (&*certificate, "garbage-that-is-a-key", "no private key in PEM form"),
            (&*certificate, &*certificate, "no private key in PEM form"),
            (&*certificate, "", "no private key in PEM form"),
        ];
        for (certificate, key, expected) in cases {
            folder.write(certificate, key);
            let refused = Certificates::read(&folder.files()).unwrap_err().to_string();
            assert!(refused.contains(expected), "{refused:?} should say {expected:?}");
            assert!(!refused.contains("garbage"), "{refused}");
        }
        folder.write(&certificate, &key);
        assert!(Certificates::read(&folder.files()).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = Folder::new();
        let (certificate, key) = pair((2020, 2090));
        folder.write(&certificate, &key);
        fs::set_permissions(folder.files().key, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = Certificates::read(&folder.files()).unwrap_err().to_string();
        assert!(refused.contains("privkey.pem") && refused.contains("chmod 600"), "{refused}");
    }

    #[test]
    fn a_renewal_counts_once_both_files_are_there_and_a_bad_one_changes_nothing() {
        let folder = Folder::new();
        let (certificate, key) = pair((2020, 2090));
        folder.write(&certificate, &key);
        let certificates = Certificates::read(&folder.files()).unwrap();
        let served = || certificates.current.read().unwrap().certified.cert[0].clone();
        let first = served();
        assert!(!certificates.reload().unwrap());

        let (renewed, renewed_key) = pair((2020, 2091));
        folder.write(&renewed, &key);
        assert!(certificates.reload().unwrap_err().to_string().contains("not that of the certificate"));
        assert!(!certificates.reload().unwrap(), "it is said once");
        assert_eq!(served(), first);
        fs::remove_file(folder.files().certificate).unwrap();
        assert!(!certificates.reload().unwrap());

        folder.write(&renewed, &renewed_key);
        assert!(certificates.reload().unwrap());
        assert_ne!(served(), first);
    }

    #[test]
    fn a_certificate_says_whom_it_is_for() {
        let folder = Folder::new();
        let (certificate, key) = pair((2020, 2090));
        folder.write(&certificate, &key);
        let facts = certificate_facts(&folder.files().certificate).unwrap();
        assert_eq!(facts.ends.to_string(), "2090-01-01T00:00:00Z");
        for host in ["relay.example", "RELAY.example", "acme.brands.example", "127.0.0.1"] {
            assert!(facts.is_for(host), "{host}: {:?}", facts.names);
        }
        for host in ["other.example", "a.relay.example", "brands.example", "a.b.brands.example"] {
            assert!(!facts.is_for(host), "{host}");
        }
    }
}
