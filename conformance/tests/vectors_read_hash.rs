//! The vectors of SRV_READ_HASH notice each mistake of a server, and each other status.
//!
//! A server that does not look at something answers as if that were in order. So the request, the file or the settings
//! are put in order, and what the vector expects must not come out any more.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it stands"
)]

use std::collections::BTreeSet;
use std::path::Path;

use peerdist_conformance::vectors::{self, File, Group, Hex, Test};
use serde_yaml::Value;

const PATH: &str = "../vectors/smb/read_hash.yaml";
const STATUSES: [&str; 6] = [
    "STATUS_NOT_SUPPORTED",
    "STATUS_HASH_NOT_PRESENT",
    "STATUS_BUFFER_TOO_SMALL",
    "STATUS_INVALID_PARAMETER",
    "STATUS_HASH_NOT_SUPPORTED",
    "STATUS_END_OF_FILE",
];

/// What a server does wrong, the entry that it breaks, and what it sees in place of an input.
type Mistake = (&'static str, &'static str, fn(&mut Seen<'_>));

fn file() -> File {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PATH);
    vectors::parse(&path, &std::fs::read_to_string(&path).unwrap()).unwrap()
}

fn tests<'a>(file: &'a File, operation: &'a str) -> impl Iterator<Item = (&'a Group, &'a Test)> {
    let of_operation = move |group: &&Group| group.parameters["operation"] == operation;
    file.groups
        .iter()
        .filter(of_operation)
        .flat_map(|group| group.tests.iter().map(move |test| (group, test)))
}

/// The input as a server with a mistake sees it.
struct Seen<'a>(&'a mut Value);

impl Seen<'_> {
    fn text(&self, key: &str) -> String {
        self.0[key].as_str().unwrap_or_default().to_owned()
    }

    fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.0[key] = value.into();
    }

    fn if_is(&mut self, key: &str, found: &str, value: &str) {
        if self.0[key] == found {
            self.put(key, value);
        }
    }

    fn number(&self, key: &str) -> u64 {
        self.0[key].as_u64().unwrap()
    }

    /// Bytes of the input; none where they are missing.
    fn bytes(&self, key: &str) -> Vec<u8> {
        Hex::parse(&self.text(key)).unwrap().0
    }

    fn put_bytes(&mut self, key: &str, bytes: &[u8]) {
        self.put(key, format!("{:?}", Hex::from(bytes)));
    }

    /// Writes over bytes, where there are so many.
    fn over(&mut self, key: &str, at: usize, new: &[u8]) {
        let mut bytes = self.bytes(key);
        if let Some(place) = bytes.get_mut(at..at + new.len()) {
            place.copy_from_slice(new);
            self.put_bytes(key, &bytes);
        }
    }

    /// A field of the request, of 4 or 8 bytes; `None` where it ends before.
    fn asked(&self, at: usize) -> Option<u64> {
        let length = if at == OFFSET { 8 } else { 4 };
        let bytes = self.bytes("request");
        let field = bytes.get(at..at + length)?.iter().rev();
        Some(field.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn is_hash_based(&self) -> bool {
        self.asked(RETRIEVAL) == Some(1)
    }

    fn ask(&mut self, at: usize, value: u64) {
        let length = if at == OFFSET { 8 } else { 4 };
        self.over("request", at, &value.to_le_bytes()[..length]);
    }

    fn add_room(&mut self, more: i64) {
        let room = self.number("MaxOutputResponse").saturating_add_signed(more);
        self.put("MaxOutputResponse", room.min(u32::MAX.into()));
    }

    fn least_room(&mut self, is_hash_based: bool, least: u64) {
        if self.is_hash_based() == is_hash_based {
            let room = self.number("MaxOutputResponse").max(least);
            self.put("MaxOutputResponse", room);
        }
    }

    fn offset_below(&mut self, is_hash_based: bool, end: usize) {
        let last = (end as u64).saturating_sub(1);
        if let Some(offset) = self.asked(OFFSET)
            && self.is_hash_based() == is_hash_based
        {
            self.ask(OFFSET, offset.min(last));
        }
    }

    /// A good content information file of the version that is asked for, from another vector.
    fn put_good_file(&mut self) {
        let wanted = if self.is_hash_based() { "0001" } else { "0040" };
        let file = file();
        let good = tests(&file, "answer").find(|(_, test)| test.id.ends_with(wanted));
        self.put(INFO, good.unwrap().1.input[INFO].clone());
    }
}

const INFO: &str = "content_information_file";
/// Places of the fields of the request.
const HASH_TYPE: usize = 0;
const VERSION: usize = 4;
const RETRIEVAL: usize = 8;
const LENGTH: usize = 12;
const OFFSET: usize = 16;

const ANSWERS: &[Mistake] = &[
    (
        "answers a request that it does not know",
        "SMB2-3.3.5.15.7-01",
        |seen| {
            seen.put("SRV_READ_HASH", "supported");
        },
    ),
    ("answers in 2.0.2", "SMB2-2.2.31.2-01", |seen| {
        seen.if_is("dialect", "2.0.2", "3.1.1");
        seen.if_is("newest_dialect", "2.0.2", "3.1.1");
    }),
    (
        "has hashes without the feature",
        "SMB2-3.3.5.15.7-02",
        |seen| {
            seen.put("branch_cache", "available");
        },
    ),
    ("has hashes of short files", "SMB2-3.3.5.15.7-02", |seen| {
        seen.put("least_file_length", 0);
    }),
    (
        "takes one byte less for long enough",
        "SMB2-3.3.5.15.7-02",
        |seen| {
            seen.put(
                "least_file_length",
                seen.number("least_file_length").saturating_sub(1),
            );
        },
    ),
    (
        "wants a file of one byte more",
        "SMB2-3.3.5.15.7-02",
        |seen| {
            seen.put("least_file_length", seen.number("least_file_length") + 1);
        },
    ),
    ("fills up a short request", "SMB2-3.3.5.15.7-03", |seen| {
        let mut request = seen.bytes("request");
        request.resize(request.len().max(24), 0);
        seen.put_bytes("request", &request);
    }),
    ("wants 24 bytes and no more", "SMB2-3.3.5.15.7-03", |seen| {
        if seen.bytes("request").len() > 24 {
            seen.put("request", "");
        }
    }),
    ("finds room in 15 bytes", "SMB2-3.3.5.15.7-04", |seen| {
        seen.least_room(true, 16);
    }),
    ("finds room in 23 bytes", "SMB2-3.3.5.15.7-04", |seen| {
        seen.least_room(false, 24);
    }),
    ("wants 17 bytes of room", "SMB2-3.3.5.15.7-04", |seen| {
        if seen.is_hash_based() {
            seen.add_room(-1);
        }
    }),
    ("wants 25 bytes of room", "SMB2-3.3.5.15.7-04", |seen| {
        if !seen.is_hash_based() {
            seen.add_room(-1);
        }
    }),
    ("does not look at HashType", "SMB2-3.3.5.15.7-05", |seen| {
        seen.ask(HASH_TYPE, 1);
    }),
    ("has version 2 in 2.1", "SMB2-3.3.5.15.7-06", |seen| {
        seen.if_is("newest_dialect", "2.1", "3.0");
    }),
    ("has version 1 alone", "SMB2-3.3.5.15.7-07", |seen| {
        seen.put("newest_dialect", "2.1");
    }),
    ("takes other versions for 1", "SMB2-3.3.5.15.7-07", |seen| {
        if !matches!(seen.asked(VERSION), Some(1 | 2)) {
            seen.ask(VERSION, 1);
        }
    }),
    (
        "takes other retrieval types for 1",
        "SMB2-3.3.5.15.7-08",
        |seen| {
            if !matches!(seen.asked(RETRIEVAL), Some(1 | 2)) {
                seen.ask(RETRIEVAL, 1);
            }
        },
    ),
    ("goes by the version alone", "SMB2-3.3.5.15.7-09", |seen| {
        if let Some(version @ (1 | 2)) = seen.asked(VERSION) {
            seen.ask(RETRIEVAL, version);
        }
    }),
    (
        "goes by the retrieval type alone",
        "SMB2-3.3.5.15.7-09",
        |seen| {
            if let Some(retrieval @ (1 | 2)) = seen.asked(RETRIEVAL) {
                seen.ask(VERSION, retrieval);
            }
        },
    ),
    ("cannot be switched off", "SMB2-3.3.5.15.7-10", |seen| {
        seen.if_is("ServerHashLevel", "HashDisableAll", "HashEnableAll");
    }),
    ("asks the share instead", "SMB2-3.3.1.5-01", |seen| {
        seen.put("ServerHashLevel", "HashEnableShare");
    }),
    ("never asks the share", "SMB2-3.3.5.15.7-11", |seen| {
        seen.put("HashEnabled", "yes");
    }),
    (
        "asks the share where all have hashes",
        "SMB2-3.3.5.15.7-11",
        |seen| {
            seen.if_is("ServerHashLevel", "HashEnableAll", "HashEnableShare");
        },
    ),
    (
        "has a file that cannot be opened",
        "SMB2-3.3.5.15.7-12",
        |seen| {
            if seen.0.get(INFO).is_none() {
                seen.put_good_file();
            }
        },
    ),
    ("has a file that is empty", "SMB2-3.3.5.15.7-15", |seen| {
        if seen.0.get(INFO).is_some_and(|bytes| bytes == "") {
            seen.put_good_file();
        }
    }),
    (
        "takes an empty file for one that ends",
        "SMB2-3.3.5.15.7-15",
        |seen| {
            if seen.0.get(INFO).is_some_and(|bytes| bytes == "") {
                seen.put_good_file();
                seen.ask(OFFSET, u64::MAX);
            }
        },
    ),
    (
        "sends more than there is room for",
        "SMB2-3.3.5.15.7-13",
        |seen| seen.add_room(1),
    ),
    ("leaves a byte of room", "SMB2-3.3.5.15.7-13", |seen| {
        seen.add_room(-1);
    }),
    ("does not look at the room", "SMB2-3.3.5.15.7-13", |seen| {
        seen.add_room(i64::MAX);
    }),
    ("does not look at Length", "SMB2-3.3.5.15.7-13", |seen| {
        seen.ask(LENGTH, u64::MAX);
    }),
    (
        "takes one byte more than Length",
        "SMB2-3.3.5.15.7-13",
        |seen| {
            let length = seen.asked(LENGTH).unwrap_or_default();
            seen.ask(LENGTH, (length + 1).min(u32::MAX.into()));
        },
    ),
    (
        "takes one byte less than Length",
        "SMB2-3.3.5.15.7-13",
        |seen| {
            let length = seen.asked(LENGTH).unwrap_or_default();
            seen.ask(LENGTH, length.saturating_sub(1));
        },
    ),
    ("reads from the start", "SMB2-3.3.5.15.7-14", |seen| {
        seen.ask(OFFSET, 0);
    }),
    ("reads 32 bits of Offset", "SMB2-3.3.5.15.7-16", |seen| {
        seen.over("request", OFFSET + 4, &[0; 4]);
    }),
    (
        "reads 32 bits of Offset in the file",
        "SMB2-3.3.5.15.7-17",
        |seen| {
            seen.over("request", OFFSET + 4, &[0; 4]);
        },
    ),
    (
        "goes back to the last byte of the hashes",
        "SMB2-3.3.5.15.7-16",
        |seen| {
            seen.offset_below(true, seen.bytes(INFO).len());
        },
    ),
    (
        "goes back to the last byte of the file",
        "SMB2-3.3.5.15.7-17",
        |seen| {
            let end = usize::try_from(seen.number("file_length")).unwrap();
            seen.offset_below(false, end);
        },
    ),
    (
        "measures the file by its hashes",
        "SMB2-3.3.5.15.7-17",
        |seen| {
            if !seen.is_hash_based() {
                seen.put("least_file_length", 0);
                seen.put("file_length", seen.bytes(INFO).len());
            }
        },
    ),
    (
        "measures the hashes by the file",
        "SMB2-3.3.5.15.7-16",
        |seen| {
            let end = usize::try_from(seen.number("file_length")).unwrap();
            if seen.is_hash_based() && seen.asked(OFFSET) >= Some(end as u64) {
                seen.ask(OFFSET, u64::MAX);
            }
        },
    ),
    (
        "does not look at the header's layout",
        "SMB2-3.3.5.15.7-18",
        |seen| {
            seen.over(INFO, 24, &[0; 4]);
            seen.over(INFO, 28, &36u32.to_le_bytes());
            seen.over(INFO, 34, &[0; 2]);
        },
    ),
    (
        "does not look at the header's HashType",
        "SMB2-3.3.5.15.7-19",
        |seen| {
            seen.over(INFO, 0, &1u32.to_le_bytes());
        },
    ),
    (
        "holds the header's HashType against the retrieval type",
        "SMB2-3.3.5.15.7-19",
        |seen| {
            let is_same =
                seen.bytes(INFO).first().map(|byte| u64::from(*byte)) == seen.asked(RETRIEVAL);
            seen.over(INFO, 0, &u32::from(is_same).to_le_bytes());
        },
    ),
    (
        "does not look at the header's HashVersion",
        "SMB2-3.3.5.15.7-20",
        |seen| {
            let version = u32::try_from(seen.asked(VERSION).unwrap_or_default()).unwrap();
            seen.over(INFO, 4, &version.to_le_bytes());
        },
    ),
    ("does not look at Dirty", "SMB2-3.3.5.15.7-21", |seen| {
        seen.over(INFO, 32, &[0; 2]);
    }),
    ("looks at one byte of Dirty", "SMB2-3.3.5.15.7-21", |seen| {
        seen.over(INFO, 33, &[0]);
    }),
    ("rounds down", "SMB2-3.3.5.15.7-22", |seen| {
        let end = seen.number("InputOffset") + seen.number("InputCount");
        seen.put("InputOffset", end & !7);
        seen.put("InputCount", 0);
    }),
    ("rounds before it adds", "SMB2-3.3.5.15.7-22", |seen| {
        for key in ["InputOffset", "InputCount"] {
            seen.put(key, seen.number(key).next_multiple_of(8));
        }
    }),
    ("leaves InputCount out", "SMB2-3.3.5.15.7-22", |seen| {
        seen.put("InputCount", 0);
    }),
];

const SHARES: &[Mistake] = &[
    ("sets flags in 2.0.2", "SMB2-2.2.10-01", |seen| {
        seen.if_is("dialect", "2.0.2", "2.1");
    }),
    ("sets version 2 in 2.1", "SMB2-2.2.10-02", |seen| {
        seen.if_is("dialect", "2.1", "3.0");
    }),
    ("sets nothing in 2.1", "SMB2-3.3.5.7-02", |seen| {
        seen.if_is("dialect", "2.1", "2.0.2");
    }),
    ("knows 3.1.1 alone", "SMB2-3.3.5.7-01", |seen| {
        seen.if_is("dialect", "3.0.2", "2.1");
    }),
    ("does not look at the share", "SMB2-3.3.5.7-01", |seen| {
        seen.put("HashEnabled", "yes");
    }),
    (
        "counts all shares as having hashes",
        "SMB2-3.3.5.7-01",
        |seen| {
            if seen.text("ServerHashLevel") == "HashEnableAll" {
                seen.put("HashEnabled", "yes");
            }
        },
    ),
    ("cannot be switched off", "SMB2-3.3.1.5-01", |seen| {
        seen.if_is("ServerHashLevel", "HashDisableAll", "HashEnableShare");
    }),
];

#[test]
fn each_mistake_of_a_server_fails_a_vector_of_the_entry_that_it_breaks() {
    let file = file();
    for (operation, mistakes) in [("answer", ANSWERS), ("share-flags", SHARES)] {
        for (what, entry, change) in mistakes {
            let mut naming = tests(&file, operation)
                .filter(|(_, test)| test.requirements.iter().any(|id| id == entry));
            let notices = |(group, test): (&Group, &Test)| {
                let mut seen = test.clone();
                change(&mut Seen(&mut seen.input));
                let failure = vectors::replay(&file, group, &seen).failure;
                // What cannot be read any more would be noticed by anybody.
                let is_read = |why: &String| !why.contains("of the vector");
                assert!(failure.iter().all(is_read), "{what}: {failure:?}");
                seen.input != test.input && failure.is_some()
            };
            assert!(
                naming.any(notices),
                "a server that {what} passes all vectors of {entry}"
            );
        }
    }
}

#[test]
fn every_entry_that_a_refusal_names_has_a_mistake() {
    let file = file();
    let refused = tests(&file, "answer").filter(|(_, test)| test.expect.get("error").is_some());
    let named: BTreeSet<&str> = refused
        .flat_map(|(_, test)| &test.requirements)
        .map(String::as_str)
        .filter(|id| id.starts_with("SMB2-3.3"))
        .collect();
    let broken: BTreeSet<&str> = ANSWERS.iter().map(|(_, entry, _)| *entry).collect();
    assert!(named.len() >= 20, "{named:?}");
    let whole: Vec<_> = named.difference(&broken).collect();
    assert!(whole.is_empty(), "nobody breaks {whole:?}");
}

#[test]
fn another_status_than_the_expected_fails_every_vector() {
    let file = file();
    let mut changed = 0;
    for (group, test) in tests(&file, "answer") {
        let expected = test.expect.get("error").and_then(Value::as_str);
        for status in STATUSES.iter().filter(|status| Some(**status) != expected) {
            let mut other = test.clone();
            other.expect =
                serde_yaml::from_str(&format!("{{result: invalid, error: {status}}}")).unwrap();
            let outcome = vectors::replay(&file, group, &other);
            assert!(
                outcome.failure.is_some(),
                "{} passes with {status}",
                test.id
            );
            changed += 1;
        }
    }
    assert!(changed > 900, "only {changed} statuses were changed");
}
