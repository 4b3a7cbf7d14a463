//! MS-PCHC 2.1: which scheme and path carry which version.
//! Invariant: a version follows from the scheme alone; a path under the other scheme is nobody's.
//! Byte order: none.

use core::fmt;

use super::{Quirk, Quirks};

/// The path of version 1.0, as it is written.
//= PCHC-2.1-02
pub const HTTPS_PATH: &str = "/C574AC30-5794-4AEE-B1BB-6651C5315029";
/// The path of version 2.0, as it is written.
//= PCHC-2.1-04
pub const HTTP_PATH: &str = "/0131501b-d67f-491b-9a40-c4bf27bcb4d4";

/// The two versions of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 1.0, over HTTPS: one segment at a time, with its block hashes where the cache wants them.
    V1,
    /// 2.0, over HTTP: up to 128 segments at once, by their ids alone.
    V2,
}

impl Version {
    /// `MajorVersion`.
    #[must_use]
    pub const fn major(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }

    /// The scheme that carries it.
    //= PCHC-1.7-01
    #[must_use]
    pub const fn scheme(self) -> Scheme {
        match self {
            Self::V1 => Scheme::Https,
            Self::V2 => Scheme::Http,
        }
    }

    /// The path that requests are posted to.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::V1 => HTTPS_PATH,
            Self::V2 => HTTP_PATH,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.0", self.major())
    }
}

/// What carries the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP inside TLS.
    Https,
}

impl Scheme {
    /// The port unless another is configured.
    //= PCHC-2.1-03
    //= PCHC-2.1-05
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    /// The one version that it carries.
    #[must_use]
    pub const fn version(self) -> Version {
        match self {
            Self::Http => Version::V2,
            Self::Https => Version::V1,
        }
    }
}

/// A path that is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Routed {
    /// The version that is spoken there.
    pub version: Version,
    /// What is odd about the path.
    pub quirks: Quirks,
}

/// Whose requests to this path are, if they are ours: the path without query, under the scheme it came by.
#[must_use]
pub fn route(scheme: Scheme, path: &str) -> Option<Routed> {
    let version = scheme.version();
    let mut quirks = Quirks::default();
    let name = match path.strip_suffix('/') {
        Some(name) => {
            quirks.add(Quirk::UrlTrailingSlash);
            name
        }
        None => path,
    };
    quirks.add_if(name != version.path(), Quirk::UrlCase);
    //= PCHC-2.1-07
    name.eq_ignore_ascii_case(version.path())
        .then_some(Routed { version, quirks })
}
