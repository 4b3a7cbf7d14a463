//! MS-PCCRD 2.2.2.2: ProbeMatch, I have some of these segments.
//! Invariant: a decoded match has what its version must have: ids with block counts, or bits and ages; and an address.
//! Byte order: big-endian inside the hex of BlockCount and the base64 of version 2.0.

use core::net::SocketAddr;

use super::ages::SegmentAges;
use super::base64::{read_hex, write_hex};
use super::encoding::Document;
use super::envelope::{
    AppSequence, note_prefix, number, once, push_all, push_display, push_escaped, required,
    write_match,
};
use super::error::{DecodeError, Problem};
use super::identifier::Identifier;
use super::quirk::{Quirk, Quirks};
use super::scopes::{self, Availability};
use super::value::Value;
use super::xml::{Element, Namespace, Parser};
use super::{MAX_IDS, types, xaddrs};
use crate::content::{SegmentId, Version};

const COUNT_DIGITS: usize = 8;

/// An answer to a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeMatch {
    /// Names this message.
    pub message_id: Identifier,
    /// The probe that it answers.
    pub relates_to: Identifier,
    /// Its place among the messages of the sender. All write it, but a match without is understood.
    pub sequence: Option<AppSequence>,
    /// Who answers, whatever its network addresses are.
    pub address: Identifier,
    /// Where the segments can be fetched: at least one when decoded. Names and addresses without port are left out.
    pub addresses: Vec<SocketAddr>,
    /// Of no consequence: 1 in version 1.0, 2 in version 2.0, or whatever the sender wrote.
    pub metadata_version: Option<u32>,
    /// What the sender has.
    pub found: Found,
}

/// What the sender of a match has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Version 1.0: segments by their ids.
    V1(Vec<BlockCount>),
    /// Version 2.0: segments by their places in the probe.
    V2 {
        /// Which of them, and whether whole.
        availability: Availability,
        /// How long the sender has had them.
        ages: SegmentAges,
    },
}

/// How much of a segment the sender of a version 1.0 match has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockCount {
    /// The segment.
    pub id: SegmentId,
    /// How many of its blocks, which may be none.
    pub blocks: u32,
}

impl Found {
    /// The version of the message that says so.
    #[must_use]
    pub const fn version(&self) -> Version {
        match self {
            Self::V1(_) => Version::V1,
            Self::V2 { .. } => Version::V2,
        }
    }
}

impl ProbeMatch {
    /// The metadata version that goes with a version of this protocol.
    #[must_use]
    pub const fn metadata_version_of(version: Version) -> u32 {
        //= PCCRD-2.2.3.5-01
        match version {
            Version::V1 => 1,
            Version::V2 => 2,
        }
    }

    /// Appends the message to `out`.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let (message_id, relates_to) = (&self.message_id, &self.relates_to);
        //= PCCRD-2.2.2.2-02
        write_match(out, message_id, relates_to, self.sequence, |out| {
            let open = "<wsd:ProbeMatches><wsd:ProbeMatch><wsa:EndpointReference><wsa:Address>";
            push_all(out, [open]);
            push_escaped(out, self.address.as_str());
            push_all(
                out,
                [
                    "</wsa:Address></wsa:EndpointReference><wsd:Types>",
                    types::name(self.found.version()),
                    "</wsd:Types><wsd:Scopes>",
                ],
            );
            self.write_scopes(out);
            push_all(out, ["</wsd:Scopes><wsd:XAddrs>"]);
            xaddrs::write(out, &self.addresses);
            push_all(out, ["</wsd:XAddrs>"]);
            if let Some(version) = self.metadata_version {
                push_all(out, ["<wsd:MetadataVersion>"]);
                push_display(out, &version);
                push_all(out, ["</wsd:MetadataVersion>"]);
            }
            push_all(out, ["<PeerDist:PeerDistData>"]);
            self.write_data(out);
            push_all(
                out,
                ["</PeerDist:PeerDistData></wsd:ProbeMatch></wsd:ProbeMatches>"],
            );
        });
    }

    /// The message as a datagram.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }

    fn write_scopes(&self, out: &mut Vec<u8>) {
        match &self.found {
            Found::V1(counts) => {
                scopes::write_list(out, counts.iter().take(MAX_IDS).map(|count| &count.id));
            }
            Found::V2 { availability, .. } => availability.write(out),
        }
    }

    fn write_data(&self, out: &mut Vec<u8>) {
        //= PCCRD-2.2.2.2-03
        match &self.found {
            Found::V1(counts) => {
                push_all(out, ["<PeerDist:BlockCount>"]);
                //= PCCRD-2.2.3.9-02
                for count in counts.iter().take(MAX_IDS) {
                    write_hex(out, &count.blocks.to_be_bytes());
                }
                push_all(out, ["</PeerDist:BlockCount>"]);
            }
            Found::V2 { ages, .. } => {
                push_all(out, ["<PeerDist:SegmentAges>"]);
                ages.write(out);
                push_all(out, ["</PeerDist:SegmentAges>"]);
            }
        }
    }
}

/// What the element says; the rest of the message is in the header.
pub(super) struct MatchElement {
    pub address: Identifier,
    pub addresses: Vec<SocketAddr>,
    pub metadata_version: Option<u32>,
    pub found: Found,
}

#[derive(Default)]
struct Parts<'d> {
    address: Option<Identifier>,
    version: Option<Version>,
    scopes: Option<Value<'d>>,
    addresses: Option<Value<'d>>,
    metadata_version: Option<u32>,
    data: Option<Data<'d>>,
}

#[derive(Default)]
struct Data<'d> {
    block_count: Option<Value<'d>>,
    segment_ages: Option<Value<'d>>,
}

impl MatchElement {
    pub(super) fn read(
        parser: &mut Parser<'_>,
        element: &Element<'_>,
        quirks: &mut Quirks,
    ) -> Result<Self, DecodeError> {
        let document = parser.document;
        document.open("ProbeMatch", None, element.at);
        let mut parts = Parts::default();
        while let Some(child) = parser.next_child()? {
            parts.read(parser, &child, quirks)?;
        }
        let at = element.at;
        let version = parts
            .version
            .ok_or_else(|| document.error(Problem::ForeignTypes, at, "Types"))?;
        let scopes = required(parts.scopes, document, at, ("ProbeMatch", "Scopes"))?;
        let addresses = required(parts.addresses, document, at, ("ProbeMatch", "XAddrs"))?;
        let data = required(parts.data, document, at, ("ProbeMatch", "PeerDistData"))?;
        let of = ("ProbeMatch", "EndpointReference");
        let found = match version {
            Version::V1 => {
                let ids = scopes::read_list(document, &scopes, quirks)?;
                //= PCCRD-2.2.3.9-01
                let of = ("PeerDistData", "BlockCount");
                let counts = required(data.block_count, document, at, of)?;
                Found::V1(read_block_counts(document, &counts, &ids)?)
            }
            Version::V2 => {
                //= PCCRD-2.2.3.9-03
                let of = ("PeerDistData", "SegmentAges");
                let ages = required(data.segment_ages, document, at, of)?;
                Found::V2 {
                    availability: Availability::read(document, &scopes)?,
                    ages: SegmentAges::read(document, &ages)?,
                }
            }
        };
        let read = Self {
            address: required(parts.address, document, at, of)?,
            addresses: xaddrs::read(document, &addresses)?,
            metadata_version: parts.metadata_version,
            found,
        };
        document.close();
        Ok(read)
    }
}

impl<'d> Parts<'d> {
    fn read(
        &mut self,
        parser: &mut Parser<'d>,
        child: &Element<'d>,
        quirks: &mut Quirks,
    ) -> Result<(), DecodeError> {
        const OF: &str = "ProbeMatch";
        let document = parser.document;
        match (child.namespace, child.local) {
            (Namespace::Addressing, "EndpointReference") => {
                let address = read_endpoint(parser, child)?;
                let slot = &mut self.address;
                once(slot, address, document, child, (OF, "EndpointReference"))
            }
            (Namespace::Discovery, "Types") => {
                note_prefix(child, quirks);
                let value = parser.value("Types")?;
                let version = types::read(parser, &value, quirks)?;
                once(&mut self.version, version, document, child, (OF, "Types"))
            }
            (Namespace::Discovery, "Scopes") => {
                note_tag(child, quirks);
                let value = parser.value("Scopes")?;
                once(&mut self.scopes, value, document, child, (OF, "Scopes"))
            }
            (Namespace::Discovery, "XAddrs") => {
                note_tag(child, quirks);
                let value = parser.value("XAddrs")?;
                once(&mut self.addresses, value, document, child, (OF, "XAddrs"))
            }
            (Namespace::Discovery, "MetadataVersion") => {
                note_prefix(child, quirks);
                let value = parser.value("MetadataVersion")?;
                let token = value.trimmed();
                let end = value.place(token.at + token.text.len());
                let places = (value.place(token.at), end);
                let version = number(document, token.text, places, "MetadataVersion")?;
                let slot = &mut self.metadata_version;
                once(slot, version, document, child, (OF, "MetadataVersion"))
            }
            (Namespace::PeerDist, "PeerDistData") => {
                note_prefix(child, quirks);
                let data = Data::read(parser, quirks)?;
                once(&mut self.data, data, document, child, (OF, "PeerDistData"))
            }
            _ => parser.skip(),
        }
    }
}

impl<'d> Data<'d> {
    fn read(parser: &mut Parser<'d>, quirks: &mut Quirks) -> Result<Self, DecodeError> {
        const OF: &str = "PeerDistData";
        let document = parser.document;
        let mut data = Self::default();
        while let Some(child) = parser.next_child()? {
            match (child.namespace, child.local) {
                (Namespace::PeerDist, "BlockCount") => {
                    note_tag(&child, quirks);
                    let value = parser.value("BlockCount")?;
                    let slot = &mut data.block_count;
                    once(slot, value, document, &child, (OF, "BlockCount"))?;
                }
                (Namespace::PeerDist, "SegmentAges") => {
                    note_prefix(&child, quirks);
                    let value = parser.value("SegmentAges")?;
                    let slot = &mut data.segment_ages;
                    once(slot, value, document, &child, (OF, "SegmentAges"))?;
                }
                _ => parser.skip()?,
            }
        }
        Ok(data)
    }
}

/// Reports a tag that readers of plain text do not find, for its prefix or because it does not end after its name.
fn note_tag(element: &Element<'_>, quirks: &mut Quirks) {
    note_prefix(element, quirks);
    if element.attribute_count > 0 {
        quirks.add(Quirk::OtherPrefix);
    }
}

fn read_endpoint(
    parser: &mut Parser<'_>,
    element: &Element<'_>,
) -> Result<Identifier, DecodeError> {
    const PLACE: (&str, &str) = ("EndpointReference", "Address");
    let document = parser.document;
    document.open("EndpointReference", None, element.at);
    let mut address = None;
    while let Some(child) = parser.next_child()? {
        if child.is(Namespace::Addressing, "Address") {
            //= PCCRD-2.2.3.4-01
            let read = Identifier::read(document, &parser.value("Address")?, "Address")?;
            once(&mut address, read, document, &child, PLACE)?;
        } else {
            parser.skip()?;
        }
    }
    document.close();
    required(address, document, element.at, PLACE)
}

fn read_block_counts(
    document: &Document<'_>,
    value: &Value<'_>,
    ids: &[SegmentId],
) -> Result<Vec<BlockCount>, DecodeError> {
    const FIELD: &str = "BlockCount";
    let token = value.trimmed();
    let place = |in_token: usize| value.place(token.at + in_token);
    let expected = ids.len() * COUNT_DIGITS;
    let mut bytes = Vec::with_capacity(expected / 2);
    read_hex(token.text, &mut bytes)
        .map_err(|(at, problem)| document.error(problem, place(at), FIELD))?;
    let found = token.text.len();
    if found != expected {
        return Err(document.error(Problem::BlockCount { found, expected }, place(0), FIELD));
    }
    let (counts, _) = bytes.as_chunks();
    let counts = ids.iter().zip(counts).zip((0..).step_by(COUNT_DIGITS));
    Ok(counts
        .map(|((id, count), digits)| {
            let blocks = u32::from_be_bytes(*count);
            let end = place(digits + COUNT_DIGITS);
            document.field(FIELD, place(digits), end, Some(blocks.into()));
            BlockCount { id: *id, blocks }
        })
        .collect())
}
