//! Every decoder of the core behind one door, each with its own quirks and errors brought into one form.
//! Invariant: a message inside a message is shown, but never decides whether the outer one is valid.
//! Byte order: that of each message.

use core::fmt::Display;

use super::guess::{self, HashStructure};
use super::tree::{Leaves, graft, tree};
use super::{Decoded, Fault, Protocol, QuirkFound, header_lines};
use crate::content::ContentInfo;
use crate::discovery::{Message, Probe, ProbeMatch};
use crate::hosted_cache;
use crate::retrieval;
use crate::smb::{ContentInformationFile, FileBased, HashBased, ReadHashRequest};
use crate::wire::{Reader, Trace, TraceEntry};

macro_rules! faults {
    ($($error:ty;)*) => {$(
        impl From<$error> for Fault {
            fn from(error: $error) -> Self {
                Self {
                    at: error.at,
                    field: error.field.to_owned(),
                    problem: error.problem.name(),
                    requirement: Some(error.requirement()),
                    why: error.problem.to_string(),
                }
            }
        }
    )*};
}

faults! {
    crate::content::DecodeError;
    crate::discovery::DecodeError;
    crate::http_encoding::DecodeError;
    retrieval::DecodeError;
    hosted_cache::DecodeError;
    crate::smb::DecodeError;
}

macro_rules! quirks_found {
    ($set:expr) => {
        $set.iter()
            .map(|quirk| QuirkFound {
                name: quirk.name(),
                meaning: quirk.meaning(),
            })
            .collect::<Vec<_>>()
    };
}
pub(super) use quirks_found;

/// What a decoder makes of a message, the trace apart.
#[derive(Debug, Default)]
struct Outcome {
    message: String,
    quirks: Vec<QuirkFound>,
    notes: Vec<String>,
    error: Option<Fault>,
    inside: Inside,
}

/// A message inside the message.
#[derive(Debug, Default)]
enum Inside {
    #[default]
    Nothing,
    /// Content information is in the field of this name.
    Content(&'static str),
    /// A buffer of hashes is.
    Buffer,
}

impl Outcome {
    fn of(message: impl Display) -> Self {
        Self {
            message: message.to_string(),
            ..Self::default()
        }
    }

    fn with(mut self, quirks: Vec<QuirkFound>) -> Self {
        self.quirks.extend(quirks);
        self
    }

    fn holding(mut self, inside: Inside) -> Self {
        self.inside = inside;
        self
    }

    fn refused(mut self, error: impl Into<Fault>) -> Self {
        self.error = Some(error.into());
        self
    }
}

pub(super) fn decode(protocol: Protocol, bytes: &[u8]) -> Decoded<'_> {
    let trace = Trace::new();
    let leaves = match protocol {
        Protocol::Pccrd => Leaves::Text,
        _ => Leaves::Bytes,
    };
    let outcome = match protocol {
        Protocol::Pccrtp => return header_lines::decode(bytes),
        Protocol::Pccrc => content_information(bytes, &trace),
        Protocol::Pccrd => discovery(bytes, &trace),
        Protocol::Pccrr => retrieval(bytes, &trace),
        Protocol::Pchc => hosted_cache(bytes, &trace),
        Protocol::Smb => hashes(bytes, &trace),
    };
    let mut entries = trace.into_entries();
    match outcome.inside {
        Inside::Nothing => {}
        Inside::Content(holder) => graft_content(&mut entries, holder, bytes),
        Inside::Buffer => graft_buffer(&mut entries, bytes),
    }
    Decoded {
        protocol: Some(protocol),
        message: outcome.message,
        quirks: outcome.quirks,
        notes: outcome.notes,
        error: outcome.error,
        fields: tree(entries, bytes, leaves),
        bytes,
    }
}

fn content_information(bytes: &[u8], trace: &Trace) -> Outcome {
    let version = match bytes {
        [0, major, ..] => format!("content information {major}.0"),
        _ => String::from("content information"),
    };
    match ContentInfo::decode_with(Reader::traced(bytes, trace)) {
        Ok(info) => Outcome::of(version).with(quirks_found!(info.quirks())),
        Err(error) => Outcome::of(version).refused(error),
    }
}

fn discovery(bytes: &[u8], trace: &Trace) -> Outcome {
    let decoded = match Message::decode_traced(bytes, trace) {
        Ok(decoded) => decoded,
        Err(error) => {
            let mut outcome = Outcome::of("discovery message").refused(error);
            if error.is_foreign() {
                let note = "a message of WS-Discovery for somebody else, not a malformed one";
                outcome.notes.push(String::from(note));
            }
            return outcome;
        }
    };
    let message = match &decoded.message {
        Message::Probe(Probe { .. }) => "Probe",
        Message::ProbeMatch(ProbeMatch { .. }) => "ProbeMatches",
    };
    Outcome::of(message).with(quirks_found!(decoded.quirks))
}

fn retrieval(bytes: &[u8], trace: &Trace) -> Outcome {
    let reader = Reader::traced(bytes, trace);
    if guess::is_response(bytes) {
        return match retrieval::Response::decode_with(reader) {
            Ok(response) => {
                Outcome::of(response.body.message_type()).with(quirks_found!(response.quirks()))
            }
            Err(error) => Outcome::of("response").refused(error),
        };
    }
    match retrieval::Request::decode_with(reader) {
        Ok(request) => {
            Outcome::of(request.body.message_type()).with(quirks_found!(request.quirks()))
        }
        Err(error) => Outcome::of("request").refused(error),
    }
}

fn hosted_cache(bytes: &[u8], trace: &Trace) -> Outcome {
    let reader = Reader::traced(bytes, trace);
    if guess::is_hosted_cache_response(bytes) {
        return match hosted_cache::Response::decode_with(reader) {
            Ok(_) => Outcome::of("response"),
            Err(error) => Outcome::of("response").refused(error),
        };
    }
    let request = match hosted_cache::Request::decode_with(reader) {
        Ok(request) => request,
        Err(error) => return Outcome::of("request").refused(error),
    };
    let mut outcome = Outcome::of(request.message_type());
    if let hosted_cache::Request::SegmentInfo(info) = request {
        outcome.inside = Inside::Content("SegmentInformation");
        match info.segment() {
            Ok(segment) => {
                outcome.quirks = quirks_found!(segment.quirks);
                outcome.quirks.extend(quirks_found!(segment.content_quirks));
            }
            Err(bad) => {
                // The message is good all the same, and is answered as such.
                let quirk = hosted_cache::Quirk::BadContentInformationOk;
                outcome.quirks.push(QuirkFound {
                    name: quirk.name(),
                    meaning: quirk.meaning(),
                });
                outcome.notes.push(format!(
                    "nothing can be fetched by the content information inside: {bad} ({})",
                    bad.requirement()
                ));
            }
        }
    }
    outcome
}

fn hashes(bytes: &[u8], trace: &Trace) -> Outcome {
    let reader = Reader::traced(bytes, trace);
    let (name, decoded) = match guess::hash_structure(bytes) {
        Some(HashStructure::HashBased) => {
            let decoded = HashBased::decode_with(reader).map(|found| match found.offset {
                0 => Inside::Buffer,
                // From elsewhere than the start it is a piece of a file, and no structure.
                _ => Inside::Nothing,
            });
            ("SRV_HASH_RETRIEVE_HASH_BASED", decoded)
        }
        Some(HashStructure::FileBased) => {
            let decoded = FileBased::decode_with(reader).map(|_| Inside::Buffer);
            ("SRV_HASH_RETRIEVE_FILE_BASED", decoded)
        }
        Some(HashStructure::File) => {
            let decoded = ContentInformationFile::decode_with(reader);
            let decoded = decoded.map(|_| Inside::Content("ContentInformation"));
            ("HASH_HEADER and content information", decoded)
        }
        Some(HashStructure::Request) | None => {
            let decoded = ReadHashRequest::decode_with(reader).map(|_| Inside::Nothing);
            ("SRV_READ_HASH request", decoded)
        }
    };
    match decoded {
        Ok(inside) => Outcome::of(name).holding(inside),
        Err(error) => Outcome::of(name).refused(error),
    }
}

/// Shows what a buffer of hashes holds, if it is all there: a file with its header, or content information alone.
fn graft_buffer(entries: &mut Vec<TraceEntry>, bytes: &[u8]) {
    let buffer = held(entries, "Buffer", bytes);
    if guess::is_content_information(buffer) {
        graft_content(entries, "Buffer", bytes);
        return;
    }
    let trace = Trace::new();
    if ContentInformationFile::decode_with(Reader::traced(buffer, &trace)).is_ok() {
        graft(entries, "Buffer", trace);
        graft_content(entries, "ContentInformation", bytes);
    }
}

/// Shows content information inside a message, as far as it can be read.
fn graft_content(entries: &mut Vec<TraceEntry>, holder: &str, bytes: &[u8]) {
    let trace = Trace::new();
    let decoded = ContentInfo::decode_with(Reader::traced(held(entries, holder, bytes), &trace));
    if let Err(error) = decoded {
        let holder = entries.iter_mut().rfind(|entry| entry.field == holder);
        if let Some(entry) = holder.filter(|entry| entry.meaning.is_empty()) {
            entry.meaning = format!("not content information: {error}");
        }
    }
    graft(entries, holder, trace);
}

/// The bytes of the field that holds a message.
fn held<'a>(entries: &[TraceEntry], holder: &str, bytes: &'a [u8]) -> &'a [u8] {
    let entry = entries.iter().rfind(|entry| entry.field == holder);
    entry
        .and_then(|entry| bytes.get(entry.at..)?.get(..entry.length))
        .unwrap_or_default()
}
