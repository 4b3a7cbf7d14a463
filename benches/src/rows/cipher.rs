//! Rows of AES-128-CBC in memory: many blocks of 64 KiB with their padding, one key, an IV for each block.
//! Invariant: both sides cipher the same blocks where they lie and gave the same bytes before anything is timed.

use std::hint::black_box;

use peerdist::cipher::{BlockCipher, CbcKey, DecryptJob, EncryptJob, Engine};

use super::Context;
use super::judge::{Round, Subject, Unit};
use crate::core_share::share_of_core;
use crate::pairs::Side;
use crate::rivals::libcrypto::Direction;
use crate::workload::{BLOCK_LEN, IN_MEMORY_LEN, noise};

/// A block as it is sent (PCCRR 2.2.5.3): padded by 16 bytes.
const PADDED_LEN: usize = BLOCK_LEN + 16;

const SEED: u64 = 3;
const KEY: [u8; 16] = *b"a key of AES 128";

/// A server's work: encryption of many blocks.
pub fn encrypt(context: &Context) -> Round {
    row(context, "aes-cbc-encrypt", Direction::Encrypt, PADDED_LEN)
}

/// Blocks without padding, side by side: at a distance of 64 KiB they all fall on one set of each cache.
/// Whoever pools buffers so gets this; informs only.
pub fn encrypt_unpadded(context: &Context) -> Round {
    row(
        context,
        "aes-cbc-encrypt-64k-stride",
        Direction::Encrypt,
        BLOCK_LEN,
    )
}

/// A client's work: decryption of many blocks.
pub fn decrypt(context: &Context) -> Round {
    row(context, "aes-cbc-decrypt", Direction::Decrypt, PADDED_LEN)
}

/// No two blocks share an IV.
fn iv(block: usize) -> [u8; 16] {
    (block as u128 + 1).to_le_bytes()
}

fn ours(
    key: &CbcKey,
    direction: Direction,
    message_len: usize,
    data: &mut [u8],
) -> Result<(), String> {
    let blocks = data.chunks_mut(message_len).enumerate();
    let said = |error: peerdist::cipher::CipherError| error.to_string();
    match direction {
        Direction::Encrypt => {
            let jobs: Result<Vec<_>, _> = blocks
                .map(|(at, block)| EncryptJob::unpadded(key, iv(at), block).map_err(said))
                .collect();
            Engine::current().encrypt_many(&mut jobs?);
        }
        Direction::Decrypt => {
            let jobs: Result<Vec<_>, _> = blocks
                .map(|(at, block)| DecryptJob::new(key, iv(at), block).map_err(said))
                .collect();
            Engine::current().decrypt_many(&mut jobs?);
        }
    }
    Ok(())
}

fn row(context: &Context, name: &'static str, direction: Direction, message_len: usize) -> Round {
    let all_len = IN_MEMORY_LEN / BLOCK_LEN * message_len;
    let rival = context.libcrypto.as_ref().map_err(Clone::clone);
    let rival = rival.and_then(|library| {
        let mut cipher = library.aes_128_cbc(&KEY, direction)?;
        Ok(move |data: &mut [u8]| {
            for (at, block) in data.chunks_mut(message_len).enumerate() {
                cipher.apply(&iv(at), block);
            }
        })
    });
    let (mut our_data, mut rival_data) = (noise(all_len, SEED), noise(all_len, SEED));
    let key = CbcKey::new(BlockCipher::Aes128, &KEY).map_err(|error| error.to_string());
    let first = key.as_ref().map_err(Clone::clone);
    let mut ready = first.and_then(|key| ours(key, direction, message_len, &mut our_data));
    let rival = rival.map(|mut apply| {
        apply(&mut rival_data);
        if ready.is_ok() && our_data != rival_data {
            ready = Err("the results of the two sides differ".to_owned());
        }
        Side::in_memory(all_len as u64, move || apply(black_box(&mut rival_data)))
    });
    let our_side = ready.and(key).map(|key| {
        Side::in_memory(all_len as u64, move || {
            // The first run above went well with the same lengths.
            let _ = black_box(ours(&key, direction, message_len, black_box(&mut our_data)));
        })
    });
    let engine = Engine::current();
    let kernel = engine.to_string();
    let (rival_name, pairs) = (context.evp_name(), context.settings.memory_pairs);
    let mut round = Round::measure(Subject {
        name,
        kernel,
        unit: Unit::GigabytesASecond,
        ours: our_side,
        rival_name,
        rival,
        pairs,
        share_of_core: &share_of_core,
    });
    round.add_note(if message_len == BLOCK_LEN {
        "messages side by side at exactly 64 KiB, all on one set of each cache: the worst case for lanes"
    } else {
        "messages as sent, padded to 65,552 bytes; see aes-cbc-encrypt-64k-stride for the worst case"
    });
    round
}
