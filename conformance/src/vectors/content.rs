//! Content that vectors describe instead of carrying it.
//! Invariant: the same description gives the same bytes in every language; `vectors/README.md` defines the patterns.
//! Byte order: the counter of a stream is big-endian.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Hex;

const WORDS: [&str; 16] = [
    "branch", "cache", "segment", "block", "server", "client", "offer", "probe", "hash", "secret",
    "range", "office", "content", "peer", "message", "link",
];

/// One part of a content.
#[derive(Debug, Deserialize)]
#[serde(tag = "pattern", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Part {
    Repeat { hex: Hex, length: usize },
    Sha256Counter { seed: String, length: usize },
    Words { seed: String, length: usize },
}

/// All parts, one behind the other.
pub(super) fn render(parts: &[Part]) -> Vec<u8> {
    parts.iter().flat_map(Part::render).collect()
}

impl Part {
    fn render(&self) -> Vec<u8> {
        match self {
            Self::Repeat {
                hex: Hex(bytes),
                length,
            } => bytes
                .repeat(length.div_ceil(bytes.len().max(1)))
                .into_iter()
                .take(*length)
                .collect(),
            Self::Sha256Counter { seed, length } => counter_stream(seed, *length),
            Self::Words { seed, length } => {
                // The shortest word with what follows it has five bytes.
                let mut text = Vec::with_capacity(length + 8);
                for choice in counter_stream(seed, length / 5 + 1) {
                    let word = WORDS
                        .get(usize::from(choice & 15))
                        .copied()
                        .unwrap_or_default();
                    text.extend_from_slice(word.as_bytes());
                    text.push(if choice >= 0xf0 { b'\n' } else { b' ' });
                }
                text.truncate(*length);
                text
            }
        }
    }
}

fn counter_stream(seed: &str, length: usize) -> Vec<u8> {
    let mut stream = Vec::with_capacity(length + 32);
    for counter in 0u64.. {
        if stream.len() >= length {
            break;
        }
        let digest = Sha256::new()
            .chain_update(seed)
            .chain_update(counter.to_be_bytes());
        stream.extend_from_slice(&digest.finalize());
    }
    stream.truncate(length);
    stream
}
