//! Probes and matches of MS-PCCRD 2.2 and 4, written as drafts whose every part can be made wrong, and matches read.
//! Invariant: elements are known by namespace and name; what a match says is kept as the text that it is.
//! Byte order: big-endian inside of base64 and hex.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Malformed;
use super::content_info::Version;
use super::draft::Draft;
use super::text::{base64, hex, uuid};
use super::xml::{self, Element, SPACES};

/// The namespace of SOAP 1.2.
pub const SOAP: &str = "http://www.w3.org/2003/05/soap-envelope";
/// That of WS-Addressing.
pub const ADDRESSING: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
/// That of WS-Discovery of April 2005.
pub const DISCOVERY: &str = "http://schemas.xmlsoap.org/ws/2005/04/discovery";
/// That of the document.
pub const PEER_DIST: &str = "http://schemas.microsoft.com/p2p/2007/09/PeerDistributionDiscovery";
/// wsa:Action of probes.
pub const PROBE_ACTION: &str = "http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe";
/// wsa:Action of matches.
pub const MATCHES_ACTION: &str = "http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches";
/// wsa:To of probes.
pub const TO_ALL: &str = "urn:schemas-xmlsoap-org:ws:2005:04:discovery";
/// wsa:To of matches.
pub const TO_SENDER: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous";
/// The UDP port of probes.
pub const PORT: u16 = 3702;
/// The group of probes over IPv4.
pub const GROUP_V4: Ipv4Addr = Ipv4Addr::new(239, 255, 255, 250);
/// The group of probes over IPv6.
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xc);
/// The most bytes that a datagram carries over IPv4.
pub const DATAGRAM_MAX_BYTES: usize = 65_507;

/// The type of a version, without its prefix.
#[must_use]
pub const fn type_of(version: Version) -> &'static str {
    match version {
        Version::V1 => "PeerDistData",
        Version::V2 => "PeerDistDataV2",
    }
}

/// The matching rule of a version.
#[must_use]
pub const fn match_by(version: Version) -> &'static str {
    match version {
        Version::V1 => "http://schemas.xmlsoap.org/ws/2005/04/discovery/strcmp0",
        Version::V2 => "http://schemas.microsoft.com/p2p/2010/05/PeerDistV2MatchingRule",
    }
}

/// Scopes of a probe for segments.
#[must_use]
pub fn scopes(version: Version, ids: &[Vec<u8>]) -> String {
    match version {
        Version::V1 => ids.iter().map(|id| hex(id)).collect::<Vec<_>>().join(" "),
        Version::V2 => base64(&structure(ids).to_bytes()),
    }
}

/// What the scope of a version 2.0 probe is base64 of.
#[must_use]
pub fn structure(ids: &[Vec<u8>]) -> Draft {
    let size = ids.first().map_or(0, Vec::len);
    Draft::new()
        .u16_be("SegmentHashSize", u16::try_from(size).unwrap_or(u16::MAX))
        .u8(
            "SegmentHashCount",
            u8::try_from(ids.len()).unwrap_or(u8::MAX),
        )
        .bytes("HoHoDk", ids.concat())
}

/// Prefixes, which mean nothing by themselves.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the fields are the prefixes of the document")]
pub struct Prefixes {
    pub soap: &'static str,
    pub wsa: &'static str,
    pub wsd: &'static str,
    pub peer_dist: &'static str,
}

impl Prefixes {
    /// Those of the document.
    pub const USUAL: Self = Self {
        soap: "soap",
        wsa: "wsa",
        wsd: "wsd",
        peer_dist: "PeerDist",
    };
}

/// Start and end of a message, and its header up to MessageID.
fn envelope(draft: Draft, prefixes: &Prefixes, to: &str, action: &str, message_id: &str) -> Draft {
    let Prefixes {
        soap,
        wsa,
        wsd,
        peer_dist,
    } = prefixes;
    draft
        .bytes("Declaration", r#"<?xml version="1.0" encoding="utf-8"?>"#)
        .bytes("DocumentType", "")
        .bytes("Envelope", format!("<{soap}:Envelope"))
        .bytes("xmlns:soap", format!(r#" xmlns:{soap}="{SOAP}""#))
        .bytes("xmlns:wsa", format!(r#" xmlns:{wsa}="{ADDRESSING}""#))
        .bytes("xmlns:wsd", format!(r#" xmlns:{wsd}="{DISCOVERY}""#))
        .bytes(
            "xmlns:PeerDist",
            format!(r#" xmlns:{peer_dist}="{PEER_DIST}""#),
        )
        .bytes("EnvelopeTagEnd", ">")
        .bytes("Header", format!("<{soap}:Header>"))
        .bytes("To", format!("<{wsa}:To>{to}</{wsa}:To>"))
        .bytes("Action", action_of(prefixes, action))
        .bytes(
            "MessageID",
            format!("<{wsa}:MessageID>{message_id}</{wsa}:MessageID>"),
        )
}

/// The element of an action.
#[must_use]
pub fn action_of(prefixes: &Prefixes, action: &str) -> String {
    let wsa = prefixes.wsa;
    format!("<{wsa}:Action>{action}</{wsa}:Action>")
}

/// The element of types.
#[must_use]
pub fn types_of(prefixes: &Prefixes, types: &str) -> String {
    let wsd = prefixes.wsd;
    format!("<{wsd}:Types>{types}</{wsd}:Types>")
}

/// A probe.
#[must_use]
pub fn probe(prefixes: &Prefixes, version: Version, message_id: &str, scopes: &str) -> Draft {
    let Prefixes {
        soap,
        wsd,
        peer_dist,
        ..
    } = prefixes;
    envelope(Draft::new(), prefixes, TO_ALL, PROBE_ACTION, message_id)
        .bytes("HeaderMore", "")
        .bytes("HeaderEnd", format!("</{soap}:Header>"))
        .bytes("Body", format!("<{soap}:Body>"))
        .bytes("Probe", format!("<{wsd}:Probe>"))
        .bytes(
            "Types",
            types_of(prefixes, &format!("{peer_dist}:{}", type_of(version))),
        )
        .bytes("ScopesTag", format!("<{wsd}:Scopes"))
        .bytes("MatchBy", format!(r#" MatchBy="{}""#, match_by(version)))
        .bytes("ScopesTagEnd", ">")
        .bytes("Scopes", scopes)
        .bytes("ScopesEnd", format!("</{wsd}:Scopes>"))
        .bytes("ProbeEnd", format!("</{wsd}:Probe>"))
        .bytes("BodyEnd", format!("</{soap}:Body>"))
        .bytes("EnvelopeEnd", format!("</{soap}:Envelope>"))
}

/// What a match says, to be written.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the document")]
pub struct MatchDraft {
    pub version: Version,
    pub message_id: String,
    pub relates_to: String,
    pub instance_id: u64,
    pub message_number: u64,
    pub address: String,
    pub scopes: String,
    pub x_addrs: String,
    /// The text of BlockCount or SegmentAges.
    pub data: String,
}

impl MatchDraft {
    fn new(version: Version, random: [u8; 16], relates_to: &str, x_addrs: &str) -> Self {
        let message_id = uuid(random);
        Self {
            version,
            address: message_id.clone(),
            message_id,
            relates_to: relates_to.to_owned(),
            // Those of the example.
            instance_id: 1_218_765_447,
            message_number: 1,
            scopes: String::new(),
            x_addrs: x_addrs.to_owned(),
            data: String::new(),
        }
    }

    /// One of version 1.0: segments and how many blocks of each there are, in the eight digits that the examples and
    /// products have, and not the four of the text.
    #[must_use]
    pub fn v1(
        random: [u8; 16],
        relates_to: &str,
        x_addrs: &str,
        segments: &[(Vec<u8>, u32)],
    ) -> Self {
        let ids: Vec<Vec<u8>> = segments.iter().map(|(id, _)| id.clone()).collect();
        let counts = segments.iter().map(|(_, blocks)| format!("{blocks:08X}"));
        Self {
            scopes: scopes(Version::V1, &ids),
            data: counts.collect(),
            ..Self::new(Version::V1, random, relates_to, x_addrs)
        }
    }

    /// One of version 2.0: for each segment of the probe whether it is there.
    #[must_use]
    pub fn v2(random: [u8; 16], relates_to: &str, x_addrs: &str, held: &[bool]) -> Self {
        let bits = held.chunks(4).map(|four| {
            (0..4).fold(0_u8, |byte, place| {
                let is_held = four.get(place).copied().unwrap_or(false);
                byte << 2 | if is_held { 3 } else { 0 }
            })
        });
        Self {
            scopes: base64(&bits.collect::<Vec<u8>>()),
            ..Self::new(Version::V2, random, relates_to, x_addrs)
        }
        .with_ages(&[0, 1, 3, 0])
    }

    /// The same with other ages of segments.
    #[must_use]
    pub fn with_ages(mut self, blob: &[u8]) -> Self {
        self.data = base64(blob);
        self
    }

    /// It as a datagram.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.draft(&Prefixes::USUAL).to_bytes()
    }

    /// It as a message.
    #[must_use]
    pub fn draft(&self, prefixes: &Prefixes) -> Draft {
        let Prefixes {
            soap,
            wsa,
            wsd,
            peer_dist,
        } = prefixes;
        let (metadata, data) = match self.version {
            Version::V1 => (1, "BlockCount"),
            Version::V2 => (2, "SegmentAges"),
        };
        let types = format!("{peer_dist}:{}", type_of(self.version));
        envelope(
            Draft::new(),
            prefixes,
            TO_SENDER,
            MATCHES_ACTION,
            &self.message_id,
        )
        .bytes(
            "RelatesTo",
            format!("<{wsa}:RelatesTo>{}</{wsa}:RelatesTo>", self.relates_to),
        )
        .bytes(
            "AppSequence",
            format!(
                r#"<{wsd}:AppSequence InstanceId="{}" MessageNumber="{}"/>"#,
                self.instance_id, self.message_number
            ),
        )
        .bytes("HeaderEnd", format!("</{soap}:Header>"))
        .bytes("Body", format!("<{soap}:Body>"))
        .bytes("ProbeMatches", format!("<{wsd}:ProbeMatches>"))
        .bytes("ProbeMatch", format!("<{wsd}:ProbeMatch>"))
        .bytes(
            "EndpointReference",
            format!(
                "<{wsa}:EndpointReference><{wsa}:Address>{}</{wsa}:Address></{wsa}:EndpointReference>",
                self.address
            ),
        )
        .bytes("Types", types_of(prefixes, &types))
        .bytes("Scopes", format!("<{wsd}:Scopes>{}</{wsd}:Scopes>", self.scopes))
        .bytes("XAddrs", format!("<{wsd}:XAddrs>{}</{wsd}:XAddrs>", self.x_addrs))
        .bytes(
            "MetadataVersion",
            format!("<{wsd}:MetadataVersion>{metadata}</{wsd}:MetadataVersion>"),
        )
        .bytes(
            "PeerDistData",
            format!(
                "<{peer_dist}:PeerDistData><{peer_dist}:{data}>{}</{peer_dist}:{data}></{peer_dist}:PeerDistData>",
                self.data
            ),
        )
        .bytes("ProbeMatchEnd", format!("</{wsd}:ProbeMatch>"))
        .bytes("ProbeMatchesEnd", format!("</{wsd}:ProbeMatches>"))
        .bytes("BodyEnd", format!("</{soap}:Body>"))
        .bytes("EnvelopeEnd", format!("</{soap}:Envelope>"))
    }
}

/// A match, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// wsa:To.
    pub to: String,
    /// wsa:Action.
    pub action: String,
    /// wsa:MessageID.
    pub message_id: String,
    /// wsa:RelatesTo.
    pub relates_to: String,
    /// InstanceId of wsd:AppSequence.
    pub instance_id: u32,
    /// MessageNumber of wsd:AppSequence.
    pub message_number: u32,
    /// The names of the children of ProbeMatch that are of this protocol, in their order.
    pub children: Vec<String>,
    /// wsa:Address.
    pub address: String,
    /// The types, resolved to namespace and name.
    pub types: Vec<(String, String)>,
    /// wsd:Scopes.
    pub scopes: String,
    /// wsd:XAddrs.
    pub x_addrs: String,
    /// wsd:MetadataVersion.
    pub metadata_version: String,
    /// The texts of BlockCount in PeerDistData.
    pub block_counts: Vec<String>,
    /// The texts of SegmentAges in PeerDistData.
    pub segment_ages: Vec<String>,
    /// How many matches the message holds.
    pub matches: usize,
}

impl Match {
    /// Reads a message that has to be a match.
    ///
    /// # Errors
    /// [`Malformed`] for what is missing or no number; texts are not looked at.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let root = envelope_of(bytes)?;
        let header = inside(&root, SOAP, "Header", "PCCRD-4.3-01")?;
        let body = inside(&root, SOAP, "Body", "PCCRD-4.3-01")?;
        let text = |name| {
            Ok(inside(header, ADDRESSING, name, "PCCRD-4.3-01")?
                .value()
                .to_owned())
        };
        let sequence = inside(header, DISCOVERY, "AppSequence", "PCCRD-4.3-01")?;
        let matches = inside(body, DISCOVERY, "ProbeMatches", "PCCRD-2.2.2.2-02")?;
        let found = inside(matches, DISCOVERY, "ProbeMatch", "PCCRD-2.2.2.2-02")?;
        let reference = inside(found, ADDRESSING, "EndpointReference", "PCCRD-2.2.2.2-02")?;
        let address = inside(reference, ADDRESSING, "Address", "PCCRD-2.2.3.4-01")?;
        let value = |name| {
            let element = inside(found, DISCOVERY, name, "PCCRD-2.2.2.2-02");
            element.map(|element| element.value().to_owned())
        };
        let types = inside(found, DISCOVERY, "Types", "PCCRD-2.2.2.2-02")?;
        let data = inside(found, PEER_DIST, "PeerDistData", "PCCRD-2.2.2.2-02")?;
        let texts = |name| {
            let all = data.all(PEER_DIST, name);
            all.map(|element| element.value().to_owned()).collect()
        };
        Ok(Self {
            to: text("To")?,
            action: text("Action")?,
            message_id: text("MessageID")?,
            relates_to: text("RelatesTo")?,
            instance_id: number(sequence, "InstanceId")?,
            message_number: number(sequence, "MessageNumber")?,
            children: found
                .children
                .iter()
                .filter(|child| [ADDRESSING, DISCOVERY, PEER_DIST].contains(&&*child.namespace))
                .map(|child| child.local.clone())
                .collect(),
            address: address.value().to_owned(),
            types: qualified(types)?,
            scopes: value("Scopes")?,
            x_addrs: value("XAddrs")?,
            metadata_version: value("MetadataVersion")?,
            block_counts: texts("BlockCount"),
            segment_ages: texts("SegmentAges"),
            matches: matches.all(DISCOVERY, "ProbeMatch").count(),
        })
    }

    /// The entries of XAddrs.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.x_addrs.split(SPACES).filter(|entry| !entry.is_empty())
    }

    /// The entries of Scopes.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scopes.split(SPACES).filter(|entry| !entry.is_empty())
    }

    /// The version that its one type says. `None`: it has another, or several.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        version_of(&self.types)
    }
}

/// The version that one type says. `None`: it is another, or there are several.
pub(super) fn version_of(types: &[(String, String)]) -> Option<Version> {
    let is = |version: &Version| match types {
        [(namespace, local)] => namespace == PEER_DIST && local == type_of(*version),
        _ => false,
    };
    [Version::V1, Version::V2].into_iter().find(is)
}

/// Reads a message of SOAP 1.2.
pub(super) fn envelope_of(datagram: &[u8]) -> Result<Element, Malformed> {
    let root = xml::read(datagram)?;
    if root.is(SOAP, "Envelope") {
        return Ok(root);
    }
    let why = format!("the root is {{{}}}{}", root.namespace, root.local);
    Err(wrong(&root, "Envelope", "PCCRD-2.2.1-02", why))
}

fn wrong(
    element: &Element,
    field: &'static str,
    requirement: &'static str,
    why: String,
) -> Malformed {
    Malformed {
        at: element.at,
        field,
        why,
        requirement,
    }
}

/// The first child of that namespace and name.
pub(super) fn inside<'e>(
    outer: &'e Element,
    namespace: &str,
    local: &'static str,
    requirement: &'static str,
) -> Result<&'e Element, Malformed> {
    outer.child(namespace, local).ok_or_else(|| {
        let why = match outer.children.iter().find(|child| child.local == local) {
            Some(other) => format!(
                "is of the namespace '{}', expected '{namespace}'",
                other.namespace
            ),
            None => format!("is not in <{}>", outer.tag),
        };
        wrong(outer, local, requirement, why)
    })
}

fn number(sequence: &Element, name: &'static str) -> Result<u32, Malformed> {
    let text = sequence.attribute(name);
    let number = text.and_then(|text| text.trim_matches(SPACES).parse().ok());
    number.ok_or_else(|| {
        let why = match text {
            Some(text) => format!("is '{text}', expected a number of 32 bits"),
            None => "is no attribute of AppSequence".to_owned(),
        };
        wrong(sequence, name, "PCCRD-4.3-01", why)
    })
}

/// The qualified names in the text of an element, resolved.
pub(super) fn qualified(types: &Element) -> Result<Vec<(String, String)>, Malformed> {
    let names = types.value().split(SPACES).filter(|name| !name.is_empty());
    let resolved = |name: &str| {
        types.qualified(name).ok_or_else(|| {
            let why = format!("the prefix of '{name}' is not declared");
            wrong(types, "Types", "PCCRD-2.2.1-04", why)
        })
    };
    names.map(resolved).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_match() -> MatchDraft {
        MatchDraft {
            version: Version::V1,
            message_id: "urn:uuid:1".to_owned(),
            relates_to: "urn:uuid:2".to_owned(),
            instance_id: 7,
            message_number: 8,
            address: "urn:uuid:3".to_owned(),
            scopes: "AB CD".to_owned(),
            x_addrs: "192.0.2.1:80 [::1]:81".to_owned(),
            data: "0000000100000002".to_owned(),
        }
    }

    #[test]
    fn a_match_reads_as_it_was_written_whatever_its_prefixes() {
        let other = Prefixes {
            soap: "s",
            wsa: "a",
            wsd: "d",
            peer_dist: "p",
        };
        let usual = Match::read(&a_match().draft(&Prefixes::USUAL).to_bytes()).unwrap();
        assert_eq!(
            Match::read(&a_match().draft(&other).to_bytes()).unwrap(),
            usual
        );
        assert_eq!(usual.version(), Some(Version::V1));
        assert_eq!(usual.scopes().collect::<Vec<_>>(), ["AB", "CD"]);
        assert_eq!(usual.addresses().count(), 2);
        assert_eq!((usual.instance_id, usual.message_number), (7, 8));
        assert_eq!(usual.children.len(), 6);
    }

    #[test]
    fn bits_of_matches_stand_as_in_the_example() {
        assert_eq!(
            MatchDraft::v2([0; 16], "", "", &[true; 40]).scopes,
            "/////////////w=="
        );
    }

    #[test]
    fn a_match_of_either_version_reads_as_what_it_was_made_of() {
        let segments = [(vec![0xab; 2], 3), (vec![1; 2], 0x1_0000)];
        let of_v1 = MatchDraft::v1([7; 16], "urn:uuid:2", "192.0.2.1:80", &segments);
        let of_v1 = Match::read(&of_v1.to_bytes()).unwrap();
        assert_eq!(of_v1.version(), Some(Version::V1));
        assert_eq!(of_v1.scopes, "ABAB 0101");
        assert_eq!(of_v1.block_counts, ["0000000300010000"]);
        let of_v2 = MatchDraft::v2([7; 16], "urn:uuid:2", "192.0.2.1:80", &[true, false]);
        let of_v2 = Match::read(&of_v2.to_bytes()).unwrap();
        assert_eq!(of_v2.version(), Some(Version::V2));
        assert_eq!(
            (of_v2.scopes.as_str(), of_v2.metadata_version.as_str()),
            ("wA==", "2")
        );
        assert_eq!(of_v2.segment_ages, ["AAEDAA=="]);
        assert_eq!(of_v2.relates_to, "urn:uuid:2");
    }

    #[test]
    fn every_part_that_is_missing_is_named() {
        let draft = a_match().draft(&Prefixes::USUAL);
        for part in [
            "To",
            "Action",
            "MessageID",
            "RelatesTo",
            "AppSequence",
            "EndpointReference",
            "Types",
            "Scopes",
            "XAddrs",
            "MetadataVersion",
            "PeerDistData",
        ] {
            let error = Match::read(&draft.clone().without(part).to_bytes()).unwrap_err();
            assert_eq!(error.field, part);
        }
        let whole = draft.to_bytes();
        for kept in 0..whole.len() {
            assert!(Match::read(&whole[..kept]).is_err(), "{kept}");
        }
    }
}
