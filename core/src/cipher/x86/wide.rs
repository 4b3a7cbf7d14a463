//! Registers that hold one, two or four AES states: AES-NI, and VAES with 256 and 512 bits.
//! Invariant: lane n of an operation depends on lane n of its operands only.
//! Byte order: a lane holds the 16 bytes of a block in the order of memory.

use core::arch::x86_64::{
    __m128i, __m256i, __m512i, _mm_aesdec_si128, _mm_aesdeclast_si128, _mm_aesenc_si128,
    _mm_aesenclast_si128, _mm_loadu_si128, _mm_storeu_si128, _mm_xor_si128, _mm256_aesdec_epi128,
    _mm256_aesdeclast_epi128, _mm256_aesenc_epi128, _mm256_aesenclast_epi128,
    _mm256_broadcastsi128_si256, _mm256_castsi128_si256, _mm256_castsi256_si128,
    _mm256_extracti128_si256, _mm256_inserti128_si256, _mm256_loadu_si256, _mm256_storeu_si256,
    _mm256_xor_si256, _mm512_aesdec_epi128, _mm512_aesdeclast_epi128, _mm512_aesenc_epi128,
    _mm512_aesenclast_epi128, _mm512_broadcast_i32x4, _mm512_castsi128_si512,
    _mm512_castsi512_si128, _mm512_extracti32x4_epi32, _mm512_inserti32x4, _mm512_loadu_si512,
    _mm512_storeu_si512, _mm512_xor_si512,
};

/// A register of [`LANES`](Self::LANES) AES states.
///
/// # Safety
///
/// Every method needs a processor that has the instructions of the implementing register: `aes`
/// for 128 bits, `avx2` and `vaes` for 256, `avx512f` and `vaes` for 512. The methods are
/// `inline(always)`, so that they become instructions of the caller that enabled those features.
/// Pointers carry the demands that each method names.
pub(super) trait Wide: Copy {
    /// How many blocks a register holds.
    const LANES: usize;

    /// The same block in every lane.
    unsafe fn splat(block: __m128i) -> Self;
    /// Lane n = the block at `at[n] + offset`; `at` is readable for `LANES` pointers, each sum
    /// for 16 bytes.
    unsafe fn gather(at: *const *mut u8, offset: usize) -> Self;
    /// Writes lane n to `at[n] + offset`; as [`gather`](Self::gather), and the sums writable.
    unsafe fn scatter(self, at: *const *mut u8, offset: usize);
    /// The `LANES` blocks from `at` on, which must be readable.
    unsafe fn load(at: *const u8) -> Self;
    /// Writes the `LANES` blocks to `at`, which must be writable.
    unsafe fn store(self, at: *mut u8);
    /// `first` in lane 0, then the blocks from `at` on, which must be readable for `LANES - 1`.
    unsafe fn behind(first: __m128i, at: *const u8) -> Self;
    unsafe fn xor(self, other: Self) -> Self;
    unsafe fn encrypt(self, round_key: Self) -> Self;
    unsafe fn encrypt_last(self, round_key: Self) -> Self;
    unsafe fn decrypt(self, round_key: Self) -> Self;
    unsafe fn decrypt_last(self, round_key: Self) -> Self;
}

/// The block at `at + offset`, which must be readable for 16 bytes.
#[inline(always)]
pub(super) unsafe fn block(at: *const u8, offset: usize) -> __m128i {
    // SAFETY: the caller promises 16 readable bytes; SSE2 is part of x86-64.
    unsafe { _mm_loadu_si128(at.add(offset).cast()) }
}

/// Writes a block to `at + offset`, which must be writable for 16 bytes.
#[inline(always)]
unsafe fn put(at: *mut u8, offset: usize, block: __m128i) {
    // SAFETY: the caller promises 16 writable bytes; SSE2 is part of x86-64.
    unsafe { _mm_storeu_si128(at.add(offset).cast(), block) }
}

impl Wide for __m128i {
    const LANES: usize = 1;

    #[inline(always)]
    unsafe fn splat(block: __m128i) -> Self {
        block
    }

    #[inline(always)]
    unsafe fn gather(at: *const *mut u8, offset: usize) -> Self {
        // SAFETY: the caller promises one pointer, readable for a block.
        unsafe { block(*at, offset) }
    }

    #[inline(always)]
    unsafe fn scatter(self, at: *const *mut u8, offset: usize) {
        // SAFETY: the caller promises one pointer, writable for a block.
        unsafe { put(*at, offset, self) }
    }

    #[inline(always)]
    unsafe fn load(at: *const u8) -> Self {
        // SAFETY: the caller promises one readable block.
        unsafe { block(at, 0) }
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut u8) {
        // SAFETY: the caller promises one writable block.
        unsafe { put(at, 0, self) }
    }

    #[inline(always)]
    unsafe fn behind(first: __m128i, _at: *const u8) -> Self {
        first
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: SSE2 is part of x86-64.
        unsafe { _mm_xor_si128(self, other) }
    }

    #[inline(always)]
    unsafe fn encrypt(self, round_key: Self) -> Self {
        // SAFETY: the caller promises `aes`.
        unsafe { _mm_aesenc_si128(self, round_key) }
    }

    #[inline(always)]
    unsafe fn encrypt_last(self, round_key: Self) -> Self {
        // SAFETY: the caller promises `aes`.
        unsafe { _mm_aesenclast_si128(self, round_key) }
    }

    #[inline(always)]
    unsafe fn decrypt(self, round_key: Self) -> Self {
        // SAFETY: the caller promises `aes`.
        unsafe { _mm_aesdec_si128(self, round_key) }
    }

    #[inline(always)]
    unsafe fn decrypt_last(self, round_key: Self) -> Self {
        // SAFETY: the caller promises `aes`.
        unsafe { _mm_aesdeclast_si128(self, round_key) }
    }
}

impl Wide for __m256i {
    const LANES: usize = 2;

    #[inline(always)]
    unsafe fn splat(block: __m128i) -> Self {
        // SAFETY: the caller promises `avx2`.
        unsafe { _mm256_broadcastsi128_si256(block) }
    }

    #[inline(always)]
    unsafe fn gather(at: *const *mut u8, offset: usize) -> Self {
        // SAFETY: the caller promises `avx2` and two pointers, readable for a block each.
        unsafe {
            let low = _mm256_castsi128_si256(block(*at, offset));
            _mm256_inserti128_si256::<1>(low, block(*at.add(1), offset))
        }
    }

    #[inline(always)]
    unsafe fn scatter(self, at: *const *mut u8, offset: usize) {
        // SAFETY: the caller promises `avx2` and two pointers, writable for a block each.
        unsafe {
            put(*at, offset, _mm256_castsi256_si128(self));
            put(*at.add(1), offset, _mm256_extracti128_si256::<1>(self));
        }
    }

    #[inline(always)]
    unsafe fn load(at: *const u8) -> Self {
        // SAFETY: the caller promises `avx2` and two readable blocks.
        unsafe { _mm256_loadu_si256(at.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut u8) {
        // SAFETY: the caller promises `avx2` and two writable blocks.
        unsafe { _mm256_storeu_si256(at.cast(), self) }
    }

    #[inline(always)]
    unsafe fn behind(first: __m128i, at: *const u8) -> Self {
        // SAFETY: the caller promises `avx2` and one readable block.
        unsafe { _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(first), block(at, 0)) }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the caller promises `avx2`.
        unsafe { _mm256_xor_si256(self, other) }
    }

    #[inline(always)]
    unsafe fn encrypt(self, round_key: Self) -> Self {
        // SAFETY: the caller promises `vaes`.
        unsafe { _mm256_aesenc_epi128(self, round_key) }
    }

    #[inline(always)]
    unsafe fn encrypt_last(self, round_key: Self) -> Self {
        // SAFETY: the caller promises `vaes`.
        unsafe { _mm256_aesenclast_epi128(self, round_key) }
    }

    #[inline(always)]
    unsafe fn decrypt(self, round_key: Self) -> Self {
        // SAFETY: the caller promises `vaes`.
        unsafe { _mm256_aesdec_epi128(self, round_key) }
    }

    #[inline(always)]
    unsafe fn decrypt_last(self, round_key: Self) -> Self {
        // SAFETY: the caller promises `vaes`.
        unsafe { _mm256_aesdeclast_epi128(self, round_key) }
    }
}

impl Wide for __m512i {
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn splat(block: __m128i) -> Self {
        // SAFETY: the caller promises `avx512f`.
        unsafe { _mm512_broadcast_i32x4(block) }
    }

    #[inline(always)]
    unsafe fn gather(at: *const *mut u8, offset: usize) -> Self {
        // SAFETY: the caller promises `avx512f` and four pointers, readable for a block each.
        unsafe {
            let lanes = _mm512_castsi128_si512(block(*at, offset));
            let lanes = _mm512_inserti32x4::<1>(lanes, block(*at.add(1), offset));
            let lanes = _mm512_inserti32x4::<2>(lanes, block(*at.add(2), offset));
            _mm512_inserti32x4::<3>(lanes, block(*at.add(3), offset))
        }
    }

    #[inline(always)]
    unsafe fn scatter(self, at: *const *mut u8, offset: usize) {
        // SAFETY: the caller promises `avx512f` and four pointers, writable for a block each.
        unsafe {
            put(*at, offset, _mm512_castsi512_si128(self));
            put(*at.add(1), offset, _mm512_extracti32x4_epi32::<1>(self));
            put(*at.add(2), offset, _mm512_extracti32x4_epi32::<2>(self));
            put(*at.add(3), offset, _mm512_extracti32x4_epi32::<3>(self));
        }
    }

    #[inline(always)]
    unsafe fn load(at: *const u8) -> Self {
        // SAFETY: the caller promises `avx512f` and four readable blocks.
        unsafe { _mm512_loadu_si512(at.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut u8) {
        // SAFETY: the caller promises `avx512f` and four writable blocks.
        unsafe { _mm512_storeu_si512(at.cast(), self) }
    }

    #[inline(always)]
    unsafe fn behind(first: __m128i, at: *const u8) -> Self {
        // SAFETY: the caller promises `avx512f` and three readable blocks.
        unsafe {
            let lanes = _mm512_castsi128_si512(first);
            let lanes = _mm512_inserti32x4::<1>(lanes, block(at, 0));
            let lanes = _mm512_inserti32x4::<2>(lanes, block(at, 16));
            _mm512_inserti32x4::<3>(lanes, block(at, 32))
        }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the caller promises `avx512f`.
        unsafe { _mm512_xor_si512(self, other) }
    }

    #[inline(always)]
    unsafe fn encrypt(self, round_key: Self) -> Self {
        // SAFETY: the caller promises `avx512f` and `vaes`.
        unsafe { _mm512_aesenc_epi128(self, round_key) }
    }

    #[inline(always)]
    unsafe fn encrypt_last(self, round_key: Self) -> Self {
        // SAFETY: the caller promises `avx512f` and `vaes`.
        unsafe { _mm512_aesenclast_epi128(self, round_key) }
    }

    #[inline(always)]
    unsafe fn decrypt(self, round_key: Self) -> Self {
        // SAFETY: the caller promises `avx512f` and `vaes`.
        unsafe { _mm512_aesdec_epi128(self, round_key) }
    }

    #[inline(always)]
    unsafe fn decrypt_last(self, round_key: Self) -> Self {
        // SAFETY: the caller promises `avx512f` and `vaes`.
        unsafe { _mm512_aesdeclast_epi128(self, round_key) }
    }
}
