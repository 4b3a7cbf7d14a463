//! Replay of what a file server answers to SRV_READ_HASH: settings, file and IOCTL go into core's rule.
//! Invariant: output, its place and its length are all compared, and a refusal by the name of its status.
//! Byte order: none.

use peerdist::smb::Dialect;
use peerdist::smb::server::{
    HashLevel, OpenFile, ReadHashIoctl, ServerHashes, answer_into, output_offset,
};
use serde::Deserialize;

use crate::vectors::{Group, Hex, Test, same, typed};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    operation: String,
}

#[derive(Clone, Copy, Deserialize)]
enum Spoken {
    #[serde(rename = "2.0.2")]
    Smb202,
    #[serde(rename = "2.1")]
    Smb21,
    #[serde(rename = "3.0", alias = "3.0.2", alias = "3.1.1")]
    Smb3,
}

impl From<Spoken> for Dialect {
    fn from(spoken: Spoken) -> Self {
        match spoken {
            Spoken::Smb202 => Self::Smb202,
            Spoken::Smb21 => Self::Smb21,
            Spoken::Smb3 => Self::Smb3,
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[expect(
    clippy::enum_variant_names,
    reason = "the names are those of the document"
)]
enum ServerHashLevel {
    HashEnableAll,
    HashDisableAll,
    HashEnableShare,
}

impl From<ServerHashLevel> for HashLevel {
    fn from(level: ServerHashLevel) -> Self {
        match level {
            ServerHashLevel::HashEnableAll => Self::EnableAll,
            ServerHashLevel::HashDisableAll => Self::DisableAll,
            ServerHashLevel::HashEnableShare => Self::EnableShare,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Enabled {
    Yes,
    No,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Support {
    Supported,
    Unsupported,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Feature {
    Available,
    Missing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(non_snake_case, reason = "the names are those of the document")]
struct Given {
    SRV_READ_HASH: Support,
    branch_cache: Feature,
    newest_dialect: Spoken,
    least_file_length: u64,
    ServerHashLevel: ServerHashLevel,
    HashEnabled: Enabled,
    dialect: Spoken,
    file_length: u64,
    content_information_file: Option<Hex>,
    request: Hex,
    MaxOutputResponse: u32,
    InputOffset: u32,
    InputCount: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(non_snake_case, reason = "the names are those of the document")]
struct Answer {
    result: String,
    error: Option<String>,
    output: Option<Hex>,
    OutputOffset: Option<u32>,
    OutputCount: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(non_snake_case, reason = "the names are those of the document")]
struct Share {
    dialect: Spoken,
    ServerHashLevel: ServerHashLevel,
    HashEnabled: Enabled,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(non_snake_case, reason = "the names are those of the document")]
struct Flags {
    result: String,
    ShareFlags: u32,
}

pub(super) fn replay(group: &Group, test: &Test) -> Result<(), String> {
    let Parameters { operation } = typed("parameters", &group.parameters)?;
    match operation.as_str() {
        "answer" => answer(test),
        "share-flags" => share_flags(test),
        other => Err(format!("operation {other} of the vector")),
    }
}

fn answer(test: &Test) -> Result<(), String> {
    let given: Given = typed("input", &test.input)?;
    let expect: Answer = typed("expect", &test.expect)?;
    let server = ServerHashes {
        is_supported: given.SRV_READ_HASH == Support::Supported,
        newest: given.newest_dialect.into(),
        is_feature_present: given.branch_cache == Feature::Available,
        level: given.ServerHashLevel.into(),
        file_min_bytes: given.least_file_length,
    };
    let ioctl = ReadHashIoctl {
        dialect: given.dialect.into(),
        input: &given.request.0,
        max_output_response: given.MaxOutputResponse,
    };
    let file = given.content_information_file.as_ref();
    let file = OpenFile {
        is_share_enabled: given.HashEnabled == Enabled::Yes,
        size: given.file_length,
        content_information_file: file.map(|Hex(bytes)| bytes.as_slice()),
    };
    let mut output = Vec::new();
    let found = match answer_into(&mut output, &server, &ioctl, &file) {
        Ok(()) => Answer {
            result: "valid".to_owned(),
            error: None,
            OutputOffset: Some(output_offset(given.InputOffset, given.InputCount)),
            OutputCount: Some(output.len()),
            output: Some(Hex(output)),
        },
        Err(status) => Answer {
            result: "invalid".to_owned(),
            error: Some(status.to_string()),
            output: (!output.is_empty()).then_some(Hex(output)),
            OutputOffset: None,
            OutputCount: None,
        },
    };
    same("result", &expect.result, &found.result)?;
    same("error", &expect.error, &found.error)?;
    same("output", &expect.output, &found.output)?;
    same("OutputOffset", &expect.OutputOffset, &found.OutputOffset)?;
    same("OutputCount", &expect.OutputCount, &found.OutputCount)
}

fn share_flags(test: &Test) -> Result<(), String> {
    let given: Share = typed("input", &test.input)?;
    let expect: Flags = typed("expect", &test.expect)?;
    let server = ServerHashes {
        level: given.ServerHashLevel.into(),
        ..ServerHashes::default()
    };
    let flags = server.share_flags(given.dialect.into(), given.HashEnabled == Enabled::Yes);
    same("result", &expect.result.as_str(), &"valid")?;
    same("ShareFlags", &expect.ShareFlags, &flags)
}
