//! The crate fastcdc, 2020 version of the algorithm: the cutter that everybody uses.
//! Invariant: cuts with the sizes of version 2 segments (PCCRC 2.4): 16 KiB least, 64 KiB mean, 128 KiB most.

use fastcdc::v2020::FastCDC;

/// Its name in tables.
pub const NAME: &str = "fastcdc 5.0 v2020";

/// No segment but the last is shorter.
pub const MIN_SEGMENT_LEN: usize = 16 * 1024;
/// The mean that the cutter aims at.
pub const MEAN_SEGMENT_LEN: usize = 64 * 1024;
/// No segment is longer.
pub const MAX_SEGMENT_LEN: usize = 128 * 1024;

/// The segments of `data`, in order and without gaps.
pub fn segments(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    FastCDC::new(data, MIN_SEGMENT_LEN, MEAN_SEGMENT_LEN, MAX_SEGMENT_LEN)
        .map(|chunk| &data[chunk.offset..chunk.offset + chunk.length])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload;

    #[test]
    fn segments_cover_the_data_within_their_bounds() {
        let data = workload::noise(1 << 20, 1);
        let lengths: Vec<usize> = segments(&data).map(<[u8]>::len).collect();
        assert_eq!(lengths.iter().sum::<usize>(), data.len());
        let (_, but_last) = lengths.split_last().unwrap();
        assert!(
            but_last
                .iter()
                .all(|len| (MIN_SEGMENT_LEN..=MAX_SEGMENT_LEN).contains(len))
        );
    }
}
