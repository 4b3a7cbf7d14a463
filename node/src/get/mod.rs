//! The client: content from peers, a hosted cache and the origin, by the machines of core (MS-CCROD 2.8, MS-PCCRTP 3.1).
//! Invariant: what is handed on equals what the origin would have sent, or there is an error and nothing else.
//! Byte order: none.
//!
//! ```text
//!         ┌─ exchanges with peers ─┐
//! machine ┼─ ranges of the origin ─┼▶ workers: decrypt, verify, write ─▶ machine ─▶ delivered
//!         └─ searches for peers ───┘
//! ```
//!
//! - A file is written at offsets, as blocks come, beside its final name. What an interrupted run left there is held
//!   against the content information when the next one begins, block by block: there is no journal to trust.
//! - A stream gets blocks in their order, and holds everything up while its reader is behind.
//! - Whoever runs this is given its network, its seed and a seat for a store of blocks.

mod cache;
mod described;
mod discovery;
mod driver;
mod error;
mod happening;
mod head_start;
mod local;
mod offers;
mod origin;
mod pace;
mod peers;
mod plain;
mod ranges;
mod redirect;
mod report;
mod request;
mod settings;
mod share;
mod stream;
mod whole;
mod workers;

pub use cache::{BlockCache, BlocksInMemory, StoredBlocks};
pub use discovery::Discovery;
pub use error::{GetError, Kind};
pub use peerdist::client::Order;
pub use report::{Observer, Progress, Report, Shares};
pub use request::{Destination, HostedCache, Mode, Request, Sharing};
pub use settings::Settings;
pub(crate) use whole::announced;
pub use whole::fetch;
