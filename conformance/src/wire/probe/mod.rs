//! MS-PCCRD from the side of who answers: probes read, matches written.
//! Invariant: a probe that reads well is one that the document shows; what is only unusual is left to the case.
//! Byte order: big-endian inside version 2.0 scopes.

pub mod base64;
pub mod xml;

use core::fmt::Write as _;

use super::Malformed;
use super::content_info::Version;
use xml::Element;

/// The namespace of SOAP 1.2.
pub const SOAP: &str = "http://www.w3.org/2003/05/soap-envelope";
/// The namespace of WS-Addressing of August 2004.
pub const ADDRESSING: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
/// The namespace of WS-Discovery of April 2005.
pub const DISCOVERY: &str = "http://schemas.xmlsoap.org/ws/2005/04/discovery";
/// The namespace of what is PeerDist's own.
pub const PEER_DIST: &str = "http://schemas.microsoft.com/p2p/2007/09/PeerDistributionDiscovery";
/// MatchBy of version 1.0.
pub const MATCH_BY_1: &str = "http://schemas.xmlsoap.org/ws/2005/04/discovery/strcmp0";
/// MatchBy of version 2.0.
pub const MATCH_BY_2: &str = "http://schemas.microsoft.com/p2p/2010/05/PeerDistV2MatchingRule";
/// wsa:To of probes.
pub const TO: &str = "urn:schemas-xmlsoap-org:ws:2005:04:discovery";
/// wsa:Action of probes.
pub const ACTION: &str = "http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe";
/// The port of WS-Discovery.
pub const PORT: u16 = 3702;
/// The group of WS-Discovery.
pub const GROUP: core::net::Ipv4Addr = core::net::Ipv4Addr::new(239, 255, 255, 250);

/// The local name of Types.
#[must_use]
pub const fn type_of(version: Version) -> &'static str {
    match version {
        Version::V1 => "PeerDistData",
        Version::V2 => "PeerDistDataV2",
    }
}

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

fn wrong(field: &'static str, why: impl Into<String>, requirement: &'static str) -> Malformed {
    Malformed {
        at: 0,
        field,
        why: why.into(),
        requirement,
    }
}

/// Reads a probe.
///
/// # Errors
/// [`Malformed`] for the first element that is not as the documents have it.
pub fn read(datagram: &[u8]) -> Result<Probe, Malformed> {
    let text = core::str::from_utf8(datagram)
        .map_err(|error| wrong("datagram", error.to_string(), "PCCRD-2.1-01"))?;
    let root = xml::parse(text).map_err(|why| wrong("datagram", why, "PCCRD-2.1-01"))?;
    if (root.namespace.as_str(), root.name.as_str()) != (SOAP, "Envelope") {
        let why = format!("is {} of '{}'", root.name, root.namespace);
        return Err(wrong("Envelope", why, "PCCRD-2.2.1-02"));
    }
    let in_soap = |name: &'static str| {
        root.child(SOAP, name)
            .ok_or_else(|| wrong(name, "is missing", "PCCRD-2.2.1-02"))
    };
    let (header, body) = (in_soap("Header")?, in_soap("Body")?);
    let in_header = |name: &'static str| {
        let found = header.child(ADDRESSING, name);
        found
            .map(|element| element.text.trim().to_owned())
            .ok_or_else(|| wrong(name, "is missing", "PCCRD-4.1-01"))
    };
    let one = |parent: &Element, name: &'static str| {
        let mut found = parent.all(DISCOVERY, name);
        match (found.next(), found.next()) {
            (Some(element), None) => Ok(element.clone()),
            (None, _) => Err(wrong(name, "is missing", "PCCRD-2.2.2.1-01")),
            _ => Err(wrong(name, "is there twice", "PCCRD-2.2.2.1-01")),
        }
    };
    let probe = one(body, "Probe")?;
    let (types, scopes) = (one(&probe, "Types")?, one(&probe, "Scopes")?);
    let resolved = types.text.split_whitespace().map(|name| {
        let found = types.resolve(name);
        found.ok_or_else(|| {
            wrong(
                "Types",
                format!("the prefix of {name} is not declared"),
                "PCCRD-2.2.1-04",
            )
        })
    });
    Ok(Probe {
        message_id: in_header("MessageID")?,
        to: in_header("To")?,
        action: in_header("Action")?,
        types: resolved.collect::<Result<_, _>>()?,
        match_by: scopes.attribute("MatchBy").map(str::to_owned),
        scopes: scopes.text.split_whitespace().map(str::to_owned).collect(),
    })
}

impl Probe {
    /// The version that its Types say. `None`: of none.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        [Version::V1, Version::V2].into_iter().find(|version| {
            self.types.len() == 1
                && self
                    .types
                    .iter()
                    .any(|(namespace, name)| namespace == PEER_DIST && name == type_of(*version))
        })
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
                    unhexed(scope).ok_or_else(|| wrong("Scopes", why(), "PCCRD-2.2.3.3-03"))
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
        let structure = base64::decode(scope)
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

/// Bytes as hexBinary.
#[must_use]
pub fn hexed(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing into memory cannot fail.
        let _ = write!(text, "{byte:02X}");
    }
    text
}

/// Bytes from hexBinary of either case. `None`: it is none.
#[must_use]
pub fn unhexed(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|letter| {
            letter
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect();
    let digits = digits?;
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let pair = |two: &[u8]| two.iter().fold(0, |byte, digit| byte << 4 | digit);
    Some(digits.chunks(2).map(pair).collect())
}

/// A ProbeMatches message; every part of it can be made wrong.
#[derive(Debug, Clone)]
pub struct Match {
    /// wsa:MessageID.
    pub message_id: String,
    /// wsa:RelatesTo.
    pub relates_to: String,
    /// Types.
    pub types: String,
    /// Scopes.
    pub scopes: String,
    /// XAddrs.
    pub addresses: String,
    /// MetadataVersion.
    pub metadata_version: String,
    /// What is in PeerDistData.
    pub data: String,
    /// The prefixes of SOAP, WS-Addressing, WS-Discovery and PeerDist.
    pub prefixes: [&'static str; 4],
}

impl Match {
    fn new(version: Version, random: [u8; 16], relates_to: &str, addresses: &str) -> Self {
        let metadata_version = match version {
            Version::V1 => "1",
            Version::V2 => "2",
        };
        Self {
            message_id: uuid(random),
            relates_to: relates_to.to_owned(),
            types: format!("PeerDist:{}", type_of(version)),
            scopes: String::new(),
            addresses: addresses.to_owned(),
            metadata_version: metadata_version.to_owned(),
            data: String::new(),
            prefixes: ["soap", "wsa", "wsd", "PeerDist"],
        }
    }

    /// One of version 1.0: segments and how many blocks of each there are, in the eight digits that the examples and
    /// products have, and not the four of the text.
    #[must_use]
    pub fn v1(
        random: [u8; 16],
        relates_to: &str,
        addresses: &str,
        segments: &[(Vec<u8>, u32)],
    ) -> Self {
        let scopes: Vec<String> = segments.iter().map(|(id, _)| hexed(id)).collect();
        let counts: Vec<u8> = segments
            .iter()
            .flat_map(|(_, blocks)| blocks.to_be_bytes())
            .collect();
        Self {
            scopes: scopes.join(" "),
            data: format!(
                "<PeerDist:BlockCount>{}</PeerDist:BlockCount>",
                hexed(&counts)
            ),
            ..Self::new(Version::V1, random, relates_to, addresses)
        }
    }

    /// One of version 2.0: for each segment of the probe whether it is there.
    #[must_use]
    pub fn v2(random: [u8; 16], relates_to: &str, addresses: &str, held: &[bool]) -> Self {
        let bits = held.chunks(4).map(|four| {
            (0..4).fold(0_u8, |byte, place| {
                let is_held = four.get(place).copied().unwrap_or(false);
                byte << 2 | if is_held { 3 } else { 0 }
            })
        });
        let bits: Vec<u8> = bits.collect();
        let mut matched = Self::new(Version::V2, random, relates_to, addresses);
        matched.scopes = base64::encode(&bits);
        matched.with_ages(&[0, 1, 3, 0])
    }

    /// The same with other ages of segments.
    #[must_use]
    pub fn with_ages(mut self, blob: &[u8]) -> Self {
        self.data = format!(
            "<PeerDist:SegmentAges>{}</PeerDist:SegmentAges>",
            base64::encode(blob)
        );
        self
    }

    /// It as a datagram.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let [s, a, d, p] = self.prefixes;
        let address = &self.message_id;
        let (types, data) = (
            self.types.replace("PeerDist:", &format!("{p}:")),
            self.data.replace("PeerDist:", &format!("{p}:")),
        );
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
             <{s}:Envelope xmlns:{s}=\"{SOAP}\" xmlns:{a}=\"{ADDRESSING}\" xmlns:{d}=\"{DISCOVERY}\" \
             xmlns:{p}=\"{PEER_DIST}\"><{s}:Header>\
             <{a}:To>{ADDRESSING}/role/anonymous</{a}:To>\
             <{a}:Action>{DISCOVERY}/ProbeMatches</{a}:Action>\
             <{a}:MessageID>{}</{a}:MessageID><{a}:RelatesTo>{}</{a}:RelatesTo>\
             <{d}:AppSequence InstanceId=\"1218765447\" MessageNumber=\"1\"></{d}:AppSequence>\
             </{s}:Header><{s}:Body><{d}:ProbeMatches><{d}:ProbeMatch>\
             <{a}:EndpointReference><{a}:Address>{address}</{a}:Address></{a}:EndpointReference>\
             <{d}:Types>{types}</{d}:Types><{d}:Scopes>{}</{d}:Scopes><{d}:XAddrs>{}</{d}:XAddrs>\
             <{d}:MetadataVersion>{}</{d}:MetadataVersion>\
             <{p}:PeerDistData>{data}</{p}:PeerDistData>\
             </{d}:ProbeMatch></{d}:ProbeMatches></{s}:Body></{s}:Envelope>",
            self.message_id, self.relates_to, self.scopes, self.addresses, self.metadata_version,
        )
        .into_bytes()
    }
}

/// A random id as messages have it.
#[must_use]
pub fn uuid(random: [u8; 16]) -> String {
    let text = hexed(&random).to_ascii_lowercase();
    let part = |range: core::ops::Range<usize>| text.get(range).unwrap_or_default();
    format!(
        "urn:uuid:{}-{}-4{}-a{}-{}",
        part(0..8),
        part(8..12),
        part(13..16),
        part(17..20),
        part(20..32)
    )
}

/// A probe as who has no mistake sends it.
#[must_use]
pub fn write(version: Version, message_id: &str, ids: &[Vec<u8>]) -> String {
    let (match_by, scopes) = match version {
        Version::V1 => {
            let ids: Vec<String> = ids.iter().map(|id| hexed(id)).collect();
            (MATCH_BY_1, ids.join(" "))
        }
        Version::V2 => {
            let size = u16::try_from(ids.first().map_or(0, Vec::len)).unwrap_or(0);
            let count = u8::try_from(ids.len()).unwrap_or(u8::MAX);
            let mut structure = size.to_be_bytes().to_vec();
            structure.push(count);
            structure.extend(ids.iter().flatten());
            (MATCH_BY_2, base64::encode(&structure))
        }
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <soap:Envelope xmlns:soap=\"{SOAP}\" xmlns:wsa=\"{ADDRESSING}\" xmlns:wsd=\"{DISCOVERY}\" \
         xmlns:PeerDist=\"{PEER_DIST}\"><soap:Header><wsa:To>{TO}</wsa:To>\
         <wsa:Action>{ACTION}</wsa:Action><wsa:MessageID>{message_id}</wsa:MessageID></soap:Header>\
         <soap:Body><wsd:Probe><wsd:Types>PeerDist:{}</wsd:Types>\
         <wsd:Scopes MatchBy=\"{match_by}\">{scopes}</wsd:Scopes></wsd:Probe></soap:Body></soap:Envelope>",
        type_of(version)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_that_was_written_reads_as_itself() {
        for version in [Version::V1, Version::V2] {
            let ids = vec![vec![1; 32], vec![0xab; 32]];
            let probe = read(write(version, "urn:uuid:1", &ids).as_bytes()).unwrap();
            assert_eq!(probe.version(), Some(version));
            assert_eq!(probe.ids().unwrap(), ids);
            assert_eq!((probe.to.as_str(), probe.action.as_str()), (TO, ACTION));
        }
    }

    #[test]
    fn the_scope_of_the_example_is_one_id_of_32_bytes() {
        let text = write(Version::V2, "urn:uuid:1", &[])
            .replace("AAAA", "ACABKQEaAQAAAAAwHRoBAAAAAEEAQQBEAHkAZwBNAE0AMQA=");
        let ids = read(text.as_bytes()).unwrap().ids().unwrap();
        assert_eq!(ids.len(), 1);
        assert_eq!(ids[0][..4], [0x29, 1, 0x1a, 1]);
    }

    #[test]
    fn bits_of_matches_stand_as_in_the_example() {
        assert_eq!(
            Match::v2([0; 16], "", "", &[true; 40]).scopes,
            "/////////////w=="
        );
    }
}
