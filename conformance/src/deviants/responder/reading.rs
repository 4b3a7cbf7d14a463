//! How a responder reads a probe, rightly or in one wrong way.
//! Invariant: what a mistake repairs or overlooks is done to the text, before one reader reads it.
//! Byte order: big-endian inside of base64.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::mistakes::Mistake;
use crate::wire::content_info::Version;
use crate::wire::discovery::{
    ADDRESSING, DISCOVERY, PEER_DIST, PROBE_ACTION, SOAP, match_by, type_of,
};
use crate::wire::text::{from_base64, from_hex};
use crate::wire::xml::{self, Element};

/// What a probe asks for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) version: Version,
    pub(super) message_id: String,
    pub(super) ids: Vec<Vec<u8>>,
    /// Whether an id was written in lower case.
    pub(super) is_lower: bool,
    /// All that there is.
    pub(super) wants_all: bool,
}

/// Reads one who has something wrong.
pub(super) struct Reader {
    pub(super) mistake: Option<Mistake>,
}

const DECLARATION: &str = r#"<?xml version="1.0" encoding="utf-8"?>"#;

impl Reader {
    fn is(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    /// What a datagram asks for. `None`: nothing that is for this protocol and well formed.
    pub(super) fn read(&self, bytes: &[u8]) -> Option<Asked> {
        let bytes = match self.is(Mistake::SmallBuffer) {
            true => bytes.get(..4_096).unwrap_or(bytes),
            false => bytes,
        };
        let text = match core::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) if self.is(Mistake::AnyEncoding) => String::from_utf8_lossy(bytes).into_owned(),
            Err(_) => return None,
        };
        // The tree is read without a look at the encoding, and characters that XML does not know.
        let head = text.split("?>").next().unwrap_or_default();
        let names_other = head.starts_with("<?xml")
            && head.contains("encoding")
            && !head.to_lowercase().contains("utf-8");
        if names_other || text.contains('\0') {
            return None;
        }
        let text = self.repaired(&text)?;
        let root = xml::read(text.as_bytes()).ok()?;
        self.envelope(&root)
    }

    /// The text as it is to one who does not look closely. `None`: it is nothing to this one.
    fn repaired(&self, text: &str) -> Option<String> {
        let mut text = text.to_owned();
        let document_type = text.find("<!DOCTYPE").map(|start| {
            let rest = text.get(start..).unwrap_or_default();
            let end = if rest.contains("]>") { "]>" } else { ">" };
            let length = rest.find(end).map_or(rest.len(), |at| at + end.len());
            (start, rest.get(..length).unwrap_or_default().to_owned())
        });
        let Some(mistake) = self.mistake else {
            return Some(text);
        };
        match mistake {
            Mistake::KnowsPrefixes if !text.contains("<wsd:Probe") => return None,
            Mistake::DeclaredAtRoot => {
                let (_, body) = text.split_once("Body>")?;
                if body.contains("xmlns") {
                    return None;
                }
            }
            Mistake::DoubleQuotes if text.split("?>").nth(1)?.contains('\'') => return None,
            Mistake::AnySoap => {
                text = text.replace("http://schemas.xmlsoap.org/soap/envelope/", SOAP);
            }
            Mistake::NeedsDeclaration if !text.starts_with(DECLARATION) => return None,
            Mistake::NoByteOrderMark if text.starts_with('\u{feff}') => return None,
            Mistake::ReadsComments if text.matches("Scopes>").count() > 2 => return None,
            Mistake::NoReferences if text.contains("&#") => return None,
            Mistake::SkipsDocumentType => {
                if let Some((_, whole)) = document_type {
                    text = text.replace(&whole, "");
                }
            }
            Mistake::ResolvesEntities => {
                if let Some((_, whole)) = document_type {
                    text = text.replace(&whole, "");
                    let named = whole.split_once("<!ENTITY id \"")?.1;
                    text = text.replace("&id;", named.split('"').next()?);
                }
            }
            Mistake::FetchesEntities => {
                if let Some((_, whole)) = document_type {
                    let host = whole.split_once("http://")?.1.split('/').next()?;
                    let address: SocketAddr = host.parse().ok()?;
                    // That it came is all that counts.
                    let _ = TcpStream::connect_timeout(&address, Duration::from_secs(1));
                }
            }
            Mistake::ClosesTags => {
                for tag in ["</wsd:Probe>", "</soap:Body>", "</soap:Envelope>"] {
                    if !text.contains(tag) && text.contains("</wsd:Scopes>") {
                        let whole = text
                            .rfind("</")
                            .filter(|at| !text.get(*at..).unwrap_or_default().contains('>'));
                        text.truncate(whole.unwrap_or(text.len()));
                        text.push_str(tag);
                    }
                }
            }
            Mistake::NotWellFormed => text = text.replace("</wsd:Probes>", "</wsd:Probe>"),
            Mistake::TakesTrailing => {
                let end = "</soap:Envelope>";
                if let Some(place) = text.find(end) {
                    text.truncate(place + end.len());
                }
            }
            _ => {}
        }
        Some(text)
    }

    fn envelope(&self, root: &Element) -> Option<Asked> {
        if !root.is(SOAP, "Envelope") {
            return None;
        }
        let body = root.child(SOAP, "Body")?;
        let header = match root.child(SOAP, "Header") {
            Some(header) => header,
            None if self.is(Mistake::NoHeader) => root,
            None => return None,
        };
        let understands = |child: &Element| {
            let must = child.attributes.iter().any(|(namespace, name, value)| {
                namespace == SOAP && name == "mustUnderstand" && matches!(&**value, "1" | "true")
            });
            child.namespace == ADDRESSING || !must
        };
        if !header.children.iter().all(understands) && !self.is(Mistake::UnderstandsAll) {
            return None;
        }
        let is_known = |child: &Element| child.namespace == ADDRESSING;
        if self.is(Mistake::ChokesOnMore) && !header.children.iter().all(is_known) {
            return None;
        }
        let action = header
            .child(ADDRESSING, "Action")
            .map(|action| self.value(action));
        let message_id = match header.child(ADDRESSING, "MessageID").map(Element::value) {
            Some("") | None if self.is(Mistake::NoMessageId) || self.is(Mistake::NoHeader) => {
                String::new()
            }
            Some("") | None => return None,
            Some(message_id) => message_id.to_owned(),
        };
        let is_probe = action == Some(PROBE_ACTION)
            || self.is(Mistake::AnyAction)
            || self.is(Mistake::AnswersMatches)
            || (self.is(Mistake::NoHeader) && action.is_none());
        if !is_probe {
            return None;
        }
        let probe = match body.child(DISCOVERY, "Probe") {
            Some(probe) => probe,
            None if self.is(Mistake::AnswersMatches) => body.children.first()?,
            None => return None,
        };
        let mut asked = self.probe(probe)?;
        asked.message_id = message_id;
        Some(asked)
    }

    fn value<'e>(&self, element: &'e Element) -> &'e str {
        match self.is(Mistake::NoWhiteSpace) {
            true => &element.text,
            false => element.value(),
        }
    }

    fn probe(&self, probe: &Element) -> Option<Asked> {
        let types = probe.child(DISCOVERY, "Types");
        let scopes = probe.child(DISCOVERY, "Scopes");
        if self.is(Mistake::AnswersPrinters) && types.is_none() {
            return Some(all(Version::V1));
        }
        let text = types.map(|types| self.value(types))?;
        let is_v2 = text.ends_with("V2");
        let as_text = if is_v2 { Version::V2 } else { Version::V1 };
        let named = types.and_then(|types| types.qualified(text));
        let version = [Version::V1, Version::V2].into_iter().find(|version| {
            named.as_ref().is_some_and(|(namespace, local)| {
                namespace == PEER_DIST && local == type_of(*version)
            })
        });
        let version = match version {
            Some(version) => version,
            None if self.is(Mistake::AnyType) => as_text,
            None if self.is(Mistake::TypesAsText) && text == "PeerDist:PeerDistData" => as_text,
            None => return None,
        };
        let scopes = scopes?;
        let rule = scopes.attribute("MatchBy");
        let is_rule = rule == Some(match_by(version))
            || self.is(Mistake::AnyRule)
            || (rule.is_none() && self.is(Mistake::NoRule))
            || self.is(Mistake::AnswersMatches);
        if !is_rule {
            return None;
        }
        match version {
            Version::V1 => self.list(self.value(scopes)),
            Version::V2 => self.structure(self.value(scopes)),
        }
    }

    fn list(&self, text: &str) -> Option<Asked> {
        let mut asked = Asked {
            wants_all: false,
            ..all(Version::V1)
        };
        for scope in text.split(xml::SPACES).filter(|scope| !scope.is_empty()) {
            if scope == "*" && self.is(Mistake::AnswersNames) {
                return Some(all(Version::V1));
            }
            let digits: String = match self.is(Mistake::TakesOddHex) {
                true => scope
                    .chars()
                    .take_while(char::is_ascii_hexdigit)
                    .take(scope.len() / 2 * 2)
                    .collect(),
                false => scope.to_owned(),
            };
            match from_hex(&digits) {
                Some(id) => asked.ids.push(id),
                None if self.is(Mistake::SkipsBadScopes) => {}
                None => return None,
            }
            asked.is_lower |= scope.bytes().any(|byte| byte.is_ascii_lowercase());
        }
        if asked.ids.is_empty() {
            return self.is(Mistake::TakesEmptyV1).then(|| all(Version::V1));
        }
        Some(asked)
    }

    fn structure(&self, text: &str) -> Option<Asked> {
        let text: String = match self.mistake {
            Some(Mistake::SkipsSymbols) => text.replace('*', ""),
            Some(Mistake::TakesFirstScope) => text.split(xml::SPACES).next()?.to_owned(),
            _ => text.to_owned(),
        };
        let bytes = from_base64(&text)?;
        if bytes.is_empty() && self.is(Mistake::TakesEmptyV2) {
            return Some(all(Version::V2));
        }
        let ([high, low, count], ids) = (bytes.first_chunk::<3>()?, bytes.get(3..)?);
        let size = match self.is(Mistake::IgnoresSize) {
            true => 32,
            false => usize::from(u16::from_be_bytes([*high, *low])),
        };
        let count = match self.is(Mistake::IgnoresCount) {
            true => ids.len() / size.max(1),
            false => usize::from(*count),
        };
        let length = size * count;
        let is_good = ids.len() == length || (ids.len() > length && self.is(Mistake::TakesSurplus));
        if size == 0 || count == 0 || !is_good {
            return None;
        }
        let ids = ids.chunks(size).take(count).map(<[u8]>::to_vec).collect();
        Some(Asked {
            ids,
            wants_all: false,
            ..all(Version::V2)
        })
    }
}

const fn all(version: Version) -> Asked {
    Asked {
        version,
        message_id: String::new(),
        ids: Vec::new(),
        is_lower: false,
        wants_all: true,
    }
}
