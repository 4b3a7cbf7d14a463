//! MS-PCCRTP 2.2: the header field X-P2P-PeerDistEx.
//! Invariant: the two bounds stand together or not at all, and a parameter stands at most once.
//! Byte order: none.

use super::error::{DecodeError, Problem};
use super::list::Parameters;
use super::parameters::{ignore, once, read_flag, read_version};
use super::quirk::{Quirk, Quirks};
use super::version::VersionNumber;
use super::{FieldValue, PEERDIST_EX};
use crate::content::Version;
use crate::wire::Trace;

/// The parameters of X-P2P-PeerDistEx.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PeerDistEx {
    /// `MinContentInformation` and `MaxContentInformation`: the versions of content information that a client reads.
    pub window: Option<(VersionNumber, VersionNumber)>,
    /// The server asks the client to ask for the hashes later.
    //= PCCRTP-2.2-12
    pub make_hash_request: bool,
    /// The client asks for the hashes of what it asked for before.
    //= PCCRTP-2.2-13
    pub hash_request: bool,
}

impl PeerDistEx {
    /// What a client sends that reads content information up to a version.
    //= PCCRTP-2.2-11
    #[must_use]
    pub const fn up_to(highest: Version) -> Self {
        let highest = match highest {
            Version::V1 => VersionNumber::V1_0,
            Version::V2 => VersionNumber::V2_0,
        };
        Self {
            window: Some((VersionNumber::V1_0, highest)),
            make_hash_request: false,
            hash_request: false,
        }
    }

    /// The highest version of content information in the window, if its bounds are among those of the document.
    #[must_use]
    pub const fn highest(window: (VersionNumber, VersionNumber)) -> Option<Version> {
        //= PCCRTP-2.2-10
        //= PCCRTP-3.2.5.1-03
        match window {
            (VersionNumber::V1_0, VersionNumber::V1_0) => Some(Version::V1),
            (VersionNumber::V1_0, VersionNumber::V2_0) => Some(Version::V2),
            _ => None,
        }
    }

    /// Decodes the header field's value.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that the grammar does not allow, read as a plain list.
    pub fn decode(value: &[u8]) -> Result<(Self, Quirks), DecodeError> {
        Self::read(value, None)
    }

    /// Decodes and tells `trace` of every parameter, up to the error if there is one.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that the grammar does not allow, read as a plain list.
    pub fn decode_traced(value: &[u8], trace: &Trace) -> Result<(Self, Quirks), DecodeError> {
        Self::read(value, Some(trace))
    }

    fn read(value: &[u8], trace: Option<&Trace>) -> Result<(Self, Quirks), DecodeError> {
        const MIN: &str = "MinContentInformation";
        const MAX: &str = "MaxContentInformation";
        let mut found = Self::default();
        let mut quirks = Quirks::default();
        let mut list = Parameters::new(value, PEERDIST_EX);
        let (mut min, mut max) = (None, None);
        while let Some(parameter) = list.next()? {
            let name = parameter.name;
            if name.is(MIN) {
                once(min.is_some(), name, MIN)?;
                let value = parameter.required(MIN)?;
                min = Some((name.at, read_version(value, MIN, trace)?));
            } else if name.is(MAX) {
                once(max.is_some(), name, MAX)?;
                let value = parameter.required(MAX)?;
                max = Some((name.at, read_version(value, MAX, trace)?));
            } else if name.is("MakeHashRequest") {
                once(found.make_hash_request, name, "MakeHashRequest")?;
                let value = parameter.required("MakeHashRequest")?;
                found.make_hash_request = read_flag(value, "MakeHashRequest", trace)?;
            } else if name.is("HashRequest") {
                once(found.hash_request, name, "HashRequest")?;
                let value = parameter.required("HashRequest")?;
                found.hash_request = read_flag(value, "HashRequest", trace)?;
            } else {
                ignore(name, parameter.value, trace);
                quirks.add(Quirk::UnknownParameter);
            }
        }
        found.window = match (min, max) {
            (Some((_, min)), Some((_, max))) => Some((min, max)),
            (None, None) => None,
            (Some((at, _)), None) => return Err(Problem::HalfWindow.at(at, MIN)),
            (None, Some((at, _))) => return Err(Problem::HalfWindow.at(at, MAX)),
        };
        if list.leading_comma {
            quirks.add(Quirk::LeadingComma);
        }
        Ok((found, quirks))
    }

    /// Joins the parameters of two header fields of that name into those of one list.
    pub(super) fn join(self, other: Self) -> Result<Self, DecodeError> {
        let twice = |field| Err(Problem::DuplicateParameter.at(0, field));
        if self.window.is_some() && other.window.is_some() {
            return twice("MinContentInformation");
        }
        if self.make_hash_request && other.make_hash_request {
            return twice("MakeHashRequest");
        }
        if self.hash_request && other.hash_request {
            return twice("HashRequest");
        }
        Ok(Self {
            window: self.window.or(other.window),
            make_hash_request: self.make_hash_request || other.make_hash_request,
            hash_request: self.hash_request || other.hash_request,
        })
    }

    /// Appends the header field's value.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        FieldValue::PeerDistEx(*self).encode_into(out);
    }

    /// The header field's value.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }
}
