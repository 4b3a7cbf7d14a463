//! Cutting by content: kernels against each other, the laws of segments, what an edit changes.
//! Invariant: whatever is random here comes from the seeds written beside it.
//! Byte order: none.

use std::collections::BTreeSet;

use super::*;

/// xorshift64*: `len` bytes that follow from `seed`.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        bytes.extend_from_slice(&next(&mut state).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

fn next(state: &mut u64) -> u64 {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    state.wrapping_mul(0x2545_F491_4F6C_DD1D)
}

/// Lines of a log: few letters, much repetition, no two lines alike.
fn text(seed: u64, len: usize) -> Vec<u8> {
    const WORDS: [&str; 8] = [
        "open", "close", "read", "write", "sync", "lock", "stat", "error",
    ];
    let mut state = seed | 1;
    let mut text = String::with_capacity(len + 80);
    for line in 0.. {
        if text.len() >= len {
            break;
        }
        let random = next(&mut state);
        let word = WORDS[usize::try_from(random >> 61).unwrap()];
        let (user, size) = (random >> 40 & 0x3F, random & 0xFFF);
        text.push_str(&format!(
            "{line:08} user{user} {word} /srv/data/file.txt size={size}\n"
        ));
    }
    text.truncate(len);
    text.into_bytes()
}

/// Contents of all kinds: noise, text, runs, short periods, few letters, records.
fn contents() -> Vec<(&'static str, Vec<u8>)> {
    let long = 600_000;
    let few: Vec<u8> = noise(3, long)
        .iter()
        .map(|byte| b'A' + (byte & 3))
        .collect();
    let records: Vec<u8> = (0u32..40_000)
        .flat_map(|i| [i, i * 16, 7, 0].map(u32::to_le_bytes))
        .flatten()
        .collect();
    let mut islands = vec![0; long];
    islands[100_000..101_000].copy_from_slice(&noise(4, 1000));
    islands[400_000..430_000].copy_from_slice(&text(5, 30_000));
    vec![
        ("noise", noise(1, long)),
        ("text", text(2, long)),
        ("few letters", few),
        ("records", records),
        ("zeros", vec![0; long]),
        ("ones", vec![0xFF; long]),
        ("islands", islands),
        ("period 3", noise(6, 3).repeat(long / 3)),
        ("period 80", noise(7, 80).repeat(long / 80)),
        ("run of fallbacks", run_of(FALLBACK, LOOSE).repeat(long / 4)),
        ("run of loose ones", run_of(LOOSE, STRICT).repeat(long / 4)),
        (
            "run of strict ones",
            run_of(STRICT, u32::MAX).repeat(long / 4),
        ),
    ]
}

/// Four bytes whose repetition is a candidate everywhere, with a hash in the given range.
fn run_of(least: u32, below: u32) -> [u8; 4] {
    let mut found = (0u32..).map(u32::to_le_bytes);
    found
        .find(|word| {
            portable::hash(&word.repeat(18)).is_some_and(|hash| (least..below).contains(&hash))
        })
        .unwrap()
}

/// Section 2 of `docs/SEGMENTATION.md`, word for word.
fn candidates_by_definition(data: &[u8]) -> Vec<Candidate> {
    let word = |at: usize| {
        let dword = |at: usize| u32::from_le_bytes(data[at..at + 4].try_into().unwrap());
        dword(at)
            .wrapping_mul(0x9E37_79B1)
            .wrapping_add(dword(at + 4).wrapping_mul(0x27D4_EB2F))
    };
    let hashes = (72..=data.len()).map(|at| (at, word(at - 72).wrapping_add(word(at - 8))));
    hashes
        .filter(|(_, hash)| *hash >= 0xFFF0_0000)
        .map(|(at, hash)| Candidate { at, hash })
        .collect()
}

/// Section 3 of `docs/SEGMENTATION.md`, looking at each segment from its start.
fn segments_by_definition(data: &[u8]) -> Vec<u32> {
    let candidates = candidates_by_definition(data);
    let mut lengths = Vec::new();
    let mut start = 0;
    while start < data.len() {
        let from = candidates.partition_point(|candidate| candidate.at < start + 16_384);
        let upto = candidates.partition_point(|candidate| candidate.at <= start + 131_072);
        let near = &candidates[from.min(upto)..upto];
        let good = near.iter().find(|candidate| {
            let wanted = if candidate.at - start < 65_536 {
                0xFFFF_0000
            } else {
                0xFFFE_0000
            };
            candidate.hash >= wanted
        });
        let end = match (good, near.iter().max_by_key(|candidate| candidate.hash)) {
            (Some(good), _) => good.at,
            (None, _) if data.len() - start < 131_072 => data.len(),
            (None, Some(best)) => best.at,
            (None, None) => start + 131_072,
        };
        lengths.push(u32::try_from(end - start).unwrap());
        start = end;
    }
    lengths
}

fn cut_in_pushes<'a>(engine: &'static Engine, pushes: impl Iterator<Item = &'a [u8]>) -> Vec<u32> {
    let mut lengths = Vec::new();
    let mut cutter = Cutter::with_engine(engine);
    for push in pushes {
        cutter.push(push, &mut |len| lengths.push(len));
    }
    cutter.finish(&mut |len| lengths.push(len));
    lengths
}

/// What a segment is known by, here: its bytes.
fn slices<'a>(data: &'a [u8], lengths: &[u32]) -> Vec<&'a [u8]> {
    let mut rest = data;
    let mut slices = Vec::new();
    for len in lengths {
        let (slice, after) = rest.split_at(*len as usize);
        slices.push(slice);
        rest = after;
    }
    assert!(rest.is_empty(), "the lengths add up to the content");
    slices
}

fn assert_legal(name: &str, data: &[u8], lengths: &[u32]) {
    assert_eq!(
        lengths.iter().map(|len| *len as usize).sum::<usize>(),
        data.len(),
        "{name}"
    );
    let (last, others) = lengths.split_last().unwrap();
    assert!(
        others
            .iter()
            .all(|len| (MIN_SEGMENT..=MAX_SEGMENT).contains(len)),
        "{name}: {lengths:?}"
    );
    assert!((1..=MAX_SEGMENT).contains(last), "{name}: {last}");
}

#[test]
fn every_kernel_finds_the_candidates_of_the_definition() {
    for name in Engine::names() {
        let Some(engine) = Engine::named(name) else {
            eprintln!("NOT RUN: this processor has no cutting engine `{name}`");
            continue;
        };
        eprintln!("run: cutting engine `{name}`");
        for (content, data) in contents() {
            let mut found = Vec::new();
            engine.scan(&data, REACH + 1, &mut found);
            assert!(
                found == candidates_by_definition(&data),
                "{name}: {content}"
            );
        }
        // All lengths around those at which a kernel does another block, at all alignments.
        let run = run_of(STRICT, u32::MAX).repeat(200);
        for len in 0..400 {
            let data = &run[len % 67..][..len];
            let mut found = Vec::new();
            engine.scan(data, REACH + 1, &mut found);
            assert_eq!(found, candidates_by_definition(data), "{name}: {len} bytes");
        }
    }
}

#[test]
fn cuts_follow_the_definition() {
    for (name, data) in contents() {
        assert_eq!(segments(&data), segments_by_definition(&data), "{name}");
    }
}

#[test]
fn the_worked_example_of_the_document_holds() {
    let mut state = 1u32;
    let data: Vec<u8> = (0..300_000)
        .map(|_| {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7FFF_FFFF;
            state.to_le_bytes()[2]
        })
        .collect();
    let mut found = Vec::new();
    scan(&[], &data, &mut found);
    assert_eq!(found.len(), 72);
    assert_eq!(
        found[..3],
        [
            (10_262, 0xFFF2_3968),
            (11_882, 0xFFFD_6F1B),
            (13_855, 0xFFFF_A054)
        ]
        .map(|(at, hash)| Candidate { at, hash })
    );
    assert_eq!(segments(&data), [40_614, 20_700, 95_318, 116_222, 27_146]);
}

#[test]
fn lengths_are_legal_on_all_contents() {
    for (name, data) in contents() {
        assert_legal(name, &data, &segments(&data));
    }
}

#[test]
fn an_empty_content_has_no_segments() {
    assert_eq!(segments(&[]), []);
    assert_eq!(
        cut_in_pushes(Engine::current(), [&[][..], &[]].into_iter()),
        []
    );
}

#[test]
fn a_short_content_is_one_segment() {
    for len in [1, 7, 8, 71, 72, 73, 16_383] {
        assert_eq!(segments(&noise(8, len)), [u32::try_from(len).unwrap()]);
    }
}

#[test]
fn a_run_of_one_byte_is_cut_at_the_longest_segment() {
    for byte in 0..=u8::MAX {
        assert_eq!(segments(&vec![byte; 131_072 + 5]), [131_072, 5], "{byte}");
    }
    assert_eq!(segments(&[0; 4 * 131_072]), [131_072; 4]);
    assert_eq!(segments(&[0; 131_071]), [131_071]);
}

#[test]
fn a_run_of_two_bytes_in_turn_is_no_cut() {
    for pair in 0..=u16::MAX {
        let hash = portable::hash(&pair.to_le_bytes().repeat(36)).unwrap();
        assert!(hash < LOOSE, "{pair:#06x}");
    }
}

#[test]
fn runs_of_candidates_keep_lengths_legal() {
    for (range, expected) in [
        ((FALLBACK, LOOSE), MAX_SEGMENT),
        ((LOOSE, STRICT), NORMAL_SEGMENT),
        ((STRICT, u32::MAX), MIN_SEGMENT),
    ] {
        let lengths = segments(&run_of(range.0, range.1).repeat(200_000));
        let (_, others) = lengths.split_last().unwrap();
        assert!(others.iter().all(|len| *len == expected), "{lengths:?}");
    }
}

#[test]
fn any_split_into_pushes_gives_the_same_cuts() {
    for (name, data) in contents() {
        let whole = segments(&data);
        for engine in Engine::available() {
            for size in [1009, 8191, 65_536, 131_073] {
                assert_eq!(
                    cut_in_pushes(engine, data.chunks(size)),
                    whole,
                    "{engine}, {name}, by {size}"
                );
            }
            let mut state = 9;
            let mut rest = &data[..];
            let random = std::iter::from_fn(|| {
                let len = usize::try_from(next(&mut state) >> 48)
                    .unwrap()
                    .min(rest.len());
                let (push, after) = rest.split_at(len >> (len % 16));
                rest = after;
                (!push.is_empty() || !rest.is_empty()).then_some(push)
            });
            assert_eq!(
                cut_in_pushes(engine, random),
                whole,
                "{engine}, {name}, at random"
            );
        }
    }
    let data = &noise(10, 140_000);
    assert_eq!(
        cut_in_pushes(Engine::current(), data.chunks(1)),
        segments(data)
    );
}

#[test]
fn pieces_scanned_apart_give_the_same_cuts() {
    for (name, data) in contents() {
        for size in [1, 70, 71, 72, 1000, 65_536, 300_000] {
            if size < 1000 && name != "text" {
                continue; // Short pieces are slow; one content shows the law.
            }
            let (mut lengths, mut selector) = (Vec::new(), Selector::new());
            for (place, piece) in data.chunks(size).enumerate() {
                let mut found = Vec::new();
                scan(&data[..place * size], piece, &mut found);
                selector.feed(piece.len(), &found, &mut |len| lengths.push(len));
            }
            selector.finish(&mut |len| lengths.push(len));
            assert_eq!(lengths, segments(&data), "{name} by {size}");
        }
    }
}

#[test]
fn a_finished_cutter_is_new_again() {
    let data = noise(11, 300_000);
    let mut cutter = Cutter::new();
    for _ in 0..2 {
        let mut lengths = Vec::new();
        cutter.push(&data, &mut |len| lengths.push(len));
        cutter.finish(&mut |len| lengths.push(len));
        assert_eq!(lengths, segments(&data));
    }
}

#[test]
fn segments_of_noise_are_about_64_kib_and_seldom_forced() {
    let data = noise(12, 16 << 20);
    let lengths = segments(&data);
    let mean = data.len() / lengths.len();
    assert!((56 << 10..72 << 10).contains(&mean), "{mean}");
    assert!(!lengths.contains(&MAX_SEGMENT));
}

#[test]
fn one_byte_in_front_leaves_99_of_100_segments_of_64_mib_unchanged() {
    for old in [noise(13, 64 << 20), text(14, 64 << 20)] {
        let new = [&b"+"[..], &old].concat();
        let (before, after) = (segments(&old), segments(&new));
        let known: BTreeSet<&[u8]> = slices(&old, &before).into_iter().collect();
        let kept = slices(&new, &after)
            .into_iter()
            .filter(|slice| known.contains(slice))
            .count();
        assert!(kept * 100 >= after.len() * 99, "{kept} of {}", after.len());
    }
}

#[test]
fn the_override_is_honoured_or_refused_with_a_reason() {
    assert!(
        Engine::find("avx1024")
            .unwrap_err()
            .to_string()
            .contains("no cutting engine `avx1024`")
    );
    match Engine::from_env() {
        Ok(Some(engine)) => assert_eq!(Engine::current().name(), engine.name()),
        Ok(None) => eprintln!("NOT RUN: {ENGINE_VARIABLE} names no engine"),
        Err(error) => eprintln!("NOT RUN: {error}"),
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn lanes_spread_to_every_fourth_bit() {
    for lanes in 0..=u16::MAX {
        let expected = (0..16)
            .filter(|lane| lanes >> lane & 1 == 1)
            .map(|lane| 1u64 << (4 * lane))
            .sum();
        assert_eq!(x86::spread(u64::from(lanes)), expected);
    }
}
