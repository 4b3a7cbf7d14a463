//! Cutting by content: kernels against each other, the laws of segments, what an edit changes.
//! Invariant: whatever is random here comes from the fixed seeds written beside it.
//! Byte order: none.
use super::*;

#[test]
fn segments_of_noise_have_legal_lengths() {
    let mut x = 1u64;
    let data: Vec<u8> = (0..4 << 20)
        .map(|_| {
            x = x
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (x >> 56) as u8
        })
        .collect();
    let lengths = segments(&data);
    assert_eq!(
        lengths.iter().map(|l| *l as usize).sum::<usize>(),
        data.len()
    );
    eprintln!("{lengths:?}");
}
