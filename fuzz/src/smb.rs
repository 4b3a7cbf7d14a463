//! SRV_READ_HASH (MS-SMB2 2.2.31.2, 2.2.32.4): its structures, and the server's answer to anything.
//! Invariant: an answer fits the room that the client gave, and what is refused leaves no byte behind.
//! Byte order: none, core reads the numbers.

use peerdist::content::{ContentInfo, Version};
use peerdist::smb::server::{
    HashLevel, OpenFile, ReadHashIoctl, ServerHashes, answer_into, output_offset,
};
use peerdist::smb::{
    ContentInformationFile, Dialect, FileBased, HashBased, ReadHashRequest, RetrievalType,
};

use crate::agreement::decoded;
use crate::script::Script;

/// Decodes all structures and writes them again.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn smb_structures(data: &[u8]) {
    if let Ok(request) = decoded!(data, ReadHashRequest) {
        assert_eq!(request.encode(), data);
    }
    if let Ok(response) = decoded!(data, HashBased) {
        agrees(
            &response.encode(),
            data,
            HashBased::decode(&response.encode()).ok(),
            response,
        );
    }
    if let Ok(response) = decoded!(data, FileBased) {
        agrees(
            &response.encode(),
            data,
            FileBased::decode(&response.encode()).ok(),
            response,
        );
    }
    if let Ok(file) = decoded!(data, ContentInformationFile) {
        let encoded = file.encode();
        assert!(encoded.len() <= data.len(), "what follows is left out");
        assert_eq!(ContentInformationFile::decode(&encoded), Ok(file));
        assert_eq!(file.header.encode().len(), file.header.encoded_len());
    }
}

/// Reserved bytes aside, a structure is written as it was read.
fn agrees<T: PartialEq + core::fmt::Debug>(encoded: &[u8], data: &[u8], again: Option<T>, read: T) {
    assert_eq!(encoded.len(), data.len());
    assert_eq!(again, Some(read));
}

/// Lets a server answer any IOCTL about any file.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn smb_server(data: &[u8]) {
    const BEFORE: &[u8] = b"what was there";
    let mut script = Script::new(data);
    let dialects = [Dialect::Smb202, Dialect::Smb21, Dialect::Smb3];
    let levels = [
        HashLevel::EnableAll,
        HashLevel::DisableAll,
        HashLevel::EnableShare,
    ];
    let bits = script.byte();
    let server = ServerHashes {
        is_supported: bits & 8 == 0,
        newest: *script.pick(&dialects).expect("three"),
        is_feature_present: bits & 1 == 0,
        level: *script.pick(&levels).expect("three"),
        file_min_bytes: script.byte().into(),
    };
    let ioctl = ReadHashIoctl {
        dialect: *script.pick(&dialects).expect("three"),
        max_output_response: u32::try_from(script.length()).unwrap_or(u32::MAX),
        input: script.bytes(),
    };
    let size = script.length();
    let file = OpenFile {
        is_share_enabled: bits & 2 == 0,
        size,
        content_information_file: (bits & 4 == 0).then(|| script.rest()),
    };
    let _ = output_offset(ioctl.max_output_response, bits.into());
    let _ = server.share_flags(ioctl.dialect, file.is_share_enabled);
    let mut out = BEFORE.to_vec();
    let answer = answer_into(&mut out, &server, &ioctl, &file);
    let Some((before, output)) = out.split_at_checked(BEFORE.len()) else {
        panic!("bytes are gone");
    };
    assert_eq!(before, BEFORE);
    if let Err(status) = answer {
        assert!(output.is_empty(), "{status:?}, and {} bytes", output.len());
        return;
    }
    assert!(output.len() <= ioctl.max_output_response as usize);
    let request = ioctl.input.get(..24).map(ReadHashRequest::decode);
    let request = request
        .expect("24 bytes")
        .expect("a request that was answered");
    if request.retrieval_type == RetrievalType::HASH_BASED {
        let answer = HashBased::decode(output).expect("an answer");
        assert_eq!(answer.offset, request.offset);
        assert!(answer.buffer.len() <= request.length as usize);
        let at = usize::try_from(answer.offset).expect("an offset within the file");
        let rest = file
            .content_information_file
            .and_then(|file| file.get(at..));
        assert!(rest.is_some_and(|rest| rest.starts_with(answer.buffer)));
    } else {
        let answer = FileBased::decode(output).expect("an answer");
        let start = answer.file_data_offset;
        assert!(start <= request.offset && request.offset - start < answer.file_data_length);
        let info = match request.offset {
            0 => {
                ContentInformationFile::decode(answer.buffer)
                    .expect("a file")
                    .content_information
            }
            _ => answer.buffer,
        };
        let info = ContentInfo::decode(info).expect("content information");
        assert_eq!(info.version(), Version::V2);
        assert_eq!(
            (info.range().start, info.range().length),
            (start, answer.file_data_length)
        );
    }
}
