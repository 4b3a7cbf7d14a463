//! What the hosted cache of a case proves over TLS who it is by: a root, and a certificate (MS-PCHC 1.5 and 3.1.3).
//! Invariant: every world has a root of its own, so that no client trusts it but the one that is told to.
//! Byte order: none.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// What the certificate of a cache is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// One for where the cache is, signed by the root that the client is told to trust.
    Good,
    /// One for where the cache is, signed by another root.
    OfOtherRoot,
    /// One for somebody else, signed by the root that the client is told to trust.
    OfOtherName,
}

/// Who a cache is to those that trust a root.
#[derive(Debug)]
pub struct Secured {
    /// What its listener needs.
    pub config: Arc<ServerConfig>,
    /// What its client has to trust, in PEM.
    pub root: String,
}

impl Secured {
    /// A root and a certificate for an address.
    ///
    /// # Errors
    /// That of the library, as where there is no randomness.
    pub fn new(address: IpAddr, certificate: Certificate) -> io::Result<Self> {
        let (root, trusted) = Self::root().map_err(io::Error::other)?;
        let signer = match certificate {
            Certificate::OfOtherRoot => Self::root().map_err(io::Error::other)?.1,
            Certificate::Good | Certificate::OfOtherName => trusted,
        };
        let names = match certificate {
            Certificate::OfOtherName => vec!["another-cache.example".to_owned()],
            Certificate::Good | Certificate::OfOtherRoot => {
                vec![address.to_string(), "localhost".to_owned()]
            }
        };
        let signed = || {
            let mut params = CertificateParams::new(names)?;
            params
                .distinguished_name
                .push(DnType::CommonName, "hosted cache of the judge");
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            params.use_authority_key_identifier_extension = true;
            let key = KeyPair::generate()?;
            let signed = params.signed_by(&key, &signer)?;
            Ok::<_, rcgen::Error>((signed, key))
        };
        let (signed, key) = signed().map_err(io::Error::other)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                let chain = vec![signed.der().clone()];
                config.with_no_client_auth().with_single_cert(chain, key)
            });
        Ok(Self {
            config: config.map(Arc::new).map_err(io::Error::other)?,
            root,
        })
    }

    fn root() -> Result<(String, Issuer<'static, KeyPair>), rcgen::Error> {
        let mut params = CertificateParams::new(Vec::new())?;
        params
            .distinguished_name
            .push(DnType::CommonName, "root of the judge");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let root = params.self_signed(&key)?.pem();
        Ok((root, Issuer::new(params, key)))
    }
}
