//! The machines of core, each in a small world that a script drives.
//! Invariant: a script only does what the machine's documentation allows, so `ApiMisuse` is at fault where none is due.
//! Byte order: none.

pub(crate) mod downloader;
pub(crate) mod hash_requests;
pub(crate) mod hosted_cache_client;
pub(crate) mod hosted_cache_server;
pub(crate) mod offers;
pub(crate) mod prober;
pub(crate) mod responder;
pub(crate) mod retrieval_client;
pub(crate) mod retrieval_server;
