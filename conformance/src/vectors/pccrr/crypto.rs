//! Replay of encryption and decryption of blocks.
//! Invariant: the key is compared by its work, for no key can be looked at.
//! Byte order: none.

use peerdist::cipher::{self, BLOCK_LEN, CbcKey, Padding};
use peerdist::retrieval::{CryptoAlgorithm, Quirk, payload_lengths};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::vectors::content::{Part, render};
use crate::vectors::{Group, Hex, Test, same, typed};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    operation: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(non_snake_case, reason = "the names are those of the document")]
struct Encrypt {
    segment_secret: Hex,
    CryptoAlgoId: u32,
    IVBlock: Hex,
    plaintext: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(non_snake_case, reason = "the names are those of the document")]
struct Decrypt {
    segment_secret: Hex,
    CryptoAlgoId: u32,
    IVBlock: Hex,
    Block: Hex,
    block_length: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(non_snake_case, reason = "the names are those of the document")]
struct Expect {
    result: String,
    quirks: Option<Vec<String>>,
    key: Option<Hex>,
    SizeOfBlock: Option<usize>,
    Block: Option<Hex>,
    block_sha256: Option<Hex>,
    plaintext: Option<Hex>,
    error: Option<String>,
}

pub(super) fn replay(group: &Group, test: &Test) -> Result<(), String> {
    let Parameters { operation } = typed("parameters", &group.parameters)?;
    let expect: Expect = typed("expect", &test.expect)?;
    match operation.as_str() {
        "encrypt" => encrypt(&typed("input", &test.input)?, &expect),
        "decrypt" => decrypt(&typed("input", &test.input)?, &expect),
        other => Err(format!("operation {other} of the vector")),
    }
}

/// The key as a peer makes it, and as the vector has it.
fn keys(algorithm: u32, secret: &Hex, expect: &Expect) -> Result<[CbcKey; 2], String> {
    let cipher = CryptoAlgorithm(algorithm).cipher();
    let cipher = cipher.ok_or_else(|| format!("CryptoAlgoId {algorithm} encrypts nothing"))?;
    let expected = expect.key.as_ref().ok_or("the vector has no key")?;
    let [made, expected] = [
        CbcKey::from_leading(cipher, &secret.0),
        CbcKey::new(cipher, &expected.0),
    ]
    .map(|key| key.map_err(|error| format!("key: {error}")));
    Ok([made?, expected?])
}

fn vector(iv: &Hex) -> Result<[u8; BLOCK_LEN], String> {
    let found = iv.0.len();
    iv.0.as_slice()
        .try_into()
        .map_err(|_| format!("an initialization vector of {found} bytes"))
}

fn encrypt(input: &Encrypt, expect: &Expect) -> Result<(), String> {
    let plain = render(&input.plaintext);
    let iv = vector(&input.IVBlock)?;
    for key in keys(input.CryptoAlgoId, &input.segment_secret, expect)? {
        let mut buffer = plain.clone();
        buffer.resize(cipher::padded_len(plain.len()), 0);
        cipher::encrypt(&key, iv, &mut buffer, plain.len()).map_err(|error| error.to_string())?;
        same("SizeOfBlock", &expect.SizeOfBlock, &Some(buffer.len()))?;
        match (&expect.Block, &expect.block_sha256) {
            (Some(block), None) => same("Block", block, &Hex(buffer))?,
            (None, Some(hash)) => {
                let found = Hex::from(&Sha256::digest(&buffer)[..]);
                same("block_sha256", hash, &found)?;
            }
            _ => return Err("the vector has not one of Block and block_sha256".to_owned()),
        }
    }
    same("plaintext", &expect.plaintext, &None)?;
    finish(expect, None)
}

fn decrypt(input: &Decrypt, expect: &Expect) -> Result<(), String> {
    let crypto = CryptoAlgorithm(input.CryptoAlgoId);
    for unused in [&expect.Block, &expect.block_sha256] {
        same("Block", unused, &None)?;
    }
    same("SizeOfBlock", &expect.SizeOfBlock, &None)?;
    if !payload_lengths(crypto, input.block_length).contains(&input.Block.0.len()) {
        same("result", &expect.result.as_str(), &"invalid")?;
        for unused in [&expect.key, &expect.plaintext] {
            same("key and plaintext", unused, &None)?;
        }
        same("quirks", &expect.quirks, &None)?;
        return same(
            "error",
            &expect.error.as_deref(),
            &Some("ciphertext-length"),
        );
    }
    let iv = vector(&input.IVBlock)?;
    let mut quirk = None;
    for key in keys(input.CryptoAlgoId, &input.segment_secret, expect)? {
        let mut buffer = input.Block.0.clone();
        cipher::decrypt(&key, iv, &mut buffer).map_err(|error| error.to_string())?;
        let (plain, padding) =
            cipher::unpad_to(&buffer, input.block_length).map_err(|error| error.to_string())?;
        same("plaintext", &expect.plaintext, &Some(Hex::from(plain)))?;
        quirk = Quirk::of_padding(padding);
        // The wrong key or vector can leave the plaintext in place and garble what follows only.
        if padding == Padding::Other {
            return Err("padding: neither PKCS7 nor zeros nor none".to_owned());
        }
    }
    finish(expect, quirk)
}

fn finish(expect: &Expect, quirk: Option<Quirk>) -> Result<(), String> {
    let verdict = if quirk.is_some() { "quirky" } else { "valid" };
    same("result", &expect.result.as_str(), &verdict)?;
    let found: Vec<_> = quirk.iter().map(|quirk| quirk.name().to_owned()).collect();
    same("quirks", &expect.quirks, &Some(found))?;
    same("error", &expect.error, &None)
}
