//! The rows: what is measured against what. Each builds its bytes, checks that both sides agree, and is judged.
//! Invariant: names and order are those of the table in PERFORMANCE.md; rows that only inform come last.

pub mod cipher;
pub mod files;
pub mod judge;
pub mod memory;
pub mod retrieval;
pub mod simulation;

use std::cell::OnceCell;
use std::path::PathBuf;

use crate::pinning::Cpus;
use crate::report::Row;
use crate::rivals::NotInstalled;
use crate::rivals::libcrypto::Libcrypto;
use crate::rivals::openssl_command::OpensslCommand;

/// How the rows are measured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Attempts for a row that is below its floor or noisy.
    pub attempts: u32,
    /// Pairs of a round of a row in memory.
    pub memory_pairs: u32,
    /// Pairs of a row of a file.
    pub file_pairs: u32,
    /// Length of the file, in bytes.
    pub file_len: u64,
    /// Where the file is made.
    pub file_dir: PathBuf,
}

/// What rows share; whatever is expensive is made when the first row asks for it.
#[derive(Debug)]
pub struct Context {
    /// How to measure.
    pub settings: Settings,
    /// Where to run.
    pub cpus: Cpus,
    /// The rival in memory.
    pub libcrypto: Result<Libcrypto, NotInstalled>,
    /// The rival for files.
    pub openssl: Result<OpensslCommand, NotInstalled>,
    file: OnceCell<Result<files::BigFile, String>>,
    peerdist: OnceCell<Result<PathBuf, String>>,
}

impl Context {
    /// Looks for the rivals; makes nothing yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            cpus: Cpus::detect(),
            libcrypto: Libcrypto::open(),
            openssl: OpensslCommand::find(),
            file: OnceCell::new(),
            peerdist: OnceCell::new(),
        }
    }

    /// The rival in memory as tables name it.
    #[must_use]
    pub fn evp_name(&self) -> String {
        self.libcrypto.as_ref().map_or_else(
            |_| "OpenSSL EVP".to_owned(),
            |library| {
                let version = library.version();
                let short: Vec<&str> = version.split_whitespace().take(2).collect();
                format!("{} EVP", short.join(" "))
            },
        )
    }
}

/// Measures one row once.
pub type Measure = fn(&Context) -> judge::Round;

/// Rounds of a row in memory, each with memory of its own.
const MEMORY_ROUNDS: u32 = 5;

/// A row before it is measured.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    measure: Measure,
    rounds: u32,
}

impl Entry {
    const fn memory(name: &'static str, measure: Measure) -> Self {
        Self {
            name,
            measure,
            rounds: MEMORY_ROUNDS,
        }
    }

    /// A command gets memory of its own each time it runs.
    const fn file(name: &'static str, measure: Measure) -> Self {
        Self {
            name,
            measure,
            rounds: 1,
        }
    }

    /// Measures it and gives the verdict.
    #[must_use]
    pub fn row(&self, context: &Context) -> Row {
        judge::judge(
            || (self.measure)(context),
            self.rounds,
            context.settings.attempts,
        )
    }
}

/// All rows, in order.
pub const ROWS: [Entry; 20] = [
    Entry::memory("v1-sha256", memory::v1_sha256),
    Entry::memory("v2-sha512", memory::v2_sha512),
    Entry::memory("v2-cut-and-hash", memory::v2_cut_and_hash),
    Entry::memory("aes-cbc-encrypt", cipher::encrypt),
    Entry::memory("aes-cbc-decrypt", cipher::decrypt),
    Entry::file("info-v1-1-thread", files::v1_one_thread),
    Entry::file("info-v1-2-threads", files::v1_two_threads),
    Entry::file("info-v2-2-threads", files::v2_two_threads),
    Entry::memory("retrieval-machine", retrieval::machine),
    Entry::memory("flow-events", simulation::flow_events),
    Entry::memory(
        "flow-events-beside-heap",
        simulation::flow_events_beside_heap,
    ),
    Entry::file("packet-hosts", simulation::packet_hosts),
    Entry::memory("v1-sha256-tape", memory::v1_sha256_tape),
    Entry::memory("v2-cut", memory::v2_cut),
    Entry::memory("aes-cbc-encrypt-64k-stride", cipher::encrypt_unpadded),
    Entry::memory("retrieval-negotiation", retrieval::negotiation),
    Entry::memory("retrieval-block-list", retrieval::block_list),
    Entry::memory("retrieval-block-missing", retrieval::block_missing),
    Entry::memory("retrieval-block-held", retrieval::block_held),
    Entry::file("flow-events-one-by-one", simulation::flow_events_one_by_one),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::GATES;

    #[test]
    fn every_gate_has_a_row_and_the_order_is_theirs() {
        let names: Vec<&str> = ROWS.iter().map(|entry| entry.name).collect();
        let gates: Vec<&str> = GATES.iter().map(|gate| gate.row).collect();
        assert_eq!(names[..gates.len()], gates);
    }
}
