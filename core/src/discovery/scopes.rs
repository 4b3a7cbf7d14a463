//! MS-PCCRD 2.2.3.3: the segments of a probe and of a match, as lists of hex, as one structure, as an array of bits.
//! Invariant: a list has 1 to [`MAX_IDS`] ids, each as long as a digest of some hash.
//! Byte order: big-endian; bits most significant first.

use super::MAX_IDS;
use super::base64::{base64_place, read_base64, read_hex, write_base64, write_hex};
use super::encoding::Document;
use super::error::{DecodeError, Problem};
use super::quirk::{Quirk, Quirks};
use super::value::Value;
use crate::content::SegmentId;
use crate::hash::Digest;
use crate::wire::Reader;

const SCOPES: &str = "Scopes";
const ID: &str = "HoHoDk";
/// SegmentHashSize and Segment Hash Count.
const STRUCTURE_HEAD_BYTES: usize = 3;

/// Which segments of a version 2.0 probe a peer has: two bits each, in the order of the probe.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Availability(Vec<u8>);

impl Availability {
    /// What a peer has of `count` segments: nothing yet.
    #[must_use]
    pub fn nothing_of(count: usize) -> Self {
        Self(vec![0; count.div_ceil(4)])
    }

    /// Says that the peer has some blocks, or all, of a segment.
    pub fn add(&mut self, index: usize, is_complete: bool) {
        //= PCCRD-2.2.3.3-06
        //= PCCRD-2.2.3.3-07
        //= PCCRD-2.2.3.3-08
        let pair = if is_complete { 0b11 } else { 0b10 };
        if let Some(byte) = self.0.get_mut(index / 4) {
            *byte |= pair << (6 - index % 4 * 2);
        }
    }

    /// How many segments there are bits for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.0.len() * 4
    }

    fn pair(&self, index: usize) -> u8 {
        let byte = self.0.get(index / 4).copied().unwrap_or_default();
        byte >> (6 - index % 4 * 2) & 0b11
    }

    /// Whether the peer has anything of a segment.
    #[must_use]
    pub fn has(&self, index: usize) -> bool {
        self.pair(index) & 0b10 != 0
    }

    /// Whether the peer has all blocks of a segment. The bit alone, without that of [`Availability::has`], says nothing.
    #[must_use]
    pub fn is_complete(&self, index: usize) -> bool {
        self.pair(index) == 0b11
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        write_base64(out, &self.0);
    }

    pub(super) fn read(document: &Document<'_>, value: &Value<'_>) -> Result<Self, DecodeError> {
        let bits = read_binary(document, value, SCOPES)?;
        if bits.is_empty() {
            return Err(document.error(Problem::NoScopes, value.place(0), SCOPES));
        }
        let read = Self(bits);
        document.means(|| {
            let count = (0..read.capacity())
                .filter(|index| read.has(*index))
                .count();
            let complete = (0..read.capacity())
                .filter(|index| read.is_complete(*index))
                .count();
            format!("{count} segments, {complete} of them complete")
        });
        Ok(read)
    }
}

/// Reads an element of base64 and tells the trace of it as a whole.
pub(super) fn read_binary(
    document: &Document<'_>,
    value: &Value<'_>,
    field: &'static str,
) -> Result<Vec<u8>, DecodeError> {
    let token = value.trimmed();
    let end = value.place(token.at + token.text.len());
    document.field(field, value.place(token.at), end, None);
    read_base64(token.text)
        .map_err(|(at, problem)| document.error(problem, value.place(token.at + at), field))
}

/// Reads a list of ids in hex.
pub(super) fn read_list(
    document: &Document<'_>,
    value: &Value<'_>,
    quirks: &mut Quirks,
) -> Result<Vec<SegmentId>, DecodeError> {
    let mut ids = Vec::new();
    let mut bytes = Vec::new();
    document.open(SCOPES, None, value.place(value.trimmed().at));
    for (index, token) in (0..).zip(value.tokens()) {
        let at = value.place(token.at);
        if ids.len() == MAX_IDS {
            return Err(document.error(Problem::TooManyScopes { most: MAX_IDS }, at, SCOPES));
        }
        bytes.clear();
        read_hex(token.text, &mut bytes).map_err(|(in_token, problem)| {
            document.error(problem, value.place(token.at + in_token), ID)
        })?;
        document.open("Scope", Some(index), at);
        document.field(ID, at, value.place(token.at + token.text.len()), None);
        document.close();
        let id = id_of(&bytes).ok_or_else(|| {
            let found = bytes.len();
            document.error(Problem::IdLength { found }, at, ID)
        })?;
        //= PCCRD-2.2.3.3-03
        if token.text.bytes().any(|digit| digit.is_ascii_lowercase()) {
            quirks.add(Quirk::ScopeLowerCase);
        }
        ids.push(id);
    }
    document.close();
    //= PCCRD-3.2.4.1-07
    if ids.is_empty() {
        return Err(document.error(Problem::NoScopes, value.place(0), SCOPES));
    }
    Ok(ids)
}

//= PCCRD-2.2.3.2-02
/// The id, which is compared as bytes: as strings in upper case compare, which is how they are written.
fn id_of(bytes: &[u8]) -> Option<SegmentId> {
    Digest::try_from(bytes).ok().map(SegmentId)
}

/// Writes ids as a list of hex.
pub(super) fn write_list<'a>(out: &mut Vec<u8>, ids: impl Iterator<Item = &'a SegmentId>) {
    //= PCCRD-2.2.3.2-01
    //= PCCRD-2.2.3.3-01
    for (index, id) in ids.enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        write_hex(out, id.0.as_bytes());
    }
}

/// Reads the structure of ids of a version 2.0 probe.
pub(super) fn read_structure(
    document: &Document<'_>,
    value: &Value<'_>,
) -> Result<Vec<SegmentId>, DecodeError> {
    let token = value.trimmed();
    let place = |index| value.place(token.at + base64_place(token.text, index));
    document.open(SCOPES, None, value.place(token.at));
    //= PCCRD-2.2.3.3-04
    let bytes = read_base64(token.text)
        .map_err(|(at, problem)| document.error(problem, value.place(token.at + at), SCOPES))?;
    let wrong_length = |at, expected| {
        let found = bytes.len();
        document.error(Problem::ScopeLength { found, expected }, at, SCOPES)
    };
    let mut reader = Reader::new(&bytes);
    //= PCCRD-2.2.3.3-05
    let head = reader
        .u16_be("SegmentHashSize")
        .and_then(|size| Ok((size, reader.u8("SegmentHashCount")?)));
    let (size, count) = head.map_err(|_| match bytes.len() {
        0 => document.error(Problem::NoScopes, value.place(token.at), SCOPES),
        _ => wrong_length(value.place(token.at), STRUCTURE_HEAD_BYTES),
    })?;
    if document.is_traced() {
        document.field("SegmentHashSize", place(0), place(2), Some(size.into()));
        document.field("SegmentHashCount", place(2), place(3), Some(count.into()));
    }
    if count == 0 {
        return Err(document.error(Problem::NoScopes, place(2), "SegmentHashCount"));
    }
    let size = usize::from(size);
    let expected = STRUCTURE_HEAD_BYTES + size * usize::from(count);
    if bytes.len() != expected {
        return Err(wrong_length(place(STRUCTURE_HEAD_BYTES), expected));
    }
    let mut ids = Vec::with_capacity(usize::from(count));
    for index in 0..u64::from(count) {
        let at = reader.at();
        let id = reader.take(size, ID).ok().and_then(id_of).ok_or_else(|| {
            let problem = Problem::IdLength { found: size };
            document.error(problem, place(0), "SegmentHashSize")
        })?;
        // To find a place takes counting symbols: not for every probe that comes.
        if document.is_traced() {
            document.open("Scope", Some(index), place(at));
            document.field(ID, place(at), place(at + size), None);
            document.means(|| id);
            document.close();
        }
        ids.push(id);
    }
    document.close();
    Ok(ids)
}

/// Writes the structure of a version 2.0 probe. All ids have the length of the first.
pub(super) fn write_structure(out: &mut Vec<u8>, ids: &[SegmentId]) {
    let size = ids.first().map_or(0, |id| id.0.as_bytes().len());
    let mut bytes = Vec::with_capacity(STRUCTURE_HEAD_BYTES + size * ids.len());
    //= PCCRD-2.2-01
    bytes.extend_from_slice(&u16::try_from(size).unwrap_or(0).to_be_bytes());
    bytes.push(u8::try_from(ids.len()).unwrap_or(u8::MAX));
    for id in ids.iter().take(MAX_IDS) {
        bytes.extend_from_slice(id.0.as_bytes());
    }
    write_base64(out, &bytes);
}
