//! Vectors of MS-PCCRC 2.2: secrets and ids derived from one another.
//! Invariant: everything that the input allows to derive and the vector expects is compared.
//! Byte order: none.

use peerdist::content::{HashOfData, SecretKey, SegmentSecret, ServerSecret};
use peerdist::hash::Digest;
use serde::Deserialize;

use super::{Group, Hash, Test, Verdict, same, typed};
use crate::vectors::Hex;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    algorithm: Hash,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    secret_key: Option<Hex>,
    passphrase: Option<String>,
    segment_secret: Option<Hex>,
    hod: Option<Hex>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    result: Verdict,
    secret_key: Option<Hex>,
    server_secret: Option<Hex>,
    segment_secret: Option<Hex>,
    segment_id: Option<Hex>,
}

pub(super) fn replay(group: &Group, test: &Test) -> Result<(), String> {
    let parameters: Parameters = typed("parameters", &group.parameters)?;
    let input: Input = typed("input", &test.input)?;
    let expect: Expect = typed("expect", &test.expect)?;
    same("result", &expect.result, &Verdict::Valid)?;
    let algorithm = parameters.algorithm.algorithm();
    let key = match (&input.secret_key, &input.passphrase) {
        (Some(Hex(bytes)), None) => Some(SecretKey::new(bytes.as_slice())),
        (None, Some(text)) => Some(SecretKey::from_passphrase(text)),
        _ => None,
    };
    let key = key.transpose().map_err(|error| error.to_string())?;
    let server = key.as_ref().map(|key| ServerSecret::new(algorithm, key));
    let hod = input
        .hod
        .as_ref()
        .map(|Hex(bytes)| Digest::of(algorithm, bytes).map(HashOfData));
    let hod = hod.transpose().map_err(|error| error.to_string())?;
    let given = input
        .segment_secret
        .map(|Hex(bytes)| SegmentSecret::new(&bytes));
    let derived = server
        .as_ref()
        .zip(hod.as_ref())
        .map(|(server, hod)| server.segment_secret(hod));
    let segment_secret = given.or(derived);
    let id = segment_secret
        .as_ref()
        .zip(hod.as_ref())
        .map(|(kp, hod)| kp.segment_id(algorithm, hod));

    expected(
        "secret key",
        expect.secret_key,
        key.as_ref().map(SecretKey::expose),
    )?;
    expected(
        "Ks",
        expect.server_secret,
        server.as_ref().map(ServerSecret::expose),
    )?;
    expected(
        "Kp",
        expect.segment_secret,
        segment_secret.as_ref().map(SegmentSecret::expose),
    )?;
    expected(
        "HoHoDk",
        expect.segment_id,
        id.as_ref().map(|id| id.0.as_ref()),
    )
}

fn expected(what: &str, expected: Option<Hex>, found: Option<&[u8]>) -> Result<(), String> {
    match expected {
        Some(expected) => same(what, &Some(expected), &found.map(Hex::from)),
        None => Ok(()),
    }
}
