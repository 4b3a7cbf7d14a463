//! The PeerDist core on real files and disks: nothing of the protocol is decided here.
//!
//! Layout:
//!
//! - [`source`]: content to be read, a file or a stream, in pieces;
//! - [`content_info`]: content information made from content, and content held against it, on all cores;
//! - [`kernels`]: the choice of the fastest hash kernels;
//! - [`output`]: files that appear whole or not at all;
//! - [`secret_file`]: secret keys on disk;
//! - [`store`]: blocks on disk, as a peer or a hosted cache keeps them.

mod buffer;
pub mod content_info;
pub mod kernels;
pub mod output;
mod pipeline;
pub mod secret_file;
pub mod source;
pub mod store;
