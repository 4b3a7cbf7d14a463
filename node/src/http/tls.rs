//! TLS: certificates and keys from files, and the roots that a client trusts.
//! Invariant: a certificate and a key that do not belong together are refused before anything is served.
//! Byte order: none.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use thiserror::Error;

/// Why there is no TLS.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the fields are the words of the message")]
pub enum TlsError {
    /// A file is missing or is no PEM.
    #[error("cannot read {what} from {}: {source}", path.display())]
    Pem {
        what: &'static str,
        path: PathBuf,
        source: pem::Error,
    },
    /// A file has no certificate in it.
    #[error("{} holds no certificate; expected one or more in PEM", path.display())]
    NoCertificate { path: PathBuf },
    /// They do not fit.
    #[error("the certificate {} and the key {} cannot be used: {source}", cert.display(), key.display())]
    Pair {
        cert: PathBuf,
        key: PathBuf,
        source: rustls::Error,
    },
    /// A root is no certificate.
    #[error("a root certificate of {} cannot be used: {source}", path.display())]
    Root {
        path: PathBuf,
        source: rustls::Error,
    },
    /// The library's own.
    #[error("TLS cannot be set up: {0}")]
    Other(#[from] rustls::Error),
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |source| TlsError::Pem {
        what: "a certificate",
        path: path.to_owned(),
        source,
    };
    let all = CertificateDer::pem_file_iter(path)
        .map_err(failed)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    if all.is_empty() {
        let path = path.to_owned();
        return Err(TlsError::NoCertificate { path });
    }
    Ok(all)
}

/// What a server with this certificate chain and this key needs.
///
/// # Errors
/// [`TlsError`] says which file is wrong.
pub fn server(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates(cert)?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Pem {
        what: "a private key",
        path: key.to_owned(),
        source,
    })?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|source| TlsError::Pair {
            cert: cert.to_owned(),
            key: key.to_owned(),
            source,
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// What a client needs that trusts the system's roots and those in a file.
///
/// # Errors
/// [`TlsError`] where that file has none.
pub fn client(extra_roots: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    // Roots of the system that cannot be read are as roots that are not there: a connection then says so.
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    if let Some(path) = extra_roots {
        for root in certificates(path)? {
            roots.add(root).map_err(|source| TlsError::Root {
                path: path.to_owned(),
                source,
            })?;
        }
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
