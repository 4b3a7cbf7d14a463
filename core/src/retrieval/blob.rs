//! MS-PCCRR 2.2.6, 2.2.1.5: the extensible blob of segment lists, which tells how old segments are.
//! Invariant: a blob that does not hold what it must is dropped whole, and the message around it stays good.
//! Byte order: big-endian, but the three bytes of an age, whose lowest comes first.

use core::time::Duration;

use super::error::{DecodeError, Problem};
use crate::wire::Reader;

const VERSION: u16 = 1;
const HEADER_BYTES: usize = 4;
const AGE_BYTES: usize = 4;
/// The most ages in a blob.
pub const SEGMENT_AGES_MAX: usize = 255;
/// The greatest age that 24 bits hold, in whatever unit.
const AGE_MAX: u32 = (1 << 24) - 1;

/// `SegmentAgeUnits`.
//= PCCRR-2.2.6.1-03
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum AgeUnit {
    /// Reaches 194 days.
    Seconds = 1,
    /// Reaches 19 days.
    Tenths = 2,
    /// Reaches 46 hours; what senders use.
    Hundredths = 3,
    /// Reaches 4 hours.
    Milliseconds = 4,
}

impl AgeUnit {
    //= PCCRR-2.2.6.1-05
    const fn from_wire(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Seconds,
            2 => Self::Tenths,
            3 => Self::Hundredths,
            4 => Self::Milliseconds,
            _ => return None,
        })
    }

    /// One of it.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_millis(match self {
            Self::Seconds => 1000,
            Self::Tenths => 100,
            Self::Hundredths => 10,
            Self::Milliseconds => 1,
        })
    }

    /// The unit that a sender takes for ages up to `oldest`: hundredths, unless those do not reach so far.
    //= PCCRR-2.2.6.1-04
    #[must_use]
    pub fn reaching(oldest: Duration) -> Self {
        let reaches = |unit: &Self| oldest <= unit.duration() * AGE_MAX;
        [Self::Hundredths, Self::Tenths]
            .into_iter()
            .find(reaches)
            .unwrap_or(Self::Seconds)
    }

    /// How many of it are in `age`, as far as 24 bits count.
    fn count_in(self, age: Duration) -> u32 {
        let count = age.as_millis() / self.duration().as_millis();
        u32::try_from(count).unwrap_or(AGE_MAX).min(AGE_MAX)
    }
}

/// How old a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentAge {
    /// Which segment, counted from the first that the message addresses.
    //= PCCRR-2.2.1.5-02
    pub index: u8,
    /// For how long it has been in the cache.
    pub age: Duration,
}

/// Extensible blob version 1, found sound.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SegmentAges<'a> {
    unit: AgeUnit,
    ages: &'a [[u8; AGE_BYTES]],
}

impl<'a> SegmentAges<'a> {
    /// Checks and reads a blob. What is wrong with one is reason to drop it, not the message that it came in.
    ///
    /// # Errors
    /// [`DecodeError`] of the first check that fails, its offset within the blob.
    pub fn decode(blob: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(Reader::new(blob), blob.len())
    }

    /// The same from the middle of a message, where the blob has `length` bytes.
    pub(super) fn decode_with(mut reader: Reader<'a>, length: usize) -> Result<Self, DecodeError> {
        let start = reader.at();
        let too_short = |needed, requirement| {
            let problem = Problem::BlobTooShort {
                found: length,
                needed,
            };
            Err(problem.at(start, "ExtensibleBlob", requirement))
        };
        //= PCCRR-2.2.6-04
        if length < 2 {
            return too_short(2, "PCCRR-2.2.6-04");
        }
        //= PCCRR-2.2.6-03
        //= PCCRR-2.2.6-05
        //= PCCRR-2.2.6.1-02
        let found = reader.u16_be("ExtensibleBlobVersion")?;
        if found != VERSION {
            let problem = Problem::BlobVersion { found };
            return Err(problem.at(start, "ExtensibleBlobVersion", "PCCRR-2.2.6-05"));
        }
        //= PCCRR-2.2.6-06
        //= PCCRR-2.2.6.1.1-01
        //= PCCRR-2.2.6.1.1-04
        if length < HEADER_BYTES {
            return too_short(HEADER_BYTES, "PCCRR-2.2.6.1.1-01");
        }
        //= PCCRR-2.2.6.1.1-02
        let found = reader.u8("SegmentAgeUnits")?;
        let Some(unit) = AgeUnit::from_wire(found) else {
            let problem = Problem::AgeUnit { found };
            return Err(problem.at(start + 2, "SegmentAgeUnits", "PCCRR-2.2.6.1.1-02"));
        };
        reader.means(|| format!("{unit:?}"));
        //= PCCRR-2.2.6.1.1-03
        //= PCCRR-2.2.6.1.1-05
        let count = usize::from(reader.u8("SegmentAgeCount")?);
        let needed = HEADER_BYTES + AGE_BYTES * count;
        if length < needed {
            return too_short(needed, "PCCRR-2.2.6.1.1-03");
        }
        let ages = reader
            .untraced()
            .take(AGE_BYTES * count, "SegmentAges")?
            .as_chunks()
            .0;
        for (number, age) in (0..).zip(ages) {
            reader.open("SegmentAges", Some(number));
            for field in [
                "SegmentIndex",
                "SegmentAgeLowPart",
                "SegmentAgeMidPart",
                "SegmentAgeHighPart",
            ] {
                reader.u8(field)?;
            }
            reader.means(|| format!("{:?}", age_of(unit, *age).age));
            reader.close();
        }
        Ok(Self { unit, ages })
    }

    /// The unit in which the ages travelled.
    #[must_use]
    pub const fn unit(&self) -> AgeUnit {
        self.unit
    }

    /// The ages.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = SegmentAge> + use<'a> {
        let unit = self.unit;
        self.ages.iter().map(move |age| age_of(unit, *age))
    }
}

//= PCCRR-2.2.1.5-01
//= PCCRR-2.2.1.5-03
fn age_of(unit: AgeUnit, bytes: [u8; AGE_BYTES]) -> SegmentAge {
    let [index, low, middle, high] = bytes;
    SegmentAge {
        index,
        age: unit.duration() * u32::from_le_bytes([low, middle, high, 0]),
    }
}

impl core::fmt::Debug for SegmentAges<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?}: ", self.unit)?;
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Appends a blob of at most 255 ages; one too old for its unit is written as the oldest that fits.
//= PCCRR-2.2.6.1-01
pub fn encode_ages_into(
    unit: AgeUnit,
    ages: impl ExactSizeIterator<Item = SegmentAge>,
    out: &mut Vec<u8>,
) {
    let count = ages.len().min(SEGMENT_AGES_MAX);
    out.extend_from_slice(&VERSION.to_be_bytes());
    out.extend_from_slice(&[unit as u8, u8::try_from(count).unwrap_or(u8::MAX)]);
    for SegmentAge { index, age } in ages.take(count) {
        let [low, middle, high, _] = unit.count_in(age).to_le_bytes();
        out.extend_from_slice(&[index, low, middle, high]);
    }
}
