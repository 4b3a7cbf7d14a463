//! Probes of MS-PCCRD 2.2 and 4 as a client sends them, read; [`super::discovery`] writes them.
//! Invariant: a probe that reads well is one that the document shows; what is only unusual is left to the case.
//! Byte order: big-endian inside version 2.0 scopes.

use super::Malformed;
use super::content_info::Version;
use super::discovery::{ADDRESSING, DISCOVERY, SOAP, envelope_of, inside, qualified, version_of};
use super::text::{from_base64, from_hex};
use super::xml::{Element, SPACES};

/// A probe as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// wsa:MessageID.
    pub message_id: String,
    /// wsa:To.
    pub to: String,
    /// wsa:Action.
    pub action: String,
    /// Types, with their namespaces.
    pub types: Vec<(String, String)>,
    /// MatchBy of Scopes.
    pub match_by: Option<String>,
    /// What Scopes lists.
    pub scopes: Vec<String>,
}

impl Probe {
    /// Reads a probe.
    ///
    /// # Errors
    /// [`Malformed`] for the first element that is not as the documents have it.
    pub fn read(datagram: &[u8]) -> Result<Self, Malformed> {
        let root = envelope_of(datagram)?;
        let header = inside(&root, SOAP, "Header", "PCCRD-2.2.1-02")?;
        let body = inside(&root, SOAP, "Body", "PCCRD-2.2.1-02")?;
        let in_header = |name| {
            let element = inside(header, ADDRESSING, name, "PCCRD-4.1-01")?;
            Ok(element.value().to_owned())
        };
        let probe = one(body, "Probe")?;
        let (types, scopes) = (one(probe, "Types")?, one(probe, "Scopes")?);
        Ok(Self {
            message_id: in_header("MessageID")?,
            to: in_header("To")?,
            action: in_header("Action")?,
            types: qualified(types)?,
            match_by: scopes.attribute("MatchBy").map(str::to_owned),
            scopes: scopes
                .value()
                .split(SPACES)
                .filter(|scope| !scope.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    }

    /// The version that its Types say. `None`: of none.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        version_of(&self.types)
    }

    /// The segment ids that it lists.
    ///
    /// # Errors
    /// [`Malformed`] where they are not as their version has them.
    pub fn ids(&self) -> Result<Vec<Vec<u8>>, Malformed> {
        match self.version() {
            Some(Version::V1) => self
                .scopes
                .iter()
                .map(|scope| {
                    let why = || format!("{scope} is no hexBinary");
                    from_hex(scope).ok_or_else(|| wrong("Scopes", why(), "PCCRD-2.2.3.3-03"))
                })
                .collect(),
            Some(Version::V2) => self.ids_v2(),
            None => Err(wrong(
                "Types",
                format!("are {:?}, which no version has", self.types),
                "PCCRD-2.2.3.1-02",
            )),
        }
    }

    fn ids_v2(&self) -> Result<Vec<Vec<u8>>, Malformed> {
        let [scope] = self.scopes.as_slice() else {
            let why = format!("lists {} strings, expected 1", self.scopes.len());
            return Err(wrong("Scopes", why, "PCCRD-2.2.3.3-04"));
        };
        let structure = from_base64(scope)
            .ok_or_else(|| wrong("Scopes", "is no base64Binary", "PCCRD-2.2.3.3-04"))?;
        let [high, low, count, ids @ ..] = structure.as_slice() else {
            let why = format!("has {} bytes, expected at least 3", structure.len());
            return Err(wrong("Scopes", why, "PCCRD-2.2.3.3-05"));
        };
        let size = usize::from(u16::from_be_bytes([*high, *low]));
        if size == 0 || ids.len() != size * usize::from(*count) {
            let why = format!("says {count} ids of {size} bytes, but {} follow", ids.len());
            return Err(wrong("Scopes", why, "PCCRD-2.2.3.3-05"));
        }
        Ok(ids.chunks(size).map(<[u8]>::to_vec).collect())
    }
}

/// What is wrong with the text of an element, whose place is not kept.
fn wrong(field: &'static str, why: impl Into<String>, requirement: &'static str) -> Malformed {
    Malformed {
        at: 0,
        field,
        why: why.into(),
        requirement,
    }
}

/// The one element of WS-Discovery of that name.
fn one<'e>(outer: &'e Element, name: &'static str) -> Result<&'e Element, Malformed> {
    let requirement = "PCCRD-2.2.2.1-01";
    let first = inside(outer, DISCOVERY, name, requirement)?;
    match outer.all(DISCOVERY, name).nth(1) {
        None => Ok(first),
        Some(second) => Err(Malformed {
            at: second.at,
            ..wrong(name, "is there twice", requirement)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::discovery::{PROBE_ACTION, Prefixes, TO_ALL, probe, scopes};
    use crate::wire::draft::Draft;

    fn written(version: Version, ids: &[Vec<u8>]) -> Draft {
        let scopes = scopes(version, ids);
        probe(&Prefixes::USUAL, version, "urn:uuid:1", &scopes)
    }

    #[test]
    fn a_probe_that_was_written_reads_as_itself() {
        for version in [Version::V1, Version::V2] {
            let ids = vec![vec![1; 32], vec![0xab; 32]];
            let probe = Probe::read(&written(version, &ids).to_bytes()).unwrap();
            assert_eq!(probe.version(), Some(version));
            assert_eq!(probe.ids().unwrap(), ids);
            assert_eq!(
                (probe.to.as_str(), probe.action.as_str()),
                (TO_ALL, PROBE_ACTION)
            );
        }
    }

    #[test]
    fn the_scope_of_the_example_is_one_id_of_32_bytes() {
        let example = "ACABKQEaAQAAAAAwHRoBAAAAAEEAQQBEAHkAZwBNAE0AMQA=";
        let draft = written(Version::V2, &[]).with("Scopes", example);
        let ids = Probe::read(&draft.to_bytes()).unwrap().ids().unwrap();
        assert_eq!(ids.len(), 1);
        assert_eq!(ids[0][..4], [0x29, 1, 0x1a, 1]);
    }

    #[test]
    fn a_part_that_is_missing_or_there_twice_is_named() {
        let draft = written(Version::V1, &[vec![1; 32]]);
        for part in ["To", "Action", "MessageID", "Types"] {
            let without = draft.clone().without(part).to_bytes();
            assert_eq!(Probe::read(&without).unwrap_err().field, part);
        }
        let types = "<wsd:Types>PeerDist:PeerDistData</wsd:Types>";
        let error = Probe::read(&draft.with("Types", types.repeat(2)).to_bytes()).unwrap_err();
        assert_eq!(
            (error.field, error.why.as_str()),
            ("Types", "is there twice")
        );
    }

    #[test]
    fn scopes_of_version_2_that_count_otherwise_than_they_have_are_refused() {
        for structure in [
            &[][..],
            &[0, 32],
            &[0, 0, 0],
            &[0, 2, 1, 9],
            &[0, 1, 1, 9, 9],
        ] {
            let scope = crate::wire::text::base64(structure);
            let draft = written(Version::V2, &[]).with("Scopes", scope);
            let probe = Probe::read(&draft.to_bytes()).unwrap();
            assert!(probe.ids().is_err(), "{structure:?}");
        }
    }
}
