//! The window hash of `docs/SEGMENTATION.md` section 2 with AVX2 and with AVX-512.
//! Invariant: the same candidates as `portable`; the tokens exist only where the instructions do.
//! Byte order: x86-64 is little-endian, so words load as they lie.
#![expect(
    unsafe_code,
    reason = "vector loads, and calls that need a CPU feature"
)]

use core::arch::x86_64::{
    __m256i, __m512i, _mm256_add_epi32, _mm256_castsi256_ps, _mm256_cmpeq_epi32,
    _mm256_loadu_si256, _mm256_max_epu32, _mm256_movemask_ps, _mm256_mullo_epi32,
    _mm256_set1_epi32, _mm256_setzero_si256, _mm512_add_epi32, _mm512_alignr_epi32,
    _mm512_cmpge_epu32_mask, _mm512_loadu_si512, _mm512_max_epu32, _mm512_mullo_epi32,
    _mm512_set1_epi32, _mm512_setzero_si512,
};
// Named, for this file is also built where there is no prelude of std: `.ci/emulate-avx512`.
use std::vec::Vec;

use super::{Candidate, FALLBACK, FAR, GAP, NEAR, portable};

/// The bytes that the words at 64 neighbouring positions consist of.
type Block = [u8; GAP + 7];

/// Proof that the CPU has AVX2.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx2(());

/// Proof that the CPU has AVX-512F.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx512(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    pub(super) fn scan(self, data: &[u8], first: usize, out: &mut Vec<Candidate>) {
        // SAFETY: `self` exists only where AVX2 was detected.
        unsafe { scan_avx2(data, first, out) }
    }
}

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Self(()))
    }

    pub(super) fn scan(self, data: &[u8], first: usize, out: &mut Vec<Candidate>) {
        // SAFETY: `self` exists only where AVX-512F was detected.
        unsafe { scan_avx512(data, first, out) }
    }
}

#[target_feature(enable = "avx2")]
fn load_256<const AT: usize>(block: &Block) -> __m256i {
    const { assert!(AT + size_of::<__m256i>() <= size_of::<Block>()) };
    // SAFETY: the assertion above keeps the 32 bytes inside `block`; the load needs no alignment.
    unsafe { _mm256_loadu_si256(block.as_ptr().add(AT).cast()) }
}

/// The words at the positions `AT`, `AT + 4`, up to `AT + 28`; `NEXT` is `AT + 4`.
#[target_feature(enable = "avx2")]
fn words_256<const AT: usize, const NEXT: usize>(block: &Block) -> __m256i {
    const { assert!(NEXT == AT + 4) };
    let near = _mm256_mullo_epi32(load_256::<AT>(block), _mm256_set1_epi32(NEAR.cast_signed()));
    let far = _mm256_mullo_epi32(
        load_256::<NEXT>(block),
        _mm256_set1_epi32(FAR.cast_signed()),
    );
    _mm256_add_epi32(near, far)
}

/// The words at 64 positions. Lane `i` of vector `4 * half + o` is the one at `32 * half + o + 4 * i`.
#[target_feature(enable = "avx2")]
fn all_words_256(block: &Block) -> [__m256i; 8] {
    [
        words_256::<0, 4>(block),
        words_256::<1, 5>(block),
        words_256::<2, 6>(block),
        words_256::<3, 7>(block),
        words_256::<32, 36>(block),
        words_256::<33, 37>(block),
        words_256::<34, 38>(block),
        words_256::<35, 39>(block),
    ]
}

/// The next 64 positions of one vector of `all_words_256`, against the same lanes of the block before.
/// One vector at a time, for with eight new ones alive the sixteen registers are too few.
#[inline]
#[target_feature(enable = "avx2")]
fn step_256<const AT: usize, const NEXT: usize>(
    block: &Block,
    left: &mut __m256i,
    top: &mut __m256i,
) {
    let right = words_256::<AT, NEXT>(block);
    *top = _mm256_max_epu32(*top, _mm256_add_epi32(*left, right));
    *left = right;
}

/// Which lanes are no less than `FALLBACK`, one bit each.
#[target_feature(enable = "avx2")]
fn hits_256(hashes: __m256i) -> u64 {
    let least = _mm256_set1_epi32(FALLBACK.cast_signed());
    let hits = _mm256_cmpeq_epi32(_mm256_max_epu32(hashes, least), hashes);
    u64::from(_mm256_movemask_ps(_mm256_castsi256_ps(hits)).cast_unsigned())
}

#[target_feature(enable = "avx2")]
fn scan_avx2(data: &[u8], first: usize, out: &mut Vec<Candidate>) {
    let Some(block) = data.first_chunk() else {
        return portable::scan_rest(data, first, out);
    };
    let mut left = all_words_256(block);
    let mut rest = data;
    let mut at = first;
    while let Some(block) = rest.get(GAP..).and_then(<[u8]>::first_chunk) {
        let mut top = _mm256_setzero_si256();
        step_256::<0, 4>(block, &mut left[0], &mut top);
        step_256::<1, 5>(block, &mut left[1], &mut top);
        step_256::<2, 6>(block, &mut left[2], &mut top);
        step_256::<3, 7>(block, &mut left[3], &mut top);
        step_256::<32, 36>(block, &mut left[4], &mut top);
        step_256::<33, 37>(block, &mut left[5], &mut top);
        step_256::<34, 38>(block, &mut left[6], &mut top);
        step_256::<35, 39>(block, &mut left[7], &mut top);
        if hits_256(top) != 0 {
            report_256(rest, at, out);
        }
        at += GAP;
        rest = rest.get(GAP..).unwrap_or_default();
    }
    portable::scan_rest(rest, at, out);
}

/// Does a block again that holds a candidate. Apart, so that the loop keeps all it needs in registers.
#[inline(never)]
#[target_feature(enable = "avx2")]
fn report_256(data: &[u8], first: usize, out: &mut Vec<Candidate>) {
    let Some((left, right)) = data
        .first_chunk()
        .zip(data.get(GAP..).and_then(<[u8]>::first_chunk))
    else {
        return;
    };
    let words = all_words_256(left).into_iter().zip(all_words_256(right));
    let mut hits = 0;
    for ((a, b), place) in words.zip([0, 1, 2, 3, 32, 33, 34, 35]) {
        hits |= spread(hits_256(_mm256_add_epi32(a, b))) << place;
    }
    report(hits, data, first, out);
}

#[target_feature(enable = "avx512f")]
fn load_512<const AT: usize>(block: &Block) -> __m512i {
    const { assert!(AT + size_of::<__m512i>() <= size_of::<Block>()) };
    // SAFETY: the assertion above keeps the 64 bytes inside `block`; the load needs no alignment.
    unsafe { _mm512_loadu_si512(block.as_ptr().add(AT).cast()) }
}

/// The words at the positions `AT`, `AT + 4`, up to `AT + 60`; `NEXT` is `AT + 4`.
#[target_feature(enable = "avx512f")]
fn words_512<const AT: usize, const NEXT: usize>(block: &Block) -> __m512i {
    const { assert!(NEXT == AT + 4) };
    let near = _mm512_mullo_epi32(load_512::<AT>(block), _mm512_set1_epi32(NEAR.cast_signed()));
    let far = _mm512_mullo_epi32(
        load_512::<NEXT>(block),
        _mm512_set1_epi32(FAR.cast_signed()),
    );
    _mm512_add_epi32(near, far)
}

/// The words at 64 positions. Lane `i` of vector `o` is the one at `o + 4 * i`.
#[target_feature(enable = "avx512f")]
fn all_words_512(block: &Block) -> [__m512i; 4] {
    [
        words_512::<0, 4>(block),
        words_512::<1, 5>(block),
        words_512::<2, 6>(block),
        words_512::<3, 7>(block),
    ]
}

/// The next 64 positions of one vector of `all_words_512`, whose bytes begin `NEXT - 4` into the block.
/// A load that crosses a cache line costs two, so the dwords four bytes earlier come from `seen`,
/// what was loaded at `NEXT` of the block before, and not from memory.
#[inline]
#[target_feature(enable = "avx512f")]
fn step_512<const NEXT: usize>(
    block: &Block,
    seen: &mut __m512i,
    left: &mut __m512i,
    top: &mut __m512i,
) {
    let later = load_512::<NEXT>(block);
    let earlier = _mm512_alignr_epi32::<15>(later, *seen);
    let near = _mm512_mullo_epi32(earlier, _mm512_set1_epi32(NEAR.cast_signed()));
    let far = _mm512_mullo_epi32(later, _mm512_set1_epi32(FAR.cast_signed()));
    let right = _mm512_add_epi32(near, far);
    *top = _mm512_max_epu32(*top, _mm512_add_epi32(*left, right));
    *left = right;
    *seen = later;
}

#[target_feature(enable = "avx512f")]
fn hits_512(hashes: __m512i) -> u64 {
    u64::from(_mm512_cmpge_epu32_mask(
        hashes,
        _mm512_set1_epi32(FALLBACK.cast_signed()),
    ))
}

#[target_feature(enable = "avx512f")]
fn scan_avx512(data: &[u8], first: usize, out: &mut Vec<Candidate>) {
    let Some(block) = data.first_chunk() else {
        return portable::scan_rest(data, first, out);
    };
    let mut left = all_words_512(block);
    let mut seen = [
        load_512::<4>(block),
        load_512::<5>(block),
        load_512::<6>(block),
        load_512::<7>(block),
    ];
    let mut rest = data;
    let mut at = first;
    while let Some(block) = rest.get(GAP..).and_then(<[u8]>::first_chunk) {
        let mut top = _mm512_setzero_si512();
        step_512::<4>(block, &mut seen[0], &mut left[0], &mut top);
        step_512::<5>(block, &mut seen[1], &mut left[1], &mut top);
        step_512::<6>(block, &mut seen[2], &mut left[2], &mut top);
        step_512::<7>(block, &mut seen[3], &mut left[3], &mut top);
        if hits_512(top) != 0 {
            report_512(rest, at, out);
        }
        at += GAP;
        rest = rest.get(GAP..).unwrap_or_default();
    }
    portable::scan_rest(rest, at, out);
}

/// As [`report_256`].
#[inline(never)]
#[target_feature(enable = "avx512f")]
fn report_512(data: &[u8], first: usize, out: &mut Vec<Candidate>) {
    let Some((left, right)) = data
        .first_chunk()
        .zip(data.get(GAP..).and_then(<[u8]>::first_chunk))
    else {
        return;
    };
    let words = all_words_512(left).into_iter().zip(all_words_512(right));
    let mut hits = 0;
    for (place, (a, b)) in words.enumerate() {
        hits |= spread(hits_512(_mm512_add_epi32(a, b))) << place;
    }
    report(hits, data, first, out);
}

/// Bit `i` of the lower sixteen moves to bit `4 * i`.
pub(super) fn spread(lanes: u64) -> u64 {
    let bits = (lanes | lanes << 24) & 0x0000_00FF_0000_00FF;
    let bits = (bits | bits << 12) & 0x000F_000F_000F_000F;
    let bits = (bits | bits << 6) & 0x0303_0303_0303_0303;
    (bits | bits << 3) & 0x1111_1111_1111_1111
}

/// Appends the windows of `data` whose bits are set, the one at its start belonging to the cut at `first`.
fn report(mut hits: u64, data: &[u8], first: usize, out: &mut Vec<Candidate>) {
    while hits != 0 {
        let place = hits.trailing_zeros() as usize;
        hits &= hits - 1;
        if let Some(hash) = data.get(place..).and_then(portable::hash) {
            out.push(Candidate {
                at: first + place,
                hash,
            });
        }
    }
}
