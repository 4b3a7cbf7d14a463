//! The PeerDist core on real files and disks: nothing of the protocol is decided here.
//!
//! Layout:
//!
//! - [`source`]: content to be read, a file or a stream, in pieces;
//! - [`content_info`]: content information made from content, and content held against it, on all cores;
//! - [`output`]: files that appear whole or not at all;
//! - [`secret_file`]: secret keys on disk.

pub mod content_info;
pub mod output;
mod pipeline;
pub mod secret_file;
pub mod source;
