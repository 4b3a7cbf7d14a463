//! A certificate for whoever has none: self-signed, made once, kept beside the store (MS-PCHC 3.1.3, RFC 2818).
//! Invariant: the key is readable by its owner alone, and neither file ever stands half-written.
//! Byte order: none.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use peerdist::hash::{HashAlgorithm, digest};
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::output::{self, OutputError};
use crate::world::system_time;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// For how long a certificate is good. Nobody renews it unasked, for every client would have to trust the new one.
pub const DAYS_VALID: u32 = 3_650;

/// Where they are, and how the certificate is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfSigned {
    /// The certificate, in PEM.
    pub cert: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
    /// SHA-256 of the certificate, as people compare it.
    pub fingerprint: String,
    /// Whether they were made just now.
    pub is_new: bool,
}

/// Why there is no certificate.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the fields are the words of the message")]
pub enum CertificateError {
    /// A certificate without its key.
    #[error("{} is there, but its key {} is not; put the key back, or remove the certificate to have both made anew", cert.display(), key.display())]
    NoKey { cert: PathBuf, key: PathBuf },
    /// A file cannot be read.
    #[error("cannot read {}: {why}", path.display())]
    Read { path: PathBuf, why: String },
    /// It cannot be made.
    #[error("cannot make a certificate for {}: {source}", names.join(", "))]
    Make {
        names: Vec<String>,
        source: rcgen::Error,
    },
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] OutputError),
}

/// The certificate beside a store, made for these names where there is none.
///
/// # Errors
/// [`CertificateError`] says what is in the way.
pub fn beside(store: &Path, names: &[String]) -> Result<SelfSigned, CertificateError> {
    let (cert, key) = (named(store, "-cert.pem"), named(store, "-key.pem"));
    let is_new = !cert.exists();
    if is_new {
        make(&cert, &key, names)?;
    } else if !key.exists() {
        return Err(CertificateError::NoKey { cert, key });
    }
    let der = CertificateDer::from_pem_file(&cert).map_err(|error| CertificateError::Read {
        path: cert.clone(),
        why: error.to_string(),
    })?;
    let hash = digest(HashAlgorithm::Sha256, &der);
    let pairs = hash.as_bytes().iter().map(|byte| format!("{byte:02X}"));
    Ok(SelfSigned {
        fingerprint: pairs.collect::<Vec<_>>().join(":"),
        cert,
        key,
        is_new,
    })
}

/// `DIR-cert.pem` for `DIR`: the store is a directory of its own, with nothing foreign in it.
fn named(store: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = store.components().as_path().into();
    name.push(suffix);
    name.into()
}

fn make(cert: &Path, key: &Path, names: &[String]) -> Result<(), CertificateError> {
    let failed = |source| CertificateError::Make {
        names: names.to_vec(),
        source,
    };
    // A key without its certificate is what an end between the two leaves behind.
    let pair = match fs::read_to_string(key).map(Zeroizing::new) {
        Ok(pem) => KeyPair::from_pem(&pem).map_err(|error| CertificateError::Read {
            path: key.to_owned(),
            why: error.to_string(),
        })?,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let pair = KeyPair::generate().map_err(failed)?;
            let pem = Zeroizing::new(pair.serialize_pem());
            output::write(key, [pem.as_bytes()])?;
            pair
        }
        Err(error) => {
            return Err(CertificateError::Read {
                path: key.to_owned(),
                why: error.to_string(),
            });
        }
    };
    let mut params = CertificateParams::new(names).map_err(failed)?;
    let now = system_time();
    // Clocks of clients may be behind.
    params.not_before = (now - DAY).into();
    params.not_after = (now + DAY * DAYS_VALID).into();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let mut subject = DistinguishedName::new();
    let name = names
        .first()
        .map_or("peerdist hosted cache", String::as_str);
    subject.push(DnType::CommonName, name);
    params.distinguished_name = subject;
    let signed = params.self_signed(&pair).map_err(failed)?;
    output::write(cert, [signed.pem().as_bytes()])?;
    Ok(())
}
