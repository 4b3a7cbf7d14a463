//! MS-PCCRD 2.2.3.9 SegmentAges: how long a peer has had segments, as the extensible blob of MS-PCCRR 2.2.6.1.
//! Invariant: a blob that cannot be read says nothing, and the match around it stays good.
//! Byte order: the version big-endian, each age least significant byte first, as MS-PCCRR 2.2.1.5 has it.

use core::time::Duration;

use super::base64::write_base64;
use super::encoding::Document;
use super::error::DecodeError;
use super::scopes::read_binary;
use super::value::Value;
use crate::retrieval::{self, AgeUnit, SEGMENT_AGES_MAX};

const VERSION: [u8; 2] = [0, 1];
const HUNDREDTHS: u8 = AgeUnit::Hundredths as u8;
const HEAD_BYTES: usize = 4;
/// Of three bytes.
const MAX_AGE: u128 = 0x00FF_FFFF;

/// How long a peer has had some segments of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentAges {
    blob: Vec<u8>,
}

impl Default for SegmentAges {
    fn default() -> Self {
        let [high, low] = VERSION;
        Self {
            blob: vec![high, low, HUNDREDTHS, 0],
        }
    }
}

impl SegmentAges {
    /// Takes a blob as it is, to be written as it is.
    #[must_use]
    pub const fn from_blob(blob: Vec<u8>) -> Self {
        Self { blob }
    }

    /// The blob.
    #[must_use]
    pub fn as_blob(&self) -> &[u8] {
        &self.blob
    }

    /// Adds the age of the segment that stands at `index` in the probe; what is over 46 hours is cut to that.
    pub fn add(&mut self, index: u8, age: Duration) {
        let hundredths = (age.as_millis() / 10).min(MAX_AGE);
        let [low, mid, high, ..] = hundredths.to_le_bytes();
        if let [.., unit, count] = self.blob.get_mut(..HEAD_BYTES).unwrap_or_default()
            && *unit == HUNDREDTHS
            && usize::from(*count) < SEGMENT_AGES_MAX
        {
            //= PCCRD-2.2.3.9-04
            *count += 1;
            self.blob.extend_from_slice(&[index, low, mid, high]);
        }
    }

    /// The places of segments in the probe, and their ages; nothing where the blob is of another version or broken.
    pub fn iter(&self) -> impl Iterator<Item = (u8, Duration)> {
        let ages = self.decoded().into_iter();
        ages.flat_map(|ages| ages.iter().map(|entry| (entry.index, entry.age)))
    }

    fn decoded(&self) -> Option<retrieval::SegmentAges<'_>> {
        retrieval::SegmentAges::decode(&self.blob).ok()
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        write_base64(out, &self.blob);
    }

    pub(super) fn read(document: &Document<'_>, value: &Value<'_>) -> Result<Self, DecodeError> {
        let blob = read_binary(document, value, "SegmentAges")?;
        let ages = Self { blob };
        document.means(|| match ages.decoded() {
            None => "not a blob of version 1: ignored".to_owned(),
            Some(_) => ages
                .iter()
                .map(|(index, age)| format!("segment {index}: {age:?}"))
                .collect::<Vec<_>>()
                .join(", "),
        });
        Ok(ages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_as_they_were_added() {
        let mut ages = SegmentAges::default();
        ages.add(0, Duration::from_secs(600));
        ages.add(2, Duration::from_secs(600));
        // The bytes of the example in section 4.4.
        assert_eq!(
            ages.as_blob(),
            [0, 1, 3, 2, 0, 0x60, 0xEA, 0, 2, 0x60, 0xEA, 0]
        );
        let expected = [(0, Duration::from_secs(600)), (2, Duration::from_secs(600))];
        assert_eq!(ages.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn ages_are_cut_to_what_fits_and_so_is_their_number() {
        let mut ages = SegmentAges::default();
        (0..300).for_each(|_| ages.add(7, Duration::MAX));
        assert_eq!(ages.iter().count(), 255);
        assert_eq!(ages.iter().next().unwrap().1.as_secs(), 167_772);
    }

    #[test]
    fn every_unit_is_understood_and_no_other() {
        for (unit, milliseconds) in [(1, 2000), (2, 200), (3, 20), (4, 2)] {
            let ages = SegmentAges::from_blob(vec![0, 1, unit, 1, 9, 2, 0, 0]);
            let expected = (9, Duration::from_millis(milliseconds));
            assert_eq!(ages.iter().collect::<Vec<_>>(), [expected]);
        }
        for blob in [
            &[][..],
            &[0, 1, 3],
            &[0, 1, 0, 0],
            &[0, 1, 5, 0],
            &[0, 2, 3, 0],
            &[0, 1, 3, 1, 0, 0, 0],
        ] {
            assert_eq!(SegmentAges::from_blob(blob.to_vec()).iter().count(), 0);
        }
    }
}
