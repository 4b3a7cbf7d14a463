//! MS-PCCRTP 3.1: what a client asks with, and what it takes an answer for.
//! Invariant: an answer that cannot be what was asked for is unusable, and then the content is asked for plainly.
//! Byte order: none.

use super::coding::ContentEncoding;
use super::error::{DecodeError, Fault};
use super::fields::{Field, FieldValue};
use super::parameters::PeerDist;
use super::parameters_ex::PeerDistEx;
use super::quirk::{Quirk, Quirks};
use super::range::content_range;
use super::version::VersionNumber;
use super::{PEERDIST, PEERDIST_EX};
use crate::content::{ContentInfo, ContentRange, Version};
use crate::error::Rejected;

/// What a client is set to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientSettings {
    /// The highest version of the coding: 1.1, or 1.0 as Windows 7 has it.
    pub version: VersionNumber,
    /// The highest version of content information; of no matter with version 1.0 of the coding.
    pub content_information: Version,
}

impl Default for ClientSettings {
    fn default() -> Self {
        //= PCCRTP-1.7-01
        Self {
            version: VersionNumber::V1_1,
            content_information: Version::V2,
        }
    }
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The content or a part of it, with the coding welcome.
    Content(Option<ContentRange>),
    /// The hashes of what was asked for before and came plain.
    Hashes(Option<ContentRange>),
    /// Bytes that no peer had.
    MissingData(ContentRange),
    /// The content or a part of it, with nothing of this document.
    Plainly(Option<ContentRange>),
}

impl Asked {
    const fn range(self) -> Option<ContentRange> {
        match self {
            Self::Content(range) | Self::Hashes(range) | Self::Plainly(range) => range,
            Self::MissingData(range) => Some(range),
        }
    }

    const fn welcomes_coding(self) -> bool {
        matches!(self, Self::Content(_) | Self::Hashes(_))
    }
}

/// A request to be made, always with the method GET.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// What for.
    pub asked: Asked,
    /// By whom.
    pub settings: ClientSettings,
}

impl Ask {
    /// The header fields of the request; `codings` are others that the client accepts, such as `gzip, deflate`.
    pub fn fields<'a>(&self, codings: &'a str) -> impl Iterator<Item = Field<'a>> {
        let ClientSettings {
            version,
            content_information,
        } = self.settings;
        let coding = self.asked.welcomes_coding();
        let missing_data_request = matches!(self.asked, Asked::MissingData(_));
        //= PCCRTP-1.6-01
        //= PCCRTP-2.2-09
        //= PCCRTP-3.1.4-01
        let accept = if coding {
            FieldValue::AcceptEncoding { others: codings }
        } else {
            // A range of bytes is one of the content itself only without any coding.
            FieldValue::Text("identity")
        };
        //= PCCRTP-2.2-08
        //= PCCRTP-3.1.4-02
        //= PCCRTP-3.1.4-03
        let peerdist = PeerDist {
            version: Some(version),
            content_length: None,
            missing_data_request,
        };
        //= PCCRTP-2.2-13
        //= PCCRTP-3.1.4-04
        //= PCCRTP-3.1.5.1-03
        let ex = PeerDistEx {
            hash_request: matches!(self.asked, Asked::Hashes(_)),
            ..PeerDistEx::up_to(content_information)
        };
        let field = |wanted: bool, name, value| wanted.then_some(Field { name, value });
        [
            field(true, "Accept-Encoding", accept),
            field(
                coding || missing_data_request,
                PEERDIST,
                FieldValue::PeerDist(peerdist),
            ),
            field(
                coding && (version >= VersionNumber::V1_1 || ex.hash_request),
                PEERDIST_EX,
                FieldValue::PeerDistEx(ex),
            ),
            self.asked.range().map(|range| Field {
                name: "Range",
                value: FieldValue::Range(range),
            }),
        ]
        .into_iter()
        .flatten()
    }
}

/// The header fields of a response that matter here, added one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResponseFields {
    coding: ContentEncoding,
    peerdist: Option<PeerDist>,
    peerdist_ex: Option<PeerDistEx>,
    range: Option<ContentRange>,
    has_validator: bool,
    closes: bool,
    quirks: Quirks,
    /// Of the fields without which a coded body cannot be used.
    fault: Option<Fault>,
    /// Of X-P2P-PeerDistEx, which only asks for something.
    fault_ex: Option<Fault>,
}

impl ResponseFields {
    /// No header fields.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a header field; those of no matter here are ignored, those that stand twice are one list.
    pub fn add(&mut self, name: &[u8], value: &[u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        let fault = |header| move |error: DecodeError| Fault { header, error };
        if is("Content-Encoding") {
            match ContentEncoding::decode(value).map_err(fault("Content-Encoding")) {
                Ok((found, quirks)) => {
                    self.coding = self.coding.with(found);
                    self.quirks = self.quirks.union(quirks);
                }
                Err(error) => {
                    self.coding = ContentEncoding::Combined;
                    self.fault = self.fault.or(Some(error));
                }
            }
        } else if is(PEERDIST) {
            let before = self.peerdist.unwrap_or_default();
            let joined = PeerDist::decode(value)
                .and_then(|(found, quirks)| Ok((before.join(found)?, quirks)))
                .map_err(fault(PEERDIST));
            match joined {
                Ok((found, quirks)) => {
                    self.peerdist = Some(found);
                    self.quirks = self.quirks.union(quirks);
                }
                Err(error) => self.fault = self.fault.or(Some(error)),
            }
        } else if is(PEERDIST_EX) {
            let before = self.peerdist_ex.unwrap_or_default();
            let joined = PeerDistEx::decode(value)
                .and_then(|(found, quirks)| Ok((before.join(found)?, quirks)))
                .map_err(fault(PEERDIST_EX));
            match joined {
                Ok((found, quirks)) => {
                    self.peerdist_ex = Some(found);
                    self.quirks = self.quirks.union(quirks);
                }
                Err(error) => self.fault_ex = self.fault_ex.or(Some(error)),
            }
        } else if is("Content-Range") {
            self.range = content_range(value);
        } else if is("ETag") || is("Last-Modified") {
            self.has_validator = true;
        } else if is("Connection") {
            self.closes |= value
                .split(|byte| *byte == b',')
                .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"));
        }
    }

    /// Whether the connection ends with this response: the client then closes it with FIN and not with RST.
    //= PCCRTP-3.1.5.1-02
    #[must_use]
    pub const fn closes(&self) -> bool {
        self.closes
    }

    /// What was malformed in the fields and did not make the response unusable.
    #[must_use]
    pub const fn fault(&self) -> Option<Fault> {
        match (self.fault, self.fault_ex) {
            (Some(fault), _) | (None, Some(fault)) => Some(fault),
            (None, None) => None,
        }
    }
}

/// What a response is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// Its body is content information.
    ContentInformation {
        /// The version of the coding.
        version: VersionNumber,
        /// Bytes of the body before the coding.
        content_length: u64,
        /// The part of the content that it describes; `None`: the whole.
        range: Option<ContentRange>,
        /// What it had to be forgiven.
        quirks: Quirks,
    },
    /// Its body is the content, under no coding or under one that is not of this document.
    Plain {
        /// The part of the content that it is; `None`: the whole.
        range: Option<ContentRange>,
        /// The server asks for a hash request.
        make_hash_request: bool,
        /// What it had to be forgiven.
        quirks: Quirks,
    },
    /// Its body must not be used: ask plainly.
    Unusable(Rejected),
    /// It has no content: its status is neither 200 nor 206.
    NoContent,
}

impl Ask {
    /// What the response to this request is.
    #[must_use]
    pub fn understand(&self, status: u16, fields: &ResponseFields) -> Meaning {
        if status != 200 && status != 206 {
            return Meaning::NoContent;
        }
        self.body(status, fields).unwrap_or_else(Meaning::Unusable)
    }

    fn body(&self, status: u16, fields: &ResponseFields) -> Result<Meaning, Rejected> {
        let range = self.range_of(status, fields)?;
        let mut quirks = fields.quirks;
        match fields.coding {
            ContentEncoding::Identity | ContentEncoding::Other => {
                //= PCCRTP-2.2-12
                //= PCCRTP-3.1.5.1-03
                let asks = fields.peerdist_ex.is_some_and(|ex| ex.make_hash_request);
                return Ok(Meaning::Plain {
                    range,
                    make_hash_request: asks && self.asked.welcomes_coding(),
                    quirks,
                });
            }
            ContentEncoding::Combined => {
                let why = match fields.fault {
                    Some(fault) => return Err(fault.rejected()),
                    None => "peerdist together with another coding".to_owned(),
                };
                return Err(rejected("PCCRTP-2.2-01", why));
            }
            ContentEncoding::PeerDist => {}
        }
        //= PCCRTP-1.6-02
        if !self.asked.welcomes_coding() {
            let why = "coded, although the request did not allow it".to_owned();
            return Err(rejected("PCCRTP-1.6-02", why));
        }
        if let Some(fault) = fields.fault {
            return Err(fault.rejected());
        }
        //= PCCRTP-3.2.5.1-05
        let missing = |requirement, what: &'static str| {
            move || rejected(requirement, format!("coded, but without {what}"))
        };
        let peerdist = fields
            .peerdist
            .ok_or_else(missing("PCCRTP-3.2.5.1-05", PEERDIST))?;
        //= PCCRTP-3.2.5.1-06
        let version = peerdist
            .version
            .ok_or_else(missing("PCCRTP-3.2.5.1-06", "Version"))?;
        if version > self.settings.version || version.major != self.settings.version.major {
            let asked = self.settings.version;
            let why = format!("version {version} of the coding, but at most {asked} was asked for");
            return Err(rejected("PCCRTP-1.7-02", why));
        }
        //= PCCRTP-3.2.5.1-07
        let content_length = peerdist
            .content_length
            .ok_or_else(missing("PCCRTP-3.2.5.1-07", "ContentLength"))?;
        if let Some(range) = range.filter(|range| range.length != content_length) {
            let why = format!(
                "ContentLength is {content_length}, but Content-Range has {} bytes",
                range.length
            );
            return Err(rejected("PCCRTP-3.2.5.1-07", why));
        }
        if !fields.has_validator {
            quirks.add(Quirk::NoValidator);
        }
        Ok(Meaning::ContentInformation {
            version,
            content_length,
            range,
            quirks,
        })
    }

    /// The part of the content that a body is of; one that was not asked for is of no use.
    fn range_of(
        &self,
        status: u16,
        fields: &ResponseFields,
    ) -> Result<Option<ContentRange>, Rejected> {
        if status != 206 {
            return Ok(None);
        }
        let because = |why: &str| rejected("PCCRTP-2.1-01", why.to_owned());
        let range = fields
            .range
            .ok_or_else(|| because("status 206 without a Content-Range that can be read"))?;
        let asked = self
            .asked
            .range()
            .ok_or_else(|| because("status 206, but no range was asked for"))?;
        if range.start < asked.start || range.end() > asked.end() {
            return Err(because("another range than the one asked for"));
        }
        Ok(Some(range))
    }

    /// Holds content information that came in a body against what the header fields and the request say.
    ///
    /// # Errors
    /// [`Rejected`] where they contradict each other: then the body is not used.
    pub fn check(
        &self,
        content_length: u64,
        range: Option<ContentRange>,
        info: &ContentInfo<'_>,
    ) -> Result<(), Rejected> {
        //= PCCRTP-3.2.5.1-02
        //= PCCRTP-3.2.5.1-04
        let highest = if self.settings.version >= VersionNumber::V1_1 {
            self.settings.content_information
        } else {
            Version::V1
        };
        if info.version() > highest {
            let why = format!(
                "content information {:?}, but at most {highest:?} is read",
                info.version()
            );
            return Err(rejected("PCCRTP-3.2.5.1-02", why));
        }
        let described = info.range();
        let start = range.map_or(0, |range| range.start);
        if described.start != start || described.length != content_length {
            let why = format!(
                "content information of {} bytes from {}, but the header fields say {content_length} from {start}",
                described.length, described.start
            );
            return Err(rejected("PCCRTP-3.2.5.1-07", why));
        }
        Ok(())
    }
}

const fn rejected(requirement: &'static str, why: String) -> Rejected {
    Rejected {
        requirement,
        at: 0,
        why,
    }
}

#[cfg(test)]
mod tests;
