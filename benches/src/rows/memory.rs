//! Rows of work in memory: digests of many blocks, cutting, ciphers.
//! Invariant: both sides work on the same bytes in place and their results were equal before anything is timed.

use std::hint::black_box;

use peerdist::content;
use peerdist::content::cut::Engine as CutEngine;
use peerdist::hash::{Engine, HashAlgorithm};

use super::Context;
use super::judge::{Round, Subject, Unit};
use crate::core_share::share_of_core;
use crate::pairs::Side;
use crate::rivals::libcrypto::Libcrypto;
use crate::rivals::{cut, tape};
use crate::workload::{BLOCK_LEN, IN_MEMORY_LEN, noise};

const SEED: u64 = 1;

/// SHA-256 of all 64 KiB blocks of 16 MiB.
pub fn v1_sha256(context: &Context) -> Round {
    let data = noise(IN_MEMORY_LEN, SEED);
    let blocks: Vec<&[u8]> = data.chunks(BLOCK_LEN).collect();
    against_evp(context, "v1-sha256", HashAlgorithm::Sha256, &blocks)
}

/// SHA-512 of segments of 16 to 128 KiB, the lengths those of the rival's cutter.
pub fn v2_sha512(context: &Context) -> Round {
    let data = noise(IN_MEMORY_LEN, SEED);
    let segments: Vec<&[u8]> = cut::segments(&data).collect();
    against_evp(
        context,
        "v2-sha512",
        HashAlgorithm::Sha512Truncated,
        &segments,
    )
}

/// Cutting 16 MiB by content and SHA-512 of the segments, each side with its own cutter.
pub fn v2_cut_and_hash(context: &Context) -> Round {
    let algorithm = HashAlgorithm::Sha512Truncated;
    let data = noise(IN_MEMORY_LEN, SEED);
    let mut out = Vec::new();
    let ours = Side::in_memory(data.len() as u64, || {
        let segments = our_segments(black_box(&data));
        out.resize(segments.len() * algorithm.digest_len(), 0);
        Engine::current().digest_many(algorithm, &segments, &mut out);
        black_box(&out);
    });
    let rival = context
        .libcrypto
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|library| {
            let mut digest = evp(library, algorithm)?;
            let data = &data;
            Ok(Side::in_memory(data.len() as u64, move || {
                for segment in cut::segments(black_box(data)) {
                    black_box(digest(segment));
                }
            }))
        });
    let subject = Subject {
        name: "v2-cut-and-hash",
        kernel: format!(
            "cut {}, hash {}",
            CutEngine::current().name(),
            Engine::current().kernel_name(algorithm)
        ),
        unit: Unit::GigabytesASecond,
        ours: Ok(ours),
        rival_name: format!("{} + {}", cut::NAME, context.evp_name()),
        rival,
        pairs: context.settings.memory_pairs,
        share_of_core: &share_of_core,
    };
    Round::measure(subject)
}

/// Cutting alone; informs only.
pub fn v2_cut(context: &Context) -> Round {
    let data = noise(IN_MEMORY_LEN, SEED);
    let subject = Subject {
        name: "v2-cut",
        kernel: CutEngine::current().name().to_owned(),
        unit: Unit::GigabytesASecond,
        ours: Ok(Side::in_memory(data.len() as u64, || {
            black_box(content::cut::segments(black_box(&data)));
        })),
        rival_name: cut::NAME.to_owned(),
        rival: Ok(Side::in_memory(data.len() as u64, || {
            black_box(cut::segments(black_box(&data)).count());
        })),
        pairs: context.settings.memory_pairs,
        share_of_core: &share_of_core,
    };
    Round::measure(subject)
}

/// The segments of our cutter.
fn our_segments(data: &[u8]) -> Vec<&[u8]> {
    let mut rest = data;
    let lengths = content::cut::segments(data).into_iter();
    // A segment is at most 128 KiB long.
    lengths
        .filter_map(|len| rest.split_off(..len as usize))
        .collect()
}

/// The same as `v1-sha256` against the fastest crate; informs only.
pub fn v1_sha256_tape(context: &Context) -> Round {
    let data = noise(IN_MEMORY_LEN, SEED);
    let blocks: Vec<&[u8]> = data.chunks(BLOCK_LEN).collect();
    let mut ours = vec![0; blocks.len() * 32];
    let mut theirs = vec![[0; 32]; blocks.len()];
    let engine = Engine::current();
    engine.digest_many(HashAlgorithm::Sha256, &blocks, &mut ours);
    tape::digest_many(&blocks, &mut theirs);
    let agree = ours == theirs.as_flattened();
    let subject = Subject {
        name: "v1-sha256-tape",
        kernel: engine.kernel_name(HashAlgorithm::Sha256).to_owned(),
        unit: Unit::GigabytesASecond,
        ours: if agree {
            Ok(our_digests(HashAlgorithm::Sha256, &blocks))
        } else {
            differ()
        },
        rival_name: tape::name(),
        rival: Ok(Side::in_memory(IN_MEMORY_LEN as u64, || {
            tape::digest_many(black_box(&blocks), &mut theirs);
            black_box(&theirs);
        })),
        pairs: context.settings.memory_pairs,
        share_of_core: &share_of_core,
    };
    Round::measure(subject)
}

fn differ<'a>() -> Result<Side<'a>, String> {
    Err("the results of the two sides differ".to_owned())
}

fn our_digests<'a>(algorithm: HashAlgorithm, inputs: &'a [&'a [u8]]) -> Side<'a> {
    let mut out = vec![0; inputs.len() * algorithm.digest_len()];
    Side::in_memory(total_len(inputs), move || {
        Engine::current().digest_many(algorithm, black_box(inputs), &mut out);
        black_box(&out);
    })
}

fn total_len(inputs: &[&[u8]]) -> u64 {
    inputs.iter().map(|input| input.len() as u64).sum()
}

fn against_evp(
    context: &Context,
    name: &'static str,
    algorithm: HashAlgorithm,
    inputs: &[&[u8]],
) -> Round {
    let rival = context
        .libcrypto
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|library| {
            let mut digest = evp(library, algorithm)?;
            let agree = inputs.iter().all(|input| {
                Engine::current().digest(algorithm, input).as_ref()
                    == &digest(input)[..algorithm.digest_len()]
            });
            let side = Side::in_memory(total_len(inputs), move || {
                for input in inputs {
                    black_box(digest(black_box(input)));
                }
            });
            Ok((agree, side))
        });
    let subject = Subject {
        name,
        kernel: Engine::current().kernel_name(algorithm).to_owned(),
        unit: Unit::GigabytesASecond,
        ours: match &rival {
            Ok((false, _)) => differ(),
            _ => Ok(our_digests(algorithm, inputs)),
        },
        rival_name: context.evp_name(),
        rival: rival.map(|(_, side)| side),
        pairs: context.settings.memory_pairs,
        share_of_core: &share_of_core,
    };
    Round::measure(subject)
}

fn evp(
    library: &Libcrypto,
    algorithm: HashAlgorithm,
) -> Result<impl FnMut(&[u8]) -> [u8; 64] + '_, crate::rivals::NotInstalled> {
    let mut hasher = library.hasher(match algorithm {
        HashAlgorithm::Sha256 => c"SHA256",
        HashAlgorithm::Sha384 => c"SHA384",
        HashAlgorithm::Sha512 | HashAlgorithm::Sha512Truncated => c"SHA512",
    })?;
    Ok(move |data: &[u8]| {
        let mut out = [0; 64];
        hasher.digest_into(data, &mut out);
        out
    })
}
