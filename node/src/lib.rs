//! The PeerDist core on real files and disks: nothing of the protocol is decided here.
//!
//! Layout:
//!
//! - [`source`]: content to be read, a file or a stream, in pieces;
//! - [`content_info`]: content information made from content, and content held against it, on all cores;
//! - [`content_server`]: files and web servers with the content encoding of HTTP;
//! - [`net`]: the network, real or simulated; [`http`]: servers and clients over it;
//! - [`clock`]: tokio's time as core counts it;
//! - [`discovery`]: who on the local subnet has which segments (MS-PCCRD);
//! - [`counters`]: what is counted;
//! - [`get`]: the client, which fetches content from peers, a hosted cache and the origin;
//! - [`forward`]: a proxy through which any program of this machine gets content as the client does;
//! - [`peer`]: the retrieval server and its responder (MS-PCCRR, MS-PCCRD);
//! - [`activity`], [`admin`]: what happened lately, and the page and numbers for administrators;
//! - [`hosted_cache`]: the hosted cache of a branch (MS-PCHC);
//! - [`kernels`]: the choice of the fastest hash kernels;
//! - [`output`]: files that appear whole or not at all;
//! - [`secret_file`]: secret keys on disk;
//! - [`store`]: blocks on disk, as a peer or a hosted cache keeps them;
//! - [`world`]: threads for work, wall time and random numbers, of the machine or of a simulation.

pub mod activity;
pub mod admin;
mod buffer;
pub mod clock;
pub mod content_info;
pub mod content_server;
pub mod counters;
pub mod discovery;
pub mod forward;
pub mod get;
pub mod hosted_cache;
pub mod http;
pub mod kernels;
pub mod net;
pub mod output;
pub mod peer;
mod pipeline;
pub mod secret_file;
pub mod source;
mod spare;
pub mod store;
pub mod world;
