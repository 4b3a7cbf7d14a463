//! Content information (MS-PCCRC 2.3, 2.4) decoded from anything, cut to ranges, and made from content.
//! Invariant: what decodes is consistent, and every part cut out of it says the same as the whole.
//! Byte order: none, core reads the numbers.

use peerdist::client::WantedSegment;
use peerdist::content::create::Creator;
use peerdist::content::verify::Verifier;
use peerdist::content::{
    Block, CONTENT_MAX_BYTES, ContentInfo, ContentRange, Quirk, SecretKey, V1_SEGMENT_BYTES,
    V2_SEGMENT_MAX_BYTES, Version,
};
use peerdist::hash::HashAlgorithm;
use peerdist::wire::Reader;

use crate::agreement::decoded;
use crate::script::Script;

/// Decodes content information, walks it, and cuts it to ranges that follow from its bytes.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn content_information(data: &[u8]) {
    let decoded = decoded!(
        data,
        ContentInfo::decode(data),
        |trace| ContentInfo::decode_with(Reader::traced(data, trace)),
        |a, b| format!("{a:?}") == format!("{b:?}")
    );
    if let Ok(info) = decoded {
        assert_eq!(info.as_bytes(), data);
        is_consistent(&info);
        let range = info.range();
        let whole = info.restrict(range).expect("its own range");
        if info.version() == Version::V1 && info.quirks().is_empty() {
            assert_eq!(whole, data, "written as it was read");
        }
        is_part_of(&info, range, &whole);
        let again = ContentInfo::decode(&whole).expect("decoded before");
        assert_eq!(again.restrict(range).expect("its own range"), whole);
        for part in parts(data, range) {
            let bytes = info.restrict(part).expect("a part of its range");
            is_part_of(&info, part, &bytes);
        }
        refuses_what_lies_outside(&info);
    }
}

fn is_consistent(info: &ContentInfo<'_>) {
    let range = info.range();
    assert!(range.length > 0 && range.end() <= CONTENT_MAX_BYTES);
    assert!(info.segments_start() <= range.start && range.end() <= info.segments_end());
    if let Some(length) = info.content_length() {
        assert!(range.end() <= length && length <= CONTENT_MAX_BYTES);
    }
    let (mut count, mut offset, mut index) = (0, info.segments_start(), None);
    for segment in info.segments() {
        count += 1;
        assert_eq!(segment.offset, offset);
        assert!(index.is_none_or(|index| segment.index == index + 1));
        assert!(segment.length > 0);
        let is_last = count == info.segment_count();
        match info.version() {
            Version::V1 if is_last => assert!(segment.length <= V1_SEGMENT_BYTES),
            Version::V1 => assert_eq!(segment.length, V1_SEGMENT_BYTES),
            Version::V2 => assert!(segment.length <= V2_SEGMENT_MAX_BYTES),
        }
        let is_met = segment.offset < range.end() && range.start < segment.end();
        assert!(is_met || info.quirks().contains(Quirk::V2SegmentsPastRange));
        let listed: Vec<Block<'_>> = segment.blocks().collect();
        let first = listed.first().expect("a segment lists blocks");
        let last = listed.last().expect("a segment lists blocks");
        assert!(listed.iter().all(|block| block.length > 0));
        assert!(listed.is_sorted_by(|a, b| a.end() == b.offset && a.index + 1 == b.index));
        assert!(first.offset <= range.start.max(segment.offset));
        let needed = range.end().min(segment.end());
        assert!(needed <= last.end() && last.end() <= segment.end());
        assert!(last.index < segment.block_count());
        if count <= 4 {
            assert_eq!(segment.id().0.as_bytes().len(), info.hash().digest_len());
            let _ = segment.hashes_agree();
        }
        (offset, index) = (segment.end(), Some(segment.index));
    }
    assert_eq!(count, info.segment_count());
    assert_eq!(offset, info.segments_end());
    let wanted = WantedSegment::of(info).take(8);
    for wanted in wanted {
        let is_met = wanted.offset < range.end();
        assert_eq!(is_met, !wanted.blocks.is_empty());
        assert!(wanted.blocks.end() <= wanted.block_count());
    }
}

/// Holds content information of a part against that of the whole.
fn is_part_of(whole: &ContentInfo<'_>, range: ContentRange, bytes: &[u8]) {
    let part = ContentInfo::decode(bytes).expect("what was cut out decodes");
    assert_eq!(part.range(), range);
    assert_eq!(
        (part.version(), part.hash()),
        (whole.version(), whole.hash())
    );
    is_consistent(&part);
    let mut blocks = whole.blocks();
    for block in part.blocks() {
        let is_there = blocks.any(|of_whole| of_whole == block);
        assert!(is_there, "{block:?} is not in the whole");
    }
    let mut segments = whole.segments();
    for segment in part.segments() {
        let of_whole = segments.find(|of_whole| of_whole.index == segment.index);
        let of_whole = of_whole.expect("a segment of the whole");
        assert_eq!(of_whole.hash_of_data(), segment.hash_of_data());
        assert_eq!(of_whole.secret().expose(), segment.secret().expose());
        assert_eq!(of_whole.length, segment.length);
    }
}

/// Some parts of a range, chosen by bytes that the fuzzer controls.
fn parts(data: &[u8], range: ContentRange) -> impl Iterator<Item = ContentRange> {
    let mixed = |bytes: &[u8]| {
        let start = 0xCBF2_9CE4_8422_2325_u64;
        bytes.iter().fold(start, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3)
        })
    };
    let (front, back) = data.split_at(data.len() / 2);
    let (a, b) = (mixed(front), mixed(back));
    [(a, b), (b, a), (0, a), (a, u64::MAX), (a, 0)]
        .into_iter()
        .map(move |(from, length)| {
            let skipped = from % range.length;
            ContentRange {
                start: range.start + skipped,
                length: length % (range.length - skipped) + 1,
            }
        })
}

fn refuses_what_lies_outside(info: &ContentInfo<'_>) {
    let range = info.range();
    let outside = [
        ContentRange { length: 0, ..range },
        ContentRange {
            length: range.length + 1,
            ..range
        },
        ContentRange {
            start: range.end(),
            length: 1,
        },
        ContentRange {
            start: u64::MAX,
            length: u64::MAX,
        },
    ];
    for range in outside {
        assert!(info.restrict(range).is_err(), "{range:?}");
    }
    if let Some(start) = range.start.checked_sub(1) {
        assert!(info.restrict(ContentRange { start, length: 2 }).is_err());
    }
}

/// Makes content information from content in pieces of any size, and verifies the content by it.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn content_creation(data: &[u8]) {
    let mut script = Script::new(data);
    let kind = script.byte();
    let repeats = usize::from(script.byte()) + 1;
    let piece = usize::from(script.u16()) + 1;
    let damaged = script.u32() as usize;
    let lengths: Vec<u32> = (0..kind >> 4)
        .map(|_| script.u32() % (V2_SEGMENT_MAX_BYTES + 1))
        .collect();
    let secret =
        SecretKey::new(script.bytes()).unwrap_or_else(|_| SecretKey::new([7]).expect("a byte"));
    let content = script.rest().repeat(repeats);
    let create = |piece: usize| {
        let mut creator = match kind % 5 {
            0 => Creator::v1(HashAlgorithm::Sha256, &secret)?,
            1 => Creator::v1(HashAlgorithm::Sha384, &secret)?,
            2 => Creator::v1(HashAlgorithm::Sha512, &secret)?,
            3 => Creator::v2(&secret),
            _ => Creator::v2_with_lengths(&secret, &lengths)?,
        };
        content
            .chunks(piece)
            .try_for_each(|piece| creator.update(piece))?;
        creator.finish()
    };
    let whole = create(content.len().max(1)).map(|info| info.to_vec());
    let in_pieces = create(piece).map(|info| info.to_vec());
    assert_eq!(in_pieces.as_ref().ok(), whole.as_ref().ok());
    let Ok(bytes) = whole else {
        let may_fail = content.is_empty() || kind % 5 == 4;
        assert!(may_fail, "{whole:?}");
        return;
    };
    let info = ContentInfo::decode(&bytes).expect("what was made decodes");
    assert!(info.quirks().is_empty());
    is_consistent(&info);
    let length = content.len() as u64;
    assert_eq!(info.range(), ContentRange { start: 0, length });
    assert_eq!(info.content_length(), Some(length));
    let verify = |content: &[u8]| {
        let mut verifier = Verifier::new(&info);
        content
            .chunks(piece)
            .for_each(|piece| verifier.update(piece));
        verifier.finish().is_good()
    };
    assert!(verify(&content));
    let mut other = content;
    let at = damaged % other.len();
    if let Some(byte) = other.get_mut(at) {
        *byte ^= 1;
    }
    assert!(!verify(&other), "damage at byte {at} goes unnoticed");
    other.truncate(at);
    assert!(
        !verify(&other),
        "content that ends at byte {at} goes unnoticed"
    );
}

/// Reads a key file (MS-PCCRC 2.5), and writes and reads one of any secret.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn key_file(data: &[u8]) {
    let mut script = Script::new(data);
    let passphrase = String::from_utf8_lossy(script.bytes()).into_owned();
    let bytes = script.rest();
    match SecretKey::import(bytes, &passphrase) {
        Ok(secret) => {
            let file = secret
                .export(&passphrase)
                .expect("a passphrase that read one");
            assert_eq!(file, bytes, "written as it was read");
        }
        Err(error) => assert!(!error.name().is_empty() && !error.to_string().is_empty()),
    }
    let (Ok(secret), false) = (SecretKey::new(bytes), passphrase.is_empty()) else {
        return;
    };
    let mut file = secret
        .export(&passphrase)
        .expect("a secret and a passphrase");
    let read = SecretKey::import(&file, &passphrase).expect("what was written");
    assert_eq!(read.expose(), bytes);
    assert!(SecretKey::import(&file, &format!("{passphrase}x")).is_err());
    let at = bytes.len() * 7 % file.len();
    if let Some(byte) = file.get_mut(at) {
        *byte ^= 1;
    }
    assert!(
        SecretKey::import(&file, &passphrase).is_err(),
        "damage at byte {at}"
    );
}
