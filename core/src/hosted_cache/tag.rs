//! MS-PCHC 2.2.1.4 and appendix <8>: content tags, which tell whose content is offered, and how many of each there were.
//! Invariant: a tag is opaque; only counting looks at it, and never counts more tags apart than its limit.
//! Byte order: none, a tag is 16 bytes as they come.

use core::fmt;
use std::collections::BTreeMap;

/// Sixteen opaque bytes that an application on the client gives to all it offers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ContentTag(pub [u8; ContentTag::BYTES]);

impl ContentTag {
    /// Bytes of a tag.
    pub const BYTES: usize = 16;

    /// The tag of a name: its bytes, filled up with zeros; cut where it has more than 16.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        let mut tag = Self::default();
        tag.0
            .iter_mut()
            .zip(name.bytes())
            .for_each(|(to, byte)| *to = byte);
        tag
    }

    /// Which of the tags that Windows uses it is.
    #[must_use]
    pub fn well_known(&self) -> Option<WellKnownTag> {
        WellKnownTag::ALL
            .into_iter()
            .find(|known| known.tag() == *self)
    }
}

impl fmt::Display for ContentTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.well_known() {
            Some(known) => f.write_str(known.name()),
            None => self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}

impl fmt::Debug for ContentTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentTag({self})")
    }
}

/// The tags of the parts of Windows that offer content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WellKnownTag {
    /// The WinINet interface.
    WinInet,
    /// The WebIO interface.
    WebIo,
    /// Background transfers.
    Bits,
    /// Files over SMB.
    Smb,
}

impl WellKnownTag {
    /// All of them, in the order in which they are reported.
    pub const ALL: [Self; 4] = [Self::WinInet, Self::WebIo, Self::Bits, Self::Smb];

    /// Its bytes.
    //= PCHC-3.2.1-04
    #[must_use]
    pub fn tag(self) -> ContentTag {
        match self {
            Self::Smb => ContentTag([
                0x35, 0xDB, 0x04, 0x5D, 0x14, 0x23, 0x45, 0x53, 0xA0, 0x51, 0x0D, 0xC2, 0xE1, 0x5E,
                0x6C, 0x4C,
            ]),
            named => ContentTag::of_name(named.name()),
        }
    }

    /// The name that it is reported by, which but for SMB is also what it is made of.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WinInet => "WinINet",
            Self::WebIo => "WebIO",
            Self::Bits => "BITS-4.0",
            Self::Smb => "SMB",
        }
    }
}

/// How many segments were offered under each tag.
#[derive(Debug, Clone)]
pub struct TagCounts {
    well_known: [u64; 4],
    apart: BTreeMap<ContentTag, u64>,
    apart_max: usize,
    other: u64,
}

impl TagCounts {
    /// Counts the well-known tags, up to `apart_max` further ones by themselves, and the rest together.
    #[must_use]
    pub const fn new(apart_max: usize) -> Self {
        Self {
            well_known: [0; 4],
            apart: BTreeMap::new(),
            apart_max,
            other: 0,
        }
    }

    /// Counts one segment.
    pub fn count(&mut self, tag: ContentTag) {
        let room = self.apart.len() < self.apart_max;
        let counter = match tag.well_known() {
            Some(known) => self.well_known.get_mut(known as usize),
            None if room => Some(self.apart.entry(tag).or_default()),
            None => self.apart.get_mut(&tag),
        };
        let counter = counter.unwrap_or(&mut self.other);
        *counter = counter.saturating_add(1);
    }

    /// How many segments came with a well-known tag.
    #[must_use]
    pub fn of(&self, known: WellKnownTag) -> u64 {
        self.well_known
            .get(known as usize)
            .copied()
            .unwrap_or_default()
    }

    /// The further tags that are counted by themselves.
    pub fn apart(&self) -> impl Iterator<Item = (ContentTag, u64)> {
        self.apart.iter().map(|(tag, count)| (*tag, *count))
    }

    /// What Windows reports as Other: every segment without a well-known tag.
    #[must_use]
    pub fn other(&self) -> u64 {
        self.apart
            .values()
            .fold(self.other, |sum, count| sum.saturating_add(*count))
    }
}
