//! Vectors of MS-PCCRC 2.5: the encrypted key file.
//! Invariant: exports are compared byte for byte, imports by secret key or by the name of the error.
//! Byte order: none.

use peerdist::content::SecretKey;
use serde::Deserialize;

use super::{Group, Test, Verdict, same, typed};
use crate::vectors::Hex;

#[derive(Deserialize)]
#[serde(tag = "operation", rename_all = "lowercase", deny_unknown_fields)]
enum Parameters {
    Export,
    Import,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    passphrase: String,
    secret_key: Option<Hex>,
    file: Option<Hex>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    result: Verdict,
    file: Option<Hex>,
    secret_key: Option<Hex>,
    error: Option<String>,
}

pub(super) fn replay(group: &Group, test: &Test) -> Result<(), String> {
    let input: Input = typed("input", &test.input)?;
    let expect: Expect = typed("expect", &test.expect)?;
    let outcome = match typed("parameters", &group.parameters)? {
        Parameters::Export => {
            let key = SecretKey::new(input.secret_key.map(|Hex(bytes)| bytes).unwrap_or_default());
            let key = key.map_err(|error| error.to_string())?;
            key.export(&input.passphrase)
                .map(|file| (Some(Hex(file)), None))
        }
        Parameters::Import => {
            let file = input.file.map(|Hex(bytes)| bytes).unwrap_or_default();
            SecretKey::import(&file, &input.passphrase)
                .map(|key| (None, Some(Hex::from(key.expose()))))
        }
    };
    let (result, (file, secret_key), error) = match outcome {
        Ok(found) => (Verdict::Valid, found, None),
        Err(error) => (
            Verdict::Invalid,
            (None, None),
            Some(error.name().to_owned()),
        ),
    };
    same("result", &expect.result, &result)?;
    same("error", &expect.error, &error)?;
    same("file", &expect.file, &file)?;
    same("secret key", &expect.secret_key, &secret_key)
}
