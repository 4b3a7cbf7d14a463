//! Fuzz targets: every decoder and every machine of core, fed with anything at all.
//! Invariant: a target only depends on the bytes it is given, and panics exactly where core is at fault.
//! Byte order: none.
//!
//! The targets are plain functions, so that ordinary tests replay the corpus (`tests/replay.rs`). The programs that
//! libFuzzer drives are in `fuzz_targets/`; README.md says how to run them and how to add one.

mod agreement;
mod content;
mod discovery;
mod hosted_cache;
mod http_encoding;
mod law;
mod machines;
mod retrieval;
mod script;
mod smb;
mod tree;

pub use content::{content_creation, content_information, key_file};
pub use discovery::discovery_message;
pub use hosted_cache::{hosted_cache_request, hosted_cache_response};
pub use http_encoding::{http_client, http_fields, http_server};
pub use machines::downloader::downloader;
pub use machines::hash_requests::hash_requests;
pub use machines::hosted_cache_client::hosted_cache_client;
pub use machines::hosted_cache_server::hosted_cache_server;
pub use machines::prober::prober;
pub use machines::responder::responder;
pub use machines::retrieval_client::retrieval_client;
pub use machines::retrieval_server::retrieval_server;
pub use retrieval::{retrieval_request, retrieval_response, segment_ages};
pub use smb::{smb_server, smb_structures};
pub use tree::annotated_tree;

#[cfg(fuzzing)]
#[doc(hidden)]
pub use libfuzzer_sys;

/// A target: it takes any bytes and panics where core is at fault.
pub type Target = fn(&[u8]);

macro_rules! targets {
    ($($name:ident)+) => {
        /// All targets, each by the name of its program and of its folder in `corpus/`.
        pub const TARGETS: &[(&str, Target)] = &[$((stringify!($name), $name)),+];
    };
}

targets! {
    content_information content_creation key_file
    retrieval_request retrieval_response segment_ages
    discovery_message
    hosted_cache_request hosted_cache_response
    http_fields http_server http_client
    smb_structures smb_server
    annotated_tree
    retrieval_server retrieval_client
    hosted_cache_server hosted_cache_client
    prober responder
    downloader
    hash_requests
}

/// The `main` of a program in `fuzz_targets/`: libFuzzer's where cargo-fuzz builds it, else one that says so.
#[macro_export]
macro_rules! program {
    ($target:ident) => {
        #[cfg(fuzzing)]
        $crate::libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::$target(data));

        #[cfg(not(fuzzing))]
        fn main() -> ::std::process::ExitCode {
            let name = stringify!($target);
            eprintln!(
                "NOT RUN: this is a program of libFuzzer; run it by cargo fuzz run -s none {name}"
            );
            ::std::process::ExitCode::from(3)
        }
    };
}
