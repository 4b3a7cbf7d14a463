//! Writes the vectors, and some scripts for the machines, into the corpus: what a fuzzer starts from.
//! Invariant: the same vectors give the same files; files that are there already stay.
//! Byte order: that of the scripts, big-endian.
//!
//! `cargo run -p peerdist-fuzz --example seed-corpus [FOLDER]`; without a folder into `fuzz/corpus`.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use peerdist::entropy::{Entropy, Purpose};
use serde_yaml::Value;

/// Longer messages are left out: a fuzzer learns nothing from their length.
const SEED_MAX_BYTES: usize = 4096;
/// Scripts made at random for each machine, and their lengths in bytes.
const SCRIPT_LENGTHS: [usize; 8] = [20, 40, 80, 160, 300, 500, 800, 1200];

const MACHINES: [&str; 8] = [
    "retrieval_server",
    "retrieval_client",
    "hosted_cache_server",
    "hosted_cache_client",
    "prober",
    "responder",
    "downloader",
    "hash_requests",
];

struct Corpus {
    folder: PathBuf,
    files: usize,
}

impl Corpus {
    fn add(&mut self, target: &str, name: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
        if bytes.len() > SEED_MAX_BYTES {
            return Ok(());
        }
        let folder = self.folder.join(target);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        self.files += 1;
        Ok(())
    }

    /// A message for a machine: in a script of a few settings, the step that takes raw bytes, and the bytes.
    fn add_script(
        &mut self,
        target: &str,
        name: &str,
        before: &[u8],
        message: &[u8],
    ) -> Result<(), Box<dyn Error>> {
        self.add(target, name, &[before, &sized(message)].concat())
    }
}

/// Bytes behind their length.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes(), bytes].concat()
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().as_chunks::<2>().0.iter();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok();
    digits.map(byte).collect()
}

fn headers(input: &Value) -> Vec<u8> {
    let headers = input.get("headers").and_then(Value::as_sequence);
    let mut lines = Vec::new();
    for header in headers.into_iter().flatten() {
        let name = text(header, "name").unwrap_or_default();
        let value = text(header, "value").unwrap_or_default();
        lines.extend_from_slice(format!("{name}: {value}\n").as_bytes());
    }
    lines
}

fn add_vector(
    corpus: &mut Corpus,
    file: &str,
    parameters: &Value,
    test: &Value,
) -> Result<(), Box<dyn Error>> {
    let Some((id, input)) = text(test, "id").zip(test.get("input")) else {
        return Err(format!("{file}: a test without id or input").into());
    };
    let bytes = |key: &str| text(input, key).and_then(hex);
    let direction = text(parameters, "direction").unwrap_or_default();
    let is_response = direction == "response";
    match file {
        _ if file.starts_with("pccrc/info") => {
            let info = bytes("info").unwrap_or_default();
            corpus.add("content_information", id, &info)?;
            corpus.add("annotated_tree", id, &info)?;
        }
        "pccrc/create.yaml" | "pccrc/cut.yaml" => {
            let kind = id.bytes().last().unwrap_or_default() % 5;
            let secret = bytes("secret_key").unwrap_or_default();
            let before = [kind, 9, 0, 200, 0, 0, 0, 77];
            corpus.add(
                "content_creation",
                id,
                &[&before[..], &sized(&secret), id.as_bytes()].concat(),
            )?;
        }
        "pccrc/key_file.yaml" => {
            let passphrase = text(input, "passphrase").unwrap_or_default();
            let rest = bytes("file").or(bytes("secret_key")).unwrap_or_default();
            corpus.add(
                "key_file",
                id,
                &[sized(passphrase.as_bytes()), rest].concat(),
            )?;
        }
        _ if file.starts_with("pccrd/message") => {
            let message = text(input, "text").unwrap_or_default().as_bytes();
            corpus.add("discovery_message", id, message)?;
            corpus.add("annotated_tree", id, message)?;
            corpus.add_script("prober", id, &[80, 1, 2, 9, 9, 1, 9, 6], message)?;
            let before = [6, 64, 7, 7, 1, 9, 9, 9, 9, 1, 4];
            corpus.add_script("responder", id, &before, message)?;
        }
        _ if file.starts_with("pccrr/message") => {
            let Some(message) = bytes("bytes") else {
                return Ok(());
            };
            corpus.add("annotated_tree", id, &message)?;
            if is_response {
                corpus.add("retrieval_response", id, &message)?;
                let ask = [0, 0, 1, 2, 3, 4, 10, 0];
                corpus.add_script("retrieval_client", id, &ask, &message)?;
                if let Some(blob) = message.get(message.len().saturating_sub(12)..) {
                    corpus.add("segment_ages", id, blob)?;
                }
            } else {
                corpus.add("retrieval_request", id, &message)?;
                corpus.add_script("retrieval_server", id, &[0, 0, 0], &message)?;
            }
        }
        "pchc/message.yaml" => {
            let Some(message) = bytes("bytes") else {
                return Ok(());
            };
            corpus.add("annotated_tree", id, &message)?;
            if is_response {
                corpus.add("hosted_cache_response", id, &message)?;
                let before = [1, 0, 0, 0, 8, 0x50, 2, 20, 0];
                corpus.add_script("hosted_cache_client", id, &before, &message)?;
            } else {
                corpus.add("hosted_cache_request", id, &message)?;
                corpus.add_script("hosted_cache_server", id, &[0xFC, 0], &message)?;
            }
        }
        "smb/message.yaml" => {
            let message = bytes("bytes").unwrap_or_default();
            corpus.add("smb_structures", id, &message)?;
            corpus.add("annotated_tree", id, &message)?;
            for version in [1, 2_u8] {
                let request = [1, 0, 0, 0, version, 0, 0, 0, version, 0, 0, 0, 0, 4, 0, 0];
                let request = [&request[..], &[0; 8]].concat();
                let before = [0, 2, 0, 0, 2, 2, 16, 0];
                let script = [&before[..], &sized(&request), &[4, 0, 0, 2, 0], &message].concat();
                corpus.add("smb_server", &format!("{id}-{version}"), &script)?;
            }
        }
        "pccrtp/header.yaml" => {
            let value = text(input, "value").unwrap_or_default();
            corpus.add("http_fields", id, value.as_bytes())?;
            let header = text(parameters, "header").unwrap_or("X-P2P-PeerDist");
            let line = format!("{header}: {value}\n");
            corpus.add("annotated_tree", id, line.as_bytes())?;
        }
        "pccrtp/negotiation.yaml" => {
            let before = [0, 2, 16, 0, 0, 0];
            corpus.add("http_server", id, &[&before[..], &headers(input)].concat())?;
        }
        "pccrtp/client.yaml" => {
            let before = [0x60, 2, 3, 232, 2, 3, 232];
            corpus.add("http_client", id, &[&before[..], &headers(input)].concat())?;
        }
        _ => {}
    }
    Ok(())
}

fn add_scripts(corpus: &mut Corpus) -> Result<(), Box<dyn Error>> {
    for (seed, target) in (0..).zip(MACHINES) {
        let mut entropy = Entropy::from_u64(seed, Purpose::Order);
        for length in SCRIPT_LENGTHS {
            let mut script = vec![0; length];
            entropy.fill(&mut script);
            corpus.add(target, &format!("script-{length}"), &script)?;
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let given = std::env::args_os().nth(1).map(PathBuf::from);
    let mut corpus = Corpus {
        folder: given.unwrap_or_else(|| package.join("corpus")),
        files: 0,
    };
    let vectors = package.join("../vectors");
    for document in ["pccrc", "pccrd", "pccrr", "pccrtp", "pchc", "smb"] {
        let mut paths: Vec<_> = fs::read_dir(vectors.join(document))?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("{document}/{name}");
            let content: Value = serde_yaml::from_str(&fs::read_to_string(&path)?)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            let groups = content.get("groups").and_then(Value::as_sequence);
            for group in groups.into_iter().flatten() {
                let parameters = group.get("parameters").unwrap_or(&Value::Null);
                let tests = group.get("tests").and_then(Value::as_sequence);
                for test in tests.into_iter().flatten() {
                    add_vector(&mut corpus, &name, parameters, test)?;
                }
            }
        }
    }
    add_scripts(&mut corpus)?;
    println!("{} files in {}", corpus.files, corpus.folder.display());
    Ok(())
}
