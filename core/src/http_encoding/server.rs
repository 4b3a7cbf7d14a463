//! MS-PCCRTP 3.2: what a server answers to a request, decided from its header fields and what the server has.
//! Invariant: content information goes only to a client that advertised it, in a version that it reads; else plain.
//! Byte order: none.
//!
//! The decision is about a request that is otherwise answered with the content: authorization, conditions
//! (304, 412) and errors come before it.

use super::coding::AcceptEncoding;
use super::error::{DecodeError, Fault};
use super::fields::{Field, FieldValue};
use super::parameters::PeerDist;
use super::parameters_ex::PeerDistEx;
use super::quirk::{Quirk, Quirks};
use super::range::Delivery;
use super::version::VersionNumber;
use super::{CODING, PEERDIST, PEERDIST_EX};
use crate::content::{CONTENT_MAX_BYTES, ContentRange, Version};

/// The version of HTTP that the request has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// Any other, which the document does not speak of.
    Other,
}

/// The header fields of a request that matter here, added one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestFields<'a> {
    accept_encoding: AcceptEncoding,
    peerdist: Option<PeerDist>,
    peerdist_ex: Option<PeerDistEx>,
    range: Option<&'a [u8]>,
    ranges: u8,
    if_range: Option<&'a [u8]>,
    from_bits: bool,
    quirks: Quirks,
    fault: Option<Fault>,
}

impl<'a> RequestFields<'a> {
    /// No header fields.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a header field; those of no matter here are ignored, those that stand twice are one list.
    pub fn add(&mut self, name: &[u8], value: &'a [u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("Accept-Encoding") {
            let read = AcceptEncoding::decode(value);
            if let Some(found) = self.note("Accept-Encoding", read) {
                self.accept_encoding = self.accept_encoding.max(found);
            }
        } else if is(PEERDIST) {
            let before = self.peerdist.unwrap_or_default();
            let read = PeerDist::decode(value)
                .and_then(|(found, quirks)| Ok((before.join(found)?, quirks)));
            self.peerdist = self.note(PEERDIST, read).or(self.peerdist);
        } else if is(PEERDIST_EX) {
            let before = self.peerdist_ex.unwrap_or_default();
            let read = PeerDistEx::decode(value)
                .and_then(|(found, quirks)| Ok((before.join(found)?, quirks)));
            self.peerdist_ex = self.note(PEERDIST_EX, read).or(self.peerdist_ex);
        } else if is("Range") {
            self.range = Some(value);
            self.ranges = self.ranges.saturating_add(1);
        } else if is("If-Range") {
            self.if_range = Some(value);
        } else if is("User-Agent") {
            self.from_bits = value.starts_with(b"Microsoft BITS");
        }
    }

    fn note<T>(
        &mut self,
        header: &'static str,
        read: Result<(T, Quirks), DecodeError>,
    ) -> Option<T> {
        match read {
            Ok((found, quirks)) => {
                self.quirks = self.quirks.union(quirks);
                Some(found)
            }
            Err(error) => {
                self.fault = self.fault.or(Some(Fault { header, error }));
                None
            }
        }
    }

    /// What Accept-Encoding says of the coding.
    #[must_use]
    pub const fn accept_encoding(&self) -> AcceptEncoding {
        self.accept_encoding
    }

    /// X-P2P-PeerDist, where it is there and well-formed.
    #[must_use]
    pub const fn peerdist(&self) -> Option<PeerDist> {
        self.peerdist
    }

    /// X-P2P-PeerDistEx, where it is there and well-formed.
    #[must_use]
    pub const fn peerdist_ex(&self) -> Option<PeerDistEx> {
        self.peerdist_ex
    }

    fn is_missing_data_request(&self) -> bool {
        self.peerdist
            .is_some_and(|peerdist| peerdist.missing_data_request)
    }

    fn is_hash_request(&self) -> bool {
        self.peerdist_ex.is_some_and(|ex| ex.hash_request)
    }
}

/// A request, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Its method, as it came.
    pub method: &'a [u8],
    /// Its version of HTTP.
    pub http: HttpVersion,
    /// Its header fields.
    pub fields: &'a RequestFields<'a>,
}

/// Whether there is content information of a version for a resource in its present state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// It is there.
    Ready,
    /// It is not there, but cheap enough to be made before the answer.
    AtHand,
    /// It is being made, or will be once it is asked for, but not before the answer.
    Later,
    /// There is none and there will be none.
    Never,
}

/// What the server has.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'a> {
    /// Bytes of the content.
    pub length: u64,
    /// The ETag that the response will have.
    pub etag: Option<&'a [u8]>,
    /// The Last-Modified that the response will have.
    pub last_modified: Option<&'a [u8]>,
    /// Content information of version 1.0.
    pub v1: Availability,
    /// Content information of version 2.0.
    pub v2: Availability,
}

impl Resource<'_> {
    const fn availability(&self, version: Version) -> Availability {
        match version {
            Version::V1 => self.v1,
            Version::V2 => self.v2,
        }
    }
}

/// What a server is set to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerSettings {
    /// The highest version of the coding: 1.1, or 1.0 as Windows Server 2008 R2 has it.
    pub version: VersionNumber,
    /// The connection closes after an answer to a range request when the whole content is longer than this.
    pub close_ranges_over_bytes: Option<u64>,
}

impl ServerSettings {
    /// As Windows Server 2008 R2 does it.
    #[must_use]
    pub const fn windows_server_2008_r2() -> Self {
        //= PCCRTP-3.2.5.1-10
        Self {
            version: VersionNumber::V1_0,
            close_ranges_over_bytes: Some(1 << 20),
        }
    }
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            version: VersionNumber::V1_1,
            close_ranges_over_bytes: None,
        }
    }
}

/// What the body of the answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The content as without this document.
    Plain(PlainReason),
    /// The content, to a client whose peers could not deliver.
    MissingData,
    /// The content, and the client is asked to come back for the hashes; their making should begin now.
    MakeHashRequest(Version),
    /// Content information of this version, for the part that [`Decision::delivery`] says.
    ContentInformation(Version),
}

/// Why an answer is plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlainReason {
    /// Not a GET request.
    Method,
    /// Neither HTTP/1.0 nor HTTP/1.1.
    HttpVersion,
    /// A range that has no bytes.
    RangeUnsatisfiable,
    /// A header field that cannot be read; [`Decision::fault`] tells.
    Malformed,
    /// The client does not know the coding.
    NotAdvertised,
    /// The client refuses the coding.
    Refused,
    /// No Version in the request.
    NoVersion,
    /// A version of the coding that does not exist.
    UnknownVersion,
    /// Bounds of the versions of content information that the document does not have.
    Window,
    /// The response has neither ETag nor Last-Modified.
    NoValidator,
    /// Several ranges.
    SeveralRanges,
    /// No bytes, or more than content information can describe.
    Length,
    /// No content information that the client reads, and none to come.
    Unavailable,
}

impl PlainReason {
    /// The reason's stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::HttpVersion => "http-version",
            Self::RangeUnsatisfiable => "range-unsatisfiable",
            Self::Malformed => "malformed",
            Self::NotAdvertised => "not-advertised",
            Self::Refused => "refused",
            Self::NoVersion => "no-version",
            Self::UnknownVersion => "unknown-version",
            Self::Window => "window",
            Self::NoValidator => "no-validator",
            Self::SeveralRanges => "several-ranges",
            Self::Length => "length",
            Self::Unavailable => "unavailable",
        }
    }
}

/// What a server answers, and the header fields that go with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The body.
    pub answer: Answer,
    /// How much of the content the body is, or describes.
    pub delivery: Delivery,
    /// The version of the coding that goes into the response, where one does.
    pub version: Option<VersionNumber>,
    /// Whether the connection closes behind the answer.
    pub close: bool,
    /// What the request had to be forgiven.
    pub quirks: Quirks,
    /// The first header field of the request that could not be read.
    pub fault: Option<Fault>,
    /// Bytes of the whole content.
    pub total: u64,
}

impl ServerSettings {
    /// Decides what to answer.
    #[must_use]
    pub fn decide(&self, request: &Request<'_>, resource: &Resource<'_>) -> Decision {
        let fields = request.fields;
        let delivery = delivery_of(request, resource);
        let mut decision = Decision {
            answer: Answer::MissingData,
            delivery,
            version: None,
            close: false,
            quirks: fields.quirks,
            fault: fields.fault,
            total: resource.length,
        };
        match self.coded(request, resource, delivery, &mut decision.quirks) {
            Ok((answer, version)) => {
                decision.answer = answer;
                decision.version = version;
            }
            Err(reason) => decision.answer = Answer::Plain(reason),
        }
        //= PCCRTP-3.1.5.1-01
        //= PCCRTP-3.2.5.1-11
        decision.close = fields.accept_encoding == AcceptEncoding::Accepted
            && !fields.from_bits
            && matches!(delivery, Delivery::Part(_) | Delivery::SeveralParts)
            && self
                .close_ranges_over_bytes
                .is_some_and(|limit| resource.length > limit);
        decision
    }

    fn coded(
        &self,
        request: &Request<'_>,
        resource: &Resource<'_>,
        delivery: Delivery,
        quirks: &mut Quirks,
    ) -> Result<(Answer, Option<VersionNumber>), PlainReason> {
        let fields = request.fields;
        //= PCCRTP-3.1.4-01
        if request.method != b"GET" {
            return Err(PlainReason::Method);
        }
        //= PCCRTP-2.1-01
        if request.http == HttpVersion::Other {
            return Err(PlainReason::HttpVersion);
        }
        if delivery == Delivery::Unsatisfiable {
            return Err(PlainReason::RangeUnsatisfiable);
        }
        // Before all else, even before what is malformed: this client has no use for more hashes.
        //= PCCRTP-2.2-08
        //= PCCRTP-2.2-09
        if fields.is_missing_data_request() {
            return Ok((Answer::MissingData, None));
        }
        if fields.fault.is_some() {
            return Err(PlainReason::Malformed);
        }
        check_advertised(request, quirks)?;
        let version = self.negotiate(fields)?;
        let highest = readable(fields, version)?;
        //= PCCRTP-3.2-01
        if resource.etag.is_none() && resource.last_modified.is_none() {
            return Err(PlainReason::NoValidator);
        }
        if delivery == Delivery::SeveralParts {
            return Err(PlainReason::SeveralRanges);
        }
        if resource.length == 0 || resource.length > CONTENT_MAX_BYTES {
            return Err(PlainReason::Length);
        }
        //= PCCRTP-3.2.5.1-02
        let best = |wanted| {
            [Version::V2, Version::V1]
                .into_iter()
                .find(|version| *version <= highest && resource.availability(*version) == wanted)
        };
        let ready = best(Availability::Ready).or_else(|| best(Availability::AtHand));
        //= PCCRTP-3.2.5-01
        //= PCCRTP-3.2.5.1-01
        //= PCCRTP-3.2.5.1-08
        //= PCCRTP-3.2.5.1-09
        match (ready, best(Availability::Later)) {
            (Some(info), _) => Ok((Answer::ContentInformation(info), Some(version))),
            (None, Some(info)) => Ok((Answer::MakeHashRequest(info), Some(version))),
            (None, None) => Err(PlainReason::Unavailable),
        }
    }

    /// The version of the coding to use with this client.
    fn negotiate(&self, fields: &RequestFields<'_>) -> Result<VersionNumber, PlainReason> {
        //= PCCRTP-1.7-01
        //= PCCRTP-1.7-02
        let highest = fields
            .peerdist
            .and_then(|peerdist| peerdist.version)
            .ok_or(PlainReason::NoVersion)?;
        // Another major number is another coding, of which nothing is known.
        if highest.major != self.version.major {
            return Err(PlainReason::UnknownVersion);
        }
        Ok(highest.min(self.version))
    }
}

/// Whether the client may be answered with the coding at all.
fn check_advertised(request: &Request<'_>, quirks: &mut Quirks) -> Result<(), PlainReason> {
    let fields = request.fields;
    //= PCCRTP-1.6-02
    //= PCCRTP-3.2-02
    match fields.accept_encoding {
        AcceptEncoding::Accepted => Ok(()),
        AcceptEncoding::Refused => Err(PlainReason::Refused),
        //= PCCRTP-4-01
        AcceptEncoding::Silent
            if fields.is_hash_request() && request.http == HttpVersion::Http11 =>
        {
            quirks.add(Quirk::HashRequestWithoutAcceptEncoding);
            Ok(())
        }
        AcceptEncoding::Silent => Err(PlainReason::NotAdvertised),
    }
}

/// The highest version of content information that the client reads.
fn readable(fields: &RequestFields<'_>, coding: VersionNumber) -> Result<Version, PlainReason> {
    //= PCCRTP-3.2.5.1-03
    //= PCCRTP-3.2.5.1-04
    let Some(window) = fields.peerdist_ex.and_then(|ex| ex.window) else {
        return Ok(Version::V1);
    };
    let highest = PeerDistEx::highest(window).ok_or(PlainReason::Window)?;
    // Version 1.0 of the coding is older than version 2.0 of content information, and 1.0 is in every window.
    if coding < VersionNumber::V1_1 {
        return Ok(Version::V1);
    }
    Ok(highest)
}

/// How much of the content the request asks for.
fn delivery_of(request: &Request<'_>, resource: &Resource<'_>) -> Delivery {
    let fields = request.fields;
    let Some(range) = fields.range else {
        return Delivery::Whole;
    };
    // Two Range fields contradict each other.
    if request.method != b"GET" || fields.ranges > 1 {
        return Delivery::Whole;
    }
    let unchanged = fields.if_range.is_none_or(|wanted| {
        let etag = resource.etag.filter(|etag| !etag.starts_with(b"W/"));
        etag == Some(wanted) || resource.last_modified == Some(wanted)
    });
    if unchanged {
        Delivery::of(range, resource.length)
    } else {
        Delivery::Whole
    }
}

impl Decision {
    /// The part of the content that the body is, or describes; `None` where it is not one part.
    #[must_use]
    pub const fn range(&self) -> Option<ContentRange> {
        match self.delivery {
            Delivery::Whole => Some(ContentRange {
                start: 0,
                length: self.total,
            }),
            Delivery::Part(range) => Some(range),
            Delivery::SeveralParts | Delivery::Unsatisfiable => None,
        }
    }

    /// The HTTP status of the answer.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.delivery.status()
    }

    /// The header fields that the answer has besides the server's own, its ETag and Last-Modified unchanged.
    pub fn fields(&self) -> impl Iterator<Item = Field<'static>> {
        let field = |name, value| Some(Field { name, value });
        let text = |name, text| field(name, FieldValue::Text(text));
        let coded = matches!(self.answer, Answer::ContentInformation(_));
        //= PCCRTP-3.2.5.1-05
        //= PCCRTP-3.2.5.1-06
        //= PCCRTP-3.2.5.1-07
        //= PCCRTP-4-02
        let peerdist = self.version.map(|version| PeerDist {
            version: Some(version),
            content_length: self.range().map(|range| range.length).filter(|_| coded),
            missing_data_request: false,
        });
        let make_hash_request = matches!(self.answer, Answer::MakeHashRequest(_));
        let ex = PeerDistEx {
            make_hash_request,
            ..PeerDistEx::default()
        };
        let range = match self.delivery {
            Delivery::Part(range) => Some(Some(range)),
            Delivery::Unsatisfiable => Some(None),
            Delivery::Whole | Delivery::SeveralParts => None,
        };
        let total = self.total;
        // Content information is as secret as the content and differs from client to client: no shared cache may
        // hand it to others (3.2-01). The plain body depends on Accept-Encoding as well.
        [
            coded.then(|| text("Content-Encoding", CODING)).flatten(),
            peerdist.and_then(|value| field(PEERDIST, FieldValue::PeerDist(value))),
            make_hash_request
                .then(|| field(PEERDIST_EX, FieldValue::PeerDistEx(ex)))
                .flatten(),
            range.and_then(|range| {
                field("Content-Range", FieldValue::ContentRange { range, total })
            }),
            text("Vary", "Accept-Encoding"),
            coded.then(|| text("Cache-Control", "private")).flatten(),
            self.close.then(|| text("Connection", "close")).flatten(),
        ]
        .into_iter()
        .flatten()
    }
}

#[cfg(test)]
mod tests;
