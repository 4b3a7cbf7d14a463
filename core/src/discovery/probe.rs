//! MS-PCCRD 2.2.2.1: Probe, who has these segments?
//! Invariant: a decoded probe has 1 to [`MAX_IDS`](super::MAX_IDS) ids; in version 2.0 all of one length.
//! Byte order: big-endian inside the base64 of version 2.0.

use super::envelope::{note_prefix, once, push_all, required, write_probe};
use super::error::{DecodeError, Problem};
use super::identifier::Identifier;
use super::quirk::Quirks;
use super::value::Value;
use super::xml::{Element, Namespace, Parser};
use super::{MAX_IDS, scopes, types};
use crate::content::{SegmentId, Version};

//= PCCRD-2.2.2.1-02
const MATCH_BY_V1: &str = "http://schemas.xmlsoap.org/ws/2005/04/discovery/strcmp0";
//= PCCRD-2.2.2.1-03
const MATCH_BY_V2: &str = "http://schemas.microsoft.com/p2p/2010/05/PeerDistV2MatchingRule";

const fn match_by(version: Version) -> &'static str {
    match version {
        Version::V1 => MATCH_BY_V1,
        Version::V2 => MATCH_BY_V2,
    }
}

/// A search for segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What a match will relate to.
    pub message_id: Identifier,
    /// The version of the content information that the segments come from.
    pub version: Version,
    /// The segments, at most [`MAX_IDS`]; in version 2.0 all of one length. What is over is not written.
    pub ids: Vec<SegmentId>,
}

impl Probe {
    /// Appends the message to `out`.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        //= PCCRD-2.2.2.1-01
        write_probe(out, &self.message_id, |out| {
            push_all(
                out,
                [
                    "<wsd:Probe><wsd:Types>",
                    types::name(self.version),
                    "</wsd:Types><wsd:Scopes MatchBy=\"",
                    match_by(self.version),
                    "\">",
                ],
            );
            let ids = self.ids.get(..MAX_IDS).unwrap_or(&self.ids);
            match self.version {
                Version::V1 => scopes::write_list(out, ids.iter()),
                Version::V2 => scopes::write_structure(out, ids),
            }
            push_all(out, ["</wsd:Scopes></wsd:Probe>"]);
        });
    }

    /// The message as a datagram.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }
}

/// What the element says; the rest of the message is in the header.
pub(super) struct ProbeElement {
    pub version: Version,
    pub ids: Vec<SegmentId>,
}

struct ReadScopes<'d> {
    value: Value<'d>,
    match_by: Option<(String, usize)>,
    at: usize,
}

impl ProbeElement {
    pub(super) fn read(
        parser: &mut Parser<'_>,
        probe: &Element<'_>,
        quirks: &mut Quirks,
    ) -> Result<Self, DecodeError> {
        let document = parser.document;
        document.open("Probe", None, probe.at);
        let mut version = None;
        let mut scopes = None;
        while let Some(child) = parser.next_child()? {
            match (child.namespace, child.local) {
                (Namespace::Discovery, "Types") => {
                    let value = parser.value("Types")?;
                    let read = types::read(parser, &value, quirks)?;
                    once(&mut version, read, document, &child, ("Probe", "Types"))?;
                }
                (Namespace::Discovery, "Scopes") => {
                    let match_by = parser
                        .attribute(Namespace::None, "MatchBy")
                        .map(|(rule, at)| (rule.to_owned(), at));
                    let at = child.at;
                    let value = parser.value("Scopes")?;
                    let read = ReadScopes {
                        value,
                        match_by,
                        at,
                    };
                    once(&mut scopes, read, document, &child, ("Probe", "Scopes"))?;
                }
                _ => {
                    parser.skip()?;
                    continue;
                }
            }
            note_prefix(&child, quirks);
        }
        // A probe without types looks for services of any kind: it is not meant for this protocol.
        let version =
            version.ok_or_else(|| document.error(Problem::ForeignTypes, probe.at, "Types"))?;
        let scopes: ReadScopes<'_> = required(scopes, document, probe.at, ("Probe", "Scopes"))?;
        let missing = ("Probe", "MatchBy");
        let (rule, at) = required(scopes.match_by, document, scopes.at, missing)?;
        document.field("MatchBy", at, at + rule.len(), None);
        document.means(|| rule.clone());
        //= PCCRD-3.2.4.1-01
        if rule != match_by(version) {
            return Err(document.error(Problem::MatchBy, at, "MatchBy"));
        }
        let ids = match version {
            Version::V1 => scopes::read_list(document, &scopes.value, quirks)?,
            Version::V2 => scopes::read_structure(document, &scopes.value)?,
        };
        document.close();
        Ok(Self { version, ids })
    }
}
