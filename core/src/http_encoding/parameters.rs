//! MS-PCCRTP 2.2: the header field X-P2P-PeerDist.
//! Invariant: a parameter stands at most once; names and `true` compare without case, as literals of RFC 2616 do.
//! Byte order: none.

use super::error::{DecodeError, Problem};
use super::list::{Parameters, Span};
use super::quirk::{Quirk, Quirks};
use super::version::{VersionNumber, is_number, number};
use super::{FieldValue, PEERDIST};
use crate::wire::Trace;

/// The parameters of X-P2P-PeerDist.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PeerDist {
    /// In requests the highest version of the coding that the client supports, in responses the one used.
    //= PCCRTP-2.2-06
    pub version: Option<VersionNumber>,
    /// Bytes of the body before the coding.
    //= PCCRTP-2.2-07
    pub content_length: Option<u64>,
    /// The client asks because its peers could not deliver.
    //= PCCRTP-2.2-08
    pub missing_data_request: bool,
}

impl PeerDist {
    /// Decodes the header field's value.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that the grammar does not allow.
    pub fn decode(value: &[u8]) -> Result<(Self, Quirks), DecodeError> {
        Self::read(value, None)
    }

    /// Decodes and tells `trace` of every parameter, up to the error if there is one.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that the grammar does not allow.
    pub fn decode_traced(value: &[u8], trace: &Trace) -> Result<(Self, Quirks), DecodeError> {
        Self::read(value, Some(trace))
    }

    fn read(value: &[u8], trace: Option<&Trace>) -> Result<(Self, Quirks), DecodeError> {
        let mut found = Self::default();
        let mut quirks = Quirks::default();
        let mut list = Parameters::new(value, PEERDIST);
        //= PCCRTP-2.2-03
        while let Some(parameter) = list.next()? {
            let name = parameter.name;
            if name.is("Version") {
                once(found.version.is_some(), name, "Version")?;
                let value = parameter.required("Version")?;
                found.version = Some(read_version(value, "Version", trace)?);
            } else if name.is("ContentLength") {
                once(found.content_length.is_some(), name, "ContentLength")?;
                let value = parameter.required("ContentLength")?;
                found.content_length = Some(read_number(value, "ContentLength", trace)?);
            } else if name.is("MissingDataRequest") {
                once(found.missing_data_request, name, "MissingDataRequest")?;
                let value = parameter.required("MissingDataRequest")?;
                found.missing_data_request = read_flag(value, "MissingDataRequest", trace)?;
            } else {
                ignore(name, parameter.value, trace);
                quirks.add(Quirk::UnknownParameter);
            }
        }
        if list.leading_comma {
            quirks.add(Quirk::LeadingComma);
        }
        Ok((found, quirks))
    }

    /// Joins the parameters of two header fields of that name into those of one list.
    pub(super) fn join(self, other: Self) -> Result<Self, DecodeError> {
        let twice = |field| Err(Problem::DuplicateParameter.at(0, field));
        match (self, other) {
            (
                Self {
                    version: Some(_), ..
                },
                Self {
                    version: Some(_), ..
                },
            ) => twice("Version"),
            (
                Self {
                    content_length: Some(_),
                    ..
                },
                Self {
                    content_length: Some(_),
                    ..
                },
            ) => twice("ContentLength"),
            (
                Self {
                    missing_data_request: true,
                    ..
                },
                Self {
                    missing_data_request: true,
                    ..
                },
            ) => twice("MissingDataRequest"),
            _ => Ok(Self {
                version: self.version.or(other.version),
                content_length: self.content_length.or(other.content_length),
                missing_data_request: self.missing_data_request || other.missing_data_request,
            }),
        }
    }

    /// Appends the header field's value.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        FieldValue::PeerDist(*self).encode_into(out);
    }

    /// The header field's value.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }
}

pub(super) fn once(already: bool, name: Span<'_>, field: &'static str) -> Result<(), DecodeError> {
    if already {
        return Err(Problem::DuplicateParameter.at(name.at, field));
    }
    Ok(())
}

pub(super) fn read_version(
    value: Span<'_>,
    field: &'static str,
    trace: Option<&Trace>,
) -> Result<VersionNumber, DecodeError> {
    let version = VersionNumber::parse(value.text, value.at)
        .map_err(|(at, problem)| problem.at(at, field))?;
    if let Some(trace) = trace {
        let dot = value.text.iter().position(|byte| *byte == b'.');
        let major = dot.unwrap_or_default();
        let minor_at = value.at + major + 1;
        trace.open(field, None, value.at);
        trace.add(
            "major-version",
            value.at,
            major,
            Some(u64::from(version.major)),
        );
        trace.add(
            "minor-version",
            minor_at,
            value.at + value.text.len() - minor_at,
            Some(u64::from(version.minor)),
        );
        trace.close();
    }
    Ok(version)
}

fn read_number(
    value: Span<'_>,
    field: &'static str,
    trace: Option<&Trace>,
) -> Result<u64, DecodeError> {
    if !is_number(value.text) {
        return Err(Problem::NumberSyntax.at(value.at, field));
    }
    let found = number(value.text).ok_or_else(|| Problem::NumberOverflow.at(value.at, field))?;
    if let Some(trace) = trace {
        trace.add(field, value.at, value.text.len(), Some(found));
    }
    Ok(found)
}

pub(super) fn read_flag(
    value: Span<'_>,
    field: &'static str,
    trace: Option<&Trace>,
) -> Result<bool, DecodeError> {
    if !value.is("true") {
        return Err(Problem::FlagValue.at(value.at, field));
    }
    if let Some(trace) = trace {
        trace.add(field, value.at, value.text.len(), None);
        trace.means("true".to_owned());
    }
    Ok(true)
}

pub(super) fn ignore(name: Span<'_>, value: Span<'_>, trace: Option<&Trace>) {
    if let Some(trace) = trace {
        let end = (value.at + value.text.len()).max(name.at + name.text.len());
        trace.add("unknown parameter", name.at, end - name.at, None);
        trace.means(String::from_utf8_lossy(name.text).into_owned());
    }
}

#[cfg(test)]
mod tests;
