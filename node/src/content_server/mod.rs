//! MS-PCCRTP on real sockets: any HTTP service given the content encoding, files served, web servers fronted.
//! Invariant: whether and how an answer is encoded is core's decision; what is described is one state of the content.
//! Byte order: none.
//!
//! ```text
//! FileService ─┐
//! ProxyService ┼─ PeerDistLayer ── http::server ── sockets
//! any service ─┘        │
//!                 ContentInfos: kept on disk, made once
//! ```

mod body;
mod content_infos;
mod entity_tag;
pub mod files;
mod identity;
mod info_store;
mod layer;
pub mod proxy;
mod request_fields;
mod response_fields;
pub mod server_secret;
mod settings;

pub use body::PeerDistBody;
pub use content_infos::{ContentInfos, KeptInfos, PeerDistSource};
pub use identity::FileIdentity;
pub use layer::{PeerDist, PeerDistLayer};
pub use settings::{EntityTags, Settings};
